"""Rows of an archived day, as the taking in of history reads them.

Knows the folder of a day; knows no store. A day is verified before its first row is given: what was damaged is not
taken in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from devices import text_from_ticks
from engine.archive import RECORD, Archive, ArchiveError, Measure, days_at, verify_day
from ingest.errors import HistoryError
from ingest.rows import Row


def archived_days(folder: Path, city: str) -> list[Path]:
    """Return the folders of a city's archived days, in order; none where a folder is no archive of it.

    Raises:
        HistoryError: one of them has a name that is no day.
    """
    try:
        return days_at(folder, city)
    except ArchiveError as error:
        raise HistoryError(error.path, error.what) from error


def is_day(folder: Path) -> bool:
    """Say whether a folder is that of one archived day."""
    return (folder / RECORD).is_file()


class ArchivedRows:
    """Rows of an archived day, numbered from 1.

    Args:
        path: folder of the day.
        measurands: what each device's field measures now, by device and field. Readings of a field that measured
            something else are given with that in the field's name, so that nobody takes them for the present ones.
    """

    def __init__(self, path: Path, measurands: Mapping[tuple[str, str], str]) -> None:
        self._path, self._measurands = path, measurands
        self._line, self._total = 0, 1

    def done(self) -> float:
        """Say how much of the day is read, 0 to 1."""
        return self._line / self._total

    def __iter__(self) -> Iterator[Row]:
        archive, day = Archive.of_day(self._path)
        faults = verify_day(archive, day)
        if faults:
            raise HistoryError(faults[0].path, faults[0].what)
        record = archive.record(day)
        self._total = max(record.observations, 1)
        measures = {one.code: one for one in record.facts.measurands}
        try:
            for part in archive.portions(day):
                for at, time_us, ticks, flags in zip(
                    part.at.tolist(), part.time_us.tolist(), part.ticks.tolist(), part.flags.tolist(), strict=True
                ):
                    name = part.series[at]
                    measure = measures[name.measurand]
                    known = self._measurands.get((name.device, name.field), name.measurand)
                    field = name.field if known == name.measurand else f"{name.field} ({name.measurand})"
                    self._line += 1
                    yield Row(self._line, time_us, name.device, field, _value(ticks, measure), measure.unit, flags)
        except (ArchiveError, KeyError) as error:
            raise HistoryError(self._path, f"it cannot be read to its end: {error}") from error


def _value(ticks: int, measure: Measure) -> str:
    if measure.states and 0 <= ticks < len(measure.states):
        return measure.states[ticks]
    return text_from_ticks(ticks, measure.decimals)
