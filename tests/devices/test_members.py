"""What comes under a name that a model does not know, or as another type, is found by the first message."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices import DeviceModel, codec
from devices.codecs.jsontext import parse_json
from devices.codecs.members import UNKNOWN_TOLD_MAX, is_known, known_members, unknown_members
from devices.codecs.sparkplug.schema import Metric, serialize
from devices.paths import parse_path
from tests.devices.make import RECEIVED_US, faults_of, model
from tests.devices.oracle_members import Place, strange
from tests.examples import examples

FIELD = '[[field]]\nname = "temp"\nmeasurand = "temperature"\nunit = "Cel"\n'
HEAD = 'title = "test"\ninterval_s = 60\n'


def json_model(*messages: str, more: str = "", field: str = FIELD) -> DeviceModel:
    """A model of JSON with these test messages, whose readings nobody checks."""
    tests = "".join(f"[[test]]\ntext = '''{text}'''\nrefused = ['empty']\n" for text in messages)
    return model(f'{HEAD}codec = "json-paths"\n{more}{field}{tests}')


def told(device_model: DeviceModel, payload: bytes | str) -> list[tuple[str, str]]:
    """The faults of a message as (reason, what comes before the colon)."""
    data = payload.encode() if isinstance(payload, str) else payload
    decoded = codec(device_model.codec).decode(data, device_model, RECEIVED_US)
    return [(fault.reason, fault.detail.partition(": ")[0]) for fault in decoded.faults]


NAMES = st.sampled_from(["a", "b", "c", "ab", "ac"])
DOCUMENTS = st.dictionaries(
    NAMES,
    st.recursive(
        st.sampled_from([1, "x", True, None]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
PLACES = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
BASE = json_model("{}")


@example([{}], [], [("a",), ("b", "a")], [False, True], {"b": {"a": 1, "b": 1}})
@settings(max_examples=examples(400))
@given(
    st.lists(DOCUMENTS, min_size=1, max_size=3), st.lists(PLACES, max_size=2), st.lists(PLACES, max_size=2),
    st.lists(st.booleans(), min_size=2, max_size=2), DOCUMENTS,
)  # fmt: skip
def test_unknown_members_are_those_that_a_slow_twin_finds(
    shown: list[Any], named: list[Place], ignored: list[Place], starred: list[bool], message: Any
) -> None:
    ignored = [(*one[:-1], one[-1] + "*") if star else one for one, star in zip(ignored, starred, strict=False)]
    fields = tuple(replace(BASE.fields[0], path=parse_path(".".join(place))) for place in named)
    device_model = replace(BASE, fields=fields, ignore=tuple(parse_path(".".join(place)) for place in ignored))
    read = [parse_json(json.dumps(one).encode()) for one in [*shown, message]]
    known = known_members(device_model, read[:-1])
    assert known is not None
    found = {tuple(place.split(".")) for place, _ in unknown_members(known, read[-1])}
    assert found == strange(shown, named, ignored, message)
    assert not (is_known(known, read[-1]) and found)
    assert found or any(starred) or is_known(known, read[-1])


def test_a_renamed_member_is_a_fault_and_all_else_is_read() -> None:
    station = json_model('{"temp": 1, "id": 7}')
    decoded = codec("json-paths").decode(b'{"temp": 2, "id": 8, "humidity": 50}', station, RECEIVED_US)
    assert len(decoded.readings) == 1
    assert [(fault.reason, fault.readings) for fault in decoded.faults] == [("unknown_field", 1)]
    assert told(station, '{"temperature": 2, "id": 8}') == [("unknown_field", "temperature")]
    assert told(station, '{"id": 8}') == [("empty", "the message holds none of the model's fields")]


def test_a_member_of_another_type_is_a_fault_where_no_field_says_so_itself() -> None:
    station = json_model('{"temp": 1, "id": 7, "at": {"lat": 1.5}, "on": true, "note": null}')
    assert told(station, '{"temp": 2, "id": null, "at": {"lat": 2}, "on": false, "note": [1]}') == []
    changed = '{"temp": "n/a", "id": "7", "at": "here", "on": 1, "note": "x"}'
    assert told(station, changed) == [("not_a_number", "temp"), *(("unknown_field", n) for n in ("id", "at", "on"))]


def test_a_subtree_is_told_once_and_so_are_the_elements_of_an_array() -> None:
    station = json_model('{"temp": 1, "list": [{"v": 1}], "odd name": {"x": 1}}')
    message = (
        '{"temp": 1, "new": {"a": 1, "b": {"c": 2}}, "list": [{"v": 1, "w": 1}, {"w": 2}], "odd name": {"a.b": 1}}'
    )
    places = ["new", "list.w", '["odd name"]["a.b"]']
    assert told(station, message) == [("unknown_field", place) for place in places]


def test_what_a_model_ignores_may_come_and_go() -> None:
    station = json_model('{"temp": 1, "id": 7}', more='ignore = ["id", "Wifi.*", "phase_*", "at.debug"]\n')
    assert told(station, '{"temp": 1, "id": [1], "Wifi": {"Mode": 1}, "phase_9": 1, "at": {"debug": {"x": 1}}}') == []
    assert told(station, '{"temp": 1, "phas": 1, "at": {"bug": 1}}') == [
        ("unknown_field", "phas"), ("unknown_field", "at.bug")]  # fmt: skip
    assert told(json_model('{"temp": 1}', more='ignore = ["*"]\n'), '{"temp": 1, "x": {"y": 1}}') == []
    text = HEAD + 'codec = "json-paths"\nignore = ["a*b", "a*.b", "a["]\n' + FIELD
    assert [fault.partition(":")[0] for fault in faults_of(text)] == ["ignore"] * 3


def test_many_unknown_members_of_one_message_are_told_in_part_and_counted_whole() -> None:
    station = json_model('{"temp": 1}')
    message = json.dumps({"temp": 1} | {f"new_{n}": n for n in range(30)}).encode()
    faults = codec("json-paths").decode(message, station, RECEIVED_US).faults
    assert len(faults) == UNKNOWN_TOLD_MAX + 1
    assert sum(fault.readings for fault in faults) == 30


def test_a_model_whose_test_messages_cannot_be_read_or_show_the_unknown_says_nothing_of_members() -> None:
    assert told(json_model("not a message"), '{"temp": 1, "new": 1}') == []
    tests = '[[test]]\ntext = \'{"temp": 1, "new": 1}\'\nrefused = ["unknown_field"]\n'
    station = model(f'{HEAD}codec = "json-paths"\n{FIELD}[[test]]\ntext = \'{{"temp": 1}}\'\nrefused = []\n{tests}'
                    .replace("refused = []", 'expect = [{ field = "temp", value = "1" }]'))  # fmt: skip
    assert told(station, '{"temp": 1, "new": 1}') == [("unknown_field", "new")]


def test_a_value_that_paths_select_by_is_a_name_too() -> None:
    field = FIELD + 'path = "values[type=T].value"\n'
    station = json_model('{"values": [{"type": "T", "value": 1}, {"type": "samples", "value": 3}]}', field=field)
    assert told(station, '{"values": [{"type": "samples", "value": 3}, {"type": "T", "value": 2}]}') == []
    renamed = '{"values": [{"type": "Temp", "value": 2}, {"type": "samples", "value": 3}]}'
    assert told(station, renamed) == [("unknown_field", "values[type=Temp]")]


def test_each_object_of_a_message_is_looked_at_and_nothing_around_them() -> None:
    station = json_model('{"rows": [{"temp": 1}]}', more='each = "rows"\n')
    assert told(station, '{"version": 4, "rows": [{"temp": 1}, {"temp": 2, "rh": 1}, {"temp": 3, "rh": 1}]}') == [
        ("unknown_field", "rh")]  # fmt: skip


OTHERS = {
    "csv-lines": ("text", "temp,id\n1,7\n", "temp,rh\n1,50\n", "", "rh"),
    "cbor-paths": ("hex", "a16474656d7001", "a26474656d7001627268181e", "", "rh"),
    "ngsi-ld": (
        "text", '{"id":"1","type":"T","temp":{"type":"Property","value":1,"unitCode":"CEL"}}',
        '{"id":"1","type":"T","temp":{"value":1,"accuracy":1},"rh":{"type":"Property","value":1}}', "", "rh",
    ),
    "sensorthings": (
        "text", '{"phenomenonTime":"2024-01-01T00:00:00Z","result":{"temp":1}}',
        '{"phenomenonTime":"2024-01-01T00:00:00Z","result":{"temp":1,"rh":2}}', 'path = "result.temp"', "result.rh",
    ),
    "dsmr-p1": (
        "text", "/K\n\n0-0:1.0.0(240309170000W)\n1-0:1.7.0(1.5*Cel)\n!\n",
        "/K\n\n0-0:1.0.0(240309170000W)\n1-0:1.7.0(1.5*Cel)\n1-0:2.7.0(1*kW)\n!\n", "path = '[\"1-0:1.7.0\"]'",
        '["1-0:2.7.0"]',
    ),
    "bytes": ("hex", "01670064", "0167006402680a", 'path = "temperature_1"', "relative_humidity_2"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_a_new_member_is_found_in_every_format(name: str) -> None:
    form, usual, changed, path, place = OTHERS[name]
    payload = '[payload]\ndecoder = "cayenne-lpp"\n' if name == "bytes" else ""
    tests = f"[[test]]\n{form} = '''{usual}'''\nrefused = ['empty']\n"
    station = model(f'{HEAD}codec = "{name}"\n{payload}{FIELD}{path}\n{tests}')
    said = [bytes.fromhex(one) if form == "hex" else one.encode() for one in (usual, changed)]
    assert told(station, said[0]) == []
    assert told(station, said[1]) == [("unknown_field", place)]


def test_what_a_decoder_in_javascript_begins_to_say_is_found_by_the_first_uplink() -> None:
    script = "function Decoder(bytes, port) { return RESULT; }"
    text = (
        f'{HEAD}codec = "bytes"\n[payload]\ndecoder = "javascript"\n{FIELD}required = true\n'
        "[[test]]\nhex = '01'\nexpect = [{ field = 'temp', value = '1' }]\n"
    )

    def said(result: str) -> list[tuple[str, str]]:
        usual = "port === 9 ? {} : bytes[0] === 1 ? { temp: 1, id: 7 } : "
        return told(model(text, script=script.replace("RESULT", usual + result)), b"\x02")

    assert said("{ temp: 2, id: 8 }") == []
    assert said("{ temp: null, id: 8 }") == [("not_a_number", "temp")]
    assert said("{ temp: NaN, id: 8 }") == [("not_a_number", "temp")]
    assert said("{ temp: undefined, id: 8 }") == [("not_a_number", "temp")]
    assert said("{ temperature: 2, id: 8 }") == [("not_a_number", "temp"), ("unknown_field", "temperature")]
    assert said("{ temp: 2, id: '8' }") == [("unknown_field", "id")]


def test_a_metric_that_no_birth_showed_before_is_found_in_sparkplug_b() -> None:
    def sent(*names: str) -> bytes:
        metrics = [Metric(name, datatype=3, kind="int_value", value=1) for name in names]
        return serialize(1_704_067_200_000, None, metrics)

    usual = sent("temp", "Properties/Version").hex()
    topic = 'topic = "spBv1.0/{city}/DDATA/{gateway}/{device}"\n'
    tests = f"[[test]]\nhex = '{usual}'\nexpect = [{{ field = 'temp', value = '1' }}]\n"
    station = model(f'{HEAD}codec = "sparkplug-b"\n{topic}{FIELD}{tests}')
    assert told(station, sent("temp", "Properties/Version", "bdSeq", "Node Control/Rebirth")) == []
    assert told(station, sent("temp", "Temperature")) == [("unknown_field", "Temperature")]
    text = f'{HEAD}codec = "sparkplug-b"\n{topic}{FIELD}required = true\n'
    assert any(fault.startswith("field[1].required: ") for fault in faults_of(text))
