"""A console on a database with real readings: filled once, read by many."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from console.children import read_ready
from console.settings import Settings
from console.web.server import open_site, serve
from console.web.site import Site
from devices import Registry, load_registry
from engine.kpi import load_catalogue, load_declared
from ingest.backfill import BackfillSettings, backfill
from tests.console.command import cityvitals
from tests.console.web.client import Client
from tests.console.web.history import rows, write
from tests.databases import Databases
from tests.system.pipeline import DEMO

DAYS = 3
LATE_EVERY = 20
"""Every such reading comes after all others, when its hour is closed."""
BAD = (
    "2024-01-01T00:00:00Z,nobody,sound_level,50,dB[A]",
    "2024-01-01T00:00:00Z,street-noise,sound_level,5000,dB[A]",
    "2024-01-01T00:01:00Z,street-noise,sound_level,50,kg",
    "2024-01-01T00:02:00Z,street-noise,loudness,50,dB[A]",
)


@dataclass(frozen=True)
class Filled:
    """A database with readings of the demo city, and what they are of.

    Attributes:
        url: of the database; nobody writes to it any more.
        registry: the city.
    """

    url: str
    registry: Registry


def fill(url: str, registry: Registry, folder: Path) -> None:
    """Take in some days of readings up to now, with bad ones among them; a twentieth comes late."""
    now_us = time.time_ns() // 1000
    lines = rows(registry, now_us, DAYS)
    early = [line for at, line in enumerate(lines) if at % LATE_EVERY]
    usual = Settings()
    settings = BackfillSettings(usual.admission, usual.engine, usual.intake.quarantine_bytes_max)
    for name, part, at_us in (("early", [*early, *BAD], now_us), ("late", lines[::LATE_EVERY], now_us + 1)):
        backfill(
            registry, url, [write(folder / f"{name}.csv", part)], settings,
            progress=lambda _share, _at: None, stop=threading.Event(), clock_us=partial(int, at_us),
        )  # fmt: skip

    done = cityvitals("--city", str(DEMO), "kpis", "compute", CITYVITALS_DATABASE_URL=url)
    assert done.code == 0, done.err


@contextmanager
def serving(site: Site, folder: Path) -> Iterator[Client]:
    """A console in a thread of this process, until the block ends."""
    stop, ready = threading.Event(), folder / "ready.json"
    thread = threading.Thread(target=serve, args=(site, stop, ready))
    thread.start()
    try:
        while (facts := read_ready(ready)) is None:
            assert thread.is_alive()
            time.sleep(0.01)
        yield Client(str(facts["console"]))
    finally:
        stop.set()
        thread.join()


def site_on(url: str, registry: Registry, settings: Settings | None = None, metrics_url: str | None = None) -> Site:
    """The site of the demo city on a database."""
    pack = load_catalogue(DEMO)
    return open_site(registry, pack, load_declared(DEMO, pack), settings or Settings(), url, metrics_url)


@pytest.fixture(scope="session")
def filled(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A database with real readings, windows, figures, revisions and a quarantine."""
    registry = load_registry(DEMO)
    with databases.migrated() as url:
        fill(url, registry, tmp_path_factory.mktemp("filled"))
        yield Filled(url, registry)


@pytest.fixture(scope="session")
def get(filled: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Asks a console on the filled database, through a socket."""
    with serving(site_on(filled.url, filled.registry), tmp_path_factory.mktemp("console")) as client:
        yield client
