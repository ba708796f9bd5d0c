"""The engine's loop: observations that were stored become windows and indicator values.

Owns the cycle, the retries and the bounded queue in front of it. The arithmetic of windows lives in `windows`, formulas
in `indicators`, SQL in `store`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from devices import ObservationBatch, Registry

log = logging.getLogger("engine")

NEVER_US = -(2**62)
"""A mark before every time: nothing is known to be settled."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How the engine paces itself.

    Attributes:
        cycle_s: hour windows and indicators are brought up to date at most this often.
        settle_s: minute buckets, day windows and the checkpoint are written at most this often.
        lateness_us: a window closes this long after the watermark passed its end.
        idle_us: a gateway silent for this long no longer holds the watermark back.
        queue_observations_max: stored observations waiting for the engine; beyond it the committer waits.
        keep_us: how far behind the watermark hour cells stay in memory for indicators that look back.
    """

    cycle_s: float = 0.5
    settle_s: float = 5.0
    lateness_us: int = 120_000_000
    idle_us: int = 60_000_000
    queue_observations_max: int = 2_000_000
    keep_us: int = 26 * 3_600_000_000


@dataclass(frozen=True, slots=True)
class Stored:
    """Observations of one commit, on their way to the engine.

    Attributes:
        batch: the accepted observations.
        commit_id: the ledger's number of the commit.
        mark_us: observations before this time were written down as to be restated after a crash.
    """

    batch: ObservationBatch
    commit_id: int
    mark_us: int


class Inbox:
    """Stored observations waiting for the engine: bounded by their number, slow the sender when full."""

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

    def put(self, stored: Stored) -> None:
        """Add one commit's observations; waits while the inbox is full. Nothing is added once closed."""
        with self._changed:
            if self._count >= self._observations_max:
                self.pauses += 1
            while self._count >= self._observations_max and not self._closed:
                self._changed.wait(timeout=1.0)
            self._waiting.append(stored)
            self._count += len(stored.batch)
            self._changed.notify_all()

    def take(self, timeout_s: float) -> list[Stored]:
        """Return all that waits, in order; an empty list when nothing came within the time."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout=timeout_s)
            taken = list(self._waiting)
            self._waiting.clear()
            self._count = 0
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Let every waiting sender go on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
