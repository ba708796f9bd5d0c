"""Closed civil days of observations as files, so that a year can leave the database and still be verified."""

from engine.archive.columns import Columns, SeriesDigest, SeriesName, digested
from engine.archive.days import ArchiveError, DayFacts, DayRecord, Measure, cities_of
from engine.archive.digest import SHA256_BYTES, DayDigests, digests, runs
from engine.archive.reading import Archive, portions_of
from engine.archive.verifying import Fault, series_of, verify_day
from engine.archive.writing import write_day

__all__ = [
    "SHA256_BYTES",
    "Archive",
    "ArchiveError",
    "Columns",
    "DayDigests",
    "DayFacts",
    "DayRecord",
    "Fault",
    "Measure",
    "SeriesDigest",
    "SeriesName",
    "cities_of",
    "digested",
    "digests",
    "portions_of",
    "runs",
    "series_of",
    "verify_day",
    "write_day",
]
