"""Days that are built from observations alone are those that the store had, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pytest

from assessment import Material
from devices import ObservationBatch
from engine.calendar import Calendar
from engine.kpi import DayCells, Sensed, reference_year
from engine.raw_days import raw_day_cells
from tests.engine.store.kpi_town import year_of_readings


class Given:
    """Observations in memory, by civil day."""

    def __init__(self, calendar: Calendar, batch: ObservationBatch) -> None:
        self._batch = batch.sorted()
        self._day = np.array([calendar.local(at).date().toordinal() for at in self._batch.time_us.tolist()])

    def days(self) -> Sequence[date]:
        return [date.fromordinal(int(day)) for day in np.unique(self._day)]

    def readings(self, day: date) -> Iterator[ObservationBatch]:
        of_day = self._batch.take(self._day == day.toordinal())
        for slot in np.unique(of_day.slot):
            yield of_day.take(of_day.slot == slot)


def rebuilt(material: Material, batch: ObservationBatch) -> DayCells:
    calendar = Calendar(material.registry.city.zone_info)
    sensed = Sensed(material.pack, material.registry, calendar)
    period = reference_year(calendar, material.year)
    return raw_day_cells(Given(calendar, batch), material.registry, sensed, period)


def rows(cells: DayCells) -> list[tuple[object, ...]]:
    numbers = np.column_stack((cells.slot, cells.day, cells.count, cells.low, cells.high, cells.sums)).tolist()
    return sorted(
        (cells.clocks[at], *row) for at, row in zip(cells.clock.tolist(), numbers, strict=True) if any(row[2:])
    )


def test_days_from_observations_alone_are_the_store_s(material: Material) -> None:
    found = rebuilt(material, year_of_readings(material.registry))
    assert len(found.clocks) > 1, "some hours of the clock are among them"
    assert rows(found) == rows(material.days)


@pytest.mark.parametrize("lost", [0, 100, 250])
def test_a_reading_that_lacks_is_missed(material: Material, lost: int) -> None:
    batch = year_of_readings(material.registry)
    sensed = Sensed(material.pack, material.registry, Calendar(material.registry.city.zone_info))
    asked = np.unique(np.concatenate(list(sensed.questions().values())))
    at = np.flatnonzero(np.isin(batch.slot, asked))
    kept = np.ones(len(batch), np.bool_)
    kept[at[lost % at.size]] = False
    assert rows(rebuilt(material, batch.take(kept))) != rows(material.days)
