"""The bundled recordings through broker, gateway and database leave what the truth says of them, in every table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import deploy
import devices
import simulators
from simulators import truth
from tests.simulators.engine_tables import assert_equal
from tests.system.conftest import Start
from tests.system.pipeline import DEMO, Pipeline

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

DAY_US = 86_400_000_000
_MICROSECONDS = "(extract(epoch FROM {column}) * 1000000)::bigint AS {column}_us"
_SERIES = "JOIN cityvitals.series s USING (series_id) JOIN cityvitals.device d USING (device_id)"
_KEY = 'd.code COLLATE "C", s.field COLLATE "C"'
_START, _TIME = (_MICROSECONDS.format(column=column) for column in ("start", "time"))
_CELLS = "count, low, high, sum_0, sum_1, sum_2, sum_3, expected"
_HOLDS = "count > 0 OR sum_0 <> 0 OR sum_1 <> 0 OR sum_2 <> 0 OR sum_3 <> 0"
CANONICAL = {
    # Written for this test and for nothing else, so that the truth is compared with rows, not with another program.
    "observation": f"SELECT {_KEY}, {_TIME}, ticks, flags FROM cityvitals.observation {_SERIES} ORDER BY 1, 2, 3",
    **{
        table: f"SELECT {_KEY}, {_START}, {_CELLS} FROM cityvitals.{table} {_SERIES} WHERE {_HOLDS} ORDER BY 1, 2, 3"
        for table in ("bucket_minute", "window_hour", "window_day")
    },
    "counter_event": f"SELECT {_KEY}, {_TIME}, kind, before_ticks, after_ticks"
    f" FROM cityvitals.counter_event {_SERIES} ORDER BY 1, 2, 3",
    "indicator_value": f'SELECT i.code COLLATE "C", i."window" COLLATE "C", p.kind COLLATE "C", p.code COLLATE "C",'
    f" {_START}, ticks, band, m.code, received, expected FROM cityvitals.indicator_value"
    " JOIN cityvitals.indicator i USING (indicator_id) JOIN cityvitals.scope p USING (scope_id)"
    " LEFT JOIN cityvitals.measurand m ON m.measurand_id = driver ORDER BY 1, 2, 3, 4, 5",
}


def stored(pipeline: Pipeline) -> dict[str, list[str]]:
    """Return every canonical table of the database."""
    found = {}
    with psycopg.connect(pipeline.database_url, autocommit=True) as connection:
        for table, sql in CANONICAL.items():
            with connection.cursor().copy(f"COPY ({sql}) TO STDOUT") as copy:
                found[table] = b"".join(copy).decode().splitlines(keepends=True)
    return found


def accepted(registry: devices.Registry, messages: Iterator[simulators.Message]) -> devices.ObservationBatch:
    """Return what the reference codec reads in the messages, the first of each slot and time."""
    by_topic = {device.topic: position for position, device in enumerate(registry.devices)}
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for message in messages:
        position = by_topic[message.topic]
        model = registry.model_of(registry.devices[position])
        decoded = devices.codec(model.codec).decode(message.payload, model, 0)
        assert not decoded.faults
        slots = registry.slots(position)
        for reading in decoded.readings:
            found.setdefault((slots[reading.field], reading.time_us), (reading.ticks, reading.flags))
    return devices.ObservationBatch.of(
        [slot for slot, _ in found], [time_us for _, time_us in found],
        [ticks for ticks, _ in found.values()], [flags for _, flags in found.values()],
    )  # fmt: skip


def test_the_last_day_of_the_demo_shuffled_and_with_repeats_leaves_what_the_truth_says(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    registry = devices.load_registry(DEMO)
    choice = simulators.Choice(seed=7, shuffle=True, duplicates=0.05, last_us=DAY_US)
    schedule = simulators.prepare([DEMO], choice=choice)
    pipeline = start(DEMO)
    sent = simulators.send(schedule, broker.url)
    pipeline.drained(sent.readings, timeout_s=240)
    ledger = pipeline.balanced()
    batch = accepted(registry, schedule.messages())
    assert (ledger["accepted"], ledger["quarantined"]) == (len(batch), 0)
    assert ledger["duplicate"] > 0
    digests = truth.write(registry, batch, tmp_path)
    wanted = {
        table: (tmp_path / f"{table}.tsv").read_bytes().decode().splitlines(keepends=True) for table in truth.TABLES
    }
    assert_equal(stored(pipeline), wanted)
    told = {row["table"]: row["sha256"] for row in pipeline.command("tables")}
    assert {table: told[table] for table in truth.TABLES} == digests
    assert len(wanted["observation"]) > 10_000
    assert len(wanted["indicator_value"]) > 1_000
