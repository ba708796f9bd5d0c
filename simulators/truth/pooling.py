"""From the published figures of stations to those of a zone or the city.

Knows figures and which scope each belongs to; knows no readings.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulators.truth.definitions import Definition, Pool
from simulators.truth.scales import direction, exact, mean_level, nearest_even, vectors

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one definition as columns: `station` is the station or scope; see `Published` for the rest.

    Only what is `told` is published: every figure, and where one can vanish also that there is none.
    """

    station: Whole
    start_us: Whole
    end_us: Whole
    told: NDArray[np.bool_]
    known: NDArray[np.bool_]
    ticks: Whole
    driver: Whole
    received: Whole

    def __len__(self) -> int:
        return int(self.station.size)

    def take(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> Figures:
        """Return some of the rows."""
        return Figures(*(getattr(self, column.name)[index] for column in fields(self)))


def pooled(definition: Definition, figures: Figures, labels: Whole) -> Figures:
    """Return the figures of scopes, ordered by scope and start; `labels` names the scope of each station.

    A window is there when one of a station is told.
    """
    label = labels[figures.station]
    order = np.lexsort((figures.station, figures.start_us, label))
    rows, label = figures.take(order), label[order]
    first = np.flatnonzero(np.append(True, (np.diff(label) != 0) | (np.diff(rows.start_us) != 0)))
    group = np.repeat(np.arange(first.size), np.diff(np.append(first, len(rows))))
    ticks, driver = np.zeros(first.size, np.int64), np.full(first.size, -1, np.int64)
    known = np.zeros(first.size, np.bool_)
    some = rows.take(rows.known)
    if len(some):
        at, begin = np.unique(group[rows.known], return_index=True)
        ticks[at], known[at], driver[at] = _together(definition, some, group[rows.known], begin)
    told = np.logical_or.reduceat(rows.told, first)
    return Figures(
        label[first], rows.start_us[first], rows.end_us[first], told, known, np.where(known, ticks, 0), driver,
        np.add.reduceat(rows.received, first),
    ).take(told)  # fmt: skip


def directions(east: Whole, north: Whole, count: Whole, decimals: int) -> tuple[Whole, NDArray[np.bool_]]:
    """Return the direction of each sum of `count` unit vectors, none where rounding alone could make it so long."""
    known = np.abs(east) + np.abs(north) > count
    ticks = np.zeros(count.size, np.int64)
    for row in np.flatnonzero(known).tolist():
        ticks[row] = direction(int(east[row]), int(north[row]), decimals)
    return ticks, known


def _together(
    definition: Definition, rows: Figures, group: NDArray[np.intp], begin: NDArray[np.intp]
) -> tuple[Whole, NDArray[np.bool_], Whole]:
    """Return figure, whether there is one, and driver of each group; groups begin at `begin`."""
    count = np.diff(np.append(begin, len(rows)))
    every, nobody = np.ones(begin.size, np.bool_), np.full(begin.size, -1, np.int64)
    if definition.pool is Pool.WORST:
        worst = np.lexsort((rows.station, -rows.ticks, group))[begin]
        return rows.ticks[worst], every, rows.driver[worst]
    if definition.pool is Pool.VECTOR:
        east, north = (np.add.reduceat(part, begin) for part in vectors(rows.ticks, definition.decimals))
        ticks, known = directions(east, north, count, definition.decimals)
        return ticks, known, nobody
    if definition.pool is Pool.ENERGY:
        parts = np.split(rows.ticks, begin[1:])
        return np.array([mean_level(p.tolist(), definition.decimals) for p in parts], np.int64), every, nobody
    total = np.add.reduceat(rows.ticks, begin)
    if definition.pool is Pool.SUM:
        return total, every, nobody
    above, below = exact(total, count)
    return nearest_even(above, below).astype(np.int64), every, nobody
