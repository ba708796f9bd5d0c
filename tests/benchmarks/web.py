"""What the console asks most, of a database with a month of data: newest values, an hour of many series, a drawn year.

Each row is the time until the values are in the console's hands, beside the server's own part of it. The plans are
printed: they say which index answers.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg

from console.web.explore import LENGTH_US
from devices import load_registry
from engine.cells import Grid
from engine.store import Store, newest, series
from engine.store.binary import Timestamp, register
from engine.store.queries import query
from engine.store.reader import Reader
from tests.benchmarks import cities
from tests.benchmarks.bed import Bed
from tests.benchmarks.table import Row

SERIES = 10_000
MANY = 100
"""Series that report each minute; the others do each hour."""
DAYS = 30
POINTS = 2_000
RUNS = 9
END_US = 1_767_225_600_000_000
"""The first instant of 2026."""
MINUTE_US = 60_000_000
HOUR_US = 3_600_000_000
YEAR_US = 365 * 24 * HOUR_US

FILL = """
INSERT INTO observation (time, ticks, series_id, flags)
SELECT t, extract(epoch FROM t)::bigint %% 1000 + s %% 97, s, 0
FROM generate_series(%(low)s::timestamptz, %(high)s::timestamptz - interval '1 second', %(step)s::interval) AS t
CROSS JOIN generate_series(%(first)s::int, %(last)s::int) AS s
"""
MINUTES = """
INSERT INTO bucket_minute (start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected, series_id, revision)
SELECT t, 1, v, v, v, 0, 0, 0, 1, %(series)s, 1
FROM generate_series(%(low)s::timestamptz, %(high)s::timestamptz - interval '1 second', interval '1 minute') AS t
CROSS JOIN LATERAL (SELECT extract(epoch FROM t)::bigint %% 1000 AS v) x
"""


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Fill a database and measure each question."""
    days, year_us = (3, YEAR_US // 10) if quick else (DAYS, YEAR_US)
    url = bed.database()
    with Store.connect(url) as store:
        registry = load_registry(cities.write(bed.folder / "web", SERIES, 60))
        ids = sorted(store.register(registry).series_id.tolist())
    _fill(url, ids, days, year_us)
    busy, origin_us = ids[:MANY], END_US - year_us
    width_us = -(-year_us // (LENGTH_US[Grid.MINUTE] * POINTS)) * LENGTH_US[Grid.MINUTE]
    found = []
    with Reader.open(url, statement_timeout_ms=0) as reader:
        session = reader.session
        plan = _Planner(url)
        found.append(
            _row(
                f"newest value of {SERIES:,} series", 50, f"{days} days",
                lambda: len(newest.newest(session, ids).time_us), SERIES,
                plan("newest_parts", low=ids[0], high=ids[-1]),
            )
        )  # fmt: skip
        hour = (END_US - 12 * HOUR_US, END_US - 11 * HOUR_US)
        found.append(
            _row(
                f"an hour of {MANY} series, {MANY * 60:,} readings", 100, f"{days} days",
                lambda: len(series.readings_of(session, busy, *hour, (hour[0] - 1, 0), 10_000)), MANY * 60,
                plan("observations_of_series", series=busy, low=Timestamp(hour[0]), high=Timestamp(hour[1]),
                     after_time=Timestamp(hour[0] - 1), after_series=0, limit=10_000),
            )
        )  # fmt: skip
        columns = -(-year_us // width_us)
        found.append(
            _row(
                f"{year_us // LENGTH_US[Grid.MINUTE]:,} minutes drawn in {columns:,} columns", None, "one series",
                lambda: len(
                    series.merged(session, Grid.MINUTE, ids[0], origin_us, END_US, origin_us, width_us)
                ), columns,
                plan("drawn_bucket_minute", series=ids[0], low=Timestamp(origin_us), high=Timestamp(END_US),
                     origin=Timestamp(origin_us), width_us=width_us),
            )
        )  # fmt: skip
    return found


def _fill(url: str, ids: list[int], days: int, year_us: int) -> None:
    """Store the month as it would have come, all series of an instant together, and a year of minutes of one series."""
    low, high = Timestamp(END_US - days * 24 * HOUR_US), Timestamp(END_US)
    options = "-c search_path=cityvitals,public -c timezone=UTC -c synchronous_commit=off"
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        register(connection)
        for first, last, step in ((0, MANY - 1, "1 minute"), (MANY, SERIES - 1, "1 hour")):
            span = {"low": low, "high": high, "step": step, "first": ids[first], "last": ids[last]}
            connection.execute(FILL, span)
        connection.execute(
            MINUTES, {"series": ids[0], "low": Timestamp(END_US - year_us), "high": Timestamp(END_US)}
        )  # fmt: skip
        connection.execute("UPDATE series SET seen = true")
        connection.execute(query("newest_rebuilt"), {"partition": 0})
        for table in ("observation", "bucket_minute", "series", "newest_part"):
            connection.execute(f"VACUUM ANALYZE {table}")  # type: ignore[call-overload]


class _Planner:
    """Says how the server answers a statement of the store, and how long that takes it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self, name: str, **params: Any) -> Callable[[], float]:
        """Return what prints the plan and gives the server's time in ms."""
        return lambda: self._explain(name, params)

    def _explain(self, name: str, params: Mapping[str, Any]) -> float:
        options = "-c search_path=cityvitals,public -c timezone=UTC -c plan_cache_mode=force_custom_plan -c jit=off"
        with psycopg.connect(self._url, autocommit=True, options=options) as connection:
            register(connection)
            statement = b"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, BUFFERS OFF) " + query(name)
            connection.execute(statement, params)  # a connection that knows nothing of the tables yet plans for long
            lines = [line for (line,) in connection.execute(statement, params).fetchall()]
        sys.stderr.write("\n".join([f"plan of {name}:", *(f"  {line}" for line in lines)]) + "\n")
        times = [float(line.split()[-2]) for line in lines if line.startswith(("Planning Time", "Execution Time"))]
        return sum(times)


def _row(
    name: str, required_ms: float | None, of: str, ask: Callable[[], int], due: int, server_ms: Callable[[], float]
) -> Row:  # fmt: skip
    """Measure one question; what comes back must be all that is due."""
    taken = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        count = ask()
        taken.append((time.perf_counter() - began) * 1000)
        if count != due:
            raise AssertionError(f"{name}: {count} came back, {due} are due")
    # The first one finds nothing in memory.
    return Row(
        name, statistics.median(taken[1:]), "ms", server_ms(), "in the server, planning included", required_ms,
        below=True, note=f"{of}; median of {RUNS}, the first, {taken[0]:.0f} ms, left out",
    )  # fmt: skip
