"""The watermark: the slowest gateway that still speaks holds it, and it never moves back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.series import TIME_MIN_US
from engine import NOBODY, Watermark, closed
from tests.examples import examples

IDLE_US = 60


def hear(watermark: Watermark, now_us: int, *heard: tuple[int, int]) -> int:
    columns = np.array(heard, np.int64).reshape(-1, 2)
    watermark.observe(columns[:, 0].astype(np.int32), columns[:, 1], now_us)
    return watermark.value(now_us)


def test_it_starts_at_the_beginning_of_time() -> None:
    watermark = Watermark(2, IDLE_US)
    assert watermark.value(10**15) == TIME_MIN_US
    assert watermark.holder(10**15) == NOBODY
    assert hear(watermark, 10**15) == TIME_MIN_US


def test_the_slowest_gateway_holds_it_and_is_named() -> None:
    watermark = Watermark(3, IDLE_US)
    assert hear(watermark, 1000, (0, 900), (1, 950), (0, 990), (2, 970)) == 950
    assert watermark.holder(1000) == 1
    assert hear(watermark, 1001, (1, 999)) == 970
    assert watermark.holder(1001) == 2
    assert watermark.newest_us().tolist() == [990, 999, 970]


def test_an_idle_gateway_leaves_and_its_return_moves_nothing_back() -> None:
    watermark = Watermark(2, IDLE_US)
    hear(watermark, 1000, (0, 1000), (1, 900))
    assert hear(watermark, 1060, (0, 1055)) == 900
    assert watermark.value(1061) == 1055
    assert watermark.holder(1061) == 0
    assert hear(watermark, 1062, (1, 950)) == 1055
    assert watermark.holder(1062) == 1
    assert hear(watermark, 1063, (1, 1063)) == 1055


def test_when_all_are_idle_time_goes_on_behind_the_present() -> None:
    watermark = Watermark(2, IDLE_US)
    hear(watermark, 1000, (0, 1000))
    assert watermark.value(1060) == 1000
    assert watermark.value(1061) == 1001
    assert watermark.value(5000) == 5000 - IDLE_US
    assert watermark.holder(5000) == NOBODY


def test_a_fast_clock_counts_as_the_present_and_is_counted() -> None:
    watermark = Watermark(2, IDLE_US)
    assert hear(watermark, 1000, (0, 10**9), (1, 990)) == 990
    assert hear(watermark, 1010, (1, 1010)) == 1000
    assert watermark.capped == 1


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-500, 500), st.integers(-50, 100)), max_size=40))
def test_it_never_moves_back_even_when_the_clock_does(steps: list[tuple[int, int, int]]) -> None:
    watermark, now, before = Watermark(3, IDLE_US), 10_000, TIME_MIN_US
    for gateway, behind, passed in steps:
        now += passed
        value = hear(watermark, now, (gateway, now - behind))
        assert value >= before
        before = value


OFFSETS = st.lists(st.tuples(st.integers(0, 2), st.integers(-400, 400), st.integers(0, 90)), max_size=40)


@settings(max_examples=examples(200), deadline=None)
@given(OFFSETS)
def test_no_clock_closes_a_window_before_its_end_and_the_lateness_have_passed(
    steps: list[tuple[int, int, int]],
) -> None:
    # However fast clocks are: a reading on time, by a clock that is right, always finds its window open.
    watermark, now, lateness = Watermark(3, IDLE_US), 10_000, 120
    for gateway, ahead, passed in steps:
        now += passed
        value = hear(watermark, now, (gateway, now + ahead))
        assert value <= now
        assert not closed(np.array([now - lateness + 1]), value, lateness).any()


def test_a_fast_clock_moves_the_watermark_no_further_than_a_right_one_does() -> None:
    fast, right = Watermark(1, IDLE_US), Watermark(1, IDLE_US)
    for now in range(1000, 2000, 50):
        assert hear(fast, now, (0, now + 240)) == hear(right, now, (0, now))


def test_a_gateway_whose_clocks_are_all_fast_holds_nobody_back() -> None:
    # Why a clock that is ahead is not ignored: such a gateway would never show a time, and hold every window open.
    watermark = Watermark(2, IDLE_US)
    assert hear(watermark, 1000, (0, 1000), (1, 1010)) == 1000
    assert hear(watermark, 1050, (0, 1050), (1, 1060)) == 1050


def test_a_window_closes_when_end_and_lateness_are_reached() -> None:
    ends = np.array([100, 101, 102])
    assert closed(ends, 111, 10).tolist() == [True, True, False]
    assert closed(ends, np.array([109, 111, 112]), 10).tolist() == [False, True, True]


def test_a_watermark_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Watermark(0, IDLE_US)
