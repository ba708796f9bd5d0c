"""A gateway as slow and plain as can be: one message after the other, the reference codec, a dictionary for a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from devices import REASONS, Carrier, PayloadError, Registry, carriers, codec
from devices.codecs.base import Decoded
from devices.topics import matches
from ingest.admission import ADMITTED, AdmissionLimits, admit
from simulators.fleet import Sent

Key = tuple[int, int]
"""Slot and time."""


class PlainGateway:
    """Takes messages in order; remembers what it stored and what it did with the rest.

    Attributes:
        stored: ticks by slot and time. duplicates: by device. quarantined: by device and reason.
    """

    def __init__(self, registry: Registry, now_us: int) -> None:
        self.registry, self.now_us = registry, now_us
        self.stored: dict[Key, int] = {}
        self.accepted: Counter[str] = Counter()
        self.duplicates: Counter[str] = Counter()
        self.quarantined: Counter[tuple[str, str]] = Counter()
        self._series = registry.series()
        self._carriers = carriers(registry)
        carried = {at for carrier in self._carriers for at in carrier.devices}
        self._at = {registry.topic(device): at for at, device in enumerate(registry.devices) if at not in carried}

    def retained(self, topic: str) -> None:
        """Take a message that the broker kept."""
        code = self.registry.devices[self._at[topic]].code if topic in self._at else ""
        self.quarantined[code, "retained"] += 1

    def take(self, messages: Iterable[Sent]) -> None:
        """Take messages in this order."""
        for message in messages:
            self._take(message.topic, message.payload)

    def _take(self, topic: str, payload: bytes) -> None:
        at, carrier = self._at.get(topic), self._carrier(topic)
        if carrier is not None:
            try:
                for each in carrier.decode(topic, payload, self.now_us):
                    self._admit(each.device, each.decoded)
            except PayloadError as error:
                self.quarantined["", error.reason] += 1
            return
        if at is None:
            self.quarantined["", "unknown_device"] += 1
            return
        device = self.registry.devices[at]
        model = self.registry.model_of(device)
        try:
            decoded = codec(model.codec).decode(payload, model, self.now_us)
        except PayloadError as error:
            self.quarantined[device.code, error.reason] += 1
            return
        self._admit(at, decoded)

    def _carrier(self, topic: str) -> Carrier | None:
        for carrier in self._carriers:
            if topic in carrier.topics or any(matches(wide, topic) for wide in carrier.filters):
                return carrier
        return None

    def _admit(self, at: int, decoded: Decoded) -> None:
        device = self.registry.devices[at]
        for fault in decoded.faults:
            self.quarantined[device.code, fault.reason] += fault.readings
        readings = decoded.readings
        assert all(reading.flags == 0 for reading in readings), "a message without a time of its own"
        slot = np.array([self.registry.slots(at)[reading.field] for reading in readings], np.int32)
        times, ticks = (np.array([r[n] for r in readings], np.int64) for n in (1, 2))
        received = np.full(slot.size, self.now_us, np.int64)
        verdicts = admit(slot, times, ticks, received, self._series, AdmissionLimits())
        for key, value, verdict in zip(
            zip(slot.tolist(), times.tolist(), strict=True), ticks.tolist(), verdicts.tolist(), strict=True
        ):
            if verdict != ADMITTED:
                self.quarantined[device.code, REASONS[verdict]] += 1
            elif key not in self.stored:
                self.stored[key] = value
                self.accepted[device.code] += 1
            elif self.stored[key] == value:
                self.duplicates[device.code] += 1
            else:
                self.quarantined[device.code, "conflict"] += 1
