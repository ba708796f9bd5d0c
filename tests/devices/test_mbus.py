"""M-Bus frames of real meters are read record for record, exactly; what is damaged, encrypted or undated is refused."""

from __future__ import annotations

import json
import struct
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import FLAG_TIME_FROM_ARRIVAL, PayloadError, codec
from devices.codecs.mbus import MBUS
from devices.codecs.mbus.frames import write_frame
from devices.codecs.mbus.quantities import EXTENSION_FB, EXTENSION_FD, PRIMARY
from devices.codecs.mbus.values import clock
from devices.times import time_us_from_rfc3339
from tests.devices.make import RECEIVED_US, decoded, faults_of, model
from tests.examples import examples

RECORDED = json.loads((Path(__file__).parent / "data" / "mbus.json").read_text("utf-8"))
UNITS = {"Wh": ("W.h", 1), "kWh": ("W.h", 1000), "m^3": ("m3", 1), "l": ("m3", Decimal("0.001"))}
UNITS |= {"m^3/h": ("m3/h", 1)}
UNITS |= {"°C": ("Cel", 1), "s": ("s", 1), "W": ("W", 1), "K": ("K", 1)}

HEAD = 'title = "test"\ncodec = "mbus"\ninterval_s = 3600\n'
FIELDS = """
[[field]]
name = "volume"
measurand = "water_volume"
unit = "m3"

[[field]]
name = "due"
path = "volume_storage_1"
measurand = "water_volume"
unit = "m3"

[[field]]
name = "night"
path = "energy_tariff_2"
measurand = "electricity_import"
unit = "Wh"

[[field]]
name = "peak"
path = "power_max_unit_1"
measurand = "power"
unit = "W"
"""
UNDATED = model(HEAD + FIELDS)
DATED = model(HEAD + '[mbus]\nutc_offset = "+01:00"\n' + FIELDS)


def us(text: str) -> int:
    return time_us_from_rfc3339(text)


def document(records: str) -> dict[str, Any]:
    """Return the document of a frame with records in hexadecimal digits."""
    body = MBUS.form.read(write_frame(bytes.fromhex(records)), UNDATED, RECEIVED_US).body
    assert isinstance(body, dict)
    return body


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda r: r["meter_id"])
@pytest.mark.parametrize("form", [str.encode, bytes.fromhex])
def test_a_recorded_frame_says_what_its_source_says(recorded: dict[str, Any], form: Any) -> None:
    said: Any = MBUS.form.read(form(recorded["frame"]), UNDATED, RECEIVED_US).body
    assert said["meter"]["id"].lstrip("0") == recorded["meter_id"]
    assert said["meter"].get("manufacturer") == recorded["manufacturer"]
    expected = [r for r in recorded["records"] if r[5] not in ("Manufacturer specific", "More records follow")]
    for record, (quantity, value, unit, storage, tariff, function) in zip(said["records"], expected, strict=True):
        name, factor = UNITS.get(unit, (None, 1))
        assert record.get("unit") == name
        if name is not None:
            assert Decimal(record["value"]) == Decimal(value) * factor
        elif value == "2000-00-00":
            assert record["value"] == "0x0000"  # no date
        else:
            assert record["value"] == value.removesuffix("Z")
        assert (record["storage"], record["tariff"], "unit" in record) == (
            str(storage),
            tariff or "0",
            name is not None,
        )
        words = {"Maximum value": "max", "Value during error state": "error"}
        assert record["function"] == words.get(function, "instantaneous")
        assert (quantity == "Volume") == (record["quantity"] == "volume") or not quantity
    rest = [r[1].replace(" ", "").lower() for r in recorded["records"] if r[5] == "Manufacturer specific"]
    assert said["manufacturer_data"] == "".join(rest)
    assert said["more_records_follow"] == any(r[5] == "More records follow" for r in recorded["records"])


@pytest.mark.parametrize(
    ("records", "key", "value", "unit"),
    [
        ("0414e5270000", "volume", "102.13", "m3"),
        ("0c1478563412", "volume", "123456.78", "m3"),
        ("0c14785634f2", "volume", "-23456.78", "m3"),
        ("0414ffffffff", "volume", "-0.01", "m3"),
        ("0513cdcccc3d", "volume", "0.0001", "m3"),  # a float of 32 bits: 0.1 litres
        ("0e0b785634129000", "energy", "9012345678000", "J"),
        ("02fb002a00", "energy", "4200000", "W.h"),
        ("02fd48fa08", "voltage", "229.8", "V"),
        ("02fdd9fc01e803", "current_l1", "1", "A"),
        ("84400a01000000", "energy_unit_1", "100", "J"),
        ("8410149a020000", "volume_tariff_1", "6.66", "m3"),
        ("04947401000000", "volume", "0.0001", "m3"),
        ("04947d01000000", "volume", "10", "m3"),
        ("04953c01000000", "volume_negative", "0.1", "m3"),
        ("014205", "volume_flow", "0.003", "m3/h"),
        ("017c02686305", "ch", "5", None),
        ("0d78c51032547698", "fabrication_number", "9876543210", None),
        ("0dfd11e2d204", "customer", "1234", None),
        ("01ff0105", "manufacturer_specific_01", "5", None),
        ("01fd7f05", "fd_7f", "5", None),
        ("016f05", "vif_6f", "5", None),
    ],
)
def test_a_value_is_exact_and_named(records: str, key: str, value: str, unit: str | None) -> None:
    said = document(records)
    assert (said[key]["value"], said[key].get("unit")) == (value, unit)


