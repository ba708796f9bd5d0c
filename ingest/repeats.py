"""Radio uplinks that come again: each gives the readings of the first.

Knows frames of uplinks and what they gave; knows neither topics nor formats. A network may forward one uplink several
times: heard by a second gateway too late to be merged, sent again by a device that missed the acknowledgement,
forwarded by two integrations. Each copy has another time, so the store would take it for another observation.

What is known here is lost with the process. A copy that comes after a restart, of an uplink whose observations were
committed before, then counts with its own time; one whose first was not acknowledged is sent again with it, in order.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from devices import Decoded, Frame
from ingest.counters import Counters

KEPT_US: Final = 300_000_000
"""How long an uplink is remembered. A confirmed one is sent again within seconds, at the slowest data rate and a duty
cycle of 1 % within four minutes; the longer this is, the likelier is a device that counts anew from 0 without a new
session, and says the same."""
HELD_MAX: Final = 32_768
"""Uplinks remembered at once, about 1 kB each; the oldest are forgotten beyond it."""
HELD_READINGS_MAX: Final = 500_000
"""Readings of them all: one uplink that repeats a day of history has hundreds."""
GAP_MAX: Final = 16_384
"""A frame counter that is further ahead was reset (LoRaWAN's MAX_FCNT_GAP)."""


class Repeats:
    """Remembers uplinks for a while. Used by one thread at a time."""

    def __init__(self, counters: Counters, held_max: int = HELD_MAX, readings_max: int = HELD_READINGS_MAX) -> None:
        self._counters = counters
        self._held_max, self._readings_max = held_max, readings_max
        self._held: OrderedDict[tuple[int, Frame], tuple[int, Decoded]] = OrderedDict()
        self._readings = 0
        self._newest: dict[int, tuple[str, int]] = {}

    def settle(self, device: int, decoded: Decoded, received_us: int) -> Decoded:
        """Return what an uplink counts as: what it says, or what it said when it first came.

        A message that is decoded twice, or that the broker sends again as it was, is no repeat.
        """
        if decoded.frame is None:
            return decoded
        self._forget(received_us)
        key = (device, decoded.frame)
        if key not in self._held:
            self._held[key] = (received_us, decoded)
            self._readings += len(decoded.readings)
            self._count_lost(device, decoded.frame)
            return decoded
        first = self._held[key][1]
        self._counters.uplinks_repeated += first.readings != decoded.readings
        return first

    def _forget(self, received_us: int) -> None:
        """Let go of what came too long ago, and of the oldest where there are too many."""
        while self._held:
            since_us, decoded = next(iter(self._held.values()))
            room = len(self._held) < self._held_max and self._readings < self._readings_max
            if room and received_us - since_us <= KEPT_US:
                return
            self._counters.uplinks_forgotten += received_us - since_us <= KEPT_US
            self._readings -= len(decoded.readings)
            self._held.popitem(last=False)

    def _count_lost(self, device: int, frame: Frame) -> None:
        """Count the uplinks between the device's last and this one, where it counted on."""
        session, newest = self._newest.get(device, ("", -1))
        if newest >= 0 and session == frame.session and newest < frame.counter <= newest + GAP_MAX:
            self._counters.uplinks_lost += frame.counter - newest - 1
        self._newest[device] = (frame.session, frame.counter)
