"""The windows of one worker: minute, hour and day cells of every series, exact whatever the order of arrival.

Knows series, cells in memory and the calendar; knows no store, no socket and no clock. It has no globals: a process may
run as many as it has partitions.

The life of a cell. `missing` names the cells that a batch will change and that only the store may know; the caller
loads what the store has of them and hands it over with `put`, then calls `absorb`. `dirty` returns what changed,
absolute; once it is written down, `settle` marks it clean, and `evict` lets clean cells go. Late readings of counters
and states change the windows between their neighbours, which memory alone cannot know: `absorb` reports them in
`Absorbed.late`, and `recompute` replaces the windows from the stored observations.

What counts where. A reading counts in the minute, hour and day it lies in. What a counter rose by, and how long a state
lasted, lies between two readings and is shared out over the hours and days between them; the minute of the later
reading gets a counter's whole rise, and minutes get nothing of states. A reading outside its series' range or outside
the calendar counts nowhere. A cell may hold shares and no reading: count 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from devices.batch import ObservationBatch
from devices.measurands import Kind, Measurand
from devices.series import TIME_MAX_US, TIME_MIN_US, SeriesTable
from engine import kernels
from engine.calendar import HOUR_US, Calendar
from engine.cell_table import CellTable, cells_of, check_starts, keys_of, rows_of, split_keys
from engine.cells import SUM_COUNT, Cells, Grid
from engine.facts import facts_of
from engine.spans import Decisions, Keys, LastReadings, Spans

LENGTH_US_MAX = np.array([HOUR_US // 60, 2 * HOUR_US, 26 * HOUR_US], np.int64)
"""By grid: no shorter than any of its windows."""


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """How many cells of each grid may be held in memory; beyond it `CellsFullError`, before anything is changed.

    A cell takes 73 to 81 bytes. The defaults hold 100,000 series with 20 minutes, 40 hours and 10 days of each.
    """

    minutes_max: int = 1 << 21
    hours_max: int = 1 << 22
    days_max: int = 1 << 20

    def of(self, grid: Grid) -> int:
        """Return the limit of one grid."""
        return (self.minutes_max, self.hours_max, self.days_max)[grid]


@dataclass(slots=True)
class WindowCounts:
    """What has happened since the start; all only rise.

    Attributes:
        absorbed: readings given to `absorb`.
        outside: of these, readings outside range or calendar, which count nowhere.
        crowded: readings added to a cell whose sum might have overflowed; its sums are to be distrusted.
        late: readings of counters and states that were left to `recompute`.
        decisions: counters that went down in `absorb`.
        recomputed: spans that were recomputed.
        loaded: cells put clean.
        evicted: cells that left memory.
    """

    absorbed: int = 0
    outside: int = 0
    crowded: int = 0
    late: int = 0
    decisions: int = 0
    recomputed: int = 0
    loaded: int = 0
    evicted: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name, for metrics."""
        return {field.name: int(getattr(self, field.name)) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What became of a batch.

    Attributes:
        late: per counter or state the stretch from its first to its last late reading; recompute it (see `widened`).
        decisions: about counters that went down. A later `recompute` of the same time replaces them.
        outside: readings outside range or calendar.
        crowded: readings added to a cell whose sum might have overflowed.
    """

    late: Spans
    decisions: Decisions
    outside: int
    crowded: int


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What came of `recompute`.

    Attributes:
        spans: what was recomputed, sorted, joined where they touch.
        decisions: all that fall into the spans; they replace those known before.
        outside: readings in the spans outside range or calendar.
        ahead: spans that hold readings of counters or states newer than any absorbed; those are left to `absorb`.
    """

    spans: Spans
    decisions: Decisions
    outside: int
    ahead: int


class Windows:
    """Cells of all slots of one worker.

    Not safe for use by several threads at once; the kernels release the GIL.

    Args:
        series: the worker's series; every batch counts in its slots.
        calendar: of the city.
        measurands: in the order that `series.measurand` counts in (the catalogue's).
        limits: how many cells may be held.

    Attributes:
        counts: what has happened so far.

    Raises:
        UnfitSeriesError: a figure of a series could overflow, or a fact is missing.
    """

    def __init__(
        self,
        series: SeriesTable,
        calendar: Calendar,
        measurands: Sequence[Measurand],
        limits: WindowLimits | None = None,
    ) -> None:
        limits = limits if limits is not None else WindowLimits()
        self.series, self.calendar, self.limits = series, calendar, limits
        self.counts = WindowCounts()
        self._facts = facts_of(series, measurands)
        self._ordered = (series.kind == Kind.COUNTER) | (series.kind == Kind.STATE)
        self._tables = tuple(CellTable(grid.name.lower(), len(series), limits.of(grid)) for grid in Grid)
        none = LastReadings.none(len(series))
        self._last = kernels.Last(none.time_us, none.ticks)
        self._floor_us = np.full(len(Grid), TIME_MAX_US, np.int64)
        self._began_us = np.full(len(series), TIME_MIN_US, np.int64)

    # ---- readings in ---------------------------------------------------------------------------------------------

    def resume(self, last: LastReadings, floor_us: int | Mapping[Grid, int] = TIME_MAX_US) -> None:
        """Say where each series stood, so that counters go on after a restart; call it before anything else.

        Args:
            last: the newest stored reading of each slot.
            floor_us: cells that start here or later and are not in memory are not in the store either, or will be
                recomputed before the first `absorb`. The default trusts nothing: whatever starts at or before a slot's
                last reading may be in the store.
        """
        if last.time_us.shape != (len(self.series),) or last.ticks.shape != (len(self.series),):
            raise ValueError(f"{last.time_us.size} last readings for {len(self.series)} series: give one per slot")
        self._last.time_us[:] = last.time_us
        self._last.ticks[:] = last.ticks
        # Of a slot that had no reading the store can have nothing from before the first one that comes.
        self._began_us[:] = np.where(last.time_us == TIME_MIN_US, TIME_MAX_US, TIME_MIN_US)
        for grid in Grid:
            self._floor_us[grid] = floor_us if isinstance(floor_us, int) else floor_us[grid]

    def last(self) -> LastReadings:
        """Return the newest reading of each slot, as copies."""
        return LastReadings(self._last.time_us.copy(), self._last.ticks.copy())

    def missing(self, batch: ObservationBatch) -> dict[Grid, Keys]:
        """Return per grid the cells that `absorb` will change, that are not in memory and that the store may hold.

        Load what the store has of them, `put(grid, cells, dirty=False)`, then `absorb`. Cells the store does not have
        need no row. In steady state this is empty: nothing is stored after a slot's last reading.
        """
        self._check_slots(batch.slot)
        keys = np.empty((len(Grid), 2 * len(batch)), np.int64)
        count = np.zeros(len(Grid), np.int64)
        kernels.touch(
            batch.slot, batch.time_us, batch.ticks, self._facts, self.calendar.clock, self._last, self._floor_us,
            *self._arrays(), keys, count,
        )  # fmt: skip
        return {grid: Keys(*split_keys(np.unique(keys[grid, : count[grid]]))) for grid in Grid}

    def absorb(self, batch: ObservationBatch) -> Absorbed:
        """Count new readings, in any order; each (slot, time) comes once in the life of the worker.

        Gauges, levels, angles and events are added whenever they come. Counters and states are sorted here; of them a
        reading that is not after its slot's last one is late, not added, and reported.

        Raises:
            CellsFullError: more cells could be needed than may be held. Nothing was changed: write dirty cells down,
                `settle`, `evict`, and give the batch again, in parts if need be.
            IndexError: a slot is not in the series table.
        """
        self._check_slots(batch.slot)
        mask = self._ordered[batch.slot]
        ordered = _sorted(batch.take(mask)) if mask.any() else ObservationBatch.empty()
        self._check_room(batch, mask, ordered)
        np.minimum.at(self._began_us, batch.slot, batch.time_us)
        notes = _notes(len(ordered))
        clock, at = self.calendar.clock, 0
        columns = batch.slot, batch.time_us, batch.ticks
        while (
            at := kernels.accumulate(at, *columns, self._facts, clock, *self._arrays(), self._last, notes.tally)
        ) < len(batch):
            self._grow(1)
        at = 0
        columns = ordered.slot, ordered.time_us, ordered.ticks
        while (at := kernels.join(at, *columns, self._facts, clock, *self._arrays(), self._last, notes)) < len(ordered):
            reached_us = int(ordered.time_us[at]) - max(
                int(self._last.time_us[ordered.slot[at]]), self.calendar.from_us
            )
            self._grow(reached_us // HOUR_US + 2 * clock.offset_us.size + 3)
        late = ordered.take(notes.late[: notes.tally[kernels.LATE]])
        self.counts.absorbed += len(batch)
        self.counts.outside += int(notes.tally[kernels.OUTSIDE])
        self.counts.crowded += int(notes.tally[kernels.CROWDED])
        self.counts.late += len(late)
        self.counts.decisions += int(notes.tally[kernels.DECIDED])
        return Absorbed(
            _stretches(late), _decisions(notes), int(notes.tally[kernels.OUTSIDE]), int(notes.tally[kernels.CROWDED])
        )

    # ---- recomputing ---------------------------------------------------------------------------------------------

    def widened(self, late: Spans, before_us: NDArray[np.int64], after_us: NDArray[np.int64]) -> Spans:
        """Return the whole hours that late readings change: from the reading before to the one after.

        Args:
            late: as `Absorbed.late`, with positions kept.
            before_us: time of the last stored reading before each span; TIME_MIN_US where there is none.
            after_us: time of the first stored reading at or after each span's end; TIME_MAX_US where there is none.
        """
        low, high = self.calendar.from_us, self.calendar.to_us - 1
        begin = np.where(before_us < low, late.from_us, before_us)
        end = np.where(after_us > high, late.to_us - 1, after_us)
        begin, end = np.clip(begin, low, high), np.clip(end, low, high)
        return Spans(late.slot, self.calendar.start_of(Grid.HOUR, begin), self.calendar.end_of(Grid.HOUR, end)).merged()

    def missing_hours(self, spans: Spans) -> Keys:
        """Return the hours `recompute` needs beside the spans: the rest of each day, where only the store has them."""
        spans = self._checked(spans)
        day_slot, day_start_us = self._days(spans)
        lengths = self.calendar.end_of(Grid.DAY, day_start_us) - day_start_us
        changes = 2 * self.calendar.clock.offset_us.size if day_slot.size else 0
        keys = np.empty(int((lengths // HOUR_US + 2).sum()) + changes * day_slot.size, np.int64)
        count = kernels.hours_beside(
            day_slot, day_start_us, spans.slot, spans.from_us, spans.to_us, self.calendar.clock, self._last,
            int(self._floor_us[Grid.HOUR]), self._tables[Grid.HOUR].arrays, keys,
        )  # fmt: skip
        return Keys(*split_keys(keys[:count]))

    def recompute(self, spans: Spans, observations: ObservationBatch, stored_hours: Cells) -> Recomputed:
        """Replace the minute and hour cells of spans of whole hours, and rebuild their days as merges of hours.

        What is new or differs from memory becomes dirty. Serves late counters and states, restarts (after `resume`) and
        corrections. Readings of counters and states newer than the slot's last are left out, since `absorb` will bring
        them. For the other kinds it is the caller's duty that no stored reading of the spans is still to be absorbed.

        Args:
            spans: whole hour windows; see `widened`.
            observations: every stored reading of the spans, and for counters and states the nearest one on either side
                of each span that is within its series' range. More readings of the same slots do no harm.
            stored_hours: what the store has of `missing_hours(spans)`.

        Raises:
            ValueError: a span is not of whole hours, or an observation comes twice.
            CellsFullError: more cells could be needed than may be held; nothing was changed.
        """
        spans = self._checked(spans)
        self._check_slots(observations.slot)
        ordered = _sorted(observations)
        if ((ordered.slot[1:] == ordered.slot[:-1]) & (ordered.time_us[1:] == ordered.time_us[:-1])).any():
            raise ValueError("an observation comes twice: give each (slot, time) once")
        minute, hour, notes = self._scratch(spans, ordered)
        day_slot, day_start_us = self._days(spans)
        days = self._tables[Grid.DAY]
        absent = [
            table.absent(keys)
            for table, keys in zip(self._tables, (minute.keys, hour.keys, keys_of(day_slot, day_start_us)), strict=True)
        ]
        for table, count in zip(self._tables, absent, strict=True):
            table.check_room(count)
        for table, count in zip(self._tables, absent, strict=True):
            table.grow(count)
        for table, scratch in zip(self._tables[:2], (minute, hour), strict=True):
            kernels.blank(spans.slot, spans.from_us, spans.to_us, scratch.arrays, table.arrays)
            kernels.adopt(0, scratch.arrays, table.arrays)
        stored = CellTable("stored hour", len(self.series), max(len(stored_hours), 1), max(len(stored_hours), 1))
        stored.put(rows_of(stored_hours), dirty=True)
        kernels.rebuild_days(
            0, day_slot, day_start_us, stored.arrays, self.calendar.clock, self._tables[Grid.HOUR].arrays, days.arrays,
            np.zeros((1, kernels.ROW_WIDTH), np.int64),
        )  # fmt: skip
        self.counts.recomputed += len(spans)
        return Recomputed(spans, _decisions(notes), int(notes.tally[kernels.OUTSIDE]), int(notes.tally[kernels.AHEAD]))

    # ---- cells out, and in from the store ------------------------------------------------------------------------

    def put(self, grid: Grid, cells: Cells, dirty: bool) -> None:
        """Set cells to absolute figures.

        Clean ones come from the store and are kept only where memory has none, since memory is newer. Dirty ones
        replace. A cell of count 0 and zero sums is the same as none. Each cell comes once.

        Raises:
            CellsFullError: there may not be room for all; nothing was changed.
        """
        self._check_slots(cells.slot)
        self._tables[grid].put(rows_of(cells), dirty)
        if not dirty:
            self.counts.loaded += len(cells)

    def gather(self, grid: Grid, slots: NDArray[np.int32], start_us: int | NDArray[np.int64]) -> Cells:
        """Return one cell per slot given, aligned with `slots`, zeros where nothing is in memory.

        Args:
            grid: which cells.
            slots: int32, any slots in any order.
            start_us: one start for all, or one for each.
        """
        self._check_slots(slots)
        count, low, high = np.zeros((3, slots.size), np.int64)
        found = Cells(
            slots.astype(np.int32), np.broadcast_to(np.asarray(start_us, np.int64), slots.shape).copy(),
            count, low, high, np.zeros((slots.size, SUM_COUNT), np.int64),
        )  # fmt: skip
        check_starts(found.start_us)
        kernels.fetch(
            found.slot, found.start_us, self._tables[grid].arrays, found.count, found.low, found.high, found.sums
        )
        return found

    def held(self, grid: Grid) -> Cells:
        """Return every cell in memory, as copies, in no order."""
        return cells_of(self._tables[grid].rows)

    def dirty(self, grid: Grid) -> Cells:
        """Return every cell that changed since it was last settled or put clean, as copies, in no order."""
        table = self._tables[grid]
        return cells_of(table.rows[np.flatnonzero(table.flags)])

    def settle(self, grid: Grid, cells: Cells) -> int:
        """Mark clean what was written down, but not what changed meanwhile; returns how many became clean."""
        return int(kernels.settle(rows_of(cells), self._tables[grid].arrays))

    def closed(self, grid: Grid, watermark_us: int, lateness_us: int) -> Keys:
        """Return the cells in memory whose end and allowed lateness the watermark has reached."""
        slot, start_us = split_keys(self._tables[grid].keys)
        done = self.calendar.end_of(grid, start_us) + lateness_us <= watermark_us
        return Keys(slot[done], start_us[done])

    def lacking(self, grid: Grid, keys: Keys) -> Keys:
        """Return those of the keys that are not in memory and that the store may hold."""
        self._check_slots(keys.slot)
        check_starts(keys.start_us)
        absent = np.empty(len(keys), np.bool_)
        kernels.unknown(
            np.ascontiguousarray(keys.slot, np.int32), np.ascontiguousarray(keys.start_us),
            int(LENGTH_US_MAX[grid]), int(self._floor_us[grid]), self._began_us, self._last.time_us,
            self._tables[grid].arrays, absent,
        )  # fmt: skip
        return Keys(keys.slot[absent], keys.start_us[absent])

    def evict(self, grid: Grid, before_us: int, keep_us: NDArray[np.int64] | None = None) -> int:
        """Let go of clean cells that start before a time, and expect such cells in the store from now on.

        Dirty ones stay. Returns how many left.

        Args:
            grid: which cells.
            before_us: the time; cells that start at it or later stay.
            keep_us: int64 by slot, how much older cells of a slot may stay all the same.
        """
        keep = keep_us if keep_us is not None else np.zeros(len(self.series), np.int64)
        left = self._tables[grid].drop(before_us, keep)
        self._floor_us[grid] = max(int(self._floor_us[grid]), before_us)
        self.counts.evicted += left
        return left

    def cells(self, grid: Grid) -> int:
        """Return how many cells are in memory."""
        return len(self._tables[grid])

    def dirty_cells(self, grid: Grid) -> int:
        """Return how many cells in memory are dirty."""
        return int(np.count_nonzero(self._tables[grid].flags))

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, room for growth included."""
        return sum(t.nbytes for t in self._tables) + sum(a.nbytes for a in (*self._facts, *self._last))

    # ---- inside --------------------------------------------------------------------------------------------------

    def _arrays(self) -> tuple[kernels.Table, kernels.Table, kernels.Table]:
        minute, hour, day = self._tables
        return minute.arrays, hour.arrays, day.arrays

    def _grow(self, hours: int) -> None:
        for table, rows in zip(self._tables, (1, hours, hours // 23 + 2), strict=True):
            table.grow(rows)

    def _check_slots(self, slots: NDArray[np.int32]) -> None:
        if slots.size and (int(slots.min()) < 0 or int(slots.max()) >= len(self.series)):
            raise IndexError(f"slots {int(slots.min())} to {int(slots.max())}, but there are {len(self.series)} series")

    def _check_room(self, batch: ObservationBatch, mask: NDArray[np.bool_], ordered: ObservationBatch) -> None:
        """Refuse a batch that could pass a limit; asks roughly first, exactly only when that is not enough."""
        loose = len(batch) - len(ordered)
        hours = _pair_hours(ordered, self._last, self._facts, self.calendar)
        needed = (len(ordered), len(ordered) + hours, len(ordered) + hours // 23 + 2 * np.unique(ordered.slot).size)
        for grid, table in zip(Grid, self._tables, strict=True):
            if len(table) + loose + needed[grid] <= table.rows_max:
                continue
            rest = batch.take(~mask)
            inside = (rest.time_us >= self.calendar.from_us) & (rest.time_us < self.calendar.to_us)
            rest = rest.take(inside)
            keys = np.unique(keys_of(rest.slot, self.calendar.start_of(grid, rest.time_us)))
            table.check_room(table.absent(keys) + needed[grid])

    def _checked(self, spans: Spans) -> Spans:
        """Return the spans sorted and joined, once they are known to be whole hours of known slots."""
        self._check_slots(spans.slot)
        spans = spans.merged()
        if (spans.from_us >= spans.to_us).any():
            raise ValueError("a span is empty: give its start first")
        starts = self.calendar.start_of(Grid.HOUR, spans.from_us)
        ends = self.calendar.end_of(Grid.HOUR, spans.to_us - 1)
        if (starts != spans.from_us).any() or (ends != spans.to_us).any():
            raise ValueError("a span does not begin and end with an hour of the city: use `widened` or the calendar")
        return spans

    def _days(self, spans: Spans) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return slot and start of every day that spans touch, once each."""
        days = self.calendar.clock.day_us
        first = np.searchsorted(days, spans.from_us, "right") - 1
        count = np.searchsorted(days, spans.to_us - 1, "right") - first
        slot = np.repeat(spans.slot, count)
        within = np.arange(slot.size) - np.repeat(np.cumsum(count) - count, count)
        return split_keys(np.unique(keys_of(slot, days[np.repeat(first, count) + within])))

    def _scratch(self, spans: Spans, ordered: ObservationBatch) -> tuple[CellTable, CellTable, kernels.Notes]:
        """Return minute and hour cells of spans built from nothing, and what was noted."""
        tables = self._tables
        rows = max(1024, len(ordered))
        while True:
            minute = CellTable(tables[Grid.MINUTE].name, len(self.series), tables[Grid.MINUTE].rows_max, rows)
            hour = CellTable(tables[Grid.HOUR].name, len(self.series), tables[Grid.HOUR].rows_max, rows)
            notes = _notes(len(ordered) + len(spans))
            done = kernels.rebuild(
                spans.slot, spans.from_us, spans.to_us, ordered.slot, ordered.time_us, ordered.ticks, self._facts,
                self.calendar.clock, minute.arrays, hour.arrays, self._last, notes,
            )  # fmt: skip
            if done == len(spans):
                return minute, hour, notes
            # Too small: begin again with more room, until a table of the full limit was not enough.
            if minute.capacity >= minute.rows_max:
                minute.check_room(minute.rows_max)
            if hour.capacity >= hour.rows_max:
                hour.check_room(hour.rows_max)
            rows *= 2


def _sorted(batch: ObservationBatch) -> ObservationBatch:
    """Return a batch sorted by slot and time; itself where it is sorted already."""
    slot, time_us = batch.slot, batch.time_us
    if bool(((slot[1:] > slot[:-1]) | ((slot[1:] == slot[:-1]) & (time_us[1:] >= time_us[:-1]))).all()):
        return batch
    return batch.sorted()


def _notes(count: int) -> kernels.Notes:
    return kernels.Notes(
        np.empty(count, np.int64), np.empty((count, 6), np.int64), np.zeros(kernels.TALLY_WIDTH, np.int64)
    )


def _decisions(notes: kernels.Notes) -> Decisions:
    rows = notes.decision[: notes.tally[kernels.DECIDED]]
    return Decisions(
        rows[:, 0].astype(np.int32), rows[:, 1].copy(), rows[:, 2].astype(np.int8),
        rows[:, 3].copy(), rows[:, 4].copy(), rows[:, 5].copy(),
    )  # fmt: skip


def _stretches(late: ObservationBatch) -> Spans:
    """Return one span per slot of late readings, sorted by slot and time: from the first to just after the last."""
    first = np.flatnonzero(np.concatenate(([True], late.slot[1:] != late.slot[:-1]))[: len(late)])
    end = np.append(first[1:], len(late))[: first.size] - 1
    return Spans(late.slot[first], late.time_us[first], late.time_us[end] + 1)


def _pair_hours(ordered: ObservationBatch, last: kernels.Last, facts: kernels.Facts, calendar: Calendar) -> int:
    """Return at least as many hour cells as pairs of sorted readings can add besides those of the readings."""
    if not len(ordered):
        return 0
    slot, time_us = ordered.slot, np.clip(ordered.time_us, calendar.from_us, calendar.to_us)
    before = np.empty_like(time_us)
    before[1:] = time_us[:-1]
    first = np.concatenate(([True], slot[1:] != slot[:-1]))
    known = last.time_us[slot]
    before = np.where(first, np.where(known > TIME_MIN_US, known, time_us), np.maximum(before, known))
    before = np.clip(before, calendar.from_us, time_us)
    reach = np.where(
        facts.kind[slot] == Kind.STATE, np.minimum(time_us - before, facts.hold_us[slot]), time_us - before
    )
    changes = np.searchsorted(calendar.clock.change_us, time_us) - np.searchsorted(calendar.clock.change_us, before)
    # A reach within one hour adds no window beside those of its two readings; the one before may have left memory.
    return int((reach // HOUR_US + 2 * changes).sum()) + int(np.count_nonzero(first))
