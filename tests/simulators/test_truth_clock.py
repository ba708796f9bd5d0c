"""The truth's hours and days on the nights when clocks change, counted on the calendar by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from simulators.truth.city_clock import CityClock

HOUR_US = 3_600_000_000


def us(*moment: int) -> int:
    """Return an instant in UTC."""
    year, month, day, hour, *minute = moment
    return int(datetime(year, month, day, hour, *minute[:1], tzinfo=UTC).timestamp()) * 1_000_000


def clock(zone: str, *moment: int) -> CityClock:
    """Return the one day that holds an instant."""
    return CityClock.over(ZoneInfo(zone), us(*moment), us(*moment))


@pytest.mark.parametrize(
    ("zone", "moment", "start", "hours"),
    [
        ("Europe/Madrid", (2016, 10, 30, 12), (2016, 10, 29, 22), 25),
        ("America/New_York", (2021, 3, 14, 12), (2021, 3, 14, 5), 23),
        ("Asia/Seoul", (2024, 5, 1, 12), (2024, 4, 30, 15), 24),
        # At 00:01 the clock goes back to 23:01 of the day before: the new day has begun and goes on, with an hour of
        # one minute and one of 59 besides.
        ("America/St_Johns", (2009, 11, 1, 12), (2009, 11, 1, 2, 30), 26),
    ],
)
def test_a_day_begins_once_and_has_the_hours_that_its_clock_shows(
    zone: str, moment: tuple[int, ...], start: tuple[int, ...], hours: int
) -> None:
    found = clock(zone, *moment)
    assert found.days_us.size == 2
    assert found.days_us[0] == us(*start)
    assert found.hours_us.size - 1 == hours
    assert found.hours_us[[0, -1]].tolist() == found.days_us.tolist()


def test_a_change_by_half_an_hour_makes_two_windows_of_half_an_hour_or_cuts_one_short() -> None:
    # Lord Howe, 4 April 2021: at 2:00 the clock goes back to 1:30, so 1:30 to 2:00 comes twice.
    found = clock("Australia/Lord_Howe", 2021, 4, 4, 6)
    lengths = (found.hours_us[1:] - found.hours_us[:-1]).tolist()
    assert lengths == [HOUR_US, HOUR_US, HOUR_US // 2, *[HOUR_US] * 22]


def test_a_day_that_the_zone_left_out_has_no_window() -> None:
    # Samoa went from 29 December 2011 straight to the 31st.
    found = CityClock.over(ZoneInfo("Pacific/Apia"), us(2011, 12, 29, 12), us(2011, 12, 31, 12))
    assert found.days_us.tolist() == [us(2011, 12, day, 10) for day in (29, 30, 31)] + [us(2012, 1, 1, 10)]
