"""What is learned of each device from its newest messages: how often it reports, and how far its clock is off.

Exact medians of a fixed number of newest values: a backlog, a reboot or one lost message does not move them. Knows
intervals and offsets in microseconds; knows neither silence nor gateways.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GAPS = 15
"""Newest pauses between messages that are kept of each device."""
GAPS_MIN = 5
"""Pauses before anything is concluded from them."""
OFFSETS = 9
"""Newest differences between a device's clock and ours that are kept."""
OFFSETS_MIN = 3
OUTLIER_SHARE = 7
"""One value in so many, and at least one pause, may be anything."""
UNKNOWN = 2**63 - 1
"""Where nothing was learned."""


class Rings:
    """The newest values of each row, up to a fixed number.

    Attributes:
        values: int64, shape (rows, length); UNKNOWN where there is none yet.
        count: int64 by row, values ever put.
    """

    def __init__(self, rows: int, length: int) -> None:
        self.values = np.full((rows, length), UNKNOWN, np.int64)
        self.count = np.zeros(rows, np.int64)

    def push(self, row: NDArray[np.int32], value: NDArray[np.int64]) -> None:
        """Add values in their order; rows ascend."""
        if not row.size:
            return
        first = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
        size = np.diff(np.append(first, row.size))
        rank = np.arange(row.size) - np.repeat(first, size)
        # Of more than fit only the newest stay: the same place would be written twice.
        kept = rank >= np.repeat(size, size) - self.values.shape[1]
        place = (self.count[row] + rank) % self.values.shape[1]
        self.values[row[kept], place[kept]] = value[kept]
        self.count[row[first]] += size

    def ranked(self, row: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the values of rows in ascending order, UNKNOWN last, and how many each has."""
        return np.sort(self.values[row], axis=1), np.minimum(self.count[row], self.values.shape[1])


def rhythm(gaps: Rings, row: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return per row the usual pause between messages and by how much longer it may be; UNKNOWN before GAPS_MIN."""
    ranked, count = gaps.ranked(row)
    some = np.arange(row.size)
    middle = ranked[some, np.maximum(count - 1, 0) // 2]
    upper = ranked[some, np.maximum(count - 1 - np.maximum(count // OUTLIER_SHARE, 1), 0)]
    enough = count >= GAPS_MIN
    return np.where(enough, middle, UNKNOWN), np.where(enough, np.maximum(upper - middle, 0), UNKNOWN)


def clock_offset(offsets: Rings, row: NDArray[np.intp], spread_us_max: int) -> NDArray[np.int64]:
    """Return per row by how much the device's clock is ahead of ours, negative behind.

    UNKNOWN while there are few values, or where they differ by more than the limit: that is old data on its way, not a
    clock. Of time on the way nothing is known, so a message that always takes a minute looks like a clock that is slow.
    """
    ranked, count = offsets.ranked(row)
    some = np.arange(row.size)
    strays = count // OUTLIER_SHARE
    middle = ranked[some, np.maximum(count - 1, 0) // 2]
    low, high = ranked[some, strays], ranked[some, np.maximum(count - 1 - strays, 0)]
    steady = (count >= OFFSETS_MIN) & (high - low <= spread_us_max)
    return np.where(steady, middle, UNKNOWN)
