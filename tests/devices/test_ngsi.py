"""Attributes of entities are readings in their own unit and at their own time, in every representation of NGSI."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import FLAG_TIME_FROM_ARRIVAL, codec
from devices.codecs.base import TIME_MAX_US, TIME_MIN_US
from devices.codecs.documents import Document, encode_feed
from devices.codecs.ngsi import NGSI_LD
from devices.times import time_us_from_rfc3339
from devices.units import common_codes, load_units
from tests.devices.make import RECEIVED_US, decoded, model
from tests.examples import examples

FIELDS = """
[[field]]
name = "cars"
path = "occupiedSpotNumber"
measurand = "parking_occupancy"
unit = "1"

[[field]]
name = "no2"
measurand = "no2"
unit = "ug/m3"

[[field]]
name = "noise"
path = "LAeq"
measurand = "sound_level"
unit = "dBA"

[[field]]
name = "door"
measurand = "parking_space"
states = {open = "free", shut = "occupied"}
"""
HEAD = 'title = "test"\ncodec = "{}"\ninterval_s = 60\n'
LD = model(HEAD.format("ngsi-ld") + FIELDS)
V2 = model(HEAD.format("ngsi-v2") + FIELDS)
TIMED = model(HEAD.format("ngsi-ld") + '[time]\npath = "dateObserved"\nformat = "rfc3339"\n' + FIELDS)
SEVERAL = model(HEAD.format("ngsi-ld") + 'each = "data"\n' + FIELDS)
SEVERAL_V2 = model(HEAD.format("ngsi-v2") + 'each = "data"\n' + FIELDS)
T = "2024-03-09T15:58:00Z"


def us(text: str) -> int:
    return time_us_from_rfc3339(text)


def ld(**attributes: Any) -> dict[str, Any]:
    return {"id": "urn:ngsi-ld:Thing:1", "type": "Thing", **attributes}


def test_each_attribute_has_its_own_time_and_the_rest_that_of_the_entity() -> None:
    entity = ld(
        occupiedSpotNumber={"type": "Property", "value": 282, "observedAt": T},
        no2={"type": "Property", "value": 41.5},
        dateObserved={"type": "Property", "value": {"@type": "DateTime", "@value": "2024-03-09T16:00:00+01:00"}},
    )
    readings, faults = decoded(TIMED, entity)
    assert readings == [("cars", us(T), 282, 0), ("no2", us("2024-03-09T15:00:00Z"), 41_500, 0)]
    assert faults == []
    assert decoded(LD, entity)[0][1] == ("no2", RECEIVED_US, 41_500, FLAG_TIME_FROM_ARRIVAL)


@pytest.mark.parametrize(
    "attribute",
    [
        {"type": "Property", "value": 41.5, "unitCode": "GQ"},  # normalised
        {"value": 41.5, "unitCode": "GQ"},  # concise
        41.5,  # key-values
        {"type": "Property", "value": {"@type": "xsd:double", "@value": 41.5}},
        {"type": "Property", "value": 41.5, "time": "a property of the property", "unit": {"value": 7}},
        [{"value": 41.5}, {"value": 99, "datasetId": "urn:other"}],
    ],
)
def test_an_attribute_is_one_in_every_representation(attribute: Any) -> None:
    assert decoded(LD, ld(no2=attribute)) == ([("no2", RECEIVED_US, 41_500, FLAG_TIME_FROM_ARRIVAL)], [])


def test_a_deleted_attribute_is_no_reading() -> None:
    assert decoded(LD, ld(no2={"value": "urn:ngsi-ld:null"}, door={"value": "open"}))[0][0][0] == "door"


@pytest.mark.parametrize(
    ("name", "code", "agrees"),
    [
        ("no2", "GQ", True),
        ("no2", "GP", False),
        ("no2", "ug/m3", True),
        ("no2", "XYZ", False),
        ("LAeq", "2N", True),
        ("LAeq", "P1", False),
        ("occupiedSpotNumber", "C62", True),
        ("door", "C62", True),
    ],
)
def test_a_common_code_that_is_not_the_models_unit_is_refused(name: str, code: str, agrees: bool) -> None:
    value = "open" if name == "door" else 41
    for device_model, attribute in (
        (LD, {"value": value, "unitCode": code}),
        (V2, {"type": "Number", "value": value, "metadata": {"unitCode": {"value": code}}}),
    ):
        readings, faults = decoded(device_model, ld(**{name: attribute}))
        assert (len(readings), faults) == ((1, []) if agrees else (0, [("bad_unit", 1)]))


def test_every_common_code_names_one_unit() -> None:
    assert set(common_codes().values()) <= set(load_units())
    assert len(set(common_codes().values())) == len(common_codes()) > 60


def test_entities_of_v2_are_timed_by_the_agent_that_measured() -> None:
    entity = {
        "id": "1",
        "type": "Thing",
        "TimeInstant": {"type": "DateTime", "value": T},
        "no2": {"type": "Number", "value": "41.5", "metadata": {}},
        "occupiedSpotNumber": {
            "type": "Number",
            "value": 3,
            "metadata": {"TimeInstant": {"type": "DateTime", "value": "2024-03-09T15:00:00.25Z"}},
        },
    }
    assert decoded(V2, entity) == ([("cars", us("2024-03-09T15:00:00.25Z"), 3, 0), ("no2", us(T), 41_500, 0)], [])


def test_an_interval_counts_from_its_begin() -> None:
    timed = model(HEAD.format("ngsi-v2") + '[time]\npath = "dateObserved"\nformat = "rfc3339"\n' + FIELDS)
    entity = ld(
        dateObserved={"type": "DateTime", "value": "2024-03-09T11:00:00Z/2024-03-09T12:00:00Z"}, no2={"value": 1}
    )
    assert decoded(timed, entity)[0] == [("no2", us("2024-03-09T11:00:00Z"), 1000, 0)]


WRAPPED = [ld(no2={"value": 1, "observedAt": T}), ld(no2={"value": 2, "observedAt": "2024-03-09T15:59:00Z"})]


@pytest.mark.parametrize(
    "message",
    [
        {"id": "urn:n:1", "type": "Notification", "subscriptionId": "urn:s:1", "notifiedAt": T, "data": WRAPPED},
        {"subscriptionId": "5aeb", "data": WRAPPED},
        {"data": WRAPPED},
        WRAPPED,
    ],
)
def test_entities_of_a_notification_are_read_one_by_one_where_the_model_says_so(message: Any) -> None:
    assert [reading[2] for reading in decoded(SEVERAL, message)[0]] == [1000, 2000]
    assert decoded(LD, message) == ([], [("empty", 1)])  # of which of them would it be?


def test_a_single_entity_needs_no_notification_and_a_notification_of_one_is_it() -> None:
    for message in (WRAPPED[0], [WRAPPED[0]], {"subscriptionId": "5aeb", "data": WRAPPED[:1]}):
        assert decoded(LD, message)[0] == decoded(SEVERAL, message)[0] == [("no2", us(T), 1000, 0)]


def test_an_entity_may_have_an_attribute_of_the_name_of_a_notifications() -> None:
    said: Any = NGSI_LD.form.read(json.dumps(ld(data=[1, 2])).encode(), LD, RECEIVED_US).body
    assert said["data"]["value"] == ["1", "2"]


@pytest.mark.parametrize("message", [1, "text", [1], {"data": [1]}, {"data": []}, [], {}])
def test_what_is_no_entity_is_refused(message: Any) -> None:
    try:
        readings, faults = decoded(LD, json.dumps(message).encode())
    except Exception as error:
        assert "malformed" in str(error)  # noqa: PT017
    else:
        assert (readings, faults) == ([], [("empty", 1)])


TIMES = st.integers(TIME_MIN_US, TIME_MAX_US)
TICKS = st.integers(-(10**14), 10**14)


@settings(max_examples=examples(200))
@given(chosen=st.sampled_from([LD, V2]), first=TIMES, second=TIMES, ticks=TICKS, door=st.integers(0, 1))
def test_what_is_encoded_decodes_to_the_same(chosen: Any, first: int, second: int, ticks: int, door: int) -> None:
    readings = [("cars", first, ticks), ("no2", second, ticks), ("noise", first, ticks), ("door", second, door)]
    found, faults = decoded(chosen, codec(chosen.codec).encode(chosen, readings))
    assert sorted(found) == sorted((*reading, 0) for reading in readings)
    assert faults == []


@settings(max_examples=examples(100))
@given(chosen=st.sampled_from([SEVERAL, SEVERAL_V2]), times=st.lists(TIMES, min_size=1, max_size=4, unique=True))
def test_several_readings_of_one_field_are_several_entities(chosen: Any, times: list[int]) -> None:
    readings = [("no2", time, 1) for time in times]
    assert decoded(chosen, codec(chosen.codec).encode(chosen, readings))[0] == [(*reading, 0) for reading in readings]


def test_the_entitys_time_is_written_where_the_model_has_one() -> None:
    sent = json.loads(codec("ngsi-ld").encode(TIMED, [("no2", us(T), 41_500)]))
    assert sent["dateObserved"]["value"]["@value"] == "2024-03-09T15:58:00.000000Z"
    assert sent["no2"] == {
        "type": "Property", "value": 41.5, "observedAt": "2024-03-09T15:58:00.000000Z", "unitCode": "GQ",
    }  # fmt: skip


def test_a_part_of_an_attribute_cannot_be_written() -> None:
    part = model(HEAD.format("ngsi-ld") + FIELDS.replace('"occupiedSpotNumber"', '"slots.value.occupied"'))
    assert decoded(part, ld(slots={"value": {"occupied": 3}}))[0][0][2] == 3
    with pytest.raises(ValueError, match="whole attribute"):
        codec("ngsi-ld").encode(part, [("cars", 0, 1)])


def test_a_broker_that_tells_of_all_its_entities_is_a_feed_of_devices() -> None:
    feed = model(HEAD.format("ngsi-ld") + '[feed]\npath = "data"\nkey = "id"\n' + FIELDS)
    stations: dict[str, Any] = {"urn:a": [("no2", us(T), 1000)], "urn:b": [("no2", us(T), 2000), ("cars", us(T), 3)]}
    body, _ = encode_feed(feed, stations, measured=True)
    payload = NGSI_LD.form.write(Document(body, body), feed)
    document = NGSI_LD.form.read(payload, feed, RECEIVED_US)
    said: Any = document.body
    assert [entity["id"] for entity in said["data"]] == ["urn:a", "urn:b"]
    assert [r[:3] for r in decoded(feed, payload)[0]] == [
        ("no2", us(T), 1000),
        ("cars", us(T), 3),
        ("no2", us(T), 2000),
    ]
