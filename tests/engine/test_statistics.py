"""Means to the last digit, energy means, directions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import increase, laeq, mean, resultant, vector_mean
from engine.statistics import mean as fast_mean
from engine.weights import directions, energies
from tests.examples import examples
from tests.oracle import direction, energy
from tests.oracle import mean as slow_mean

totals = st.one_of(st.integers(-(10**15), 10**15), st.integers(-100, 100), st.integers(-(2**63), 2**63 - 1))


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.tuples(totals, st.integers(0, 10**6)), max_size=6), st.integers(0, 6), st.integers(0, 6))
def test_a_mean_is_the_nearest_and_ties_go_to_even(rows: list[tuple[int, int]], decimals: int, wanted: int) -> None:
    total, count = (np.array([r[k] for r in rows], np.int64) for k in (0, 1))
    expected = [slow_mean(t, n, decimals, wanted) for t, n in rows]
    if any(abs(e) > 2**63 - 1 for e in expected):
        with pytest.raises(OverflowError):
            fast_mean(total, count, decimals, wanted)
        return
    assert mean(total, count, decimals, wanted).tolist() == expected


def test_no_reading_has_no_mean_and_no_level() -> None:
    none = np.zeros(2, np.int64)
    assert mean(none, none, 3, 1).tolist() == [0, 0]
    assert np.isnan(laeq(none, none)).all()
    assert np.isnan(vector_mean(none, none)).all()
    assert np.isnan(resultant(none, none, none)).all()


def test_the_energy_mean_of_60_and_70_db_is_not_65() -> None:
    table = energies(0, 1300, 1)
    total = np.array([table[600] + table[700], 10 * table[553]])
    levels = laeq(total, np.array([2, 10]))
    assert levels[0] == pytest.approx(10 * math.log10((10**6 + 10**7) / 2), abs=1e-6)
    assert levels[1] == pytest.approx(55.3, abs=1e-5)


@pytest.mark.parametrize(("low", "high", "decimals"), [(0, 130, 0), (0, 1300, 1), (-250, 300, 1), (9000, 9500, 2)])
def test_every_energy_is_correctly_rounded(low: int, high: int, decimals: int) -> None:
    assert energies(low, high, decimals).tolist() == [energy(t, decimals) for t in range(low, high + 1)]


def test_an_energy_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OverflowError):
        energies(0, 190, 0)


@pytest.mark.parametrize(("low", "high", "decimals"), [(0, 360, 0), (-180, 180, 0), (0, 3600, 1), (17_900, 18_100, 2)])
def test_every_direction_is_correctly_rounded(low: int, high: int, decimals: int) -> None:
    cosine, sine = directions(low, high, decimals)
    ticks = range(low, high + 1) if high - low < 1000 else range(low, high + 1, 7)
    assert [(int(cosine[t - low]), int(sine[t - low])) for t in ticks] == [direction(t, decimals) for t in ticks]


def test_the_mean_of_350_and_10_degrees_is_north() -> None:
    cosine, sine = directions(0, 360, 0)
    pairs = [(350, 10), (80, 100), (0, 180), (359, 360)]
    x = np.array([cosine[a] + cosine[b] for a, b in pairs])
    y = np.array([sine[a] + sine[b] for a, b in pairs])
    degrees = vector_mean(x, y)
    assert degrees[0] == 0.0
    assert degrees[1] == 90.0
    assert math.isnan(degrees[2])
    assert degrees[3] == pytest.approx(359.5, abs=1e-6)
    assert ((degrees[[0, 1, 3]] >= 0) & (degrees[[0, 1, 3]] < 360)).all()
    assert resultant(x, y, np.full(4, 2))[1] == pytest.approx(math.cos(math.radians(10)), abs=1e-8)


def test_a_direction_just_west_of_north_is_below_360() -> None:
    assert vector_mean(np.array([2**60]), np.array([-1]))[0] < 360.0


def test_the_increase_is_the_first_sum() -> None:
    assert increase(np.array([[5, 0, 0, 0], [-2, 1, 1, 1]])).tolist() == [5, -2]
