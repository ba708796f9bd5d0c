"""Columns of observations: the one form in which observations travel between rooms.

Knows nothing of payloads, sockets or tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLAG_TIME_FROM_ARRIVAL = 1
"""The message carried no time; the gateway's clock at arrival stands in for it."""


@dataclass(frozen=True, slots=True)
class ObservationBatch:
    """Observations as columns of one length; row i is one observation.

    Attributes:
        slot: int32, the worker's dense index of the series (see `SeriesTable`).
        time_us: int64, phenomenon time, microseconds UTC since 1970.
        ticks: int64, the value as a count of the measurand's resolution.
        flags: int16, a sum of `FLAG_*` values.
    """

    slot: NDArray[np.int32]
    time_us: NDArray[np.int64]
    ticks: NDArray[np.int64]
    flags: NDArray[np.int16]

    def __len__(self) -> int:
        return int(self.slot.size)

    @classmethod
    def empty(cls) -> ObservationBatch:
        """Return a batch of no observations."""
        return cls(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int16))

    @classmethod
    def of(cls, slot: object, time_us: object, ticks: object, flags: object | None = None) -> ObservationBatch:
        """Build a batch from anything numpy can turn into columns; flags are 0 when left out."""
        slots = np.asarray(slot, np.int32)
        return cls(
            slots,
            np.asarray(time_us, np.int64),
            np.asarray(ticks, np.int64),
            np.zeros(slots.size, np.int16) if flags is None else np.asarray(flags, np.int16),
        )

    @classmethod
    def concat(cls, batches: Sequence[ObservationBatch]) -> ObservationBatch:
        """Join batches in the order given."""
        if not batches:
            return cls.empty()
        return cls(
            np.concatenate([b.slot for b in batches]),
            np.concatenate([b.time_us for b in batches]),
            np.concatenate([b.ticks for b in batches]),
            np.concatenate([b.flags for b in batches]),
        )

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> ObservationBatch:
        """Return the rows named by positions or by a mask, as copies."""
        return ObservationBatch(self.slot[index], self.time_us[index], self.ticks[index], self.flags[index])

    def sorted(self) -> ObservationBatch:
        """Return the rows ordered by slot, then time; equal keys keep their order of arrival."""
        return self.take(np.lexsort((self.time_us, self.slot)))
