"""Which stretch of time a figure is of: a reference year, the last twelve months, the year so far, a month, a day.

Knows the calendar; asks no clock: how far time has come is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

import numpy as np

from engine.calendar import Calendar
from engine.cells import Grid

ESTIMATE = 0
"""Stands for the year of an estimate: of those only the newest is kept."""


class Horizon(StrEnum):
    """What a figure is: YEAR is one of the assessment, ROLLING and TO_DATE are estimates of it while it comes about.

    DAY and MONTH are for running a city: they are computed when somebody asks, and never kept.
    """

    YEAR = "year"
    """The whole civil reference year."""
    ROLLING = "rolling"
    """The last twelve months up to a whole civil day."""
    TO_DATE = "to_date"
    """From the first of January to the last whole hour."""
    DAY = "day"
    """One civil day; the present one up to its last whole hour."""
    MONTH = "month"
    """One civil month; the present one up to its last whole hour."""


KEPT = (Horizon.YEAR, Horizon.ROLLING, Horizon.TO_DATE)
"""Whose figures are stored."""


@dataclass(frozen=True, slots=True)
class KpiPeriod:
    """The stretch of time of one set of figures.

    Attributes:
        horizon: what kind.
        year: the reference year; ESTIMATE for the others.
        start_us, end_us: start included, end excluded; whole hours.
        first, last: civil days that hold start and last instant.
        day_us: start of the civil day that is not over at the end: what comes before is whole days. The end itself
            where the period ends with a day.
        days: length in civil days, the part of an unfinished day as a fraction.
    """

    horizon: Horizon
    year: int
    start_us: int
    end_us: int
    first: date
    last: date
    day_us: int
    days: Fraction

    @property
    def empty(self) -> bool:
        """Whether it has no length: on the first of January nothing is there to date."""
        return self.start_us >= self.end_us


def reference_year(calendar: Calendar, year: int) -> KpiPeriod:
    """Return a civil year as a whole."""
    return period_between(calendar, Horizon.YEAR, year, *calendar.year_bounds(year))


def year_so_far(calendar: Calendar, year: int, until_us: int) -> KpiPeriod:
    """Return a civil year up to its last whole civil day before a time; one that is over as a whole."""
    start_us, end_us = calendar.year_bounds(year)
    today_us = calendar.day_bounds(calendar.local(min(until_us, calendar.to_us - 1)).date())[0]
    return period_between(calendar, Horizon.YEAR, year, start_us, max(start_us, min(end_us, today_us)))


def rolling(calendar: Calendar, until_us: int, since_us: int) -> KpiPeriod:
    """Return the twelve months that end with the last whole civil day.

    Args:
        calendar: of the city.
        until_us: how far time has come.
        since_us: the first observation of all; the estimate of a young installation begins with its hour, and says so.
    """
    end = calendar.local(until_us).date()
    year_before = end.replace(year=end.year - 1, day=28) if (end.month, end.day) == (2, 29) else end.replace(
        year=end.year - 1
    )  # fmt: skip
    start_us = max(calendar.day_bounds(year_before)[0], _hour(calendar, since_us))
    return period_between(calendar, Horizon.ROLLING, ESTIMATE, start_us, calendar.day_bounds(end)[0])


def to_date(calendar: Calendar, until_us: int, since_us: int) -> KpiPeriod:
    """Return the year so far, up to the last whole hour; see `rolling` for `since_us`."""
    start_us = calendar.year_bounds(calendar.local(until_us).year)[0]
    return period_between(
        calendar, Horizon.TO_DATE, ESTIMATE, max(start_us, _hour(calendar, since_us)), _hour(calendar, until_us)
    )


def civil_day(calendar: Calendar, day: date, until_us: int, since_us: int) -> KpiPeriod:
    """Return a civil day, up to the last whole hour where it is not over; empty where nothing of it has been.

    Args:
        calendar: of the city.
        day: which.
        until_us: how far time has come.
        since_us: the first observation of all, see `rolling`.

    Raises:
        CalendarError: the day lies outside the calendar.
    """
    return _so_far(calendar, Horizon.DAY, calendar.day_bounds(day), until_us, since_us)


def civil_month(calendar: Calendar, year: int, month: int, until_us: int, since_us: int) -> KpiPeriod:
    """Return a civil month in the same way; see `civil_day`.

    Raises:
        CalendarError: the month lies outside the calendar.
    """
    return _so_far(calendar, Horizon.MONTH, calendar.month_bounds(year, month), until_us, since_us)


def _so_far(
    calendar: Calendar, horizon: Horizon, bounds_us: tuple[int, int], until_us: int, since_us: int
) -> KpiPeriod:
    start_us = max(bounds_us[0], _hour(calendar, since_us))
    end_us = min(bounds_us[1], _hour(calendar, until_us))
    return period_between(calendar, horizon, ESTIMATE, start_us, end_us)


def _hour(calendar: Calendar, time_us: int) -> int:
    inside = min(max(time_us, calendar.from_us), calendar.to_us - 1)
    return int(calendar.start_of(Grid.HOUR, np.array([inside], np.int64))[0])


def period_between(calendar: Calendar, horizon: Horizon, year: int, start_us: int, end_us: int) -> KpiPeriod:
    """Return the period of two whole hours; `year` is ESTIMATE but for a reference year."""
    first = calendar.local(start_us).date()
    last = calendar.local(max(end_us - 1, start_us)).date()
    day_us, next_us = calendar.day_bounds(last)
    whole = next_us == end_us
    begun_us, second_us = calendar.day_bounds(first)
    # Both ends may cut a day: each counts by its share, so that 23-hour days are days as well.
    days = Fraction((last - first).days + 1)
    days -= Fraction(start_us - begun_us, max(second_us - begun_us, 1))
    days -= Fraction(next_us - end_us, max(next_us - day_us, 1))
    return KpiPeriod(horizon, year, start_us, end_us, first, last, end_us if whole else day_us, max(days, Fraction(0)))


def hour_spans(
    calendar: Calendar, period: KpiPeriod, hours: tuple[tuple[int, int], ...], weekdays: tuple[int, ...]
) -> list[tuple[int, int]]:
    """Return the stretches of a period within hours of the clock and days of the week, joined where they touch.

    Args:
        calendar, period: of the city.
        hours: (from, to), the end excluded; (22, 5) passes midnight. Empty: all day.
        weekdays: 1 (Monday) to 7, of the day on which each hour lies. Empty: every day.
    """
    if not hours and not weekdays:
        return [] if period.empty else [(period.start_us, period.end_us)]
    chosen = clock_hours(hours)
    starts = calendar.starts(Grid.HOUR, period.start_us, period.end_us)
    ends = calendar.end_of(Grid.HOUR, starts)
    spans: list[tuple[int, int]] = []
    for start_us, end_us in zip(starts.tolist(), ends.tolist(), strict=True):
        local = calendar.local(start_us)
        if local.hour not in chosen or (weekdays and local.isoweekday() not in weekdays):
            continue
        if spans and spans[-1][1] == start_us:
            spans[-1] = (spans[-1][0], end_us)
        else:
            spans.append((start_us, end_us))
    return spans


def seasons_of(calendar: Calendar, period: KpiPeriod, seasons: int) -> list[tuple[int, int]]:
    """Return the parts of a reference year, each of as many months; none of an estimate, which is no whole year."""
    if period.horizon is not Horizon.YEAR or seasons == 1:
        return []
    months = 12 // seasons
    starts = [calendar.day_bounds(date(period.year, 1 + months * k, 1))[0] for k in range(seasons)]
    return list(zip(starts, [*starts[1:], period.end_us], strict=True))


def clock_hours(hours: tuple[tuple[int, int], ...]) -> frozenset[int]:
    """Return the hours of the clock that pairs of (from, to) name; all of them where there is no pair."""
    if not hours:
        return frozenset(range(24))
    found: set[int] = set()
    for start, end in hours:
        found.update(range(start, end) if start < end else (*range(start, 24), *range(end)))
    return frozenset(found)


def days_between(first: date, last: date) -> int:
    """Return how many civil days there are from one to another, both included."""
    return (last - first) // timedelta(days=1) + 1
