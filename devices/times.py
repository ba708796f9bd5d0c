"""Times as devices write them, to int64 microseconds UTC, exactly.

Knows RFC 3339, counts since 1970 and counts since 1980 (GPS); asks no clock.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from calendar import timegm
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from devices.errors import ValueRefusedError, quoted
from devices.ticks import Number, Scale, parse_number, scale_number

# RFC 3339, section 5.6. A blank instead of the T is what the RFC allows "for readability", and many devices send it.
# A second of 60 is a leap second: it becomes the first instant of the next minute, as POSIX time has it.
_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,30}))?"
    r"(?:([Zz])|([+-])([0-9]{2}):([0-9]{2}))\Z"
)
SECONDS = Scale(1_000_000, 1, 0)
"""Seconds to microseconds."""
COUNTS: Final = MappingProxyType(
    {"epoch_s": -6, "epoch_ms": -3, "epoch_us": 0, "epoch_ns": 3, "gps_s": -6, "gps_ms": -3}
)
"""Formats that are counts: the power of ten of one microsecond in them."""
_COUNT_SCALES = {name: Scale(10 ** max(-power, 0), 10 ** max(power, 0), 0) for name, power in COUNTS.items()}

GPS_EPOCH_S: Final = 315_964_800  # 1980-01-06T00:00:00Z
LEAP_SECONDS: Final = (
    "1981-07-01", "1982-07-01", "1983-07-01", "1985-07-01", "1988-01-01", "1990-01-01", "1991-01-01", "1992-07-01",
    "1993-07-01", "1994-07-01", "1996-01-01", "1997-07-01", "1999-01-01", "2006-01-01", "2009-01-01", "2012-07-01",
    "2015-07-01", "2017-01-01",
)  # fmt: skip
"""Days before whose first instant a leap second was inserted since GPS time began, by IERS Bulletin C. GPS time counts
them, UTC as we keep it does not. None was announced after the last; a test compares with the installed tzdata."""
_LEAPS_US = [timegm(date.fromisoformat(day).timetuple()) * 1_000_000 for day in LEAP_SECONDS]
_LEAPS_GPS_US = [at_us + (number - GPS_EPOCH_S) * 1_000_000 for number, at_us in enumerate(_LEAPS_US, 1)]
CLOCK_SET_US: Final = 946_684_800_000_000
"""2000-01-01. Who says an earlier time has a clock that was never set: it counts from 1970, or from the GPS epoch."""
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
    """Return the time a text writes in a format that needs no zone: rfc3339, or one of COUNTS.

    Raises:
        ValueRefusedError: `bad_time`.
    """
    if time_format == "rfc3339":
        return time_us_from_rfc3339(text)
    try:
        count_us = scale_number(parse_number(text), _COUNT_SCALES[time_format])
    except ValueRefusedError as error:
        raise ValueRefusedError("bad_time", f"expected a time as {time_format}, got {quoted(text)}") from error
    if time_format.startswith("gps"):
        return count_us + (GPS_EPOCH_S - bisect_right(_LEAPS_GPS_US, count_us)) * 1_000_000
    return count_us


def count_from_time(time_us: int, time_format: str) -> Number:
    """Return the number that `time_us_from_text` reads as this time, in a format that is a count."""
    if time_format.startswith("gps"):
        time_us += (bisect_right(_LEAPS_US, time_us) - GPS_EPOCH_S) * 1_000_000
    return Number(time_us, COUNTS[time_format])


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
