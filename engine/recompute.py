"""Windows and indicators of a stretch of time rebuilt from the stored observations, and compared with what is stored.

Knows the way from observations to rows, a piece at a time, through the kernels of the live engine; asks no clock.
Nothing that was computed before is read for it: neighbours, and the hours that an index looks back to, are rebuilt as
well. Flags are found again from the observations too, and compared before the figures that leave some out.

A piece is some whole civil days of all series, so that zones and days are whole. Its minutes are rebuilt for some
series at a time. Rows that differ are told; with `mend` they are also written, as new revisions, and rows that should
not exist are removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from devices import TIME_MIN_US, Registry
from engine.calendar import HOUR_US, MINUTE_US
from engine.cells import Grid
from engine.figures import Figures, counter_events
from engine.indicators import INDICATORS
from engine.quality.weighing import no_cells, taken
from engine.quality_book import QualityBook
from engine.rows import (
    Names,
    Table,
    filled,
    rows_of_cells,
    rows_of_events,
    rows_of_flags,
    rows_of_newest,
    rows_of_parts,
    rows_of_values,
)
from engine.spans import Decisions, Keys, LastReadings, Spans
from engine.store import CellRows, CounterEvent, Difference, Flush, Judged, Registered, Store, ValueRows
from engine.stretch import Step, Stretches
from engine.windows import WindowLimits, Windows
from engine.withheld import Withheld

REASON = "recomputed"
"""Why a closed result changed, in `indicator_revision`."""
DAYS_MAX = 28
"""Longest piece."""
HOUR_CELLS_MAX = 1_000_000
"""Hour cells of a piece of more than one day, at most."""
MINUTE_CELLS_MAX = 1_500_000
READINGS_MAX = 1_500_000
SLOTS_MAX = 500
"""Minutes, readings due and series that are rebuilt at once, at most."""
LOOK_BACK_US = (max(one.lookback_hours for one in INDICATORS) + 1) * HOUR_US
"""Before a piece, so that every window of an index finds the hours it reads."""


class Recomputation:
    """Rebuilds the rows of one partition.

    Args:
        store: with `mend` the owner of the partition's flush duty.
        registry, registered: the city, and the store's ids of it.
        stretches: of the same store.
        now_us: the present time, for the rows that are written.
        mend: write what differs.
        pause: waits a little while the live engine catches up; only asked where nothing is mended.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        registered: Registered,
        stretches: Stretches,
        *,
        now_us: int,
        mend: bool,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._stretches, self._partition = store, stretches, stretches.partition
        self._now_us, self._mend, self._pause = now_us, mend, pause
        self._series = registry.series()
        self._calendar = stretches.calendar
        day_cells = len(self._series) * (LOOK_BACK_US // HOUR_US + 27)
        limits = WindowLimits(minutes_max=1 << 22, hours_max=max(2 * HOUR_CELLS_MAX, day_cells, 1 << 22))
        self._windows = Windows(self._series, self._calendar, registry.catalogue.measurands, limits)
        self._book = QualityBook(store, registry, self._partition)
        withheld = Withheld(store, self._book.judges.excluding, self._calendar)
        self._figures = Figures(registry, registered, self._calendar, self._windows, withheld)
        self._names = Names(registry, registered)
        self._last = LastReadings.none(len(self._series))
        self._boundary = dict.fromkeys(Grid, 0)
        self._minutes_from_us = TIME_MIN_US

    def run(self, from_us: int, to_us: int, progress: Callable[[float], None]) -> Iterator[Step]:
        """Rebuild a stretch of whole civil days, some at a time.

        Args:
            from_us, to_us: whole civil days; see `stretch.Stretches`.
            progress: told how much is done, 0 to 1.

        Raises:
            StoreError
        """
        point = self._store.checkpoint(self._partition)
        self._minutes_from_us = self._stretches.minutes_from_us()
        mark_us = max(self._calendar.from_us, 0 if point is None else point.mark_us)
        self._boundary = {grid: int(self._calendar.start_of(grid, np.array([mark_us], np.int64))[0]) for grid in Grid}
        days = min(max(HOUR_CELLS_MAX // (24 * max(len(self._series), 1)), 1), DAYS_MAX)
        for low_us, high_us in self._stretches.pieces(from_us, to_us, days):
            told = partial(_within, progress, from_us, to_us, low_us, high_us)
            told(0.0)
            piece = partial(self._piece, low_us, high_us, told)
            yield piece() if self._mend else self._stretches.steady(piece, self._pause)
        newest = partial(self._newest, from_us, to_us)
        yield newest() if self._mend else self._stretches.steady(newest, self._pause)

    # ---- one piece -----------------------------------------------------------------------------------------------

    def _piece(self, low_us: int, high_us: int, progress: Callable[[float], None]) -> Step:
        self._last = self._store.last_readings()
        self._windows.resume(self._last)
        reach_us = int(
            self._calendar.start_of(Grid.HOUR, np.array([max(low_us - LOOK_BACK_US, self._calendar.from_us)]))[0]
        )
        rows: dict[str, int] = {}
        differences: list[tuple[str, Difference]] = []
        decisions: list[Decisions] = []

        def note(table: Table) -> None:
            rows[table.name] = rows.get(table.name, 0) + len(table.wanted)
            differences.extend((table.name, one) for one in table.differences())

        portions = list(self._portions(high_us - reach_us))
        for number, slots in enumerate(portions):
            progress(number / (len(portions) + 1))
            decisions.append(self._rebuild(slots, reach_us, high_us))
            note(self._minutes(slots, low_us, high_us))
        for table in (*self._flags(low_us, high_us), *self._rest(decisions, low_us, high_us)):
            note(table)
        self._empty(*Grid)
        self._figures.forget()
        return Step(low_us, high_us, rows, differences)

    def _newest(self, from_us: int, to_us: int) -> Step:
        """Compare what is kept of the newest reading of every series, whenever that was."""
        left_us = self._stretches.left_us()
        with self._store.one_moment():
            stored, wanted = self._store.newest_kept(), self._store.last_readings()
        table = Table.of(
            "newest_part", rows_of_newest(stored, left_us), rows_of_newest(wanted, left_us), self._names.newest
        )
        if self._mend and table.differs:
            self._store.rebuild_newest(self._partition)
        return Step(from_us, to_us, {table.name: len(table.wanted)}, [(table.name, one) for one in table.differences()])

    def _portions(self, length_us: int) -> Iterator[NDArray[np.int32]]:
        """Give all series, so many at a time that their minutes and readings fit."""
        readings = np.cumsum(length_us // np.maximum(self._series.interval_us, MINUTE_US) + 1)
        count_max = max(1, min(SLOTS_MAX, MINUTE_CELLS_MAX // (length_us // MINUTE_US + 1)))
        first = 0
        while first < readings.size:
            before = int(readings[first - 1]) if first else 0
            end = int(np.searchsorted(readings, before + READINGS_MAX, "right"))
            end = min(max(end, first + 1), first + count_max)
            yield np.arange(first, min(end, readings.size), dtype=np.int32)
            first = end

    def _rebuild(self, slots: NDArray[np.int32], reach_us: int, high_us: int) -> Decisions:
        """Rebuild the cells of some series, and return what was decided about their counters."""
        # Nothing lies after the last reading of a series: a state holds, and a counter rises, between two readings.
        heard = slots[self._last.time_us[slots] >= reach_us]
        spans = Spans(heard, np.full(heard.size, reach_us, np.int64), np.full(heard.size, high_us, np.int64))
        observations = self._store.observations(spans, neighbours=True)
        return self._windows.recompute(spans, observations, no_cells()).decisions

    def _minutes(self, slots: NDArray[np.int32], low_us: int, high_us: int) -> Table:
        """Compare the minutes of some series, and let them go."""
        kept_us = min(max(low_us, self._minutes_from_us), high_us)
        wanted = self._wanted(Grid.MINUTE, kept_us)
        stored = self._store.load_cells_of(Grid.MINUTE, slots, kept_us, high_us)
        table = Table.of("bucket_minute", rows_of_cells(stored), rows_of_cells(wanted), self._names.cell)
        if self._mend and table.differs:
            self._store.flush(self._flush({Grid.MINUTE: (table, wanted)}))
        self._empty(Grid.MINUTE)
        return table

    def _flags(self, low_us: int, high_us: int) -> list[Table]:
        """Compare flags, and what figures leave out because of them; none where there are neither rules nor flags."""
        if not self._book.judges.any and not self._store.any_flags():
            return []
        wanted, stored = self._book.wanted(low_us, high_us), self._book.stored(low_us, high_us)
        parts, standing = self._book.parts(wanted), self._book.stored_parts(low_us, high_us)
        flags = Table.of("observation_flag", rows_of_flags(stored), rows_of_flags(wanted), self._names.flag)
        excluded = Table.of("window_excluded", rows_of_parts(standing), rows_of_parts(parts), self._names.cell)
        if self._mend and (flags.differs or excluded.differs):
            other = np.zeros(len(parts), np.bool_)
            other[excluded.to_write] = True
            gone = excluded.stored.key[excluded.extra]
            self._store.write_judged(
                Judged(
                    stored.without(wanted), wanted.without(stored), taken(parts, other),
                    Keys(gone[:, 0].astype(np.int32), gone[:, 1]), np.empty(0, np.int64),
                )
            )  # fmt: skip
        return [flags, excluded]

    def _rest(self, decisions: Sequence[Decisions], low_us: int, high_us: int) -> list[Table]:
        """Compare hours, days, counter events and results."""
        cells: dict[Grid, tuple[Table, CellRows]] = {}
        for grid, name in ((Grid.HOUR, "window_hour"), (Grid.DAY, "window_day")):
            wanted = self._wanted(grid, low_us)
            stored = self._store.load_cells_between(grid, low_us, high_us)
            cells[grid] = Table.of(name, rows_of_cells(stored), rows_of_cells(wanted), self._names.cell), wanted
        made = [one for one in counter_events(decisions) if low_us <= one.time_us < high_us]
        known = self._store.load_events_between(low_us, high_us)
        events = Table.of("counter_event", rows_of_events(known), rows_of_events(made), self._names.event)
        found, due = self._store.load_values_between(low_us, high_us), self._values(low_us, high_us)
        found = found.take(self._names.knows(found))
        values = Table.of("indicator_value", rows_of_values(found), rows_of_values(due), self._names.value)
        tables = [*(table for table, _ in cells.values()), events, values]
        if self._mend and any(table.differs for table in tables):
            slots = np.unique(events.differing_keys()[:, 0]).astype(np.int32)
            self._store.flush(
                self._flush(
                    cells,
                    values=due.take(values.to_write),
                    values_gone=found.take(values.extra),
                    events=[one for one in made if one.slot in set(slots.tolist())],
                    decided=Spans(slots, np.full(slots.size, low_us), np.full(slots.size, high_us)),
                )
            )
        return tables

    def _values(self, low_us: int, high_us: int) -> ValueRows:
        """Return the results of all windows of a piece."""
        hours = self._windows.held(Grid.HOUR)
        changed = [Keys(hours.slot, hours.start_us)]
        results = {
            grid: self._figures.evaluate(
                grid, changed, latest_us=high_us, bring=lambda _cells: None, between=(low_us, high_us)
            )
            for grid in (Grid.HOUR, Grid.DAY)
        }
        rows = self._figures.value_rows(results, self._boundary)
        if rows is None:
            raise TypeError("hours and days have results, if none")
        return rows

    def _flush(
        self,
        cells: dict[Grid, tuple[Table, CellRows]],
        *,
        values: ValueRows | None = None,
        values_gone: ValueRows | None = None,
        events: Sequence[CounterEvent] = (),
        decided: Spans | None = None,
    ) -> Flush:
        gone = {grid: table.stored.key[table.extra] for grid, (table, _) in cells.items()}
        return Flush(
            computed_us=self._now_us,
            cells={grid: wanted.take(table.to_write) for grid, (table, wanted) in cells.items()},
            values=values,
            events=events,
            decided=decided,
            reason=REASON,
            partition=self._partition,
            gone={grid: Keys(key[:, 0].astype(np.int32), key[:, 1]) for grid, key in gone.items()},
            values_gone=values_gone,
        )

    def _wanted(self, grid: Grid, low_us: int) -> CellRows:
        """Return the rebuilt cells of a piece that hold anything, with what was due."""
        cells = self._windows.held(grid)
        return self._figures.cell_rows(grid, filled(cells, cells.start_us >= low_us), self._boundary[grid])

    def _empty(self, *grids: Grid) -> None:
        for grid in grids:
            self._windows.settle(grid, self._windows.dirty(grid))
            self._windows.evict(grid, self._calendar.to_us)


def _within(
    progress: Callable[[float], None], from_us: int, to_us: int, low_us: int, high_us: int, done: float
) -> None:
    """Tell how much of the whole is done when so much of a piece is."""
    progress((low_us - from_us + done * (high_us - low_us)) / (to_us - from_us))
