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

from console.alerts.notices import alert_record
from console.alerts.rules import SEVERITIES
from console.waiting import told
from devices.times import rfc3339
from engine.store import Account, IndicatorReading, StoreError
from engine.store.alerts import Alert

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
CLEARED_US = 60_000_000
"""Alerts that were cleared so long before the last reading are looked at: what is written is not seen at once."""
ALERTS_READ_MAX = 1_000
ALERTS_MAX = 100
"""Alerts of one event; where more changed, the newest of them and a word that there are more."""
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

    def alerts(self, since_us: int, limit: int) -> list[Alert]:
        """Return alerts that stand or were cleared since a time, the newest first."""

    def alerts_open(self, now_us: int) -> dict[str, int]:
        """Return how many alerts stand and are not shelved, by severity."""

    def account(self) -> Account:
        """Return what became of everything that was ever received."""

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
        alerts: JSON object with those that changed; None where none did.
    """

    values: Mapping[str, bytes] | None
    state: bytes | None
    alerts: bytes | None = None


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


class _Alerts:
    """Alerts as read last, so that those that changed are told and no others."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] | None = None
        self._read_us = 0

    def changed(self, reader: Reader, now_us: int) -> bytes | None:
        """Return the event about those that changed since the last call; None where none did, and the first time."""
        since_us = (now_us if self._known is None else self._read_us) - CLEARED_US
        found = reader.alerts(since_us, ALERTS_READ_MAX)
        before, self._read_us = self._known, now_us
        self._known = {one.alert_id: msgspec.json.encode(alert_record(one, now_us)) for one in found}
        if before is None:
            return None
        # One that stood and is not found any more was cleared longer ago than anybody waits for, or lies beyond the
        # limit: its page says so when it is asked for.
        changed = [body for number, body in self._known.items() if before.get(number) != body]
        if not changed:
            return None
        more = b"true" if len(changed) > ALERTS_MAX else b"false"
        return b'{"items":[' + b",".join(changed[:ALERTS_MAX]) + b'],"more":' + more + b"}"


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the state is made of, but for the time."""

    account: Account
    alerts_open: Mapping[str, int]


class Watcher:
    """The thread. What it finds goes to `tell`, which it calls in order."""

    def __init__(
        self,
        connect: Callable[[], Reader],
        item: Item,
        tell: Callable[[News], None],
        watermark_us: Callable[[int], int | None],
    ) -> None:
        """Prepare; nothing is read before `start`.

        Args:
            connect: opens the database; raises StoreError where it is away.
            item: what clients are told of one indicator and scope.
            tell: takes what was found. It raises RuntimeError once nobody wants to hear more.
            watermark_us: up to when data are complete but for late readings, given the present; None where not known.
        """
        self._connect, self._item, self._tell, self._watermark_us = connect, item, tell, watermark_us
        self.counts = WatchCounts()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._kept = _Kept()
        self._alerts = _Alerts()
        self._values: Mapping[str, bytes] = {}
        self._facts: _Facts | None = None
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
            written = told(reader.wait_written, self._stop, LOOK_TOLD_S if self._is_told else LOOK_S)
            if written:
                self._is_told = True
                self.counts.told += 1

    def _read(self, reader: Reader, now_s: float, written: bool) -> bool:
        if now_s - self._recount_s >= RECOUNT_S:
            reader.recount()
            self._recount_s = now_s
        now_us = time.time_ns() // 1000
        values = self._kept.items(reader.windows(SCOPE_KINDS), self._item)
        alerts = self._alerts.changed(reader, now_us)
        facts = _Facts(reader.account(), reader.alerts_open(now_us))
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
        return self._told(News(values, state, alerts))

    def _state(self, database: str, facts: _Facts | None) -> bytes:
        now_us = time.time_ns() // 1000
        data_to_us = None if facts is None else self._watermark_us(now_us)
        alerts_open = None
        if facts is not None:
            alerts_open = {str(one): facts.alerts_open.get(one, 0) for one in SEVERITIES}
        body = {
            "database": database,
            "data_to": None if data_to_us is None else rfc3339(data_to_us),
            "ledger": None if facts is None else facts.account._asdict(),
            "lag_s": None if data_to_us is None else max(0, round((now_us - data_to_us) / 1_000_000)),
            "alerts_open": alerts_open,
        }
        return msgspec.json.encode(body)

    def _told(self, news: News) -> bool:
        try:
            self._tell(news)
        except RuntimeError:
            return False
        return True
