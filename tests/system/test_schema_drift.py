"""A firmware that calls a value otherwise: found at once, kept whole, and read once the model is mended."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.times import time_us_from_rfc3339
from tests.databases import Databases
from tests.devices.cities import write_city
from tests.system.quarantined import arrive, command, replayed, state

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

MODEL = """
title = "Acme weather"
codec = "json-paths"
topic = "acme/{device}"
interval_s = 600

[time]
path = "at"
format = "rfc3339"

[[field]]
name = "humidity"
path = "rh"
measurand = "humidity"
unit = "%"

[[field]]
name = "temperature"
path = "temp"
measurand = "temperature"
unit = "Cel"

[[test]]
text = '{"at": "2024-03-09T16:00:00Z", "rh": 50, "temp": 21.5, "fw": "1.4"}'
expect = [{ field = "humidity", value = "50" }, { field = "temperature", value = "21.5" }]
"""


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    with databases.migrated() as url:
        yield url


def sent(minute: int, **members: object) -> tuple[str, bytes]:
    at = {"at": f"2024-03-09T16:{minute:02}:00Z", "rh": 50, "fw": "1.5"}
    return "acme/roof", json.dumps({**at, **members}).encode()


def test_a_renamed_member_is_a_finding_and_its_values_come_back(database: str, tmp_path: Path) -> None:
    city = write_city(tmp_path, devices="device,model,zone\nroof,acme,north\n", models={"acme": MODEL})
    arrive(database, city, [sent(0, temp=20), sent(10, temperature=21), sent(20, temperature=22)])
    stored, kept = state(database)
    assert [row[1] for row in stored] == ["humidity"] * 3 + ["temperature"]
    assert kept == [("roof", "unknown_field")] * 2

    (finding,) = command(database, city, "devices", "drift", "--days", "3650", "--json").rows
    assert [finding[key] for key in ("device", "finding", "field", "readings")] == [
        "roof", "unknown_field", "temperature", 2]  # fmt: skip
    newest = command(database, city, "quarantine", "--device", "roof", "--json").rows[0]
    assert newest["id"] == finding["example"]
    assert json.loads(base64.b64decode(str(newest["payload_base64"])))["temperature"] == 22

    second = MODEL.replace('path = "temp"', 'path = "temp"\nalso = ["temperature"]') + (
        '[[test]]\ntext = \'{"at": "2024-03-09T16:00:00Z", "rh": 50, "temperature": 21.5, "fw": "1.5"}\'\n'
        'expect = [{ field = "humidity", value = "50" }, { field = "temperature", value = "21.5" }]\n'
    )
    (city / "models" / "acme.toml").write_text(second)
    done = replayed(database, city, "--model", "acme")
    assert (done["accepted"], done["duplicate"], done["quarantined"]) == (2, 2, 0)
    stored, kept = state(database)
    begin_us = time_us_from_rfc3339("2024-03-09T16:00:00Z")
    assert [(row[2], row[3]) for row in stored if row[1] == "temperature"] == [
        (begin_us + minutes * 60_000_000, 20_000 + minutes * 100) for minutes in (0, 10, 20)]  # fmt: skip
    assert kept == []
