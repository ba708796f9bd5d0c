"""A city that measures everything the KPIs ask sensors for: every live figure is the truth's, as a fraction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from devices import ObservationBatch
from engine.calendar import Calendar
from engine.indicators import INDICATORS
from engine.kpi import KpiPeriod, Live, reference_year, rolling, shipped, to_date
from engine.kpi_book import KpiBook
from engine.store import Duty, Store
from simulators.fleet import Fleet, build
from simulators.fleet.command import find_fleet
from simulators.fleet.spec import load_fleet
from simulators.fleet.tables import kpi_lines
from simulators.truth import kpis
from simulators.truth.canonical import NULL
from simulators.truth.kpi_definitions import DECLARED, POINTS
from tests.databases import Databases
from tests.engine.store.live import Live as Engine

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

HOUR_US = 3_600_000_000
LATENESS_US = 120_000_000
YEAR = 2025

Figures = dict[str, Fraction | None]


@pytest.fixture
def store(databases: Databases) -> Iterator[Store]:
    with databases.migrated() as url, Store.connect(url, application_name="test") as opened:
        opened.own(0, Duty.APPEND)
        opened.own(0, Duty.FLUSH)
        yield opened


def sent(fleet: Fleet) -> ObservationBatch:
    """Return all that a fleet sends, in the order of time."""
    batch = fleet.accepted()
    return batch.take(np.argsort(batch.time_us, kind="stable"))


def thinned(fleet: Fleet, batch: ObservationBatch, seed: int) -> ObservationBatch:
    """Return what is left when every device loses nothing, some of its readings, too many, or all."""
    random = np.random.default_rng(seed)
    kept = random.choice([1.0, 0.9, 0.8, 0.76, 0.7, 0.3, 0.0], len(fleet.registry.devices))
    share = kept[fleet.registry.series().device[batch.slot]]
    return batch.take(random.random(len(batch)) < share)


def take(store: Store, fleet: Fleet, batch: ObservationBatch) -> None:
    """Store and compute, a part after the other."""
    engine = Engine(store, fleet.registry, int(batch.time_us[-1]) + HOUR_US)
    for part in np.array_split(np.arange(len(batch)), len(batch) // 100_000 + 1):
        engine.take(batch.take(part))


def stored(store: Store, fleet: Fleet, period: KpiPeriod) -> Figures:
    """Compute a period's figures and return the city's as they stand in the store."""
    registered = store.register(fleet.registry, INDICATORS)
    book = KpiBook(store, fleet.registry, registered, shipped(), LATENESS_US)
    book.bring([period], period.end_us, period.end_us)
    rows = store.kpi_rows(scope_kind="city", horizon=str(period.horizon))
    return {row.data_point: None if row.ratio is None else Fraction(row.ratio) for row in rows}


def test_every_live_data_point_is_known_to_the_truth() -> None:
    live = {point.key for point in shipped().data_points if point.live is not Live.NO}
    assert live == {*POINTS, *DECLARED}
    assert not set(POINTS) & set(DECLARED)


def test_a_few_days_of_a_city_end_with_the_figures_of_the_truth(store: Store, tmp_path: Path) -> None:
    fleet = build(find_fleet("kpis"), tmp_path / "city")
    batch = sent(fleet)
    take(store, fleet, batch)
    calendar = Calendar(fleet.registry.city.zone_info)
    begin_us, end_us = fleet.span_us
    # Four whole days; and three with a part of a fourth, so that registers of meters are read between two readings.
    whole = rolling(calendar, end_us, begin_us)
    part = to_date(calendar, end_us - 7 * HOUR_US, begin_us)
    assert (whole.days, part.days) == (4, 3 + Fraction(17, 24))
    figures = stored(store, fleet, whole)
    lines = [f"{key}\t{NULL if value is None else value}" for key, value in figures.items()]
    assert sorted(lines, key=str.encode) == kpi_lines(fleet, "in-order")
    for period in (whole, part):
        truth = kpis.figures(fleet.registry, batch, kpis.Period(period.start_us, period.end_us, period.days))
        # What a city states alone is missing, nothing else.
        assert {key for key, value in truth.items() if value is None} == set(DECLARED)
        assert stored(store, fleet, period) == truth, period.horizon


@pytest.mark.parametrize("seed", [1, 2])
def test_devices_that_lose_readings_count_or_not_as_the_truth_says(store: Store, tmp_path: Path, seed: int) -> None:
    fleet = build(find_fleet("kpis"), tmp_path / "city")
    batch = thinned(fleet, sent(fleet), seed)
    take(store, fleet, batch)
    period = to_date(Calendar(fleet.registry.city.zone_info), fleet.span_us[1] - 5 * HOUR_US, fleet.span_us[0])
    truth = kpis.figures(fleet.registry, batch, kpis.Period(period.start_us, period.end_us, period.days))
    assert stored(store, fleet, period) == truth
    assert sum(value is not None for value in truth.values()) > len(POINTS) // 2
    assert any(truth[key] is None for key in POINTS)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_year_of_a_city_ends_with_the_figures_of_the_truth(store: Store, tmp_path: Path) -> None:
    spec = load_fleet(find_fleet("kpis"))
    # By the hour, so that a year is two million readings and not twelve.
    groups = tuple(replace(group, interval_s=max(group.interval_s, 3600)) for group in spec.groups)
    fleet = build(replace(spec, start=date(YEAR, 1, 1), days=365, groups=groups), tmp_path / "city")
    batch = sent(fleet)
    take(store, fleet, batch)
    year = reference_year(Calendar(fleet.registry.city.zone_info), YEAR)
    truth = kpis.figures(fleet.registry, batch, kpis.Period(*fleet.span_us, Fraction(365)))
    assert stored(store, fleet, year) == truth
    assert {key for key, value in truth.items() if value is None} == set(DECLARED)
