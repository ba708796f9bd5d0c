"""The bytes of an M-Bus value: integers, BCD, floats, texts, dates and times (EN 13757-3, annexes A and B).

Knows data types; knows no quantities.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.codecs.jsontext import NumberText
from devices.errors import PayloadError, ValueRefusedError
from devices.ticks import Number, parse_number, text_from_float, text_from_number

BYTES_OF = {
    0x0: 0,
    0x1: 1,
    0x2: 2,
    0x3: 3,
    0x4: 4,
    0x5: 4,
    0x6: 6,
    0x7: 8,
    0x8: 0,
    0x9: 1,
    0xA: 2,
    0xB: 3,
    0xC: 4,
    0xE: 6,
}
"""Bytes of a value by the low half of its DIF."""
REAL, VARIABLE = 0x5, 0xD
_BCD = (0x9, 0xA, 0xB, 0xC, 0xE)


@dataclass(frozen=True, slots=True)
class Clock:
    """A date or a time on a meter's own clock."""

    text: str
    """As RFC 3339 without an offset, as far as it goes; `0x` and its digits where it is none."""
    civil: datetime | None
    """The instant it names; of a date the end of that day, when what it closes is over. None where it is none."""
    summer: bool
    """The clock is an hour ahead of the meter's standard time."""

    def utc(self, offset_s: int) -> str:
        """Return it as RFC 3339 in UTC, or the text of what is no time, for whoever needs it to refuse.

        Args:
            offset_s: what the meter's standard time is ahead of UTC.
        """
        if self.civil is None:
            return self.text
        ahead = timedelta(seconds=offset_s + 3600 * self.summer)
        return (self.civil - ahead).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def number(data: bytes, kind: int, signed: bool) -> int | None:
    """Return the whole number of an integer or BCD value; None where it is none."""
    if kind in _BCD:
        digits = data[::-1].hex()
        negative = digits.startswith("f")
        digits = digits[1:] if negative else digits
        if not digits.isdecimal():
            return None
        return -int(digits) if negative else int(digits)
    value = int.from_bytes(data, "little", signed=signed)
    # The lowest of a measured value's integers says that there is none (EN 13757-3, type B).
    return None if signed and value == -(1 << (8 * len(data) - 1)) else value


def scaled(data: bytes, kind: int, signed: bool, factor: int, exponent: int) -> str:
    """Return a value as the exact number it is, or `0x` and its digits where it is none."""
    if kind == REAL:
        (value,) = struct.unpack("<f", data)
        try:
            text = text_from_float(value, 32)
        except ValueRefusedError:
            return f"0x{data[::-1].hex()}"
        return NumberText(_times(text, factor, exponent))
    whole = number(data, kind, signed)
    if whole is None:
        return f"0x{data[::-1].hex()}"
    return NumberText(text_from_number(Number(whole * factor, exponent)))


def _times(text: str, factor: int, exponent: int) -> str:
    """Return the text of a number times factor * 10**exponent, exactly."""
    parsed = parse_number(text)
    return text_from_number(Number(parsed.mantissa * factor, parsed.exponent + exponent))


def variable(data: bytes, at: int, factor: int, exponent: int) -> tuple[str, int]:
    """Return a value whose first byte says what it is and how long, and where it ends.

    Raises:
        PayloadError: it is cut, or of a reserved kind.
    """
    kind = data[at] if at < len(data) else None
    if kind is None or kind >= 0xF0 or 0xCA <= kind < 0xD0 or 0xDA <= kind < 0xE0:
        raise PayloadError("malformed", f"expected a value of variable length at byte {at} of the records")
    size = kind if kind < 0xC0 else kind & 0x0F
    end = at + 1 + size
    if end > len(data):
        raise PayloadError("malformed", f"expected {size} bytes at byte {at + 1} of the records")
    body = data[at + 1 : end]
    if kind < 0xC0:
        return body[::-1].decode("latin-1").strip(" \x00"), end
    if kind >= 0xE0:
        return scaled(body, 0x4, False, factor, exponent) if body else "", end
    whole = number(body, 0xC, False) if body else None
    if whole is None:
        return f"0x{body[::-1].hex()}", end
    return NumberText(text_from_number(Number((-whole if kind >= 0xD0 else whole) * factor, exponent))), end


def clock(data: bytes) -> Clock:
    """Return a date (2 bytes, type G), a time (4, type F; 6, type I) or a time of day (3, type J)."""
    nothing = Clock(f"0x{data[::-1].hex()}", None, False)
    if len(data) == 3:
        return Clock(f"{data[2] & 0x1F:02}:{data[1] & 0x3F:02}:{data[0] & 0x3F:02}", None, False)
    if len(data) == 6:
        second, minute, hour, low, high = data[0] & 0x3F, data[1], data[2] & 0x1F, data[3], data[4]
        summer, century = bool(data[0] & 0x40), 0
    elif len(data) == 4:
        second, minute, hour, low, high = 0, data[0], data[1] & 0x1F, data[2], data[3]
        summer, century = bool(data[1] & 0x80), data[1] >> 5 & 3
    elif len(data) == 2:
        second, minute, hour, low, high, summer, century = 0, 0, 0, data[0], data[1], False, 0
    else:
        return nothing
    year = low >> 5 | (high & 0xF0) >> 1
    # A meter that does not say the century means this one, or the last for the years from 81 on.
    year += 1900 + 100 * century if century else (2000 if year <= 80 else 1900)
    try:
        civil = datetime(year, high & 0x0F, low & 0x1F, hour, minute & 0x3F, second)  # noqa: DTZ001
    except ValueError:
        return nothing
    if minute & 0x80:  # the meter itself says that its clock is not set
        return nothing
    if len(data) == 2:
        return Clock(civil.strftime("%Y-%m-%d"), civil + timedelta(days=1), False)
    return Clock(civil.strftime("%Y-%m-%dT%H:%M:%S"), civil, summer)


def clock_bytes(civil: datetime) -> bytes:
    """Return a time of whole minutes as type F."""
    year = civil.year % 100
    century = (civil.year - 1900) // 100
    return bytes((civil.minute, civil.hour | century << 5, civil.day | (year & 7) << 5, civil.month | (year >> 3) << 4))
