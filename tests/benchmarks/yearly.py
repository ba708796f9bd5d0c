"""How long the annual assessment of a large city takes: from stored days to every figure, and from these alone again.

Days are stored as the engine would have left them; hours only of series of which KPIs ask for hours of the clock.
"""

from __future__ import annotations

import time
from typing import Final

import psycopg

from assessment import assessed, exact_results, results_bytes
from assessment.gather import gather
from devices import load_registry
from engine.calendar import Calendar
from engine.indicators import INDICATORS
from engine.kpi import WHOLE, Sensed, reference_year, shipped
from engine.store import Duty, Store
from engine.store.binary import Timestamp, register
from tests.benchmarks import cities
from tests.benchmarks.bed import Bed
from tests.benchmarks.table import Row

YEAR: Final = 2024
ZONES: Final = 50
ASSESSED_S_MAX: Final = 60.0
COMPUTED_S_MAX: Final = 30.0
SERIES_AT_ONCE: Final = 1_000

FILL: Final = """
INSERT INTO {table} (start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected, series_id, revision)
SELECT t, c, 20, 80, 50 * c, 0, 0, 0, {due}, s, 1
FROM generate_series(%(low)s::timestamptz, %(high)s::timestamptz - interval '1 second', interval '1 {table}') AS t
CROSS JOIN unnest(%(series)s::int[]) AS s
CROSS JOIN LATERAL (SELECT {due} - (s + extract(day FROM t)::int) %% {lost} AS c) x
"""


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Assess a leap year of a city, and compute its figures again from what was read."""
    registry = load_registry(cities.assessed(bed.folder / "yearly", zones=ZONES, part=100 if quick else 1))
    calendar, pack = Calendar(registry.city.zone_info), shipped()
    questions = Sensed(pack, registry, calendar).questions()
    period = reference_year(calendar, YEAR)
    url = bed.database()
    with Store.connect(url, statement_timeout_ms=0) as store:
        store.own(0, Duty.FLUSH)
        ids = store.register(registry, INDICATORS).series_id
        asked = {int(slot) for slots in questions.values() for slot in slots.tolist()}
        timed = {int(slot) for clock, slots in questions.items() if clock != WHOLE for slot in slots.tolist()}
        span = {"low": Timestamp(period.start_us), "high": Timestamp(period.end_us)}
        _fill(url, "window_day", 24, 3, [int(ids[slot]) for slot in sorted(asked)], span)
        _fill(url, "window_hour", 1, 1, [int(ids[slot]) for slot in sorted(timed)], span)
        began_s = time.perf_counter()
        material = gather(store, registry, pack, (), (), YEAR, closed=True)
        read_s = time.perf_counter() - began_s
        content = results_bytes(exact_results(assessed(material)))
        whole_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    assert results_bytes(exact_results(assessed(material))) == content
    again_s = time.perf_counter() - began_s
    what = f"a year of {len(asked):,} series"
    return [
        Row(
            f"{what}: assessed from the store", whole_s, "s", required=ASSESSED_S_MAX, below=True,
            note=f"{len(material.days):,} cells of days read in {read_s:.1f} s, {len(timed):,} series by hours",
        ),
        Row(
            f"{what}: computed from its days again", again_s, "s", required=COMPUTED_S_MAX, below=True,
            note="what verifying a bundle computes, without reading its files; the same bytes",
        ),
    ]  # fmt: skip


def _fill(url: str, table: str, due: int, lost: int, series: list[int], span: dict[str, Timestamp]) -> None:
    """Store windows in which nearly all readings came, not equally many of each series."""
    statement = FILL.format(table=table, due=due, lost=lost).replace("1 window_", "1 ")
    options = "-c search_path=cityvitals,public -c timezone=UTC -c synchronous_commit=off"
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        register(connection)
        for first in range(0, len(series), SERIES_AT_ONCE):
            part = series[first : first + SERIES_AT_ONCE]
            connection.execute(statement, {**span, "series": part})  # type: ignore[call-overload]
        connection.execute(f"VACUUM ANALYZE {table}")  # type: ignore[call-overload]