def test_storage_tariff_and_part_grow_with_each_extension() -> None:
    said = document("c4d1521400000000")
    assert [name for name in said if name.startswith("volume")] == ["volume_unit_3_tariff_5_storage_67"]


def test_the_same_record_twice_is_told_apart_by_its_order() -> None:
    said = document("0114010114020114032f2f")
    assert [said[key]["value"] for key in ("volume", "volume_2", "volume_3")] == ["0.01", "0.02", "0.03"]


@pytest.mark.parametrize("records", ["0c14dddddddd", "041400000080", "05140000c07f"])
def test_a_value_that_says_there_is_none_is_no_number(records: str) -> None:
    assert decoded(UNDATED, write_frame(bytes.fromhex(records)))[1] == [("not_a_number", 1)]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("1a2f6511", "2011-01-05T15:26:00"),
        ("0a0ccd13", "2014-03-13T12:10:00"),
        ("ff0c", "2007-12-31"),
        ("0000", "0x0000"),
        ("8a0ccd13", "0x13cd0c8a"),  # the meter says that its clock is not set
        ("1e0a0c6d1500", "2011-05-13T12:10:30"),
        ("1e0a0c", "12:10:30"),
        ("00002100", "0x00210000"),
    ],
)
def test_dates_and_times_are_of_the_meters_clock(data: str, text: str) -> None:
    assert clock(bytes.fromhex(data)).text == text


TIMED = "046d00106936" + "0413e8030000" + "426c7f3c" + "441364000000"  # 2027-06-09 16:00, due 2027-12-31


def test_without_an_offset_the_meters_clock_is_nobodys() -> None:
    readings, faults = decoded(UNDATED, write_frame(bytes.fromhex(TIMED)))
    assert readings == [("volume", RECEIVED_US, 1_000_000, FLAG_TIME_FROM_ARRIVAL)]
    assert faults == [("bad_time", 1)]


def test_with_an_offset_each_storage_has_its_time_and_a_date_is_the_end_of_its_day() -> None:
    readings, faults = decoded(DATED, write_frame(bytes.fromhex(TIMED)))
    assert readings == [
        ("volume", us("2027-06-09T15:00:00Z"), 1_000_000, 0),
        ("due", us("2027-12-31T23:00:00Z"), 100_000, 0),
    ]
    assert faults == []


def test_a_meter_in_summer_time_says_so() -> None:
    summer = write_frame(bytes.fromhex(TIMED.replace("046d0010", "046d0090")))
    assert decoded(DATED, summer)[0][0][1] == us("2027-06-09T14:00:00Z")


def test_a_due_date_is_not_the_time_of_what_is_read_now() -> None:
    readings, _ = decoded(DATED, write_frame(bytes.fromhex("026c7f3c" + "0413e8030000")))
    assert readings == [("volume", RECEIVED_US, 1_000_000, FLAG_TIME_FROM_ARRIVAL)]


def test_a_clock_that_is_not_set_refuses_what_it_is_the_time_of() -> None:
    readings, faults = decoded(DATED, write_frame(bytes.fromhex(TIMED.replace("046d00", "046d80"))))
    assert [name for name, *_ in readings] == ["due"]
    assert faults == [("bad_time", 1)]


def test_a_meter_that_counts_in_another_unit_is_refused() -> None:
    in_joule = write_frame(bytes.fromhex("84200b01000000"))
    assert decoded(UNDATED, in_joule)[1] == [("bad_unit", 1)]


def radio(rest: str) -> bytes:
    """Return a frame by radio of meter 12345678 of KAM."""
    body = bytes.fromhex("442d2c785634120107" + rest)
    return bytes((len(body),)) + body


def test_a_plain_frame_by_radio_is_read_with_its_short_header_or_none() -> None:
    for rest in ("7a2a0000000413e8030000", "780413e8030000"):
        said: Any = MBUS.form.read(radio(rest), UNDATED, RECEIVED_US).body
        assert (said["volume"]["value"], said["meter"]["id"], said["meter"]["manufacturer"]) == ("1", "12345678", "KAM")


