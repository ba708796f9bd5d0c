"""Fixtures that every room shares: one real stack per run, and a fresh database or broker for each test that asks."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

import deploy
import engine
import ingest


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Compile the kernels once, into the cache on disk: else the first gateway of a fresh checkout would take long."""
    engine.warm()
    ingest.warm()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[deploy.Stack]:
    """A running TimescaleDB and Mosquitto of this test run alone; stopped at its end, however it ends."""
    with deploy.temporary(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def database_url(stack: deploy.Stack) -> Iterator[str]:
    """An empty database with the TimescaleDB extension, dropped after the test."""
    name = f"test_{secrets.token_hex(6)}"
    url = deploy.create_database(stack.database.url, name)
    yield url
    deploy.drop_database(stack.database.url, name)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[deploy.Broker]:
    """A broker of this test alone, with no session and no retained message from any other."""
    (tmp_path / "broker").mkdir()
    running = deploy.Broker(tmp_path / "broker", die_with_parent=True)
    running.start()
    yield running
    running.stop()
