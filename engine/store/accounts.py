"""What of a commit did not become observations, by device.

Arithmetic over one commit; knows no table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices import Registry
from engine.store.records import Outcome, QuarantineRow

NOBODY = ""
"""Stands for messages of no registered device."""


class DeviceAccounts(NamedTuple):
    """Readings by device, columns of one length, only devices with any, in the order of their codes."""

    devices: list[str]
    duplicates: list[int]
    quarantined: list[int]


class Accountant:
    """Counts by device for one registered city.

    Args:
        registry: the city.
    """

    def __init__(self, registry: Registry) -> None:
        self._codes = tuple(device.code for device in registry.devices)
        self._known = frozenset(self._codes)
        self._device = registry.series().device

    def count(
        self, slot: NDArray[np.int32], outcome: NDArray[np.int8], refused: Iterable[QuarantineRow]
    ) -> DeviceAccounts:
        """Return what a commit adds to each device's account.

        Args:
            slot: int32, of every reading of the commit.
            outcome: int8, one `Outcome` for each of them.
            refused: what was not admitted.
        """
        device, count = self._device[slot], len(self._codes)
        twice = np.bincount(device[outcome == Outcome.DUPLICATE], minlength=count)
        conflicts = np.bincount(device[outcome == Outcome.CONFLICT], minlength=count)
        duplicates = {self._codes[at]: int(twice[at]) for at in np.flatnonzero(twice).tolist()}
        quarantined = Counter({self._codes[at]: int(conflicts[at]) for at in np.flatnonzero(conflicts).tolist()})
        for row in refused:
            # A name that only a message claims is nobody's: else anybody could make rows without end.
            quarantined[row.device if row.device in self._known else NOBODY] += row.readings
        devices = sorted(duplicates.keys() | quarantined.keys())
        return DeviceAccounts(devices, [duplicates.get(d, 0) for d in devices], [quarantined[d] for d in devices])
