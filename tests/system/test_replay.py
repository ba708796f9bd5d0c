"""Messages of the quarantine taken up again: what they say is stored, and each counts once however it is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from engine.store import Store
from simulators.bench import wait_until
from tests.console.command import environment
from tests.databases import Databases
from tests.devices.cities import write_city
from tests.devices.make import vectored
from tests.forks import Fork, Streams
from tests.ingest.messages import NOW_US
from tests.system.quarantined import arrive, command, replayed, state

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

DEVICES = "device,model,zone\nair-1,box,north\n"
MODEL = """\
title = "A box"
codec = "json-paths"
topic = "boxes/{device}/state"
interval_s = 60
[[field]]
name = "temperature"
measurand = "temperature"
path = "t"
unit = "Cel"
"""
HUMIDITY = """\
[[field]]
name = "humidity"
measurand = "humidity"
path = "h"
unit = "%"
"""


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path / "city", devices=DEVICES, models={"box": MODEL})


def test_a_device_that_is_registered_later_has_its_readings_at_the_time_they_arrived(database: str, city: Path) -> None:
    messages = [("boxes/air-2/state", json.dumps({"t": value}).encode()) for value in (20, 21, 9_999)]
    arrive(database, city, [*messages, ("boxes/air-3/state", b'{"t": 1}')])
    (city / "devices.csv").write_text(DEVICES + "air-2,box,south\n")
    before = state(database)
    rehearsed = replayed(database, city, "--dry-run")
    assert (rehearsed["taken_up"], rehearsed["accepted"], rehearsed["nobody"]) == (3, 2, 1)
    assert state(database) == before

    row = replayed(database, city)
    assert (row["taken_up"], row["accepted"], row["quarantined"], row["left_quarantine"]) == (3, 2, 1, 3)
    stored, kept = state(database)
    assert [one[:2] for one in stored] == [("air-2", "temperature")] * 2
    assert all(NOW_US <= int(str(one[2])) < NOW_US + 10 for one in stored)
    assert kept == [("", "unknown_device"), ("air-2", "out_of_range")]
    windows = command(database, city, "tables", "--table", "window_hour", "--json").rows
    assert windows[0]["rows"] == 1

    again = replayed(database, city)
    assert (again["taken_up"], again["same"], again["nobody"]) == (0, 1, 1)
    assert state(database) == (stored, kept)


def test_what_a_corrected_model_reads_is_stored_and_what_it_refuses_stays_with_its_new_reason(
    database: str, city: Path
) -> None:
    (city / "models" / "box.toml").write_text(vectored(MODEL + HUMIDITY.replace('"h"', '"hum"')))
    arrive(
        database,
        city,
        [
            ("boxes/air-1/state", b'{"t": 20, "hum": "x"}'),
            ("boxes/air-1/state", b'{"t": 21, "hum": "50 %"}'),
            ("boxes/air-1/state", b"{" + b" " * 5_000),
        ],
    )
    stored, kept = state(database)
    assert (len(stored), kept) == (2, [("air-1", "not_a_number")] * 2 + [("air-1", "malformed")])
    (city / "models" / "box.toml").write_text(vectored(MODEL))
    row = replayed(database, city, "--model", "box")
    # Without the field nothing is left against them: each brings a reading that was stored before.
    assert (row["taken_up"], row["duplicate"], row["cut"], row["same"]) == (2, 2, 1, 0)
    assert state(database) == (stored, [("air-1", "malformed")])


def test_beside_a_running_gateway_it_is_refused_and_nothing_changes(database: str, city: Path) -> None:
    arrive(database, city, [("boxes/air-2/state", b'{"t": 20}')])
    before = state(database)
    with Store.connect(database, application_name="cityvitals gateway") as gateway:
        gateway.own()
        done = command(database, city, "quarantine", "replay")
    assert done.code == 1
    assert "stop that program" in done.err
    assert state(database) == before


def waiting_replays(watcher: psycopg.Connection[tuple[object, ...]], state_sql: str) -> int:
    """How many connections of a replay the server has in that state."""
    found = watcher.execute(
        f"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cityvitals replay' AND {state_sql}"
    ).fetchone()
    assert found is not None
    return int(str(found[0]))


def test_killed_in_the_middle_of_a_commit_and_run_again_nothing_is_lost_and_nothing_counts_twice(
    database: str, city: Path
) -> None:
    (city / "models" / "box.toml").write_text(vectored(MODEL.replace('path = "t"', 'path = "temp"')))
    for part in range(3):
        messages = [("boxes/air-1/state", json.dumps({"t": value / 100}).encode()) for value in range(900)]
        arrive(database, city, messages, received_us=NOW_US + part * 1_000_000)
    (city / "models" / "box.toml").write_text(vectored(MODEL))
    settings = {"CITYVITALS_DATABASE_URL": database, "CITYVITALS_ENGINE_MINUTE_DAYS": "0"}
    with (
        psycopg.connect(database, autocommit=True) as watcher,
        psycopg.connect(database, options="-c search_path=cityvitals") as holder,
    ):
        # The rows of the last commit cannot leave the quarantine while somebody holds one of them.
        holder.execute("SELECT 1 FROM quarantine ORDER BY quarantine_id DESC LIMIT 1 FOR UPDATE")
        arguments = ["cityvitals", "--city", str(city), "quarantine", "replay"]
        program = Fork("console.cli", arguments, environment(**settings), Streams())
        wait_until(lambda: waiting_replays(watcher, "wait_event_type = 'Lock'") == 1, 120, "the replay to be stuck")
        program.kill()
        program.wait()
        holder.rollback()
        wait_until(lambda: not waiting_replays(watcher, "true"), 60, "the server to see that nobody is there")
    half, left = state(database)
    assert 0 < len(half) < 2_700
    assert len(left) >= 2_700 - len(half)

    row = replayed(database, city)
    assert (row["taken_up"], row["accepted"], row["duplicate"]) == (2_700 - len(half), 2_700 - len(half), 0)
    stored, kept = state(database)
    assert (len(stored), kept) == (2_700, [])
    with psycopg.connect(database, options="-c search_path=cityvitals") as connection:
        assert connection.execute("SELECT sum(count)::int FROM window_hour").fetchall() == [(2_700,)]
        assert connection.execute("SELECT sum(accepted), sum(duplicate) FROM ledger").fetchall() == [(2_700, 0)]
