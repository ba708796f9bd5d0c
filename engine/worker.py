"""The engine's loop: observations that were stored become windows and indicator values in the store.

Owns the cycle, the retries and the checkpoint. Arithmetic lives in `windows`, formulas in `indicators`, SQL in `store`.

What survives a crash. Whatever was absorbed but not yet written is rebuilt from the stored observations: all hours from
the checkpoint's mark on, and before the mark exactly the hours that the commits noted as pending, and those over which
a counter or a state reaches from before the mark to after it. The mark moves in two steps, because commits go on
meanwhile: first it is announced, and commits begin to note what lies before it; only when a commit made under the
announced mark has arrived here, and everything is written, does the checkpoint take it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from devices import TIME_MIN_US, ObservationBatch, Registry, SeriesTable
from engine.calendar import HOUR_US, Calendar
from engine.cells import Cells, Grid
from engine.desk import Desk
from engine.errors import CellsFullError
from engine.figures import Figures, counter_events
from engine.housekeeping import Housekeeping, HousekeepingCounts
from engine.inbox import Inbox, Stored
from engine.indicators import INDICATORS, Indicator, Results
from engine.listening import Report
from engine.pace import Pace
from engine.quality import Judges
from engine.settings import SilenceSettings, WorkerSettings
from engine.spans import Decisions, Keys, LastReadings, Spans
from engine.store import (
    CounterEvent,
    Duty,
    Flush,
    Registered,
    Store,
    StoreUnavailable,
)
from engine.watch import Watch
from engine.watermark import NOBODY, Watermark
from engine.windows import Recomputed, WindowLimits, Windows
from engine.withheld import Withheld

log = logging.getLogger("engine")

NEVER_US = 0
"""A mark before every admitted time: nothing is known to be written."""
RETRY_S_FIRST, RETRY_S_MAX = 0.2, 5.0
RECOVER_CELLS_MAX = 100_000
"""Changed hours after which recovery writes what it has."""
DAY_HOURS_MAX = 25
KEPT_MAX = 200_000
"""Cells that may stay in memory beyond the open windows' until the next minute closes, 16 MB."""
FLAGGED = "flagged readings"
"""Why a closed result changed, in `indicator_revision`: other readings are excluded than before."""
CHANGED_MAX = 500
"""Hours of which something else is excluded whose figures are computed at once: an index reads all stations for it."""


@dataclass(slots=True)
class WorkerCounts:
    """Totals since the start; they only rise.

    Attributes:
        cycles, settles: how often hours, and everything, was written.
        results: indicator values written.
        retries: attempts that the database's absence made necessary.
        restated: spans recomputed because of late readings.
        recovered: spans recomputed at the start.
        reweighed: hours whose figures were computed again because other readings are excluded.
    """

    cycles: int = 0
    settles: int = 0
    results: int = 0
    retries: int = 0
    restated: int = 0
    recovered: int = 0
    reweighed: int = 0


class ResultSink(Protocol):
    """Who is told of written results; must not block."""

    def __call__(self, catalogue: tuple[Indicator, ...], results: Results, closed: NDArray[np.bool_]) -> None:
        """Take the results of one flush; `closed` tells per row whether its window is closed."""
        ...


@dataclass(slots=True)
class _Due:
    """What has changed and is not written yet, beside the dirty cells themselves."""

    decisions: list[Decisions] = field(default_factory=list)
    hours: dict[Grid, list[Keys]] = field(default_factory=lambda: {Grid.HOUR: [], Grid.DAY: []})
    late: list[Spans] = field(default_factory=list)
    spans: list[Spans] = field(default_factory=list)
    to_judge: list[Keys] = field(default_factory=list)


