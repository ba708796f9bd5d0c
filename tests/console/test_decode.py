"""`cityvitals decode`: real messages give their values, bad ones their reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.command import cityvitals

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
        ([], "Missing option '--model'"),
    ],
)
def test_wrong_use_says_what_is_wrong_and_exits_2(arguments: list[str], expected: str) -> None:
    done = cityvitals("decode", *arguments, stdin=AIR)
    assert done.code == 2
    assert expected in done.err
    assert done.out == ""
