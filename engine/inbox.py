"""Stored observations on their way to the engine: a bounded queue between the committer and the worker.

Knows batches and their number; knows neither store nor windows.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from devices import ObservationBatch
from devices.series import TIME_MAX_US
from engine.listening import Heard


@dataclass(frozen=True, slots=True)
class Stored:
    """Observations of one commit.

    Attributes:
        batch: the accepted observations.
        commit_id: the ledger's number of the commit.
        mark_us: accepted observations before this time were noted in that commit as to be restated after a crash.
        stored_us: when the commit was done.
        heard: the devices whose messages it settles; None where that is not known.
    """

    batch: ObservationBatch
    commit_id: int
    mark_us: int
    stored_us: int
    heard: Heard | None = None


class Inbox:
    """Commits in order; their sender waits while more observations are inside than the limit.

    Attributes:
        pauses: how often a sender had to wait.
    """

    def __init__(self, observations_max: int) -> None:
        self._observations_max = observations_max
        self._waiting: deque[Stored] = deque()
        self._count = 0
        self._changed = threading.Condition()
        self._closed = False
        self.pauses = 0

    @property
    def observations(self) -> int:
        """How many observations wait."""
        return self._count

    def first_us(self) -> int:
        """Return when the first message that waits arrived; TIME_MAX_US when none waits."""
        with self._changed:
            if not self._waiting:
                return TIME_MAX_US
            first = self._waiting[0]
            return int(first.heard.received_us[0]) if first.heard is not None and len(first.heard) else first.stored_us

    @property
    def empty(self) -> bool:
        """Say whether no commit waits, not even one without observations."""
        return not self._waiting

    def put(self, stored: Stored) -> None:
        """Add one commit; waits while the inbox is full, unless it is closed."""
        with self._changed:
            if self._count >= self._observations_max:
                self.pauses += 1
                self._changed.wait_for(lambda: self._count < self._observations_max or self._closed)
            self._waiting.append(stored)
            self._count += len(stored.batch)
            self._changed.notify_all()

    def take(self, timeout_s: float, observations_max: int) -> list[Stored]:
        """Return commits in order, up to about so many observations; none when nothing came in time."""
        taken: list[Stored] = []
        size = 0
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting) or self._closed, timeout_s)
            while self._waiting and (not taken or size + len(self._waiting[0].batch) <= observations_max):
                stored = self._waiting.popleft()
                size += len(stored.batch)
                taken.append(stored)
            self._count -= size
            self._changed.notify_all()
        return taken

    def close(self) -> None:
        """Let every waiting side go on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
