"""Hours and civil days of real zones, checked against the local clock read once a minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.series import TIME_MAX_US, TIME_MIN_US
from engine import Calendar, CalendarError, Grid, expected
from tests.engine.desk import series_of
from tests.examples import examples
from tests.oracle import HOUR_US, MINUTE_US, Edges, Fact, Kind

# Each stretch begins at a local midnight, five days of it hold a change of the clock.
CHANGES = {
    "Europe/Madrid": datetime(2016, 10, 28, 22, tzinfo=UTC),
    "Europe/London": datetime(2024, 3, 29, 0, tzinfo=UTC),
    "America/New_York": datetime(2021, 3, 12, 5, tzinfo=UTC),
    "America/Sao_Paulo": datetime(2018, 11, 2, 3, tzinfo=UTC),  # midnight is left out
    "America/Havana": datetime(2021, 11, 5, 4, tzinfo=UTC),  # midnight comes twice
    "America/St_Johns": datetime(2009, 10, 31, 2, 30, tzinfo=UTC),  # the change is at 00:01
    "Asia/Beirut": datetime(2021, 3, 26, 22, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2024, 5, 1, 18, 15, tzinfo=UTC),  # 5:45, no change
    "Asia/Seoul": datetime(1988, 5, 6, 15, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2021, 4, 2, 13, tzinfo=UTC),  # half an hour back
    "Antarctica/Troll": datetime(2023, 3, 25, 0, tzinfo=UTC),  # two hours on
    "Africa/Casablanca": datetime(2024, 3, 8, 23, tzinfo=UTC),
    "Pacific/Apia": datetime(2011, 12, 27, 10, tzinfo=UTC),  # 30 December is left out
    "Pacific/Kwajalein": datetime(1993, 8, 20, 12, tzinfo=UTC),  # 21 August is left out
}


@cache
def calendar_of(name: str) -> Calendar:
    return Calendar(ZoneInfo(name), 1980, 2040)


def us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize("name", CHANGES)
def test_hours_and_days_begin_where_the_local_clock_says(name: str) -> None:
    zone, begin = ZoneInfo(name), CHANGES[name]
    calendar = calendar_of(name)
    edges = Edges.of(zone, begin, begin + timedelta(days=5))
    assert edges.hours[0] == edges.days[0] == us(begin)
    last_day = edges.days[-1]
    times = np.array([t + step for t in edges.hours for step in (0, 1, MINUTE_US, 31 * MINUTE_US)], np.int64)
    times = times[times < last_day]
    assert calendar.start_of(Grid.HOUR, times).tolist() == [edges.hour(t) for t in times.tolist()]
    assert calendar.start_of(Grid.DAY, times).tolist() == [edges.day(t) for t in times.tolist()]
    hours = [h for h in edges.hours if h < last_day]
    assert calendar.starts(Grid.HOUR, edges.hours[0], last_day).tolist() == hours
    assert calendar.starts(Grid.DAY, edges.hours[0], last_day).tolist() == edges.days[:-1]
    assert calendar.end_of(Grid.HOUR, np.array(hours)).tolist() == [*hours[1:], last_day]
    assert calendar.end_of(Grid.DAY, np.array(edges.days[:-1])).tolist() == edges.days[1:]


@settings(max_examples=examples(200), deadline=None)
@given(
    name=st.sampled_from(sorted(CHANGES)),
    time_us=st.integers(us(datetime(1985, 1, 1, tzinfo=UTC)), us(datetime(2035, 1, 1, tzinfo=UTC))),
    length_us=st.integers(0, 50 * HOUR_US),
)
def test_windows_tile_time_without_gap_or_overlap(name: str, time_us: int, length_us: int) -> None:
    calendar = calendar_of(name)
    times = np.array([time_us])
    for grid in Grid:
        start, end = calendar.start_of(grid, times), calendar.end_of(grid, times)
        assert start[0] <= time_us < end[0]
        assert calendar.start_of(grid, end)[0] == end[0]
        assert calendar.start_of(grid, end - 1)[0] == start[0]
        starts = calendar.starts(grid, time_us, time_us + length_us)
        if not length_us:
            assert starts.size == 0
            continue
        assert starts[0] == start[0]
        assert starts[1:].tolist() == calendar.end_of(grid, starts)[:-1].tolist()
        assert starts[-1] < time_us + length_us <= calendar.end_of(grid, starts[-1:])[0]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Madrid", date(2016, 10, 30), 25),
        ("Europe/Madrid", date(2016, 3, 27), 23),
        ("Europe/Madrid", date(2016, 3, 28), 24),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),
        ("America/Havana", date(2021, 11, 7), 25),
        ("Australia/Lord_Howe", date(2021, 4, 4), 24.5),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Pacific/Apia", date(2011, 12, 31), 24),
        ("Antarctica/Troll", date(2023, 3, 26), 22),
    ],
)
def test_a_civil_day_is_as_long_as_its_clock_makes_it(zone: str, day: date, hours: float) -> None:
    start, end = Calendar(ZoneInfo(zone), 2008, 2030).day_bounds(day)
    assert end - start == hours * HOUR_US


def test_the_repeated_hour_is_two_windows_told_apart_by_their_label() -> None:
    calendar = Calendar(ZoneInfo("Europe/Madrid"), 2016, 2016)
    first = us(datetime(2016, 10, 30, 0, tzinfo=UTC))
    starts = calendar.starts(Grid.HOUR, first, first + 2 * HOUR_US)
    assert starts.tolist() == [first, first + HOUR_US]
    labels = [calendar.label(Grid.HOUR, int(t)) for t in starts]
    assert labels == ["2016-10-30 02:00+02:00", "2016-10-30 02:00+01:00"]
    assert calendar.label(Grid.DAY, calendar.day_bounds(date(2016, 10, 30))[0]) == "2016-10-30"
    assert calendar.text(first + 5) == "2016-10-30T02:00:00.000005+02:00"


def test_months_and_years_are_whole_days_of_the_city() -> None:
    calendar = Calendar(ZoneInfo("Europe/Madrid"), 2015, 2017)
    assert calendar.year_bounds(2016)[1] - calendar.year_bounds(2016)[0] == 366 * 24 * HOUR_US
    assert calendar.month_bounds(2016, 3)[1] - calendar.month_bounds(2016, 3)[0] == (31 * 24 - 1) * HOUR_US
    assert calendar.month_bounds(2016, 12)[1] == calendar.year_bounds(2017)[0]
    assert calendar.text(calendar.year_bounds(2016)[0]) == "2016-01-01T00:00:00+01:00"
    ends = [calendar.month_bounds(2016, month) for month in range(1, 13)]
    assert [end for _, end in ends[:-1]] == [start for start, _ in ends[1:]]
    assert calendar.year_bounds(2017)[1] == calendar.to_us
    assert calendar.year_bounds(2015)[0] == calendar.from_us


def test_times_outside_the_span_are_refused_with_the_span_in_the_message() -> None:
    calendar = Calendar(ZoneInfo("Europe/Madrid"), 2015, 2017)
    with pytest.raises(CalendarError, match="2015-01-01T00:00:00"):
        calendar.start_of(Grid.HOUR, np.array([0]))
    with pytest.raises(CalendarError, match="2018-01-01"):
        calendar.end_of(Grid.DAY, np.array([calendar.to_us]))
    with pytest.raises(CalendarError, match="2019"):
        calendar.day_bounds(date(2019, 1, 1))
    with pytest.raises(CalendarError, match="2014"):
        calendar.day_bounds(date(2014, 12, 31))


def test_the_hour_of_the_day_is_the_one_that_the_clock_shows() -> None:
    london = Calendar(ZoneInfo("Europe/London"), 2016, 2016)
    day = london.starts(Grid.HOUR, *london.day_bounds(date(2016, 10, 30)))
    assert london.hour_of_day(day).tolist() == [0, 1, 1, *range(2, 24)]
    howe = Calendar(ZoneInfo("Australia/Lord_Howe"), 2021, 2021)
    day = howe.starts(Grid.HOUR, *howe.day_bounds(date(2021, 4, 4)))
    assert howe.hour_of_day(day).tolist() == [0, 1, 1, *range(2, 24)]
    with pytest.raises(CalendarError, match="2016"):
        london.hour_of_day(np.array([london.to_us]))


def test_a_zone_of_broken_minutes_is_refused() -> None:
    with pytest.raises(CalendarError, match="later year"):
        Calendar(ZoneInfo("Africa/Monrovia"), 1970, 1990)
    with pytest.raises(CalendarError, match="span"):
        Calendar(ZoneInfo("UTC"), 2020, 2019)


def test_expected_counts_the_intervals_begun_while_in_service() -> None:
    facts = [Fact(Kind.GAUGE, interval_us=10 * MINUTE_US), Fact(Kind.EVENT, interval_us=0)]
    series = series_of(facts * 2)
    series.service_from_us[2] = HOUR_US // 2
    slots = np.array([0, 1, 2, 3, 0], np.int32)
    assert expected(series, slots, 0, HOUR_US).tolist() == [6, 0, 3, 0, 6]
    assert expected(series, slots, 0, HOUR_US + 1).tolist() == [7, 0, 4, 0, 7]
    assert expected(series, slots, 0, 1).tolist() == [1, 0, 0, 0, 1]
    assert expected(series, slots, HOUR_US, 0).tolist() == [0] * 5
    series.service_to_us[0] = 20 * MINUTE_US
    assert expected(series, slots, np.arange(5) * 5 * MINUTE_US, HOUR_US).tolist() == [2, 0, 3, 0, 0]
    assert series.service_to_us[1] == TIME_MAX_US
    assert series.service_from_us[1] == TIME_MIN_US
