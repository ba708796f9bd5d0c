"""The road of a recording: a city's folder, its readings as history into a real database, figures out of it.

Knows the program from the outside; knows no recording and computes nothing.
"""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import psycopg

from devices import Registry, load_registry
from engine.calendar import Calendar
from engine.indicators import INDICATORS
from engine.kpi import KpiPeriod, shipped
from engine.kpi_book import KpiBook
from engine.settings import WorkerSettings
from engine.store import KpiReading, Store
from ingest.admission import AdmissionLimits
from ingest.backfill import Backfilled, BackfillSettings, backfill
from tests.databases import Databases
from tests.devices.make import vectored

SETTINGS = WorkerSettings(minute_days=0)
KEPT_BYTES_MAX = 4096
HEADER = "device,model,zone,latitude,longitude,in_service_from,in_service_to,interval_s,purpose"
ZONE = """{"type": "FeatureCollection", "features": [{"type": "Feature",
"properties": {"code": "town", "title": "Town"},
"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]}}]}"""

OUTAGE_LOG = """
title = "A log of interruptions that gives no sign of life"
codec = "senml-json"
interval_s = 3600
[[field]]
name = "interrupted"
measurand = "interruption"
unit = "count"
[[field]]
name = "interrupted_time"
measurand = "interruption_time"
unit = "min"
"""

Given = tuple[str, str, datetime, str, str]
"""Device, field, time, value, unit: one row of history."""


def register(code: str, value: int, unit: str) -> str:
    """Return an entry of `city.toml`."""
    return f'[[register]]\ncode = "{code}"\nvalue = {value}\nunit = "{unit}"\nfrom = "2000-01-01"\nsource = "stated"\n'


def device(code: str, model: str, interval_s: int, first: str = "", after: str = "", purpose: str = "") -> str:
    """Return a line of `devices.csv`; in service from and to are dates."""
    return f"{code},{model},town,,,{first},{after},{interval_s},{purpose}"


@dataclass(frozen=True, slots=True)
class Road:
    """A town whose history is in a database.

    Attributes:
        url: of the database.
        registry: of the town.
        done: what the history came to.
    """

    url: str
    registry: Registry
    done: Backfilled

    def kpis(self, of: Callable[[Calendar], KpiPeriod]) -> dict[str, KpiReading]:
        """Compute the figures of a period, and return those of the city as they are stored then, by data point."""
        with Store.connect(self.url, application_name="test") as store:
            registered = store.register(self.registry, INDICATORS)
            book = KpiBook(store, self.registry, registered, shipped(), SETTINGS.lateness_us)
            period = of(book.calendar)
            now_us = time.time_ns() // 1000
            book.bring([period], now_us, now_us)
            rows = store.kpi_rows(scope_kind="city", horizon=str(period.horizon))
        return {row.data_point: row for row in rows}

    def decisions(self) -> dict[str, int]:
        """Return how often each kind of fall of a counter was decided on."""
        with psycopg.connect(self.url) as connection:
            rows = connection.execute("SELECT kind, count(*) FROM cityvitals.v_counter_event GROUP BY kind")
            return {str(kind): int(number) for kind, number in rows}

    def levels(self, codes: Iterable[str]) -> dict[tuple[str, str, datetime], str]:
        """Return every stored figure of stations by (device, `indicator window`, start)."""
        found = {}
        with Store.connect(self.url, application_name="test") as store:
            for code in codes:
                for row in store.indicator_history(indicator=code, scope_kind="station"):
                    start = datetime.fromtimestamp(row.start_us // 1_000_000, UTC)
                    found[row.scope, f"{row.indicator} {row.window}", start] = f"{row.value:f}"
        return found


@contextmanager
def road(
    databases: Databases, folder: Path, *, zone: str, devices: Sequence[str], rows: Iterable[Given],
    registers: Sequence[str] = (), models: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Road]:  # fmt: skip
    """Give a town with these devices, registers and models of its own, after its history was taken in."""
    head = f'code = "town"\nname = "Town"\ntime_zone = "{zone}"\n'
    (folder / "city.toml").write_text("\n".join([head, *registers]))
    (folder / "zones.geojson").write_text(ZONE)
    (folder / "devices.csv").write_text("\n".join([HEADER, *devices]) + "\n")
    (folder / "models").mkdir()
    for name, text in models.items():
        (folder / "models" / f"{name}.toml").write_text(vectored(text))
    history = folder / "history.csv"
    with history.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("time", "device", "field", "value", "unit"))
        for code, field, at, value, unit in rows:
            writer.writerow((at.strftime("%Y-%m-%dT%H:%M:%SZ"), code, field, value, unit))
    registry = load_registry(folder)
    with databases.migrated() as url:
        done = backfill(
            registry, url, [history], BackfillSettings(AdmissionLimits(), SETTINGS, KEPT_BYTES_MAX),
            progress=lambda _share, _at: None, stop=threading.Event(), clock_us=lambda: time.time_ns() // 1000,
        )  # fmt: skip
        yield Road(url, registry, done)


def exact(figure: KpiReading) -> Fraction:
    """Return a stored figure as the ratio that it is."""
    assert figure.ratio is not None, figure.reason
    return Fraction(figure.ratio)
