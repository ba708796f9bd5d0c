"""Unknown topics: the model that reads most of their messages comes first, and the device is found in the topic."""

from __future__ import annotations

import base64
import json

import pytest

from devices import codec, load_measurands, load_models
from devices.discovery import (
    EXAMPLES_MAX,
    OBJECTS_MAX,
    Candidate,
    Sample,
    candidates,
    canonical_topic,
    cells_of,
    device_topic,
    feed_codes,
    likely_code,
    metrics,
)
from tests.devices.make import model

NOW_US = 1_732_400_000_000_000
SOUND = {
    "end_device_ids": {"device_id": "noise-7"},
    "received_at": "2024-11-23T22:13:20Z",
    "uplink_message": {
        "f_port": 85,
        "f_cnt": 3,
        "frm_payload": "AXVkBVsFPwLaAWoC",
        "received_at": "2024-11-23T22:13:20Z",
    },
}


def tried(topic: str, *payloads: bytes) -> list[Candidate]:
    samples = [Sample(payload, NOW_US) for payload in payloads]
    return candidates(topic, samples, load_models().values(), load_measurands(), "testville")


def test_an_uplink_is_offered_to_the_model_whose_layout_reads_it() -> None:
    first, *_ = tried("v3/acme@ttn/devices/noise-7/up", json.dumps(SOUND).encode())
    assert first.model == "milesight_ws302"
    said = [("sound_level", "47.40"), ("battery", "100.00"), ("sound_level_max", "61.80")]
    assert (first.fields, first.of_fields, first.refused.total()) == ({field for field, _ in said}, 3, 0)
    assert [(one.field, one.value) for one in first.examples] == said


def test_what_no_model_reads_has_no_candidate() -> None:
    assert tried("a/b", b"\x00\x01", b"") == []


def test_of_two_models_that_read_a_message_the_one_whose_pattern_the_topic_follows_comes_first() -> None:
    water = b'[{"bn":"m-1:","bt":1732400000,"n":"volume","u":"m3","v":12.5}]'
    found = tried("cityvitals/testville/m-1/telemetry", water)
    assert found
    assert found[0].fits
    assert sorted(found, key=lambda one: one.rank) == found


def test_implausible_readings_are_told_as_refused() -> None:
    hot = json.loads(json.dumps(SOUND))
    hot["uplink_message"]["frm_payload"] = base64.b64encode(bytes.fromhex("0175ff")).decode()
    found = {one.model: one for one in tried("x", json.dumps(SOUND).encode(), json.dumps(hot).encode())}
    assert found["milesight_ws302"].refused["out_of_range"] == 1


@pytest.mark.parametrize(
    ("topic", "pattern", "code"),
    [
        ("v3/acme@ttn/devices/air-7/up", "", "air-7"),
        ("application/3/device/a84041/event/up", "", "a84041"),
        ("zigbee2mqtt/hall", "", "hall"),
        ("tele/plug_2/SENSOR", "", "plug_2"),
        ("boxes/north/b 9/state", "boxes/{zone}/{device}/state", "b-9"),
        ("cityvitals/testville/m-1/telemetry", "", "m-1"),
        ("site/pump0042/values", "", "pump0042"),
        ("///", "", ""),
        ("spBv1.0/g/DDATA/n/dev", "", "dev"),
    ],
)
def test_a_device_is_called_what_its_topic_calls_it(topic: str, pattern: str, code: str) -> None:
    assert likely_code(topic, pattern) == code


def test_births_are_of_the_device_whose_data_they_explain() -> None:
    assert canonical_topic("spBv1.0/g/DBIRTH/n/d") == "spBv1.0/g/DDATA/n/d"
    assert canonical_topic("spBv1.0/g/NDEATH/n") == "spBv1.0/g/NDATA/n"
    assert canonical_topic("v3/a/devices/b/up") == "v3/a/devices/b/up"


