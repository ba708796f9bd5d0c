"""From cells and decisions to the rows that are written: indicator values, coverage, counter events.

Knows the catalogue, one worker's series and the store's ids of them; reads cells in memory, less what is to be left out
of them, and writes nothing. The live engine and the recomputation share it: that is why they agree to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from devices import Registry
from engine.calendar import HOUR_US, Calendar, expected
from engine.cells import Cells, Grid
from engine.indicators import DIRTY_CELLS_MAX, INDICATORS, Evaluator, Indicator, Results, Work
from engine.indicators.recent import RecentHours
from engine.indicators.work import Exclusions, Required
from engine.kernels import DIP, RESET, ROLLOVER
from engine.spans import Decisions, Keys
from engine.store import NO_TICKS, NONE, CellRows, CounterEvent, Registered, ValueRows
from engine.windows import Windows

DIRTY_PER_WORK = 50_000
"""Dirty hour cells evaluated at once, where they are of many hours: each of them makes windows of its own."""
HOURS_AT_ONCE = 3
"""Cells of so few hours are evaluated together, as many as there may be: a window that is in two portions is computed
twice."""
SITE = "site"
"""Column of `devices.csv` that says where a station stands; `traffic` matters to the European index."""
DECISION_NAMES = {ROLLOVER: "rollover", RESET: "reset", DIP: "dip"}


class Figures:
    """Indicators of one worker's series, with the ids under which they are stored.

    Args:
        registry, registered: the city, and the store's ids of it.
        calendar: of the city.
        windows: the cells to read.
        exclusions: what is left out of them; nothing is without.
    """

    def __init__(
        self,
        registry: Registry,
        registered: Registered,
        calendar: Calendar,
        windows: Windows,
        exclusions: Exclusions | None = None,
    ) -> None:
        self._series, self._calendar, self._windows = windows.series, calendar, windows
        self._exclusions = exclusions
        self._ids = registered
        # Of the cells of both grids one evaluator has read most when the other asks for them.
        self._recent = RecentHours(len(self._series))
        traffic = np.array([device.attributes.get(SITE, "") == "traffic" for device in registry.devices], np.bool_)
        self._evaluators = {
            grid: Evaluator(
                self._series, registry.catalogue.measurands, zone_count=len(registry.city.zones),
                device_count=len(registry.devices), calendar=calendar,
                catalogue=tuple(one for one in INDICATORS if one.window is grid), traffic=traffic,
                recent=self._recent,
            )
            for grid in (Grid.HOUR, Grid.DAY)
        }  # fmt: skip
        self._indicator_at = {
            grid: np.array([i for i, one in enumerate(INDICATORS) if one.window is grid], np.intp)
            for grid in self._evaluators
        }

    def catalogue(self, grid: Grid) -> tuple[Indicator, ...]:
        """Return the definitions over hours or over days, in the order in which results count them."""
        return self._evaluators[grid].catalogue

    def forget(self) -> None:
        """Drop what is remembered of cells that have left or were put in otherwise."""
        for evaluator in self._evaluators.values():
            evaluator.forget()

    def evaluate(
        self,
        grid: Grid,
        changed: Sequence[Keys],
        *,
        latest_us: int,
        bring: Callable[[Required], None],
        between: tuple[int, int] | None = None,
    ) -> Results:
        """Return the figures that these hour cells change, each (indicator, scope, window) once.

        Args:
            grid: hours or days.
            changed: hour cells.
            latest_us: start of the newest hour that has data.
            bring: sees to it that the cells it is told are in memory.
            between: only windows that start in this stretch of time.
        """
        slots = np.concatenate([keys.slot for keys in changed])
        hours_us = np.concatenate([keys.start_us for keys in changed])
        size = DIRTY_PER_WORK
        if slots.size > size and int(hours_us.max() - hours_us.min()) < HOURS_AT_ONCE * HOUR_US:
            size = DIRTY_CELLS_MAX
        if slots.size > size:
            # By time, so that a window falls into one portion, two at most: else each would evaluate all of them.
            order = np.argsort(hours_us, kind="stable")
            slots, hours_us = slots[order], hours_us[order]
            # Each portion reads hours of those that follow.
            self._recent.changed(slots, hours_us, latest_us)
        evaluator = self._evaluators[grid]
        parts = []
        for at in range(0, slots.size, size):
            end = at + size
            work = evaluator.affected(slots[at:end], hours_us[at:end], latest_us=latest_us)
            if between is not None:
                low, high = between
                work = Work(tuple(item for item in work.items if low <= item.start_us < high), work.serial)
            for required in evaluator.required(work):
                bring(required)
            if self._exclusions is not None:
                self._exclusions.forget()
                for required in evaluator.required(work, remembered=True):
                    self._exclusions.bring(required)
            parts.append(evaluator.evaluate(work, self._windows, self._exclusions))
        found = Results.concat(parts)
        if len(parts) < 2 or not len(found):
            return found
        # A zone may be in several parts; the last one saw them all.
        order = np.lexsort((np.arange(len(found)), found.start_us, found.scope, found.indicator))
        same = (
            (np.diff(found.start_us[order]) == 0)
            & (np.diff(found.scope[order]) == 0)
            & (np.diff(found.indicator[order]) == 0)
        )
        return found.take(order[np.append(~same, True)])

    def cell_rows(self, grid: Grid, cells: Cells, boundary_us: int) -> CellRows:
        """Return cells with what was due in each; those that start before the boundary are closed."""
        end_us = self._calendar.end_of(grid, cells.start_us)
        due = expected(self._series, cells.slot, cells.start_us, end_us)
        return CellRows(cells, due, cells.start_us < boundary_us)

    def value_rows(self, results: Mapping[Grid, Results], boundary: Mapping[Grid, int]) -> ValueRows | None:
        """Return results with the store's ids, the hours' first; those before their boundary are closed."""
        ids, parts = self._ids, []
        scopes = np.concatenate((np.array([ids.city_scope], np.int32), ids.zone_scope, ids.station_scope))
        drivers = np.append(ids.measurand_id, np.int32(NONE))  # position -1 is none
        for grid, rows in results.items():
            parts.append(
                (
                    ids.indicator_id[self._indicator_at[grid]][rows.indicator],
                    scopes[rows.scope],
                    rows.start_us,
                    np.where(rows.known, rows.ticks, NO_TICKS),
                    rows.band.astype(np.int16),
                    drivers[rows.driver],
                    rows.received,
                    rows.expected,
                    rows.start_us < boundary[grid],
                )
            )
        return ValueRows(*(np.concatenate(column) for column in zip(*parts, strict=True))) if parts else None


def counter_events(made: Iterable[Decisions]) -> list[CounterEvent]:
    """Return decisions as they are stored, the latest about each reading."""
    events: dict[tuple[int, int], CounterEvent] = {}
    for one in made:
        columns = (one.slot, one.time_us, one.kind, one.before, one.after)
        for slot, at, kind, before, after in zip(*(column.tolist() for column in columns), strict=True):
            events[slot, at] = CounterEvent(slot, at, DECISION_NAMES[kind], before, after)
    return list(events.values())
