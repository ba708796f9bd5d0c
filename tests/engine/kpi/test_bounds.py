"""Bounds hold: whatever was rounded away or did not come, the true figure lies between them; and each by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction
from types import MappingProxyType

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from devices import load_measurands
from engine.kpi import WHOLE, Interval, NotReported, Pool, Readings, Statistic, Sums, parse_formula, rolling
from engine.kpi.bounds import Came, Error, enclosed, pool_bounds, station_bounds
from engine.weights import energies
from tests.engine.kpi import oracle_figures
from tests.engine.kpi.test_figures import CALENDAR, HOUR_US, ZONE, device, midnight, registry, sensed, telemetry

PERIOD = rolling(CALENDAR, midnight(date(2023, 3, 26)) + HOUR_US, midnight(date(2023, 3, 24)))
HOURS = 48
BY_CODE = load_measurands().by_code
FORMULAS = (
    "100 * (a - b) / a", "a / b", "a * b - c", "min(a, b) + max(b, c)", "mean(a, b, c)", "sum(a, b) / (c * c)",
    "-a + b / c",
)  # fmt: skip
ENERGIES = energies(0, 13_000, BY_CODE["sound_level"].decimals)


def fractions(low: int, high: int) -> st.SearchStrategy[Fraction]:
    return st.integers(low * 1000, high * 1000).map(lambda n: Fraction(n, 1000))


# ---- formulas ----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.sampled_from(FORMULAS), st.lists(st.tuples(*[fractions(-20, 20)] * 2), min_size=3, max_size=3),
    st.lists(fractions(0, 1), min_size=3, max_size=3),
)  # fmt: skip
def test_a_formula_of_values_lies_within_that_of_their_bounds(
    text: str, ends: list[tuple[Fraction, Fraction]], shares: list[Fraction]
) -> None:
    bounds = [Interval(min(pair), max(pair)) for pair in ends]
    within = enclosed(parse_formula(text).tree, dict(zip("abc", bounds, strict=True)))
    assume(within is not None)
    assert within is not None
    values = (one.low + share * (one.high - one.low) for one, share in zip(bounds, shares, strict=True))
    truth = parse_formula(text).evaluate(dict(zip("abc", values, strict=True)))
    assert isinstance(truth, Fraction)
    assert within.low <= truth <= within.high


def test_a_divisor_that_may_be_zero_leaves_no_bounds() -> None:
    one, around = Interval(Fraction(1), Fraction(2)), Interval(Fraction(-1), Fraction(1))
    assert enclosed(parse_formula("a / b").tree, {"a": one, "b": around}) is None
    assert enclosed(parse_formula("a + b").tree, {"a": one}) is None
    assert enclosed(parse_formula("a / b").tree, {"a": one, "b": one}) == (Fraction(1, 2), 2)


# ---- stations: the slow twin is told every reading as it truly was ------------------------------------------------


@st.composite
def town(draw: st.DrawFn) -> tuple[list[list[Fraction]], list[list[bool]]]:
    """Per station the true readings in ticks, and which came. The extremes came: only these bound the others."""
    truth, came = [], []
    for _ in range(draw(st.integers(1, 3))):
        low, high = sorted((draw(fractions(0, 40_000)), draw(fractions(0, 40_000))))
        shares = draw(st.lists(fractions(0, 1), min_size=HOURS - 2, max_size=HOURS - 2))
        truth.append([low, high, *(low + share * (high - low) for share in shares)])
        gap = draw(st.integers(2, 12))
        came.append([True, True, *(bool(k % gap) for k in range(HOURS - 2))])
    return truth, came


@settings(deadline=None)
@given(
    town(), st.sampled_from(["mean", "minimum", "maximum"]),
    st.sampled_from(["sum", "mean", "maximum", "count_at_most", "count_at_least"]), st.sampled_from([0, 75]),
)  # fmt: skip
def test_the_true_figure_lies_within_the_bounds_whatever_was_rounded_and_did_not_come(
    made: tuple[list[list[Fraction]], list[list[bool]]], statistic: str, pool: str, percent_min: int
) -> None:
    truth, came = made
    devices = [device(f"d{k}", interval_us=HOUR_US) for k in range(len(truth))]
    one = telemetry(statistic, pool, coverage_percent_min=percent_min)
    place = registry(*devices)
    sums: dict[int, Sums] = {}
    for each, values, there in zip(devices, truth, came, strict=True):
        whole = Sums.none()
        for ticks in (round(value) for value, here in zip(values, there, strict=True) if here):
            whole = whole.merged(Sums(1, ticks, ticks, (ticks, 0, 0, 0)))
        sums[place.slot(each.code, "pm2_5")] = whole
    found = sensed(one, place).at(PERIOD, Readings({WHOLE: sums})).of()["x"]
    assume(not isinstance(found.value, NotReported))
    assert isinstance(found.value, Fraction)

    times = range(PERIOD.start_us, PERIOD.end_us, HOUR_US)
    asked = oracle_figures.Asked(statistic, pool, (), (), 0, Fraction(20))
    complete = [list(zip(times, values, strict=True)) for values in truth]
    true, *_ = oracle_figures.figure(asked, devices, complete, ZONE, PERIOD.start_us, PERIOD.end_us)  # type: ignore[arg-type]
    assert found.bounds is not None
    assert true is not None
    assert found.bounds.low <= true <= found.bounds.high
    assert found.bounds.low <= found.value <= found.bounds.high


@settings(deadline=None)
@given(st.lists(st.tuples(fractions(20, 110), st.booleans()), min_size=1, max_size=30))
def test_a_mean_level_lies_within_its_bounds(levels: list[tuple[Fraction, bool]]) -> None:
    low, high = min(level for level, _ in levels), max(level for level, _ in levels)
    truth = [low, high, *(level for level, _ in levels)]
    ticks = [round(100 * level) for level in (low, high, *(level for level, here in levels if here))]
    sums = Sums(len(ticks), min(ticks), max(ticks), (sum(int(ENERGIES[t]) for t in ticks), 0, 0, 0))
    missing = len(truth) - len(ticks)
    bounds = station_bounds(how("energy_mean"), [came(sums, missing, "sound_level", Error(Fraction(1, 200)))])
    context = Context(prec=50)
    energy = [8 * Fraction(context.power(10, Decimal(one.numerator) / Decimal(one.denominator * 10))) for one in truth]
    assert bounds is not None
    assert bounds.low <= sum(energy) / len(energy) <= bounds.high


# ---- by hand -----------------------------------------------------------------------------------------------------


def how(statistic: str, **more: object):  # type: ignore[no-untyped-def]
    return replace(telemetry().how, statistic=Statistic(statistic), **more)  # type: ignore[arg-type, type-var]


def came(sums: Sums, missing: int, code: str, error: Error, received: int = 0, due: int = 0) -> Came:
    return Came(BY_CODE[code], sums, 1, missing, received, due, HOUR_US, error)


def test_missing_readings_lie_between_the_lowest_and_the_highest_that_came() -> None:
    sums = Sums(8, 1_000, 3_000, (16_000, 0, 0, 0))
    assert station_bounds(how("mean"), [came(sums, 2, "pm2_5", Error())]) == (Fraction("1.8"), Fraction("2.2"))


def test_accuracy_counts_for_every_reading_and_in_per_cent_of_it() -> None:
    sums = Sums(10, 2_000, 2_000, (20_000, 0, 0, 0))
    error = Error(Fraction("0.1"), Fraction(5))
    assert station_bounds(how("mean"), [came(sums, 0, "pm2_5", error)]) == (Fraction("1.8"), Fraction("2.2"))
    assert station_bounds(how("minimum"), [came(sums, 0, "pm2_5", error)]) == (Fraction("1.8"), Fraction("2.2"))


def test_what_accumulates_may_lack_as_much_per_missing_reading_as_came_per_reading() -> None:
    sums = Sums(8, 0, 0, (100_000, 0, 0, 0))  # 100 m3
    found = station_bounds(how("increase"), [came(sums, 2, "water_volume", Error(), 8, 10)])
    tick = Fraction(1, 10 ** BY_CODE["water_volume"].decimals)
    rise = 100_000 * tick
    assert found == (rise - tick, (rise + tick) * Fraction(10, 8))


def test_an_unknown_state_may_have_been_any() -> None:
    code = next(one.code for one in load_measurands().measurands if len(one.states) == 2)
    known = 6 * HOUR_US
    sums = Sums(6, 0, 1, (known // 2, known // 2, 0, 0))
    found = station_bounds(how("share", states=BY_CODE[code].states[:1]), [came(sums, 2, code, Error())])
    assert found == (Fraction(3, 8), Fraction(5, 8))


def test_a_station_with_too_few_readings_is_in_or_out_whichever_is_worse() -> None:
    one, few = Interval(Fraction(1), Fraction(2)), Interval(Fraction(5), Fraction(9))
    assert pool_bounds(telemetry(pool="sum").how, [(0, one, True), (0, few, False)], []) == (1, 11)  # type: ignore[arg-type]
    assert pool_bounds(telemetry(pool="mean").how, [(0, few, False)], []) is None  # type: ignore[arg-type]
    assert Pool.SUM in Pool


@pytest.mark.parametrize(
    ("columns", "off"),
    [({}, "0.0005"), ({"accuracy": "1.5"}, "1.5005"), ({"accuracy_percent": "10"}, "1.0005"),
     ({"accuracy": "0.5", "accuracy_percent": "10"}, "1.5005")],
)  # fmt: skip
def test_the_accuracy_of_a_device_stands_in_its_columns(columns: Mapping[str, str], off: str) -> None:
    place = registry(device("a", attributes=MappingProxyType(dict(columns))))
    due = HOURS
    sums = {place.slot("a", "pm2_5"): Sums(due, 10_000, 10_000, (due * 10_000, 0, 0, 0))}
    found = sensed(telemetry(), place).at(PERIOD, Readings({WHOLE: sums})).of()["x"]
    assert found.bounds == (10 - Fraction(off), 10 + Fraction(off))
