"""Figures of KPIs on a real database: worked by hand, restated, and never written twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from devices import ObservationBatch, Register
from engine.calendar import Calendar
from engine.kpi import Capture, parse_formula
from engine.store import KpiReading, Store
from simulators.bench import wait_until
from tests.databases import Furnish
from tests.engine.store.conftest import EMPTY
from tests.engine.store.kpi_kept import LATENESS_US, Kept, year_kept, year_over
from tests.engine.store.kpi_town import YEAR, kpi_town, registers, year_of_readings

HOUR_US = 3_600_000_000
SAIFI, CAIDI = "EC: I: ES: 1C", "EC: I: ES: 2C"
WATER_LOSS, WATER_USE = "EC: I: WS: 3C", "EN: EN: WS: 2C"
ELECTRICITY, HEAT = "EN: E: E: 2C", "EN: E: E: 3C"
TRAVEL_TIME, HOTSPOTS = "EC: I: T: 5A", "EC: ICT: ICT: 5C"


@pytest.fixture
def furnish() -> Furnish:
    return year_over


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    """The town by hand, its year over and closed."""
    return year_kept(store, tmp_path)


def test_figures_are_those_worked_out_by_hand(kept: Kept) -> None:
    exact = {
        SAIFI: Fraction(1, 2),
        CAIDI: Fraction(90),
        WATER_LOSS: Fraction(20),
        ELECTRICITY: Fraction(31 * 30, 1500),
        HEAT: Fraction(31 * 5 * 36, 10_000 * 1500),
        WATER_USE: Fraction(1000 * 31 * 800, 365 * 1500),
        TRAVEL_TIME: Fraction(3, 2),
    }
    found = {key: kept.year(key) for key in exact}
    assert {key: Fraction(str(one.ratio)) for key, one in found.items()} == exact
    assert found[WATER_USE].value == Decimal("45.296804")
    assert (found[CAIDI].numerator, found[CAIDI].denominator) == ("90000", "1000")
    assert (found[WATER_LOSS].numerator, found[WATER_LOSS].denominator) == ("6200", "31000")
    for one in found.values():
        assert (one.validity, one.revision, one.reason) == ("valid", 1, "")


def test_a_figure_has_its_bounds_and_a_stated_accuracy_widens_them_without_a_revision(kept: Kept) -> None:
    # Whole customers are counted, and nothing is missing: the figure is certain.
    assert (kept.year(SAIFI).low_ratio, kept.year(SAIFI).high_ratio) == ("1/2", "1/2")
    assert bounds(kept.year(ELECTRICITY)) == spread(Fraction(930), 4 * power_tick(kept), 1500)
    before = kept.year(ELECTRICITY)
    devices = tuple(
        replace(one, attributes={**one.attributes, "accuracy_percent": "2"}) if one.code == "power-1" else one
        for one in kept.registry.devices
    )
    kept.registry = replace(kept.registry, devices=devices)
    kept.start()
    kept.look()
    assert bounds(kept.year(ELECTRICITY)) == spread(Fraction(930), 4 * power_tick(kept) + Fraction(310, 50), 1500)
    after = kept.year(ELECTRICITY)
    assert (after.revision, after.computed_us, after.ratio) == (before.revision, before.computed_us, before.ratio)
    assert kept.store.kpi_revisions(ELECTRICITY, "city", "town", YEAR) == []


def power_tick(kept: Kept) -> Fraction:
    return Fraction(1, 10 ** kept.registry.catalogue.by_code["electricity_import"].decimals)


def bounds(one: KpiReading) -> tuple[Fraction, Fraction]:
    return Fraction(str(one.low_ratio)), Fraction(str(one.high_ratio))


def spread(value: Fraction, off: Fraction, people: int) -> tuple[Fraction, Fraction]:
    return (value - off) / people, (value + off) / people


def test_what_no_device_measures_is_not_reported_and_says_why(kept: Kept) -> None:
    one = kept.year("EN: EN: AQ: 1C/pm2_5")
    assert one.value is None
    assert one.reason == "pm2_5_mean: no device in service measures pm2_5"
    assert (one.low_ratio, one.high_ratio) == (None, None)


def test_devices_that_are_not_heard_are_installed_and_not_effective(kept: Kept) -> None:
    one = kept.year(HOTSPOTS)
    assert (one.value, one.effective) == (2, 1)
    # Nothing comes at intervals: completeness has no meaning.
    assert (one.expected, one.validity) == (0, None)


def test_only_one_writes_figures_at_a_time(
    kept: Kept, url: str, query: Callable[..., list[tuple[object, ...]]]
) -> None:
    entered = threading.Event()

    def other() -> None:
        with Store.connect(url) as second, second.one_kpi_writer():
            entered.set()

    thread = threading.Thread(target=other)
    with kept.store.one_kpi_writer():
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        wait_until(lambda: query(waiting) == [(1,)], 60, "the second writer at the lock")
        assert not entered.is_set()
    thread.join(60)
    assert entered.is_set()


def test_a_zone_has_what_its_own_devices_and_registers_can_tell(kept: Kept) -> None:
    zones = {r.scope: r.data_point for r in kept.store.kpi_rows(scope_kind="zone", horizon="year", data_point=CAIDI)}
    assert zones == {"north": CAIDI}
    # Registers are of the whole city, so nothing is told per inhabitant of a zone.
    assert kept.store.kpi_rows(scope_kind="zone", data_point=ELECTRICITY) == []


def test_a_denominator_that_changes_within_the_year_counts_by_its_days(kept: Kept) -> None:
    change = Register("electricity_customers", Fraction(4000), "1", date(YEAR, 7, 1), "the town")
    city = replace(kept.registry.city, registers=registers(change))
    kept.registry = replace(kept.registry, city=city)
    before = kept.all()
    kept.start()
    kept.look()
    assert Fraction(str(kept.year(SAIFI).ratio)) == 1000 / Fraction(181 * 2000 + 184 * 4000, 365)
    # The other data point over electricity customers counts devices that the town has none of: it rests on them too.
    assert {key for key, _ in changed(before, kept.all())} == {SAIFI, "EC: ICT: ES: 3A"}
    (old,) = kept.store.kpi_revisions(SAIFI, "city", "town", YEAR)
    assert (old.ratio, old.revision, old.change) == ("1/2", 1, "registers or devices changed")
    assert kept.year(SAIFI).revision == 2


def test_one_late_reading_changes_exactly_what_depends_on_it(kept: Kept) -> None:
    before = kept.all()
    slot = kept.registry.slot("water-1", "volume")
    # One hour into the eleventh the register showed more than at the midnight after it: it had run backwards.
    at_us = Calendar(kept.registry.city.zone_info).day_bounds(date(YEAR, 12, 11))[0] + HOUR_US
    kept.take(ObservationBatch.of([slot], [at_us], [10 * 300_000 + 310_000]))
    after = kept.all()
    water = {WATER_LOSS, WATER_USE, "EC: ICT: WS: 1C"}
    assert {key for key, _ in changed(before, after)} <= water
    assert {(WATER_LOSS, "year"), (WATER_USE, "year"), (WATER_LOSS, "rolling")} <= changed(before, after)
    (old,) = kept.store.kpi_revisions(WATER_USE, "city", "town", YEAR)
    assert (old.change, old.revision) == ("late data", 1)


def test_the_same_again_writes_nothing(kept: Kept, query: Callable[..., list[tuple[object, ...]]]) -> None:
    versions = query("SELECT data_point, horizon, scope_id, xmin::text FROM kpi_value ORDER BY 1, 2, 3")
    kept.start()
    kept.look()
    assert kept.keeper.counts.periods > 1
    assert kept.keeper.counts.written == 0
    assert query("SELECT data_point, horizon, scope_id, xmin::text FROM kpi_value ORDER BY 1, 2, 3") == versions


def test_a_changed_formula_is_a_new_revision_of_its_data_point_alone(kept: Kept) -> None:
    point = kept.pack.data_point(SAIFI)
    doubled = replace(point, formula=parse_formula("2 * customer_interruptions / electricity_customers"))
    kpis = tuple(
        replace(kpi, data_points=tuple(doubled if p.key == SAIFI else p for p in kpi.data_points))
        for kpi in kept.pack.kpis
    )
    before = kept.all()
    kept.pack = replace(kept.pack, kpis=kpis)
    kept.start()
    kept.look()
    assert {key for key, _ in changed(before, kept.all())} == {SAIFI}
    (old,) = kept.store.kpi_revisions(SAIFI, "city", "town", YEAR)
    assert (old.ratio, old.change) == ("1/2", "definition changed")
    assert kept.year(SAIFI).ratio == "1"


def test_a_year_whose_quarter_lacks_readings_is_not_reported_where_quarters_are_asked_for(kept: Kept) -> None:
    # The meters began in December: they owe nothing of the quarters before, and have all of the last one.
    begun = kept.year(ELECTRICITY)
    assert begun.value is not None
    used = kept.pack.inputs["electricity_used"]
    for percent_min in (75, 100):
        asked = replace(used, how=replace(used.how, capture=Capture(4, percent_min)))  # type: ignore[type-var]
        kept.pack = replace(kept.pack, inputs={**kept.pack.inputs, used.code: asked})
        kept.start()
        kept.look()
        assert kept.year(ELECTRICITY).ratio == begun.ratio
    earlier = tuple(
        replace(one, service_from_us=one.service_from_us - 40 * 24 * HOUR_US) if one.code.startswith("power") else one
        for one in kept.registry.devices
    )
    kept.registry = replace(kept.registry, devices=earlier)
    loose = replace(used.how, coverage_percent_min=10, capture=Capture(4, 75))  # type: ignore[type-var]
    kept.pack = replace(kept.pack, inputs={**kept.pack.inputs, used.code: replace(used, how=loose)})
    kept.start()
    kept.look()
    one = kept.year(ELECTRICITY)
    assert one.value is None
    assert (
        "75 % of its readings in each of 4 parts of the year; power-1 has 31 of 71 in that from 2023-10-01 on"
        in one.reason
    )


@EMPTY
def test_a_year_is_provisional_until_its_lateness_is_over(store: Store, tmp_path: Path) -> None:
    registry = kpi_town(tmp_path)
    end_us = Calendar(registry.city.zone_info).year_bounds(YEAR)[1]
    kept = Kept(store, registry, end_us)
    kept.take(year_of_readings(registry))
    assert kept.year(SAIFI).revision == 0
    kept.until_us = end_us + LATENESS_US
    kept.look()
    assert kept.year(SAIFI).revision == 1
    assert kept.store.kpi_revisions(SAIFI, "city", "town", YEAR) == []


@EMPTY
def test_the_year_so_far_ends_with_the_last_whole_hour(store: Store, tmp_path: Path) -> None:
    registry = kpi_town(tmp_path)
    calendar = Calendar(registry.city.zone_info)
    noon_us = calendar.day_bounds(date(YEAR, 12, 10))[0] + 12 * HOUR_US
    kept = Kept(store, registry, noon_us + HOUR_US // 2)
    batch = year_of_readings(registry)
    kept.take(batch.take(batch.time_us <= noon_us + 12 * HOUR_US))
    (one,) = kept.store.kpi_rows(data_point=ELECTRICITY, horizon="to_date", scope_kind="city")
    assert one.end_us == noon_us
    # Nine whole days and half of the tenth, whose rise is shared out over its hours.
    assert Fraction(str(one.ratio)) == Fraction(30 * 9 * 2 + 30, 2 * 1500)
    assert one.validity == "indicative"
    (rolling,) = kept.store.kpi_rows(data_point=ELECTRICITY, horizon="rolling", scope_kind="city")
    assert rolling.end_us == noon_us - 12 * HOUR_US
    assert Fraction(str(rolling.ratio)) == Fraction(30 * 9, 1500)
    assert kept.store.kpi_rows(horizon="year") == []


def changed(
    before: dict[tuple[str, str, int, str], KpiReading], after: dict[tuple[str, str, int, str], KpiReading]
) -> set[tuple[str, str]]:
    """Data points and horizons whose figure is another one, whatever its revision."""
    return {
        (key[0], key[1]) for key in before.keys() | after.keys() if _figure(before.get(key)) != _figure(after.get(key))
    }


def _figure(one: KpiReading | None) -> object:
    return None if one is None else one._replace(revision=0, computed_us=0)
