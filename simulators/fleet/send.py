"""A fleet sent over MQTT: its messages at their pace over a pool of connections, and what came of it.

Knows pacing, storms, progress and the summary; knows neither packets nor how messages are made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import NamedTuple

import numpy as np

from simulators.fleet.errors import FleetError
from simulators.fleet.fleet import Fleet
from simulators.fleet.node import NodeLink, nodes_of
from simulators.fleet.plan import Dress
from simulators.fleet.pool import WINDOW_MESSAGES_MAX, Pool
from simulators.fleet.senders import NO_NODE, senders_of
from simulators.publisher import AWAY_S_MAX, WAIT_S_MAX, BrokerAddress

CONNECTIONS_MAX = 20_000
SERVE_MESSAGES = 64
"""Sockets are written and read after so many messages at full speed."""
PROGRESS_S = 0.1
FAREWELL_S_MAX = 5.0
"""After a wish to stop, acknowledgements are awaited for so long."""


class SendProgress(NamedTuple):
    """Where it is."""

    published: int
    acknowledged: int
    total: int
    readings: int
    time_us: int
    """Of the message last published, on the clock of the readings."""
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class SendSummary:
    """What was sent.

    Attributes:
        way, seed, connections: as asked.
        messages: published; acknowledged: of these, taken over by the broker.
        readings: in the messages. bytes: of payload.
        resent: messages sent once more after a connection was lost. reconnects: connections after the first ones.
        storms: times that the whole fleet lost its connections on purpose.
        seconds: from the first message to the last acknowledgement (and to the end of `resend_s` where it is given).
        interrupted: stopped before the end.
    """

    way: str
    seed: int
    connections: int
    messages: int
    acknowledged: int
    readings: int
    bytes: int
    resent: int
    reconnects: int
    storms: int
    seconds: float
    interrupted: bool


def send(
    fleet: Fleet,
    broker_url: str,
    *,
    way: str = "in-order",
    seed: int = 0,
    connections: int = 8,
    speed: float | None = None,
    resend_s: float = 0.0,
    window: int = WINDOW_MESSAGES_MAX,
    away_s_max: float = AWAY_S_MAX,
    ca_file: Path | None = None,
    stop: Event | None = None,
    progress: Callable[[SendProgress], None] | None = None,
) -> SendSummary:
    """Send everything a fleet sends in this way, and return when the broker has acknowledged every message.

    Each device stays on one connection, so its messages arrive in the order in which they are sent. A connection that
    is lost is opened again after a random pause, and what was not acknowledged goes out again, in its order.

    Args:
        fleet: whose messages.
        broker_url: `mqtt://user:password@host:port` or `mqtts://…`.
        way: one of `WAYS`. Retained messages are not sent; see `leave_retained`.
        seed: of `shuffled` and `twice`.
        connections: devices are spread over so many.
        speed: seconds of the readings per second of ours; None is as fast as the broker takes it.
        resend_s: devices with a buffer: when a connection is lost, everything that the broker acknowledged in the last
            so many seconds before goes out again, and this returns only when the last acknowledgement is so long ago.
            Longer than the broker's interval of saving (5 s in ours), it makes up for a broker that is killed.
        window: messages of all connections together without acknowledgement.
        away_s_max: a broker lost on the way is waited for so long.
        ca_file: certificate authorities for `mqtts`, instead of the system's.
        stop: when set, publishing ends soon and the summary says `interrupted`.
        progress: called now and then, and at the end.

    Raises:
        BrokerError: nobody at the address, refused, or lost for too long.
        FleetError: no such way, no faults to send, or the fleet's days are not over yet.
        ValueError: no broker address, or a figure out of range.
    """
    address = BrokerAddress.parse(broker_url, ca_file)
    if not 1 <= connections <= CONNECTIONS_MAX:
        raise ValueError(f"connections is {connections}; expected 1 to {CONNECTIONS_MAX}")
    if speed is not None and not speed > 0:
        raise ValueError(f"speed is {speed}; expected a number above 0, or none for full speed")
    if fleet.span_us[1] > time.time_ns() // 1000:
        raise FleetError(
            f"{fleet.spec.path}: the fleet's days are not over yet, so its clocks would run ahead; start earlier"
        )
    stopping = stop.is_set if stop else lambda: False
    nodes = nodes_of(fleet.registry, address, resend_s)
    with Pool(
        address, connections, resend_s=resend_s, away_s_max=away_s_max, window=window, stopping=stopping, nodes=nodes
    ) as pool:
        return _Sending(fleet, pool, nodes, way, seed, speed, stopping, progress).run()


def leave_retained(fleet: Fleet, broker_url: str, *, ca_file: Path | None = None) -> int:
    """Leave the fleet's retained messages at the broker; return how many.

    Call it before the gateway subscribes for the first time: only then does the broker deliver them as what they are.
    To somebody who is subscribed already they are live messages, repeats of what the devices send.

    Raises:
        BrokerError: nobody at the address, refused, or lost for too long.
        FleetError: the fleet has no faults.
    """
    messages = fleet.retained()
    with Pool(BrokerAddress.parse(broker_url, ca_file), 1) as pool:
        for topic, payload in messages:
            pool.publish(0, topic, payload, retain=True)
            pool.serve()
        while not pool.drained():
            pool.serve(WAIT_S_MAX)
    return len(messages)


class _Sending:
    """One fleet on its way."""

    def __init__(
        self,
        fleet: Fleet,
        pool: Pool,
        nodes: Sequence[NodeLink],
        way: str,
        seed: int,
        speed: float | None,
        stopping: Callable[[], bool],
        progress: Callable[[SendProgress], None] | None,
    ) -> None:
        self.pool, self.way, self.seed, self.speed = pool, way, seed, speed
        self.sequence = fleet.sequence(way, seed)
        self.writer = fleet.writer(way)
        plan = fleet.plan(way)
        self.device = plan.device
        senders = senders_of(fleet.registry)
        self._node = {at: nodes[node] for at, node in enumerate(senders.node.tolist()) if node != NO_NODE}
        self._lost = np.where((senders.node[plan.device] != NO_NODE) & (plan.dress == Dress.PLAIN), plan.argument, 0)
        self._stopping, self._progress = stopping, progress
        self._readings = self._bytes = self._storms = self._time_us = 0
        self._begun = self._told = time.monotonic()

    def run(self) -> SendSummary:
        """Send everything; return the summary. Raises BrokerError."""
        self._begun = time.monotonic()
        complete = self._publish_all()
        complete = self._finish() and complete
        self._tell()
        return self._summary(interrupted=not complete)

    def _publish_all(self) -> bool:
        sequence, writer, pool = self.sequence, self.writer, self.pool
        storms = set(sequence.storms)
        first_us = int(sequence.due_us[0]) if len(sequence) else 0
        for position, (message, due_us) in enumerate(
            zip(sequence.message.tolist(), sequence.due_us.tolist(), strict=True)
        ):
            if position in storms and not self._storm():
                return False
            if self.speed is not None and not self._wait(due_us - first_us):
                return False
            payload, device = writer.payload(message, time.time_ns() // 1000), int(self.device[message])
            node = self._node.get(device)
            if node is not None:
                node.lose_on_the_way(int(self._lost[message]))
            if not pool.publish(device if node is None else node, writer.topic(message), payload):
                return False
            self._readings += writer.readings(message)
            self._bytes += len(payload)
            self._time_us = due_us
            if position % SERVE_MESSAGES == 0:
                pool.serve()
                self._tell_sometimes()
                if self._stopping():
                    return False
        return True

    def _storm(self) -> bool:
        """Lose all connections at once, when nothing is under way: what arrives twice is what the truth says."""
        while not self.pool.drained():
            if self._stopping():
                return False
            self.pool.serve(WAIT_S_MAX)
        self.pool.storm()
        self._storms += 1
        return True

    def _wait(self, since_first_us: int) -> bool:
        """Serve the connections until a message is due; return False when told to stop."""
        assert self.speed is not None  # noqa: S101  # who calls has looked
        while (left_s := self._begun + since_first_us / 1e6 / self.speed - time.monotonic()) > 0:
            if self._stopping():
                return False
            self.pool.serve(min(left_s, WAIT_S_MAX))
            self._tell_sometimes()
        return True

    def _finish(self) -> bool:
        """Wait for what is still under way, and return whether all is safe; a wish to stop shortens it."""
        farewell_s = None
        while not (self.pool.drained() and self.pool.is_safe()):
            if self._stopping():
                farewell_s = farewell_s or time.monotonic() + FAREWELL_S_MAX
                if self.pool.drained() or time.monotonic() > farewell_s:
                    return False
            self.pool.serve(WAIT_S_MAX)
            self._tell_sometimes()
        return True

    def _tell_sometimes(self) -> None:
        now = time.monotonic()
        if self._progress and now - self._told >= PROGRESS_S:
            self._told = now
            self._tell()

    def _tell(self) -> None:
        if self._progress:
            elapsed = time.monotonic() - self._begun
            pool = self.pool
            self._progress(
                SendProgress(
                    pool.published, pool.acknowledged, len(self.sequence), self._readings, self._time_us, elapsed
                )
            )

    def _summary(self, *, interrupted: bool) -> SendSummary:
        return SendSummary(
            way=self.way,
            seed=self.seed,
            connections=len(self.pool.links),
            messages=self.pool.published,
            acknowledged=self.pool.acknowledged,
            readings=self._readings,
            bytes=self._bytes,
            resent=self.pool.resent,
            reconnects=self.pool.reconnects,
            storms=self._storms,
            seconds=round(time.monotonic() - self._begun, 3),
            interrupted=interrupted,
        )
