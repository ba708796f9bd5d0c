"""The rests between rounds: as long as the round under a burst, none when readings come as they were promised."""

from __future__ import annotations

import pytest

from devices.measurands import Kind
from engine.pace import REST_S_MAX, Pace
from tests.engine.desk import series_of
from tests.oracle import Fact

CYCLE_S = 0.25
PROMISED_PER_S = 100


@pytest.fixture
def pace() -> Pace:
    return Pace(CYCLE_S, series_of([Fact(Kind.GAUGE, interval_us=1_000_000)] * PROMISED_PER_S))


def test_a_short_round_rests_until_the_next_cycle(pace: Pace) -> None:
    assert pace.rest_s(100.0, 100.1, 25) == pytest.approx(0.15)


def test_what_comes_as_promised_waits_for_no_rest_however_long_a_round_took(pace: Pace) -> None:
    assert pace.rest_s(100.0, 100.8, 25) == 0
    # What came during that round and before it, and once as much: a long round makes no burst.
    assert pace.rest_s(100.8, 101.6, 80) == 0
    assert pace.rest_s(101.6, 102.4, 160) == 0


def test_under_a_burst_a_long_round_is_followed_by_as_long_a_rest_up_to_the_limit(pace: Pace) -> None:
    assert pace.rest_s(100.0, 100.8, 25_000) == pytest.approx(0.8)
    assert pace.rest_s(101.6, 104.6, 25_000) == REST_S_MAX


def test_the_promise_grows_with_the_time_since_the_round_before(pace: Pace) -> None:
    assert pace.rest_s(100.0, 100.8, 25) == 0
    assert pace.rest_s(110.0, 110.8, 1_500) == 0
    assert pace.rest_s(110.9, 111.7, 1_500) == pytest.approx(0.8)


def test_devices_without_an_interval_promise_nothing() -> None:
    pace = Pace(CYCLE_S, series_of([Fact(Kind.EVENT, interval_us=0)]))
    assert pace.rest_s(100.0, 100.8, 1) == 0
    assert pace.rest_s(100.8, 101.6, 1_000) == pytest.approx(0.8)
