"""A quarantine with messages in it, without broker and engine, and what is stored afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import psycopg

from devices import TIME_MIN_US, load_registry
from engine.indicators import INDICATORS
from engine.store import QuarantineRow, Store
from ingest import Intake, build_routing
from ingest.admission import AdmissionLimits
from ingest.commits import Commits
from tests.console.command import Done, cityvitals
from tests.ingest.messages import NOW_US, framer, pour, publish, small_limits


def arrive(
    url: str, city: Path, messages: Sequence[tuple[str, bytes]], kept_bytes: int = 4_096, received_us: int = NOW_US
) -> None:
    """Let a gateway take messages, without broker and engine."""
    registry = load_registry(city)
    routing = build_routing(registry)
    stream = b"".join(publish(topic, payload) for topic, payload in messages)
    [intake] = pour(framer(small_limits(), tables=routing), stream, received_us=received_us)

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
