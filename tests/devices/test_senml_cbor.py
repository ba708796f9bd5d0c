"""SenML in CBOR gives what the same pack in JSON gives."""

from __future__ import annotations

import json
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import DeviceModel, PayloadError, codec
from devices.codecs.senml_cbor import LABELS
from tests.devices.make import RECEIVED_US, decoded, model, senml
from tests.devices.test_senml import AIR, PACKAGED, STATES, T, readings_of
from tests.examples import examples

EXAMPLE = Path(__file__).parent / "data" / "senml_cbor" / "rfc8428-ex3.json"
CODEC = codec("senml-cbor")


def said(name: str, payload: bytes, device_model: DeviceModel) -> object:
    """Decode, or say why not; a model may be one of the other form, for the codecs do not ask."""
    try:
        return codec(name).decode(payload, device_model, RECEIVED_US)
    except PayloadError as error:
        return str(error)


def test_the_example_of_the_rfc_gives_the_values_of_its_resolved_form() -> None:
    example = json.loads(EXAMPLE.read_text(), parse_float=str)
    device_model = senml(("voltage", "voltage", "V"), ("current", "current", "A"))
    found = CODEC.decode(bytes.fromhex(example["payload_hex"]), device_model, RECEIVED_US)
    wanted = []
    for row in example["expected"]:
        name = row["quantity"].rsplit(":", 1)[-1]
        time_us = round(datetime.fromisoformat(row["time"]).timestamp() * 1_000_000)
        field = device_model.field_index(name)
        ticks = Fraction(str(row["value"])) * 10 ** device_model.fields[field].decimals
        wanted.append((field, time_us, int(ticks), 0))
    assert [tuple(reading) for reading in found.readings] == wanted
    assert len(wanted) == 7
    assert found.faults == []


RECORDS = st.fixed_dictionaries(
    {"n": st.sampled_from(["temp", "pm2_5", "a:temp", "tempp", "load", "word", "door"])},
    optional={
        "bn": st.sampled_from(["urn:dev:1:", ""]),
        "bt": st.integers(-100, 2 * 10**9) | st.floats(0, 2e9),
        "bv": st.integers(-5, 5),
        "bs": st.integers(-5, 5),
        "bver": st.sampled_from([10, 11]),
        "bu": st.sampled_from(["Cel", "ug/m3"]),
        "u": st.sampled_from(["Cel", "ug/m3"]),
        "t": st.integers(-100, 100) | st.floats(-100, 100),
        "v": st.integers(-1000, 1000) | st.floats(-1e9, 1e9),
        "s": st.integers(0, 9),
        "ut": st.integers(0, 9),
        "vs": st.sampled_from(["FREE", "JAM"]),
        "vb": st.booleans(),
        "note": st.text(max_size=3),
        "must_": st.booleans(),
    },
)


@settings(max_examples=examples(200))
@given(st.lists(RECORDS, max_size=4), st.sampled_from([AIR, STATES]))
def test_a_pack_in_cbor_gives_what_it_gives_in_json(pack: list[dict[str, object]], device_model: DeviceModel) -> None:
    labelled = [{int(LABELS[k]) if k in LABELS else k: v for k, v in record.items()} for record in pack]
    wanted = said("senml-json", json.dumps(pack).encode(), device_model)
    assert said("senml-cbor", cbor2.dumps(labelled), device_model) == wanted


@settings(max_examples=examples(60))
@given(st.sampled_from([*PACKAGED, STATES]).flatmap(lambda m: st.tuples(st.just(m), readings_of(m))))
def test_what_is_encoded_decodes_to_the_same(case: tuple[DeviceModel, list[tuple[str, int, int]]]) -> None:
    device_model, rows = case
    found = CODEC.decode(CODEC.encode(device_model, rows), device_model, RECEIVED_US)
    assert [(device_model.fields[r.field].name, r.time_us, r.ticks) for r in found.readings] == rows
    assert found.faults == []


