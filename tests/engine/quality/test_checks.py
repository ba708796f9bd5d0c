"""Stuck, spike, rate and drift: worked examples, and the same as their slow twins, whatever else is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.quality import Days, drifting, rate, spike, stuck
from tests.engine.quality import oracle_quality as oracle

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US


def column(values: Sequence[int]) -> np.ndarray:
    return np.array(values, np.int64)


def every_ten_minutes(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int64) * 10 * MINUTE_US


def still(ticks: Sequence[int], **other: object) -> list[int]:
    """Positions that are flagged of readings every ten minutes; an hour without movement is too long."""
    rule = {"tolerance": 0, "lasting_us": HOUR_US, "readings": 3, "floor": None} | other
    return np.flatnonzero(stuck(every_ten_minutes(len(ticks)), column(ticks), **rule)).tolist()  # type: ignore[arg-type]


# ---- worked examples -------------------------------------------------------------------------------------------------


def test_an_hour_without_movement_flags_all_its_readings_and_fifty_minutes_none() -> None:
    assert still([5, 6, 7, 7, 7, 7, 7, 7, 7, 8]) == [2, 3, 4, 5, 6, 7, 8]
    assert still([5, 6, 7, 7, 7, 7, 7, 7, 8, 9]) == []


def test_a_step_of_the_devices_resolution_is_no_movement() -> None:
    wavering = [70, 71, 70, 70, 71, 71, 70, 90]
    assert still(wavering) == []
    assert still(wavering, tolerance=1) == [0, 1, 2, 3, 4, 5, 6]


def test_a_slow_climb_by_steps_of_the_resolution_is_a_movement() -> None:
    assert still([70, 71, 72, 73, 74, 75, 76, 77, 78], tolerance=1) == []


def test_readings_at_the_floor_are_no_stretch() -> None:
    dry_then_stuck = [0] * 8 + [3] * 7
    assert still(dry_then_stuck) == list(range(15))
    assert still(dry_then_stuck, floor=0) == list(range(8, 15))


def test_few_readings_are_no_stretch_however_long_it_lasts() -> None:
    times, rule = column([0, 50, 100]) * MINUTE_US, {"tolerance": 0, "lasting_us": HOUR_US, "floor": None}
    assert stuck(times, column([7, 7, 7]), readings=3, **rule).all()  # type: ignore[arg-type]
    assert not stuck(times, column([7, 7, 7]), readings=4, **rule).any()  # type: ignore[arg-type]


def test_a_pause_ends_a_stretch() -> None:
    times = column([0, 20, 40, 100, 120, 140]) * MINUTE_US
    rule = {"tolerance": 0, "lasting_us": HOUR_US, "readings": 3, "floor": None}
    assert not stuck(times, column([7] * 6), **rule).any()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ticks", "flagged"),
    [([10, 99, 11], [1]), ([90, 5, 91], [1]), ([10, 99, 98, 11], []), ([10, 99], []), ([10, 30, 10], [])],
)
def test_one_reading_that_stands_out_on_both_sides_is_a_spike(ticks: list[int], flagged: list[int]) -> None:
    found = spike(every_ten_minutes(len(ticks)), column(ticks), above=20, pause_us=30 * MINUTE_US)
    assert np.flatnonzero(found).tolist() == flagged


def test_a_neighbour_that_is_too_far_away_makes_no_spike() -> None:
    times = column([0, 10, 41]) * MINUTE_US
    assert not spike(times, column([10, 99, 11]), above=20, pause_us=30 * MINUTE_US).any()


def test_the_limit_of_a_rate_is_exact() -> None:
    times = column([0, 10, 20]) * MINUTE_US
    rule = {"per_us": HOUR_US, "pause_us": HOUR_US}
    assert np.flatnonzero(rate(times, column([0, 5, 11]), above=30, **rule)).tolist() == [2]
    large = 10**12
    assert not rate(times, column([0, large, 2 * large]), above=6 * large, **rule).any()
    assert np.flatnonzero(rate(times, column([0, large, 2 * large + 1]), above=6 * large, **rule)).tolist() == [2]


def of_days(means: Sequence[Sequence[int | None]]) -> Days:
    known = np.array([[one is not None for one in row] for row in means], np.bool_)
    return Days(np.array([[one or 0 for one in row] for row in means], np.int64), known)


def lying_off(means: Sequence[Sequence[int | None]], **other: int) -> list[tuple[int, int]]:
    """Series and days that drift of devices whose means are given."""
    count = len(means)
    found = drifting(
        of_days(means), np.arange(count, dtype=np.int32), np.ones(count, np.bool_),
        **({"above": 10, "run": 3, "neighbours": 3} | other),
    )  # fmt: skip
    return [(int(row), int(day)) for row, day in np.argwhere(found)]


def test_three_days_above_the_neighbours_are_drift_and_two_are_none() -> None:
    calm = [[20, 22, 24, 20]] * 3
    assert lying_off([[20, 35, 35, 35], *calm]) == [(0, 1), (0, 2), (0, 3)]
    assert lying_off([[20, 22, 35, 35], *calm]) == []


def test_days_off_in_opposite_directions_are_no_drift() -> None:
    assert lying_off([[40, 5, 40, 5], *[[20, 22, 24, 20]] * 3]) == []


def test_a_day_without_enough_neighbours_ends_a_row() -> None:
    calm: list[list[int | None]] = [[20, 20, 20, 20, 20], [20, 20, 20, 20, 20], [20, 20, None, 20, 20]]
    assert lying_off([[50, 50, 50, 50, 50], *calm]) == []
    assert lying_off([[50, 50, 50, 50, 50], *calm, [20] * 5]) == [(0, day) for day in range(5)]


def test_one_device_is_no_neighbour_of_itself() -> None:
    means = of_days([[50] * 3, [50] * 3, [20] * 3, [20] * 3])
    device, judged = np.array([0, 0, 1, 2], np.int32), np.ones(4, np.bool_)
    assert not drifting(means, device, judged, above=10, run=3, neighbours=3)[:2].any()


# ---- slow twins ------------------------------------------------------------------------------------------------------

readings_of = st.lists(st.tuples(st.integers(1, 40), st.integers(-3, 12)), max_size=40).map(
    lambda rows: (np.cumsum([0, *(step for step, _ in rows)])[1:] * MINUTE_US, column([value for _, value in rows]))
)


@given(
    readings_of, st.integers(0, 3), st.integers(20, 120), st.integers(3, 6), st.one_of(st.none(), st.integers(-3, 3))
)
def test_stuck_is_what_its_slow_twin_says(
    readings: tuple[np.ndarray, np.ndarray], tolerance: int, minutes: int, least: int, floor: int | None
) -> None:
    times, ticks = readings
    rule = {"tolerance": tolerance, "lasting_us": minutes * MINUTE_US, "readings": least, "floor": floor}
    fast = stuck(times, ticks, **rule)  # type: ignore[arg-type]
    assert fast.tolist() == oracle.stuck(times.tolist(), ticks.tolist(), **rule)  # type: ignore[arg-type]


@given(readings_of, st.integers(1, 12), st.integers(1, 60), st.sampled_from([MINUTE_US, HOUR_US]))
def test_spike_and_rate_are_what_their_slow_twins_say(
    readings: tuple[np.ndarray, np.ndarray], above: int, minutes: int, per_us: int
) -> None:
    times, ticks = readings
    near = {"above": above, "pause_us": minutes * MINUTE_US}
    assert spike(times, ticks, **near).tolist() == oracle.spike(times.tolist(), ticks.tolist(), **near)
    fast = rate(times, ticks, per_us=per_us, **near).tolist()
    assert fast == oracle.rate(times.tolist(), ticks.tolist(), per_us=per_us, **near)


@given(
    st.integers(4, 6).flatmap(
        lambda days: st.lists(
            st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=days, max_size=days), min_size=1, max_size=7
        )
    ),
    st.integers(1, 4),
    st.integers(1, 15),
)
def test_drift_is_what_its_slow_twin_says(means: list[list[int | None]], run: int, above: int) -> None:
    device = [row // 2 for row in range(len(means))]
    rule = {"above": above, "run": run, "neighbours": 3}
    fast = drifting(of_days(means), np.array(device, np.int32), np.ones(len(means), np.bool_), **rule)
    assert fast.tolist() == oracle.drifting(means, device, **rule)


@given(readings_of, st.data())
def test_a_flag_depends_on_nothing_beyond_its_reach(
    readings: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    times, ticks = readings
    if not times.size:
        return
    at = data.draw(st.integers(0, times.size - 1))
    lasting_us, pause_us = 30 * MINUTE_US, 25 * MINUTE_US
    checks = (
        (2 * lasting_us, lambda t, v: stuck(t, v, tolerance=1, lasting_us=lasting_us, readings=3, floor=None)),
        (pause_us, lambda t, v: spike(t, v, above=3, pause_us=pause_us)),
        (pause_us, lambda t, v: rate(t, v, above=1, per_us=MINUTE_US, pause_us=pause_us)),
    )
    for reach_us, check in checks:
        near = np.abs(times - times[at]) <= reach_us
        whole, part = check(times, ticks), check(times[near], ticks[near])
        assert whole[at] == part[np.flatnonzero(near).tolist().index(at)]
