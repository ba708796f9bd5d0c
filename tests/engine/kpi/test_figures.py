"""Figures from cells equal those from observations; periods, coverage and registers are as a person counts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import City, Device, Register, Registry, Zone, load_measurands, load_models
from devices.series import TIME_MAX_US, TIME_MIN_US
from engine.calendar import Calendar, expected, promised_an_hour
from engine.cells import Grid
from engine.kpi import (
    WHOLE,
    Assets,
    At,
    Capture,
    Clock,
    Horizon,
    Input,
    NotReported,
    Pool,
    Readings,
    Registered,
    Sensed,
    Statistic,
    Sums,
    Telemetry,
    Validity,
    definition_digest,
    figures,
    parse_formula,
    reference_year,
    rolling,
    shipped,
    sides,
    to_date,
    validity,
    year_so_far,
)
from engine.kpi.periods import KpiPeriod, hour_spans, seasons_of
from engine.kpi.values import added
from tests.engine.kpi import oracle_figures

ZONE = ZoneInfo("Europe/Copenhagen")
CALENDAR = Calendar(ZONE, 2015, 2030)
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
SPRING = date(2023, 3, 22)
"""Some days before the clock goes forward."""
WHOLE_YEAR = Fraction(365)


def city(*registers: Register) -> City:
    zones = (Zone("north", "North", ()), Zone("south", "South", ()))
    return City("town", "Town", ZONE.key, ZONE, 0, 0, Fraction(0), zones, registers)


def device(code: str, model: str = "air_station", zone: str = "north", **more: object) -> Device:
    plain = Device(
        code, model, zone, None, None, TIME_MIN_US, TIME_MAX_US, HOUR_US, "direct", code, f"t/{code}",
        MappingProxyType({}),
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def registry(*devices: Device, registers: tuple[Register, ...] = ()) -> Registry:
    return Registry(city(*registers), load_measurands(), load_models(), devices, ("direct",))


def telemetry(statistic: str = "mean", pool: str = "mean", **more: object) -> Input:
    plain = Telemetry(
        ("pm2_5",), Statistic(statistic), Pool(pool), (), (), Fraction(20), (), (), Fraction(1), "", 75, False
    )  # fmt: skip
    return Input("x", "x", "ug/m3", replace(plain, **more))  # type: ignore[arg-type]


def sensed(one: Input, town: Registry) -> Sensed:
    return Sensed(replace(shipped(), kpis=(), inputs={one.code: one}), town, CALENDAR)


def midnight(day: date) -> int:
    return CALENDAR.day_bounds(day)[0]


def ten_days() -> KpiPeriod:
    """A period over the change of the clock."""
    return rolling(CALENDAR, midnight(date(2023, 4, 1)) + HOUR_US, midnight(SPRING))


# ---- against the slow twin ---------------------------------------------------------------------------------------

spans = st.sampled_from([(), ((7, 9), (17, 19)), ((22, 5),), ((0, 24),)])
weekdays = st.sampled_from([(), (1, 2, 3, 4, 5), (7,)])


@st.composite
def stations(draw: st.DrawFn) -> tuple[list[Device], list[list[tuple[int, int]]]]:
    """Up to four stations, each with its own service time, interval and gaps."""
    made, came = [], []
    for number in range(draw(st.integers(1, 4))):
        late_us = midnight(SPRING) + 30 * HOUR_US
        begin = draw(st.sampled_from([TIME_MIN_US, late_us, late_us + HOUR_US // 3, midnight(date(2023, 5, 1))]))
        end = draw(st.sampled_from([TIME_MAX_US, midnight(SPRING) + 100 * HOUR_US]))
        interval_us = draw(st.sampled_from([HOUR_US // 3, 2 * HOUR_US // 3, HOUR_US, 6 * HOUR_US]))
        one = device(
            f"d{number}", zone=draw(st.sampled_from(["north", "south"])), interval_us=interval_us,
            service_from_us=begin, service_to_us=max(end, begin + 1),
        )  # fmt: skip
        made.append(one)
        gap = draw(st.integers(2, 12))
        times = range(midnight(SPRING) - DAY_US, midnight(SPRING) + 12 * DAY_US, interval_us)
        ticks = draw(st.integers(0, 40_000))
        came.append([(t, (ticks * (k + 1)) % 50_000) for k, t in enumerate(times) if k % gap])
    return made, came


@given(st.lists(st.fractions(max_denominator=10**6), max_size=40))
def test_sums_in_a_tree_are_sums_one_after_the_other(values: list[Fraction]) -> None:
    assert added(values) == sum(values, Fraction(0))


@settings(deadline=None)
@given(
    stations(), spans, weekdays, st.sampled_from(["mean", "minimum", "maximum"]),
    st.sampled_from(["sum", "mean", "maximum", "count_at_most", "count_at_least"]), st.sampled_from([0, 75, 90]),
    st.sampled_from([0, 50, 75, 100]),
)  # fmt: skip
def test_figures_from_cells_equal_those_from_single_observations(
    made: tuple[list[Device], list[list[tuple[int, int]]]],
    hours: tuple[tuple[int, int], ...],
    days: tuple[int, ...],
    statistic: str,
    pool: str,
    percent_min: int,
    hour_percent_min: int,
) -> None:
    devices, came = made
    town, period = registry(*devices), ten_days()
    one = telemetry(
        statistic, pool, hours=hours, weekdays=days, coverage_percent_min=percent_min,
        capture=Capture(hour_percent_min=hour_percent_min),
    )  # fmt: skip
    chosen = hour_spans(CALENDAR, period, hours, days)
    sums = {}
    for each, series in zip(devices, came, strict=True):
        slot = town.slot(each.code, "pm2_5")
        sums[slot] = merged(full(town, slot, series, period, hour_percent_min), chosen)
    found = sensed(one, town).at(period, Readings({Clock(hours, days, hour_percent_min): sums})).of()["x"]

    asked = oracle_figures.Asked(statistic, pool, hours, days, percent_min, Fraction(20), hour_percent_min)
    value, counted, received, due = oracle_figures.figure(asked, devices, came, ZONE, period.start_us, period.end_us)
    assert (found.value if isinstance(found.value, Fraction) else None) == value
    assert (found.counted, found.received, found.expected) == (counted, received, due)


def full(
    town: Registry, slot: int, series: list[tuple[int, int]], period: KpiPeriod, percent_min: int
) -> list[tuple[int, int]]:
    """Return the readings in hours that have their share, as the store chooses hours."""
    table, of = town.series(), np.array([slot], np.int32)
    promised = int(promised_an_hour(table, of)[0])
    starts = CALENDAR.starts(Grid.HOUR, period.start_us, period.end_us)
    owed = expected(table, np.repeat(of, starts.size), starts, CALENDAR.end_of(Grid.HOUR, starts))
    found: list[tuple[int, int]] = []
    times = np.array([t for t, _ in series], np.int64)
    lows, highs = np.searchsorted(times, starts), np.searchsorted(times, starts + HOUR_US)
    for low, high, due in zip(lows.tolist(), highs.tolist(), owed.tolist(), strict=True):
        if 100 * (high - low) >= percent_min * min(due, promised):
            found += series[low:high]
    return found


def merged(series: list[tuple[int, int]], chosen: list[tuple[int, int]]) -> Sums:
    """Return the cells of single readings, merged one by one as the store merges days."""
    whole = Sums.none()
    for at, ticks in series:
        if any(start <= at < end for start, end in chosen):
            whole = whole.merged(Sums(1, ticks, ticks, (ticks, 0, 0, 0)))
    return whole


@settings(deadline=None)
@given(st.lists(st.integers(0, 1500), min_size=1, max_size=30))
def test_a_mean_level_is_the_logarithm_of_the_mean_energy(tenths: list[int]) -> None:
    from math import log10

    from engine.kpi.stations import level
    from engine.weights import energies

    table = energies(0, 1500, 1)
    energy = Fraction(sum(int(table[one]) for one in tenths), len(tenths))
    assert abs(float(level(energy)) - 10 * log10(energy / 8)) <= 0.05 + 1e-9


# ---- periods -----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.dates(date(2017, 1, 2), date(2028, 12, 31)))
def test_twelve_months_end_with_the_last_whole_day_and_have_a_year_of_days(day: date) -> None:
    period = rolling(CALENDAR, midnight(day) + 5 * HOUR_US, CALENDAR.from_us)
    assert (period.horizon, period.end_us, period.day_us) == (Horizon.ROLLING, midnight(day), midnight(day))
    assert period.days == (period.last - period.first).days + 1
    assert 365 <= period.days <= 366
    assert (period.first.month, period.first.day) in {(day.month, day.day), (2, 28)}


def test_a_year_of_days_is_a_year_of_days_whatever_the_clock_does() -> None:
    assert reference_year(CALENDAR, 2023).days == 365
    assert reference_year(CALENDAR, 2024).days == 366


def test_the_year_so_far_ends_with_the_last_whole_hour() -> None:
    period = to_date(CALENDAR, midnight(date(2023, 3, 26)) + 5 * HOUR_US + 1, CALENDAR.from_us)
    # That day has 23 hours: five of them are 5/23 of a civil day.
    assert period.days == 84 + Fraction(5, 23)
    assert (period.day_us, period.last) == (midnight(date(2023, 3, 26)), date(2023, 3, 26))


def test_a_year_that_runs_has_its_whole_days_so_far_and_one_that_is_over_all_of_them() -> None:
    noon_us = midnight(date(2024, 3, 1)) + 12 * HOUR_US
    running = year_so_far(CALENDAR, 2024, noon_us)
    assert (running.horizon, running.year, running.days, running.last) == (Horizon.YEAR, 2024, 60, date(2024, 2, 29))
    assert year_so_far(CALENDAR, 2023, noon_us) == reference_year(CALENDAR, 2023)
    assert year_so_far(CALENDAR, 2024, midnight(date(2024, 1, 1)) + 1).empty


def test_the_first_of_january_has_nothing_to_date() -> None:
    assert to_date(CALENDAR, midnight(date(2023, 1, 1)) + 1, CALENDAR.from_us).empty


def test_an_estimate_of_a_young_installation_begins_with_its_first_hour() -> None:
    since_us = midnight(SPRING) + 7 * HOUR_US + 12
    period = rolling(CALENDAR, midnight(date(2023, 3, 24)), since_us)
    assert period.start_us == midnight(SPRING) + 7 * HOUR_US
    assert period.days == 2 - Fraction(7, 24)


def test_hours_of_the_clock_pass_midnight_and_a_missing_hour_is_not_owed() -> None:
    period = rolling(CALENDAR, midnight(date(2023, 3, 27)), midnight(date(2023, 3, 25)))
    night = hour_spans(CALENDAR, period, ((22, 5),), ())
    assert [(b - a) // HOUR_US for a, b in night] == [5, 6, 2]


# ---- coverage and validity ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "days", "word"),
    [(9000, 365, "valid"), (8999, 365, "indicative"), (7500, 365, "indicative"), (7499, 365, "insufficient"),
     (10_000, 364, "indicative"), (7499, 10, "insufficient")],
)  # fmt: skip
def test_validity_has_its_limits_at_90_and_75_percent_and_needs_a_whole_year(
    received: int, days: int, word: str
) -> None:
    assert validity(received, 10_000, Fraction(days)) == Validity(word)
    assert validity(0, 0, WHOLE_YEAR) is None


def test_a_station_left_out_lowers_the_coverage_of_the_sum_that_lacks_it() -> None:
    town, period = registry(device("a"), device("b")), ten_days()
    due = int((period.end_us - period.start_us) // HOUR_US)
    sums = {town.slot("a", "pm2_5"): Sums(due, 1, 1, (due * 1000, 0, 0, 0)),
            town.slot("b", "pm2_5"): Sums(due // 2, 1, 1, (due * 500, 0, 0, 0))}  # fmt: skip
    found = sensed(telemetry(pool="sum"), town).at(period, whole(sums)).of()["x"]
    assert (found.value, found.counted, found.stations) == (Fraction(1), 1, 2)
    assert (found.received, found.expected) == (due, 2 * due)


def test_more_readings_than_owed_hide_no_gap_of_another_station() -> None:
    town, period = registry(device("a"), device("b")), ten_days()
    due = int((period.end_us - period.start_us) // HOUR_US)
    sums = {town.slot("a", "pm2_5"): Sums(3 * due, 1, 1, (due * 3000, 0, 0, 0)),
            town.slot("b", "pm2_5"): Sums(due - 9, 1, 1, (due * 500, 0, 0, 0))}  # fmt: skip
    found = sensed(telemetry(), town).at(period, whole(sums)).of()["x"]
    assert found.received == 2 * due - 9


def test_too_few_readings_everywhere_are_not_reported_and_the_best_station_is_named() -> None:
    town, period = registry(device("a"), device("b")), ten_days()
    found = (
        sensed(telemetry(), town).at(period, whole({town.slot("b", "pm2_5"): Sums(1, 1, 1, (1, 0, 0, 0))})).of()["x"]
    )
    assert str(found.value) == "x: no station has 75 % of its readings; the best of 2 stations, b, has 1 of 239 (0 %)"


@pytest.mark.parametrize(
    ("seasons", "percent_min", "counts"), [(1, 75, True), (2, 75, True), (2, 90, False), (4, 60, True), (4, 61, False)]
)
def test_readings_must_be_spread_over_the_year_where_seasons_are_asked_for(
    seasons: int, percent_min: int, counts: bool
) -> None:
    town, year = registry(device("a")), reference_year(CALENDAR, 2023)
    slot = town.slot("a", "pm2_5")
    owed = {
        parts: [(end - start) // HOUR_US for start, end in seasons_of(CALENDAR, year, parts)] for parts in (1, 2, 4)
    }
    lost = owed[4][0] * 2 // 5  # of the first quarter
    came = {
        (season, WHOLE): {slot: due - (lost if k == 0 else 0)}
        for parts in (2, 4)
        for k, (season, due) in enumerate(zip(seasons_of(CALENDAR, year, parts), owed[parts], strict=True))
    }
    readings = Readings({WHOLE: {slot: Sums(8760 - lost, 1, 1, (8760, 0, 0, 0))}}, {}, came)
    one = telemetry(capture=Capture(seasons, percent_min))
    found = sensed(one, town).at(year, readings).of()["x"]
    assert (found.counted == 1) is counts
    if not counts:
        first = owed[seasons][0]
        assert f"a has {first - lost} of {first} in that from 2023-01-01 on" in str(found.value)


def test_seasons_are_whole_months_of_the_citys_clock_and_no_estimate_has_any() -> None:
    year = reference_year(CALENDAR, 2023)
    starts = [CALENDAR.local(start).date() for start, _ in seasons_of(CALENDAR, year, 4)]
    assert starts == [date(2023, month, 1) for month in (1, 4, 7, 10)]
    assert seasons_of(CALENDAR, year, 2)[-1][1] == year.end_us
    assert seasons_of(CALENDAR, ten_days(), 4) == []


def test_a_definition_that_asks_for_no_seasons_or_no_share_of_an_hour_keeps_its_digest() -> None:
    pack, point = shipped(), shipped().data_point("EN: EN: AQ: 1C/pm2_5")
    digest = definition_digest(pack, point)
    assert digest == "84c69d68d7666678"
    one = pack.inputs["pm2_5_mean"]
    found = {digest}
    for capture, same in (
        (Capture(4), "c7bea2d82bb06897"),
        (Capture(hour_percent_min=75), ""),
        (Capture(hour_percent_min=80), ""),
        (Capture(4, 75, 75), ""),
    ):
        asked = replace(one, how=replace(one.how, capture=capture))  # type: ignore[type-var]
        changed = definition_digest(replace(pack, inputs={**pack.inputs, one.code: asked}), point)
        assert changed not in found
        assert changed == same or not same
        found.add(changed)


def test_a_quiet_reporter_with_a_sign_of_life_counts_as_zero_and_a_dead_one_does_not() -> None:
    town, period = registry(device("s", "outage_reporter")), ten_days()
    one = telemetry("sum", "sum", measurands=("interruption",))
    due = int((period.end_us - period.start_us) // HOUR_US)
    alive = {town.slot("s", "alive"): Sums(due, 1, 1, (due, 0, 0, 0))}
    assert sensed(one, town).at(period, whole(alive)).of()["x"].value == 0
    dead = sensed(one, town).at(period, whole({})).of()["x"]
    assert isinstance(dead.value, NotReported)


def test_stations_of_a_zone_count_by_its_inhabitants() -> None:
    town = with_people(registry(device("a"), device("b", zone="south"), device("c", zone="south")), 300, 100)
    period = ten_days()
    due = int((period.end_us - period.start_us) // HOUR_US)
    sums = {
        town.slot(code, "pm2_5"): Sums(due, 0, 0, (due * mean * 1000, 0, 0, 0))
        for code, mean in (("a", 10), ("b", 20), ("c", 40))
    }
    found = sensed(telemetry(pool="population_mean"), town).at(period, whole(sums)).of()["x"]
    assert found.value == Fraction(300 * 10 + 100 * 30, 400)


# ---- registers and devices ---------------------------------------------------------------------------------------


def register(code: str, value: int, day: date = date(2000, 1, 1)) -> Register:
    return Register(code, Fraction(value), "", day, "")


@pytest.mark.parametrize(
    ("at", "value"), [(At.START, 100), (At.END, 200), (At.MEAN, Fraction(181 * 100 + 184 * 200, 365))]
)
def test_a_register_is_taken_at_the_start_at_the_end_or_by_its_days(at: At, value: object) -> None:
    town = registry(registers=(register("people", 100), register("people", 200, date(2023, 7, 1))))
    one = Input("x", "x", "{inhabitant}", Registered("people", at))
    assert sensed(one, town).at(reference_year(CALENDAR, 2023), whole({})).of()["x"].value == value


def with_people(town: Registry, *of_zones: int) -> Registry:
    """Return the town with the inhabitants of its zones."""
    zones = tuple(
        replace(zone, registers=(register("population", people),))
        for zone, people in zip(town.city.zones, of_zones, strict=True)
    )
    return replace(town, city=replace(town.city, zones=zones))


def test_a_zones_register_is_not_the_citys_nor_the_citys_a_zones() -> None:
    one = Input("x", "x", "{inhabitant}", Registered("population", At.END))
    year = reference_year(CALENDAR, 2023)
    zones_only = sensed(one, with_people(registry(), 300, 100)).at(year, whole({}))
    assert [zones_only.of(zone)["x"].value for zone in (0, 1)] == [300, 100]
    assert "register 'population' has no value" in str(zones_only.of()["x"].value)
    stated = replace(city(register("population", 400)), population=400)
    city_only = sensed(one, replace(registry(), city=stated)).at(year, whole({}))
    assert city_only.of()["x"].value == 400
    assert str(city_only.of(1)["x"].value).startswith("register 'population of south' has no value up to 2023-12-31")


def test_a_register_that_begins_within_the_year_has_no_mean_of_it() -> None:
    town = registry(registers=(register("people", 200, date(2023, 7, 1)),))
    one = Input("x", "x", "{inhabitant}", Registered("people", At.MEAN))
    found = sensed(one, town).at(reference_year(CALENDAR, 2023), whole({})).of()["x"].value
    assert str(found) == "register 'people' has no value on 2023-01-01, only from 2023-07-01 on"


def test_a_register_says_nothing_of_the_time_before_it_though_the_city_has_its_newest_value() -> None:
    town = registry(registers=(register("population", 200, date(2024, 1, 1)),))
    town = replace(town, city=replace(town.city, population=200))
    one = Input("x", "x", "{inhabitant}", Registered("population", At.END))
    assert isinstance(sensed(one, town).at(reference_year(CALENDAR, 2023), whole({})).of()["x"].value, NotReported)
    undated = replace(town, city=replace(town.city, registers=()))
    assert sensed(one, undated).at(reference_year(CALENDAR, 2023), whole({})).of()["x"].value == 200


def test_devices_are_counted_installed_and_heard_from() -> None:
    gone = device("gone", service_to_us=midnight(date(2023, 12, 31)))
    town = registry(device("a"), device("b"), gone)
    one = Input("x", "x", "{station}", Assets("", (("measures", ("pm2_5",)),), 30, False))
    heard = {town.slot("a", "pm10"): midnight(date(2023, 12, 2)), town.slot("b", "pm10"): midnight(date(2023, 12, 1))}
    found = sensed(one, town).at(reference_year(CALENDAR, 2023), Readings({}, heard)).of()["x"]
    assert (found.value, found.effective) == (2, 1)


def test_a_column_of_devices_is_added_up_exactly() -> None:
    town = registry(
        *(device(c, attributes=MappingProxyType({"monitored_km": km})) for c, km in (("a", "0.1"), ("b", "0.2")))
    )
    one = Input("x", "x", "km", Assets("monitored_km", (), 30, False))
    assert sensed(one, town).at(reference_year(CALENDAR, 2023), whole({})).of()["x"].value == Fraction(3, 10)


# ---- data points -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [("100 * a / b", (3, 4)), ("a / b", (3, 4)), ("1000 * a / b / c", (750, 5)), ("a + b", (None, None)),
     ("a", (None, None)), ("a / (b / 100000)", (3, Fraction(4, 100_000)))],
)  # fmt: skip
def test_a_ratio_shows_its_two_sides(text: str, expected: tuple[object, object]) -> None:
    assert sides(parse_formula(text), {"a": Fraction(3), "b": Fraction(4), "c": Fraction(5)}) == expected


def test_what_only_a_city_can_state_is_not_reported_and_says_so() -> None:
    town = registry(device("a"))
    inputs = Sensed(shipped(), town, CALENDAR).at(reference_year(CALENDAR, 2023), whole({}))
    digests = {point.key: definition_digest(shipped(), point) for point in shipped().data_points}
    by_key = {one.key: one for one in figures(shipped(), inputs, digests)}
    assert str(by_key["EC: ICT: PS: 1A/number"].value) == "open_datasets_published: only the city can state it"
    assert [one.key for one in figures(shipped(), inputs, digests, 1)] == []


def whole(sums: Mapping[int, Sums]) -> Readings:
    return Readings({WHOLE: sums})


def test_the_clock_of_the_twin_is_the_calendars() -> None:
    at = midnight(date(2023, 3, 26))
    assert oracle_figures.local(at, ZONE) == datetime(2023, 3, 26, tzinfo=ZONE)
