"""The newest hours of every series as columns: what figures made of hours read, minute after minute.

Knows slots and hours; knows no definition, and never where a figure is needed. What changed must be told to it before
anything is read again.

A figure of a day reads a day of hours whenever one of them changes. In a large city these are millions of cells, each
found by a search of its own, of which a minute changes the newest alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.series import TIME_MIN_US
from engine.calendar import HOUR_US
from engine.cells import Grid
from engine.indicators.work import WindowReader

RECENT_HOURS = 32
"""Hours that are remembered, back from the newest one: as many as the longest day and the look-back of its index. They
take 17 bytes of each series that is read, 54 MB of a city of 100,000."""


class Hour(NamedTuple):
    """One hour of all slots: number of readings, first sum, and whether both are known."""

    readings: NDArray[np.int64]
    total: NDArray[np.int64]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, slot_count: int) -> Hour:
        """Return an hour of which nothing is known; what nobody reads takes no memory."""
        return cls(np.zeros(slot_count, np.int64), np.zeros(slot_count, np.int64), np.zeros(slot_count, np.bool_))


class RecentHours:
    """Cells of the newest hours, read when they are first asked for and again after they changed.

    Args:
        slot_count: how many slots there are.
    """

    def __init__(self, slot_count: int) -> None:
        self._slot_count = slot_count
        self._hours: dict[int, Hour] = {}
        self._latest_us = TIME_MIN_US

    def forget(self) -> None:
        """Begin anew: after cells changed that nobody told."""
        self._hours.clear()
        self._latest_us = TIME_MIN_US

    def changed(self, slots: NDArray[np.int32], hours_us: NDArray[np.int64], latest_us: int) -> None:
        """Note that these cells are no longer what they were, and that none has a reading or a share after the latest.

        Args:
            slots, hours_us: the cells.
            latest_us: start of the newest hour that has data.
        """
        self._latest_us = max(self._latest_us, latest_us)
        first_us = self._first_us
        for start in [start for start in self._hours if start < first_us]:
            del self._hours[start]
        low_us, high_us = int(hours_us.min()), int(hours_us.max())
        for start, hour in self._hours.items():
            if low_us <= start <= high_us:
                hour.known[slots[hours_us == start]] = False

    def lacking(self, slots: NDArray[np.int32], hours_us: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int32]]]:
        """Give the hours among these of which something has to be read, with the slots of which it has to be."""
        for start in hours_us.tolist():
            if start <= self._latest_us:
                hour = self._hours.get(start)
                some = slots if hour is None else slots[~hour.known[slots]]
                if some.size:
                    yield start, some

    def read(
        self, reader: WindowReader, slots: NDArray[np.int32], hours_us: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return number of readings and first sum of these slots in these hours, shape (slots, hours).

        Args:
            reader: has the cells that are `lacking`.
            slots: each once.
            hours_us: starts of hours.
        """
        fresh = self._fresh(reader, slots, hours_us)
        shape = (hours_us.size, slots.size)
        count, total = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, start in enumerate(hours_us.tolist()):
            hour = fresh.get(start) or self._hours.get(start)
            if hour is not None:
                np.take(hour.readings, slots, out=count[row], mode="clip")
                np.take(hour.total, slots, out=total[row], mode="clip")
        return count.T, total.T

    @property
    def _first_us(self) -> int:
        """The first hour that is remembered."""
        return self._latest_us - (RECENT_HOURS - 1) * HOUR_US

    def _fresh(self, reader: WindowReader, slots: NDArray[np.int32], hours_us: NDArray[np.int64]) -> dict[int, Hour]:
        """Read what is lacking, and return the hours it is of; they are remembered where they are recent."""
        lacking = list(self.lacking(slots, hours_us))
        if not lacking:
            return {}
        starts = np.repeat([start for start, _ in lacking], [some.size for _, some in lacking])
        cells = reader.gather(Grid.HOUR, np.concatenate([some for _, some in lacking]), starts)
        found, at = {}, 0
        for start, some in lacking:
            hour = self._hours.get(start) or Hour.of(self._slot_count)
            end = at + some.size
            hour.readings[some], hour.total[some], hour.known[some] = cells.count[at:end], cells.sums[at:end, 0], True
            found[start], at = hour, end
            if start >= self._first_us:
                self._hours[start] = hour
        return found
