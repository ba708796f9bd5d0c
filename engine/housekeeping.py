"""Keeps the store within its limits: old commits are folded, old minutes and old provisional results are dropped.

Knows the limits and the store's ways to shrink; knows no windows. The engine does it between two rounds, a bounded
portion at a time, and never the committer: no commit waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from engine.settings import WorkerSettings
from engine.store import Store, StoreError

log = logging.getLogger("engine")

EVERY_US = 3_600_000_000
"""Pause between two rounds of housekeeping; the first one comes with the start."""
DAY_US = 86_400_000_000
FOLD_ROWS_MAX = 10_000
"""Commits looked at in one portion: a tenth of a second of the database's time."""


@dataclass(slots=True)
class HousekeepingCounts:
    """Totals since the start; they only rise.

    Attributes:
        folded: old commits folded into one row a day.
        forgotten: pieces (chunks) of old minute buckets and provisional results that were dropped.
        postponed: rounds of housekeeping broken off because the database did not let it through at once.
    """

    folded: int = 0
    forgotten: int = 0
    postponed: int = 0


class Housekeeping:
    """The limits of one partition's rows.

    Args:
        store: the worker's connection.
        settings: how long what is kept; 0 days keep it for ever.

    Attributes:
        counts: totals.
    """

    def __init__(self, store: Store, settings: WorkerSettings) -> None:
        self.counts = HousekeepingCounts()
        self._store, self._settings = store, settings
        self._next_us: int | None = None
        self._folding = False

    def turn(self, now_us: int, newest_us: Callable[[], int]) -> None:
        """Do one portion of what is due; usually nothing is.

        Args:
            now_us: the present; commits and provisional results are as old as it says.
            newest_us: returns how far the observations reach; minutes are as old as that says, so that a recording of
                long ago keeps its own until newer readings come.
        """
        if self._next_us is not None and now_us < self._next_us and not self._folding:
            return
        try:
            if not self._folding:
                self._next_us = now_us + EVERY_US
                self._forget(now_us, newest_us())
            self._fold(now_us)
        except StoreError as error:
            # Nothing depends on it, so nothing waits for it. A lost connection is noticed by the engine's next step.
            self.counts.postponed += 1
            self._folding = False
            log.info("housekeeping is put off: %s", error)

    def _forget(self, now_us: int, newest_us: int) -> None:
        settings = self._settings
        before_us = min(now_us, newest_us) - settings.minute_days * DAY_US
        if settings.minute_days and before_us > 0:
            self.counts.forgotten += self._store.forget_minutes(before_us)
        if settings.seen_days:
            self.counts.forgotten += self._store.forget_seen(now_us - settings.seen_days * DAY_US)

    def _fold(self, now_us: int) -> None:
        if not self._settings.ledger_days:
            return
        folded = self._store.fold_ledger(
            now_us - self._settings.ledger_days * DAY_US, partition=self._settings.partition, rows_max=FOLD_ROWS_MAX
        )
        self.counts.folded += folded
        self._folding = folded == FOLD_ROWS_MAX
