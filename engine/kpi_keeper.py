"""Keeps figures of KPIs and their scores up to date beside the engine: what changed is computed anew once a minute.

The figures belong to the book; pace, thread and retries are those of every keeper.

What survives a crash. Which hours changed is remembered here only; so the first look after a start computes every
reference year again. That also finds what changed while nobody ran: a register, the list of devices, a formula, a
target, what the city declares, a history that was filled in. What comes out as it stands already is not written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.keeper import Keeper
from engine.kpi import Horizon, KpiPeriod
from engine.kpi_book import KpiBook, touched
from engine.store import Store

SHARE_MAX: Final = 10
"""A look is followed by a pause at least so many times as long: the database has other work."""
HOURS_MAX: Final = 100_000
"""Changed hours that are remembered singly; beyond them everything is computed again."""


class Changes:
    """Hours whose windows were written: told by the engine's thread, taken by the keeper's.

    Days follow their hours only in a full round, so hours wait for one before they are handed over.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[int] = set()
        self._ready: set[int] = set()
        self._lost = False

    def note(self, hours_us: NDArray[np.int64], full: bool) -> None:
        """Take note of hour windows written; `full` says that all days of the hours so far are written as well."""
        with self._lock:
            self._waiting.update(np.unique(hours_us).tolist())
            if full:
                self._ready |= self._waiting
                self._waiting.clear()
            if len(self._ready) + len(self._waiting) > HOURS_MAX:
                self._lost = True
                self._ready.clear()
                self._waiting.clear()

    def take(self) -> tuple[list[int], bool]:
        """Return the hours since the last call, and whether more changed than was remembered."""
        with self._lock:
            hours, lost = sorted(self._ready), self._lost
            self._ready.clear()
            self._lost = False
        return hours, lost

    def put_back(self, hours_us: list[int], lost: bool) -> None:
        """Remember again what could not be worked off."""
        with self._lock:
            self._ready.update(hours_us)
            self._lost |= lost


@dataclass(slots=True)
class KpiCounts:
    """Totals since the start; they only rise.

    Attributes:
        looks: how often it was looked at what is to be computed again.
        periods: periods computed.
        written: figures written because they changed.
        superseded: figures of closed years that were replaced, and kept as revisions.
        scores: scores written because they changed.
        failures: looks broken off; what they had to do is done by the next one.
    """

    looks: int = 0
    periods: int = 0
    written: int = 0
    superseded: int = 0
    scores: int = 0
    failures: int = 0


class KpiKeeper(Keeper):
    """The keeper of one city's figures.

    Args:
        store: a connection for this keeper alone.
        book: on that connection.
        clock_us: the present time, microseconds UTC.
        until_us: how far time has come, by the readings: the engine's watermark; not above 0 before anything came.
        every_s: pause between two looks.

    Attributes:
        counts: totals.
        changes: where the engine tells which hours it wrote.
    """

    def __init__(
        self,
        store: Store,
        book: KpiBook,
        *,
        clock_us: Callable[[], int],
        until_us: Callable[[], int],
        every_s: float,
    ) -> None:
        super().__init__(store, every_s=every_s, share_max=SHARE_MAX, waits="the figures of KPIs")
        self.counts = KpiCounts()
        self.changes = Changes()
        self._book, self._clock_us, self._until_us = book, clock_us, until_us
        self._since_us: int | None = None
        self._reached_us = 0
        self._began = False
        self._declared = False
        self._closed: dict[int, bool] = {}
        self._stated: dict[int, bool] = {}
        self._estimated: dict[Horizon, KpiPeriod] = {}

    def status(self) -> dict[str, object]:
        """Return where it stands, for metrics and people."""
        counts = {name: getattr(self.counts, name) for name in KpiCounts.__dataclass_fields__}
        return {**counts, "reached_us": self._reached_us or None, **self._life()}

    def _work(self, _stop: threading.Event | None) -> None:
        """Compute again whatever may have changed."""
        hours, lost = self.changes.take()
        try:
            self._bring(hours, lost)
        except Exception:
            self.changes.put_back(hours, lost)
            raise

    def _count(self, *, failed: bool) -> None:
        self.counts.looks += 1
        self.counts.failures += failed

    def _bring(self, hours_us: list[int], lost: bool) -> None:
        book = self._book
        if not self._declared:
            book.declare(self._clock_us())
            self._declared = True
        everything = lost or not self._began
        if self._since_us is None or everything or (hours_us and hours_us[0] < self._since_us):
            self._since_us = book.since_us()
        until_us = self._until_us()
        if self._since_us is None:
            self._bring_stated([], self._clock_us())
        if self._since_us is None or until_us <= 0:
            return
        if not self._began:
            # A gateway that was silent holds the watermark back for a while after a start; estimates do not go back.
            self._reached_us = book.floor_us() or 0
        until_us = max(until_us, self._reached_us)
        years = book.years(self._since_us, until_us)
        estimates = book.estimates(self._since_us, until_us)
        late = {(one.horizon, one.year) for one in touched(book, [*years, *estimates], hours_us)}
        due = [
            one
            for one in (*years, *estimates)
            if everything or (one.horizon, one.year) in late or self._moved(one, until_us)
        ]
        written = book.bring(due, until_us, self._clock_us())
        for one in due:
            if one.horizon is Horizon.YEAR:
                self._closed[one.year] = book.closed(one, until_us)
            else:
                self._estimated[one.horizon] = one
        self._began, self._reached_us = True, until_us
        self.counts.periods += len(due)
        self.counts.written += written.values
        self.counts.superseded += written.superseded
        self.counts.scores += written.scores
        self._bring_stated(years, until_us)

    def _bring_stated(self, years: Sequence[KpiPeriod], until_us: int) -> None:
        """Score the years of which nothing but people's word is known, once, and again when they close.

        Before any reading came there is no time but the clock's.
        """
        stated = self._book.stated_years(years)
        closed = {one.year: self._book.closed(one, until_us) for one in stated}
        due = [one for one in stated if self._stated.get(one.year) is not closed[one.year]]
        self.counts.scores += self._book.bring_stated(due, until_us, self._clock_us())
        self._stated = closed

    def _moved(self, period: KpiPeriod, until_us: int) -> bool:
        """Say whether a period itself is another one than last time: a day is over, a year has ended or closed."""
        if period.horizon is Horizon.YEAR:
            return self._closed.get(period.year) is not self._book.closed(period, until_us)
        return self._estimated.get(period.horizon) != period
