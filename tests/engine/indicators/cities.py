"""Small cities for the tests: the series of an oracle's city as a table, and a reader over its cells."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from devices.measurands import Measurand, load_measurands
from devices.series import SeriesTable
from engine.calendar import Calendar
from engine.cells import SUM_COUNT, Cells, Grid
from engine.indicators import INDICATORS, Evaluator, Indicator, Results
from tests.engine.indicators.oracle_indicators import City, Row

MEASURANDS: tuple[Measurand, ...] = load_measurands().measurands
CODES = [measurand.code for measurand in MEASURANDS]

calendar = cache(Calendar)


def series_table(city: City) -> SeriesTable:
    """Return the city's series as the columns a worker has."""
    rows = city.series
    of = [MEASURANDS[CODES.index(row.measurand)] for row in rows]

    def whole(values: Iterable[int]) -> NDArray[np.int64]:
        return np.array(list(values), np.int64)

    return SeriesTable(
        device=np.array([row.device for row in rows], np.int32),
        measurand=np.array([CODES.index(row.measurand) for row in rows], np.int32),
        kind=np.array([m.kind for m in of], np.int8),
        zone=np.array([row.zone for row in rows], np.int32),
        gateway=np.zeros(len(rows), np.int32),
        interval_us=whole(row.interval_us for row in rows),
        service_from_us=whole(row.from_us for row in rows),
        service_to_us=whole(row.to_us for row in rows),
        low_ticks=whole(m.low_ticks for m in of),
        high_ticks=whole(m.high_ticks for m in of),
        modulus_ticks=np.zeros(len(rows), np.int64),
        rate_ticks_max=np.zeros(len(rows), np.int64),
    )


def evaluator(city: City, catalogue: tuple[Indicator, ...] = INDICATORS, known_windows_max: int = 512) -> Evaluator:
    """Return an evaluator over all of the city's series."""
    traffic = np.zeros(max(city.devices()) + 1, np.bool_)
    traffic[sorted(city.traffic)] = True
    return Evaluator(
        series_table(city), MEASURANDS, zone_count=city.zones, device_count=traffic.size,
        calendar=calendar(city.zone_info, 2015, 2018), catalogue=catalogue, traffic=traffic,
        known_windows_max=known_windows_max,
    )  # fmt: skip


class Reader:
    """Reads an oracle's cells; those not announced by `Evaluator.required` are absurd, and must decide nothing."""

    def __init__(self, city: City, announced: set[tuple[Grid, int, int]] | None = None) -> None:
        self.city, self.announced = city, announced

    def gather(self, grid: Grid, slots: NDArray[np.int32], start_us: NDArray[np.int64]) -> Cells:
        count = np.zeros(slots.size, np.int64)
        sums = np.zeros((slots.size, SUM_COUNT), np.int64)
        for row, (slot, start) in enumerate(zip(slots.tolist(), start_us.tolist(), strict=True)):
            if self.announced is not None and (grid, slot, start) not in self.announced:
                cell = (1, [10**9] * SUM_COUNT)
            elif grid is Grid.HOUR:
                cell = self.city.cells.get((slot, start), (0, [0, 0, 0, 0]))
            else:
                assert self.city.day(start)[0] == start
                cell = self.city.window(slot, start, self.city.day(start)[1])
            count[row], sums[row] = cell
        return Cells(slots, start_us, count, np.zeros_like(count), np.zeros_like(count), sums)


class Published:
    """What a worker would have in its table: the last row of each key, rows that vanished taken away."""

    def __init__(self, catalogue: tuple[Indicator, ...] = INDICATORS) -> None:
        self.catalogue = catalogue
        self.rows: dict[tuple[str, str, int, int], Row] = {}

    def store(self, results: Results) -> None:
        for i in range(len(results)):
            definition = self.catalogue[int(results.indicator[i])]
            key = (
                definition.code, definition.window.name.lower(), int(results.scope[i]), int(results.start_us[i]),
            )  # fmt: skip
            if not results.known[i]:
                assert (int(results.ticks[i]), int(results.band[i]), int(results.driver[i])) == (0, 0, -1)
                self.rows.pop(key, None)
                continue
            driver = int(results.driver[i])
            self.rows[key] = (
                int(results.ticks[i]), int(results.band[i]), None if driver < 0 else CODES[driver],
                int(results.received[i]), int(results.expected[i]),
            )  # fmt: skip


def change(
    city: City, made: Evaluator, published: Published, cells: dict[tuple[int, int], tuple[int, list[int]]]
) -> Results:
    """Let these hour cells become so, and publish what follows."""
    city.cells.update(cells)
    slots = np.array([slot for slot, _ in cells], np.int32)
    starts = np.array([start for _, start in cells], np.int64)
    latest = max(start for _, start in city.cells)
    work = made.affected(slots, starts, latest_us=latest)
    announced = {
        (grid, slot, start)
        for required in made.required(work)
        for grid, keys in required.items()
        for slot, start in zip(keys.slot.tolist(), keys.start_us.tolist(), strict=True)
    }
    results = made.evaluate(work, Reader(city, announced))
    published.store(results)
    return results
