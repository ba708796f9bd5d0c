"""Follows the database for all live clients at once: one thread, one connection, one reading for everybody.

Knows when to read, how often at most, and what to say while the database is away; knows neither clients nor requests.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from devices.times import rfc3339
from engine.store import IndicatorReading, LiveFacts, StoreError

log = logging.getLogger("console")

READ_S_MIN = 0.3
"""Between two readings, however often something is written."""
LOOK_S = 0.5
"""Without a word of the database it is read this often."""
LOOK_TOLD_S = 5.0
"""The same where it is known to tell: for what is written without a word."""
STATE_S_MIN = 1.0
"""Between two words on how far the figures reach."""
RECOUNT_S = 60.0
PAUSE_S_MIN, PAUSE_S_MAX = 0.5, 5.0
"""Between two attempts to reach a database that is away."""
SCOPE_KINDS = ("city", "zone")

Key = tuple[str, str, str, str]
"""Scope kind, scope, indicator and window."""
Item = Callable[[Sequence[IndicatorReading]], bytes]
"""Makes of all known windows of an indicator and scope, by start, the JSON object that clients are told."""


class Reader(Protocol):
    """What is read; see `engine.store.LiveReader`."""

    def wait_written(self, seconds_max: float) -> bool:
        """Wait until something was written."""

    def windows(self, scope_kinds: Sequence[str]) -> list[IndicatorReading]:
        """Return the newest windows of every indicator and scope, by these and by start."""

    def facts(self) -> LiveFacts:
        """Return how far the figures reach, and the account."""

    def recount(self) -> None:
        """Take the account from all commits."""

    def close(self) -> None:
        """End the connection."""


@dataclass(frozen=True, slots=True)
class News:
    """What one reading found.

    Attributes:
        values: every item by key; None where nothing could be read.
        state: JSON object on the database and how far its figures reach; None where there is nothing new to say.
    """

    values: Mapping[str, bytes] | None
    state: bytes | None


@dataclass(slots=True)
class WatchCounts:
    """Totals since the start.

    Attributes:
        reads: readings of the newest figures.
        told: times the database said that something was written.
        away: times it was away.
    """

    reads: int = 0
    told: int = 0
    away: int = 0


@dataclass(slots=True)
class _Kept:
    """Items as made last, with the windows that they were made of: what stands still is not made again."""

    made: dict[Key, tuple[list[IndicatorReading], bytes]] = field(default_factory=dict)

    def items(self, rows: Sequence[IndicatorReading], item: Item) -> dict[str, bytes]:
        found: dict[Key, list[IndicatorReading]] = {}
        for row in rows:
            found.setdefault((row.scope_kind, row.scope, row.indicator, row.window), []).append(row)
        before, self.made = self.made, {}
        for key, windows in found.items():
            known = before.get(key)
            self.made[key] = known if known is not None and known[0] == windows else (windows, item(windows))
        return {"/".join(key): body for key, (_, body) in self.made.items()}


class Watcher:
    """The thread. What it finds goes to `tell`, which it calls in order."""

    def __init__(self, connect: Callable[[], Reader], item: Item, tell: Callable[[News], None]) -> None:
        """Prepare; nothing is read before `start`.

        Args:
            connect: opens the database; raises StoreError where it is away.
            item: what clients are told of one indicator and scope.
            tell: takes what was found. It raises RuntimeError once nobody wants to hear more.
        """
        self._connect, self._item, self._tell = connect, item, tell
        self.counts = WatchCounts()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._kept = _Kept()
        self._values: Mapping[str, bytes] = {}
        self._facts: LiveFacts | None = None
        self._state_s = self._recount_s = -RECOUNT_S
        self._is_told = False

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """End; returns when nothing more will be told."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        pause_s = PAUSE_S_MIN
        while not self._stop.is_set():
            try:
                with closing(self._connect()) as reader:
                    pause_s = PAUSE_S_MIN
                    self._follow(reader)
            except StoreError as error:
                # Also what would not pass: somebody may yet migrate, or correct a password, and clients wait.
                log.warning("the live page cannot read the database: %s", error)
                self.counts.away += 1
                if not self._told(News(None, self._state("away", None))):
                    return
                self._facts = None
                self._stop.wait(pause_s * random.uniform(0.5, 1.0))  # noqa: S311  (spreads load, keeps no secret)
                pause_s = min(2 * pause_s, PAUSE_S_MAX)

    def _follow(self, reader: Reader) -> None:
        written = True
        while not self._stop.is_set():
            began_s = time.monotonic()
            if not self._read(reader, began_s, written):
                self._stop.set()
                return
            # However often is written: what comes meanwhile waits for us at the connection.
            if self._stop.wait(max(0.0, READ_S_MIN - (time.monotonic() - began_s))):
                return
            written = self._wait(reader)

    def _wait(self, reader: Reader) -> bool:
        """Wait for a word of the database, or until it is time to look; say whether there was a word."""
        end_s = time.monotonic() + (LOOK_TOLD_S if self._is_told else LOOK_S)
        while not self._stop.is_set() and (left_s := end_s - time.monotonic()) > 0:
            if reader.wait_written(min(left_s, LOOK_S)):
                self._is_told = True
                self.counts.told += 1
                return True
        return False

    def _read(self, reader: Reader, now_s: float, written: bool) -> bool:
        if now_s - self._recount_s >= RECOUNT_S:
            reader.recount()
            self._recount_s = now_s
        values = self._kept.items(reader.windows(SCOPE_KINDS), self._item)
        facts = reader.facts()
        self.counts.reads += 1
        if not written and values != self._values:
            # Somebody writes without a word: look as often as if nobody ever said one.
            self._is_told = False
        self._values = values
        since_s = now_s - self._state_s
        due = since_s >= STATE_S_MIN if facts != self._facts else since_s >= LOOK_TOLD_S
        state = None
        if due or self._facts is None:
            state = self._state("ok", facts)
            self._facts, self._state_s = facts, now_s
        return self._told(News(values, state))

    def _state(self, database: str, facts: LiveFacts | None) -> bytes:
        data_to_us = None if facts is None else facts.data_to_us
        body = {
            "database": database,
            "data_to": None if data_to_us is None else rfc3339(data_to_us),
            "ledger": None if facts is None else facts.account._asdict(),
            "lag_s": None if data_to_us is None else max(0, round(time.time() - data_to_us / 1_000_000)),
        }
        return msgspec.json.encode(body)

    def _told(self, news: News) -> bool:
        try:
            self._tell(news)
        except RuntimeError:
            return False
        return True
