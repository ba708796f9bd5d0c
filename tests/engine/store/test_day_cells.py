"""A year as cells of days gives exactly the readings that the live figures are added up from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.kpi import DayCells, Sensed, readings_of, reference_year
from engine.kpi_days import day_cells, heard_days
from engine.store import Store
from tests.databases import Furnish
from tests.engine.store.kpi_kept import Kept, year_kept, year_over
from tests.engine.store.kpi_town import YEAR


@pytest.fixture
def furnish() -> Furnish:
    return year_over


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    return year_kept(store, tmp_path)


def days(kept: Kept, told: list[float] | None = None) -> DayCells:
    sensed = Sensed(kept.pack, kept.registry, kept.book.calendar)
    period = reference_year(kept.book.calendar, YEAR)
    return day_cells(kept.store, kept.registry, sensed, period, ([] if told is None else told).append)


def test_days_add_up_to_what_the_keeper_adds_up(kept: Kept) -> None:
    sensed = Sensed(kept.pack, kept.registry, kept.book.calendar)
    period = reference_year(kept.book.calendar, YEAR)
    told: list[float] = []
    cells = days(kept, told)
    assert len(cells.clocks) > 1, "a year with hours of the clock in it"
    assert readings_of(sensed, period, cells, heard_days(kept.store, sensed, period)) == kept.book._readings(period)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_order_of_days_is_no_part_of_them(kept: Kept) -> None:
    sensed = Sensed(kept.pack, kept.registry, kept.book.calendar)
    period = reference_year(kept.book.calendar, YEAR)
    cells = days(kept)
    shuffled = cells.take(np.random.default_rng(5).permutation(len(cells)))
    assert readings_of(sensed, period, shuffled, {}) == readings_of(sensed, period, cells, {})


def test_a_day_that_lacks_is_missed(kept: Kept) -> None:
    sensed = Sensed(kept.pack, kept.registry, kept.book.calendar)
    period = reference_year(kept.book.calendar, YEAR)
    cells = days(kept)
    lacking = cells.take(np.arange(1, len(cells)))
    assert readings_of(sensed, period, lacking, {}) != readings_of(sensed, period, cells, {})
