"""What is behind a figure, on a real database: whoever adds it up by hand gets the figure, to the last digit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from devices import TIME_MAX_US, TIME_MIN_US
from engine.kpi import reference_year
from engine.kpi_evidence import DayShare, Evidence, Observed
from engine.store import Store
from tests.databases import Furnish
from tests.engine.store.kpi_kept import Kept, year_kept, year_over
from tests.engine.store.kpi_town import FIRST, YEAR

TRAVEL_TIME, SAIFI, WATER_USE = "EC: I: T: 5A", "EC: I: ES: 1C", "EN: EN: WS: 2C"


@pytest.fixture
def furnish() -> Furnish:
    return year_over


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    """The town by hand, its year over and closed."""
    return year_kept(store, tmp_path)


def evidence(kept: Kept, key: str, zone: int | None = None, device: str | None = None) -> Evidence:
    pack = kept.pack
    period = reference_year(kept.book.calendar, YEAR)
    return Evidence(kept.store, kept.registry, kept.book, pack, pack.data_point(key), period, zone, device)


def all_of(behind: Evidence, limit: int = 10**6) -> Sequence[Observed]:
    page = behind.observations(TIME_MIN_US, TIME_MAX_US, limit)
    assert page.next_us is None
    return page.rows


def decimal(one: Observed) -> Fraction:
    return Fraction(one.ticks, 10**one.series.measurand.decimals)


def test_observations_of_hours_add_up_to_the_figure(kept: Kept) -> None:
    by_input: dict[str, list[Fraction]] = defaultdict(list)
    for one in all_of(evidence(kept, TRAVEL_TIME)):
        by_input[one.series.code].append(decimal(one))
    means = {code: sum(found, Fraction(0)) / len(found) for code, found in by_input.items()}
    assert {code: len(found) for code, found in by_input.items()} == {
        "peak_travel_time": 42,
        "free_flow_travel_time": 31,
    }
    figure = kept.year(TRAVEL_TIME)
    assert means["peak_travel_time"] / means["free_flow_travel_time"] == Fraction(str(figure.ratio))


def test_events_add_up_to_the_figure(kept: Kept) -> None:
    rows = all_of(evidence(kept, SAIFI))
    assert sum(map(decimal, rows)) / 2000 == Fraction(str(kept.year(SAIFI).ratio))


def test_a_counter_comes_with_its_readings_beside_the_period(kept: Kept) -> None:
    behind = evidence(kept, WATER_USE)
    by_device: dict[str, list[Observed]] = defaultdict(list)
    for one in all_of(behind):
        by_device[one.series.device].append(one)
    # They began within the year, at midnight, and were read at the midnight after it.
    assert {device: [one.outside for one in rows].count(True) for device, rows in by_device.items()} == {
        "water-1": 1, "water-2": 1
    }  # fmt: skip
    rises = {
        device: sum(decimal(after) - decimal(before) for before, after in pairwise(rows))
        for device, rows in by_device.items()
    }
    assert rises == {one.device: one.value for one in behind.stations()} == {"water-1": 9300, "water-2": 15500}


def test_civil_days_add_up_to_the_stations(kept: Kept) -> None:
    for key in (WATER_USE, SAIFI, TRAVEL_TIME):
        behind = evidence(kept, key)
        sums: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for one in behind.days(TIME_MIN_US, TIME_MAX_US, 10**6).rows:
            name = (one.series.code, one.series.device)
            sums[name] += Fraction(one.sums[0], 10**one.series.measurand.decimals)
            counts[name] += one.readings
        for station in behind.stations():
            name = (station.code, station.device)
            assert station.value == (sums[name] / counts[name] if key == TRAVEL_TIME else sums[name])


def test_pages_together_are_the_whole(kept: Kept) -> None:
    behind = evidence(kept, WATER_USE)
    pages: list[Observed] = []
    from_us: int | None = TIME_MIN_US
    while from_us is not None:
        page = behind.observations(from_us, TIME_MAX_US, 7)
        # Both meters are read at midnight: those of one instant stay together.
        assert len(page.rows) <= 7 + 1 + 2
        pages += page.rows
        from_us = page.next_us
    assert pages == list(all_of(behind))
    days: list[DayShare] = []
    from_us = TIME_MIN_US
    while from_us is not None:
        share = behind.days(from_us, TIME_MAX_US, 5)
        days += share.rows
        from_us = share.next_us
    assert days == list(behind.days(TIME_MIN_US, TIME_MAX_US, 10**6).rows)


def test_more_at_one_instant_than_a_page_holds_stay_together(kept: Kept) -> None:
    page = evidence(kept, WATER_USE).observations(TIME_MIN_US, TIME_MAX_US, 1)
    assert [one.series.device for one in page.rows] == ["water-1", "water-2"]
    assert page.next_us == page.rows[0].time_us + 1


def test_a_device_and_a_stretch_of_time_are_chosen(kept: Kept) -> None:
    low, high = (kept.book.calendar.day_bounds(date(YEAR, 12, day))[0] for day in (10, 12))
    rows = evidence(kept, WATER_USE, device="water-2").observations(low, high, 100).rows
    assert [(one.series.device, one.outside) for one in rows] == [("water-2", False)] * 2
    assert {one.series.device for one in all_of(evidence(kept, WATER_USE, zone=0))} == {"water-1"}
    (first, *_) = evidence(kept, WATER_USE).days(TIME_MIN_US, TIME_MAX_US, 1).rows
    assert first.day == FIRST
