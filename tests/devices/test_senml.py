"""SenML packs give the readings that RFC 8428 says, and say why where they give none."""

from __future__ import annotations

import json
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import (
    FLAG_TIME_FROM_ARRIVAL,
    READINGS_MAX,
    REASONS,
    DeviceModel,
    PayloadError,
    codec,
    load_measurands,
    load_models,
)
from devices.codecs.base import FAULTS_TOLD_MAX
from devices.codecs.senml import ABSOLUTE_FROM_US
from tests.devices.make import RECEIVED_US, decoded, model, senml

DATA = Path(__file__).parent / "data" / "senml"
T = 1_600_000_000_000_000
AIR = senml(("pm2_5", "pm2_5", "ug/m3"), ("temp", "temperature", "Cel"))
STATES = model(
    'title="s"\ncodec="senml-json"\ninterval_s=60\n[[field]]\nname="load"\nmeasurand="traffic_load"\n'
    '[[field]]\nname="word"\nmeasurand="traffic_load"\nstates={FREE="free", JAM="congested"}\n'
    '[[field]]\nname="door"\nmeasurand="parking_space"\nstates={true="occupied", false="free"}\n'
    '[[field]]\nname="code"\nmeasurand="traffic_load"\nstates={"0"="free", "10"="dense", "20"="congested"}\n'
)
# What each example measures, told by a model of our own; the RFC's names that need one have no model of hardware.
EXAMPLES = {
    "rfc8428-ex1": senml(("10e2073a01080063", "temperature", "Cel")),
    "rfc8428-ex2": senml(("voltage", "voltage", "V"), ("current", "current", "A")),
    "rfc8428-ex3": senml(("voltage", "voltage", "V"), ("current", "current", "A")),
    "rfc8428-ex4": senml(("10e2073a01080063", "humidity", "%RH")),
    "rfc8428-ex6": senml(("temperature", "temperature", "Cel"), ("humidity", "humidity", "%RH")),
    "rfc8428-ex7": senml(("temp", "temperature", "Cel")),
    "rfc8428-ex10": senml(("10e2073a01080063", "temperature", "Cel")),
    "rfc8428-ex12": senml(("3", "fill_level", "/"), ("4", "fill_level", "/")),
}


STRANGER = "2001:db8::1/"
"""The second room of example 6: a message is one device's."""


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_an_example_of_the_rfc_gives_the_values_of_its_resolved_form(name: str) -> None:
    example = json.loads((DATA / f"{name}.json").read_text(), parse_float=str, parse_int=str)
    device_model = EXAMPLES[name]
    readings, faults = decoded(device_model, example["payload_text"].encode())
    catalogue = load_measurands().by_code
    by_name = {f.name: f for f in device_model.fields}
    expected = []
    for row in example["expected"]:
        field_name = row["quantity"].replace("/", ":").rsplit(":", 1)[-1]
        if not isinstance(row["value"], str) or field_name not in by_name or row["quantity"].startswith(STRANGER):
            continue
        field = by_name[field_name]
        value = Fraction(row["value"]) * field.factor * 10 ** catalogue[field.measurand].decimals
        if row["time"] is None:
            expected.append((field_name, RECEIVED_US, int(value), FLAG_TIME_FROM_ARRIVAL))
        else:
            time_us = round(datetime.fromisoformat(row["time"]).timestamp() * 1_000_000)
            expected.append((field_name, time_us, int(value), 0))
    assert readings == expected
    assert len(expected) >= 1
    assert faults == [("unknown_field", 1)] * {"rfc8428-ex6": 2, "rfc8428-ex7": 3}.get(name, 0)


def test_every_example_that_comes_with_the_tests_is_tested() -> None:
    assert {path.stem for path in DATA.glob("*.json")} == set(EXAMPLES)


def test_base_fields_hold_until_others_take_their_place() -> None:
    pack = [
        {"bn": "urn:dev:1:", "bt": 1600000000, "bu": "ug/m3", "bv": 10, "n": "pm2_5", "v": 1.5},
        {"n": "pm2_5", "v": 2, "t": 1},
        {"bn": "urn:dev:2/", "bu": "Cel", "bv": 0, "bt": 1600000100, "n": "temp", "v": 3},
        {"bn": "urn:dev:1:", "n": "pm2_5", "u": "ug/m3", "v": 4, "t": -1},
    ]
    assert decoded(AIR, pack) == (
        [
            ("pm2_5", T, 11500, 0),
            ("pm2_5", T + 1_000_000, 12000, 0),
            ("temp", T + 100_000_000, 3000, 0),
            ("pm2_5", T + 99_000_000, 4000, 0),
        ],
        [],
    )


