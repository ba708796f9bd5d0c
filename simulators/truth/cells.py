"""Minute, hour and day of one series from all its readings at once.

Knows one series and the city's clock; knows neither devices nor figures.

What lies between two readings is found by reading the meter at every edge: a counter's register at an instant is
interpolated between its neighbours, and a window's rise is the register at its end less the register at its start. So
are the times a state has been held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices import Kind
from simulators.truth import counters
from simulators.truth.city_clock import CityClock
from simulators.truth.scales import energies, vectors
from simulators.truth.series import Line, Series

MINUTE_US = 60_000_000
SUMS = 4


@dataclass(frozen=True, slots=True)
class Cells:
    """Windows of one series in the order of time, as int64 columns; `sums` has shape (n, SUMS).

    Hours that a counter merely passed through without rising are among them, with nothing in them.
    """

    start_us: NDArray[np.int64]
    end_us: NDArray[np.int64]
    count: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    sums: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.start_us.size)

    @property
    def hold(self) -> NDArray[np.bool_]:
        """Which windows hold anything: a reading, or a share of what lies between two."""
        return (self.count > 0) | self.sums.any(axis=1)

    def take(self, index: NDArray[np.bool_]) -> Cells:
        """Return some of the windows."""
        return Cells(
            self.start_us[index], self.end_us[index], self.count[index], self.low[index], self.high[index],
            self.sums[index],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeriesCells:
    """All windows of one series, and the falls of a counter."""

    minutes: Cells
    hours: Cells
    days: Cells
    falls: counters.Falls


def cells_of(series: Series, line: Line, clock: CityClock) -> SeriesCells:
    """Return the windows of one series; the line holds at least one reading, and only plausible ones."""
    kind = series.measurand.kind
    falls = counters.NONE
    own = _own_sums(series, line)
    minute = line.time_us // MINUTE_US * MINUTE_US
    if kind is Kind.COUNTER:
        rises, falls = counters.rises(line, series.modulus, series.rate_max)
        # Minutes are not divided further: the one of the later reading has the whole rise.
        own[1:, 0] = rises
        minutes = _counted(line, minute, minute + MINUTE_US, own)
        hours, days = (
            _between(line, edges, _windows_of(counters.register(line.time_us, rises, edges)[:, None]), keep_empty=True)
            for edges in (_reach(line, clock.hours_us), _reach(line, clock.days_us))
        )
    elif kind is Kind.STATE:
        minutes = _counted(line, minute, minute + MINUTE_US, own)
        hours, days = (
            _between(line, edges, _windows_of(_held(line, series.hold_us, edges)), keep_empty=False)
            for edges in (_reach(line, clock.hours_us), _reach(line, clock.days_us))
        )
    else:
        minutes = _counted(line, minute, minute + MINUTE_US, own)
        hours, days = (
            _counted(line, edges[at], edges[at + 1], own)
            for edges in (clock.hours_us, clock.days_us)
            for at in (np.searchsorted(edges, line.time_us, "right") - 1,)
        )
    return SeriesCells(minutes, hours, days, falls)


def _own_sums(series: Series, line: Line) -> NDArray[np.int64]:
    """Return what each reading adds by itself."""
    sums = np.zeros((len(line), SUMS), np.int64)
    kind, decimals = series.measurand.kind, series.measurand.decimals
    if kind in (Kind.GAUGE, Kind.EVENT):
        sums[:, 0] = line.ticks
    elif kind is Kind.LEVEL:
        sums[:, 0] = energies(line.ticks, decimals)
    elif kind is Kind.ANGLE:
        sums[:, 0], sums[:, 1] = vectors(line.ticks, decimals)
    return sums


def _counted(line: Line, start_us: NDArray[np.int64], end_us: NDArray[np.int64], own: NDArray[np.int64]) -> Cells:
    """Return the windows that hold readings; start and end are those of each reading's window."""
    first = np.flatnonzero(np.append(True, np.diff(start_us) != 0))
    return Cells(
        start_us[first],
        end_us[first],
        np.diff(np.append(first, len(line))),
        np.minimum.reduceat(line.ticks, first),
        np.maximum.reduceat(line.ticks, first),
        np.add.reduceat(own, first, axis=0),
    )


def _reach(line: Line, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the edges of all windows from the one of the first reading to the one of the last."""
    low = int(np.searchsorted(edges, line.time_us[0], "right")) - 1
    high = int(np.searchsorted(edges, line.time_us[-1], "right"))
    return edges[low : high + 1]


def _windows_of(at_edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return per window what accrued in it, from what had accrued at its edges."""
    return np.diff(at_edges, axis=0)


def _between(line: Line, edges: NDArray[np.int64], accrued: NDArray[np.int64], *, keep_empty: bool) -> Cells:
    """Return the windows between the edges, with their readings and what accrued in them."""
    at = np.searchsorted(edges, line.time_us, "right") - 1
    first = np.flatnonzero(np.append(True, np.diff(at) != 0))
    windows = edges.size - 1
    count, low, high = (np.zeros(windows, np.int64) for _ in range(3))
    count[at[first]] = np.diff(np.append(first, len(line)))
    low[at[first]] = np.minimum.reduceat(line.ticks, first)
    high[at[first]] = np.maximum.reduceat(line.ticks, first)
    sums = np.zeros((windows, SUMS), np.int64)
    sums[:, : accrued.shape[1]] = accrued
    cells = Cells(edges[:-1], edges[1:], count, low, high, sums)
    return cells if keep_empty else cells.take(cells.hold)


def _held(line: Line, hold_us: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return per edge how long each state had been held until then, shape (edges, SUMS).

    A state is held until the next reading, `hold_us` at most; the last one of all not at all, for nobody knows how long
    it stood when no other followed.
    """
    lasted = np.append(np.minimum(np.diff(line.time_us), hold_us), 0)
    at = np.searchsorted(line.time_us, edges, "right") - 1
    begun = np.maximum(at, 0)
    found = np.zeros((edges.size, SUMS), np.int64)
    for state in range(SUMS):
        held = np.where(line.ticks == state, lasted, 0)
        before = np.cumsum(held) - held
        current = np.minimum(edges - line.time_us[begun], held[begun])
        found[:, state] = np.where(at >= 0, before[begun] + current, 0)
    return found
