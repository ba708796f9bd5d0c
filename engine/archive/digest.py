"""SHA-256 of the observations of one series and civil day: what says that two places hold the same readings.

Knows columns of numbers; knows no file, no database and no calendar. The digest is over pairs of `time_us` and `ticks`
as little-endian int64, sorted by time: whoever has the readings, from wherever, gets the same. Flags do not count:
those of quality are derived from the readings, and the one that a reading brings along says where its time came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SHA256_BYTES = 32
PAIR_BYTES = 16
"""One observation in a digest."""


@dataclass(frozen=True, slots=True)
class DayDigests:
    """Columns of one length; row i is one series on one civil day with an observation. Sorted by series and day.

    Attributes:
        series: device and field of every series, which `at` counts.
        at: int32, position among the series.
        day: int32, civil days since 1970-01-01, as in `engine.kpi.DayCells`.
        count: int64, observations, at least 1.
        sha256: uint8, shape (n, SHA256_BYTES).
    """

    series: tuple[tuple[str, str], ...]
    at: NDArray[np.int32]
    day: NDArray[np.int32]
    count: NDArray[np.int64]
    sha256: NDArray[np.uint8]

    def __len__(self) -> int:
        return int(self.at.size)

    @classmethod
    def joined(cls, series: tuple[tuple[str, str], ...], parts: Sequence[DayDigests]) -> DayDigests:
        """Return the rows of parts that all count the same series, sorted."""
        at = np.concatenate([np.empty(0, np.int32), *(part.at for part in parts)])
        day = np.concatenate([np.empty(0, np.int32), *(part.day for part in parts)])
        count = np.concatenate([np.empty(0, np.int64), *(part.count for part in parts)])
        sha256 = np.concatenate([np.empty((0, SHA256_BYTES), np.uint8), *(part.sha256 for part in parts)])
        order = np.lexsort((day, at))
        return cls(series, at[order], day[order], count[order], sha256[order])


def runs(*keys: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return where each run of equal keys starts, and at last how many rows there are; of no rows that is just 0."""
    size = keys[0].size
    if not size:
        return np.zeros(1, np.int64)
    changes = np.zeros(size - 1, np.bool_)
    for key in keys:
        changes |= key[1:] != key[:-1]
    return np.concatenate(([0], np.flatnonzero(changes) + 1, [size])).astype(np.int64)


def digests(time_us: NDArray[np.int64], ticks: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the digest of every slice of two columns.

    Args:
        time_us, ticks: observations, rising in time within each slice.
        edges: where each slice starts, and where the last one ends; see `runs`.

    Returns:
        uint8, shape (number of slices, SHA256_BYTES).

    Raises:
        ValueError: a slice does not rise in time: sort it, and leave no time twice.
    """
    pairs = np.empty((time_us.size, 2), "<i8")
    pairs[:, 0], pairs[:, 1] = time_us, ticks
    falls = np.flatnonzero(time_us[1:] <= time_us[:-1]) + 1
    if not np.isin(falls, edges).all():
        raise ValueError("observations of one series and day do not rise in time: sort them, and leave no time twice")
    packed = pairs.reshape(-1).view(np.uint8).data
    bounds = (edges * PAIR_BYTES).tolist()
    found = b"".join([hashlib.sha256(packed[low:high]).digest() for low, high in pairwise(bounds)])
    return np.frombuffer(found, np.uint8).reshape(-1, SHA256_BYTES)
