"""Statistics of one measurand for all stations at once, their rounding, and how published figures are pooled."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cells import Grid
from engine.indicators import INDICATORS, Column, Indicator, Pool, Sums, by_code, columns
from engine.indicators.exact import (
    divided,
    level_of,
    level_thresholds,
    levels,
    ratio,
    round_half_even,
    round_half_up,
)
from engine.weights import ENERGY_SCALE, energies
from tests.engine.indicators import oracle_indicators as oracle
from tests.engine.indicators.cities import CODES, MEASURANDS
from tests.examples import examples

POSITION = by_code(INDICATORS)
WHOLE = st.integers(-(10**18), 10**18)


def definition(code: str) -> Indicator:
    return INDICATORS[POSITION[code, Grid.HOUR]]


def column(code: str, *rows: tuple[int, list[int]]) -> Column:
    """Return the statistic of an indicator for stations with these counts and sums."""
    indicator = definition(code)
    sums = np.zeros((len(rows), 4), np.int64)
    for at, (_, values) in enumerate(rows):
        sums[at, : len(values)] = values
    count = np.array([count for count, _ in rows], np.int64)
    assert indicator.statistic is not None
    return indicator.statistic(Sums(count, sums, MEASURANDS[CODES.index(indicator.inputs[0])]), indicator)


def ticks(code: str, *rows: tuple[int, list[int]]) -> list[int | None]:
    found = column(code, *rows)
    return [int(t) if known else None for t, known in zip(found.ticks, found.known, strict=True)]


@given(st.lists(st.tuples(WHOLE, st.integers(1, 10**6)), max_size=20))
def test_division_rounds_half_to_even_as_fractions_do(rows: list[tuple[int, int]]) -> None:
    numerators, denominators = (
        np.array(values, np.int64) for values in (zip(*rows, strict=True) if rows else ([], []))
    )
    wanted = [round(Fraction(n, d)) for n, d in rows]
    assert divided(numerators, denominators).tolist() == wanted
    assert [round_half_even(n, d) for n, d in rows] == wanted
    assert [round_half_up(n, d) for n, d in rows] == [math.floor(Fraction(n, d) + Fraction(1, 2)) for n, d in rows]


@given(st.lists(st.tuples(WHOLE, st.integers(1, 10**5)), min_size=1, max_size=10), st.integers(0, 9), st.integers(0, 3))
def test_a_ratio_is_exact_at_any_size(rows: list[tuple[int, int]], decimals_in: int, decimals_out: int) -> None:
    wanted = [round(Fraction(n * 10**decimals_out, d * 10**decimals_in)) for n, d in rows]
    numerators, denominators = (np.array(values, np.int64) for values in zip(*rows, strict=True))
    if max(abs(value) for value in wanted) > 2**63 - 1:
        with pytest.raises(OverflowError):
            ratio(numerators, denominators, decimals_in, decimals_out)
    else:
        assert ratio(numerators, denominators, decimals_in, decimals_out).tolist() == wanted


def test_a_mean_rounds_its_tie_to_even() -> None:
    # 0.0005 and 0.0015 µg/m3
    assert ticks("pm10_mean", (2, [1]), (2, [3]), (4, [-2]), (0, [0])) == [0, 2, 0, None]


def test_a_total_without_a_reading_is_still_a_total() -> None:
    assert ticks("electricity", (0, [1500]), (1, [0]), (0, [0]), (4, [-20])) == [1500, 0, None, -20]


def test_sixty_and_seventy_decibels_are_67_4() -> None:
    # 10 lg((10^6 + 10^7) / 2) = 67.4036
    table = energies(6000, 7000, 2)
    assert ticks("laeq", (2, [int(table[0] + table[1000])]), (1, [int(table[0])]), (0, [0])) == [674, 600, None]


def test_a_level_of_one_reading_is_that_reading() -> None:
    table = energies(0, 13_000, 2)
    for level in (300, 3_010, 4_550, 6_550, 12_990, 13_000):
        assert ticks("laeq", (7, [7 * int(table[level])])) == [round(Fraction(level, 10))]


@given(st.integers(0, 8 * 10**13), st.integers(1, 100_000))
def test_a_level_equals_its_logarithm(energy: int, count: int) -> None:
    assert ticks("laeq", (count, [energy])) == [oracle.level(Fraction(energy, 8 * count), 1)]


def test_every_level_begins_at_its_threshold() -> None:
    thresholds = level_thresholds(8, 1, 150)
    with localcontext() as context:
        context.prec = 60
        for level in range(1, 1501):
            exact = 8 * Decimal(10) ** ((Decimal(level) - Decimal("0.5")) / 100)
            # The least sum of 1000 energies whose mean lies above, and one less.
            least = math.ceil(1000 * exact)
            assert level_of(least, 1000, thresholds) == level
            assert level_of(least - 1, 1000, thresholds) == level - 1
            if least < 2**63:
                found = levels(np.array([least, least - 1], np.int64), np.array([1000, 1000], np.int64), thresholds)
                assert found.tolist() == [level, level - 1]


@settings(max_examples=examples(200), deadline=None)
@given(st.data(), st.sampled_from([(8, 1, 150), (ENERGY_SCALE, 1, 150), (10**6, 1, 150), (1, 2, 20), (2**40, 0, 150)]))
def test_levels_of_a_column_are_those_of_each_row(data: st.DataObject, table: tuple[int, int, int]) -> None:
    thresholds = level_thresholds(*table)
    top = 2**63 - 1
    energy, count = [], []
    for _ in range(data.draw(st.integers(1, 12))):
        number = data.draw(st.one_of(st.integers(1, 100_000), st.integers(1, top), st.sampled_from([2**32, 2**33 + 1])))
        threshold = data.draw(st.sampled_from(thresholds))
        # On the threshold, beside it, a mean with its whole part, and anything.
        least = -(-threshold * number >> 64)
        part = (threshold >> 64) * number + data.draw(st.integers(0, number - 1))
        sums = data.draw(st.one_of(st.sampled_from([least - 1, least, least + 1, part]), st.integers(-top, top)))
        energy.append(max(min(sums, top), -top))
        count.append(number)
    found = levels(np.array(energy, np.int64), np.array(count, np.int64), thresholds)
    assert found.tolist() == [level_of(*row, thresholds) for row in zip(energy, count, strict=True)]


def test_the_share_of_congested_time_is_of_the_known_time() -> None:
    minute = 60_000_000
    # free 30, dense 10, congested 5 minutes: 5 / 45 = 11.1 %
    assert ticks("traffic_congestion", (9, [30 * minute, 10 * minute, 5 * minute]), (1, [0, 0, 0]), (0, [0, 0, 7])) == [
        111, None, 1000,
    ]  # fmt: skip


UNIT = 2**30


def test_wind_from_350_and_10_degrees_is_from_north() -> None:
    def vector(*degrees: float) -> tuple[int, list[int]]:
        parts = [(round(UNIT * math.cos(math.radians(d))), round(UNIT * math.sin(math.radians(d)))) for d in degrees]
        return len(parts), [sum(x for x, _ in parts), sum(y for _, y in parts)]

    assert ticks("wind_direction", vector(350, 10), vector(90, 180), vector(0, 180), vector(359.6), (0, [0, 0])) == [
        0, 135, None, 0, None,
    ]  # fmt: skip
    assert ticks("wind_direction", vector(200), vector(200, 220, 240), vector(270, 271.2)) == [200, 220, 271]


def test_a_direction_halfway_between_two_degrees_is_settled_in_integers() -> None:
    table = columns._unit_vectors(1)
    for tenths in range(5, 3600, 10):
        x, y = int(table[0][tenths]), int(table[1][tenths])
        found = columns._beside(2 * (tenths // 10) + 1, x, y, 0)
        assert found in (tenths // 10, tenths // 10 + 1)
        assert columns._beside(2 * (tenths // 10) + 1, x - 40 * y // UNIT, y + 40 * x // UNIT, 0) == tenths // 10 + 1
        assert columns._beside(2 * (tenths // 10) + 1, x + 40 * y // UNIT, y - 40 * x // UNIT, 0) == tenths // 10


def test_published_directions_are_averaged_as_vectors() -> None:
    scope = np.array([0, 0, 1, 1, 2], np.intp)
    found = columns.pooled_directions(np.array([350, 20, 0, 180, 77], np.int64), scope, 4, 0)
    assert found.known.tolist() == [True, False, True, False]
    assert (int(found.ticks[0]), int(found.ticks[2])) == (5, 77)


def test_published_levels_are_averaged_as_energies() -> None:
    scope = np.array([0, 0, 1, 3], np.intp)
    found = columns.pooled_levels(np.array([600, 700, 455, 1300], np.int64), scope, 4, 1)
    assert found.tolist() == [674, 455, 0, 1300]


@given(st.lists(st.integers(0, 1300), min_size=1, max_size=300))
def test_the_energy_mean_of_stations_equals_its_logarithm(levels: list[int]) -> None:
    found = columns.pooled_levels(np.array(levels, np.int64), np.zeros(len(levels), np.intp), 1, 1)
    assert found.tolist() == [oracle.pooled("energy", levels, 1)]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=50))
def test_the_mean_of_stations_is_that_of_their_published_ticks(values: list[int]) -> None:
    found = columns.pooled_means(np.array(values, np.int64), np.zeros(len(values), np.intp), 2)
    assert found.tolist() == [round(Fraction(sum(values), len(values))), 0]


def test_every_kind_of_pool_is_used() -> None:
    assert {definition.pool for definition in INDICATORS} == set(Pool)
