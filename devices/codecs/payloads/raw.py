"""Single values of a layout: bytes to what they say and back.

Knows types, orders of bytes and scales; knows nothing of what stands around a value.
"""

from __future__ import annotations

import math
import struct
from typing import Final

from devices.codecs.jsontext import NumberText
from devices.errors import PayloadError, ValueRefusedError
from devices.layouts import Part, Scalar
from devices.ticks import Number, divide_half_even, parse_number, text_from_float, text_from_number

_FLOATS: Final = {2: "e", 4: "f", 8: "d"}


def swapped(data: bytes, endian: str) -> bytes:
    """Return bytes with the most significant first; applied twice it returns what it was given."""
    if endian == "little":
        return data[::-1]
    if endian == "swapped":
        return b"".join(data[at : at + 2] for at in range(len(data) - 2, -1, -2))
    return data


def read(part: Part, data: bytes, at: int) -> tuple[object, int | None]:
    """Return what the bytes of a part say, None where they say that there is no reading, and them as a number.

    Args:
        part: any part but a constant or a skipped one.
        data: its bytes.
        at: where they stand in the message, for faults.

    Raises:
        PayloadError: `malformed`, they say nothing of their type.
    """
    if part.kind == "hex":
        return data.hex(), None
    if part.kind == "ascii":
        try:
            return data.decode("ascii").rstrip("\x00 "), None
        except UnicodeDecodeError as error:
            raise PayloadError(
                "malformed", f"byte {at + error.start}: expected ASCII, got {data[error.start]:#04x}"
            ) from error
    ordered = swapped(data, part.endian)
    sent = int.from_bytes(ordered, "big")
    if part.kind == "f":
        return _float(part, ordered, sent), None
    if part.kind == "bcd":
        if sent in part.value.missing:
            return None, None
        digits = ordered.hex()
        if not digits.isdecimal():
            raise PayloadError("malformed", f"byte {at}: expected decimal digits, got {digits}")
        sent = int(digits)
    if part.kind == "s" and sent >> (8 * part.size - 1):
        sent = (1 << 8 * part.size - 1) - sent  # the rest of it, below 0
    return read_whole(part.value, sent, 8 * part.size, signed=part.kind == "i")


def read_whole(value: Scalar, sent: int, width: int, *, signed: bool) -> tuple[object, int]:
    """Return what a whole number of so many bits says, None where that is "no reading", and the number."""
    number = sent - (1 << width) if signed and sent >> (width - 1) else sent
    if number in value.missing or sent in value.missing:
        return None, number
    for known, word in value.names:
        if known == number:
            return word, number
    return NumberText(text_from_number(_scaled(Number(number, 0), value))), number


def _float(part: Part, data: bytes, sent: int) -> object:
    if sent in part.value.missing:
        return None
    (value,) = struct.unpack(">" + _FLOATS[part.size], data)
    if not math.isfinite(value):
        return NumberText(repr(value))  # no number when somebody asks for one
    return NumberText(text_from_number(_scaled(parse_number(text_from_float(value, 8 * part.size)), part.value)))


def _scaled(sent: Number, value: Scalar) -> Number:
    scaled = Number(sent.mantissa * value.scale.mantissa, sent.exponent + value.scale.exponent)
    return scaled.plus(value.add)


def write(part: Part, said: object) -> bytes:
    """Return the bytes of a part that say this; see `read`.

    Raises:
        ValueError: they cannot.
    """
    name = part.value.name
    if part.kind in ("ascii", "hex"):
        if not isinstance(said, str):
            raise ValueError(f"{name!r} is a text, got {said!r}")
        try:
            data = bytes.fromhex(said) if part.kind == "hex" else said.encode("ascii")
        except UnicodeEncodeError as error:
            raise ValueError(f"{name!r} is ASCII, got {said!r}") from error
        if part.size and len(data) > part.size:
            raise ValueError(f"{name!r} has {part.size} bytes, got {said!r}")
        return data.ljust(part.size, b"\x00")
    if part.kind == "f":
        return swapped(_float_bytes(part, said), part.endian)
    sent = sent_for(part.value, said)
    return pack(part, sent)


def pack(part: Part, sent: int) -> bytes:
    """Return the bytes of a part that are this number.

    Raises:
        ValueError: it does not fit.
    """
    if part.kind == "bcd" and sent not in part.value.missing:
        sent = int(str(sent), 16) if sent >= 0 else sent
    width = 8 * part.size
    low = {"i": -(1 << width - 1), "s": 1 - (1 << width - 1)}.get(part.kind, 0)
    high = (1 << width) - 1
    if not low <= sent <= high:
        raise ValueError(f"{part.value.name!r} does not fit {part.size} bytes: {sent}")
    if part.kind == "s" and sent < 0:
        sent = (1 << width - 1) - sent
    return swapped((sent % (1 << width)).to_bytes(part.size, "big"), part.endian)


def sent_for(value: Scalar, said: object) -> int:
    """Return the whole number that says this; None says that there is no reading.

    Raises:
        ValueError: there is none.
    """
    if said is None:
        return value.missing[0] if value.missing else value.default
    for known, word in value.names:
        if word == said:
            return known
    number = _unscaled(value, said)
    if number.exponent >= 0:
        return number.mantissa * int(10**number.exponent)
    return divide_half_even(number.mantissa, 10**-number.exponent)


def _unscaled(value: Scalar, said: object) -> Number:
    """Return what was sent for a value, with more digits than any number sent has."""
    if not isinstance(said, NumberText):
        raise ValueError(f"{value.name!r} is a number{' or a word of its names' if value.names else ''}, got {said!r}")  # noqa: TRY004
    try:
        number = parse_number(said).plus(Number(-value.add.mantissa, value.add.exponent))
    except ValueRefusedError as error:
        raise ValueError(f"{value.name!r}: {error.detail}") from error
    scale = value.scale
    places = 30
    sign = -1 if scale.mantissa < 0 else 1
    mantissa = divide_half_even(sign * number.mantissa * 10**places, abs(scale.mantissa))
    return Number(mantissa, number.exponent - scale.exponent - places)


def _float_bytes(part: Part, said: object) -> bytes:
    if said is None and part.value.missing:
        return part.value.missing[0].to_bytes(part.size, "big")
    number = Number(part.value.default, 0) if said is None else _unscaled(part.value, said)
    try:
        return struct.pack(">" + _FLOATS[part.size], float(f"{number.mantissa}e{number.exponent}"))
    except OverflowError as error:
        raise ValueError(f"{part.value.name!r} does not fit {part.size} bytes: {said}") from error
