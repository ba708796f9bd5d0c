"""Cells of civil days from observations alone, through the live engine's kernels: what `kpi_days` has from a store.

Knows series, windows in memory and which hours inputs ask for; knows neither a store nor where observations lie. Days
are taken in their order, so that nothing comes late: a counter's rise and a state's time are shared out as they were
when the readings came, with the nearest reading before the period and after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from devices import Kind, ObservationBatch, Registry
from devices.series import TIME_MIN_US
from engine.calendar import expected, promised_an_hour
from engine.cell_table import keys_of
from engine.cells import Cells, Grid
from engine.kpi import WHOLE, Clock, DayCells, KpiPeriod, Sensed, clock_hours
from engine.kpi_days import joined_days
from engine.rows import filled
from engine.spans import LastReadings
from engine.windows import WindowLimits, Windows

Progress = Callable[[float], None]
"""Told how much is done, 0 to 1."""
BESIDE_DAYS_MAX: Final = 400
"""Days with readings, before the period and after it, in which a register's or a state's neighbour is looked for."""
_LIMITS: Final = WindowLimits(minutes_max=1 << 26, hours_max=1 << 26, days_max=1 << 26)
_EVERY_DAY: Final = tuple(range(1, 8))


class RawDays(Protocol):
    """Observations by civil day."""

    def days(self) -> Sequence[date]:
        """Return the days of which there is anything, in order."""

    def readings(self, day: date) -> Iterator[ObservationBatch]:
        """Give the readings of a day, in the registry's slots, some series at a time, each sorted by time."""


def raw_day_cells(
    raw: RawDays, registry: Registry, sensed: Sensed, period: KpiPeriod, progress: Progress = lambda _: None
) -> DayCells:
    """Return the cells of a period of whole civil days that inputs ask for; rules of quality leave nothing out of them.

    Args:
        raw: observations; days in which nothing came may lack.
        registry: the city.
        sensed: which series and hours inputs ask for.
        period: of whole civil days.
        progress: told how much is done.
    """
    work = _Work(raw, registry, sensed, period)
    work.begin([day for day in raw.days() if day < period.first][-BESIDE_DAYS_MAX:])
    inside = [day for day in raw.days() if period.first <= day <= period.last]
    for number, day in enumerate(inside):
        progress(number / len(inside))
        work.take(day)
    work.end([day for day in raw.days() if day > period.last][:BESIDE_DAYS_MAX])
    progress(1.0)
    return work.cells()


def days_read(days: Sequence[date], period: KpiPeriod) -> list[date]:
    """Return the days that are read for a period: its own, and those beside it that say where registers stood."""
    before, after = ([day for day in days if day < period.first], [day for day in days if day > period.last])
    inside = [day for day in days if period.first <= day <= period.last]
    return [*before[-BESIDE_DAYS_MAX:], *inside, *after[:BESIDE_DAYS_MAX]]


