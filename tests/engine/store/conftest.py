"""Fixtures: one migrated database per module, emptied before each test, or a furnished one; and stores on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from devices import Registry
from engine.store import Duty, Registered, Store
from tests.databases import Databases, Furnish
from tests.engine.store.town import INDICATORS, town

Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[str]:
    """A migrated database of this module."""
    with databases.migrated() as url:
        yield url


def empty(url: str) -> None:
    """Remove every row, and let every identity begin at 1 again."""
    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT string_agg(format('cityvitals.%I', relname), ', ') FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'cityvitals'::regnamespace AND relname !~ 'yoyo'"
        ).fetchone()
        assert tables is not None
        connection.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY CASCADE")


@contextmanager
def owned(url: str) -> Iterator[Store]:
    """A store that owns partition 0 for both duties; nothing is registered yet."""
    with Store.connect(url, application_name="test") as opened:
        opened.own(0, Duty.APPEND)
        opened.own(0, Duty.FLUSH)
        yield opened


@pytest.fixture
def furnish() -> Furnish | None:
    """What the tables hold when a test begins; a module whose tests have that in common says it by its own fixture."""
    return None


EMPTY = pytest.mark.parametrize("furnish", [None], ids=["empty"])
"""For a test of such a module that begins with nothing."""


@pytest.fixture
def url(furnish: Furnish | None, databases: Databases, request: pytest.FixtureRequest) -> Iterator[str]:
    """The module's database, empty; or a furnished one of this test alone."""
    if furnish is None:
        database: str = request.getfixturevalue("database")
        empty(database)
        yield database
    else:
        with databases.furnished(furnish) as copy:
            yield copy


@pytest.fixture
def query(url: str) -> Iterator[Query]:
    """Ask the database anything, on a connection of its own."""
    with psycopg.connect(
        url, autocommit=True, options="-c search_path=cityvitals,public -c timezone=UTC"
    ) as connection:

        def ask(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
            cursor = connection.execute(sql, parameters or None)  # type: ignore[call-overload]
            return list(cursor.fetchall()) if cursor.description else []

        yield ask


@pytest.fixture
def registry() -> Registry:
    """A town of one water meter, one air station and one noise monitor."""
    return town()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store that owns partition 0 for both duties; nothing is registered yet."""
    with owned(url) as opened:
        yield opened


@pytest.fixture
def registered(store: Store, registry: Registry) -> Registered:
    """The ids of the town, registered with `store`."""
    return store.register(registry, INDICATORS)