def test_a_float_of_32_bits_is_what_its_sender_meant() -> None:
    payload = (
        b"\x82\xa3\x22\x1a\x5f\x5e\x10\x00\x00\x64temp\x02\xfa\x3d\xcc\xcc\xcd\xa2\x00\x64temp\x02\xfa\x7f\xc0\x00\x00"
    )
    found = CODEC.decode(payload, AIR, RECEIVED_US)
    assert [tuple(r) for r in found.readings] == [(1, T, 100, 0)]
    assert [f.reason for f in found.faults] == ["not_a_number"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"v": 1}, 'expected 2 as label, got \\"v\\"|expected 2 as label, got "v"'),
        ({0: b"temp", 2: 1}, "expected a text as n"),
        ({0: "temp", 2: b"1"}, "expected a number as v"),
        ({0: "temp", 8: "AA"}, "expected a byte string as vd"),
        ({0: "temp", 2: 1, "must_": 1}, "must be understood"),
        ({-1: 10.5, 0: "temp", 2: 1}, "expected a version"),
        ({-3: float("nan"), 0: "temp", 2: 1}, "base field"),
    ],
)
def test_a_record_that_is_none_refuses_the_pack(record: dict[object, object], message: str) -> None:
    with pytest.raises(PayloadError, match=message):
        CODEC.decode(cbor2.dumps([record]), AIR, RECEIVED_US)


def test_labels_without_a_place_are_read_past_and_a_data_value_is_no_number() -> None:
    found = CODEC.decode(cbor2.dumps([{0: "temp", 2: 1, 99: [], "x": {"n": 1}}, {0: "temp", 8: b"\1"}]), AIR, 0)
    assert [r.ticks for r in found.readings] == [1000]
    assert [f.reason for f in found.faults] == ["not_a_number"]
    with pytest.raises(PayloadError, match="a SenML pack"):
        CODEC.decode(cbor2.dumps({0: "temp"}), AIR, 0)


SUMS = model(
    'title="s"\ncodec="senml-json"\ninterval_s=60\n'
    '[[field]]\nname="power"\nmeasurand="power"\nunit="W"\n'
    '[[field]]\nname="energy"\nsum_of="power"\nmeasurand="electricity_import"\nunit="J"\n'
    '[[field]]\nname="litres"\nsum_of="flow"\nmeasurand="water_volume"\nunit="l"\n'
)


def test_a_sum_is_the_reading_of_the_field_that_asks_for_it() -> None:
    pack = [
        {"bt": 1600000000, "n": "power", "u": "W", "v": 5, "s": 3600000},
        {"n": "power", "s": 7200000, "t": 1},
        {"n": "power", "u": "kW", "v": 5, "s": 1},
        {"bs": 3600000, "n": "power", "u": "W", "s": 3600000, "t": 2},
        {"n": "power", "v": 1, "t": 3},
        {"n": "flow", "u": "m3/s", "v": 1, "t": 4},
        {"n": "energy", "v": 1},
    ]
    readings, faults = decoded(SUMS, pack)
    assert [(name, time_us - T, ticks) for name, time_us, ticks, _ in readings] == [
        ("power", 0, 5000),
        ("energy", 0, 1000),
        ("energy", 1_000_000, 2000),
        ("energy", 2_000_000, 2000),
        ("power", 3_000_000, 1000),
        ("energy", 3_000_000, 1000),
        ("litres", 4_000_000, 3_600_000_000),
    ]
    assert faults == [("bad_unit", 1)] * 2 + [("unknown_field", 1)]


def test_sums_are_encoded_as_sums() -> None:
    rows = [("power", T, 5000), ("energy", T, 1000), ("litres", T, 7)]
    assert codec("senml-json").encode(SUMS, rows) == (
        b'[{"bt":1600000000,"n":"power","u":"W","v":5},{"n":"power","u":"W","s":3600000},{"n":"flow","s":0.007}]'
    )


def test_a_base_value_stands_alone_where_a_record_has_none() -> None:
    readings, faults = decoded(AIR, [{"bt": 1600000000, "bv": 20, "n": "temp"}, {"n": "temp", "v": 1, "t": 1}])
    assert [r[2] for r in readings] == [20_000, 21_000]
    assert faults == []
