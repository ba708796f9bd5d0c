"""Closed civil days of observations as files, so that a year can leave the database and still be verified."""

from engine.archive.digest import SHA256_BYTES, DayDigests, digests, runs

__all__ = ["SHA256_BYTES", "DayDigests", "digests", "runs"]
