"""What a fleet means to send, as columns: readings, and the messages that carry them.

Knows rows and their bookkeeping; knows neither how values come about, nor what goes wrong, nor how bytes look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

NOT_REFUSED = -1
"""The mark of a reading that no fault made unusable by itself."""


class Dress(IntEnum):
    """How a message is written; everything but PLAIN is a fault of the whole message."""

    PLAIN = 0
    GARBAGE = 1
    """Bytes of no format."""
    HALF = 2
    """Cut in the middle."""
    WRONG_UNIT = 3
    """Some of its readings state a unit of their own."""
    FUTURE = 4
    """Times so far ahead (`Plan.argument`, µs) of the clock of whoever sends it, at that moment."""
    UNSET = 5
    """Times of a clock that was never set."""
    STRANGER = 6
    """Sent by a device that nobody registered."""
    RETAINED = 7
    """Left at the broker before anybody listens."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Readings in order of their messages; messages in the order they came to be.

    Attributes:
        message: int64, the message of each reading; rises. slot: int32. time_us, ticks: int64.
        refused: int8, position in `devices.REASONS` of what makes the reading unusable, else NOT_REFUSED. What follows
            from its value or time alone is not noted here.
        device: int32, per message, position in the registry; of a feed that of the first device that shares it.
            send_us: int64, when it is sent, on the clock of the readings. dress: uint8, a `Dress`. argument: int64,
            what the dress needs; of a plain message of an edge node, how many of the node's are lost before it.
        storms_us: when the whole fleet loses its connections, on the same clock.
    """

    message: NDArray[np.int64]
    slot: NDArray[np.int32]
    time_us: NDArray[np.int64]
    ticks: NDArray[np.int64]
    refused: NDArray[np.int8]
    device: NDArray[np.int32]
    send_us: NDArray[np.int64]
    dress: NDArray[np.uint8]
    argument: NDArray[np.int64]
    storms_us: tuple[int, ...] = ()

    @property
    def message_count(self) -> int:
        """Return how many messages there are."""
        return int(self.device.size)

    @property
    def reading_count(self) -> int:
        """Return how many readings there are."""
        return int(self.slot.size)

    def first_rows(self) -> NDArray[np.int64]:
        """Return the first row of every message, and at the end the number of rows."""
        return np.searchsorted(self.message, np.arange(self.message_count + 1)).astype(np.int64)

    def without(self, gone: NDArray[np.bool_]) -> Plan:
        """Return the plan without these messages and their readings."""
        kept = ~gone
        rows = kept[self.message]
        number = np.cumsum(kept, dtype=np.int64) - 1
        return replace(
            self,
            message=number[self.message[rows]],
            slot=self.slot[rows], time_us=self.time_us[rows], ticks=self.ticks[rows], refused=self.refused[rows],
            device=self.device[kept], send_us=self.send_us[kept], dress=self.dress[kept], argument=self.argument[kept],
        )  # fmt: skip

    def with_copies(self, of: NDArray[np.int64], send_us: NDArray[np.int64]) -> Plan:
        """Return the plan with copies of these messages at the end, sent at these times."""
        first = self.first_rows()
        counts = first[of + 1] - first[of]
        begins = np.cumsum(counts) - counts
        rows = np.repeat(first[of] - begins, counts) + np.arange(int(counts.sum()), dtype=np.int64)
        message = np.repeat(np.arange(of.size, dtype=np.int64) + self.message_count, counts)
        return replace(
            self,
            message=np.concatenate([self.message, message]),
            slot=np.concatenate([self.slot, self.slot[rows]]),
            time_us=np.concatenate([self.time_us, self.time_us[rows]]),
            ticks=np.concatenate([self.ticks, self.ticks[rows]]),
            refused=np.concatenate([self.refused, self.refused[rows]]),
            device=np.concatenate([self.device, self.device[of]]),
            send_us=np.concatenate([self.send_us, send_us]),
            dress=np.concatenate([self.dress, self.dress[of]]),
            argument=np.concatenate([self.argument, self.argument[of]]),
        )


def packed(
    slot: NDArray[np.int32], time_us: NDArray[np.int64], ticks: NDArray[np.int64], device: NDArray[np.int32],
    part: NDArray[np.int32], pack: NDArray[np.int64],
) -> Plan:  # fmt: skip
    """Return readings put into messages: all of one sender, topic and time together, `pack` such times in each.

    Args:
        slot, time_us, ticks: one row per reading, in any order; of one slot and time at most one.
        device, part: of each reading, who sends it and by which of its topics; see `simulators.fleet.senders`.
        pack: times in one message, by device.
    """
    order = np.lexsort((slot, time_us, part, device))
    slot, time_us, ticks, device, part = slot[order], time_us[order], ticks[order], device[order], part[order]
    fresh_device = np.append(True, (device[1:] != device[:-1]) | (part[1:] != part[:-1]))[: device.size]
    fresh_time = fresh_device | np.append(True, time_us[1:] != time_us[:-1])[: device.size]
    report = np.cumsum(fresh_time, dtype=np.int64) - 1
    heads = np.flatnonzero(fresh_device)
    within = report - np.repeat(report[heads], np.diff(np.append(heads, device.size)))
    begins = fresh_time & (within % pack[device] == 0)
    message = np.cumsum(begins, dtype=np.int64) - 1
    first = np.flatnonzero(begins)
    last = np.append(first[1:], device.size) - 1
    count = first.size
    return Plan(
        message, slot, time_us, ticks, np.full(slot.size, NOT_REFUSED, np.int8),
        device[first], time_us[last] if count else np.empty(0, np.int64),
        np.full(count, Dress.PLAIN, np.uint8), np.zeros(count, np.int64),
    )  # fmt: skip
