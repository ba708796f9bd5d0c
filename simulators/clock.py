"""Stamps of recordings to microseconds UTC, and the shift that brings a recording to now.

Knows clocks and their two awkward hours; knows no file, no device and no wire. It never asks what time it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
YEAR_MIN, YEAR_MAX = 1979, 2100
"""Stamps outside these years are a wrong format, not a measurement (and SenML reads earlier times as relative)."""

REPEATED = ("first", "second", "in-order", "refuse")
ABSENT = ("offset-before", "refuse")
FORMATS = ("iso", "unix-s", "unix-ms")

GREENWICH = ZoneInfo("UTC")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  of a clock without a zone
_UNITS_US = {"s": SECOND_US, "m": 60 * SECOND_US, "h": HOUR_US, "d": DAY_US, "w": 7 * DAY_US}


@dataclass(frozen=True, slots=True)
class StampRule:
    """How the stamps of one column are to be read.

    Attributes:
        format: `iso`, `unix-s`, `unix-ms`, or a pattern of `datetime.strptime`.
        zone: the clock the stamps show; a stamp that carries its own offset overrides it.
        repeated: the hour that a clock put back shows twice: `first` or `second` passage always, `refuse`, or
            `in-order`: the first, until a device's stamps step back within that hour; from there the second.
        absent: the hour that a clock put forward never shows: `offset-before` reads it by the offset before the change
            (a clock put forward late), `refuse` reports it.
    """

    format: str = "iso"
    zone: ZoneInfo = GREENWICH
    repeated: str = "first"
    absent: str = "offset-before"

    def reader(self) -> Callable[[str, int | None], int]:
        """Return a function from a stamp and the preceding time of the same device (µs UTC or None) to µs UTC.

        The function raises ValueError with what was expected.
        """
        if self.format in ("unix-s", "unix-ms"):
            scale = 6 if self.format == "unix-s" else 3
            return lambda text, _before: _checked(_unix_us(text, scale), text)
        parse = datetime.fromisoformat if self.format == "iso" else self._pattern
        return lambda text, before: _checked(self._place(parse(text), before), text)

    def _pattern(self, text: str) -> datetime:
        return datetime.strptime(text, self.format)  # noqa: DTZ007  the zone is given by `_place`

    def _place(self, stamp: datetime, before_us: int | None) -> int:
        if stamp.tzinfo is not None:
            return to_us(stamp)
        clock = stamp - _CLOCK_EPOCH
        early = _whole_us(clock - self._offset(stamp))
        late = _whole_us(clock - self._offset(stamp.replace(fold=1)))
        if early == late:
            return early
        if early > late:
            # fold=0 reads an hour that does not exist by the offset before the change.
            if self.absent == "refuse":
                raise ValueError(f"an hour that {self.zone.key} skipped; say absent = 'offset-before' to read it")
            return early
        if self.repeated == "refuse":
            raise ValueError(f"an hour that {self.zone.key} has twice; say repeated = 'first', 'second' or 'in-order'")
        if self.repeated == "in-order":
            return late if before_us is not None and before_us > early else early
        return early if self.repeated == "first" else late

    def _offset(self, stamp: datetime) -> timedelta:
        return self.zone.utcoffset(stamp) or timedelta()


def to_us(stamp: datetime) -> int:
    """Return microseconds UTC of an aware datetime, by integer arithmetic."""
    return _whole_us(stamp.astimezone(UTC) - _EPOCH)


def _whole_us(since: timedelta) -> int:
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


def from_us(time_us: int, zone: tzinfo = UTC) -> datetime:
    """Return the aware datetime of microseconds UTC."""
    return (_EPOCH + timedelta(microseconds=time_us)).astimezone(zone)


def instant_us(text: str, zone: tzinfo) -> int:
    """Return µs UTC of an ISO 8601 date or time; without an offset it is a time of `zone`'s clock.

    Raises ValueError with what was expected.
    """
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time; write 2016-01-31, 2016-01-31T18:00 or 2016-01-31T18:00:00Z") from None
    return to_us(stamp if stamp.tzinfo else stamp.replace(tzinfo=zone))


def duration_us(text: str) -> int:
    """Return µs of a length of time: `90s`, `30m`, `48h`, `7d`, `2w`. Raises ValueError with what was expected."""
    match = re.fullmatch(r"(\d{1,9})([smhdw])", text.strip())
    if not match or not int(match[1]):
        raise ValueError(f"{text!r} is no length of time; write 90s, 30m, 48h, 7d or 2w")
    return int(match[1]) * _UNITS_US[match[2]]


def shift_us(last_us: int, now_us: int, recorded_in: tzinfo, shown_in: tzinfo) -> int:
    """Return the one shift of a recording that brings its last time to now or to less than a day after.

    It is a whole number of days, plus the difference of the two clocks' offsets at the recording's end: eight in the
    morning where it was recorded becomes eight in the morning where it is shown. The day of the week is not kept. One
    shift holds for all of a recording, so spacing is untouched; a clock change within the recording, or within the
    span it is moved to, therefore leaves the hours on its far side off by that change.
    """
    clocks_us = _offset_us(last_us, recorded_in) - _offset_us(now_us, shown_in)
    days = -((last_us + clocks_us - now_us) // DAY_US)
    return clocks_us + days * DAY_US


def _offset_us(time_us: int, zone: tzinfo) -> int:
    offset = from_us(time_us, zone).utcoffset() or timedelta()
    return (offset.days * 86_400 + offset.seconds) * SECOND_US


def _unix_us(text: str, scale: int) -> int:
    whole, _, part = text.partition(".")
    if not re.fullmatch(r"-?\d{1,13}", whole) or (part and not part.isdecimal()):
        raise ValueError("expected seconds (unix-s) or milliseconds (unix-ms) since 1970 as a decimal number")
    digits = int((part + "0" * scale)[:scale])
    unit: int = 10**scale
    return int(whole) * unit - digits if whole.startswith("-") else int(whole) * unit + digits


def _checked(time_us: int, text: str) -> int:
    year = 1970 + time_us // (365 * DAY_US + DAY_US // 4)
    if not YEAR_MIN <= year <= YEAR_MAX:
        raise ValueError(f"{text} lies in the year {year}: check the format ({', '.join(FORMATS)} or a pattern)")
    return time_us
