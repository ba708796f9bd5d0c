"""Sparkplug B payloads are read by the published schema: types, nulls, times and arrays as the standard has them."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import FLAG_TIME_FROM_ARRIVAL, PayloadError, codec
from devices.codecs.base import PAYLOAD_BYTES_MAX, READINGS_MAX
from devices.codecs.sparkplug.schema import Metric, Payload, parse, serialize
from devices.codecs.sparkplug.values import value_of
from tests.devices.make import RECEIVED_US, decoded, faults_of, model
from tests.examples import examples

DATA = Path(__file__).parent / "data" / "sparkplug"
HEAD = 'title = "test"\ncodec = "sparkplug-b"\ninterval_s = 60\ntopic = "spBv1.0/{city}/DDATA/{gateway}/{device}"\n'
MODEL = model(
    HEAD + '[[field]]\nname = "temperature"\npath = "Temperature"\nmeasurand = "temperature"\nunit = "Cel"\n'
    '[[field]]\nname = "energy"\npath = "Meter/Energy"\nmeasurand = "electricity_import"\nunit = "Wh"\n'
    '[[field]]\nname = "third"\npath = "Inputs/All[2]"\nmeasurand = "temperature"\nunit = "Cel"\n'
    '[[field]]\nname = "cell"\npath = "Table[1].temp"\nmeasurand = "temperature"\nunit = "Cel"\n'
    '[[field]]\nname = "space"\npath = "Free"\nmeasurand = "parking_space"\n'
    'states = {true = "free", false = "occupied", broken = "occupied", 3 = "free"}\n'
)
T_MS = 1_704_067_200_123
T = T_MS * 1000


def sent(*metrics: Metric, time_ms: int | None = T_MS) -> bytes:
    return serialize(time_ms, None, metrics)


def temperature(kind: str, value: object, datatype: int, **more: Any) -> Metric:
    return Metric("Temperature", datatype=datatype, kind=kind, value=value, **more)


def ticks_of(metric: Metric) -> list[int]:
    readings, faults = decoded(MODEL, sent(metric))
    assert faults == []
    return [ticks for _, _, ticks, _ in readings]


# --- the wire, by an encoder of its own


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def part(number: int, value: int | float | bytes, wire: int | None = None) -> bytes:
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | (wire or 1)) + struct.pack("<f" if wire == 5 else "<d", value)
    return varint(number << 3) + varint(value)


def test_the_numbers_of_the_published_schema_are_read() -> None:
    row = part(1, part(3, 1.5, 5)) + part(1, part(6, b"x"))
    table = part(1, 2) + part(2, b"temp") + part(2, b"word") + part(3, 9) + part(3, 12) + part(4, row)
    metric = part(1, b"a/b") + part(2, 7) + part(3, T_MS) + part(4, 16) + part(5, 1) + part(6, 1) + part(7, 1)
    metric += part(8, part(8, b"a description")) + part(9, part(1, b"engUnit")) + part(17, table) + part(99, b"new")
    values = [part(10, 5), part(11, 6), part(12, 0.5, 5), part(13, 0.25), part(14, 1), part(15, b"t"), part(16, b"\0")]
    payload = part(1, T_MS) + part(2, metric) + b"".join(part(2, value) for value in values)
    found = parse(payload + part(2, part(18, b"\xff")) + part(3, 255) + part(4, b"uuid") + part(5, b"body"))
    assert (found.time_ms, found.seq) == (T_MS, 255)
    first, *others = found.metrics
    assert first._replace(value=None) == Metric("a/b", 7, T_MS, 16, True, True, True, "dataset_value")
    assert first.value == (("temp", "word"), (9, 12), ((("float_value", 1.5), ("string_value", b"x")),))
    assert [(m.kind, m.value) for m in others] == [
        ("int_value", 5), ("long_value", 6), ("float_value", 0.5), ("double_value", 0.25), ("boolean_value", True),
        ("string_value", b"t"), ("bytes_value", b"\0"), ("template_value", b"\xff"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["nbirth_v1", "ndata_v1", "ndata_gap", "ndeath_v1"])
def test_recorded_payloads_say_what_their_source_states(name: str) -> None:
    vector = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    found = parse(bytes.fromhex(vector["payload_hex"]))
    assert found.seq == vector["expected_seq"]
    assert found.time_ms == 1_750_855_643_474
    for metric, expected in zip(found.metrics, vector["expected"], strict=True):
        assert metric.name == (expected["quantity"] or "")
        assert (metric.alias, metric.value) == (expected["alias"], expected["value"])


# --- values


@pytest.mark.parametrize(
    ("kind", "value", "datatype", "ticks"),
    [
        ("int_value", 0xFF, 1, -1000),
        ("int_value", 0xFFFFFFFF, 1, -1000),  # as other writers send an Int8
        ("int_value", 0xFFFE, 2, -2000),
        ("int_value", 0xFFFFFFFF, 3, -1000),
        ("long_value", 2**64 - 5, 3, -5000),
        ("long_value", 2**64 - 5, 4, -5000),
        ("int_value", 200, 5, 200_000),
        ("long_value", 2**32 - 1, 7, (2**32 - 1) * 1000),
        ("float_value", 21.100000381469727, 9, 21_100),  # 21.1 in 32 bits
        ("double_value", 21.1, 9, 21_100),
        ("double_value", 1e-3, 10, 1),
        ("string_value", b" 21.25 ", 12, 21_250),
    ],
)
def test_numbers_keep_their_sign_and_their_digits(kind: str, value: object, datatype: int, ticks: int) -> None:
    assert ticks_of(temperature(kind, value, datatype)) == [ticks]


def test_unsigned_64_bits_are_not_taken_for_negative_ones() -> None:
    assert value_of("long_value", 2**64 - 1, 8) == str(2**64 - 1)
    assert value_of("long_value", 2**64 - 1, 4) == "-1"
    meter = Metric("Meter/Energy", datatype=8, kind="long_value", value=2**64 - 1)
    assert decoded(MODEL, sent(meter)) == ([], [("out_of_range", 1)])


@pytest.mark.parametrize(
    ("metric", "ticks"),
    [
        (Metric("Free", datatype=11, kind="boolean_value", value=True), 0),
        (Metric("Free", datatype=11, kind="boolean_value", value=False), 1),
        (Metric("Free", datatype=12, kind="string_value", value=b"broken"), 1),
        (Metric("Free", datatype=3, kind="int_value", value=3), 0),
    ],
)
def test_booleans_texts_and_numbers_become_states(metric: Metric, ticks: int) -> None:
    states = MODEL.fields[4].states
    assert ticks_of(metric) == [states["true"] if ticks == 0 else states["false"]]


FLOATS = struct.pack("<4f", 1.0, 2.0, 21.1, float("nan"))


@pytest.mark.parametrize(
    ("datatype", "data", "ticks"),
    [
        (22, bytes([1, 2, 0xFF]), -1000),
        (25, struct.pack("<3q", 0, 0, -7), -7000),
        (28, struct.pack("<3I", 0, 0, 2**32 - 1), (2**32 - 1) * 1000),
        (30, FLOATS, 21_100),
        (31, struct.pack("<3d", 0, 0, 0.5), 500),
        (33, b"a\0\0" + b"21.5\0", 21_500),
    ],
)
def test_an_element_of_an_array_is_reached_by_its_position(datatype: int, data: bytes, ticks: int) -> None:
    assert ticks_of(Metric("Inputs/All", datatype=datatype, kind="bytes_value", value=data)) == [ticks]


def test_booleans_of_an_array_are_bits_from_the_highest() -> None:
    array = model(
        HEAD + '[[field]]\nname = "space"\npath = "Doors[9]"\nmeasurand = "parking_space"\n'
        'states = {true = "free", false = "occupied"}\n'
    )
    for last, state in ((0x40, "true"), (0xBF, "false")):
        metric = Metric("Doors", datatype=32, kind="bytes_value", value=b"\x0a\0\0\0\xff" + bytes([last]))
        assert [r[2] for r in decoded(array, sent(metric))[0]] == [array.fields[0].states[state]]


TABLE = part(1, 2) + part(2, b"temp") + part(2, b"word") + part(3, 10) + part(3, 12)
TABLE += part(4, part(1, part(4, 1.5)) + part(1, b"")) + part(4, part(1, part(4, 2.5)) + part(1, part(6, b"y")))


def test_a_cell_of_a_data_set_is_reached_by_row_and_column() -> None:
    payload = part(1, T_MS) + part(2, part(1, b"Table") + part(4, 16) + part(17, TABLE))
    assert decoded(MODEL, payload) == ([("cell", T, 2500, 0)], [])


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (temperature("int_value", 300, 1), "out_of_range"),
        (temperature("int_value", 65_536, 6), "out_of_range"),
        (temperature("int_value", 5, 10), "not_a_number"),
        (temperature("double_value", float("nan"), 10), "not_a_number"),
        (temperature("float_value", float("inf"), 9), "not_a_number"),
        (temperature("string_value", b"\xff", 12), "not_a_number"),
        (temperature("template_value", b"", 19), "not_a_number"),
        (temperature("extension_value", b"", 99), "not_a_number"),
        (temperature("", None, 10), "not_a_number"),
        (temperature("bytes_value", b"abc", 17), "not_a_number"),
        (temperature("bytes_value", b"abc", 31), "not_a_number"),
        (temperature("double_value", 1.0, 10, time_ms=2**63), "bad_time"),
        (Metric("Free", datatype=12, kind="string_value", value=b"else"), "not_a_number"),
        (Metric("Inputs/All", datatype=33, kind="bytes_value", value=b"a"), "not_a_number"),
        (Metric("Inputs/All", datatype=32, kind="bytes_value", value=b"\xff\xff\xff\xff"), "not_a_number"),
        (Metric("Inputs/All", datatype=30, kind="bytes_value", value=FLOATS[8:]), ""),
    ],
)
def test_what_a_field_cannot_be_is_a_fault_and_its_neighbour_is_read(metric: Metric, reason: str) -> None:
    good = Metric("Meter/Energy", datatype=7, kind="int_value", value=5)
    readings, faults = decoded(MODEL, sent(metric, good))
    assert [name for name, *_ in readings] == ["energy"]
    assert faults == ([(reason, 1)] if reason else [])


def test_a_null_is_no_value_and_a_transient_metric_is_not_kept() -> None:
    null = temperature("", None, 10, is_null=True)
    passing = temperature("double_value", 5.0, 10, is_transient=True)
    late = temperature("double_value", 6.0, 10, is_historical=True)
    assert decoded(MODEL, sent(null, passing, late)) == ([("temperature", T, 6000, 0)], [])
    assert decoded(MODEL, sent(null)) == ([], [("empty", 1)])


def test_a_metric_has_its_own_time_else_the_payloads_else_that_of_arrival() -> None:
    old = [temperature("double_value", float(n), 10, time_ms=T_MS - n) for n in (3, 2, 1)]
    now = temperature("double_value", 4.0, 10)
    readings, _ = decoded(MODEL, sent(*old, now))
    assert [(time, ticks) for _, time, ticks, _ in readings] == [
        (T - 3000, 3000), (T - 2000, 2000), (T - 1000, 1000), (T, 4000),
    ]  # fmt: skip
    assert decoded(MODEL, sent(now, time_ms=None))[0] == [("temperature", RECEIVED_US, 4000, FLAG_TIME_FROM_ARRIVAL)]


def test_metrics_without_name_or_type_wait_for_a_birth_and_the_others_are_read() -> None:
    nameless = Metric("", alias=1, datatype=10, kind="double_value", value=1.0)
    typeless = Metric("Meter/Energy", kind="int_value", value=1)
    plain = Metric("Temperature", kind="float_value", value=1.5)
    assert decoded(MODEL, sent(nameless, typeless, plain)) == ([("temperature", T, 1500, 0)], [("no_birth", 2)])


def test_topics_of_other_forms_and_each_are_refused_in_a_model() -> None:
    field = '[[field]]\nname = "t"\nmeasurand = "temperature"\nunit = "Cel"\n'
    assert faults_of(HEAD + field) == []
    assert faults_of(HEAD.replace("DDATA/{gateway}/", "NDATA/") + field) == []
    for bad in ("DDATA/{gateway}/", "DBIRTH/{gateway}/", "NDATA/{gateway}/", ""):
        text = HEAD.replace("DDATA/{gateway}/", "DDATA/" if bad.startswith("DDATA") else bad)
        assert [fault.split(":")[0] for fault in faults_of(text + field)] == ["topic"], bad
    assert [fault.split(":")[0] for fault in faults_of(HEAD + 'each = "list"\n' + field)] == ["each"]


# --- round trips, limits


SEEDS = [
    sent(
        temperature("float_value", 21.5, 9, alias=1, time_ms=T_MS - 1),
        Metric("Meter/Energy", 2, datatype=8, kind="long_value", value=77),
        Metric("Inputs/All", 3, datatype=30, kind="bytes_value", value=FLOATS),
        Metric("Free", 4, datatype=11, kind="boolean_value", value=True, is_historical=True),
    ),
    part(1, T_MS) + part(2, part(1, b"Table") + part(4, 16) + part(17, TABLE)) + part(3, 5),
]
"""Payloads that fuzzing begins with."""
TICKS = st.integers(-40_000, 80_000) | st.integers(-(10**12), 10**12)
READINGS = st.lists(
    st.tuples(st.just("temperature"), st.integers(0, 10**12).map(lambda ms: ms * 1000), TICKS)
    | st.tuples(st.just("energy"), st.just(T), st.integers(0, 2**60))
    | st.tuples(st.just("space"), st.just(T), st.sampled_from(sorted(set(MODEL.fields[4].states.values())))),
    min_size=1,
    max_size=6,
)


@pytest.mark.hypothesis
@settings(max_examples=examples(100))
@given(READINGS)
def test_what_is_encoded_decodes_to_the_same(readings: list[tuple[str, int, int]]) -> None:
    payload = codec("sparkplug-b").encode(MODEL, readings)
    found, faults = decoded(MODEL, payload)
    # Of one time in the order of the model's fields.
    assert (sorted(found), faults) == (sorted((*reading, 0) for reading in readings), [])


def test_what_the_format_cannot_carry_is_not_encoded() -> None:
    for reading in (("temperature", 1, 0), ("third", T, 0), ("none", T, 0)):
        with pytest.raises(ValueError, match=r"millisecond|stands inside|no field"):
            codec("sparkplug-b").encode(MODEL, [reading])


BOMBS = {
    "endless metrics": b"\x12\x00" * (PAYLOAD_BYTES_MAX // 2),
    "endless groups": b"\x1b" * PAYLOAD_BYTES_MAX,
    "a string longer than the bytes": part(2, b"")[:1] + varint(2**31) + b"x",
    "templates in templates": b"",
    "rows without end": part(2, part(1, b"Table") + part(17, part(2, b"a") + part(3, 9) + b"\x22\x00" * 100_000)),
    "columns without end": part(2, part(1, b"Table") + part(17, b"\x12\x00" * 100_000)),
    "an array of every number": part(2, part(1, b"Inputs/All") + part(4, 22) + part(16, b"\0" * 200_000)),
    "texts without end": part(2, part(1, b"Inputs/All") + part(4, 33) + part(16, b"\0" * 200_000)),
    "ten megabytes": part(2, part(1, b"Temperature") + part(15, b"9" * 10_000_000)),
    "a name without end": part(2, part(1, b"T" * 200_000) + part(4, 12) + part(15, b"9")),
    "a number without end": part(2, part(1, b"Temperature") + part(4, 12) + part(15, b"9" * 200_000)),
}
for _ in range(2000):
    BOMBS["templates in templates"] = part(18, part(2, BOMBS["templates in templates"]))
BOMBS["templates in templates"] = part(2, part(1, b"Temperature") + BOMBS["templates in templates"])


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_or_read_in_bounds(name: str) -> None:
    found = None
    with suppress(PayloadError):
        found = codec("sparkplug-b").decode(BOMBS[name], MODEL, RECEIVED_US)
    assert found is None or 1 <= len(found.readings) + len(found.faults) <= READINGS_MAX


def test_a_payload_of_nothing_is_empty() -> None:
    assert parse(b"") == Payload(None, None, ())
    assert decoded(MODEL, b"") == ([], [("empty", 1)])
