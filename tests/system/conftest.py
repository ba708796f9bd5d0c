"""A pipeline for each test: its own database and broker, the gateway as its user runs it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import deploy
from tests.databases import Databases
from tests.system.pipeline import Pipeline

Start = Callable[..., Pipeline]


@pytest.fixture
def start(databases: Databases, broker: deploy.Broker, tmp_path: Path) -> Iterator[Start]:
    """Start a pipeline of a city on a fresh database with its tables; every one is stopped after the test."""
    with ExitStack() as closing:

        def begin(city: Path, *, database_url: str = "", mqtt_url: str = "", **settings: str) -> Pipeline:
            name = secrets.token_hex(4)
            folder = tmp_path / name
            folder.mkdir()
            database_url = database_url or closing.enter_context(databases.migrated())
            client = {"CITYVITALS_MQTT_CLIENT_ID": name}
            return closing.enter_context(
                Pipeline(city, mqtt_url or broker.url, database_url, folder, **{**client, **settings})
            )

        yield begin
