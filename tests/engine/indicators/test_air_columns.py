"""The indices of all stations at once against the formulas of one: the same bits wherever the columns are sure."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.indicators import INDICATORS, Figure, Hours, Indicator, air
from engine.indicators.concentration_columns import MISSING, Series
from engine.indicators.concentration_columns import nowcast as columns_nowcast
from engine.indicators.concentration_columns import predicted as columns_predicted
from engine.indicators.concentrations import Day, at, mean, nowcast, predicted
from engine.indicators.definition import HourColumns, IndexColumn
from tests.examples import examples

INDICES = {definition.name: definition for definition in INDICATORS if definition.index is not None}
COUNTS_MAX = 3_600


def owns(definition: Indicator) -> list[int]:
    """Return how many hours its window may have."""
    return [23, 24, 25] if definition is INDICES["us_aqi (day)"] else [1]


def limits_of(code: str) -> list[Fraction]:
    """Return where something changes, in µg/m3: every breakpoint, half and a step beside it, the M of the CAI."""
    found = [Fraction(30), Fraction(70), Fraction(240, 7), Fraction(80)]
    if code in air.EAQI_LIMITS:
        found += [Fraction(limit, 10 ** air.EAQI_LIMITS[code].decimals) for limit in air.EAQI_LIMITS[code].limits]
    for lookup in [*air.CAI_TABLES.values(), *air.AQI_TABLES.values()]:
        if lookup.table.pollutant == code:
            for count in (*lookup.table.c_low, *lookup.table.c_high):
                found += [(count + Fraction(half, 2)) / lookup.steps for half in (-1, 0, 1, 2)]
    return [value for value in found if value >= 0]


LIMITS = {code: limits_of(code) for code in air.AQI_INPUTS}
KINDS = ["limit", "limit", "beside", "steady", "any", "any", "zero", "negative", "huge"]


def hours_of(random: Random, limit: Fraction, down: int, hours: int) -> tuple[list[int], list[int]]:
    """Return counts and sums of odd hours in ticks of 1 / down µg/m3: at a limit, a tick beside it, or of any size."""
    gaps = random.choice([0, 0, 0.1, 0.3])
    choice = [1, 4, 59, 60, random.randint(1, COUNTS_MAX)]
    counts = [0 if random.random() < gaps else choice[-1] for _ in range(hours)]
    if random.random() < 0.5:
        counts = [count and random.choice(choice) for count in counts]
    kind = random.choice(KINDS)
    at, top = int(limit * down), random.choice([50, 700, 5000]) * down
    low, high = {
        "limit": (at, at), "beside": (at, at), "steady": (top // 7, top // 7), "any": (-5 * down, top), "zero": (0, 0),
        "negative": (-20 * down, 0), "huge": (0, 2**62 // COUNTS_MAX),
    }[kind]  # fmt: skip
    sums = [random.randint(low, high) * count for count in counts]
    if kind == "beside":
        sums = [total + (random.choice([-1, 0, 1]) if count else 0) for total, count in zip(sums, counts, strict=True)]
    # The newest hour decides more often than any other.
    sums[-1] += random.choice([-1, 0, 0, 1]) if counts[-1] else 0
    return counts, sums


def stations_of(random: Random, inputs: tuple[str, ...], hours: int, stations: int) -> HourColumns:
    """Return odd hours of so many stations, of which some lack an input; one unit for each input."""
    shape = (stations, len(inputs), hours)
    count, sums = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    limits = [random.choice(LIMITS[code]) for code in inputs]
    down = tuple(1000 * limit.denominator for limit in limits)
    lacking = random.choice([0, 0.1, 0.7])
    for station in range(stations):
        for position, limit in enumerate(limits):
            if random.random() >= lacking:
                count[station, position], sums[station, position] = hours_of(random, limit, down[position], hours)
    return HourColumns(count, sums, (1,) * len(inputs), down)


def one_of(of: HourColumns, station: int, position: int) -> Hours:
    """Return the hours of one station's input."""
    return Hours(
        of.sums[station, position].tolist(), of.count[station, position].tolist(), of.up[position], of.down[position]
    )


def formula(definition: Indicator, of: HourColumns, station: int, own: int) -> Figure | None:
    """Return what the definition's formula says of one station."""
    assert definition.index is not None
    present = of.count[station].any(axis=1)
    hours = {code: one_of(of, station, i) for i, code in enumerate(definition.inputs) if present[i]}
    return definition.index(hours, own) if hours else None


