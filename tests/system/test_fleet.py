"""A seeded fleet with every fault through the real broker, gateway and database: everything is as the truth says."""

from __future__ import annotations

from pathlib import Path

import pytest

import deploy
from simulators.fleet import Fleet, build, leave_retained, send
from simulators.fleet.command import bundled_fleets
from simulators.fleet.tables import ledger_lines, quarantine_lines
from tests.system.conftest import Start
from tests.system.pipeline import Pipeline

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def stored(pipeline: Pipeline) -> list[tuple[str, str, int, int, int]]:
    return [
        (device, field, time_us, ticks, flags)
        for device, field, time_us, ticks, flags in pipeline.query(
            "SELECT d.code, s.field, (extract(epoch FROM o.time) * 1000000)::bigint, o.ticks, o.flags"
            " FROM cityvitals.observation o JOIN cityvitals.series s USING (series_id)"
            " JOIN cityvitals.device d USING (device_id) ORDER BY 1, 2, 3"
        )
    ]


def quarantined(pipeline: Pipeline) -> list[str]:
    rows = pipeline.query(
        "SELECT coalesce(device, ''), reason, sum(readings)::bigint FROM cityvitals.quarantine GROUP BY 1, 2"
    )
    ordered = sorted(rows, key=lambda row: (row[0].encode(), row[1]))
    return [f"{device}\t{reason}\t{readings}" for device, reason, readings in ordered]


def expected(fleet: Fleet, way: str) -> list[tuple[str, str, int, int, int]]:
    batch, registry = fleet.accepted(way), fleet.registry
    names = [(device.code, field.name) for device in registry.devices for field in registry.models[device.model].fields]
    return sorted(
        (*names[slot], time_us, ticks, 0)
        for slot, time_us, ticks in zip(batch.slot.tolist(), batch.time_us.tolist(), batch.ticks.tolist(), strict=True)
    )


def test_a_fleet_with_every_fault_is_stored_and_quarantined_as_the_truth_says(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    fleet = build(bundled_fleets()["small"], tmp_path / "city")
    way = "faults-shuffled"
    tally = fleet.tally(way)
    assert leave_retained(fleet, broker.url) == sum(t.by_reason["retained"] for t in tally.values()) > 0
    pipeline = start(fleet.city)
    summary = send(fleet, broker.url, way=way, seed=5, connections=20)
    assert (summary.acknowledged, summary.storms) == (len(fleet.sequence(way)), 1)
    pipeline.drained(sum(found.received for found in tally.values()))

    ledger = pipeline.balanced()
    assert stored(pipeline) == expected(fleet, way)
    assert quarantined(pipeline) == quarantine_lines(tally)
    assert (ledger["received"], ledger["accepted"], ledger["duplicate"], ledger["quarantined"]) == tuple(
        sum(int(line.split("\t")[column]) for line in ledger_lines(tally)) for column in (1, 2, 3, 4)
    )
