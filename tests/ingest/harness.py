"""A session in a thread of its own with a committer that remembers what it was given, for tests and nothing else."""

from __future__ import annotations

import dataclasses
import threading
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest import BrokerSettings, IntakeLimits, Relay, Routing, Session
from ingest.intake import IntakeFault
from tests.deploy.clients import wait_for
from tests.ingest.messages import routing, small_limits

SETTINGS = BrokerSettings(client_id="gateway-under-test", reconnect_delay_s_base=0.01, reconnect_delay_s_max=0.2)


class Received(NamedTuple):
    """One message as the committer saw it."""

    topic: str
    payload: bytes
    epoch: int
    packet_id: int
    qos: int
    dup: bool
    readings: int


class Running:
    """Use as a context manager: the session connects on entry and is stopped on exit.

    Attributes:
        received: every message handed over, in order.
        faults: the faults of their intakes.
        unacknowledged: (epoch, packet ids) of intakes not acknowledged, while `acknowledging` is off.
        taking: off, the committer takes nothing.
        error: what `Session.run` raised.
    """

    def __init__(
        self,
        url: str,
        *,
        limits: IntakeLimits | None = None,
        acknowledging: bool = True,
        taking: bool = True,
        tables: Routing | None = None,
        **settings: Any,
    ) -> None:
        limits = limits or small_limits()
        self.relay = Relay(limits)
        self.session = Session(
            dataclasses.replace(SETTINGS, url=url, **settings), limits, tables or routing(), self.relay
        )
        self.received: list[Received] = []
        self.faults: list[IntakeFault] = []
        self.unacknowledged: list[tuple[int, NDArray[np.uint16]]] = []
        self.error: BaseException | None = None
        self._acknowledging = acknowledging
        self._taking = threading.Event()
        if taking:
            self._taking.set()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._serve, name="session"),
            threading.Thread(target=self._commit, name="committer"),
        ]

    def __enter__(self) -> Running:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ask_to_stop(self) -> None:
        self._stop.set()
        self.session.wake()

    def stop(self) -> None:
        self._taking.set()
        self.ask_to_stop()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()

    def ready(self) -> Running:
        """Wait until the subscription stands."""
        self.wait(self.session.ready.is_set, "the subscription")
        return self

    def wait(self, condition: Any, what: str) -> None:
        wait_for(lambda: self.error is not None or condition(), what)
        if self.error is not None and not condition():
            raise self.error

    def messages(self, count: int) -> list[Received]:
        """Wait until so many messages were handed over."""
        self.wait(lambda: len(self.received) >= count, f"{count} messages")
        return list(self.received)

    def refused(self) -> BaseException:
        """Wait until the session ended by itself; returns why."""
        wait_for(lambda: self.error is not None, "the end of the session")
        assert self.error is not None
        return self.error

    def take(self) -> None:
        """Let the committer take intakes from now on."""
        self._taking.set()

    def acknowledge(self) -> None:
        """Acknowledge all that was held back, and everything that comes."""
        self._acknowledging = True
        while self.unacknowledged:
            self.session.acknowledge(*self.unacknowledged.pop(0))

    def _serve(self) -> None:
        try:
            self.session.run(self._stop)
        except BaseException as error:  # the tests look at it
            self.error = error

    def _commit(self) -> None:
        while not self.relay.closed:
            if not self._taking.wait(0.01):
                continue
            intake = self.relay.next(0.05)
            if intake is None:
                continue
            rows = np.bincount(intake.reading_message[: intake.reading_count], minlength=intake.message_count)
            self.faults.extend(intake.faults)
            self.received.extend(
                Received(
                    intake.topic(m), intake.payload(m), intake.epoch, int(intake.packet_id[m]), int(intake.qos[m]),
                    bool(intake.dup[m]), int(rows[m]),
                )
                for m in range(intake.message_count)
            )  # fmt: skip
            if self._acknowledging:
                self.session.acknowledge(intake.epoch, intake.packet_ids())
            else:
                self.unacknowledged.append((intake.epoch, intake.packet_ids()))
            self.relay.release(intake)