def computed(definition: Indicator, of: HourColumns, own: int) -> IndexColumn:
    assert definition.columns is not None
    return definition.columns(of, own)


def agrees(definition: Indicator, of: HourColumns, own: int) -> IndexColumn:
    """Compare every sure row with the formula, and return the columns."""
    found = computed(definition, of, own)
    for row in range(of.count.shape[0]):
        wanted = formula(definition, of, row, own)
        # Whether there is an index follows from the readings alone, and is always right.
        assert bool(found.known[row]) is (wanted is not None)
        if found.sure[row]:
            assert (int(found.ticks[row]), int(found.driver[row])) == (wanted or (0, 0))
        else:
            assert wanted is not None
    return found


def exactly(code: str, value: Fraction, hours: int, definition: Indicator, off: int = 0) -> HourColumns:
    """Return one station whose other inputs are zero and whose hours of this one have exactly this mean.

    `off` is added to the newest hour's sum, whose step is 1e-6 µg/m3 or less.
    """
    inputs = definition.inputs
    count, sums = np.full((1, len(inputs), hours), 60, np.int64), np.zeros((1, len(inputs), hours), np.int64)
    down = 10**6 * value.denominator
    sums[0, inputs.index(code)] = int(value * down) * 60
    sums[0, inputs.index(code), -1] += off
    return HourColumns(count, sums, (1,) * len(inputs), (down,) * len(inputs))


@pytest.mark.parametrize("name", INDICES)
@settings(max_examples=examples(120), deadline=None)
@given(st.data())
def test_columns_that_are_sure_have_the_bits_of_the_formula(name: str, data: st.DataObject) -> None:
    definition = INDICES[name]
    own = data.draw(st.sampled_from(owns(definition)))
    # Sometimes the hours before the window are not all there: the calendar begins.
    hours = max(own, own + definition.lookback_hours - data.draw(st.sampled_from([0, 0, 0, 1, 5])))
    random = Random(data.draw(st.integers(0, 2**32)))  # noqa: S311  # drawing each value would be too much data
    agrees(definition, stations_of(random, definition.inputs, hours, data.draw(st.integers(1, 4))), own)


@settings(max_examples=examples(60), deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([23, 24, 25]))
def test_the_exact_concentration_lies_between_the_two_ends(seed: int, own: int) -> None:
    of = stations_of(Random(seed), ("pm10",), own + 7, 3)  # noqa: S311
    whole = Series.of(of, 0, own + 7)
    day = whole.newest(own)
    found = [
        (day.at_newest(), lambda hours: at(hours, -1)),
        (day.mean(), lambda hours: Day.of(hours, own).mean()),
        (day.highest(), lambda hours: Day.of(hours, own).highest_hour()),
        (whole.highest_running(), lambda hours: Day.of(hours, own).highest_running()),
        (whole.newest(8).mean(), lambda hours: mean(hours, own - 1, own + 7)),
        (columns_nowcast(of, 0), nowcast),
        (columns_predicted(of, 0, "pm10"), lambda hours: predicted(hours, "pm10")),
    ]
    for ends, exactly in found:
        for station in range(3):
            wanted = exactly(one_of(of, station, 0))
            low, high = Fraction(ends[0, station]), Fraction(ends[1, station])
            if wanted is None:
                assert low == high == MISSING
            else:
                # A thousandth of the guard is more than a float may err.
                slack = Fraction(wanted[0], wanted[1] * 10**12)
                assert low <= Fraction(*wanted) - 900 * slack
                assert high >= Fraction(*wanted) + 900 * slack


def test_hours_that_may_be_adjusted_or_not_widen_the_ends() -> None:
    # Of twelve hours of 70 µg/m3 exactly each counts three quarters; of one tick less, none.
    ends = [70 * 7 / 8, 70.0]
    for off in (0, -1):
        of = HourColumns(
            np.full((1, 1, 12), 3_600, np.int64),
            np.full((1, 1, 12), 70 * 10**9 * 3_600 + off, np.int64),
            (1,),
            (10**9,),
        )
        assert columns_predicted(of, 0, "pm10")[:, 0] == pytest.approx(ends, rel=1e-8)


