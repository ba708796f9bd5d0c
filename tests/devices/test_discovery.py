"""Unknown topics: the model that reads most of their messages comes first, and the device is found in the topic."""

from __future__ import annotations

import base64
import json

import pytest

from devices import load_measurands, load_models
from devices.discovery import Candidate, Sample, candidates, canonical_topic, likely_code

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
    assert (first.fields, first.of_fields, first.refused.total()) == ({"sound_level", "battery"}, 2, 0)
    assert [(one.field, one.value) for one in first.examples] == [("sound_level", "47.40"), ("battery", "100.00")]


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
