"""A worker in miniature: windows, a dict for a store, and the order of steps a real worker keeps."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np

from devices.batch import ObservationBatch
from devices.measurands import Kind, Measurand
from devices.series import TIME_MAX_US, TIME_MIN_US, SeriesTable
from engine import Calendar, Cells, Decisions, Grid, Keys, LastReadings, Spans, WindowLimits, Windows
from tests.oracle import Decision, Fact, Grids, Reading


def series_of(facts: Sequence[Fact]) -> SeriesTable:
    """Return the series table of facts: slot i is fact i and measurand i."""
    n = len(facts)

    def column(values: Iterable[int]) -> np.ndarray:
        return np.array(list(values), np.int64)

    zero = np.zeros(n, np.int32)
    return SeriesTable(
        device=zero,
        measurand=np.arange(n, dtype=np.int32),
        kind=np.array([f.kind for f in facts], np.int8),
        zone=zero,
        gateway=zero,
        interval_us=column(f.interval_us for f in facts),
        service_from_us=np.full(n, TIME_MIN_US, np.int64),
        service_to_us=np.full(n, TIME_MAX_US, np.int64),
        low_ticks=column(f.low for f in facts),
        high_ticks=column(f.high for f in facts),
        modulus_ticks=column(f.modulus for f in facts),
        rate_ticks_max=column(f.rate for f in facts),
    )


def measurands_of(facts: Sequence[Fact]) -> list[Measurand]:
    return [Measurand(f"m{i}", "", "1", f.kind, f.decimals, f.low, f.high, (), "") for i, f in enumerate(facts)]


def windows_of(facts: Sequence[Fact], calendar: Calendar, limits: WindowLimits | None = None) -> Windows:
    windows = Windows(series_of(facts), calendar, measurands_of(facts), limits)
    windows.resume(LastReadings.none(len(facts)))
    return windows


def batch_of(readings: Sequence[Reading]) -> ObservationBatch:
    return ObservationBatch.of([r[0] for r in readings], [r[1] for r in readings], [r[2] for r in readings])


def rows(cells: Cells) -> dict[tuple[int, int], tuple[int, ...]]:
    """Return cells as a dict, as the oracle writes them."""
    return {
        (int(cells.slot[i]), int(cells.start_us[i])): (
            int(cells.count[i]),
            int(cells.low[i]),
            int(cells.high[i]),
            *(int(x) for x in cells.sums[i]),
        )
        for i in range(len(cells))
    }


def cells_from(found: dict[tuple[int, int], tuple[int, ...]]) -> Cells:
    keys = sorted(found)
    figures = np.array([found[k] for k in keys], np.int64).reshape(len(keys), 7)
    return Cells(
        np.array([k[0] for k in keys], np.int32),
        np.array([k[1] for k in keys], np.int64),
        figures[:, 0].copy(),
        figures[:, 1].copy(),
        figures[:, 2].copy(),
        figures[:, 3:].copy(),
    )


class Desk:
    """Feeds windows as a worker does; the store is a dict per grid and a list of readings per slot."""

    def __init__(self, facts: Sequence[Fact], calendar: Calendar, limits: WindowLimits | None = None) -> None:
        self.facts, self.calendar, self.limits = facts, calendar, limits
        self.windows = windows_of(facts, calendar, limits)
        self.stored: Grids = ({}, {}, {})
        self.lines: list[list[tuple[int, int]]] = [[] for _ in facts]
        self.decisions: dict[tuple[int, int], Decision] = {}
        self.loads = 0

    def feed(self, readings: Sequence[Reading]) -> None:
        """Store readings that are new, then count them."""
        for slot, time_us, ticks in readings:
            line = self.lines[slot]
            line.insert(bisect_left(line, (time_us, ticks)), (time_us, ticks))
        self.absorb(batch_of(readings))

    def absorb(self, batch: ObservationBatch) -> None:
        for grid, keys in self.windows.missing(batch).items():
            cells = self._load(grid, keys)
            self.loads += len(cells)
            self.windows.put(grid, cells, dirty=False)
        done = self.windows.absorb(batch)
        self._decided(done.decisions)
        if len(done.late):
            self.recompute(self.windows.widened(done.late, *self._neighbours(done.late)))

    def recompute(self, spans: Spans) -> None:
        spans = spans.merged()
        found: set[Reading] = set()
        for slot, begin, end in zip(spans.slot.tolist(), spans.from_us.tolist(), spans.to_us.tolist(), strict=True):
            line = self.lines[slot]
            low, high = bisect_left(line, (begin,)), bisect_left(line, (end,))
            # Readings that count nowhere are no neighbours, and the store does not know which do not.
            good = [i for i, (_, v) in enumerate(line) if self.facts[slot].low <= v <= self.facts[slot].high]
            low = max((i for i in good if i < low), default=low)
            high = min((i + 1 for i in good if i >= high), default=high)
            found.update((slot, t, v) for t, v in line[low:high])
        beside = self._load(Grid.HOUR, self.windows.missing_hours(spans))
        done = self.windows.recompute(spans, batch_of(sorted(found)), beside)
        for slot, begin, end in zip(
            done.spans.slot.tolist(), done.spans.from_us.tolist(), done.spans.to_us.tolist(), strict=True
        ):
            self.decisions = {k: d for k, d in self.decisions.items() if k[0] != slot or not begin <= k[1] < end}
        self._decided(done.decisions)

    def flush(self) -> None:
        for grid in Grid:
            cells = self.windows.dirty(grid)
            self.stored[grid].update(rows(cells))
            self.windows.settle(grid, cells)

    def evict(self, before_us: int, keep_us: int = 0) -> None:
        """Evict from every grid; every other slot keeps its cells longer."""
        keep = np.where(np.arange(len(self.facts)) % 2, keep_us, 0).astype(np.int64)
        for grid in Grid:
            self.windows.evict(grid, before_us, keep)

    def restart(self, crash: bool) -> None:
        """Begin anew from the store; after a crash what was not flushed is gone and everything is recomputed."""
        if not crash:
            self.flush()
        self.windows = windows_of(self.facts, self.calendar, self.limits)
        none = LastReadings.none(len(self.facts))
        for slot, line in enumerate(self.lines):
            good = [(t, v) for t, v in line if self.facts[slot].low <= v <= self.facts[slot].high]
            if good:
                none.time_us[slot], none.ticks[slot] = good[-1]
        self.windows.resume(none)
        if crash:
            slots = [s for s, line in enumerate(self.lines) if line]
            begin = [self._hour(self.lines[s][0][0]) for s in slots]
            end = [self._hour(self.lines[s][-1][0], end=True) for s in slots]
            self.recompute(Spans.of(slots, begin, end))

    def result(self) -> Grids:
        self.flush()
        return self.stored

    def _hour(self, time_us: int, end: bool = False) -> int:
        inside = min(max(time_us, self.calendar.from_us), self.calendar.to_us - 1)
        place = self.calendar.end_of if end else self.calendar.start_of
        return int(place(Grid.HOUR, np.array([inside]))[0])

    def _neighbours(self, late: Spans) -> tuple[np.ndarray, np.ndarray]:
        before, after = [], []
        for slot, begin, end in zip(late.slot.tolist(), late.from_us.tolist(), late.to_us.tolist(), strict=True):
            fact = self.facts[slot]
            times = [t for t, v in self.lines[slot] if fact.low <= v <= fact.high]
            before.append(max((t for t in times if t < begin), default=TIME_MIN_US))
            after.append(min((t for t in times if t >= end), default=TIME_MAX_US))
        return np.array(before, np.int64), np.array(after, np.int64)

    def _load(self, grid: Grid, keys: Keys) -> Cells:
        wanted = zip(keys.slot.tolist(), keys.start_us.tolist(), strict=True)
        return cells_from({key: self.stored[grid][key] for key in wanted if key in self.stored[grid]})

    def _decided(self, decisions: Decisions) -> None:
        for i in range(len(decisions)):
            d = decisions
            slot, time_us = int(d.slot[i]), int(d.time_us[i])
            row = (slot, time_us, int(d.kind[i]), int(d.before[i]), int(d.after[i]), int(d.rise[i]))
            self.decisions[slot, time_us] = row


__all__ = ["Desk", "Kind", "batch_of", "cells_from", "measurands_of", "rows", "series_of", "windows_of"]
