"""An unknown device from its first message to its first figure: heard, offered, accepted, taken up again."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store import Store
from tests.databases import Databases
from tests.devices.cities import write_city
from tests.system.quarantined import arrive, command, state

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

TOPIC = "v3/acme@ttn/devices/noise-7/up"
DEVICES = 'device,model,zone,title\nair-1,air_station,north,"At the park, north"\n'


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path / "city", devices=DEVICES)


def uplink(counter: int, data: str = "AXVkBVsFPwLaAWoC") -> tuple[str, bytes]:
    """What The Things Stack forwards of a Milesight WS302: 47.4 dB(A), battery 100 %."""
    message = {"f_port": 85, "f_cnt": counter, "frm_payload": data, "received_at": f"2024-11-23T07:{counter:02}:20Z"}
    of = {"end_device_ids": {"device_id": "noise-7"}, "received_at": message["received_at"]}
    return TOPIC, json.dumps({**of, "uplink_message": message}).encode()


def test_an_unknown_device_is_offered_accepted_and_has_the_readings_it_sent_before(database: str, city: Path) -> None:
    arrive(database, city, [uplink(1), uplink(2), ("somewhere/else", b"\x00")])
    assert state(database) == ([], [("", "unknown_topic")] * 3)

    first, second = command(database, city, "devices", "discover", "--json").rows
    assert (first["topic"], first["device"], first["messages"]) == (TOPIC, "noise-7", 2)
    best = first["models"][0]
    assert (best["model"], best["fields"], best["refused"]) == ("milesight_ws302", ["battery", "sound_level"], {})
    assert second["models"] == []

    refused = command(database, city, "devices", "accept", TOPIC, "--model", "milesight_ws302", "--zone", "nowhere")
    assert (refused.code, "unknown zone 'nowhere'" in refused.err) == (2, True)
    assert (city / "devices.csv").read_text() == DEVICES

    accept = ("devices", "accept", TOPIC, "--model", "milesight_ws302", "--zone", "south", "--json")
    with Store.connect(database, application_name="cityvitals gateway") as gateway:
        gateway.own()
        held = command(database, city, *accept, "--code", "noise-8")
        assert (held.code, held.rows[0]["replayed"]) == (0, None)
        assert "stop that program" in held.rows[0]["held"]
    (city / "devices.csv").write_text(DEVICES)

    done = command(database, city, *accept)
    assert done.code == 0, done.err
    assert done.rows[0]["replayed"]["accepted"] == 4
    lines = list(csv.DictReader((city / "devices.csv").read_text().splitlines()))
    assert [(line["device"], line["title"], line["topic"]) for line in lines] == [
        ("air-1", "At the park, north", ""),
        ("noise-7", "", TOPIC),
    ]
    stored, kept = state(database)
    assert [(row[1], row[3]) for row in stored] == [("battery", 10_000)] * 2 + [("sound_level", 4_740)] * 2
    assert kept == [("", "unknown_topic")]

    twice = command(database, city, *accept)
    assert (twice.code, "stands in line" in twice.err) == (2, True)
