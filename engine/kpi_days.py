"""Cells of civil days of a reference year, from the store, a month at a time.

Knows the store and which hours inputs ask for; computes no figure. They are what `engine.kpi_book` adds up, not yet
added up, so that a year can be handed on with what it was computed from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from devices import Registry
from engine.calendar import Calendar
from engine.cells import Cells, Grid
from engine.kpi import WHOLE, Clock, DayCells, KpiPeriod, Sensed, day_number
from engine.kpi_book import chosen_hours
from engine.store import Store

Progress = Callable[[float], None]
"""Told how much is done, 0 to 1."""


def day_cells(
    store: Store, registry: Registry, sensed: Sensed, period: KpiPeriod, progress: Progress = lambda _: None
) -> DayCells:
    """Return the cells of a period of whole civil days that inputs ask for.

    Args:
        store: with the registry's ids.
        registry: the city.
        sensed: which series and hours inputs ask for.
        period: of whole civil days.
        progress: told how much is done.

    Raises:
        StoreUnavailable, StoreError
    """
    questions = list(sensed.questions().items())
    months = list(_months(sensed.calendar, period))
    parts = []
    for at, (clock, slots) in enumerate(questions):
        for number, (start_us, end_us) in enumerate(months):
            found = _month(store, registry, sensed, clock, slots, start_us, end_us)
            parts += [(at, cells) for cells in found]
            progress((at + (number + 1) / len(months)) / len(questions))
    return joined_days(sensed.calendar, tuple(clock for clock, _ in questions), parts)


def heard_days(store: Store, sensed: Sensed, period: KpiPeriod) -> dict[int, int]:
    """Return by slot the last day on which it was heard, of those days before the period's end that inputs ask for.

    Raises:
        StoreUnavailable, StoreError
    """
    days = sensed.heard_days()
    if not days:
        return {}
    from_us = sensed.calendar.day_bounds(period.last - timedelta(days=days - 1))[0]
    found = store.kpi_heard(from_us, period.end_us)
    return {slot: day_number(sensed.calendar.local(start_us).date()) for slot, start_us in found.items()}


def _months(calendar: Calendar, period: KpiPeriod) -> Iterator[tuple[int, int]]:
    """Give the months of a period: so much is read at once."""
    firsts = [period.first]
    while (following := (firsts[-1].replace(day=1) + timedelta(days=32)).replace(day=1)) <= period.last:
        firsts.append(following)
    starts = [calendar.day_bounds(day)[0] for day in firsts]
    yield from pairwise([*starts, period.end_us])


def _month(
    store: Store,
    registry: Registry,
    sensed: Sensed,
    clock: Clock,
    slots: NDArray[np.int32],
    start_us: int,
    end_us: int,
) -> Iterator[Cells]:
    """Give cells of the days of a month; of a series of which anything is excluded from its hours, less that."""
    if clock == WHOLE:
        less = np.unique(store.excluded_between(slots, start_us, end_us).slot)
        yield store.load_cells_of(Grid.DAY, slots[~np.isin(slots, less)], start_us, end_us).cells
        slots = slots[np.isin(slots, less)]
    if slots.size:
        yield store.kpi_day_cells(slots, start_us, end_us, chosen_hours(registry, sensed, slots, clock))


def joined_days(calendar: Calendar, clocks: tuple[Clock, ...], parts: list[tuple[int, Cells]]) -> DayCells:
    """Return cells of days of several clocks, each with the position of its clock, sorted by clock, slot and day."""
    if not parts:
        return DayCells.none()
    clock = np.concatenate([np.full(len(cells), at, np.int16) for at, cells in parts])
    every = [cells for _, cells in parts]
    slot = np.concatenate([cells.slot for cells in every])
    start_us, inverse = np.unique(np.concatenate([cells.start_us for cells in every]), return_inverse=True)
    day = np.array([_day(calendar, at_us) for at_us in start_us.tolist()], np.int32)[inverse]
    order = np.lexsort((day, slot, clock))
    return DayCells(
        clocks=clocks,
        clock=clock[order],
        slot=slot[order],
        day=day[order],
        count=np.concatenate([cells.count for cells in every])[order],
        low=np.concatenate([cells.low for cells in every])[order],
        high=np.concatenate([cells.high for cells in every])[order],
        sums=np.concatenate([cells.sums for cells in every])[order],
    )


def _day(calendar: Calendar, start_us: int) -> int:
    day: date = calendar.local(start_us).date()
    return day_number(day)
