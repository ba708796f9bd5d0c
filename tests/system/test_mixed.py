"""Eleven payload formats side by side through broker, gateway and database: nothing lost, and the truth matches."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import deploy
from simulators import truth
from simulators.fleet import build, send
from simulators.fleet.command import bundled_fleets
from tests.system.conftest import Start
from tests.system.pipeline import assert_same

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

FORMATS = {
    "senml-json", "senml-cbor", "json-paths", "cbor-paths", "csv-lines", "lorawan", "bytes", "ngsi-ld", "sensorthings",
    "dsmr-p1", "sparkplug-b",
}  # fmt: skip


@pytest.mark.parametrize("way", ["twice", "faults"])
def test_a_fleet_of_eleven_formats_is_stored_as_the_truth_says(
    way: str, start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    fewer = tmp_path / "mixed"
    shutil.copytree(bundled_fleets()["mixed"].parent, fewer)
    text = (fewer / "fleet.toml").read_text(encoding="utf-8")
    assert text.count("count = 250\n") == len(FORMATS)
    text = text.replace("count = 250\n", "count = 5\n").replace("gateway_devices = 50\n", "gateway_devices = 2\n")
    # So few devices need more to go wrong.
    (fewer / "fleet.toml").write_text(text.replace("rate = 0.0", "rate = 0.1"), encoding="utf-8")
    fleet = build(fewer / "fleet.toml", tmp_path / "city")
    assert {fleet.registry.models[device.model].codec for device in fleet.registry.devices} == FORMATS
    assert len(fleet.registry.devices) == 10 * len(FORMATS)

    pipeline = start(fleet.city)
    summary = send(fleet, broker.url, way=way, connections=4)
    accepted, tally = fleet.accepted(way), fleet.tally(way).values()
    pipeline.drained(sum(found.received for found in tally))
    ledger = pipeline.balanced()
    assert summary.acknowledged == len(fleet.sequence(way))
    duplicate, quarantined = sum(found.duplicate for found in tally), sum(found.quarantined for found in tally)
    assert (ledger["accepted"], ledger["duplicate"], ledger["quarantined"]) == (len(accepted), duplicate, quarantined)
    assert duplicate == len(accepted) if way == "twice" else 0 < quarantined < len(accepted)
    figures = truth.expected(fleet.registry, accepted)
    assert_same(pipeline.tables(), {name: "".join(lines).splitlines() for name, lines in figures.items()})
