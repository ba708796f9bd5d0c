"""`cityvitals decode`: real messages give their values, bad ones their reason."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from paho.mqtt import publish

import deploy
from tests.console.command import cityvitals
from tests.devices.cities import write_city

DEVICES = """\
device,model,zone,station_id,topic
air-1,air_station,north,,
dock-a,gbfs_station,north,a,hire/stations
dock-b,gbfs_station,south,b,hire/stations
"""
AIR = (
    b'[{"bn":"urn:dev:mac:0024befffe804ff1:","bt":1700000000,"n":"pm2_5","u":"ug/m3","v":35.2},'
    b'{"n":"no2","u":"ug/m3","v":12,"t":60}]'
)


def test_each_observation_is_one_object_with_exact_decimals() -> None:
    done = cityvitals("decode", "--model", "air_station", stdin=AIR)
    assert done.err == ""
    assert done.code == 0
    assert done.rows == [
        {
            "device": None, "measurand": "pm2_5", "time": "2023-11-14T22:13:20.000000Z", "value": "35.200",
            "unit": "ug/m3",
        },
        {
            "device": None, "measurand": "no2", "time": "2023-11-14T22:14:20.000000Z", "value": "12.000",
            "unit": "ug/m3",
        },
    ]  # fmt: skip


def test_the_topic_names_the_device_and_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "message.json"
    file.write_bytes(AIR)
    done = cityvitals("decode", "--model", "air_station", "--topic", "cityvitals/seoul/jung-gu/telemetry", str(file))
    assert [row["device"] for row in done.rows] == ["jung-gu", "jung-gu"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "malformed: "),
        (b"", "malformed: "),
        (b"[]", "empty: "),
        (b'[{"n":"pm2_6","u":"ug/m3","v":1}]', "unknown_field: "),
        (b'[{"n":"pm2_5","u":"mg/m3","v":1}]', "bad_unit: "),
        (b'[{"n":"pm2_5","u":"ug/m3","v":1}, {"n":"pm10","u":"ug/m3","vs":"x"}]', "not_a_number: "),
        (b"\x1b[2J", "malformed: "),
    ],
)
def test_a_bad_message_says_its_reason_and_exits_1(payload: bytes, reason: str) -> None:
    done = cityvitals("decode", "--model", "air_station", stdin=payload)
    assert done.code == 1
    assert done.err.startswith(reason), done.err
    assert "\x1b" not in done.err
    assert "Traceback" not in done.err


def test_what_is_good_of_a_message_is_printed_beside_what_is_bad() -> None:
    payload = b'[{"n":"pm2_5","u":"ug/m3","v":1.5,"t":1700000000},{"n":"pm2_6","u":"ug/m3","v":1}]'
    done = cityvitals("decode", "--model", "air_station", stdin=payload)
    assert [row["value"] for row in done.rows] == ["1.500"]
    assert done.err.startswith("unknown_field: ")
    assert done.code == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--model", "air_statoin"], "did you mean 'air_station'?"),
        (["--model", "air_station", "--topic", "a/b"], "does not follow the model's pattern"),
        (["--model", "air_station", "/nowhere/message"], "cannot read /nowhere/message: No such file or directory"),
        (["--model", "air_station", "."], "cannot read .: Is a directory"),
        ([], "nothing says how the message is read"),
        (["--model", "air_station", "--hex", "7"], "--hex: "),
        (["--model", "air_station", "--base64", "*"], "--base64: "),
        (["--model", "air_station", "--hex", "7b", "--live", "a"], "give one of them"),
        (["--model", "elsys_ers_co2", "--f-port", "5", "--live", "a"], "--f-port: "),
    ],
)
def test_wrong_use_says_what_is_wrong_and_exits_2(arguments: list[str], expected: str) -> None:
    done = cityvitals("decode", *arguments, stdin=AIR)
    assert done.code == 2
    assert expected in done.err
    assert done.out == ""


def test_a_payload_may_be_written_in_hex_or_base64() -> None:
    for option, text in (("--hex", AIR.hex(":")), ("--base64", base64.b64encode(AIR).decode())):
        done = cityvitals("decode", "--model", "air_station", option, text)
        assert [row["value"] for row in done.rows] == ["35.200", "12.000"], done.err


def test_what_a_lorawan_device_sends_needs_no_message_around_it() -> None:
    done = cityvitals("decode", "--model", "elsys_ers_co2", "--f-port", "5", "--hex", "0100e202290400270506060308")
    assert [row["value"] for row in done.rows] == ["22.600", "41.000", "39.00", "776.00", "6"], done.err
    cut = cityvitals("decode", "--model", "elsys_ers_co2", "--f-port", "5", "--hex", "0100e2022904002705")
    assert (cut.code, cut.err) == (1, "malformed: byte 9: expected 1 bytes of movements, got the end\n")


def test_without_a_model_the_citys_devices_say_whose_a_message_is(tmp_path: Path) -> None:
    city = write_city(tmp_path / "city", devices=DEVICES)
    done = cityvitals("--city", str(city), "decode", "--topic", "cityvitals/testville/air-1/telemetry", stdin=AIR)
    assert [row["device"] for row in done.rows] == ["air-1", "air-1"], done.err
    at = {"last_reported": "2024-03-09T16:59:00Z"}
    counts = {"b": 3, "c": 4, "a": 5}
    stations = [{"station_id": name, "num_vehicles_available": count, **at} for name, count in counts.items()]
    feed = json.dumps({"data": {"stations": stations}}).encode()
    done = cityvitals("--city", str(city), "decode", "--topic", "hire/stations", stdin=feed)
    assert [(row["device"], row["value"]) for row in done.rows] == [("dock-b", "3"), ("dock-a", "5")], done.err
    done = cityvitals("--city", str(city), "decode", "--topic", "no/body", stdin=AIR)
    assert (done.code, done.err.startswith("unknown_device: ")) == (1, True)


def test_the_readings_of_a_calibrated_device_are_those_that_would_be_stored(tmp_path: Path) -> None:
    city = write_city(tmp_path / "city", devices=DEVICES)
    (city / "calibrations.csv").write_text("device,field,valid_from,gain\nair-1,pm2_5,2023-01-01,1.1\n")
    done = cityvitals("--city", str(city), "decode", "--topic", "cityvitals/testville/air-1/telemetry", stdin=AIR)
    assert [row["value"] for row in done.rows] == ["38.720", "12.000"], done.err


def test_messages_come_from_the_broker(broker: deploy.Broker) -> None:
    at = urlsplit(broker.url)
    # Retained, so that it is there whenever the command subscribes.
    publish.single(
        "cityvitals/testville/air-1/telemetry", AIR, qos=1, retain=True, hostname=at.hostname or "", port=at.port or 0
    )
    arguments = ("decode", "--model", "air_station", "--live", "cityvitals/+/air-1/telemetry")
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    done = cityvitals(*arguments, CITYVITALS_MQTT_URL=broker.url, CITYVITALS_DATABASE_URL=nowhere)
    assert [row["value"] for row in done.rows] == ["35.200", "12.000"], done.err
