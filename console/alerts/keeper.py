"""Keeps the alerts of a city: whenever figures were written it looks at the facts, writes what changed, and lets
messages wait.

Owns the pace and the retries; what follows from facts is decided by the rules. One keeper at a time writes: the
database knows who, and another one takes over where that one ends. Nothing is remembered here but what was published.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from console.alerts.evaluate import AlertRules
from console.alerts.gathering import gather
from console.alerts.notices import message
from console.alerts.rules import SEVERITIES, Severity
from console.alerts.transitions import Change, Transition
from console.drift import DriftBook
from console.waiting import told
from engine.store import StoreError, alert_outbox, alerts, words
from engine.store.alerts import Alert
from engine.store.session import Session
from engine.store.words import Word

log = logging.getLogger("console.alerts")

SHARE_MAX: Final = 10
"""A look is followed by a pause at least so many times as long: the database has other work."""
LOOK_S_MIN: Final = 1.0
"""Between two looks, however often figures are written."""
AWAY_S_MAX: Final = 5.0
"""Who has no database, or stands by, looks at least so often."""
DAY_US: Final = 86_400_000_000
TRIM_US: Final = 3_600_000_000
"""Old alerts leave at most this often."""
PUBLISHED_MAX: Final = 20_000
"""Rules and scopes of which the newest alert is published again at a start."""
PUBLISHED_US: Final = 30 * DAY_US
"""Such as were cleared within this time; a message of an older one was put right long ago."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How a keeper keeps.

    Attributes:
        city: code of the city.
        look_s: pause between two looks where nobody says that figures were written.
        channels: where messages go, and from which severity on.
        escalation: channels of escalations alone.
        outbox_max: messages that may wait; beyond it the oldest is given up.
        days_max: alerts that were cleared so long ago leave.
    """

    city: str
    look_s: float = 5.0
    channels: tuple[str, ...] = ()
    escalation: tuple[str, ...] = ()
    severity_min: Severity = Severity.WARNING
    outbox_max: int = 10_000
    days_max: int = 400


@dataclass(slots=True)
class KeeperCounts:
    """Totals since the start; they only rise.

    Attributes:
        looks: how often the facts were looked at.
        told: how often because figures were written.
        failures: looks broken off; the next one does their work.
        changes: what became of alerts, by kind.
        overflowed: messages given up because too many waited.
        trimmed: old alerts that left.
    """

    looks: int = 0
    told: int = 0
    failures: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    overflowed: int = 0
    trimmed: int = 0


class AlertKeeper:
    """The keeper of one city's alerts.

    Args:
        connect: opens a connection.
        rules: of the city.
        keeping: how it keeps.
        publish: takes alerts whose state may have changed; must not block.
        wake: called when messages were let wait; must not block.
        clock_us: the present.
        owned: set while this keeper is the one that writes.
        drift: findings of drift, shared with who else in this process asks for them.

    Attributes:
        counts: totals.
    """

    def __init__(
        self,
        connect: Callable[[], Session],
        rules: AlertRules,
        keeping: Keeping,
        *,
        publish: Callable[[Iterable[Alert], int], None],
        wake: Callable[[], None],
        clock_us: Callable[[], int],
        owned: threading.Event,
        drift: DriftBook,
    ) -> None:
        self.counts = KeeperCounts()
        self.owned = owned
        self._connect, self._rules, self._keeping, self._drift = connect, rules, keeping, drift
        self._publish, self._wake, self._clock_us = publish, wake, clock_us
        self._session: Session | None = None
        self._standing: dict[str, int] = {}
        self._trimmed_us = 0
        self._spent_s = 0.0
        self._last_error = ""

    def status(self) -> dict[str, object]:
        """Return where it stands, for metrics and people."""
        return {
            "owned": self.owned.is_set(), "looks": self.counts.looks, "told": self.counts.told,
            "failures": self.counts.failures, "changes": dict(self.counts.changes),
            "overflowed": self.counts.overflowed, "standing": dict(self._standing), "seconds": self._spent_s,
            "error": self._last_error,
        }  # fmt: skip

    def run(self, stop: threading.Event) -> None:
        """Look whenever figures were written, and now and then all the same, until `stop` is set."""
        try:
            while not stop.is_set():
                self.look()
                # What is written meanwhile waits for us at the connection.
                rest_s = max(min(LOOK_S_MIN, self._keeping.look_s), SHARE_MAX * self._spent_s)
                if not stop.wait(rest_s):
                    self._wait(stop, self._keeping.look_s - rest_s)
        finally:
            self._drop()

    def _wait(self, stop: threading.Event, seconds_max: float) -> None:
        """Wait for a word of the database, or until it is time to look; who only stands by needs no word."""
        session = self._session
        if session is None or not self.owned.is_set():
            stop.wait(max(0.0, min(seconds_max, AWAY_S_MAX)))
            return
        try:
            self.counts.told += told(lambda seconds: words.wait(session, seconds), stop, seconds_max)
        except StoreError as error:
            self._failed(error)

    def look(self) -> None:
        """Bring the alerts up to date, if they are ours. A failure is counted; the next look does its work."""
        began = time.monotonic()
        try:
            session = self._session = self._session or self._connect()
            if not self.owned.is_set():
                if not alerts.take(session):
                    return
                words.listen(session, Word.WRITTEN)
                self.owned.set()
                log.info("keeping the alerts of %s by %d rules", self._keeping.city, len(self._rules.rules))
                now_us = self._clock_us()
                self._publish(alerts.newest(session, now_us - PUBLISHED_US, PUBLISHED_MAX), now_us)
            self._bring(session)
            self._last_error = ""
        except StoreError as error:
            self._failed(error)
        except Exception as error:  # a fact that nobody thought of must not end the watch
            self._failed(error)
        self.counts.looks += 1
        self._spent_s = time.monotonic() - began

    def _bring(self, session: Session) -> None:
        now_us = self._clock_us()
        facts = gather(session, self._rules, self._drift, now_us)
        queued = False
        with session.transaction():
            # Nobody acknowledges or shelves between the reading and the writing.
            before = alerts.judged(session, now_us)
            written = [self._write(session, one, now_us) for one in self._rules.evaluate(now_us, facts, before)]
            for one in written:
                for channel in self._channels(one):
                    body = message(self._keeping.city, one, now_us)
                    alert_outbox.queue(session, one.alert.alert_id, channel, body, now_us)
                    queued = True
            overflowed = alert_outbox.trim(session, self._keeping.outbox_max, now_us) if queued else 0
        self.counts.overflowed += overflowed
        self.counts.changes.update(str(one.change) for one in written)
        changed = {one.alert.alert_id: one.alert for one in written}
        self._publish([*(one for one in before if one.alert_id not in changed), *changed.values()], now_us)
        if written:
            self._wake()
        self._standing = alerts.counts(session, now_us)
        if now_us - self._trimmed_us >= TRIM_US:
            self._trimmed_us = now_us
            self.counts.trimmed += alerts.trim(session, now_us - self._keeping.days_max * DAY_US)

    @staticmethod
    def _write(session: Session, one: Transition, now_us: int) -> Transition:
        if one.change is Change.OPENED:
            opened = alerts.open_alert(session, one.alert)
            return Transition(one.change, opened, one.notify, one.detail)
        alerts.change_alert(session, one.alert, str(one.change), one.detail, now_us)
        return one

    def _channels(self, one: Transition) -> Sequence[str]:
        """Return where a message about a transition goes."""
        if not one.notify:
            return ()
        matters = SEVERITIES.index(Severity(one.alert.severity)) >= SEVERITIES.index(self._keeping.severity_min)
        told = self._keeping.channels if matters else ()
        return (*told, *self._keeping.escalation) if one.change is Change.ESCALATED else told

    def _failed(self, error: Exception) -> None:
        self.counts.failures += 1
        said = f"{type(error).__name__}: {error}"
        known = said == self._last_error
        trace = None if known or isinstance(error, StoreError) else error
        log.log(logging.DEBUG if known else logging.WARNING, "alerts wait: %s", said, exc_info=trace)
        self._last_error = said
        # With its connection the right to write is gone as well.
        self._drop()

    def _drop(self) -> None:
        self.owned.clear()
        if self._session is not None:
            self._session.close()
            self._session = None
