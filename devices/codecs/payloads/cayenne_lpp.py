"""Cayenne Low Power Payload: channels with a type each, as `temperature_1`, `gps_2`.

Knows the types of the published format; knows no device. Members are named as The Things Stack names them.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from devices.codecs.jsontext import NumberText
from devices.errors import PayloadError, ValueRefusedError
from devices.ticks import Number, Scale, parse_number, scale_number, text_from_number


class Part(NamedTuple):
    """One number of a value: its name (empty where it is the only one), bytes, whether signed, and steps of a unit."""

    name: str
    size: int
    signed: bool
    steps: int


class Kind(NamedTuple):
    """One type of channel."""

    name: str
    parts: tuple[Part, ...]


def _one(name: str, size: int, steps: int = 1, *, signed: bool = False) -> Kind:
    return Kind(name, (Part("", size, signed, steps),))


def _many(name: str, size: int, steps: int, *names: str) -> Kind:
    return Kind(name, tuple(Part(part, size, True, steps) for part in names))


KINDS: Final[dict[int, Kind]] = {
    # Published with the format; numbers are IPSO object ids less 3200.
    0: _one("digital_in", 1),
    1: _one("digital_out", 1),
    2: _one("analog_in", 2, 100, signed=True),
    3: _one("analog_out", 2, 100, signed=True),
    101: _one("luminosity", 2),
    102: _one("presence", 1),
    103: _one("temperature", 2, 10, signed=True),
    104: _one("relative_humidity", 1, 2),
    113: _many("accelerometer", 2, 1000, "x", "y", "z"),
    115: _one("barometric_pressure", 2, 10),
    134: _many("gyrometer", 2, 100, "x", "y", "z"),
    136: Kind(
        "gps",
        (Part("latitude", 3, True, 10_000), Part("longitude", 3, True, 10_000), Part("altitude", 3, True, 100)),
    ),
    # Added by libraries that devices use; the same everywhere.
    100: _one("generic", 4),
    116: _one("voltage", 2, 100),
    117: _one("current", 2, 1000),
    118: _one("frequency", 4),
    120: _one("percentage", 1),
    121: _one("altitude", 2, signed=True),
    125: _one("concentration", 2),
    128: _one("power", 2),
    130: _one("distance", 4, 1000),
    131: _one("energy", 4, 1000),
    132: _one("direction", 2),
    133: _one("unix_time", 4),
    135: Kind("colour", tuple(Part(part, 1, False, 1) for part in ("r", "g", "b"))),
    142: _one("switch", 1),
}
"""Every type by its number."""

_BY_NAME: Final = {kind.name: (number, kind) for number, kind in KINDS.items()}
_EXPONENTS: Final = {1: 0, 10: -1, 100: -2, 1000: -3, 10_000: -4}


def decode(data: bytes, _f_port: int | None, _time_us: int, _rules: object) -> object:
    """Return an object with a member for each channel; see `PayloadDecoder.decode`.

    Raises:
        PayloadError: `malformed` with the place, for an unknown type (its length is unknown too), a value cut short, or
            a channel that comes twice.
    """
    document: dict[str, object] = {}
    at = 0
    while at < len(data):
        if len(data) - at < 2:
            raise PayloadError("malformed", f"byte {at}: expected a channel and a type, got the end")
        channel, number = data[at], data[at + 1]
        kind = KINDS.get(number)
        if kind is None:
            raise PayloadError("malformed", f"byte {at + 1}: unknown Cayenne type {number} of channel {channel}")
        size = sum(part.size for part in kind.parts)
        if len(data) - at - 2 < size:
            raise PayloadError("malformed", f"byte {at + 2}: expected {size} bytes of {kind.name}, got the end")
        name = f"{kind.name}_{channel}"
        if name in document:
            raise PayloadError("malformed", f"byte {at}: channel {channel} has a second {kind.name}")
        document[name] = _value(kind, data[at + 2 : at + 2 + size])
        at += 2 + size
    return document


def _value(kind: Kind, data: bytes) -> object:
    values: dict[str, object] = {}
    at = 0
    for part in kind.parts:
        whole = int.from_bytes(data[at : at + part.size], "big", signed=part.signed)
        at += part.size
        number = Number(whole * 5, -1) if part.steps == 2 else Number(whole, _EXPONENTS[part.steps])
        values[part.name] = NumberText(text_from_number(number))
    return values.get("", values)


def encode(document: object, f_port: int, _rules: object) -> tuple[bytes, int]:
    """Return the channels of an object's members; see `PayloadDecoder.encode`.

    Raises:
        ValueError: a member is no channel, or a value no number of its type.
    """
    if not isinstance(document, dict):
        raise ValueError("Cayenne LPP says an object of channels, such as temperature_1")  # noqa: TRY004
    data = bytearray()
    for name, value in document.items():
        base, _, channel = name.rpartition("_")
        if base not in _BY_NAME or not channel.isdecimal() or int(channel) > 255:
            raise ValueError(f"{name!r} is no channel of Cayenne LPP; expected one such as temperature_1")
        number, kind = _BY_NAME[base]
        data += bytes((int(channel), number))
        for part in kind.parts:
            text = value.get(part.name) if part.name and isinstance(value, dict) else value
            data += _bytes_of(name, part, text)
    return bytes(data), f_port or 1


def _bytes_of(name: str, part: Part, text: object) -> bytes:
    """Return a number in steps of its type, rounded half to even as the device would."""
    if not isinstance(text, NumberText):
        raise ValueError(f"{name!r} carries numbers, got {text!r}")  # noqa: TRY004
    try:
        whole = scale_number(parse_number(text), Scale(part.steps, 1, 0))
        return whole.to_bytes(part.size, "big", signed=part.signed)
    except (ValueRefusedError, OverflowError) as error:
        raise ValueError(f"{name!r} does not fit {part.size} bytes: {text}") from error
