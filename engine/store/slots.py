"""From the worker's dense slots to the store's lasting ids, and back.

Arithmetic over columns; knows no table.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.store.records import NONE


class Slots:
    """Both directions for one registered list of series.

    Attributes:
        series_id: int32 by slot.
    """

    def __init__(self, series_id: NDArray[np.int32]) -> None:
        self.series_id = series_id
        self._order = np.argsort(series_id, kind="stable")
        self._sorted = series_id[self._order]

    def __len__(self) -> int:
        return int(self.series_id.size)

    def of(self, series_id: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the slot of each series; NONE for one that is not registered now."""
        if not self._sorted.size:
            return np.full(series_id.size, NONE, np.int32)
        place = np.minimum(np.searchsorted(self._sorted, series_id), self._sorted.size - 1)
        found = self._sorted[place] == series_id
        return np.where(found, self._order[place], NONE).astype(np.int32)
