"""Keeps the flags of observations up to date beside the engine: what was written is looked at, some seconds later.

The flags belong to the book; pace, thread and retries are those of every keeper.

What survives a crash. Nothing is remembered here: the hours to be looked at are rows that the engine writes with its
windows, in one transaction, and the hours whose figures must follow are rows that are written with the flags. There are
never more of them than hours of series with rules.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from devices import Rule
from engine.keeper import Keeper
from engine.quality_book import HOURS_PER_LOOK, QualityBook
from engine.store import Store

SHARE_MAX: Final = 5
"""A round is followed by a pause at least so many times as long: the database has other work."""


@dataclass(slots=True)
class QualityCounts:
    """Totals since the start; they only rise.

    Attributes:
        rounds: how often it was looked at what has changed.
        hours: hours looked at.
        flagged: flags that appeared, by rule.
        unflagged: flags that went, because late readings or other rules show another picture.
        changed: hours of which something else is excluded than before.
        failures: rounds broken off; what they had to do is done by the next one.
    """

    rounds: int = 0
    hours: int = 0
    flagged: Counter[str] = field(default_factory=Counter)
    unflagged: int = 0
    changed: int = 0
    failures: int = 0


class QualityKeeper(Keeper):
    """The keeper of one city's flags.

    Args:
        store: a connection for this keeper alone.
        book: on that connection.
        changed: called when something else is excluded than before; must not block.
        every_s: pause between two rounds.

    Attributes:
        counts: totals.
    """

    def __init__(self, store: Store, book: QualityBook, *, changed: Callable[[], None], every_s: float) -> None:
        super().__init__(store, every_s=every_s, share_max=SHARE_MAX, waits="flags of observations")
        self.counts = QualityCounts()
        self._book, self._changed = book, changed
        self._waiting = 0

    def status(self) -> dict[str, object]:
        """Return where it stands, for metrics and people."""
        counts = {name: getattr(self.counts, name) for name in QualityCounts.__dataclass_fields__}
        flagged = {rule.name.lower(): self.counts.flagged[rule.name.lower()] for rule in Rule}
        return {**counts, "flagged": flagged, "waiting": self._waiting, **self._life()}

    def _work(self, stop: threading.Event | None) -> None:
        """Look at everything that is due; `stop` ends it after a portion."""
        while self._portion() and not (stop is not None and stop.is_set()):
            pass
        self._waiting = self._store.due_hours_count()

    def _portion(self) -> bool:
        """Look at some hours, and say whether there may be more."""
        done = self._book.look()
        self.counts.hours += done.hours
        self.counts.flagged.update({rule.name.lower(): count for rule, count in done.flagged.items()})
        self.counts.unflagged += done.unflagged
        self.counts.changed += done.changed
        if done.changed:
            self._changed()
        return done.hours == HOURS_PER_LOOK

    def _count(self, *, failed: bool) -> None:
        self.counts.rounds += 1
        self.counts.failures += failed
