"""Fixtures that every room shares: a real stack per worker, and a fresh database or broker for each test that asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import deploy
import engine
import ingest
from tests.databases import Databases
from tests.examples import FEW

settings.load_profile(FEW)

# The tests start some hundred programs. Where the machine forbids bytecode, as images often do, each would compile all
# that it imports: twice the work of most of them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

LONGEST_FIRST = (
    "system",
    "browser",
    "console",
    "deploy",
    "assessment",
    "independent",
    "simulators",
    "engine",
    "ingest",
)
"""Rooms by the time that a file of theirs takes. Long files at the end would leave one worker without work."""


UNSYNCED = {"fsync": "off", "full_page_writes": "off"}
"""The database of a worker does not wait for its disk. What a killed process has written the kernel still holds, so
this differs from the product's settings only where the machine itself goes down, and then nobody asks for its tables.
Tests that kill a database server start their own, with the product's settings."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    rooms = {room: place for place, room in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rooms.get(item.path.relative_to(here).parts[0], len(rooms)))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the kernels before there are workers: two that compile at once spoil each other's cache on disk."""
    if session.config.getoption("numprocesses", None) and not session.config.option.collectonly:
        warm()


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Have the kernels compiled before the first test: else the first gateway of a fresh checkout would take long."""
    warm()


def warm() -> None:
    engine.warm()
    ingest.warm()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[deploy.Stack]:
    """A running TimescaleDB and Mosquitto of this worker alone; stopped at its end, however it ends."""
    running = deploy.Stack(tmp_path_factory.mktemp("stack"), die_with_parent=True)
    running.database.settings = UNSYNCED
    try:
        running.up()
        yield running
    finally:
        running.down()


@pytest.fixture(scope="session")
def databases(stack: deploy.Stack) -> Databases:
    """Fresh databases on the running server."""
    return Databases(stack.database.url)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """An empty database with the TimescaleDB extension, dropped after the test."""
    with databases.empty() as url:
        yield url


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[deploy.Broker]:
    """A broker of this test alone, with no session and no retained message from any other."""
    (tmp_path / "broker").mkdir()
    running = deploy.Broker(tmp_path / "broker", die_with_parent=True)
    running.start()
    yield running
    running.stop()
