"""Times as devices write them, to int64 microseconds UTC, exactly.

Knows RFC 3339 and epoch counts; asks no clock.
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from devices.errors import ValueRefusedError, quoted
from devices.ticks import Number, Scale, parse_number, scale_number

# RFC 3339, section 5.6. A blank instead of the T is what the RFC allows "for readability", and many devices send it.
# A second of 60 is a leap second: it becomes the first instant of the next minute, as POSIX time has it.
_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,30}))?"
    r"(?:([Zz])|([+-])([0-9]{2}):([0-9]{2}))\Z"
)
_EPOCH_SCALES = {"epoch_s": Scale(1_000_000, 1, 0), "epoch_ms": Scale(1_000, 1, 0), "epoch_us": Scale(1, 1, 0)}
SECONDS = _EPOCH_SCALES["epoch_s"]
"""Seconds to microseconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_us_from_rfc3339(text: str) -> int:
    """Return the time an RFC 3339 text writes; digits beyond the microsecond are rounded half to even.

    Raises:
        ValueRefusedError: `bad_time`; a time without an offset is one.
    """
    match = _RFC3339.match(text)
    if match is None:
        raise ValueRefusedError("bad_time", f"expected an RFC 3339 time with an offset, got {quoted(text)}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, _, sign, offset_hour, offset_minute = match.groups()[6:]
    offset_s = int(offset_hour or 0) * 3600 + int(offset_minute or 0) * 60
    if int(offset_hour or 0) > 23 or int(offset_minute or 0) > 59 or second > 60:
        raise ValueRefusedError("bad_time", f"no such time: {quoted(text)}")
    try:
        datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError as error:
        raise ValueRefusedError("bad_time", f"no such time: {quoted(text)}") from error
    seconds = timegm((year, month, day, hour, minute, second)) + (offset_s if sign == "-" else -offset_s)
    part = scale_number(Number(int(fraction), -len(fraction)), SECONDS) if fraction else 0
    return seconds * 1_000_000 + part


def time_us_from_text(text: str, time_format: str) -> int:
    """Return the time a text writes in one of the formats a model may name.

    Raises:
        ValueRefusedError: `bad_time`.
    """
    if time_format == "rfc3339":
        return time_us_from_rfc3339(text)
    try:
        return scale_number(parse_number(text), _EPOCH_SCALES[time_format])
    except ValueRefusedError as error:
        raise ValueRefusedError("bad_time", f"expected a time as {time_format}, got {quoted(text)}") from error


def rfc3339(time_us: int) -> str:
    """Return a time as RFC 3339 in UTC with all six digits of the fraction."""
    return (_EPOCH + timedelta(microseconds=time_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def time_us_from_civil(text: str, zone: ZoneInfo) -> int:
    """Return the time of a date (its first instant in the zone) or of an RFC 3339 time, as configuration writes them.

    Raises:
        ValueError: neither.
    """
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            first = datetime.combine(date.fromisoformat(text), time(), zone)
            return (first - _EPOCH) // timedelta(microseconds=1)
        return time_us_from_rfc3339(text)
    except (ValueError, ValueRefusedError) as error:
        raise ValueError(
            f"expected a date (2024-01-31) or a time with offset (2024-01-31T12:00:00+09:00), got {text!r}"
        ) from error
