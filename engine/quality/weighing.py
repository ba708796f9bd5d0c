"""What excluded observations add to the windows they lie in: the part that figures leave out.

Knows what an observation adds to a cell, as the kernels do; knows no flag's reason and no store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from devices import Kind, Measurand, ObservationBatch, SeriesTable
from engine.cell_table import keys_of, split_keys
from engine.cells import SUM_COUNT, Cells
from engine.facts import facts_of
from engine.spans import Keys


class Weighing:
    """The weights of observations of gauges and levels.

    Args:
        series: of the observations.
        measurands: in the order of `series.measurand`.
    """

    def __init__(self, series: SeriesTable, measurands: Sequence[Measurand]) -> None:
        self._series = series
        self._facts = facts_of(series, measurands)

    def plausible(self, found: ObservationBatch) -> ObservationBatch:
        """Return the observations that windows count: one outside its series' range counts nowhere."""
        return found.take(self._plausible(found))

    def weights(self, found: ObservationBatch) -> NDArray[np.int64]:
        """Return what each plausible observation adds: its ticks, or a level's energy."""
        weights = found.ticks.copy()
        level = self._series.kind[found.slot] == Kind.LEVEL
        weights[level] = self._facts.weight[self._facts.table_at[found.slot[level]] + found.ticks[level]]
        return weights

    def parts(self, hours: Keys, found: ObservationBatch, hour_us: NDArray[np.int64], out: NDArray[np.bool_]) -> Cells:
        """Return what is left out of each of these hours, all zeros where that is nothing.

        Args:
            hours: each once, sorted.
            found: all observations of these hours.
            hour_us: start of the hour of each.
            out: whether each is left out.
        """
        inside = self._plausible(found)
        counted, out, hour_us = found.take(inside), out[inside], hour_us[inside]
        at = np.searchsorted(keys_of(hours.slot, hours.start_us), keys_of(counted.slot, hour_us))
        size = len(hours)
        sums = np.zeros((size, SUM_COUNT), np.int64)
        np.add.at(sums[:, 0], at[out], self.weights(counted)[out])
        count = np.bincount(at[out], minlength=size).astype(np.int64)
        low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, np.iinfo(np.int64).min)
        np.minimum.at(low, at[~out], counted.ticks[~out])
        np.maximum.at(high, at[~out], counted.ticks[~out])
        left = (count > 0) & (low <= high)
        return Cells(hours.slot, hours.start_us, count, np.where(left, low, 0), np.where(left, high, 0), sums)

    def _plausible(self, found: ObservationBatch) -> NDArray[np.bool_]:
        low, high = self._series.low_ticks[found.slot], self._series.high_ticks[found.slot]
        return np.asarray((found.ticks >= low) & (found.ticks <= high))


def unique(*parts: Keys) -> Keys:
    """Return hours sorted by slot and start, each once."""
    keys = np.concatenate([keys_of(part.slot, part.start_us) for part in parts])
    return Keys(*split_keys(np.unique(keys)))


def aligned(hours: Keys, found: Cells) -> Cells:
    """Return the cells of these hours (each once, sorted), all zeros where there is none."""
    size = len(hours)
    key, at_key = keys_of(hours.slot, hours.start_us), keys_of(found.slot, found.start_us)
    mine = np.isin(at_key, key)
    at = np.searchsorted(key, at_key[mine])
    count, low, high = (np.zeros(size, np.int64) for _ in range(3))
    sums = np.zeros((size, SUM_COUNT), np.int64)
    count[at], low[at], high[at], sums[at] = found.count[mine], found.low[mine], found.high[mine], found.sums[mine]
    return Cells(hours.slot, hours.start_us, count, low, high, sums)


def less(cells: Cells, parts: Cells) -> Cells:
    """Return hours without what is left out of them; low and high are of what is left."""
    of = aligned(Keys(cells.slot, cells.start_us), parts)
    some = of.count > 0
    count = np.maximum(cells.count - of.count, 0)
    low, high = np.where(some, of.low, cells.low), np.where(some, of.high, cells.high)
    return Cells(cells.slot, cells.start_us, count, low, high, cells.sums - of.sums)


def differ(one: Cells, other: Cells) -> NDArray[np.bool_]:
    """Return which of two cells of the same hours are not the same."""
    figures = [np.column_stack((cells.count, cells.low, cells.high, cells.sums)) for cells in (one, other)]
    return np.asarray((figures[0] != figures[1]).any(axis=1))


def taken(cells: Cells, index: NDArray[np.bool_]) -> Cells:
    """Return the cells named by a mask."""
    return Cells(*(getattr(cells, field.name)[index] for field in fields(cells)))


def no_cells() -> Cells:
    """Return no cell."""
    none = np.empty(0, np.int64)
    return Cells(np.empty(0, np.int32), none, none, none, none, np.empty((0, SUM_COUNT), np.int64))
