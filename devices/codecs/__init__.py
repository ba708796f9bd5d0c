"""Payload formats: bytes to readings and back, one module per format.

Knows formats and device models; knows neither topics nor the store. A codec is total and silent: for any bytes it
returns, or raises `PayloadError`; it neither logs nor reads a clock.
"""

from __future__ import annotations

from devices.codecs.bare_bytes import BARE_BYTES
from devices.codecs.base import (
    NESTING_MAX,
    PAYLOAD_BYTES_MAX,
    READINGS_MAX,
    Codec,
    Decoded,
    Fault,
    Frame,
    Reading,
)
from devices.codecs.cbor_paths import CBOR_PATHS
from devices.codecs.csv_lines import CSV_LINES
from devices.codecs.documents import DocumentCodec
from devices.codecs.dsmr import DSMR_P1
from devices.codecs.json_paths import JSON_PATHS
from devices.codecs.lorawan import LORAWAN
from devices.codecs.mbus import MBUS
from devices.codecs.ngsi import NGSI_LD, NGSI_V2
from devices.codecs.payloads import PAYLOADS
from devices.codecs.senml import SENML_JSON
from devices.codecs.senml_cbor import SENML_CBOR
from devices.codecs.sensorthings import SENSORTHINGS
from devices.codecs.sparkplug import SPARKPLUG_B
from devices.codecs.text import BARE_TEXT
from devices.errors import nearest
from devices.models import DeviceModel
from devices.payloads import PayloadOptions

CODECS: tuple[Codec, ...] = (
    SENML_JSON,
    SENML_CBOR,
    JSON_PATHS,
    CBOR_PATHS,
    CSV_LINES,
    BARE_TEXT,
    LORAWAN,
    BARE_BYTES,
    DSMR_P1,
    MBUS,
    SPARKPLUG_B,
    NGSI_LD,
    NGSI_V2,
    SENSORTHINGS,
)
"""Every format, in the order `docs/devices.md` describes them."""

_BY_NAME = {codec.name: codec for codec in CODECS}


def codec(name: str) -> Codec:
    """Return the codec of a name.

    Raises:
        KeyError: no such codec; the message names the nearest.
    """
    if name not in _BY_NAME:
        raise KeyError(f"unknown codec {name!r}{nearest(name, _BY_NAME)}")
    return _BY_NAME[name]


def prepare(model: DeviceModel) -> None:
    """Make ready what a model's messages need, so that the first one does not wait for it."""
    if isinstance(model.options, PayloadOptions):
        decoder = PAYLOADS.get(model.options.decoder)
        if decoder is not None and decoder.prepare is not None:
            decoder.prepare(model.options.rules)
    chosen = _BY_NAME[model.codec]
    if isinstance(chosen, DocumentCodec):
        chosen.known(model)


__all__ = [
    "CODECS", "NESTING_MAX", "PAYLOAD_BYTES_MAX", "READINGS_MAX", "Codec", "Decoded", "Fault", "Frame", "Reading",
    "codec", "prepare",
]  # fmt: skip
