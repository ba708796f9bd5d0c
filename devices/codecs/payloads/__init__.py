"""The device's own part of a message: bytes to a document and back, one module per decoder.

Knows bytes, the port they came on, and what a model says of them; knows neither envelopes nor fields. A decoder is
total and pure: for any bytes it returns, or raises `PayloadError`, in bounded time and memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from devices.codecs.payloads import cayenne_lpp, javascript, layout, layout_write


class PayloadDecoder(NamedTuple):
    """One decoder."""

    decode: Callable[[bytes, int | None, int, object], object]
    """(bytes, port or None, time of the uplink in microseconds UTC, `PayloadOptions.rules`) to a document: objects,
    arrays, texts, `NumberText`, true, false and null. Raises `PayloadError` and nothing else."""
    encode: Callable[[object, int, object], tuple[bytes, int]] | None = None
    """(document, port or 0 for any, rules) to bytes that decode to it, and the port they are sent on; raises ValueError
    where they cannot. None: no way back."""
    prepare: Callable[[object], None] | None = None
    """Makes ready what rules need, so that the first message does not wait. None: nothing takes long."""


PAYLOADS: Final[Mapping[str, PayloadDecoder]] = MappingProxyType(
    {
        "cayenne-lpp": PayloadDecoder(cayenne_lpp.decode, cayenne_lpp.encode),
        "layout": PayloadDecoder(layout.decode, layout_write.encode),
        "javascript": PayloadDecoder(javascript.decode, prepare=javascript.prepare),
    }
)
"""Every decoder of bytes, by the name that models use."""


def encode_payload(name: str, document: object, f_port: int, rules: object) -> tuple[bytes, int]:
    """Return bytes that decode to a document, and the port they are sent on: the one given, or any where it is 0.

    Raises:
        ValueError: they cannot say it, or the decoder only decodes.
    """
    encode = PAYLOADS[name].encode
    if encode is None:
        raise ValueError(f"decoder {name!r} only decodes: nothing can be encoded with it")
    return encode(document, f_port, rules)


__all__ = ["PAYLOADS", "PayloadDecoder", "encode_payload"]