@pytest.mark.parametrize("share", [90, 170])
@pytest.mark.parametrize("off", [-11_000, 0, 11_000])
def test_the_shares_of_the_mean_that_decide_are_those_of_the_formula(share: int, off: int) -> None:
    # The newest hour is this share of the mean of 100 µg/m3, or a thousandth of a µg/m3 beside it.
    down = 11 * 10**6
    sums = np.array([[[(1200 - share) * 10**6] * 11 + [share * down + off]]], np.int64)
    of = HourColumns(np.ones((1, 1, 12), np.int64), sums, (1,), (down,))
    low, high = (Fraction(end) for end in columns_predicted(of, 0, "pm10")[:, 0])
    wanted = predicted(one_of(of, 0, 0), "pm10")
    assert wanted is not None
    assert low < Fraction(*wanted) < high
    assert (high - low < Fraction(1, 10**6)) is (off != 0)


def test_a_driver_that_only_one_end_names_is_not_sure() -> None:
    # PM2.5 is on 35.5, 100 just below it and 101 from there on; PM10 is 101: the index is, but not what drives it.
    sums = np.array([[[35_500] * 12, [155_500] * 12]], np.int64)
    sums = np.concatenate([sums, np.zeros((1, 4, 12), np.int64)], axis=1)
    of = HourColumns(np.ones((1, 6, 12), np.int64), sums, (1,) * 6, (1000,) * 6)
    definition = INDICES["us_aqi_nowcast (hour)"]
    found = agrees(definition, of, 1)
    assert (int(found.ticks[0]), bool(found.sure[0])) == (101, False)
    assert formula(definition, of, 0, 1) == Figure(101, 0)


def test_no_sub_index_falls_when_its_concentration_rises() -> None:
    # What lies between two ends is then between their indices; and one that is there at all begins at 0.
    for lookup in [*air.CAI_TABLES.values(), *air.AQI_TABLES.values()]:
        each = [lookup.table.index(count) for count in range(lookup.table.c_high[-1] + 2)]
        present = [index for index in each if index is not None]
        assert present == sorted(present)
        assert each[len(each) - len(present) :] == present
    takes_over = {("o3", "1h"), ("so2", "24h")}
    assert {key for key, lookup in air.AQI_TABLES.items() if lookup.table.c_low[0]} == takes_over
    assert not any(lookup.table.c_low[0] for lookup in air.CAI_TABLES.values())
    # Where the day's mean takes over from the highest hour of sulphur dioxide, it never gives less.
    assert max(air.AQI_TABLES["so2", "1h"].table.i_high) <= min(air.AQI_TABLES["so2", "24h"].table.i_low)


def limits_met() -> list[tuple[str, str, Fraction]]:
    """Return, per index and pollutant, the concentrations at which its sub-index changes, in µg/m3."""
    found = []
    for code in air.CAI_INPUTS:
        lookup = air.CAI_TABLES[code]
        for low in lookup.table.c_low[1:]:
            value = (low - Fraction(1, 2)) / lookup.steps
            steady = code in ("pm10", "pm2_5") and value * Fraction(8, 7) >= {"pm10": 70, "pm2_5": 30}[code]
            found.append(("cai (hour)", code, value * Fraction(8, 7) if steady else value))
    for (code, averaging), lookup in air.AQI_TABLES.items():
        # A steady concentration meets only the end of the tables that stand beside another or take over from it.
        starts = lookup.table.c_low[-1:] if (code, averaging) == ("o3", "1h") else lookup.table.c_low[1:]
        names = ["us_aqi (day)"] if (code, averaging) == ("so2", "24h") else ["us_aqi_nowcast (hour)", "us_aqi (day)"]
        found += [(name, code, low / lookup.steps) for low in starts for name in names]
    for code, ordinal in air.EAQI_LIMITS.items():
        found += [("eaqi (hour)", code, Fraction(limit, 10**ordinal.decimals)) for limit in ordinal.limits]
    return found


@pytest.mark.parametrize(("name", "code", "value"), limits_met())
def test_a_station_on_a_limit_is_left_to_the_formula_and_one_beside_it_is_not(
    name: str, code: str, value: Fraction
) -> None:
    definition = INDICES[name]
    own = owns(definition)[-1]
    hours = own + definition.lookback_hours
    assert not agrees(definition, exactly(code, value, hours, definition), own).sure[0]
    # One tick of a µg/m3's millionth in one hour is too near for the float; a hundredth in every hour is not.
    for off in (-1, 1):
        agrees(definition, exactly(code, value, hours, definition, off), own)
        beside = value + off * Fraction(1, 100)
        assert agrees(definition, exactly(code, beside, hours, definition), own).sure[0]
