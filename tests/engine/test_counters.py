"""Meters: increases over resets, rollovers, dips, gaps and late readings, and where hours end between readings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from devices.measurands import Kind
from engine import DIP, RESET, ROLLOVER, Calendar, Grid, Spans
from tests.engine.desk import Desk, batch_of, rows, windows_of
from tests.oracle import EPOCH, HOUR_US, MINUTE_US, Fact

CALENDAR = Calendar(ZoneInfo("Europe/Madrid"), 2015, 2018)
BEGIN = (datetime(2016, 9, 5, 22, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)  # a local midnight
METER = Fact(Kind.COUNTER, high=100_000, interval_us=HOUR_US)


def increases(desk: Desk, grid: Grid) -> dict[int, int]:
    """Return the increase of slot 0 per window, by hours (or days, or minutes) since the beginning."""
    unit = (MINUTE_US, HOUR_US, 24 * HOUR_US)[grid]
    return {(start - BEGIN) // unit: cell[3] for (_, start), cell in desk.result()[grid].items()}


def read(desk: Desk, *readings: tuple[float, int]) -> None:
    """Feed readings of slot 0: hours since the beginning, ticks."""
    desk.feed([(0, BEGIN + int(hours * HOUR_US), ticks) for hours, ticks in readings])


def test_the_first_reading_ever_counts_and_adds_nothing() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (3.5, 70_000))
    assert desk.result()[Grid.HOUR] == {(0, BEGIN + 3 * HOUR_US): (1, 70_000, 70_000, 0, 0, 0, 0)}
    assert desk.result()[Grid.DAY] == {(0, BEGIN): (1, 70_000, 70_000, 0, 0, 0, 0)}


def test_a_pair_is_shared_out_over_the_hours_between() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (0.5, 100), (2.5, 140))
    assert increases(desk, Grid.HOUR) == {0: 10, 1: 20, 2: 10}
    assert increases(desk, Grid.DAY) == {0: 40}


def test_a_reading_on_an_edge_ends_the_hour_before_and_counts_in_the_hour_after() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (0, 100), (1, 107))
    hours = desk.result()[Grid.HOUR]
    assert hours[0, BEGIN] == (1, 100, 100, 7, 0, 0, 0)
    assert hours[0, BEGIN + HOUR_US] == (1, 107, 107, 0, 0, 0, 0)


def test_two_readings_in_one_hour_add_their_increase_to_it() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (0.25, 100), (0.5, 103))
    assert increases(desk, Grid.HOUR) == {0: 3}
    assert increases(desk, Grid.MINUTE) == {15: 0, 30: 3}


def test_a_minute_gets_the_whole_rise_of_the_pairs_that_end_in_it() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (0.0, 0), (5.0, 500), (5.001, 501))
    assert increases(desk, Grid.MINUTE) == {0: 0, 300: 501}


def test_thirteen_days_of_silence_spread_over_their_hours_and_add_up() -> None:
    desk = Desk([METER], CALENDAR)
    gap = 13 * 24 + 7
    read(desk, (5.5, 1000), (5.5 + gap, 1000 + 999))
    hours = increases(desk, Grid.HOUR)
    assert sorted(hours) == list(range(5, 5 + gap + 1))
    assert sum(hours.values()) == 999
    assert set(hours.values()) <= {1, 2, 3, 4}
    days = increases(desk, Grid.DAY)
    assert sum(days.values()) == 999
    assert {d: sum(v for h, v in hours.items() if h // 24 == d) for d in days} == days


def test_an_hour_of_no_consumption_is_known_to_be_none() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (0.5, 100), (3.5, 100))
    assert increases(desk, Grid.HOUR) == {0: 0, 1: 0, 2: 0, 3: 0}


@pytest.mark.parametrize(
    ("fact", "before", "after", "rise", "kind"),
    [
        (Fact(Kind.COUNTER, high=9999, modulus=10_000, rate=50), 9980, 15, 35, ROLLOVER),
        (Fact(Kind.COUNTER, high=9999, modulus=10_000, rate=50), 9980, 31, 31, RESET),  # 51 in one hour is too much
        (Fact(Kind.COUNTER, high=9999, modulus=10_000), 9980, 15, 35, ROLLOVER),
        (Fact(Kind.COUNTER, high=9999, modulus=10_000), 8000, 15, 15, RESET),  # more than a tenth of the register
        (Fact(Kind.COUNTER, high=9999), 9980, 15, 15, RESET),
        (Fact(Kind.COUNTER, high=9999, rate=10), 9980, 15, 0, RESET),  # cannot have risen so far from zero
        (Fact(Kind.COUNTER, high=9999, modulus=10_000, rate=50), 9980, 9979, -1, DIP),
        (
            Fact(Kind.COUNTER, high=9999, modulus=10_000, rate=100_000),
            9980,
            9979,
            -1,
            DIP,
        ),  # a rollover would be likely
        (Fact(Kind.COUNTER, high=9999), 100, 51, -49, DIP),
        (Fact(Kind.COUNTER, high=9999), 100, 50, 50, RESET),
        (Fact(Kind.COUNTER, high=9999), 1, 0, 0, RESET),
    ],
)
def test_a_counter_that_went_down_is_judged_and_the_judgement_recorded(
    fact: Fact, before: int, after: int, rise: int, kind: int
) -> None:
    desk = Desk([fact], CALENDAR)
    read(desk, (0.0, before), (1.0, after))
    assert increases(desk, Grid.HOUR) == {0: rise, 1: 0}
    assert list(desk.decisions.values()) == [(0, BEGIN + HOUR_US, kind, before, after, rise)]


def test_jitter_of_a_meter_leaves_no_trace_in_the_total() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (0.0, 5000), (0.3, 4999), (0.6, 5000), (1.0, 5001))
    assert increases(desk, Grid.HOUR)[0] == 1
    assert [d[2] for d in desk.decisions.values()] == [DIP]


def test_a_late_reading_moves_the_shares_and_withdraws_a_decision() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (0.5, 100), (2.5, 40))
    assert [d[2] for d in desk.decisions.values()] == [RESET]
    assert increases(desk, Grid.HOUR) == {0: 10, 1: 20, 2: 10}
    read(desk, (1.0, 20))
    assert [(d[1], d[2]) for d in desk.decisions.values()] == [(BEGIN + HOUR_US, RESET)]
    assert increases(desk, Grid.HOUR) == {0: 20, 1: 13, 2: 7}
    assert desk.windows.counts.late == 1


def test_a_late_reading_before_the_first_opens_the_hours_before() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (30.0, 500))
    desk.flush()
    desk.evict(BEGIN + 100 * HOUR_US)
    read(desk, (20.0, 400))
    assert sum(increases(desk, Grid.HOUR).values()) == 100
    assert increases(desk, Grid.DAY) == {0: 40, 1: 60}


def test_after_a_restart_the_counter_goes_on_from_its_last_reading() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (0.5, 100))
    desk.restart(crash=False)
    read(desk, (1.5, 120))
    assert increases(desk, Grid.HOUR) == {0: 10, 1: 10}
    assert desk.result()[Grid.HOUR][0, BEGIN][0] == 1
    assert desk.loads == 2  # the hour and the day of the reading before


def test_readings_not_yet_absorbed_are_left_to_absorb_when_recomputing() -> None:
    windows = windows_of([METER], CALENDAR)
    first, second, third = ((0, BEGIN + h * HOUR_US // 2, 10 * h) for h in (1, 3, 5))
    windows.absorb(batch_of([first, second]))
    before = rows(windows.held(Grid.HOUR))
    hours = windows.widened(spans_of(second), np.array([first[1]]), np.array([third[1]]))
    done = windows.recompute(
        hours, batch_of([first, second, third]), windows.gather(Grid.HOUR, np.array([], np.int32), 0)
    )
    assert done.ahead == 1
    assert rows(windows.held(Grid.HOUR)) == before
    windows.absorb(batch_of([third]))
    assert sum(windows.gather(Grid.DAY, np.array([0], np.int32), BEGIN).sums[0]) == 40


def spans_of(reading: tuple[int, int, int]) -> Spans:
    return Spans.of([reading[0]], [reading[1]], [reading[1] + 1])


@pytest.mark.parametrize("early_us", [0, 1])
def test_a_reading_not_after_the_last_one_is_late_however_little(early_us: int) -> None:
    windows = windows_of([METER], CALENDAR)
    windows.absorb(batch_of([(0, BEGIN, 10), (0, BEGIN + HOUR_US, 20)]))
    before = rows(windows.held(Grid.HOUR))
    done = windows.absorb(batch_of([(0, BEGIN + HOUR_US - early_us, 15)]))
    assert done.late.from_us.tolist() == [BEGIN + HOUR_US - early_us]
    assert done.late.to_us.tolist() == [BEGIN + HOUR_US - early_us + 1]
    assert rows(windows.held(Grid.HOUR)) == before


def test_a_reading_out_of_range_is_no_neighbour_when_recomputing() -> None:
    desk = Desk([METER], CALENDAR)
    read(desk, (0.5, 100), (0.75, 100_001), (1.5, 120), (2.25, 100_001), (2.5, 140))
    before = increases(desk, Grid.HOUR)
    assert before == {0: 10, 1: 20, 2: 10}
    desk.recompute(Spans.of([0], [BEGIN + HOUR_US], [BEGIN + 2 * HOUR_US]))
    assert increases(desk, Grid.HOUR) == before
    desk.recompute(Spans.of([0], [BEGIN], [BEGIN + HOUR_US]))
    assert increases(desk, Grid.HOUR) == before


def test_a_state_is_believed_for_three_intervals_and_no_longer() -> None:
    fact = Fact(Kind.STATE, high=3, interval_us=20 * MINUTE_US)
    desk = Desk([fact], CALENDAR)
    read(desk, (0.5, 2), (0.75, 1), (9.0, 0))
    hours = desk.result()[Grid.HOUR]
    quarter = HOUR_US // 4
    assert hours[0, BEGIN] == (2, 1, 2, 0, quarter, quarter, 0)
    assert hours[0, BEGIN + HOUR_US] == (0, 0, 0, 0, 3 * quarter, 0, 0)
    assert (0, BEGIN + 2 * HOUR_US) not in hours
    assert desk.result()[Grid.DAY][0, BEGIN] == (3, 0, 2, 0, 4 * quarter, quarter, 0)
    assert desk.result()[Grid.MINUTE][0, BEGIN + 30 * MINUTE_US] == (1, 2, 2, 0, 0, 0, 0)


def test_the_repeated_hour_makes_no_false_reset() -> None:
    desk = Desk([METER], CALENDAR)
    night = (datetime(2016, 10, 29, 23, 30, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    desk.feed([(0, night + k * HOUR_US, 100 + 6 * k) for k in range(4)])  # 01:30, 02:30, 02:30 again, 03:30
    hours = desk.result()[Grid.HOUR]
    assert [hours[0, night + (2 * k - 1) * HOUR_US // 2][3] for k in range(4)] == [3, 6, 6, 3]
    assert not desk.decisions
    day = CALENDAR.start_of(Grid.DAY, np.array([night + HOUR_US]))[0]
    assert desk.result()[Grid.DAY][0, int(day)][3] == 18
