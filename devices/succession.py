"""Devices that follow one another at one address: which of them a reading is of is said by the reading's own time.

Knows positions and times; knows neither topics nor payloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.series import TIME_MIN_US


class Line:
    """Things that follow one another, each known by a number: devices, or series.

    Args:
        count: how many numbers there are.
        before: of a number, the one before it and when its own time begins.
    """

    def __init__(self, count: int, before: Mapping[int, tuple[int, int]]) -> None:
        self._before = np.arange(count, dtype=np.int32)
        self._from_us = np.full(count, TIME_MIN_US, np.int64)
        for number, (earlier, from_us) in before.items():
            self._before[number], self._from_us[number] = earlier, from_us

    def follows(self, number: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Say of each whether another is before it."""
        followers: NDArray[np.bool_] = self._before[number] != number
        return followers

    def settle(self, number: NDArray[np.int32], time_us: NDArray[np.int64]) -> None:
        """Put in place of each number that of whose time it is: the last that had begun, or the first of all."""
        early = np.flatnonzero(time_us < self._from_us[number])
        while early.size:
            number[early] = self._before[number[early]]
            early = early[time_us[early] < self._from_us[number[early]]]

    def settled(self, number: int, time_us: int) -> int:
        """Return of whose time one is; see `settle`."""
        while time_us < self._from_us[number]:
            number = int(self._before[number])
        return number


@dataclass(frozen=True, slots=True)
class Succession:
    """Who follows whom in a registry.

    Attributes:
        earlier: positions of devices that another follows: the last one's address stands for theirs.
        devices: positions in the registry.
        series: slots; those of one field.
    """

    earlier: frozenset[int]
    devices: Line
    series: Line
