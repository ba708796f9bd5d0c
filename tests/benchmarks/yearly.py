"""How long the annual assessment of a large city takes: from stored days to the bundle, and from the bundle again.

Days are stored as the engine would have left them; hours only of series of which KPIs ask for hours of the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
import psycopg
from numpy.typing import NDArray

from assessment import assessed
from assessment.bundle import write_bundle
from assessment.gather import gather
from assessment.published import outputs_of
from assessment.report import LANGUAGES
from assessment.verify import verify
from devices import load_registry
from engine.calendar import Calendar
from engine.cells import Grid
from engine.indicators import INDICATORS
from engine.kpi import WHOLE, Sensed, reference_year, shipped
from engine.store import Duty, Store, binary
from tests.benchmarks import cities
from tests.benchmarks.bed import Bed
from tests.benchmarks.table import Row

YEAR: Final = 2024
ZONES: Final = 50
ASSESSED_S_MAX: Final = 60.0
VERIFIED_S_MAX: Final = 30.0
SERIES_AT_ONCE: Final = 250

COPY: Final = """
COPY window_{unit} (start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected, series_id, revision)
FROM STDIN (FORMAT binary)
"""

T = TypeVar("T")


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Assess a leap year of a city, write its bundle, and verify that."""
    city = cities.assessed(bed.folder / "yearly", zones=ZONES, part=100 if quick else 1)
    registry, pack, bundle = load_registry(city), shipped(), bed.folder / "yearly-bundle"
    calendar = Calendar(registry.city.zone_info)
    period = reference_year(calendar, YEAR)
    questions = Sensed(pack, registry, calendar).questions()
    asked = {int(slot) for slots in questions.values() for slot in slots.tolist()}
    timed = {int(slot) for clock, slots in questions.items() if clock != WHOLE for slot in slots.tolist()}
    url = bed.database()
    with Store.connect(url, statement_timeout_ms=0) as store:
        store.own(0, Duty.FLUSH)
        ids = store.register(registry, INDICATORS).series_id
        for grid, due, lost, slots in ((Grid.DAY, 24, 3, asked), (Grid.HOUR, 1, 1, timed)):
            starts_us = calendar.starts(grid, period.start_us, period.end_us)
            _fill(url, grid.name.lower(), due, lost, np.sort(ids[sorted(slots)]), starts_us)
        material, read_s = _timed(lambda: gather(store, registry, pack, (), (), YEAR, closed=True))
    assessment, computed_s = _timed(lambda: assessed(material))
    outputs = outputs_of(assessment, LANGUAGES)
    _, written_s = _timed(lambda: write_bundle(material, assessment, city, outputs, bundle))
    verdict, verified_s = _timed(lambda: verify(bundle))
    assert verdict.good, verdict
    what = f"a year of {len(asked):,} series"
    cells = f"{len(material.days):,} days, {len(timed):,} series by hours"
    return [
        Row(
            f"{what} assessed", read_s + computed_s + written_s, "s", required=ASSESSED_S_MAX, below=True,
            note=f"{cells}: read {read_s:.1f} s, computed {computed_s:.1f} s, bundle with reports {written_s:.1f} s",
        ),
        Row(
            f"{what} verified from its bundle", verified_s, "s", required=VERIFIED_S_MAX, below=True,
            note="files, figures and tables; without a database",
        ),
    ]  # fmt: skip


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began_s = time.perf_counter()
    found = work()
    return found, time.perf_counter() - began_s


def _fill(url: str, unit: str, due: int, lost: int, series: NDArray[np.int32], starts_us: NDArray[np.int64]) -> None:
    """Store windows in which nearly all readings came, not equally many of each series.

    In the order of the table's key, so that its index grows at its end alone.
    """
    options = "-c search_path=cityvitals,public -c timezone=UTC -c synchronous_commit=off"
    statement = COPY.format(unit=unit)
    with psycopg.connect(url, autocommit=True, options=options) as connection, connection.cursor() as cursor:
        for first in range(0, len(series), SERIES_AT_ONCE):
            part = series[first : first + SERIES_AT_ONCE]
            ids, at = np.repeat(part, starts_us.size), np.tile(np.arange(starts_us.size), part.size)
            count = due - (ids + at).astype(np.int64) % lost
            none = np.zeros_like(count)
            columns = (
                binary.stamps(starts_us[at]), count, none + 20, none + 80, 50 * count, none, none, none, none + due,
                ids.astype(np.int32), np.ones(ids.size, np.int32),
            )  # fmt: skip
            with cursor.copy(statement) as copy:  # type: ignore[call-overload]
                copy.write(binary.rows(columns))
        cursor.execute(f"VACUUM ANALYZE window_{unit}")  # type: ignore[call-overload]
