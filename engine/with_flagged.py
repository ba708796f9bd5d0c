"""What figures would be if nothing were left out: computed from the stored windows, and written nowhere.

Knows the windows and what is excluded of them; the formulas are those of the live engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from devices import Registry, text_from_ticks
from engine.calendar import HOUR_US, Calendar
from engine.cells import Cells, Grid
from engine.desk import Desk
from engine.figures import Figures
from engine.indicators import INDICATORS, SCOPE_CITY, Results
from engine.spans import Keys
from engine.store import Registered, Store
from engine.windows import Windows

HOURS_AT_ONCE = 500
"""Hours of which something is excluded, and whose figures are computed together: an index reads all stations for it."""
LOOK_BACK_US = (max(one.lookback_hours for one in INDICATORS) + 1) * HOUR_US
DAY_US_MAX = 25 * HOUR_US


class Figure(NamedTuple):
    """One figure with every stored reading."""

    indicator: str
    window: str
    scope_kind: str
    scope: str
    start_us: int
    value: str | None
    received: int


def with_flagged(
    store: Store, registry: Registry, registered: Registered, from_us: int, to_us: int
) -> Iterator[Figure]:
    """Give the figures of windows that start in a stretch of time and from which something is left out.

    Args:
        store: where windows are; nothing is written.
        registry, registered: the city, and the store's ids of it.
        from_us, to_us: the stretch.

    Raises:
        StoreUnavailable, StoreError
    """
    calendar, series = Calendar(registry.city.zone_info), registry.series()
    last = store.last_readings()
    latest_us = int(calendar.start_of(Grid.HOUR, last.time_us.max(initial=calendar.from_us)[None])[0])
    low_us = max(from_us - LOOK_BACK_US, calendar.from_us)
    excluded = store.excluded_between(np.arange(len(series), dtype=np.int32), low_us, to_us + DAY_US_MAX)
    for at in range(0, len(excluded), HOURS_AT_ONCE):
        hours = _keys(excluded, at)
        windows = Windows(series, calendar, registry.catalogue.measurands)
        windows.resume(last)
        figures = Figures(registry, registered, calendar, windows)
        for grid in (Grid.HOUR, Grid.DAY):
            found = figures.evaluate(
                grid, [hours], latest_us=latest_us, bring=Desk(windows, store).bring, between=(from_us, to_us)
            )
            for row in range(len(found)):
                yield _figure(registry, figures, grid, found, row)


def _keys(excluded: Cells, at: int) -> Keys:
    # By time, so that a window falls into one portion or two.
    order = np.argsort(excluded.start_us, kind="stable")[at : at + HOURS_AT_ONCE]
    return Keys(excluded.slot[order], excluded.start_us[order])


def _figure(registry: Registry, figures: Figures, grid: Grid, found: Results, row: int) -> Figure:
    definition = figures.catalogue(grid)[int(found.indicator[row])]
    scope = int(found.scope[row])
    zones = registry.city.zones
    if scope == SCOPE_CITY:
        kind, code = "city", registry.city.code
    elif scope <= len(zones):
        kind, code = "zone", zones[scope - 1].code
    else:
        kind, code = "station", registry.devices[scope - 1 - len(zones)].code
    value = text_from_ticks(int(found.ticks[row]), definition.decimals) if found.known[row] else None
    return Figure(
        definition.code, grid.name.lower(), kind, code, int(found.start_us[row]), value, int(found.received[row])
    )