@pytest.mark.parametrize(
    ("payload", "reason", "told"),
    [
        (radio("7a2a0020059f3b"), "malformed", "encrypted (mode 5)"),
        (radio("8d2a00"), "malformed", "encrypted"),
        (b"\xe5", "empty", "acknowledgement"),
        (b"", "empty", "acknowledgement"),
        (bytes.fromhex("105b005b16"), "empty", "request"),
        (b"h\x03\x03", "malformed", "long frame"),
        (write_frame(b"\x01\x13\x05")[:-1], "malformed", "ends with 16"),
        (write_frame(b"\x01\x13\x05").replace(b"\x13\x05", b"\x13\x06"), "malformed", "checksum"),
        (write_frame(b"\x01\x13"), "malformed", "1 bytes at byte 2"),
        (write_frame(b"\x0d\x13\x05abc"), "malformed", "5 bytes at byte 3"),
        (write_frame(b"\x0d\x13\xf5abc"), "malformed", "variable length"),
        (write_frame(b"\x01\x7c\x05abc"), "malformed", "name of a quantity"),
        (write_frame(b"\x81" * 30), "malformed", "head"),
        (write_frame(b"\x3f"), "malformed", "reserved"),
        (write_frame(b"\x01"), "malformed", "head"),
        (b"h" * 300_000, "oversized", "at most 262144"),
        (b"68" * 100_000, "malformed", "ends with 16"),
    ],
)
def test_what_is_no_frame_with_readings_is_refused_and_told_why(payload: bytes, reason: str, told: str) -> None:
    with pytest.raises(PayloadError) as caught:
        codec("mbus").decode(payload, DATED, RECEIVED_US)
    assert caught.value.reason == reason
    assert told in caught.value.detail


def test_the_fixed_structure_may_count_in_binary_and_keep_the_due_date_beside() -> None:
    body = bytes.fromhex("08007378563412" + "0101" + "293e") + struct.pack("<ii", 1234, 500)
    frame = bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))
    said: Any = MBUS.form.read(frame, UNDATED, RECEIVED_US).body
    assert said["meter"]["id"] == "12345678"
    assert (said["volume"]["value"], said["volume_storage_1"]["value"]) == ("1.234", "0.5")


def test_rows_of_the_tables_do_not_overlap() -> None:
    for table in (PRIMARY, EXTENSION_FB, EXTENSION_FD):
        codes = [code for row in table for code in range(row.first, row.first + row.codes)]
        assert len(set(codes)) == len(codes)


MINUTES = st.integers(us("1981-01-02T00:00:00Z") // 60_000_000, us("2190-01-01T00:00:00Z") // 60_000_000)


@settings(max_examples=examples(200))
@given(now=MINUTES, due=MINUTES, ticks=st.integers(-(10**15), 10**15))
def test_what_is_encoded_decodes_to_the_same(now: int, due: int, ticks: int) -> None:
    readings = [("volume", now * 60_000_000, ticks), ("due", due * 60_000_000, ticks)]
    readings += [("night", now * 60_000_000, ticks), ("peak", now * 60_000_000, ticks)]
    found, faults = decoded(DATED, codec("mbus").encode(DATED, readings))
    assert sorted(found) == sorted((*reading, 0) for reading in readings)
    assert faults == []


@pytest.mark.parametrize(
    ("readings", "told"),
    [
        ([("due", 0, 1)], "no utc_offset"),
        ([("volume", 0, 1), ("night", 60_000_000, 1)], "one time"),
        ([], "at least one reading"),
        ([("volume", 0, 2**63 - 1), ("peak", 0, 2**62)], None),
    ],
)
def test_what_a_frame_cannot_say_is_not_encoded(readings: list[tuple[str, int, int]], told: str | None) -> None:
    if told is None:
        assert decoded(UNDATED, codec("mbus").encode(UNDATED, readings))[1] == []
        return
    with pytest.raises(ValueError, match=told):
        codec("mbus").encode(UNDATED, readings)


def test_an_offset_is_hours_and_minutes() -> None:
    faults = faults_of(HEAD + '[mbus]\nutc_offset = "CET"\n' + FIELDS)
    assert [fault.split(":")[0] for fault in faults] == ["mbus.utc_offset"]


def test_a_record_may_be_selected_by_what_it_is() -> None:
    chosen = model(HEAD + FIELDS.split("\n\n")[0] + '\npath = "records[quantity=volume]"\n')
    readings = [("volume", RECEIVED_US, 2_850_427_000)]
    found, _ = decoded(chosen, RECORDED[5]["frame"].encode())
    assert found == [(*readings[0], FLAG_TIME_FROM_ARRIVAL)]
    assert decoded(chosen, codec("mbus").encode(chosen, readings))[0] == found
