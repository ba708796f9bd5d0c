"""Compiles every kernel of the engine, so that a worker does not say it is ready and then pauses.

Knows one made-up series of each kind; knows nothing of real ones.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices.batch import ObservationBatch
from devices.measurands import Kind, Measurand
from devices.series import TIME_MAX_US, TIME_MIN_US, SeriesTable
from engine.calendar import HOUR_US, Calendar
from engine.cells import Grid
from engine.spans import Keys, LastReadings, Spans
from engine.windows import Windows


def warm() -> None:
    """Run each kernel once with the types of real use; compiled code is kept on disk for the next start."""
    kinds = list(Kind)
    count = len(kinds)

    def column(value: int, dtype: type[np.generic] = np.int64) -> NDArray[Any]:
        return np.full(count, value, dtype)

    series = SeriesTable(
        column(0, np.int32), np.arange(count, dtype=np.int32), np.array(kinds, np.int8), column(0, np.int32),
        column(0, np.int32), column(60_000_000), column(TIME_MIN_US), column(TIME_MAX_US), column(0), column(3),
        column(0), column(0),
    )  # fmt: skip
    measurands = [Measurand(kind.name, "", "1", kind, 0, 0, 3, (), "") for kind in kinds]
    windows = Windows(series, Calendar(ZoneInfo("UTC"), 2020, 2020), measurands)
    windows.resume(LastReadings.none(count))
    begin = windows.calendar.from_us
    slots = np.arange(count, dtype=np.int32)
    readings = [ObservationBatch.of(slots, column(begin + k * HOUR_US), column(2 - k)) for k in (1, 2)]
    for batch in readings:
        windows.missing(batch)
        windows.absorb(batch)
    windows.lacking(Grid.HOUR, Keys(slots, column(begin)))
    spans = Spans.of(slots, column(begin), column(begin + 3 * HOUR_US))
    windows.missing_hours(spans)
    windows.recompute(spans, ObservationBatch.concat(readings), windows.gather(Grid.HOUR, slots, begin))
    for grid in Grid:
        cells = windows.dirty(grid)
        windows.put(grid, cells, dirty=True)
        windows.settle(grid, cells)
        windows.evict(grid, begin + HOUR_US)
