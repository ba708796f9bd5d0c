"""Cells of civil days, by the hours that inputs ask for: what a year's figures are added up from, and proved by.

Knows exact sums and the calendar; knows no store and no file. A year has one cell per series and day (and one more for
each clock that an input asks for), few enough to be handed on; every figure follows from them and the city's files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.cells import SUM_COUNT
from engine.kpi.periods import KpiPeriod
from engine.kpi.sensed import Clock, Readings, Season, Sensed
from engine.kpi.stations import Sums

EPOCH: Final = date(1970, 1, 1)
"""Day 0."""
_HALF_BITS: Final = 32
_MASK: Final = (1 << _HALF_BITS) - 1
_LEAST, _MOST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class DayCells:
    """Cells as columns of one length; row i is one series on one civil day, within the hours of one clock.

    Attributes:
        clocks: what `clock` counts.
        clock: int16, position among the clocks.
        slot: int32, of the registry.
        day: int32, civil days since EPOCH.
        count: int64, readings.
        low, high: int64, least and greatest tick; 0 where count is 0.
        sums: int64, shape (n, SUM_COUNT), see `engine.cells`.
    """

    clocks: tuple[Clock, ...]
    clock: NDArray[np.int16]
    slot: NDArray[np.int32]
    day: NDArray[np.int32]
    count: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    sums: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.slot.size)

    @classmethod
    def none(cls) -> DayCells:
        """Return no cells of no clock."""
        empty = np.zeros(0, np.int64)
        small = empty.astype(np.int32)
        return cls((), empty.astype(np.int16), small, small, empty, empty, empty, np.zeros((0, SUM_COUNT), np.int64))

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> DayCells:
        """Return some of the cells."""
        columns = (getattr(self, one.name)[chosen] for one in fields(self)[1:])
        return DayCells(self.clocks, *columns)


def day_number(day: date) -> int:
    """Return a civil day as `DayCells` counts it."""
    return (day - EPOCH) // timedelta(days=1)


def readings_of(sensed: Sensed, period: KpiPeriod, cells: DayCells, heard: Mapping[int, int]) -> Readings:
    """Return what `Sensed.at` asks for, added up from days.

    Args:
        sensed: of the city.
        period: of whole civil days, such as a reference year.
        cells: every cell of the period that an input asks for, in any order.
        heard: by slot the last day on which it was heard, of the days that an input asks for.
    """
    inside = (cells.day >= day_number(period.first)) & (cells.day <= day_number(period.last))
    cells = cells.take(inside)
    by_clock = {clock: cells.take(cells.clock == at) for at, clock in enumerate(cells.clocks)}
    sums = {
        clock: _merged(by_clock[clock], slots) if clock in by_clock else {}
        for clock, slots in sensed.questions().items()
    }
    came: dict[tuple[Season, Clock], dict[int, int]] = {}
    for season, clock, slots in sensed.seasons(period):
        first, last = (day_number(sensed.calendar.local(at_us).date()) for at_us in (season[0], season[1] - 1))
        of = by_clock.get(clock, DayCells.none())
        part = _merged(of.take((of.day >= first) & (of.day <= last)), slots)
        came[season, clock] = {slot: one.readings for slot, one in part.items()}
    days = {slot: sensed.calendar.day_bounds(EPOCH + timedelta(days=day))[0] for slot, day in heard.items()}
    return Readings(sums, days, came)


def _merged(cells: DayCells, slots: NDArray[np.int32]) -> dict[int, Sums]:
    """Return by slot the cells of some slots, merged exactly; a year of sums may be more than 64 bits hold."""
    cells = cells.take(np.isin(cells.slot, slots))
    if not len(cells):
        return {}
    cells = cells.take(np.argsort(cells.slot, kind="stable"))
    slot, at = np.unique(cells.slot, return_index=True)
    came = cells.count > 0
    readings = np.add.reduceat(cells.count, at).tolist()
    low = np.minimum.reduceat(np.where(came, cells.low, _MOST), at).tolist()
    high = np.maximum.reduceat(np.where(came, cells.high, _LEAST), at).tolist()
    above = np.add.reduceat(cells.sums >> _HALF_BITS, at, axis=0).tolist()
    below = np.add.reduceat(cells.sums & _MASK, at, axis=0).tolist()
    found = {}
    for k, number in enumerate(slot.tolist()):
        a, b, c, d = ((more << _HALF_BITS) + less for more, less in zip(above[k], below[k], strict=True))
        least, most = (low[k], high[k]) if readings[k] else (0, 0)
        found[number] = Sums(readings[k], least, most, (a, b, c, d))
    return found
