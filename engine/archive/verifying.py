"""Whether archived days are still what was written: every file against its record, every series against its digest.

Knows files and digests; knows no store. Everything that is wrong is told, not only the first of it.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

from engine.archive.columns import SeriesDigest, SeriesName, digested
from engine.archive.days import DIGESTS, OBSERVATIONS, RECORD, ArchiveError, FileFact, file_fact
from engine.archive.reading import Archive


class Fault(NamedTuple):
    """Something that is not as it was written."""

    path: Path
    what: str


def series_of(archive: Archive, day: date) -> dict[SeriesName, SeriesDigest]:
    """Return the digests of a day's series, computed from its observations.

    Raises:
        ArchiveError: they cannot be read, or are not sorted.
    """
    found: dict[SeriesName, SeriesDigest] = {}
    for portion in archive.portions(day):
        try:
            part = digested(portion)
        except ValueError as error:
            raise ArchiveError(archive.path(day, OBSERVATIONS), str(error)) from error
        if found.keys() & part.keys():
            raise ArchiveError(archive.path(day, OBSERVATIONS), "has a series in two places")
        found |= part
    return found


def verify_day(archive: Archive, day: date) -> list[Fault]:
    """Return what is wrong with a day; nothing where it is as it was written."""
    try:
        record = archive.record(day)
    except ArchiveError as error:
        return [Fault(error.path, error.what)]
    faults = [fault for fact in record.files if (fault := _file_fault(archive.path(day, fact.name), fact))]
    if {fact.name for fact in record.files} != {OBSERVATIONS, DIGESTS}:
        faults.append(Fault(archive.path(day, RECORD), "names other files than those of a day"))
    if faults:
        return faults  # a damaged file is not read: what a reader makes of it is anybody's guess
    try:
        stored, found = archive.digests(day), series_of(archive, day)
    except ArchiveError as error:
        return [Fault(error.path, error.what)]
    observations = archive.path(day, OBSERVATIONS)
    for name in sorted(stored.keys() | found.keys()):
        said, is_now = stored.get(name), found.get(name)
        if said is None or is_now is None or said != (is_now.count, is_now.sha256):
            faults.append(Fault(observations, f"{name.device} {name.field}: not the readings that were archived"))
    counted = sum(one.count for one in found.values())
    if (counted, len(found)) != (record.observations, record.series):
        faults.append(Fault(observations, f"{counted} observations; the record says {record.observations}"))
    return faults


def _file_fault(path: Path, fact: FileFact) -> Fault | None:
    try:
        found = file_fact(path, fact.name)
    except OSError as error:
        return Fault(path, f"cannot be read: {error.strerror or error}")
    if found == fact:
        return None
    return Fault(path, f"was changed: its SHA-256 is {found.sha256}, the record says {fact.sha256}")
