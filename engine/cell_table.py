"""Cells of one grid in memory: rows that grow by doubling up to a limit.

Knows how many cells it may hold; knows neither kinds nor time zones nor the store.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine import kernels
from engine.cells import SUM_COUNT, Cells
from engine.errors import CellsFullError

ROWS_FIRST = 1024
"""Rows of a new table."""
SECOND_US = 1_000_000
END_US = SECOND_US << kernels.KEY_SECONDS_BITS
"""No cell starts here or later."""


class CellTable:
    """Rows of cells found by slot and start.

    Args:
        name: of the grid, for messages.
        slot_count: how many slots there are.
        rows_max: cells that may be held.
        rows_first: cells there is room for at first.

    Attributes:
        arrays: what the kernels work on; replaced when the table grows.
    """

    def __init__(self, name: str, slot_count: int, rows_max: int, rows_first: int = ROWS_FIRST) -> None:
        if slot_count > kernels.SLOT_COUNT_MAX:
            raise ValueError(f"{slot_count} series in one worker, at most {kernels.SLOT_COUNT_MAX}: use more workers")
        self.name, self.rows_max = name, rows_max
        self.growths = 0
        recent = np.full(slot_count, -1, np.int32)
        self.arrays = _arrays(min(rows_first, rows_max), recent)

    def __len__(self) -> int:
        return int(self.arrays.size[0])

    @property
    def capacity(self) -> int:
        """Rows there is room for now."""
        return int(self.arrays.flags.size)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays; of rows beyond the size most systems give no memory before they are used."""
        return sum(array.nbytes for array in self.arrays)

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows in use, shape (size, 8), not a copy."""
        return self.arrays.rows[: len(self)]

    @property
    def keys(self) -> NDArray[np.int64]:
        """The keys of the rows in use, as a copy."""
        return self.rows[:, kernels.KEY].copy()

    @property
    def flags(self) -> NDArray[np.uint8]:
        """CLEAN or DIRTY per row in use, not a copy."""
        return self.arrays.flags[: len(self)]

    def check_room(self, cells: int) -> None:
        """Refuse before anything is changed when so many more cells could pass the limit.

        Raises:
            CellsFullError: they could.
        """
        if len(self) + cells > self.rows_max:
            raise CellsFullError(self.name, len(self) + cells, self.rows_max)

    def grow(self, rows: int = 1) -> None:
        """Make room for more rows: at least doubled, up to the limit; `check_room` has kept the limit before."""
        wanted = len(self) + rows
        if wanted > self.capacity:
            self._resize(max(wanted, min(2 * self.capacity, self.rows_max)))
            self.growths += 1

    def drop(self, before_us: int, keep_us: NDArray[np.int64]) -> int:
        """Drop clean cells that start before a time less `keep_us` of their slot; returns how many left."""
        left = kernels.compact(before_us, keep_us, self.arrays)
        if self.capacity > ROWS_FIRST and len(self) < self.capacity // 8:
            self._resize(max(ROWS_FIRST, 2 * len(self)))
        return int(left)

    def find(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each key, -1 where absent."""
        found = np.empty(keys.size, np.int64)
        kernels.find(keys, self.arrays, found)
        return found

    def absent(self, keys: NDArray[np.int64]) -> int:
        """Return how many of these different keys have no row."""
        return int(np.count_nonzero(self.find(keys) < 0))

    def put(self, rows: NDArray[np.int64], dirty: bool) -> None:
        """Set rows (n, 8); clean ones only where absent.

        Raises:
            CellsFullError: there may not be room for all; nothing was changed.
        """
        if len(self) + rows.shape[0] > self.rows_max:
            self.check_room(self.absent(np.unique(rows[:, kernels.KEY])))
        at = 0
        while (at := kernels.put(at, rows, self.arrays, dirty)) < rows.shape[0]:
            self.grow()

    def _resize(self, capacity: int) -> None:
        old = self.arrays
        self.arrays = _arrays(capacity, old.recent)
        size = int(old.size[0])
        self.arrays.rows[:size] = old.rows[:size]
        self.arrays.flags[:size] = old.flags[:size]
        self.arrays.size[0] = size
        kernels.reindex(self.arrays)


def _arrays(capacity: int, recent: NDArray[np.int32]) -> kernels.Table:
    capacity = max(capacity, 1)
    return kernels.Table(
        np.empty((capacity, kernels.ROW_WIDTH), np.int64),
        np.empty(capacity, np.uint8),
        np.full(1 << (2 * capacity - 1).bit_length(), -1, np.int32),
        np.zeros(1, np.int64),
        recent,
    )


def keys_of(slot: NDArray[np.int32], start_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the key of each cell.

    Raises:
        ValueError: a start is not a whole second between 1970 and 2514.
    """
    check_starts(start_us)
    return np.asarray((slot.astype(np.int64) << kernels.KEY_SECONDS_BITS) | start_us // SECOND_US)


def check_starts(start_us: NDArray[np.int64]) -> None:
    """Refuse starts that make no keys.

    Raises:
        ValueError: a start is not a whole second between 1970 and 2514.
    """
    if not start_us.size:
        return
    if int(start_us.min()) < 0 or int(start_us.max()) >= END_US or (start_us % SECOND_US).any():
        raise ValueError("cells start at whole seconds between 1970 and 2514: take starts from the calendar")


def split_keys(keys: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return slot and start of each key."""
    start_us = (keys & ((1 << kernels.KEY_SECONDS_BITS) - 1)) * 1_000_000
    return (keys >> kernels.KEY_SECONDS_BITS).astype(np.int32), start_us


def cells_of(rows: NDArray[np.int64]) -> Cells:
    """Return rows (n, 8) as cells, copied."""
    slot, start_us = split_keys(rows[:, kernels.KEY])
    return Cells(
        slot,
        start_us,
        rows[:, kernels.COUNT].copy(),
        rows[:, kernels.LOW].copy(),
        rows[:, kernels.HIGH].copy(),
        rows[:, kernels.SUM :].copy(),
    )


def rows_of(cells: Cells) -> NDArray[np.int64]:
    """Return cells as rows (n, 8), copied.

    Raises:
        ValueError: a start is not a whole second, or the sums are not `SUM_COUNT` wide.
    """
    if cells.sums.shape != (len(cells), SUM_COUNT):
        raise ValueError(f"sums of shape {cells.sums.shape}, expected {(len(cells), SUM_COUNT)}")
    rows = np.empty((len(cells), kernels.ROW_WIDTH), np.int64)
    rows[:, kernels.KEY] = keys_of(cells.slot, cells.start_us)
    rows[:, kernels.COUNT] = cells.count
    rows[:, kernels.LOW] = cells.low
    rows[:, kernels.HIGH] = cells.high
    rows[:, kernels.SUM :] = cells.sums
    return rows