class _Work:
    """Windows in memory over one period."""

    def __init__(self, raw: RawDays, registry: Registry, sensed: Sensed, period: KpiPeriod) -> None:
        self._raw, self._sensed, self._period = raw, sensed, period
        self._calendar, self._series = sensed.calendar, sensed.series
        self._questions = sensed.questions()
        self._windows = Windows(self._series, self._calendar, registry.catalogue.measurands, _LIMITS)
        self._wanted, self._by_hour = (np.zeros(len(self._series), np.bool_) for _ in range(2))
        for clock, slots in self._questions.items():
            self._wanted[slots] = True
            self._by_hour[slots] |= clock != WHOLE
        kinds = self._series.kind
        self._neighboured = self._wanted & ((kinds == Kind.COUNTER) | (kinds == Kind.STATE))
        self._hours: list[Cells] = []

    def begin(self, before: Sequence[date]) -> None:
        """Find where each register and state stood before the period."""
        last, lacking = LastReadings.none(len(self._series)), self._neighboured.copy()
        for day in reversed(before):
            if not lacking.any():
                break
            for batch in self._raw.readings(day):
                newest = self._possible(batch.take(lacking[batch.slot])).sorted()
                # Of equal positions the last one stays, which is the newest.
                last.time_us[newest.slot], last.ticks[newest.slot] = newest.time_us, newest.ticks
            lacking &= last.time_us == TIME_MIN_US
        self._windows.resume(last)

    def take(self, day: date) -> None:
        """Count the readings of a day, and let go of what can no longer change."""
        for batch in self._raw.readings(day):
            self._windows.absorb(batch.take(self._wanted[batch.slot]))
        self._harvest()

    def end(self, after: Sequence[date]) -> None:
        """Give every register and state its first reading after the period, to which the last one is shared out."""
        for day in after:
            lacking = self._neighboured & (self._windows.last().time_us < self._period.end_us)
            if not lacking.any():
                break
            for batch in self._raw.readings(day):
                first = self._possible(batch.take(lacking[batch.slot])).sorted()
                _, at = np.unique(first.slot, return_index=True)
                self._windows.absorb(first.take(at))
        self._hours.append(self._windows.held(Grid.HOUR))

    def cells(self) -> DayCells:
        """Return what inputs ask for."""
        days, hours = self._inside(self._windows.held(Grid.DAY)), self._inside(_joined(self._hours))
        parts = []
        for at, (clock, slots) in enumerate(self._questions.items()):
            parts.append((at, _of(days, slots) if clock == WHOLE else self._chosen(_of(hours, slots), clock)))
        return joined_days(self._calendar, tuple(self._questions), parts)

    def _possible(self, batch: ObservationBatch) -> ObservationBatch:
        """Return the readings within their series' range: others count nowhere."""
        low, high = self._series.low_ticks[batch.slot], self._series.high_ticks[batch.slot]
        return batch.take((batch.ticks >= low) & (batch.ticks <= high))

    def _harvest(self) -> None:
        """Keep the hours that no later reading can change, and free the memory of them and of all minutes."""
        windows = self._windows
        for grid in (Grid.MINUTE, Grid.HOUR):
            windows.settle(grid, windows.dirty(grid))
        windows.evict(Grid.MINUTE, self._calendar.to_us)
        held = windows.held(Grid.HOUR)
        if not len(held):
            return
        end_us = int(held.start_us.max()) + 1
        last_us = np.maximum(windows.last().time_us, self._calendar.from_us)
        windows.evict(Grid.HOUR, end_us, end_us - self._calendar.start_of(Grid.HOUR, last_us))
        left = windows.held(Grid.HOUR)
        gone = ~np.isin(keys_of(held.slot, held.start_us), keys_of(left.slot, left.start_us))
        self._hours.append(_taken(held, gone & self._by_hour[held.slot]))

    def _inside(self, cells: Cells) -> Cells:
        """Return the cells of the period that hold anything."""
        inside = (cells.start_us >= self._period.start_us) & (cells.start_us < self._period.end_us)
        return filled(cells, inside)

    def _chosen(self, hours: Cells, clock: Clock) -> Cells:
        """Return by civil day the hours that a clock asks for, merged."""
        starts = hours.start_us
        day_us = self._calendar.start_of(Grid.DAY, starts)
        days, of_day = np.unique(day_us, return_inverse=True)
        weekday = np.array([self._calendar.local(at).isoweekday() for at in days.tolist()], np.int64)[of_day]
        ends = self._calendar.end_of(Grid.HOUR, starts)
        owed = np.minimum(expected(self._series, hours.slot, starts, ends), promised_an_hour(self._series, hours.slot))
        kept = np.isin(self._calendar.hour_of_day(starts), sorted(clock_hours(clock.hours)))
        kept &= np.isin(weekday, clock.weekdays or _EVERY_DAY)
        kept &= 100 * hours.count >= clock.percent_min * owed
        return _by_day(_taken(hours, kept), day_us[kept])


def _by_day(hours: Cells, day_us: NDArray[np.int64]) -> Cells:
    """Return hours merged by slot and day."""
    if not len(hours):
        return hours
    order = np.lexsort((day_us, hours.slot))
    hours, day_us = _taken(hours, order), day_us[order]
    new = np.ones(day_us.size, np.bool_)
    new[1:] = (hours.slot[1:] != hours.slot[:-1]) | (day_us[1:] != day_us[:-1])
    at = np.flatnonzero(new)
    count = np.add.reduceat(hours.count, at)
    reach = np.iinfo(np.int64)
    low = np.minimum.reduceat(np.where(hours.count > 0, hours.low, reach.max), at)
    high = np.maximum.reduceat(np.where(hours.count > 0, hours.high, reach.min), at)
    return Cells(
        slot=hours.slot[at],
        start_us=day_us[at],
        count=count,
        low=np.where(count > 0, low, 0),
        high=np.where(count > 0, high, 0),
        sums=np.add.reduceat(hours.sums, at, axis=0),
    )


def _of(cells: Cells, slots: NDArray[np.int32]) -> Cells:
    return _taken(cells, np.isin(cells.slot, slots))


def _taken(cells: Cells, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Cells:
    return Cells(
        cells.slot[chosen], cells.start_us[chosen], cells.count[chosen], cells.low[chosen], cells.high[chosen],
        cells.sums[chosen],
    )  # fmt: skip


def _joined(parts: Sequence[Cells]) -> Cells:
    def column(name: str) -> NDArray[np.int64]:
        return np.concatenate([getattr(part, name) for part in parts])

    slot = column("slot").astype(np.int32)
    return Cells(slot, column("start_us"), column("count"), column("low"), column("high"), column("sums"))
