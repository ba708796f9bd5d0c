"""Keeps the flags of observations up to date beside the engine: what was written is looked at, some seconds later.

Owns the pace and the retries; the flags belong to the book. It has a thread and a connection of its own, so that
neither a commit nor a window ever waits for it, and its failure is logged and counted and ends nothing.

What survives a crash. Nothing is remembered here: the hours to be looked at are rows that the engine writes with its
windows, in one transaction, and the hours whose figures must follow are rows that are written with the flags. There are
never more of them than hours of series with rules.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from devices import Rule
from engine.quality_book import HOURS_PER_LOOK, QualityBook
from engine.store import Store, StoreError, StoreUnavailable

log = logging.getLogger("engine")

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


class QualityKeeper:
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
        self.counts = QualityCounts()
        self._store, self._book, self._changed, self._every_s = store, book, changed, every_s
        self._waiting = 0
        self._spent_s = 0.0
        self._away = False
        self._last_error = ""

    def status(self) -> dict[str, object]:
        """Return where it stands, for metrics and people."""
        counts = {name: getattr(self.counts, name) for name in QualityCounts.__dataclass_fields__}
        flagged = {rule.name.lower(): self.counts.flagged[rule.name.lower()] for rule in Rule}
        return {
            **counts, "flagged": flagged, "waiting": self._waiting, "seconds": self._spent_s, "error": self._last_error,
        }  # fmt: skip

    def run(self, stop: threading.Event) -> None:
        """Look again and again until `stop` is set, and then once more: the engine has written everything by then."""
        while not stop.is_set():
            self.round(stop)
            stop.wait(max(self._every_s, SHARE_MAX * self._spent_s))
        if not self._away:
            self.round()

    def round(self, stop: threading.Event | None = None) -> None:
        """Look at everything that is due. A failure is logged and counted; the next round does its work.

        Args:
            stop: ends it after a portion.
        """
        began = time.monotonic()
        try:
            if self._away:
                self._store.reconnect()
                self._away = False
            while self._portion() and not (stop is not None and stop.is_set()):
                pass
            self._waiting = self._store.due_hours_count()
            self._last_error = ""
        except StoreError as error:
            self._put_off(error)
            self._away = isinstance(error, StoreUnavailable)
        except Exception as error:  # a rule that nobody thought of must not end the gateway
            self._put_off(error)
        self.counts.rounds += 1
        self._spent_s = time.monotonic() - began

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

    def _put_off(self, error: Exception) -> None:
        self.counts.failures += 1
        said = f"{type(error).__name__}: {error}"
        known = said == self._last_error
        trace = None if known or isinstance(error, StoreError) else error
        log.log(logging.DEBUG if known else logging.WARNING, "flags of observations wait: %s", said, exc_info=trace)
        self._last_error = said