FEED = json.dumps(
    {"data": {"stations": [{"id": f"s {at}", "n": at} for at in range(60)] + [{"id": "종로구", "n": 3}]}}
).encode()
SPLIT = """
title = "A plug"
codec = "text"
topic = "plugs/{device}"
interval_s = 60
[[field]]
name = "power"
topic = "{topic}/emeter/0/power"
measurand = "power"
unit = "W"
[[field]]
name = "voltage"
topic = "{topic}/emeter/0/voltage"
measurand = "voltage"
unit = "V"
[[test]]
topic = "{topic}/emeter/0/voltage"
text = "230.5"
expect = [{ field = "voltage", value = "230.5" }]
"""
STREAMS = """
title = "Streams"
codec = "sensorthings"
topic = "v1.1/{device}"
interval_s = 60
columns = ["temperature_id"]
[[field]]
name = "temperature"
topic = "v1.1/Datastreams({temperature_id})/Observations"
path = "result"
measurand = "temperature"
unit = "Cel"
[[test]]
topic = "v1.1/Datastreams({temperature_id})/Observations"
text = '{"result": 11.25}'
expect = [{ field = "temperature", value = "11.25" }]
"""
STATIONS = """
title = "Stations"
codec = "json-paths"
topic = "feeds/stations"
interval_s = 60
columns = ["station"]
[feed]
path = "data.stations"
key = "id"
column = "station"
[[field]]
name = "n"
measurand = "bicycles_available"
unit = "1"
"""
NODE = """
title = "A node"
codec = "sparkplug-b"
topic = "spBv1.0/{zone}/DDATA/{gateway}/{device}"
interval_s = 60
[[field]]
name = "Temp"
measurand = "temperature"
unit = "Cel"
"""


def of(text: str, topic: str, *samples: Sample) -> Candidate:
    (found,) = candidates(topic, samples, [model(text, "it")], load_measurands(), "testville")
    return found


def test_a_feed_is_offered_with_the_keys_of_all_its_devices_however_many_are_tried() -> None:
    found = of(STATIONS, "feeds/stations", Sample(FEED, NOW_US))
    assert list(found.keys) == [f"s {at}" for at in range(60)] + ["종로구"]
    assert (found.fits, found.readings, len(found.examples)) == (True, OBJECTS_MAX, EXAMPLES_MAX)


def test_devices_of_a_feed_are_called_as_there_or_by_their_model_where_no_code_is_free() -> None:
    codes = feed_codes(["s 1", "종로구", "s/1", "a"], "air", {"a"})
    assert codes == {"s 1": "s-1", "종로구": "air-1", "s/1": "air-2", "a": "air-3"}


def test_topics_of_the_fields_of_a_device_are_one_offer() -> None:
    plug = model(SPLIT, "it")
    topics = ["plugs/p-1/emeter/0/power", "plugs/p-1/emeter/0/voltage"]
    assert {device_topic(topic, [plug], "testville") for topic in topics} == {"plugs/p-1"}
    assert device_topic("x/plugs/p-1/emeter/0/power", [plug], "testville") == "x/plugs/p-1/emeter/0/power"
    read = [Sample(b"12.5", NOW_US, topics[0]), Sample(b"230", NOW_US, topics[1])]
    samples = [*read, Sample(b"on", NOW_US, "plugs/p-1/x")]
    found = of(SPLIT, "plugs/p-1", *samples)
    assert (found.fits, found.fields, found.refused.total()) == (True, {"power", "voltage"}, 0)
    assert [(one.field, one.value) for one in found.examples] == [("power", "12.500"), ("voltage", "230.000")]


def test_what_a_topic_says_of_a_column_is_told() -> None:
    topic = "v1.1/Datastreams(42)/Observations"
    found = of(STREAMS, topic, Sample(b'{"result": 11.25}', NOW_US, topic))
    assert (found.cells, found.fields) == ({"temperature_id": "42"}, {"temperature"})
    assert cells_of(topic, model(STREAMS, "it")) == {"temperature_id": "42"}


def test_a_birth_of_sparkplug_names_metrics_and_a_model_that_has_them_is_offered() -> None:
    birth = encode_sparkplug("Temp", 21.5)
    assert metrics(birth) == ["Temp"]
    assert metrics(b"\xff") == []
    found = of(NODE, "spBv1.0/g/DDATA/n/d", Sample(birth, NOW_US, "spBv1.0/g/DDATA/n/d"))
    assert (found.fields, found.fits) == ({"Temp"}, True)


def encode_sparkplug(name: str, value: float) -> bytes:
    (reading,) = [(name, NOW_US, round(value * 1000))]
    return codec("sparkplug-b").encode(model(NODE, "it"), [reading])
