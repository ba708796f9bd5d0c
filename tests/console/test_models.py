"""`cityvitals models check`: a model says what its hardware sends, or exactly where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.command import cityvitals
from tests.devices.cities import write_city

GOOD = """\
title = "Gauge on the old bridge"
codec = "json-paths"
interval_s = 600

[[field]]
name = "level"
measurand = "water_level"
unit = "cm"

[[field]]
name = "battery"
measurand = "battery_voltage"
unit = "V"

[[test]]
text = '{"level": 183.25, "battery": 3.6}'
source = "manual, page 7"
expect = [
    { field = "level", value = "1.8325" },
    { field = "battery", value = "3.6" },
]

[[test]]
text = '{"level": "dry"}'
refused = ["not_a_number"]
"""


@pytest.fixture
def gauge(tmp_path: Path) -> Path:
    file = tmp_path / "gauge.toml"
    file.write_text(GOOD, encoding="utf-8")
    return file


def test_what_each_message_is_understood_as_is_printed(gauge: Path) -> None:
    done = cityvitals("models", "check", str(gauge))
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "gauge: Gauge on the old bridge",
        "  test[1] holds  (manual, page 7)",
        "    level = 1.8325 m at 2024-03-09T16:00:00.000000Z",
        "    battery = 3.600 V at 2024-03-09T16:00:00.000000Z",
        "  test[2] holds",
        '    refused, not_a_number: level: expected a decimal number, got "dry"',
        "1 model, 2 messages: all as expected",
    ]


def test_a_difference_is_told_exactly_and_exits_1(gauge: Path) -> None:
    gauge.write_text(GOOD.replace("1.8325", "18.325"), encoding="utf-8")
    done = cityvitals("models", "check", str(gauge))
    assert done.code == 1
    assert "  test[1] differs  (manual, page 7)\n" in done.out
    told = "    reading 1: expected level = 18.325, got level = 1.8325 m at 2024-03-09T16:00:00.000000Z\n"
    assert told in done.out
    assert done.out.endswith("1 model, 2 messages: 1 read otherwise than expected\n")
    done = cityvitals("models", "check", str(gauge.parent), "--json")
    assert done.code == 1
    assert [(row["model"], row["test"], len(row["differs"])) for row in done.rows] == [
        ("gauge", "test[1]", 1), ("gauge", "test[2]", 0),
    ]  # fmt: skip
    assert done.rows[0]["differs"] == [told.strip()]


def test_a_gateway_does_not_start_with_a_model_that_reads_its_messages_otherwise(tmp_path: Path) -> None:
    city = write_city(tmp_path, devices="device,model,zone\nharbour,gauge,north\n", models={"gauge": GOOD})
    (city / "models" / "gauge.toml").write_text(GOOD.replace("1.8325", "18.325"), encoding="utf-8")
    done = cityvitals("--city", str(city), "run")
    assert done.code == 2
    assert "models/gauge.toml: test[1]: reading 1: expected level = 18.325, got level = 1.8325 m at" in done.err
    assert f"--city {city} models check" in done.err


def test_every_fault_of_every_file_is_told_and_sound_models_are_tried_before_it_exits_2(gauge: Path) -> None:
    (gauge.parent / "bad.toml").write_text(GOOD.replace('"cm"', '"kWh"').replace("600", "0"), encoding="utf-8")
    (gauge.parent / "untested.toml").write_text(GOOD[: GOOD.index("[[test]]")], encoding="utf-8")
    (gauge.parent / "water_meter.toml").write_text(GOOD, encoding="utf-8")
    done = cityvitals("models", "check", str(gauge.parent))
    assert done.code == 2
    assert "gauge: Gauge on the old bridge" in done.out
    assert "bad: " not in done.out
    for fault in (
        "bad.toml: interval_s: expected a whole number",
        "bad.toml: field[1].unit: water_level: cannot convert 'kWh'",
        "untested.toml: test: expected at least one [[test]], a message of the device and its readings; see docs/dev",
        "water_meter.toml: a model 'water_meter' comes with the package; give this file another name",
    ):
        assert fault in done.err, done.err
    assert "Traceback" not in done.err


def test_a_field_that_no_message_shows_is_named(gauge: Path) -> None:
    cut = GOOD.replace(', "battery": 3.6', "").replace('    { field = "battery", value = "3.6" },\n', "")
    gauge.write_text(cut, encoding="utf-8")
    done = cityvitals("models", "check", str(gauge))
    assert done.code == 0
    assert "  no test shows battery\n" in done.out


def test_the_models_of_the_package_hold_and_those_of_a_city_are_its_folder(tmp_path: Path) -> None:
    assert cityvitals("models", "check", "devices/models/car_park.toml").code == 0
    (tmp_path / "models").mkdir()
    done = cityvitals("--city", str(tmp_path), "models", "check")
    assert done.code == 2
    assert "models: expected device models (*.toml), found none" in done.err
    done = cityvitals("models", "check", str(tmp_path / "none.toml"))
    assert (done.code, "none.toml: no such file or folder" in done.err) == (2, True)


def test_the_list_is_there_without_check() -> None:
    done = cityvitals("models", "--json")
    assert done.code == 0
    assert "car_park" in {row["model"] for row in done.rows}