def test_a_base_value_is_added_before_the_rounding() -> None:
    pack = [{"bt": 1600000000, "bv": 0.0004, "n": "pm2_5", "v": 0.0004}]
    assert decoded(AIR, pack)[0] == [("pm2_5", T, 1, 0)]


def test_digits_beyond_a_floats_are_not_lost() -> None:
    payload = b'[{"bt":1600000000.000001,"n":"pm2_5","v":0.00050000000000000000001}]'
    assert decoded(AIR, payload)[0] == [("pm2_5", T + 1, 1, 0)]


@pytest.mark.parametrize("seconds", [0, -5, 10, 2**28 - 1])
def test_a_small_time_counts_from_the_arrival(seconds: int) -> None:
    readings, _ = decoded(AIR, [{"n": "temp", "v": 1, "t": seconds}])
    assert readings == [("temp", RECEIVED_US + seconds * 1_000_000, 1000, FLAG_TIME_FROM_ARRIVAL)]


def test_a_time_of_two_to_the_28th_is_absolute() -> None:
    assert decoded(AIR, [{"n": "temp", "v": 1, "t": 2**28}])[0] == [("temp", ABSOLUTE_FROM_US, 1000, 0)]


def test_a_record_without_a_unit_is_in_the_models_unit_and_another_unit_is_refused() -> None:
    readings, faults = decoded(
        AIR, [{"n": "temp", "v": 1}, {"n": "temp", "v": 1, "u": "K"}, {"n": "temp", "v": 2, "u": ""}]
    )
    assert [r[2] for r in readings] == [1000, 2000]
    assert faults == [("bad_unit", 1)]


def test_a_base_unit_holds_until_another_takes_its_place() -> None:
    pack = [
        {"bu": "K", "n": "temp", "u": "Cel", "v": 1},
        {"bt": 1600000000, "n": "temp", "v": 2},
        {"bu": "Cel", "n": "temp", "v": 3},
    ]
    readings, faults = decoded(AIR, pack)
    assert [r[2] for r in readings] == [1000, 3000]
    assert faults == [("bad_unit", 1)]


def test_states_come_as_numbers_words_and_booleans() -> None:
    pack = [
        {"bt": 1600000000, "n": "load", "v": 2},
        {"n": "word", "vs": "JAM"},
        {"n": "door", "vb": True},
        {"n": "door", "vb": False},
        {"n": "code", "v": 1e1},
        {"n": "code", "v": 11},
        {"n": "word", "vs": "jam"},
        {"n": "load", "vs": "2"},
        {"n": "word", "v": 0},
    ]
    readings, faults = decoded(STATES, pack)
    assert [(r[0], r[2]) for r in readings] == [("load", 2), ("word", 2), ("door", 1), ("door", 0), ("code", 1)]
    assert faults == [("not_a_number", 1)] * 4


@pytest.mark.parametrize("value", [0.6, 1.5, -0.1, 1e-9])
def test_a_fraction_is_no_state_and_is_not_rounded_to_one(value: float) -> None:
    assert decoded(STATES, [{"n": "load", "v": value}]) == ([], [("not_a_number", 1)])
    by_path = model(
        'title="s"\ncodec="json-paths"\ninterval_s=60\n[[field]]\nname="load"\nmeasurand="traffic_load"\n', "paths"
    )
    assert decoded(by_path, {"load": value}) == ([], [("not_a_number", 1)])
    assert [row[2] for row in decoded(by_path, b'{"load": 1.0}')[0]] == [1]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"n": "temprature", "v": 1}, "unknown_field"),
        ({"v": 1}, "unknown_field"),
        ({"n": "temp", "vs": "1"}, "not_a_number"),
        ({"n": "temp", "vb": True}, "not_a_number"),
        ({"n": "temp", "vd": "AAAA"}, "not_a_number"),
        ({"n": "temp"}, "malformed"),
        ({"n": "temp", "v": 1, "vs": "x"}, "malformed"),
        ({"n": "temp", "s": 5}, "empty"),
        ({"n": "temp", "v": 1, "t": 1e15}, "bad_time"),
        ({"n": "temp", "v": 1, "t": -1e15}, "bad_time"),
    ],
)
def test_a_record_that_cannot_be_used_leaves_the_others(record: dict[str, object], reason: str) -> None:
    readings, faults = decoded(AIR, [{"n": "pm2_5", "v": 1}, record, {"n": "pm2_5", "v": 2, "t": 1}])
    assert faults == [(reason, 1)]
    assert [r[2] for r in readings] == [1000, 2000]


