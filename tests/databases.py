"""Databases for tests, copied from one that is made once: a copy takes a tenth of a second, making one takes seconds.

Knows the server's templates; knows no table. How a database is made and migrated has tests of its own, which do it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from urllib.parse import urlsplit

import psycopg

import deploy
from engine.store import migrate

Furnish = Callable[[str], object]
"""Fills the migrated database of this URL with what tests have in common."""


class Databases:
    """Copies of templates on a running server.

    Args:
        server_url: of any database of the server; its user may make others.
    """

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._admin_url = urlsplit(server_url)._replace(path="/postgres").geturl()
        self._furnished: dict[Furnish, str] = {}

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a database with the TimescaleDB extension and nothing else, dropped at the end."""
        with self._copy(self._empty) as url:
            yield url

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a database with the tables of this version, without a row, dropped at the end."""
        with self._copy(self._migrated) as url:
            yield url

    @contextmanager
    def furnished(self, furnish: Furnish) -> Iterator[str]:
        """The URL of a database as `furnish` leaves it, which is called for the first one only; dropped at the end."""
        if furnish not in self._furnished:

            def migrate_and_furnish(url: str) -> None:
                migrate(url)
                furnish(url)

            self._furnished[furnish] = self._template(migrate_and_furnish)
        with self._copy(self._furnished[furnish]) as url:
            yield url

    @cached_property
    def _empty(self) -> str:
        return self._template(lambda _url: None)

    @cached_property
    def _migrated(self) -> str:
        return self._template(migrate)

    def _template(self, furnish: Furnish) -> str:
        """Make a database, and see that nobody is in it when it is copied: not even TimescaleDB's own workers."""
        name = f"template_{secrets.token_hex(6)}"
        furnish(deploy.create_database(self._server_url, name))
        self._run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        self._run(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{name}'")
        return name

    @contextmanager
    def _copy(self, template: str) -> Iterator[str]:
        name = f"test_{secrets.token_hex(6)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield urlsplit(self._server_url)._replace(path=f"/{name}").geturl()
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]
