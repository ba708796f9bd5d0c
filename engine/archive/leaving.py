"""Old observations leave the database, once every day of them is archived and was compared in this very run.

Knows the store's chunks, the archive and the calendar; asks no clock. What later figures need stays: some days before
the first one that can be computed again, and the newest reading of every series.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from devices import Registry
from engine.archive.days import ArchiveError
from engine.archive.keeping import Keeping
from engine.archive.stored import Day
from engine.archive.verifying import Fault
from engine.calendar import HOUR_US, Calendar
from engine.indicators import INDICATORS
from engine.quality.judges import Judges
from engine.store import Left, Store

DAY_US = 24 * HOUR_US
OVERLAP_DAYS = 2
"""Kept beside what figures look back to: the hours of a pair of readings across the edge."""
DRIFT_FACTOR = 4
"""A rule of drift looks at so many runs of days around a day, at most."""
SHOWN_MAX = 10
"""Faults that a refusal names."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What would leave.

    Attributes:
        left: as it will be recorded.
        days: closed days that it touches, all to be compared.
        chunks: pieces of the table that go.
    """

    left: Left
    days: tuple[Day, ...]
    chunks: int


def overlap_us(registry: Registry) -> int:
    """Return how much before the first day that can be computed again is kept in the database."""
    hours = max(one.lookback_hours for one in INDICATORS) + 1
    runs = max((group.run for group in Judges(registry).groups), default=0)
    return (OVERLAP_DAYS + -(-hours // 24) + DRIFT_FACTOR * runs) * DAY_US


def leaving(
    store: Store, calendar: Calendar, keeping: Keeping, registry: Registry, before_us: int, folder: str
) -> Leaving | None:
    """Return what may leave so that all from `before_us` on can still be computed again; None where nothing can.

    Raises:
        StoreUnavailable, StoreError
        ArchiveError: hours of it still wait to be computed, or are not closed.
    """
    edge_us = before_us - overlap_us(registry)
    chunks = [(low, high) for low, high in store.archive.chunks() if high <= edge_us]
    if not chunks:
        return None
    dropped_us = chunks[-1][1]
    until_us = calendar.day_bounds(calendar.local(dropped_us + overlap_us(registry) - 1).date())[1]
    closed_us = keeping.stored.closed_to_us()
    if closed_us < until_us:
        raise ArchiveError(
            keeping.archive.root,
            f"days before {calendar.text(until_us)} are not closed yet, only those before {calendar.text(closed_us)}: "
            "nothing was dropped; start the gateway for a moment, so that it closes them",
        )
    waiting = store.archive.unsettled(until_us)
    if waiting:
        raise ArchiveError(
            keeping.archive.root,
            f"{waiting} hours before {calendar.text(until_us)} still wait to be computed from their observations: "
            "nothing was dropped; start the gateway until `cityvitals doctor` says that none waits",
        )
    # The day that the edge lies in as well: a part of it goes.
    last_us = calendar.day_bounds(calendar.local(dropped_us - 1).date())[1]
    days = keeping.stored.days(chunks[0][0] - DAY_US, last_us)
    return Leaving(Left(until_us, dropped_us, folder), tuple(days), len(chunks))


def leave(store: Store, keeping: Keeping, what: Leaving, progress: Callable[[float], None] = lambda _: None) -> int:
    """Compare every day with the archive, then drop; return how many pieces of the table went.

    The store owns both duties of the partition, so nothing is written between the comparing and the dropping.

    Raises:
        StoreUnavailable, StoreError
        ArchiveError: a day is not in the archive, or not as the database has it; nothing was dropped.
    """
    faults: list[Fault] = []
    for number, day in enumerate(what.days):
        progress(number / len(what.days))
        faults += keeping.faults(day)
        if len(faults) >= SHOWN_MAX:
            break
    if faults:
        said = "".join(f"\n  {fault.path}: {fault.what}" for fault in faults[:SHOWN_MAX])
        raise ArchiveError(
            keeping.archive.root, f"nothing was dropped, for the archive is not what the database has:{said}"
        )
    return store.archive.leave(what.left)