def test_records_of_another_device_are_not_taken_for_those_of_this_one() -> None:
    pack = [
        {"bn": "urn:dev:1:", "bt": 1600000000, "n": "pm2_5", "v": 1},
        {"bn": "urn:dev:2:", "n": "pm2_5", "v": 99, "t": 60},
        {"n": "temp", "v": 3},
        {"bn": "urn:dev:1:", "n": "pm2_5", "v": 2, "t": 60},
        {"n": "in/temp", "v": 4},
    ]
    readings, faults = decoded(AIR, pack)
    assert [(r[0], r[2]) for r in readings] == [("pm2_5", 1000), ("temp", 3000), ("pm2_5", 2000)]
    assert faults == [("unknown_field", 1)] * 2
    told = codec("senml-json").decode(json.dumps(pack).encode(), AIR, 0).faults[0].detail
    assert told == 'record 2: "urn:dev:2:pm2_5" is not "urn:dev:1:pm2_5": a pack has records of one device'


def test_an_unknown_field_names_the_nearest() -> None:
    result = codec("senml-json").decode(b'[{"n":"temmp","v":1}]', AIR, 0)
    assert result.faults[0].detail == "record 1: model test has no field \"temmp\"; did you mean 'temp'?"


@pytest.mark.parametrize("value", ["1e300", "1e999999999", "-" + "9" * 70])
def test_a_number_beyond_all_ranges_is_out_of_range(value: str) -> None:
    assert decoded(AIR, f'[{{"n":"temp","v":{value}}}]'.encode()) == ([], [("out_of_range", 1)])


def test_labels_nobody_knows_are_read_past_unless_they_must_be_understood() -> None:
    assert decoded(AIR, [{"n": "temp", "v": 1, "foo": {"deep": [1]}, "l": "x", "ut": 5, "s": 7, "bs": 1}])[1] == []
    with pytest.raises(PayloadError, match="must be understood"):
        decoded(AIR, [{"n": "temp", "v": 1}, {"n": "temp", "v": 1, "foo_": 1}])


@pytest.mark.parametrize("version", [1, 5, 10, 26])
def test_a_known_version_is_taken(version: int) -> None:
    assert decoded(AIR, [{"bver": version, "n": "temp", "v": 1}])[1] == []


@pytest.mark.parametrize("version", ["11", "0", "-1", "27", "1.5", "1e9"])
def test_an_unknown_version_is_refused(version: str) -> None:
    with pytest.raises(PayloadError, match="malformed: expected a version"):
        decoded(AIR, f'[{{"bver":{version},"n":"temp","v":1}}]'.encode())


def test_records_of_one_pack_have_one_version() -> None:
    with pytest.raises(PayloadError, match="one version"):
        decoded(AIR, [{"n": "temp", "v": 1}, {"bver": 5, "n": "temp", "v": 1}])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"{}",
        b"5",
        b'"x"',
        b"[5]",
        b"[[]]",
        b"[null]",
        b"[{}",
        b'[{"n":5,"v":1}]',
        b'[{"n":"temp","v":"1"}]',
        b'[{"n":"temp","v":null}]',
        b'[{"n":"temp","v":true}]',
        b'[{"bt":"x","n":"temp","v":1}]',
        b'[{"n":"temp","vb":1}]',
        b'[{"n":"temp","v":NaN}]',
        b'[{"n":"temp","v":Infinity}]',
        b'[{"n":"temp","v":01}]',
        b'[{"n":"temp","v":1,"v":2}]',
        b'\xff[{"n":"temp","v":1}]',
        '[{"n":"temp","v":1}]'.encode("utf-16"),
        b'\xef\xbb\xbf[{"n":"temp","v":1}]',
        b'[{"n":"temp","v":1}] x',
        b'[{"n":"temp\nx","v":1}]',
        b'[{"bt":1e999999999,"n":"temp","v":1}]',
        b"[" * 100_000,
    ],
)
def test_what_is_no_pack_is_malformed(payload: bytes) -> None:
    with pytest.raises(PayloadError, match="malformed") as caught:
        decoded(AIR, payload)
    assert caught.value.detail.isascii()
    assert len(caught.value.detail) < 300


