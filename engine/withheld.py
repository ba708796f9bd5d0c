"""What figures leave out: the excluded part of cells, read from the store for each evaluation.

Knows which series may have something excluded, and the calendar; knows no rule and no formula. It keeps nothing between
two evaluations, for another connection writes what it reads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.calendar import Calendar
from engine.cell_table import keys_of
from engine.cells import SUM_COUNT, Cells, Grid
from engine.indicators.work import Part, Required
from engine.store import Store


class _Parts(NamedTuple):
    """Excluded parts of one grid by ascending key."""

    key: NDArray[np.int64]
    number: NDArray[np.int64]
    sums: NDArray[np.int64]


class Withheld:
    """The excluded parts of one worker's cells.

    Args:
        store: where to ask; of the worker's thread.
        excluding: bool by slot, whether a rule excludes any of its observations.
        calendar: of the city.
    """

    def __init__(self, store: Store, excluding: NDArray[np.bool_], calendar: Calendar) -> None:
        self._store, self._excluding, self._calendar = store, excluding, calendar
        self._parts: dict[Grid, _Parts] = {}

    def forget(self) -> None:
        """Begin anew: what is left out may have changed since the last evaluation."""
        self._parts = {}

    def bring(self, required: Required) -> None:
        """Read what is left out of these cells, which an evaluation will read, beside what was read before."""
        for grid, keys in required.items():
            asked = self._excluding[keys.slot]
            if grid is Grid.MINUTE or not asked.any():
                continue
            starts = keys.start_us[asked]
            end_us = int(self._calendar.end_of(grid, starts.max()[None])[0])
            found = self._store.excluded_between(np.unique(keys.slot[asked]), int(starts.min()), end_us)
            if len(found):
                parts = self._summed(grid, found)
                before = self._parts.get(grid)
                self._parts[grid] = parts if before is None else _joined(before, parts)

    def at(self, grid: Grid, slots: NDArray[np.int32], start_us: NDArray[np.int64]) -> Part | None:
        """Return what is left out of each of these cells; None where it is nothing of any."""
        parts = self._parts.get(grid)
        if parts is None:
            return None
        key = keys_of(slots, start_us)
        at = np.minimum(np.searchsorted(parts.key, key), parts.key.size - 1)
        found = parts.key[at] == key
        if not found.any():
            return None
        return Part(np.where(found, parts.number[at], 0), np.where(found[:, None], parts.sums[at], 0))

    def _summed(self, grid: Grid, hours: Cells) -> _Parts:
        """Return the parts of hours as those of a grid: every hour lies in one day."""
        key = keys_of(hours.slot, self._calendar.start_of(grid, hours.start_us))
        keys, at = np.unique(key, return_inverse=True)
        count, sums = np.zeros(keys.size, np.int64), np.zeros((keys.size, SUM_COUNT), np.int64)
        np.add.at(count, at, hours.count)
        np.add.at(sums, at, hours.sums)
        return _Parts(keys, count, sums)


def _joined(one: _Parts, other: _Parts) -> _Parts:
    """Return the parts of both; a cell that is in both is the same in both."""
    key, at = np.unique(np.concatenate((one.key, other.key)), return_index=True)
    return _Parts(key, np.concatenate((one.number, other.number))[at], np.concatenate((one.sums, other.sums))[at])
