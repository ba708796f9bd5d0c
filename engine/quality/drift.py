"""Drift: from the daily means of neighbouring stations to the days on which one of them lies off.

Knows means of days as ticks; knows no calendar, no rule file and no store. A day's verdict depends on the means of as
many days less one before and after it as must follow each other, no more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COVERAGE_QUARTERS_MIN = 3
"""A day with less than three quarters of the readings due has no mean: half a day is another day's weather."""


@dataclass(frozen=True, slots=True)
class Days:
    """Means of some series on consecutive days.

    Attributes:
        means: int64, shape (series, days), rounded half to even to the tick.
        known: bool, the same shape; False where too few readings came.
    """

    means: NDArray[np.int64]
    known: NDArray[np.bool_]


def drifting(
    days: Days, device: NDArray[np.int32], judged: NDArray[np.bool_], *, above: int, run: int, neighbours: int
) -> NDArray[np.bool_]:
    """Return, by series and day, whether it is one of `run` or more days in a row that lie off in one direction.

    A series lies off on a day when its mean and the median of its neighbours' means differ by more than `above`. A day
    on which it has no mean, or fewer than `neighbours` others have one, ends a row.

    Args:
        days: of all series that are neighbours of each other.
        device: of each series; what the same device measures is no neighbour.
        judged: series whose verdict is asked for; others are only compared with.
        above, run, neighbours: as said.
    """
    shape = days.means.shape
    found = np.zeros(shape, np.bool_)
    for row in np.flatnonzero(judged).tolist():
        others = device != device[row]
        side = np.array(
            [
                _side(int(days.means[row, day]), days.means[others & days.known[:, day], day], above, neighbours)
                if days.known[row, day]
                else 0
                for day in range(shape[1])
            ],
            np.int8,
        )
        for direction in (1, -1):
            found[row] |= _in_a_row(side == direction, run)
    return found


def _side(mean: int, others: NDArray[np.int64], above: int, neighbours: int) -> int:
    """Return 1 where a mean lies above the median of the others by more than a limit, -1 where below, else 0."""
    if others.size < neighbours:
        return 0
    ranked = np.sort(others)
    # Twice everything: the median of an even number lies between two ticks.
    off = 2 * mean - int(ranked[(ranked.size - 1) // 2]) - int(ranked[ranked.size // 2])
    return int(off > 2 * above) - int(off < -2 * above)


def _in_a_row(off: NDArray[np.bool_], run: int) -> NDArray[np.bool_]:
    """Return which days are among at least so many in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], off, [False])).astype(np.int8)))
    found = np.zeros(off.size, np.bool_)
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        found[first:end] = end - first >= run
    return found
