"""Hours and civil days of a city, read off its clock.

Knows time zones; knows no readings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

HOUR_S = 3_600
SECOND_US = 1_000_000
LEAD_S = 3 * 24 * HOUR_S
"""The clock is watched from so long before the first reading, to know which dates it has shown already."""


@dataclass(frozen=True, slots=True, eq=False)
class CityClock:
    """Every hour and day of a stretch of time, whole days.

    Attributes:
        zone: whose clock it is.
        hours_us: start of every hour window, ascending, and at the end where the last one ends. One begins where the
            local clock shows a whole hour, and where the offset changes.
        days_us: the same for civil days. One begins where the clock first shows a date later than any before.
        earlier_us: starts of the hours of the day before the first one.
    """

    zone: ZoneInfo
    hours_us: NDArray[np.int64]
    days_us: NDArray[np.int64]
    earlier_us: NDArray[np.int64]

    @classmethod
    def over(cls, zone: ZoneInfo, first_us: int, last_us: int) -> CityClock:
        """Return the days from the one that holds the first instant to the one that holds the last."""
        begin = first_us // SECOND_US // HOUR_S * HOUR_S - LEAD_S
        end = last_us // SECOND_US + LEAD_S
        hours_s = np.concatenate([_whole_hours(*span) for span in _spans(zone, begin, end)])
        newest = date.min
        days: list[int] = []
        for start in hours_s.tolist():
            shown = datetime.fromtimestamp(start, zone).date()
            if shown > newest:
                days.append(start)
                newest = shown
        days_us = np.array(days, np.int64) * SECOND_US
        held = slice(
            int(np.searchsorted(days_us, first_us, "right")) - 1, int(np.searchsorted(days_us, last_us, "right")) + 1
        )
        before_us, days_us = int(days_us[held.start - 1]), days_us[held]
        hours_us = hours_s * SECOND_US
        earlier = (hours_us >= before_us) & (hours_us < days_us[0])
        within = (hours_us >= days_us[0]) & (hours_us <= days_us[-1])
        return cls(zone, hours_us[within], days_us, hours_us[earlier])

    def day_starts(self) -> list[int]:
        """Return for every hour the start of the day that holds it."""
        starts: list[int] = self.days_us[np.searchsorted(self.days_us, self.hours_us, "right") - 1].tolist()
        return starts

    def shown(self) -> Iterator[tuple[int, int, date, int]]:
        """Yield start and length in minutes of every hour from `earlier_us` on, and which date and hour it shows."""
        starts = [*self.earlier_us.tolist(), *self.hours_us.tolist()]
        for start_us, end_us in pairwise(starts):
            shown = datetime.fromtimestamp(start_us // SECOND_US, self.zone)
            yield start_us, (end_us - start_us) // (60 * SECOND_US), shown.date(), shown.hour


def _spans(zone: ZoneInfo, begin_s: int, end_s: int) -> list[tuple[int, int, int]]:
    """Return (start, end, offset) of each part of a stretch in which the clock runs evenly."""
    starts = [(begin_s, _offset_s(zone, begin_s))]
    for hour in range(begin_s, end_s, HOUR_S):
        if _offset_s(zone, hour + HOUR_S) == starts[-1][1]:
            continue
        for second in range(hour + 1, hour + HOUR_S + 1):
            offset = _offset_s(zone, second)
            if offset != starts[-1][1]:
                starts.append((second, offset))
    ends = [start for start, _ in starts[1:]] + [end_s]
    return [(start, end, offset) for (start, offset), end in zip(starts, ends, strict=True)]


def _offset_s(zone: ZoneInfo, time_s: int) -> int:
    offset = datetime.fromtimestamp(time_s, zone).utcoffset()
    return 0 if offset is None else offset // timedelta(seconds=1)


def _whole_hours(start_s: int, end_s: int, offset_s: int) -> NDArray[np.int64]:
    """Return the start of an even part of time and every whole hour of its clock after it."""
    whole = np.arange(start_s + HOUR_S - (start_s + offset_s) % HOUR_S, end_s, HOUR_S, dtype=np.int64)
    return np.concatenate([np.array([start_s], np.int64), whole])
