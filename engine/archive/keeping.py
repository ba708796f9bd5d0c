"""Closed civil days from the store into an archive, a day at a time, and days of both compared.

Knows days of the store and the archive; knows neither options nor clocks. Observations never change, so a day whose
count is the archive's is the archive's day; whoever does not rely on that compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.archive.columns import SeriesDigest, SeriesName, digested
from engine.archive.days import OBSERVATIONS, RECORD, ArchiveError, DayFacts, DayRecord
from engine.archive.reading import Archive
from engine.archive.stored import Day, StoredDays
from engine.archive.verifying import Fault, series_of, verify_day
from engine.archive.writing import write_day
from engine.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a day.

    Attributes:
        day: its date.
        outcome: `written`, `there` (it was archived before and is equal), or `rewritten` (readings came late since).
        record: as it stands now.
        added: observations that the archive did not have before.
    """

    day: date
    outcome: str
    record: DayRecord
    added: int


class Keeping:
    """The way of closed days from a store into an archive.

    Args:
        stored: days of the store.
        calendar: of the city.
        archive: where the days go.

    Attributes:
        stored, archive: as given.
    """

    def __init__(self, stored: StoredDays, calendar: Calendar, archive: Archive) -> None:
        self.stored, self._calendar, self.archive = stored, calendar, archive

    def keep(self, day: Day) -> Kept:
        """Archive a day, unless it is archived as it stands.

        Raises:
            StoreUnavailable, StoreError
            ArchiveError: it cannot be written, or the archive has more of the day than the database.
        """
        before = self._standing(day)
        if before is not None and before.observations > day.count:
            raise ArchiveError(
                self.archive.path(day.day, OBSERVATIONS),
                f"has {before.observations:,} observations, the database only {day.count:,}: it is not written over; "
                "give the folder of this database, or another one",
            )
        if before is not None and before.observations == day.count:
            return Kept(day.day, "there", before, 0)
        revision = 1 if before is None else before.revision + 1
        record = write_day(self.archive.root, self._facts(day), self.stored.portions(day), revision)
        outcome = "written" if before is None else "rewritten"
        return Kept(day.day, outcome, record, record.observations - (before.observations if before else 0))

    def faults(self, day: Day) -> list[Fault]:
        """Return what is wrong with an archived day, and where it is not what the database has.

        Raises:
            StoreUnavailable, StoreError
        """
        found = verify_day(self.archive, day.day)
        if found:
            return found
        stored: dict[SeriesName, SeriesDigest] = {}
        for portion in self.stored.portions(day):
            stored |= digested(portion)
        path = self.archive.path(day.day, OBSERVATIONS)
        archived = series_of(self.archive, day.day)
        return [
            Fault(path, f"{name.device} {name.field}: not what the database has; archive the day again")
            for name in sorted(stored.keys() | archived.keys())
            if stored.get(name) != archived.get(name)
        ]

    def _standing(self, day: Day) -> DayRecord | None:
        """Return the record of a day that is there whole; one that was left half-way counts as none."""
        if not self.archive.path(day.day, RECORD).is_file():
            return None
        record = self.archive.record(day.day)
        path = self.archive.path(day.day, OBSERVATIONS)
        return record if path.is_file() and path.stat().st_size == record.size_bytes else None

    def _facts(self, day: Day) -> DayFacts:
        return DayFacts(self.archive.city, self._calendar.zone.key, day.day, self.stored.measures())
