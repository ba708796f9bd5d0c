"""Sends what waits: one message after the other, with growing pauses where it fails, and Alertmanager every minute.

Owns the pace and the retries, in a thread and on a connection of its own, so that a slow receiver never holds up the
watching of rules. What is sent where is the outlets'. A message is delivered at least once: whoever dies between the
receiver's word and the outbox sends it again, under the same number.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from console.alerts.outlets import Alertmanager, DeliveryError, Outlet, Parcel
from engine.store import StoreError, StoreUnavailable, alert_outbox, alerts
from engine.store.alert_outbox import Waiting
from engine.store.session import Session

log = logging.getLogger("console.alerts")

RETRY_US_BASE: Final = 2_000_000
RETRY_US_MAX: Final = 600_000_000
"""Attempt n is followed by a pause of base * 2**n, at most this."""
AT_A_TIME: Final = 20
LOOK_S: Final = 1.0
TELL_US: Final = 60_000_000
"""Alertmanager is told of everything at least this often."""
ENDED_US: Final = 15 * 60_000_000
"""It is told for so long that an alert is over."""
ALERTS_MAX: Final = 10_000


@dataclass(slots=True)
class SenderCounts:
    """Totals since the start; they only rise.

    Attributes:
        sent: messages delivered, by channel.
        failed: attempts in vain, by channel.
        given_up: messages that were given up, by channel.
    """

    sent: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)


class Sender:
    """Sends what waits in the outbox of one city.

    Args:
        connect: opens a connection.
        owned: set while this process is the one that keeps the alerts.
        outlets: by channel.
        alertmanager: None where there is none.
        give_up_us: a message that could not be delivered for so long is given up.
        clock_us: the present.

    Attributes:
        counts: totals.
        wake: set when there is something new to send.
    """

    def __init__(
        self,
        connect: Callable[[], Session],
        owned: threading.Event,
        outlets: Mapping[str, Outlet],
        alertmanager: Alertmanager | None,
        *,
        give_up_us: int,
        clock_us: Callable[[], int],
    ) -> None:
        self.counts = SenderCounts()
        self.wake = threading.Event()
        self._connect, self._owned, self._clock_us = connect, owned, clock_us
        self._outlets, self._alertmanager, self._give_up_us = outlets, alertmanager, give_up_us
        self._session: Session | None = None
        self._told_us = 0
        self._waiting: tuple[int, int | None] = 0, None
        self._last_error: dict[str, str] = {}

    def status(self) -> dict[str, object]:
        """Return where it stands, for metrics and people."""
        count, oldest_us = self._waiting
        return {
            "sent": dict(self.counts.sent), "failed": dict(self.counts.failed), "given_up": dict(self.counts.given_up),
            "waiting": count, "oldest_us": oldest_us, "errors": dict(self._last_error),
        }  # fmt: skip

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set."""
        try:
            while not stop.is_set():
                news = self.wake.wait(LOOK_S)
                self.wake.clear()
                if self._owned.is_set() and not stop.is_set():
                    self.round(stop, news=news)
        finally:
            self._drop()

    def round(self, stop: threading.Event, *, news: bool = True) -> None:
        """Send everything whose time has come. A failure is counted; the next round goes on."""
        try:
            session = self._session = self._session or self._connect()
            # A channel that failed is left alone for the rest of a round: its time-outs must not hold up the others.
            failed: set[str] = set()
            while not stop.is_set() and self._owned.is_set() and self._some(session, failed):
                pass
            now_us = self._clock_us()
            if self._alertmanager is not None and (news or now_us - self._told_us >= TELL_US):
                self._told_us = now_us
                found = alerts.newest(session, now_us - ENDED_US, ALERTS_MAX)
                self._attempt("alertmanager", lambda: self._tell(found, now_us))
            self._waiting = alert_outbox.waiting_count(session)
        except StoreError as error:
            log.log(
                logging.DEBUG if isinstance(error, StoreUnavailable) else logging.WARNING, "messages wait: %s", error
            )
            self._drop()

    def _tell(self, found: list[alerts.Alert], now_us: int) -> None:
        assert self._alertmanager is not None  # noqa: S101  (asked before)
        self._alertmanager.tell(found, now_us)

    def _some(self, session: Session, failed: set[str]) -> bool:
        """Send some messages, and say whether there were any: behind one that was sent another may have waited."""
        due = alert_outbox.due(session, self._clock_us(), AT_A_TIME, without=failed)
        for waiting in due:
            if waiting.channel not in failed and not self._one(session, waiting):
                failed.add(waiting.channel)
        return bool(due)

    def _one(self, session: Session, waiting: Waiting) -> bool:
        """Try to send a message, and say whether the next one of its channel may be tried."""
        outlet = self._outlets.get(waiting.channel)
        now_us = self._clock_us()
        if outlet is None:
            self._give_up(session, waiting, "there is no such channel any more")
            return True
        parcel = Parcel(waiting.outbox_id, waiting.body, now_us)
        error = self._attempt(waiting.channel, lambda: outlet.send(parcel))
        if error is None:
            alert_outbox.sent(session, waiting.outbox_id)
        elif now_us - waiting.made_us >= self._give_up_us:
            self._give_up(session, waiting, f"given up after {waiting.attempts + 1} attempts: {error}")
        else:
            pause_us = min(RETRY_US_MAX, RETRY_US_BASE << min(waiting.attempts, 20))
            alert_outbox.later(session, waiting.outbox_id, error, now_us + pause_us)
        return error is None

    def _give_up(self, session: Session, waiting: Waiting, error: str) -> None:
        alert_outbox.give_up(session, waiting, error, self._clock_us())
        self.counts.given_up[waiting.channel] += 1
        log.warning("alert %d: the message to %s is given up: %s", waiting.alert_id, waiting.channel, error)

    def _attempt(self, channel: str, send: Callable[[], None]) -> str | None:
        """Try once, and return why it failed."""
        try:
            send()
        except DeliveryError as error:
            return self._failed(channel, str(error))
        except Exception as error:  # what nobody thought of in one message must not hold up the others
            log.exception("%s: a fault of the program", channel)
            return self._failed(channel, f"a fault of the program: {type(error).__name__}")
        self.counts.sent[channel] += 1
        self._last_error.pop(channel, None)
        return None

    def _failed(self, channel: str, reason: str) -> str:
        self.counts.failed[channel] += 1
        if self._last_error.get(channel) != reason:
            log.warning("%s: %s; trying again", channel, reason)
        self._last_error[channel] = reason
        return reason

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
