"""Cells: what the engine keeps of one series in one bucket or window, as columns.

Knows the shape of the statistics; neither how they are added up nor where they are stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

SUM_COUNT = 4
"""Exact sums per cell. Their meaning follows the kind:

GAUGE    sums[0] = sum of ticks
COUNTER  sums[0] = increase in ticks (windows: shares interpolated at the edges; buckets: see `windows`)
LEVEL    sums[0] = sum of energies from the integer table of 10^(L/10)
ANGLE    sums[0], sums[1] = sums of cosines and sines from the integer table
STATE    sums[k] = microseconds in state k (at most four states)
EVENT    sums[0] = sum of weights in ticks
"""


class Grid(IntEnum):
    """The grids on which cells are kept."""

    MINUTE = 0
    """The base grid: one minute UTC."""
    HOUR = 1
    """One hour, aligned to the city's clock."""
    DAY = 2
    """One civil day of the city's time zone, 23 to 25 hours."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells as columns of one length; row i is one cell, absolute (never a difference).

    Attributes:
        slot: int32.
        start_us: int64, start of the bucket or window, included.
        count: int64, observations whose time lies inside.
        low, high: int64, least and greatest tick; 0 where count is 0.
        sums: int64, shape (n, SUM_COUNT).
    """

    slot: NDArray[np.int32]
    start_us: NDArray[np.int64]
    count: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    sums: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.slot.size)
