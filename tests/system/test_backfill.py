"""History from a file: stopped anywhere and started again, run twice, with bad rows in it, the tables are the same."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psycopg
import pytest

from simulators import export
from simulators.bench import wait_until
from simulators.replay import prepare
from tests.console.command import ROOT, Done, cityvitals, environment
from tests.databases import Databases
from tests.system.conftest import Start
from tests.system.pipeline import DEMO, Tables, assert_same, tables_of

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

PIECE_ROWS = 500
PIECE = ("--piece-rows", str(PIECE_ROWS), "--json")
BAD = (
    "2024-01-01T00:00:00,street-noise,sound_level,50,dB[A]",
    "2024-01-01T00:00:00Z,nobody,sound_level,50,dB[A]",
    "2024-01-01T00:00:00Z,street-noise,loudness,50,dB[A]",
    "2024-01-01T00:00:00Z,street-noise,sound_level,loud,dB[A]",
    "2024-01-01T00:00:00Z,street-noise,sound_level,50,kg",
    "2024-01-01T00:00:00Z,street-noise,sound_level,5000,dB[A]",
    "2999-01-01T00:00:00Z,street-noise,sound_level,50,dB[A]",
    "2024-01-01T00:00:00Z,street-noise",
)
REASONS = {
    "bad_time": 1,
    "unknown_device": 1,
    "unknown_field": 2,
    "not_a_number": 1,
    "bad_unit": 1,
    "out_of_range": 1,
    "future_clock": 1,
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nearly three thousand readings of the demo city, and bad rows in the middle."""
    file = tmp_path_factory.mktemp("history") / "demo.csv"
    with file.open("w", newline="") as opened:
        # Every eleventh keeps all fields of all devices, counters, states and repeated hours.
        export._csv(islice(export._rows(prepare([DEMO]).recordings), 0, 30_000, 11), opened)
    kept = file.read_text().splitlines()
    kept[1500:1500] = BAD
    file.write_text("\n".join(kept) + "\n")
    return file


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


def settings(url: str) -> dict[str, str]:
    # The recordings are of several years: at each start old minutes would be let go, more of them after a kill.
    return {"CITYVITALS_DATABASE_URL": url, "CITYVITALS_ENGINE_MINUTE_DAYS": "0"}


def command(url: str, *arguments: str) -> Done:
    return cityvitals("--city", str(DEMO), *arguments, timeout_s=300, **settings(url))


@pytest.fixture(scope="module")
def undisturbed(databases: Databases, history: Path) -> Iterator[tuple[str, Tables]]:
    """A database after one run without any trouble."""
    with databases.migrated() as url:
        done = command(url, "backfill", str(history), *PIECE)
        assert done.code == 0, done.err
        (row,) = done.rows
        assert row["quarantined_by_reason"].items() >= REASONS.items()
        assert row["received"] == row["rows"] == row["accepted"] + row["duplicate"] + row["quarantined"]
        assert row["accepted"] > 2_500
        yield url, tables_of(url)


def test_killed_half_way_and_started_again_it_gives_the_same_tables(
    database: str, history: Path, undisturbed: tuple[str, Tables]
) -> None:
    arguments = ["--city", str(DEMO), "backfill", str(history), *PIECE]
    killed = subprocess.Popen(
        [sys.executable, "-m", "console", *arguments],
        cwd=ROOT, env=environment(**settings(database)), stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with psycopg.connect(database, autocommit=True) as connection:
        count = "SELECT count(*) FROM cityvitals.ledger"
        wait_until(lambda: connection.execute(count).fetchone() >= (2,), 120, "two pieces are stored")
        killed.send_signal(signal.SIGKILL)
        killed.wait(120)
        # What it was asked for last the server still does; as long as it does, that session is the writer.
        left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        left += " AND application_name LIKE 'cityvitals backfill%'"
        wait_until(lambda: connection.execute(left).fetchone() == (0,), 120, "the server to let go of it")
        pieces = connection.execute(count).fetchone()
    assert pieces is not None
    assert pieces < (6,), "the kill came too late to disturb"
    again = command(database, "backfill", str(history), *PIECE)
    assert again.code == 0, again.err
    assert again.rows[0]["taken_before"] == pieces[0] * PIECE_ROWS
    url, tables = undisturbed
    assert_same(tables_of(database), tables)
    for table in ("quarantine", "ledger_device"):
        digests = [command(one, "tables", "--table", table, "--json").rows[0]["sha256"] for one in (database, url)]
        assert digests[0] == digests[1], table
    assert command(database, "recompute", "--check").code == 0


def test_run_twice_it_changes_nothing(undisturbed: tuple[str, Tables], history: Path) -> None:
    url, tables = undisturbed
    before = command(url, "ledger", "--json").rows
    twice = command(url, "backfill", str(history), *PIECE).rows[0]
    assert twice["taken_before"] == twice["rows"]
    assert command(url, "ledger", "--json").rows == before
    assert_same(tables_of(url), tables)


def test_looked_at_again_every_row_is_a_duplicate(undisturbed: tuple[str, Tables], history: Path) -> None:
    url, tables = undisturbed
    again = command(url, "backfill", str(history), "--again", *PIECE).rows[0]
    assert again["accepted"] == 0
    assert again["duplicate"] > 2_500
    assert_same(tables_of(url), tables)


def test_a_bad_row_is_kept_with_its_file_and_line(undisturbed: tuple[str, Tables]) -> None:
    rows = command(undisturbed[0], "quarantine", "--reason", "unknown_field", "--json").rows
    assert {row["topic"] for row in rows} == {"demo.csv:1503", "demo.csv:1508"}
    assert rows[0]["device"] == "street-noise"
    assert "street-noise has the fields" in rows[0]["detail"]


def test_beside_a_running_gateway_it_is_refused(start: Start, history: Path) -> None:
    pipeline = start(DEMO)
    done = command(pipeline.database_url, "backfill", str(history))
    assert done.code == 1
    assert "owned (append) by cityvitals gateway" in done.err
    assert "stop that program" in done.err
