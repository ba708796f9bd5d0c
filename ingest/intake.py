"""One group of messages as columns, and the relay that hands groups from the session to the committer.

Knows bytes, columns and their limits; knows no socket, no payload format and no database.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices import TIME_MAX_US, ObservationBatch
from ingest.settings import IntakeLimits

FAULT_DETAIL_CHARS_MAX = 200
"""Characters kept of the explanation of a fault."""


class IntakeFault(NamedTuple):
    """Why a message, or some readings of it, go to quarantine.

    Attributes:
        message: row of the message in its intake.
        reason: position in `devices.REASONS`.
        detail: what was expected and found, at most FAULT_DETAIL_CHARS_MAX characters.
        readings: how many readings this stands for in the ledger, at least 1.
        device: whose they are, as a position in the registry; -1 where unknown.
    """

    message: int
    reason: int
    detail: str
    readings: int
    device: int = -1


class IntakeCarried(NamedTuple):
    """A device that a carrier's message speaks of.

    Attributes:
        message: row of the message in its intake.
        device: position in the registry.
        newest_us: newest time of its readings by its own clock; TIME_MIN_US where there is none.
    """

    message: int
    device: int
    newest_us: int


class Intake:
    """A group of messages received over one connection, to be committed and acknowledged together.

    All arrays are made once, at their largest, and reused; the operating system gives them memory as they fill.
    Rows of messages are valid below `message_count`, rows of readings below `reading_count`.

    Attributes:
        epoch: number of the connection; acknowledgements are valid for it alone.
        arena: uint8, the bytes as they came from the socket; spans below point into it.
        packet_id: uint16, 0 for QoS 0. qos: uint8. retained, dup: bool, bits of the message.
        topic_at, topic_size, payload_at, payload_size: int32 spans. Of an oversized message the payload's head.
        received_us: int64, the gateway's clock when the message's last bytes were read; rises from message to message.
        device: int32, position in the registry's devices, -1 unknown; beyond them a carrier (see `Routing`).
        status: uint8, what became of it: a constant of `ingest.kernels.frames`.
        reading_message: int32, the row of the message that a reading is from.
        slot: int32. time_us, ticks: int64. flags: int16. The decoded readings; admission has not seen them yet.
        faults: what goes to quarantine already, in order of message.
        carried: of messages of carriers, whose they are, in order of message.
    """

    def __init__(self, limits: IntakeLimits) -> None:
        self.limits = limits
        messages, readings = limits.messages_max, limits.readings_max
        self.arena: NDArray[np.uint8] = np.empty(limits.bytes_max, np.uint8)
        self.view = self.arena.data
        self.frame_at = np.empty(messages, np.int32)
        self.packet_id = np.empty(messages, np.uint16)
        self.qos = np.empty(messages, np.uint8)
        self.retained = np.empty(messages, np.bool_)
        self.dup = np.empty(messages, np.bool_)
        self.topic_at = np.empty(messages, np.int32)
        self.topic_size = np.empty(messages, np.int32)
        self.payload_at = np.empty(messages, np.int32)
        self.payload_size = np.empty(messages, np.int32)
        self.received_us = np.empty(messages, np.int64)
        self.device = np.empty(messages, np.int32)
        self.status = np.empty(messages, np.uint8)
        self.reading_message = np.empty(readings, np.int32)
        self.slot = np.empty(readings, np.int32)
        self.time_us = np.empty(readings, np.int64)
        self.ticks = np.empty(readings, np.int64)
        self.flags = np.empty(readings, np.int16)
        self.faults: list[IntakeFault] = []
        self.carried: list[IntakeCarried] = []
        self.epoch = 0
        self.message_count = 0
        self.reading_count = 0
        self.filled = 0
        self.scanned = 0
        self.opened_s = 0.0

    def reset(self) -> None:
        """Empty the intake; the columns keep their memory."""
        self.faults, self.carried = [], []
        self.epoch = 0
        self.message_count = self.reading_count = 0
        self.filled = self.scanned = 0
        self.opened_s = 0.0

    def topic(self, message: int) -> str:
        """Return a message's topic; bytes that are not UTF-8 are replaced."""
        at = int(self.topic_at[message])
        return bytes(self.view[at : at + int(self.topic_size[message])]).decode("utf-8", "replace")

    def payload(self, message: int) -> bytes:
        """Return a message's payload as a copy; of an oversized message the part that was kept."""
        at = int(self.payload_at[message])
        return bytes(self.view[at : at + int(self.payload_size[message])])

    def packet_ids(self) -> NDArray[np.uint16]:
        """Return the packet ids to acknowledge once everything here is committed, as a copy."""
        used: NDArray[np.uint16] = self.packet_id[: self.message_count]
        ids: NDArray[np.uint16] = used[used != 0]
        return ids

    def batch(self) -> ObservationBatch:
        """Return the decoded readings as views of the columns: valid until the intake is released."""
        n = self.reading_count
        return ObservationBatch(self.slot[:n], self.time_us[:n], self.ticks[:n], self.flags[:n])

    def reading_received_us(self) -> NDArray[np.int64]:
        """Return, per reading, when its message was received."""
        return self.received_us[self.reading_message[: self.reading_count]]


