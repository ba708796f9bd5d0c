"""A bundle's readings beside an archive of observations: days built again from raw, without any database.

Knows the archive and the bundle's city; knows no option and no terminal. Of series that rules of quality leave readings
out of nothing is compared: what was left out follows from more than their observations of a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np

from assessment.material import Material
from assessment.verify.against import days_compared, digests_compared, heard_compared
from assessment.verify.compare import checked
from assessment.verify.verdict import Checked, Difference
from devices import ObservationBatch, Registry
from engine.archive import Archive, DayDigests, SeriesName, verify_day, year_digests
from engine.calendar import Calendar
from engine.kpi import Sensed, day_number, reference_year
from engine.kpi_days import Progress
from engine.quality.judges import Judges
from engine.raw_days import days_read, raw_day_cells


class ArchivedDays:
    """Days of an archive in the slots of a registry; series that it does not have are left out.

    Args:
        archive: of the city.
        registry: the city.
    """

    def __init__(self, archive: Archive, registry: Registry) -> None:
        self._archive = archive
        self._slots = {
            SeriesName(device.code, field.name, field.measurand): slot
            for at, device in enumerate(registry.devices)
            for slot, field in zip(registry.slots(at), registry.model_of(device).fields, strict=True)
        }

    def days(self) -> Sequence[date]:
        """Return the days that are there, in order."""
        return self._archive.days()

    def readings(self, day: date) -> Iterator[ObservationBatch]:
        """Give the readings of a day, some series at a time."""
        for part in self._archive.portions(day):
            slot = np.array([self._slots.get(name, -1) for name in part.series], np.int32)[part.at]
            yield ObservationBatch(slot, part.time_us, part.ticks, part.flags).take(slot >= 0)

    def heard(self, first: date, last: date) -> dict[int, int]:
        """Return by slot the last day of a stretch on which it was heard."""
        found: dict[int, int] = {}
        for day in (day for day in self.days() if first <= day <= last):
            names = [name for part in self._archive.portions(day) for name in part.series]
            found.update({self._slots[name]: day_number(day) for name in names if name in self._slots})
        return found


def against_archive(
    archive: Archive, material: Material, digests: DayDigests | None, progress: Progress = lambda _: None
) -> Iterator[Checked]:
    """Give how a bundle's readings agree with archived observations.

    Args:
        archive: of the bundle's city.
        material: of the bundle.
        digests: of the bundle; None where it has none.
        progress: told how much is done.

    Raises:
        ArchiveError: a day cannot be read.
    """
    registry = material.registry
    calendar = Calendar(registry.city.zone_info)
    sensed, period = Sensed(material.pack, registry, calendar), reference_year(calendar, material.year)
    days = days_read(archive.days(), period)
    faults = []
    for number, day in enumerate(days):
        progress(number / len(days) / 2)
        faults += [Difference(str(one.path), "as it was written", one.what) for one in verify_day(archive, day)]
    yield checked("days of the archive, each held against its record", len(days), faults)
    if faults:
        return  # what a damaged file says proves nothing
    if digests is not None:
        yield digests_compared(digests, year_digests(None, archive, registry, material.year))
    raw = ArchivedDays(archive, registry)
    built = raw_day_cells(raw, registry, sensed, period, lambda done: progress((1 + done) / 2))
    excluding = Judges(registry).excluding
    stated = material.days.take(~excluding[material.days.slot])
    name = "days of readings, built from the archived observations"
    name += ", but for series that rules of quality leave something out of" if excluding.any() else ""
    yield days_compared(name, registry, stated, built.take(~excluding[built.slot]))
    if sensed.heard_days():
        first = period.last - timedelta(days=sensed.heard_days() - 1)
        yield heard_compared(registry, material.heard, raw.heard(first, period.last))
