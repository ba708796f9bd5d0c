"""Where hours and civil days of one time zone begin, and how many readings to expect between two instants.

Knows time-zone rules; knows no values and no cells.

Rules, for zones of every kind:
- A civil day begins at the first instant at which the local clock shows its date or a later one. A day that the zone
  skipped (Samoa, 30 December 2011) has no instant and so no window.
- An hour window begins where the local clock shows a whole hour, and also where the offset changes. The repeated hour
  of autumn is two windows, told apart by their start in UTC; a change by half an hour (Lord Howe) makes windows of 30
  minutes.
- So every day is a whole number of hour windows, and every hour window lies in one day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices.series import SeriesTable
from engine.cells import Grid
from engine.clock import Clock
from engine.errors import CalendarError

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_S = 86_400

YEAR_FIRST = 1975
"""Earlier offsets are not always whole minutes (Liberia until 1972)."""
YEAR_LAST = 2100

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DATE = date(1970, 1, 1)


class Calendar:
    """The hours, days, months and years of one zone between two years; immutable.

    Args:
        zone: the city's time zone.
        year_first, year_last: years covered, both included.

    Attributes:
        zone: as given.
        from_us, to_us: the span covered, start included, end excluded.
        clock: the same as arrays, for the kernels.

    Raises:
        CalendarError: an offset of the zone within the span is not a whole number of minutes.
    """

    def __init__(self, zone: ZoneInfo, year_first: int = YEAR_FIRST, year_last: int = YEAR_LAST) -> None:
        if not 1 < year_first <= year_last < 9999:
            raise CalendarError(f"the years {year_first} to {year_last} are no span: give the first year first")
        self.zone = zone
        change_s, offset_s = _offset_changes(zone, year_first, year_last)
        if any(offset % 60 for offset in offset_s):
            raise CalendarError(f"{zone.key} has offsets of broken minutes before {year_last}: begin in a later year")
        day_s = _day_starts(change_s, offset_s, year_first, year_last)
        keep = [i for i in range(len(offset_s)) if change_s[i + 1] > day_s[0] and change_s[i] < day_s[-1]]
        inner = [change_s[i] for i in keep[1:]]
        self.clock = Clock(
            np.array([day_s[0], *inner, day_s[-1]], np.int64) * SECOND_US,
            np.array([offset_s[i] for i in keep], np.int64) * SECOND_US,
            np.array(day_s, np.int64) * SECOND_US,
        )
        self.from_us = day_s[0] * SECOND_US
        self.to_us = day_s[-1] * SECOND_US

    def start_of(self, grid: Grid, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the start of the bucket or window that each time lies in.

        Raises:
            CalendarError: a time lies outside the calendar's span (minutes have no span).
        """
        times = np.asarray(time_us, np.int64)
        if grid is Grid.MINUTE:
            return times - times % MINUTE_US
        self._check(times)
        if grid is Grid.DAY:
            days = self.clock.day_us
            return np.asarray(days[np.searchsorted(days, times, "right") - 1])
        segment = np.searchsorted(self.clock.change_us, times, "right") - 1
        local = times + self.clock.offset_us[segment]
        return np.asarray(np.maximum(times - local % HOUR_US, self.clock.change_us[segment]))

    def end_of(self, grid: Grid, start_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the end (excluded) of the bucket or window that each time lies in.

        Raises:
            CalendarError: a time lies outside the calendar's span (minutes have no span).
        """
        times = np.asarray(start_us, np.int64)
        if grid is Grid.MINUTE:
            return times - times % MINUTE_US + MINUTE_US
        self._check(times)
        if grid is Grid.DAY:
            days = self.clock.day_us
            return np.asarray(days[np.searchsorted(days, times, "right")])
        segment = np.searchsorted(self.clock.change_us, times, "right") - 1
        local = times + self.clock.offset_us[segment]
        return np.asarray(np.minimum(times - local % HOUR_US + HOUR_US, self.clock.change_us[segment + 1]))

    def starts(self, grid: Grid, from_us: int, to_us: int) -> NDArray[np.int64]:
        """Return, in order, the starts of all buckets or windows that share an instant with [from_us, to_us).

        Raises:
            CalendarError: the range reaches outside the calendar's span (minutes have no span).
        """
        if from_us >= to_us:
            return np.empty(0, np.int64)
        ends = np.array([from_us, to_us - 1], np.int64)
        first, last = (int(t) for t in self.start_of(grid, ends))
        if grid is Grid.MINUTE:
            return np.arange(first, last + 1, MINUTE_US, dtype=np.int64)
        if grid is Grid.DAY:
            days = self.clock.day_us
            return days[np.searchsorted(days, first) : np.searchsorted(days, last) + 1].copy()
        change_us, offset_us = self.clock.change_us, self.clock.offset_us
        at, end = (int(i) for i in np.searchsorted(change_us, ends, "right") - 1)
        parts = []
        for segment in range(at, end + 1):
            # The first start of a segment is the change itself, the others are whole hours of its local clock.
            low = max(first, int(change_us[segment]))
            high = min(last, int(change_us[segment + 1]) - 1)
            whole = low - (low + int(offset_us[segment])) % HOUR_US + HOUR_US
            parts += [np.array([low], np.int64), np.arange(whole, high + 1, HOUR_US, dtype=np.int64)]
        return np.concatenate(parts)

    def hour_of_day(self, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the hour, 0 to 23, that the zone's clock shows at each time.

        Raises:
            CalendarError: a time lies outside the calendar's span.
        """
        times = np.asarray(time_us, np.int64)
        self._check(times)
        segment = np.searchsorted(self.clock.change_us, times, "right") - 1
        return np.asarray((times + self.clock.offset_us[segment]) // HOUR_US % 24)

    def day_bounds(self, day: date) -> tuple[int, int]:
        """Return start and end of a civil day; both are equal for a day that the zone skipped."""
        return self._bounds(day, day + timedelta(days=1))

    def month_bounds(self, year: int, month: int) -> tuple[int, int]:
        """Return start and end of a civil month."""
        return self._bounds(date(year, month, 1), date(year + month // 12, month % 12 + 1, 1))

    def year_bounds(self, year: int) -> tuple[int, int]:
        """Return start and end of a civil year."""
        return self._bounds(date(year, 1, 1), date(year + 1, 1, 1))

    def local(self, time_us: int) -> datetime:
        """Return an instant as a date and time of the zone, exact to the microsecond."""
        return (_EPOCH + timedelta(microseconds=int(time_us))).astimezone(self.zone)

    def text(self, time_us: int) -> str:
        """Return an instant as local text with its offset, e.g. `2016-10-30T02:00:00+01:00`."""
        return self.local(time_us).isoformat()

    def label(self, grid: Grid, start_us: int) -> str:
        """Return what a person calls the window that starts here.

        `2016-10-30` for a day, `2016-10-30 02:00+01:00` for an hour or a minute: the offset tells the two hours of a
        night in autumn apart.
        """
        local = self.local(start_us)
        if grid is Grid.DAY:
            return local.date().isoformat()
        return local.isoformat(sep=" ", timespec="minutes")

    def _check(self, times: NDArray[np.int64]) -> None:
        if times.size and (int(times.min()) < self.from_us or int(times.max()) >= self.to_us):
            wrong = int(times.min()) if int(times.min()) < self.from_us else int(times.max())
            raise CalendarError(
                f"the time {wrong} µs is outside {self.text(self.from_us)} to {self.text(self.to_us)}: "
                "refuse such readings before they are counted"
            )

    def _bounds(self, first: date, after: date) -> tuple[int, int]:
        return self._day_start(first), self._day_start(after)

    def _day_start(self, day: date) -> int:
        """Return the first instant whose local date is `day` or later."""
        wanted = (day - _EPOCH_DATE).days * DAY_S * SECOND_US
        reached = self.clock.change_us[1:] + self.clock.offset_us  # local time at the end of each segment
        within = np.flatnonzero(reached > wanted)
        if wanted == int(reached[-1]):
            return self.to_us
        if not within.size or wanted < self.from_us + int(self.clock.offset_us[0]):
            raise CalendarError(f"the day {day} is outside {self.text(self.from_us)} to {self.text(self.to_us)}")
        segment = int(within[0])
        return max(wanted - int(self.clock.offset_us[segment]), int(self.clock.change_us[segment]))


def expected(
    series: SeriesTable, slots: NDArray[np.int32], start_us: NDArray[np.int64] | int, end_us: NDArray[np.int64] | int
) -> NDArray[np.int64]:
    """Return how many readings each slot owes between start (included) and end (excluded), aligned with `slots`.

    That is the number of reporting intervals begun in the part of the range in which the device is in service; 0 for a
    series without a reporting interval. Coverage is readings received over this.
    """
    begin = np.maximum(np.asarray(start_us, np.int64), series.service_from_us[slots])
    end = np.minimum(np.asarray(end_us, np.int64), series.service_to_us[slots])
    interval = series.interval_us[slots]
    begun = -((begin - end) // np.maximum(interval, 1))
    return np.where((interval > 0) & (end > begin), begun, 0).astype(np.int64)


def promised_an_hour(series: SeriesTable, slots: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return how many readings every whole hour of service has of each slot that reports in time; 0 where not every
    hour need have one: its interval is longer than an hour, or there is none.

    Unlike `expected` it never asks for more than a slot at its interval has in its poorest hour: of an interval of 40
    minutes that is one.
    """
    interval = series.interval_us[slots]
    return np.where(interval > 0, HOUR_US // np.maximum(interval, 1), 0).astype(np.int64)


def _offset_s(zone: ZoneInfo, time_s: int) -> int:
    offset = (_EPOCH + timedelta(seconds=time_s)).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


@lru_cache(maxsize=16)
def _offset_changes(zone: ZoneInfo, year_first: int, year_last: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the seconds at which the offset changes (with both ends of the span) and the offset of each part.

    zoneinfo offers no list of changes, so one offset a day is asked for and a change is found by halving. Two changes
    within one day that undo each other would be missed; no zone has had any since 1970. It takes a second, so what was
    found is remembered.
    """
    begin = (date(year_first, 1, 1) - _EPOCH_DATE).days * DAY_S - DAY_S
    end = (date(year_last + 1, 1, 1) - _EPOCH_DATE).days * DAY_S + DAY_S
    changes, offsets = [begin], [_offset_s(zone, begin)]
    for day_s in range(begin, end, DAY_S):
        after = _offset_s(zone, day_s + DAY_S)
        if after == offsets[-1]:
            continue
        low, high = day_s, day_s + DAY_S
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset_s(zone, middle) == offsets[-1] else (low, middle)
        changes.append(high)
        offsets.append(after)
    return (*changes, end + DAY_S), tuple(offsets)


@lru_cache(maxsize=16)
def _day_starts(
    change_s: tuple[int, ...], offset_s: tuple[int, ...], year_first: int, year_last: int
) -> tuple[int, ...]:
    """Return the first instant of every civil day from the first of January to the one after the last year.

    A process has several calendars of its city, so what was found is remembered.
    """
    day = (date(year_first, 1, 1) - _EPOCH_DATE).days
    end = (date(year_last + 1, 1, 1) - _EPOCH_DATE).days
    starts: list[int] = []
    segment = 0
    while day <= end:
        while change_s[segment + 1] + offset_s[segment] <= day * DAY_S:
            segment += 1
        start = max(day * DAY_S - offset_s[segment], change_s[segment])
        if not starts or start > starts[-1]:  # a skipped day begins where the next one does
            starts.append(start)
        day += 1
    return tuple(starts)