class Worker:
    """One engine over the series of one partition.

    Everything but `inbox`, `mark_us`, `reweigh` and `status` is its thread's.

    Args:
        store: a connection for this worker alone, which owns the partition's flush duty.
        registry, registered: the city, and the store's ids of it.
        clock_us: the present time, microseconds UTC.
        sink: told of every written result.
        silence: when somebody counts as silent.
        ear: until when everything that came is committed; without one, until now.
        written: told which hours were written, and whether all days of them are written too; must not block.

    Attributes:
        inbox: where the committer puts what it stored.
        reweigh: set by whoever changes what is excluded; the figures of these hours follow with the next full round.
        counts: totals.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        registered: Registered,
        settings: WorkerSettings,
        *,
        clock_us: Callable[[], int],
        sink: ResultSink | None = None,
        limits: WindowLimits | None = None,
        silence: SilenceSettings | None = None,
        ear: Callable[[], Report] | None = None,
        written: Callable[[NDArray[np.int64], bool], None] | None = None,
    ) -> None:
        self.settings = settings
        self.inbox = Inbox(settings.inbox_max)
        self.counts = WorkerCounts()
        self._store, self._clock_us, self._sink, self._written = store, clock_us, sink, written
        self._series = registry.series()
        self._calendar = Calendar(registry.city.zone_info)
        self._windows = Windows(self._series, self._calendar, registry.catalogue.measurands, limits)
        judges = Judges(registry)
        self._concerned = judges.concerned if judges.any else None
        withheld = Withheld(store, judges.excluding, self._calendar) if judges.excluding.any() else None
        self.reweigh = threading.Event()
        self._desk = Desk(self._windows, store)
        self._watermark = Watermark(max(len(registry.gateways), 1), settings.idle_us)
        self._gateways = registry.gateways
        self._figures = Figures(registry, registered, self._calendar, self._windows, withheld)
        self._watch = Watch(
            store, registry, silence or SilenceSettings(), partition=settings.partition, clock_us=clock_us,
            ear=ear or (lambda: Report(clock_us())),
        )  # fmt: skip
        self._look_back = _look_back(self._series, registry)
        self._house = Housekeeping(store, settings)
        self._pace = Pace(settings.cycle_s, self._series)
        self._due = _Due()
        self._arrived: deque[ObservationBatch] = deque()
        self._mark_announced = self._mark_arrived = self._mark_reached = self._mark_written = NEVER_US
        self._commit_arrived = self._commit_applied = self._commit_written = 0
        self._closed_to = dict.fromkeys(Grid, NEVER_US)
        self._settled_s = self._settling_s = 0.0
        self._evicted_us = self._evicted_hour_us = NEVER_US
        self._held_max = 0

    # ---- for other threads -----------------------------------------------------------------------------------

    @property
    def mark_us(self) -> int:
        """Commits note what they accept before this time as pending."""
        return self._mark_announced

    @property
    def watermark_us(self) -> int:
        """How far time has come by the readings; TIME_MIN_US before any came."""
        return self._watermark.value(self._clock_us())

    def status(self) -> dict[str, object]:
        """Return where the engine stands, for metrics and people."""
        now_us = self._clock_us()
        watermark_us = self._watermark.value(now_us)
        holder = self._watermark.holder(now_us)
        return {
            "watermark_us": watermark_us if watermark_us > NEVER_US else None,
            "watermark_held_by": None if holder == NOBODY else self._gateways[holder],
            "inbox_observations": self.inbox.observations,
            "inbox_pauses": self.inbox.pauses,
            "commit_applied": self._commit_applied,
            "commit_written": self._commit_written,
            "cells": {grid.name.lower(): self._windows.cells(grid) for grid in Grid},
            "memory_bytes": self._windows.nbytes,
            "silence": self._watch.status(),
            **{name: getattr(self.counts, name) for name in WorkerCounts.__dataclass_fields__},
            **{name: getattr(self._house.counts, name) for name in HousekeepingCounts.__dataclass_fields__},
            **{f"windows_{name}": count for name, count in self._windows.counts.as_dict().items()},
        }

    # ---- life ------------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Take up where the last run ended: rebuild what it may not have written. Call it before any commit.

        Raises:
            StoreError
        """
        partition = self.settings.partition
        point = self._store.checkpoint(partition)
        mark_us = point.mark_us if point is not None else NEVER_US
        last = self._store.last_readings()
        self._windows.resume(last, floor_us=mark_us)
        self._closed_to = {grid: self._start_of(grid, mark_us) for grid in Grid}
        self._mark_announced = self._mark_reached = self._mark_written = mark_us
        newest_us = int(last.time_us.max(initial=TIME_MIN_US))
        pending = self._store.pending(partition)
        if newest_us >= mark_us:
            self._recover_from(mark_us, last)
        known = pending.slot >= 0
        if known.any():
            log.info("restating %d hours that came late before the last stop", int(known.sum()))
            hours = Spans(pending.slot[known], pending.hour_us[known], pending.hour_us[known] + HOUR_US).merged()
            self._note(self._desk.restate(hours))
            self.counts.recovered += len(hours)
        self._commit_applied = self._commit_arrived = self._store.last_commit(partition)
        heard = np.flatnonzero(last.time_us > NEVER_US)
        self._watermark.observe(self._series.gateway[heard], last.time_us[heard], self._clock_us())
        self._watch.recover()
        self.reweigh.set()
        self._settle()

    def _recover_from(self, mark_us: int, last: LastReadings) -> None:
        """Rebuild every hour from the mark on, of the series that have readings there, some at a time."""
        slots = np.flatnonzero(last.time_us >= mark_us).astype(np.int32)
        log.info("rebuilding the windows of %d series from their observations", slots.size)
        first_us = np.clip(self._desk.since(slots, mark_us), self._calendar.from_us, self._calendar.to_us - 1)
        last_us = np.clip(last.time_us[slots], self._calendar.from_us, self._calendar.to_us - 1)
        spans = Spans(
            slots, self._calendar.start_of(Grid.HOUR, first_us), self._calendar.end_of(Grid.HOUR, last_us)
        )  # fmt: skip
        for part in self._desk.portions(spans):
            self._note([self._desk.recompute(part)])
            self.counts.recovered += len(part)
            if self._windows.dirty_cells(Grid.HOUR) > RECOVER_CELLS_MAX:
                self._write(full=True, partial=True)
                self._let_go()

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set and the inbox is empty, then write everything down.

        Raises:
            StoreError: anything that waiting for the database cannot mend; or its absence while stopping.
        """
        while not (stop.is_set() and self.inbox.empty):
            began = time.monotonic()
            self._watch.look()
            taken = self.inbox.take(self.settings.cycle_s, self.settings.absorb_max)
            self._accept(taken)
            self._patiently(self._work_off, stop)
            if (not taken or self._settling_is_due()) and self._unsettled():
                self._patiently(self._settle, stop)
            elif taken:
                self._patiently(self._cycle, stop)
            self._patiently(self._watch.step, stop)
            self._house.turn(self._clock_us(), self._newest_us)
            if taken:
                stop.wait(self._pace.rest_s(began, time.monotonic(), sum(len(stored.batch) for stored in taken)))
        self._patiently(self._settle, stop)
        self._patiently(self._watch.close, stop)

    def conclude(self, lateness_us: int) -> None:
        """Close what is over by the allowed lateness given, once `run` has returned and nobody commits any more.

        No commit is under way, so that the mark need not be announced first.

        Raises:
            StoreError
        """
        self.settings = replace(self.settings, lateness_us=lateness_us)
        boundary_us = self._boundary(Grid.HOUR, self._clock_us())
        self._mark_announced = self._mark_reached = max(self._mark_announced, boundary_us)
        self._settle()

    def conclude_flags(self) -> None:
        """Compute again what rests on readings that were flagged since, once `run` has returned.

        Raises:
            StoreError
        """
        while self.reweigh.is_set():
            self._settle()

    def _settling_is_due(self) -> bool:
        """Say whether everything is to be written although readings keep coming."""
        if self._windows.dirty_cells(Grid.MINUTE) > self.settings.dirty_minutes_max:
            return True
        return time.monotonic() - self._settled_s >= max(self.settings.settle_s, 4 * self._settling_s)

    def _patiently(self, step: Callable[[], None], stop: threading.Event) -> None:
        """Do a step that may be done again, until the database lets it through."""
        wait_s = RETRY_S_FIRST
        away, since_us = False, 0
        while True:
            try:
                if away:
                    # Before anything else: without a connection nothing is owned, and a step would say so for good.
                    self._store.reconnect()
                    self._store.own(self.settings.partition, Duty.FLUSH)
                    self._watch.database_away(since_us, self._clock_us())
                    away = False
                step()
            except StoreUnavailable as error:
                self.counts.retries += 1
                since_us = since_us if away else self._clock_us()
                log.log(logging.DEBUG if away else logging.WARNING, "the engine waits for the database: %s", error)
                away = True
                if stop.is_set():
                    raise
                stop.wait(wait_s)
                wait_s = min(2 * wait_s, RETRY_S_MAX)
            else:
                return

    # ---- one round -------------------------------------------------------------------------------------------

    def _accept(self, taken: list[Stored]) -> None:
        """Take note of commits; what they hold is worked off by `_work_off`."""
        if taken:
            # As one batch: order and grouping change nothing, and every kernel waits its turn among the threads.
            self._arrived.append(ObservationBatch.concat([stored.batch for stored in taken]))
            self._commit_arrived = taken[-1].commit_id
            self._mark_arrived = taken[-1].mark_us
        self._watch.take(taken, self.inbox.first_us())

    def _work_off(self) -> None:
        """Count everything that arrived. May be called again after a failure: nothing is counted twice."""
        while self._arrived:
            batch = self._arrived[0]
            self._desk.bring(self._windows.missing(batch))
            try:
                absorbed = self._windows.absorb(batch)
            except CellsFullError:
                if len(batch) == 1:
                    raise
                self._make_room()
                middle = len(batch) // 2
                self._arrived.popleft()
                self._arrived.extendleft((batch.take(np.arange(middle, len(batch))), batch.take(np.arange(middle))))
                continue
            self._arrived.popleft()
            self._watermark.observe(self._series.gateway[batch.slot], batch.time_us, self._clock_us())
            self._due.decisions.append(absorbed.decisions)
            if len(absorbed.late):
                self._due.late.append(absorbed.late)
        while self._due.late:
            self._note(self._desk.restate(self._due.late[0]))
            self.counts.restated += len(self._due.late.pop(0))
        self._commit_applied, self._mark_reached = self._commit_arrived, self._mark_arrived

    def _make_room(self) -> None:
        """Write all cells and let them go; what is needed again comes back from the store.

        Their indicators wait for the next round: looking back for them would need the very room that is lacking.
        """
        self._write(full=True, partial=True, evaluate=False)
        self._let_go()

    def _let_go(self) -> None:
        """Empty the memory of everything that is written."""
        for grid in Grid:
            self._windows.evict(grid, self._newest_us() + 1)
        self._desk.forget_empty()

    def _newest_us(self) -> int:
        """Return the time of the newest observation of all."""
        return int(self._windows.last().time_us.max(initial=TIME_MIN_US))

    def _unsettled(self) -> bool:
        """Say whether something is not written yet that only a full round writes."""
        return (
            self._commit_applied != self._commit_written
            or self._boundary(Grid.HOUR, self._clock_us()) > self._closed_to[Grid.HOUR]
            or self.reweigh.is_set()
        )

    def _cycle(self) -> None:
        self._write(full=False)
        self.counts.cycles += 1

    def _settle(self) -> None:
        began = time.monotonic()
        self._write(full=True)
        if self.reweigh.is_set():
            self._reweigh()
        self._evict()
        self._settled_s = time.monotonic()
        self._settling_s = self._settled_s - began
        self.counts.settles += 1

    def _reweigh(self) -> None:
        """Compute again the figures of hours of which something else is excluded; everything else is written.

        These hours are known to the store until their figures are, so a crash between loses nothing.
        """
        self.reweigh.clear()
        try:
            due = self._store.changed_hours(CHANGED_MAX)
            if not due.changes.size:
                return
            known = due.keys.slot >= 0
            hours = Keys(due.keys.slot[known], due.keys.start_us[known])
            results = {grid: self._evaluate(grid, [hours]) for grid in (Grid.HOUR, Grid.DAY)}
            self._store.flush(
                Flush(
                    computed_us=self._clock_us(), values=self._figures.value_rows(results, self._closed_to),
                    weighed=due.changes, reason=FLAGGED, partition=self.settings.partition,
                )
            )  # fmt: skip
        except BaseException:
            self.reweigh.set()
            raise
        if due.changes.size == CHANGED_MAX:
            self.reweigh.set()
        self.counts.reweighed += len(hours)
        self.counts.results += sum(len(rows) for rows in results.values())
        self._tell(results, self._closed_to)
        if self._written is not None:
            self._written(hours.start_us, True)

    def _boundary(self, grid: Grid, now_us: int) -> int:
        """Return the start of the first window that is still open."""
        reached_us = self._watermark.value(now_us) - self.settings.lateness_us
        if reached_us <= self._closed_to[grid]:
            return self._closed_to[grid]
        start = int(self._calendar.start_of(grid, np.array([reached_us], np.int64))[0])
        return max(start, self._closed_to[grid])

    def _write(self, *, full: bool, partial: bool = False, evaluate: bool = True) -> None:
        """Write what changed, in one transaction: hours and their indicators, and with `full` all the rest.

        Args:
            full: also minutes, days and the checkpoint.
            partial: commits are only half counted, so the checkpoint must not take them as done.
            evaluate: also the indicators of what changed.
        """
        now_us = self._clock_us()
        grids = tuple(Grid) if full else (Grid.HOUR,)
        boundary = {grid: self._boundary(grid, now_us) for grid in grids}
        cells = {grid: self._windows.dirty(grid) for grid in grids}
        # What was written before without its indicators is due as well: days wait for a full round.
        hours = Keys(cells[Grid.HOUR].slot, cells[Grid.HOUR].start_us)
        to_judge = [*self._due.to_judge, *self._to_be_judged(hours)]
        evaluated = (Grid.HOUR, Grid.DAY) if full else (Grid.HOUR,)
        results = {grid: self._evaluate(grid, [*self._due.hours[grid], hours]) for grid in evaluated if evaluate}
        whole = full and not partial
        mark_us = self._mark_announced if whole and self._mark_reached >= self._mark_announced else self._mark_written
        self._store.flush(
            self._flush(
                cells, results, boundary, now_us,
                mark_us=mark_us if whole else None, through=self._commit_applied if whole else None,
                to_judge=_all(to_judge) if full and to_judge else None,
            )
        )  # fmt: skip
        self._due.to_judge = [] if full else to_judge
        self._closed_to.update(boundary)
        for grid, written in cells.items():
            self._windows.settle(grid, written)
        self._due.decisions.clear()
        self._due.spans.clear()
        for grid, due in self._due.hours.items():
            if grid in results:
                due.clear()
            elif len(hours):
                due.append(hours)
        if whole:
            self._commit_written, self._mark_written = self._commit_applied, mark_us
            if mark_us >= self._mark_announced:
                self._mark_announced = max(self._mark_announced, boundary[Grid.HOUR])
        self.counts.results += sum(len(rows) for rows in results.values())
        self._tell(results, boundary)
        if self._written is not None:
            self._written(hours.start_us, full)

    def _flush(
        self,
        cells: Mapping[Grid, Cells],
        results: Mapping[Grid, Results],
        boundary: Mapping[Grid, int],
        now_us: int,
        *,
        mark_us: int | None,
        through: int | None,
        to_judge: Keys | None,
    ) -> Flush:
        rows = {grid: self._figures.cell_rows(grid, found, boundary[grid]) for grid, found in cells.items()}
        decided, events = self._decided()
        return Flush(
            computed_us=now_us,
            cells=rows,
            values=self._figures.value_rows(results, boundary),
            close={
                grid: (self._closed_to[grid], end_us)
                for grid, end_us in boundary.items()
                if end_us > self._closed_to[grid]
            },
            events=events,
            decided=decided,
            mark_us=mark_us,
            through_commit=through,
            partition=self.settings.partition,
            to_judge=to_judge,
        )  # fmt: skip

    def _to_be_judged(self, hours: Keys) -> list[Keys]:
        """Return those hours whose series rules look at: they are due once their days are written too."""
        if self._concerned is None:
            return []
        of = self._concerned[hours.slot]
        return [Keys(hours.slot[of], hours.start_us[of])] if of.any() else []

    def _decided(self) -> tuple[Spans | None, list[CounterEvent]]:
        """Return the spans whose counter decisions are replaced, and the decisions, the latest of each reading."""
        events = counter_events(self._due.decisions)
        spans = self._due.spans
        if not spans:
            return None, events
        joined = Spans(*(np.concatenate([getattr(s, c) for s in spans]) for c in ("slot", "from_us", "to_us"))).merged()
        return joined, events

    def _note(self, recomputed: list[Recomputed]) -> None:
        for one in recomputed:
            # What was decided in this same round and is not written yet is replaced as well.
            self._due.decisions = [made.outside(one.spans) for made in self._due.decisions if len(made)]
            self._due.decisions.append(one.decisions)
            self._due.spans.append(one.spans)

    def _evaluate(self, grid: Grid, changed: list[Keys]) -> Results:
        """Return the figures that these hour cells change, each (indicator, scope, window) once."""
        latest_us = self._start_of(Grid.HOUR, int(self._windows.last().time_us.max(initial=NEVER_US)))
        return self._figures.evaluate(grid, changed, latest_us=latest_us, bring=self._desk.bring)

    def _evict(self) -> None:
        """Let written cells go that no open window and no indicator needs."""
        open_us, minute_us = (self._boundary(grid, self._clock_us()) for grid in (Grid.HOUR, Grid.MINUTE))
        if open_us <= NEVER_US:
            return
        if minute_us == self._evicted_us and self._held() <= self._held_max:
            # What one late reading had to read from the store, the next one most likely reads as well.
            return
        self._windows.evict(Grid.MINUTE, minute_us)
        if open_us != self._evicted_hour_us or self._held() > self._held_max:
            # Hours and days are millions of cells, of which only the end of an hour makes some superfluous.
            self._windows.evict(Grid.HOUR, open_us - HOUR_US, keep_us=self._look_back)
            self._windows.evict(Grid.DAY, self._start_of(Grid.DAY, open_us))
            self._evicted_hour_us = open_us
        self._desk.forget_empty()
        self._evicted_us, self._held_max = minute_us, self._held() + KEPT_MAX

    def _held(self) -> int:
        """Return how many cells are in memory, and how many are known not to be stored."""
        return self._desk.empty + sum(self._windows.cells(grid) for grid in Grid)

    def _start_of(self, grid: Grid, time_us: int) -> int:
        inside = min(max(time_us, NEVER_US), self._calendar.to_us - 1)
        inside = max(inside, self._calendar.from_us) if grid is not Grid.MINUTE else inside
        return int(self._calendar.start_of(grid, np.array([inside], np.int64))[0])

    def _tell(self, results: Mapping[Grid, Results], boundary: Mapping[Grid, int]) -> None:
        if self._sink is None:
            return
        for grid, rows in results.items():
            if len(rows):
                self._sink(self._figures.catalogue(grid), rows, rows.start_us < boundary[grid])


def _all(parts: list[Keys]) -> Keys:
    return Keys(np.concatenate([part.slot for part in parts]), np.concatenate([part.start_us for part in parts]))


def _look_back(series: SeriesTable, registry: Registry) -> NDArray[np.int64]:
    """Return, per slot, how far back of the open hour is read what is made of hours: 0 for what nothing is made of."""
    reach = np.zeros(len(registry.catalogue.measurands), np.int64)
    for one in INDICATORS:
        if not one.reads_hours:
            continue
        hours = one.lookback_hours + (DAY_HOURS_MAX if one.window is Grid.DAY else 0)
        for code in one.inputs:
            at = registry.catalogue.index(code)
            reach[at] = max(reach[at], hours * HOUR_US)
    return np.asarray(reach[series.measurand])
