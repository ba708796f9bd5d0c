"""Messages of the quarantine taken up again: what they say is stored, and each counts once however it is done."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import psycopg
import pytest

from devices import TIME_MIN_US, load_registry
from engine.indicators import INDICATORS
from engine.store import QuarantineRow, Store
from ingest import Intake, build_routing
from ingest.admission import AdmissionLimits
from ingest.commits import Commits
from tests.console.command import Done, cityvitals
from tests.databases import Databases
from tests.devices.cities import write_city
from tests.ingest.messages import NOW_US, framer, pour, publish, small_limits

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


def arrive(url: str, city: Path, messages: Sequence[tuple[str, bytes]], kept_bytes: int = 4_096) -> None:
    """Let a gateway take messages, without broker and engine."""
    registry = load_registry(city)
    routing = build_routing(registry)
    stream = b"".join(publish(topic, payload) for topic, payload in messages)
    [intake] = pour(framer(small_limits(), tables=routing), stream)

    def row(of: Intake, message: int, device: int, reason: str, detail: str, readings: int) -> QuarantineRow:
        payload, code = of.payload(message), routing.devices[device] if device >= 0 else ""
        received_us = int(of.received_us[message])
        return QuarantineRow(
            received_us, reason, of.topic(message), code, detail, readings, payload[:kept_bytes], len(payload)
        )

    with Store.connect(url) as store:
        store.register(registry, INDICATORS)
        store.own()
        commits = Commits(registry, AdmissionLimits(), "gateway", 0)
        store.append(commits.wanted(intake, partial(row, intake), TIME_MIN_US, uuid.uuid4()))


def command(url: str, city: Path, *arguments: str) -> Done:
    settings = {"CITYVITALS_DATABASE_URL": url, "CITYVITALS_ENGINE_MINUTE_DAYS": "0"}
    return cityvitals("--city", str(city), *arguments, **settings)


def replayed(url: str, city: Path, *options: str) -> dict[str, object]:
    done = command(url, city, "quarantine", "replay", "--json", *options)
    assert done.code == 0, done.err
    (row,) = done.rows
    return row


def state(url: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Observations by device and field, and the quarantine by device and reason; seeing that the ledger holds both."""
    with psycopg.connect(url, options="-c search_path=cityvitals -c timezone=UTC") as connection:

        def rows(sql: str) -> list[tuple[object, ...]]:
            return connection.execute(sql).fetchall()

        assert rows("SELECT sum(received - accepted - duplicate - quarantined) FROM ledger") == [(0,)]
        assert rows("SELECT sum(accepted), sum(quarantined) - sum(replayed) FROM ledger") == rows(
            "SELECT (SELECT count(*) FROM observation), (SELECT coalesce(sum(readings), 0) FROM quarantine)"
        )
        stored = rows(
            "SELECT d.code, s.field, (extract(epoch FROM o.time) * 1000000)::bigint, o.ticks FROM observation o"
            " JOIN series s USING (series_id) JOIN device d USING (device_id) ORDER BY 1, 2, 3"
        )
        return stored, rows("SELECT device, reason FROM quarantine ORDER BY quarantine_id")


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
    (city / "models" / "box.toml").write_text(MODEL + HUMIDITY.replace('"h"', '"hum"'))
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
    (city / "models" / "box.toml").write_text(MODEL)
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
