"""Small columns of the engine: which cells, which stretches of time, which decisions.

Knows slots and times; knows nothing of how they come about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.series import TIME_MIN_US


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of cells: slot (int32) and start_us (int64), of one length."""

    slot: NDArray[np.int32]
    start_us: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.slot.size)

    def distinct(self) -> Keys:
        """Return the same names, each once, ordered by start, then slot."""
        order = np.lexsort((self.slot, self.start_us))
        slot, start = self.slot[order], self.start_us[order]
        first = np.ones(slot.size, np.bool_)
        first[1:] = (slot[1:] != slot[:-1]) | (start[1:] != start[:-1])
        return Keys(slot[first], start[first])


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of time of single series: slot (int32), from_us (included), to_us (excluded), of one length."""

    slot: NDArray[np.int32]
    from_us: NDArray[np.int64]
    to_us: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.slot.size)

    @classmethod
    def of(cls, slot: object, from_us: object, to_us: object) -> Spans:
        """Build spans from anything numpy can turn into columns."""
        return cls(np.asarray(slot, np.int32), np.asarray(from_us, np.int64), np.asarray(to_us, np.int64))

    def merged(self) -> Spans:
        """Return the same stretches sorted by slot and start, those that touch or overlap joined."""
        order = np.lexsort((self.from_us, self.slot))
        slot, begin, end = self.slot[order], self.from_us[order], self.to_us[order]
        if not slot.size:
            return Spans(slot, begin, end)
        # The furthest end so far within each slot: a running maximum over ranks, in which every slot begins anew.
        rank = np.searchsorted(np.unique(end), end).astype(np.int64)
        group = np.cumsum(np.concatenate(([False], slot[1:] != slot[:-1])))
        furthest = np.unique(end)[np.maximum.accumulate(rank + group * end.size) - group * end.size]
        first = np.concatenate(([True], (slot[1:] != slot[:-1]) | (begin[1:] > furthest[:-1])))
        at = np.flatnonzero(first)
        return Spans(slot[at], begin[at], furthest[np.append(at[1:], slot.size) - 1])


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided about counters that went down, as columns of one length.

    Attributes:
        slot: int32.
        time_us: int64, of the reading after which the counter had gone down.
        kind: int8, `ROLLOVER`, `RESET` or `DIP`.
        before, after: int64, ticks of the two readings.
        rise: int64, what was counted between them, in ticks.
    """

    slot: NDArray[np.int32]
    time_us: NDArray[np.int64]
    kind: NDArray[np.int8]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    rise: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.slot.size)

    def outside(self, spans: Spans) -> Decisions:
        """Return the decisions about readings that lie in none of these stretches."""
        keep = np.ones(len(self), np.bool_)
        for at in np.flatnonzero(np.isin(self.slot, spans.slot)).tolist():
            inside = (spans.slot == self.slot[at]) & (spans.from_us <= self.time_us[at])
            keep[at] = not (inside & (self.time_us[at] < spans.to_us)).any()
        return Decisions(*(column[keep] for column in self._columns()))

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self.slot, self.time_us, self.kind, self.before, self.after, self.rise


@dataclass(frozen=True, slots=True)
class LastReadings:
    """The newest reading of every slot: time_us (int64, TIME_MIN_US where there is none) and ticks (int64)."""

    time_us: NDArray[np.int64]
    ticks: NDArray[np.int64]

    @classmethod
    def none(cls, slot_count: int) -> LastReadings:
        """Return that no slot has a reading yet."""
        return cls(np.full(slot_count, TIME_MIN_US, np.int64), np.zeros(slot_count, np.int64))
