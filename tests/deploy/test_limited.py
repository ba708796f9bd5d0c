"""A database on a small disk: full means full, and what was stored before outlives it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy import LimitedDatabase, Server
from tests.deploy.clients import wait_for


@pytest.fixture
def database(tmp_path: Path) -> Iterator[LimitedDatabase]:
    with LimitedDatabase(tmp_path) as running:
        yield running


def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def states(server: Server) -> set[str]:
    return {Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in server.pids()}


def test_a_full_disk_refuses_what_comes_and_keeps_what_is_there(database: LimitedDatabase) -> None:
    rows(database.url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    assert database.fill() > 100 * 1024**2
    with pytest.raises((psycopg.errors.DiskFull, psycopg.OperationalError)):
        rows(database.url, "CREATE TABLE more AS SELECT generate_series(1, 10000000) AS number")
    database.free()
    database.start()  # where the log had no room either, the server gave up
    assert rows(database.url, "SELECT count(*) FROM kept") == [(1000,)]
    assert rows(database.url, "SELECT to_regclass('more')") == [(None,)]
    rows(database.url, "CREATE TABLE more AS SELECT generate_series(1, 100000) AS number")


def test_the_disk_outlives_a_kill_and_goes_with_its_keeper(database: LimitedDatabase, tmp_path: Path) -> None:
    rows(database.url, "CREATE TABLE kept AS SELECT 1 AS number")
    database.kill()
    assert database.pid is None
    database.start()
    assert rows(database.url, "SELECT number FROM kept") == [(1,)]
    assert list((tmp_path / "database").iterdir()) == [], "the disk is seen from inside only"
    pid = database.pid
    database.close()
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()


def test_a_paused_server_is_silent_and_goes_on(database: LimitedDatabase) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        database.pause()
        assert len(database.pids()) > 3, "the server's children are paused with it"
        # A child that ended as its parent was paused waits for it.
        wait_for(lambda: states(database) - {"Z"} == {"T"}, "everything is paused")
        database.resume()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert os.getpid() not in database.pids()
