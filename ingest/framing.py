"""From bytes to rows: cuts the stream of one connection into messages and puts them into intakes.

Does no I/O and asks no clock: it says where the next bytes belong and is told when they are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices import TIME_MIN_US
from ingest import packets
from ingest.counters import Counters
from ingest.decode import Decoder
from ingest.errors import ProtocolError
from ingest.intake import Intake
from ingest.kernels import frames
from ingest.routes import empty_routing
from ingest.settings import HEAD_BYTES_MAX, IntakeLimits

ROOM_BYTES_MIN = 4096
"""An intake with less room than this in its arena counts as full."""
SKIP_BYTES_MAX = 256 * 1024
"""How much of an oversized message is read at once to be thrown away."""


class Control(NamedTuple):
    """A complete packet other than PUBLISH: its type, the flags of its first byte, and its body."""

    type: int
    flags: int
    body: bytes


@dataclass(slots=True)
class _Oversized:
    """What is kept of a message that is being skipped."""

    head: packets.PublishHead
    size: int
    left: int


class Framer:
    """The state of cutting one connection's bytes into frames.

    Attributes:
        intake: the intake being filled.
        full: nothing more fits; attach another one.
        level: uint8 of 65536, per packet id the QoS of the message under way in this connection, 0 for none.
        under_way: how many messages of this connection are not acknowledged yet.
    """

    def __init__(self, limits: IntakeLimits, decoder: Decoder, counters: Counters) -> None:
        self.limits = limits
        self.decoder = decoder
        self.counters = counters
        self.intake: Intake | None = None
        self.full = False
        self.level: NDArray[np.uint8] = np.zeros(65_536, np.uint8)
        self.under_way = 0
        self._epoch = 0
        self._mqtt_5 = True
        self._received_us = 0
        self._stamped_us = TIME_MIN_US
        self._skipping: _Oversized | None = None
        self._skip = memoryview(bytearray(min(SKIP_BYTES_MAX, limits.read_bytes_max)))

    def end(self) -> None:
        """Forget the rest of a connection's bytes; its whole messages stay in the intake."""
        self._skipping = None
        if self.intake is not None:
            self.intake.filled = self.intake.scanned

    def begin(self, epoch: int, protocol: int) -> None:
        """Start on a new connection."""
        self.end()
        self._epoch = epoch
        self._mqtt_5 = protocol == packets.MQTT_5
        self.level[:] = 0
        self.under_way = 0
        intake = self.intake
        if intake is not None:
            if intake.message_count:
                self.full = True  # one intake, one connection
            else:
                self.full = False
                intake.epoch = epoch

    def attach(self, intake: Intake) -> list[Control]:
        """Go on with another, empty intake; bytes not yet cut move along. Returns what `feed` returns."""
        former, self.intake = self.intake, intake
        intake.epoch = self._epoch
        self.full = False
        if former is not None and former.filled > former.scanned:
            rest = former.filled - former.scanned
            intake.arena[:rest] = former.arena[former.scanned : former.filled]
            intake.filled = rest
            former.filled = former.scanned
        return self._advance()

    def room(self) -> memoryview:
        """Return where the next bytes belong; empty while full."""
        if self.intake is None or self.full:
            return self._skip[:0]
        if self._skipping is not None and self._skipping.left:
            return self._skip[: self._skipping.left]
        return self.intake.view[self.intake.filled : self.intake.filled + self.limits.read_bytes_max]

    @property
    def inside(self) -> bool:
        """Say whether bytes of a packet are here whose end has not come."""
        if self._skipping is not None:
            return self._skipping.left > 0
        return self.intake is not None and not self.full and self.intake.filled > self.intake.scanned

    def feed(self, size: int, received_us: int) -> list[Control]:
        """Cut what was just written to `room()`; returns the packets that are no messages, in order.

        Raises:
            ProtocolError: the bytes are not MQTT; whole messages before them are in the intake.
        """
        self._received_us = received_us
        self.counters.bytes += size
        if self._skipping is not None and self._skipping.left:
            self._skipping.left -= size
        elif self.intake is not None:
            self.intake.filled += size
        return self._advance()

    def _advance(self) -> list[Control]:
        controls: list[Control] = []
        intake = self.intake
        while intake is not None and not self.full:
            if self._skipping is not None:
                if self._skipping.left or not self._finish_skipping(intake):
                    break
                continue
            first = intake.message_count
            at, count, why, detail = frames.scan(
                intake.arena, intake.scanned, intake.filled, first, self._mqtt_5, self.limits.frame_bytes_max,
                intake.frame_at, intake.packet_id, intake.qos, intake.retained, intake.dup,
                intake.topic_at, intake.topic_size, intake.payload_at, intake.payload_size,
            )  # fmt: skip
            intake.scanned, intake.message_count = at, count
            if count > first and self._take(intake, first) < count:
                continue
            if why == frames.MALFORMED:
                raise ProtocolError(*frames.FAULTS[detail])
            if why == frames.CONTROL:
                controls.append(self._cut_control(intake))
            elif why == frames.FULL:
                self.full = True
            elif why == frames.MORE or not self._oversized(intake):
                break
        if intake is not None:
            if not intake.message_count:
                _to_front(intake)
            self.full |= intake.arena.size - intake.filled < ROOM_BYTES_MIN
        return controls

    def _take(self, intake: Intake, first: int) -> int:
        """Decode the new rows; returns the rows kept, fewer when the columns of readings are full."""
        count = intake.message_count - first
        stamp_us = self._next_stamp_us()
        intake.received_us[first : intake.message_count] = stamp_us + np.arange(count)
        done = self.decoder.decode(intake, first)
        if done < intake.message_count:
            intake.scanned = int(intake.frame_at[done])
            intake.message_count = done
            self.full = True
        self._stamped_us = stamp_us + done - first - 1
        self._count(intake, first)
        return done

    def _next_stamp_us(self) -> int:
        """Return the arrival time of the next message: the clock's, and later than that of every message before.

        Messages read in one go would else share one time, and readings that carry none would stand against each other
        as conflicts. A microsecond a message is less than reading one takes, so the stamps do not run away.
        """
        return max(self._received_us, self._stamped_us + 1)

    def _count(self, intake: Intake, first: int) -> None:
        last = intake.message_count
        self.under_way += int(frames.mark_under_way(intake.packet_id, intake.qos, first, last, self.level))
        self.counters.messages += last - first
        self.counters.redelivered += int(np.count_nonzero(intake.dup[first:last]))

    def _cut_control(self, intake: Intake) -> Control:
        head = bytes(intake.view[intake.scanned : min(intake.scanned + 5, intake.filled)])
        size, body = packets.parse_varint(head, 1)
        start = intake.scanned + body
        intake.scanned = start + size
        return Control(head[0] >> 4, head[0] & 15, bytes(intake.view[start : start + size]))

    def _oversized(self, intake: Intake) -> bool:
        """Begin on a message that is too large; False while its head is not complete."""
        at = intake.scanned
        available = intake.filled - at
        size, body = packets.parse_varint(bytes(intake.view[at + 1 : min(at + 5, intake.filled)]), 0)
        total = 1 + body + size
        wanted = min(total, HEAD_BYTES_MAX + self.limits.quarantine_bytes_max)
        if available < wanted:
            return False
        first = int(intake.arena[at])
        kept = bytes(intake.view[at + 1 + body : at + wanted])
        head = packets.parse_publish_head(first, kept, size, self._mqtt_5, self.limits.quarantine_bytes_max)
        self._skipping = _Oversized(head, size, max(0, total - available))
        intake.scanned = min(at + total, intake.filled)
        return True

    def _finish_skipping(self, intake: Intake) -> bool:
        """Put the row of a skipped message into the intake; False, and `full`, when there is no room for it."""
        skipped = self._skipping
        assert skipped is not None  # noqa: S101 - told by the only caller
        head = skipped.head
        row = intake.message_count
        rest = intake.filled - intake.scanned
        kept = head.topic + head.payload
        if row >= intake.packet_id.size or intake.arena.size - intake.filled < len(kept):
            self.full = True
            return False
        # The bytes after the message, if any came with its end, move up to make room for what is kept of it.
        at = intake.scanned
        intake.arena[at + len(kept) : at + len(kept) + rest] = intake.arena[at : at + rest].copy()
        intake.arena[at : at + len(kept)] = np.frombuffer(kept, np.uint8)
        intake.scanned += len(kept)
        intake.filled += len(kept)
        intake.frame_at[row] = at
        intake.packet_id[row], intake.qos[row] = head.packet_id, head.qos
        intake.retained[row], intake.dup[row] = head.retained, head.dup
        intake.topic_at[row], intake.topic_size[row] = at, len(head.topic)
        intake.payload_at[row], intake.payload_size[row] = at + len(head.topic), len(head.payload)
        self._stamped_us = self._next_stamp_us()
        intake.received_us[row] = self._stamped_us
        intake.message_count = row + 1
        self._skipping = None
        self.decoder.refuse_oversized(intake, row, skipped.size)
        self._count(intake, row)
        return True


def _to_front(intake: Intake) -> None:
    """Move uncut bytes to the front of an intake without messages: packets that are none must not use it up."""
    if intake.scanned:
        rest = intake.filled - intake.scanned
        intake.arena[:rest] = intake.arena[intake.scanned : intake.filled].copy()
        intake.scanned, intake.filled = 0, rest


def warm() -> None:
    """Compile every kernel of this room with the types that a session uses; from the disk cache where it is there."""
    limits = IntakeLimits(messages_max=4, readings_max=4, bytes_max=1 << 20, message_readings_max=4)
    counters = Counters()
    framer = Framer(limits, Decoder(empty_routing(), limits, counters), counters)
    framer.begin(1, packets.MQTT_5)
    framer.attach(Intake(limits))
    frame = packets.packet(0x32, packets.text("warm") + b"\0\1\0")
    framer.room()[: len(frame)] = frame
    framer.feed(len(frame), 0)
    if framer.intake is None or framer.intake.message_count != 1:
        raise RuntimeError("the kernels found no message in a message: remove __pycache__ folders and start again")
    frames.write_acknowledgements(framer.intake.packet_ids(), framer.level, np.empty(4, np.uint8))