class Relay:
    """Hands intakes from the session to the committer and gives them back: a bounded pool with two ends.

    A group is taken when the committer waits for one, so that groups grow while it is busy; a full one is also
    taken ahead, so that the session can go on reading. Nothing is created after the start.
    """

    def __init__(self, limits: IntakeLimits) -> None:
        self._free = deque(Intake(limits) for _ in range(limits.intakes))
        self._ready: deque[Intake] = deque()
        self._in_use: list[Intake] = []
        self._waiting = 0
        self._closed = False
        self._condition = threading.Condition()
        self.on_room: Callable[[], None] = lambda: None
        """Called from the committer's thread when an intake may be handed over or taken again."""

    def take(self) -> Intake | None:
        """Return an empty intake to fill, or None while all are in use."""
        with self._condition:
            if not self._free:
                return None
            self._in_use.append(self._free.popleft())
            return self._in_use[-1]

    def first_us(self) -> int:
        """Return when the first message arrived that is not released yet; TIME_MAX_US when there is none."""
        with self._condition:
            return min((int(i.received_us[0]) for i in self._in_use if i.message_count), default=TIME_MAX_US)

    def wants(self, *, full: bool) -> bool:
        """Say whether an intake would be taken now: the committer waits for one, or a full one may go ahead."""
        with self._condition:
            return not self._ready and (full or self._waiting > 0)

    def put(self, intake: Intake) -> None:
        """Hand an intake over, after `wants` said so. There is one session, so the answer still holds."""
        with self._condition:
            self._ready.append(intake)
            self._condition.notify()

    def next(self, timeout_s: float) -> Intake | None:
        """Wait for an intake; None after the timeout, or at once when the relay is closed and empty."""
        deadline = time.monotonic() + timeout_s
        with self._condition:
            if not self._ready and not self._closed:
                self._waiting += 1
                self.on_room()
                try:
                    self._condition.wait_for(lambda: bool(self._ready) or self._closed, deadline - time.monotonic())
                finally:
                    self._waiting -= 1
            return self._ready.popleft() if self._ready else None

    def release(self, intake: Intake) -> None:
        """Give an intake back once nothing refers to its columns any more."""
        with self._condition:
            intake.reset()
            self._in_use.remove(intake)
            self._free.append(intake)
        self.on_room()

    def close(self) -> None:
        """Say that nothing more will come: a waiting committer returns."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    @property
    def closed(self) -> bool:
        """Say whether the session has ended and everything handed over was taken."""
        with self._condition:
            return self._closed and not self._ready
