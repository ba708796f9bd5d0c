"""A few connections to the database, lent to one request each; whoever finds none in time is told so.

Knows when a connection is broken; knows no query.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from console.web.problems import ProblemError, busy
from engine.store import StoreUnavailable

log = logging.getLogger("console")

WAIT_S_MAX = 5.0
"""How long a request waits for a free connection."""
RETRY_S_MAX = 1.0
"""What failed within this time met a connection that had died while idle, and is asked once more on a new one. What
took longer was given up by the server, and would be again."""


class Closable(Protocol):
    """What is lent."""

    def close(self) -> None:
        """End the connection."""


S = TypeVar("S", bound=Closable)
T = TypeVar("T")


class Stores(Generic[S]):
    """Connections made when first needed, kept while they work. For any number of threads.

    Args:
        connect: opens one.
        count_max: open at a time.
        wait_s_max: how long one is waited for.
    """

    def __init__(self, connect: Callable[[], S], count_max: int, wait_s_max: float = WAIT_S_MAX) -> None:
        self._connect, self._wait_s_max = connect, wait_s_max
        self._permits = threading.BoundedSemaphore(count_max)
        self._free: deque[S] = deque()
        self._closed = False
        self._said = ""
        self.refused = 0
        """Requests that found no connection in time."""

    def ask(self, work: Callable[[S], T]) -> T:
        """Return what `work` makes of a store, which is its own meanwhile. It only reads: it may be called twice.

        Raises:
            ProblemError: no connection was free in time.
            StoreUnavailable, StoreError: the database is away, or is none of ours.
        """
        if not self._permits.acquire(timeout=self._wait_s_max):
            self.refused += 1
            raise busy(f"no connection to the database was free within {self._wait_s_max:g} s")
        try:
            found = self._asked(work)
        except StoreUnavailable as error:
            if str(error) != self._said:  # clients are not told, and all of them meet the same
                log.warning("a question to the database was not answered: %s", error)
            self._said = str(error)
            raise
        finally:
            self._permits.release()
        self._said = ""
        return found

    def _asked(self, work: Callable[[S], T]) -> T:
        idle = self._idle()
        if idle is None:
            return self._on(self._connect(), work)
        began = time.monotonic()
        try:
            return self._on(idle, work)
        except StoreUnavailable:
            self._drop_idle()  # what broke this one broke the others
            if time.monotonic() - began > RETRY_S_MAX:
                raise
            return self._on(self._connect(), work)

    def _idle(self) -> S | None:
        try:
            return self._free.pop()
        except IndexError:
            return None

    def _on(self, store: S, work: Callable[[S], T]) -> T:
        try:
            found = work(store)
        except ProblemError:
            self._give_back(store)  # what the client asked for is wrong, not the connection
            raise
        except BaseException:
            store.close()  # whatever state it is in: a new one costs milliseconds
            raise
        self._give_back(store)
        return found

    def _give_back(self, store: S) -> None:
        self._free.append(store)
        if self._closed:
            self._drop_idle()

    def _drop_idle(self) -> None:
        while (store := self._idle()) is not None:
            store.close()

    def close(self) -> None:
        """Close every connection; those that are lent when they come back."""
        self._closed = True
        self._drop_idle()
