"""Between windows in memory and windows in the store: brings in what is missing, and recomputes from observations.

Knows the windows' and the store's faces; decides nothing about when.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from devices import TIME_MAX_US, TIME_MIN_US, Kind, ObservationBatch
from engine.calendar import HOUR_US, MINUTE_US
from engine.cells import Cells, Grid
from engine.spans import Keys, Spans
from engine.store import Store
from engine.windows import Recomputed, Windows

SPANS_PER_READ = 500
"""Spans whose observations are held in memory at once while recomputing."""
HOURS_PER_READ = 250_000
"""Hours of those spans together."""
PIECE_US = 90 * 86_400_000_000
"""Longer spans are recomputed in pieces."""
KEYS_PER_READ = 200_000
"""Cells asked of the store in one query."""
LENGTH_US: Mapping[Grid, int] = {Grid.MINUTE: MINUTE_US, Grid.HOUR: HOUR_US, Grid.DAY: 24 * HOUR_US}
BLOCK_MAX, BLOCK_FACTOR = 20_000, 2
"""So many cells at most are read as one block of series and time, if it has no more than so many times those asked for.
To name each of them would cost the store a transaction, which is most of what a single late reading takes."""


class Desk:
    """Moves cells and observations between one worker's windows and its store.

    Args:
        windows: of the worker.
        store: used by the worker's thread alone.
    """

    def __init__(self, windows: Windows, store: Store) -> None:
        self._windows = windows
        self._store = store
        self._empty: dict[Grid, NDArray[np.int64]] = {}
        self.forget_empty()

    def forget_empty(self) -> None:
        """Forget which cells the store was found not to have: after every eviction it may have them."""
        self._empty = {grid: np.empty((0, 2), np.int64) for grid in Grid}

    @property
    def empty(self) -> int:
        """How many cells are known not to be stored."""
        return sum(keys.shape[0] for keys in self._empty.values())

    def fetch(self, grid: Grid, keys: Keys) -> Cells:
        """Return what the store has of these cells."""
        block = self._block(grid, keys)
        if block is not None:
            return block
        parts = []
        for at in range(0, len(keys), KEYS_PER_READ):
            end = at + KEYS_PER_READ
            parts.append(self._store.load_cells(grid, keys.slot[at:end], keys.start_us[at:end]).cells)
        return _joined(parts)

    def _block(self, grid: Grid, keys: Keys) -> Cells | None:
        """Return what the store has of cells that fill a block of series and time; None where they do not."""
        if not len(keys):
            return None
        slots, from_us, to_us = np.unique(keys.slot), int(keys.start_us.min()), int(keys.start_us.max()) + 1
        if slots.size * -(-(to_us - from_us) // LENGTH_US[grid]) > min(BLOCK_FACTOR * len(keys), BLOCK_MAX):
            return None
        found = self._store.load_cells_of(grid, slots, from_us, to_us).cells
        among = np.isin(_rows(_pairs(found)), _rows(_pairs(keys)))
        return Cells(
            found.slot[among], found.start_us[among], found.count[among], found.low[among], found.high[among],
            found.sums[among],
        )  # fmt: skip

    def bring(self, wanted: Mapping[Grid, Keys]) -> None:
        """Load the named cells that only the store may have into the windows; they may be named several times."""
        for grid, keys in wanted.items():
            lacking = self._windows.lacking(grid, keys)
            lacking = _without(lacking.distinct(), self._empty[grid])
            if not len(lacking):
                continue
            found = self.fetch(grid, lacking)
            self._windows.put(grid, found, dirty=False)
            self._empty[grid] = np.concatenate((self._empty[grid], _minus(_pairs(lacking), found)))

    def recompute(self, spans: Spans) -> Recomputed:
        """Rebuild the windows of whole-hour spans from the stored observations."""
        observations = self._store.observations(spans, neighbours=True)
        stored = self.fetch(Grid.HOUR, self._windows.missing_hours(spans))
        return self._windows.recompute(spans, observations, stored)

    def since(self, slots: NDArray[np.int32], mark_us: int) -> NDArray[np.int64]:
        """Return per slot from when on its windows may differ from the store's, given that all before the mark stands.

        That is the first reading at or after the mark. But what a counter rose by, and how long a state lasted, is
        shared out from the reading before the mark on, however long ago that was.
        """
        mark = np.full(slots.size, mark_us, np.int64)
        spans = Spans(slots, mark, mark)
        before_us, after_us = _around(spans, self._store.observations(spans, neighbours=True))
        kind = self._windows.series.kind[slots]
        reaches_back = ((kind == Kind.COUNTER) | (kind == Kind.STATE)) & (before_us > TIME_MIN_US)
        return np.where(reaches_back, before_us, after_us)

    def restate(self, late: Spans) -> list[Recomputed]:
        """Rebuild everything that late readings changed: the hours from the reading before to the one after."""
        done = []
        for at in range(0, len(late), SPANS_PER_READ):
            part = Spans(*(getattr(late, name)[at : at + SPANS_PER_READ] for name in ("slot", "from_us", "to_us")))
            before_us, after_us = _around(part, self._store.observations(part, neighbours=True))
            spans = self._windows.widened(part, before_us, after_us)
            done += [self.recompute(some) for some in self.portions(spans)]
        return done

    def portions(self, spans: Spans) -> Iterator[Spans]:
        """Give spans some at a time, long ones in pieces, so that the observations of no more are held at once."""
        pieces = self._pieces(spans)
        first = 0
        while first < len(pieces):
            hours = np.cumsum((pieces.to_us[first:] - pieces.from_us[first:]) // HOUR_US + 1)
            count = min(max(int(np.searchsorted(hours, HOURS_PER_READ, "right")), 1), SPANS_PER_READ)
            yield Spans(*(getattr(pieces, name)[first : first + count] for name in ("slot", "from_us", "to_us")))
            first += count

    def _pieces(self, spans: Spans) -> Spans:
        """Return the same spans, none longer than `PIECE_US` and an hour; cuts are where hours of the city begin."""
        count = np.maximum((spans.to_us - spans.from_us + PIECE_US - 1) // PIECE_US, 1)
        slot = np.repeat(spans.slot, count)
        number = np.arange(slot.size) - np.repeat(np.cumsum(count) - count, count)
        begin = np.repeat(spans.from_us, count) + number * PIECE_US
        inner = number > 0
        begin[inner] = self._windows.calendar.start_of(Grid.HOUR, begin[inner])
        end = np.append(begin[1:], 0)
        last = np.cumsum(count) - 1
        end[last] = spans.to_us
        return Spans(slot, begin, end)


def _around(spans: Spans, found: ObservationBatch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return per span the time of the reading before it and of the first at or after its end."""
    before_us = np.full(len(spans), TIME_MIN_US, np.int64)
    after_us = np.full(len(spans), TIME_MAX_US, np.int64)
    for at, (slot, from_us, to_us) in enumerate(
        zip(spans.slot.tolist(), spans.from_us.tolist(), spans.to_us.tolist(), strict=True)
    ):
        low, high = np.searchsorted(found.slot, (slot, slot + 1)).tolist()
        times = found.time_us[low:high]
        first, end = np.searchsorted(times, (from_us, to_us)).tolist()
        if first > 0:
            before_us[at] = times[first - 1]
        if end < times.size:
            after_us[at] = times[end]
    return before_us, after_us


def _joined(parts: list[Cells]) -> Cells:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.empty(0, np.int64)
        return Cells(np.empty(0, np.int32), none, none, none, none, np.empty((0, 4), np.int64))
    columns = ("slot", "start_us", "count", "low", "high", "sums")
    return Cells(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


def _rows(keys: NDArray[np.int64]) -> NDArray[np.void]:
    """Return (n, 2) keys as one column that can be compared whole."""
    return np.ascontiguousarray(keys).view([("slot", np.int64), ("start", np.int64)]).ravel()


def _pairs(of: Keys | Cells) -> NDArray[np.int64]:
    """Return slot and start of each, (n, 2)."""
    return np.column_stack((of.slot.astype(np.int64), of.start_us))


def _without(keys: Keys, known: NDArray[np.int64]) -> Keys:
    if not len(keys) or not known.size:
        return keys
    keep = ~np.isin(_rows(_pairs(keys)), _rows(known))
    return Keys(keys.slot[keep], keys.start_us[keep])


def _minus(asked: NDArray[np.int64], found: Cells) -> NDArray[np.int64]:
    if not len(found):
        return asked
    return np.asarray(asked[~np.isin(_rows(asked), _rows(_pairs(found)))])
