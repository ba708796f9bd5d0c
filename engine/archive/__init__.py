"""Closed civil days of observations as files, so that a year can leave the database and still be verified."""

from engine.archive.columns import Columns, SeriesDigest, SeriesName, content_digest, digested
from engine.archive.days import RECORD, ArchiveError, DayFacts, DayRecord, Measure, cities_of, days_at
from engine.archive.digest import SHA256_BYTES, DayDigests, digests, runs
from engine.archive.keeping import Keeping, Kept
from engine.archive.leaving import Leaving, leave, leaving
from engine.archive.reading import Archive, portions_of
from engine.archive.stored import Day, StoredDays
from engine.archive.verifying import Fault, series_of, verify_day
from engine.archive.writing import write_day
from engine.archive.yearly import year_digests

__all__ = [
    "RECORD",
    "SHA256_BYTES",
    "Archive",
    "ArchiveError",
    "Columns",
    "Day",
    "DayDigests",
    "DayFacts",
    "DayRecord",
    "Fault",
    "Keeping",
    "Kept",
    "Leaving",
    "Measure",
    "SeriesDigest",
    "SeriesName",
    "StoredDays",
    "cities_of",
    "content_digest",
    "days_at",
    "digested",
    "digests",
    "leave",
    "leaving",
    "portions_of",
    "runs",
    "series_of",
    "verify_day",
    "write_day",
    "year_digests",
]
