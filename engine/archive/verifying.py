"""Whether archived days are still what was written: the file against its record, what is in it against its digest.

Knows files and digests; knows no store. Everything that is wrong is told, not only the first of it.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

from engine.archive.columns import SeriesDigest, SeriesName, content_digest, digested
from engine.archive.days import OBSERVATIONS, ArchiveError, DayRecord, FileFact, file_fact
from engine.archive.reading import Archive


class Fault(NamedTuple):
    """Something that is not as it was written."""

    path: Path
    what: str


def series_of(archive: Archive, day: date) -> dict[SeriesName, SeriesDigest]:
    """Return the digests of a day's series, computed from its observations.

    Raises:
        ArchiveError: they cannot be read, are not sorted, or are not those that were archived.
    """
    record, path = archive.record(day), archive.path(day, OBSERVATIONS)
    found: dict[SeriesName, SeriesDigest] = {}
    for portion in archive.portions(day):
        try:
            part = digested(portion)
        except ValueError as error:
            raise ArchiveError(path, str(error)) from error
        if found.keys() & part.keys():
            raise ArchiveError(path, "has a series in two places")
        found |= part
    counted = sum(one.count for one in found.values())
    if (counted, len(found)) != (record.observations, record.series):
        raise ArchiveError(path, f"has {counted:,} observations; the record says {record.observations:,}")
    if content_digest(found) != record.content:
        raise ArchiveError(path, "does not hold the readings that were archived: their digest is another one")
    return found


def verify_day(archive: Archive, day: date) -> list[Fault]:
    """Return what is wrong with a day; nothing where it is as it was written."""
    try:
        record = archive.record(day)
    except ArchiveError as error:
        return [Fault(error.path, error.what)]
    fault = _file_fault(archive.path(day, OBSERVATIONS), record)
    if fault is not None:
        return [fault]  # a damaged file is not read: what a reader makes of it is anybody's guess
    try:
        series_of(archive, day)
    except ArchiveError as error:
        return [Fault(error.path, error.what)]
    return []


def _file_fault(path: Path, record: DayRecord) -> Fault | None:
    try:
        found = file_fact(path)
    except OSError as error:
        return Fault(path, f"cannot be read: {error.strerror or error}")
    if found == FileFact(record.size_bytes, record.sha256):
        return None
    return Fault(path, f"was changed: its SHA-256 is {found.sha256}, the record says {record.sha256}")
