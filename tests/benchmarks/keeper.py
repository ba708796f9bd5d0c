"""How long the figures of all KPIs of a large city take, from its stored days to what is written.

The keeper does so beside the engine, on a connection of its own: at most once a minute, and so seldom that it takes one
part in ten of the time.
"""

from __future__ import annotations

import statistics
import time
from typing import Final

import psycopg

from devices import Registry, load_registry
from engine.indicators import INDICATORS
from engine.kpi import shipped
from engine.kpi_book import KpiBook
from engine.store import Duty, Registered, Store
from engine.store.binary import Timestamp, register
from tests.benchmarks import cities
from tests.benchmarks.bed import Bed
from tests.benchmarks.table import Row

PARTS: Final = (10, 1)
"""10,000 series, and 100,000."""
ZONES: Final = 50
DAYS: Final = 30
RUNS: Final = 3
LATENESS_US: Final = 120_000_000
END_US: Final = 1_764_547_200_000_000
"""The first instant of December 2025."""
DAY_US: Final = 86_400_000_000

FILL: Final = """
INSERT INTO window_day (start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected, series_id, revision)
SELECT t, c, 20, 80, 50 * c, 0, 0, 0, 1440, s, 1
FROM generate_series(%(low)s::timestamptz, %(high)s::timestamptz - interval '1 second', interval '1 day') AS t
CROSS JOIN unnest(%(series)s::int[]) AS s
CROSS JOIN LATERAL (SELECT 1440 - (s + extract(day FROM t)::int) %% 7 AS c) x
"""
FIRST: Final = "INSERT INTO observation (time, ticks, series_id, flags) VALUES (%(low)s, 50, %(series)s, 0)"


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Compute both live estimates of cities of two sizes."""
    found = []
    for part in (100,) if quick else PARTS:
        registry = load_registry(cities.mixed(bed.folder / f"keeper{part}", zones=ZONES, part=part))
        url = bed.database()
        with Store.connect(url) as store:
            store.own(0, Duty.FLUSH)
            registered = store.register(registry, INDICATORS)
            _fill(url, registered.series_id.tolist())
            found.append(_row(store, registry, registered, 1 if quick else RUNS))
    return found


def _row(store: Store, registry: Registry, registered: Registered, runs: int) -> Row:
    book = KpiBook(store, registry, registered, shipped(), LATENESS_US)
    since_us = book.since_us()
    assert since_us is not None
    took_s, spent_s = [], []
    for run in range(runs):
        began_s, cpu_s = time.perf_counter(), time.thread_time()
        estimates = book.estimates(since_us, END_US)
        book.bring(estimates, END_US, END_US + run)
        took_s.append(time.perf_counter() - began_s)
        spent_s.append(time.thread_time() - cpu_s)
    return Row(
        f"KPIs of {len(registry.series()):,} series, {ZONES} zones", statistics.median(took_s), "s",
        note=f"both estimates from {DAYS} days: figures, bounds, findings and scores written; of it"
        f" {statistics.median(spent_s):.2f} s of its thread; median of {runs}",
    )  # fmt: skip


def _fill(url: str, series: list[int]) -> None:
    """Store days in which nearly all readings came, not equally many of each series."""
    options = "-c search_path=cityvitals,public -c timezone=UTC -c synchronous_commit=off"
    span = {"low": Timestamp(END_US - DAYS * DAY_US), "high": Timestamp(END_US)}
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        register(connection)
        connection.execute(FILL, {**span, "series": series})
        connection.execute(FIRST, {**span, "series": series[0]})
        connection.execute("VACUUM ANALYZE window_day")