@pytest.mark.parametrize(("depth", "fits"), [(30, True), (31, False), (2000, False)])
def test_nesting_is_bounded_at_the_same_depth_for_every_caller(depth: int, fits: bool) -> None:
    payload = b'[{"n":"temp","v":1,"x":' + b"[" * depth + b"]" * depth + b"}]"
    if fits:
        assert decoded(AIR, payload)[1] == []
    else:
        with pytest.raises(PayloadError, match="at most 32 levels"):
            decoded(AIR, payload)


def test_size_and_number_of_records_are_bounded() -> None:
    with pytest.raises(PayloadError, match="oversized"):
        decoded(AIR, b" " * 262_145)
    with pytest.raises(PayloadError, match="too_many"):
        decoded(AIR, b"[" + b"{}," * READINGS_MAX + b"{}]")


@pytest.mark.parametrize("payload", [b"[]", b"[{}]", b'[{"bn":"urn:dev:1:","bt":1600000000,"bv":2}]'])
def test_a_pack_without_a_value_is_one_empty_reading(payload: bytes) -> None:
    assert decoded(AIR, payload) == ([], [("empty", 1)])


def test_many_faults_are_counted_in_full_and_told_in_part() -> None:
    pack = [{"n": "tempp", "v": 1}] * 500 + [{"n": "temp", "u": "K", "v": 1}] * 50 + [{"n": "temp", "v": 1}]
    result = codec("senml-json").decode(json.dumps(pack).encode(), AIR, 0)
    assert len(result.readings) == 1
    assert len(result.faults) == FAULTS_TOLD_MAX + 2
    assert {reason: sum(f.readings for f in result.faults if f.reason == reason) for reason in REASONS} == {
        **dict.fromkeys(REASONS, 0),
        "unknown_field": 500,
        "bad_unit": 50,
    }


def test_foreign_text_cannot_break_out_of_a_message() -> None:
    result = codec("senml-json").decode('[{"n":"\\u0000\\ud800\\n도시'.encode() + b"x" * 5000 + b'","v":1}]', AIR, 0)
    detail = result.faults[0].detail
    assert detail.isascii()
    assert "\x00" not in detail
    assert "\n" not in detail
    assert len(detail) < 600


PACKAGED = [m for m in load_models().values() if m.codec == "senml-json"]


@st.composite
def readings_of(draw: st.DrawFn, device_model: DeviceModel) -> list[tuple[str, int, int]]:
    """Draw readings as a device of the model could send."""
    catalogue = load_measurands().by_code
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        field = draw(st.sampled_from(device_model.fields))
        measurand = catalogue[field.measurand]
        ticks = (
            st.sampled_from(sorted(field.states.values()))
            if field.states
            else st.integers(measurand.low_ticks, measurand.high_ticks)
        )
        rows.append((field.name, draw(st.integers(ABSOLUTE_FROM_US, 4_000_000_000_000_000)), draw(ticks)))
    return rows


@given(st.sampled_from([*PACKAGED, STATES]).flatmap(lambda m: st.tuples(st.just(m), readings_of(m))))
def test_what_is_encoded_decodes_to_the_same(case: tuple[DeviceModel, list[tuple[str, int, int]]]) -> None:
    device_model, rows = case
    payload = codec("senml-json").encode(device_model, rows)
    readings, faults = decoded(device_model, payload)
    assert [r[:3] for r in readings] == rows
    assert faults == []


def test_encoding_refuses_what_the_format_cannot_carry() -> None:
    for rows, message in (
        ([("nothing", T, 1)], "has no field"),
        ([("temp", 5, 1)], "before 1978"),
    ):
        with pytest.raises(ValueError, match=message):
            codec("senml-json").encode(AIR, rows)
    with pytest.raises(ValueError, match="names no state 1"):
        codec("senml-json").encode(STATES, [("word", T, 1)])


def test_an_encoded_pack_is_compact() -> None:
    payload = codec("senml-json").encode(AIR, [("pm2_5", T, 35200), ("temp", T + 500_000, -5)])
    assert payload == (
        b'[{"bt":1600000000,"n":"pm2_5","u":"ug/m3","v":35.2},{"n":"temp","u":"Cel","v":-0.005,"t":0.5}]'
    )
