"""SenML in CBOR (RFC 8428, section 6): `senml-cbor`.

Knows which integer stands for which label; all the rest is `devices.codecs.senml`.
"""

from __future__ import annotations

import base64
from types import MappingProxyType
from typing import Final

from devices.codecs.cbor import dump_cbor, parse_cbor
from devices.codecs.jsontext import NumberText
from devices.codecs.senml import Senml
from devices.errors import PayloadError, quoted

LABELS: Final = MappingProxyType(
    {
        "bver": "-1", "bn": "-2", "bt": "-3", "bu": "-4", "bv": "-5", "bs": "-6",
        "n": "0", "u": "1", "v": "2", "vs": "3", "vb": "4", "s": "5", "t": "6", "ut": "7", "vd": "8",
    }
)  # fmt: skip
"""Labels of JSON to the integers of CBOR (table 4). The table is closed: extensions have texts as labels."""
_BY_INTEGER: Final = {integer: label for label, integer in LABELS.items()}


def _read(payload: bytes) -> object:
    """Return a pack with the labels and types of JSON.

    Raises:
        PayloadError: as `parse_cbor`, or a label of the table is written as a text, or a data value is no bytes.
    """
    pack = parse_cbor(payload)
    if not isinstance(pack, list):
        return pack
    return [_labelled(item, number) if isinstance(item, dict) else item for number, item in enumerate(pack, 1)]


def _labelled(item: dict[str, object], number: int) -> dict[str, object]:
    record: dict[str, object] = {}
    for name, value in item.items():
        if isinstance(name, NumberText):
            record[_BY_INTEGER.get(name, str(name))] = value
        elif name in LABELS:
            raise PayloadError("malformed", f"record {number}: expected {LABELS[name]} as label, got {quoted(name)}")
        else:
            record[name] = value
    if "vd" in record:
        data = record["vd"]
        if not isinstance(data, bytes):
            raise PayloadError("malformed", f"record {number}: expected a byte string as vd")
        record["vd"] = base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
    return record


def _write(pack: object) -> bytes:
    """Return a pack of ours as CBOR."""
    assert isinstance(pack, list)  # noqa: S101  # `Senml.encode` makes one
    return dump_cbor([{LABELS[label]: value for label, value in record.items()} for record in pack])


SENML_CBOR = Senml("senml-cbor", _read, _write)
