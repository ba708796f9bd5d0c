"""Digests of a year of the city's series: from archived days where there are some, else from the database.

Knows both, and the calendar; knows no bundle. A day that is in both must have as many observations in the one as in the
other, or nobody knows which of them a digest would speak of; one that left the database must be in the archive, which
its stored figures tell.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

from devices import Registry
from engine.archive.columns import SeriesDigest, SeriesName, digested
from engine.archive.days import OBSERVATIONS, ArchiveError
from engine.archive.digest import SHA256_BYTES, DayDigests
from engine.archive.reading import Archive
from engine.archive.stored import Day, StoredDays
from engine.archive.verifying import series_of
from engine.calendar import Calendar
from engine.kpi import day_number
from engine.store import Store

Progress = Callable[[float], None]
"""Told how much is done, 0 to 1."""
NAMED_MAX = 10
"""Days that a refusal names."""


def year_digests(
    store: Store | None,
    archive: Archive | None,
    registry: Registry,
    year: int,
    progress: Progress = lambda _: None,
) -> DayDigests:
    """Return count and SHA-256 of every series of the city and civil day of a year with an observation.

    Args:
        store: of the city; None: from the archive alone.
        archive: of the city; None: from the database alone.
        registry: the city; series that it no longer has are left out.
        year: of the city's civil calendar.
        progress: told how much is done.

    Raises:
        StoreUnavailable, StoreError
        ArchiveError: a day of the archive was changed or is not the database's; or observations of some days left the
            database and are not in the archive, or none is given.
    """
    calendar = Calendar(registry.city.zone_info)
    bounds_us = calendar.year_bounds(year)
    archived = {day for day in archive.days() if day.year == year} if archive is not None else set()
    days = None if store is None else StoredDays(store, calendar)
    stored = {} if days is None else {one.day: one for one in days.days(*bounds_us)}
    if days is not None:
        _require(archive, archived, days.left(*bounds_us))
    names = _names(registry)
    parts = []
    wanted = sorted(archived | stored.keys())
    for number, day in enumerate(wanted):
        progress(number / len(wanted))
        if archive is not None and day in archived:
            _same_count(archive, day, stored.get(day))
            parts.append(_part(names, day, series_of(archive, day)))
        elif days is not None:
            parts.append(_part(names, day, _digested(days, stored[day])))
    progress(1.0)
    return DayDigests.joined(tuple((name.device, name.field) for name in names), parts)


def _require(archive: Archive | None, archived: set[date], left: list[date]) -> None:
    """Refuse a year of which observations left the database while the archive at hand lacks a day of them."""
    lacking = [day for day in left if day not in archived]
    if not lacking:
        return
    if archive is None:
        raise ArchiveError(
            Path(OBSERVATIONS), f"those of {_named(lacking)} left the database: give the archive that has them"
        )
    raise ArchiveError(
        archive.path(lacking[0], OBSERVATIONS).parent,
        f"observations of {_named(lacking)} left the database and are not in this archive: bring these days back from "
        "a copy of it",
    )


def _named(days: list[date]) -> str:
    """Return days as words, not too many of them."""
    more = f" and {len(days) - NAMED_MAX:,} days more" if len(days) > NAMED_MAX else ""
    return ", ".join(day.isoformat() for day in days[:NAMED_MAX]) + more


def _same_count(archive: Archive, day: date, stored: Day | None) -> None:
    said = archive.record(day).observations
    if stored is not None and stored.count != said:
        raise ArchiveError(
            archive.path(day, OBSERVATIONS),
            f"has {said:,} observations, the database {stored.count:,}: run `cityvitals archive` first, "
            "which adds readings that came late",
        )


def _digested(days: StoredDays, day: Day) -> dict[SeriesName, SeriesDigest]:
    found: dict[SeriesName, SeriesDigest] = {}
    for portion in days.portions(day):
        found |= digested(portion)
    return found


def _names(registry: Registry) -> tuple[SeriesName, ...]:
    """Return the city's series by slot."""
    found = []
    for position, device in enumerate(registry.devices):
        fields = registry.model_of(device).fields
        found += [SeriesName(device.code, field.name, field.measurand) for field in fields]
        if len(found) != registry.slots(position).stop:
            raise ValueError(f"{device.code} has other slots than fields")
    return tuple(found)


def _part(names: tuple[SeriesName, ...], day: date, found: dict[SeriesName, SeriesDigest]) -> DayDigests:
    known = [(at, found[name]) for at, name in enumerate(names) if name in found]
    sha256 = np.frombuffer(b"".join(one.sha256 for _, one in known), np.uint8).reshape(-1, SHA256_BYTES)
    return DayDigests(
        (),
        np.array([at for at, _ in known], np.int32),
        np.full(len(known), day_number(day), np.int32),
        np.array([one.count for _, one in known], np.int64),
        sha256,
    )
