"""The life of what is kept up to date beside the engine: rounds at a pace, and failures that end nothing.

Knows when a round begins and what becomes of one that fails; knows not what is done in it. A keeper has a thread and a
connection of its own, so that neither a commit nor a window ever waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod

from engine.store import Store, StoreError, StoreUnavailable

log = logging.getLogger("engine")


class Keeper(ABC):
    """One that does its work again and again.

    Args:
        store: a connection for this keeper alone.
        every_s: pause between two rounds.
        share_max: a round is followed by a pause at least so many times as long: the database has other work.
        waits: what is not up to date while rounds fail, for the log.
    """

    def __init__(self, store: Store, *, every_s: float, share_max: int, waits: str) -> None:
        self._store, self._every_s, self._share_max, self._waits = store, every_s, share_max, waits
        self._spent_s = 0.0
        self._away = False
        self._last_error = ""

    def run(self, stop: threading.Event) -> None:
        """Work again and again until `stop` is set, and then once more: the engine has written everything by then."""
        while not stop.is_set():
            self.round(stop)
            stop.wait(max(self._every_s, self._share_max * self._spent_s))
        if not self._away:
            self.round()

    def round(self, stop: threading.Event | None = None) -> None:
        """Do what is due. A failure is logged and counted; the next round does its work.

        Args:
            stop: ends it early, where the work comes in portions.
        """
        began = time.monotonic()
        failure: Exception | None = None
        try:
            if self._away:
                self._store.reconnect()
                self._away = False
            self._work(stop)
        except StoreError as error:
            failure, self._away = error, isinstance(error, StoreUnavailable)
        except Exception as error:  # a definition or a rule that nobody thought of must not end the gateway
            failure = error
        self._count(failed=failure is not None)
        self._note(failure)
        self._spent_s = time.monotonic() - began

    @abstractmethod
    def _work(self, stop: threading.Event | None) -> None:
        """Do what is due; what is raised leaves it to the next round."""

    @abstractmethod
    def _count(self, *, failed: bool) -> None:
        """Count a round."""

    def _life(self) -> dict[str, object]:
        """Return how the last round went, for `status`."""
        return {"seconds": self._spent_s, "error": self._last_error}

    def _note(self, failure: Exception | None) -> None:
        """Log a failure, aloud only where it is another one than last time."""
        said = "" if failure is None else f"{type(failure).__name__}: {failure}"
        if failure is not None:
            known = said == self._last_error
            trace = None if known or isinstance(failure, StoreError) else failure
            log.log(logging.DEBUG if known else logging.WARNING, "%s wait: %s", self._waits, said, exc_info=trace)
        self._last_error = said
