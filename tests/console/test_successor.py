"""`devices move` and `devices swap`: one line ends, another begins, and the rest of the file is as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devices import load_registry
from tests.console.command import Done, cityvitals
from tests.devices.cities import DEVICES, write_city
from tests.devices.test_feeds import BIKES

LINES = DEVICES + 'gone,water_meter,north,,,2020-01-01,2021-01-01,,,"Mill, old",\nb1,bikes,north,,,,,,,,\n'


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return write_city(tmp_path / "city", devices=LINES, models={"bikes": BIKES})


def run(city: Path, *arguments: str) -> Done:
    return cityvitals("--city", str(city), "devices", *arguments)


def test_a_device_moves_and_every_other_byte_stays(city: Path) -> None:
    dry = run(city, "move", "air-1", "--zone", "south", "--from", "2030-11-01", "--dry-run")
    assert (dry.code, "would begin at 2030-11-01 00:00" in dry.out) == (0, True), dry.err
    assert (city / "devices.csv").read_text() == LINES
    moved = run(city, "move", "air-1", "--zone", "south", "--from", "2030-11-01", "--set", "interval_s=600")
    assert moved.code == 0, moved.err
    assert "do that before then" in moved.out
    assert "--set latitude and longitude" in moved.out
    topic = "cityvitals/testville/air-1/telemetry"
    assert (city / "devices.csv").read_text() == LINES.replace("2024-01-01,,,,Air", "2024-01-01,2030-11-01,,,Air") + (
        f"air-1-2,air_station,south,,,2030-11-01,,600,,Air at the park,{topic}\n"
    )
    registry = load_registry(city)
    assert registry.earlier == {registry.device_index("air-1")}


def test_a_device_is_swapped_twice_and_each_has_its_own_time(city: Path) -> None:
    first = run(city, "swap", "meter-1", "--from", "2024-05-01T12:00:00Z", "--json")
    assert first.rows[0]["successor"] == "meter-1-2"
    assert first.rows[0]["lines"][1]["gateway"] == "roof"
    assert "stays there" in run(city, "swap", "meter-1-2", "--from", "2024-06-01", "--set", "topic=new/meter").out
    spans = {
        device.code: (device.topic, device.service_to_us - device.service_from_us)
        for device in load_registry(city).devices
        if device.code.startswith("meter-1")
    }
    own = "cityvitals/testville/meter-1/telemetry"
    assert {code: topic for code, (topic, _) in spans.items()} == {
        "meter-1": own, "meter-1-2": own, "meter-1-3": "new/meter",
    }  # fmt: skip
    assert spans["meter-1-2"][1] == (30 * 86_400 + 10 * 3600) * 1_000_000


def test_one_of_another_model_takes_the_place_and_where_it_takes_the_topic_the_old_one_retires(city: Path) -> None:
    listed = run(city)
    assert ("in service" in listed.out, "2024-10-27" in listed.out) == (True, True), listed.err
    swap = ("swap", "own", "--from", "2024-05-01", "--model", "water_meter")
    done = run(city, *swap, "--set", "topic=parking/own/state")
    assert done.code == 0, done.err
    assert "parking/own/state is read as water_meter" in " ".join(done.out.split())
    assert [(d.code, d.topic) for d in load_registry(city).devices if d.code.startswith("own")] == [
        ("own", "retired/own"), ("own-2", "parking/own/state"),
    ]  # fmt: skip
    other = run(city, "swap", "meter-1", "--from", "2024-05-01", "--model", "gas_meter", "--json")
    assert other.rows[0]["topic"] == "cityvitals/testville/meter-1-2/telemetry"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["move", "air-1", "--zone", "nowhere", "--from", "2024-05-01"], "unknown zone 'nowhere'"),
        (["move", "air-3", "--zone", "south", "--from", "2024-05-01"], "unknown device 'air-3'"),
        (["move", "air-1", "--zone", "south", "--from", "soon"], "--from: expected a date"),
        (["move", "air-1", "--zone", "south", "--from", "2023-05-01"], "in service only from 2024-01-01"),
        (["swap", "gone", "--from", "2022-05-01"], "out of service since 2021-01-01"),
        (["swap", "air-1", "--from", "2024-05-01", "--code", "air-2"], "stands in line"),
        (["swap", "air-1", "--from", "2024-05-01", "--model", "air_statoin"], "air_station"),
        (["swap", "air-1", "--from", "2024-05-01", "--set", "in_service_from=2024-01-01"], "of another column"),
        (["swap", "own", "--from", "2099-05-01", "--model", "gas_meter", "--set", "topic=parking/own/state"],
         "once they are swapped"),
        (["move", "b1", "--zone", "south", "--from", "2024-05-01"], "give the model a `column`"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_the_file_stays(city: Path, arguments: list[str], why: str) -> None:
    done = run(city, *arguments)
    assert (done.code, why in done.err) == (2, True), done.err
    assert (city / "devices.csv").read_text() == LINES


def test_a_message_is_decoded_as_that_of_the_device_in_service_at_each_time(city: Path) -> None:
    assert run(city, "swap", "meter-1", "--from", "2024-05-01").code == 0
    pack = [{"n": "volume", "u": "l", "t": t, "v": 5} for t in (1_714_000_000, 1_715_000_000)]
    done = cityvitals(
        "--city", str(city), "decode", "--topic", "cityvitals/testville/meter-1/telemetry",
        stdin=json.dumps(pack).encode(),
    )  # fmt: skip
    assert [row["device"] for row in done.rows] == ["meter-1", "meter-1-2"], done.err
