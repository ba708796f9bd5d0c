"""Feeds and fields with topics of their own: a fleet sends them as hardware does, and the truth stays exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.registry import feed_key
from simulators.fleet import Dress, Fleet, build
from tests.simulators.fleet.make import TOWN, write_fleet
from tests.simulators.fleet.test_faults import EXAMPLES, REASON, assert_as_the_truth_says, fault
from tests.simulators.fleet.test_spec import faults_of

STREAMS = """\
title = "Thing with a datastream for each of what it observes"
codec = "sensorthings"
topic = "v1.1/Things({device})"
interval_s = 3600
columns = ["damp_stream"]
[[field]]
name = "warm"
path = "result"
topic = "v1.1/Datastreams({device}.warm)/Observations"
measurand = "temperature"
unit = "Cel"
[[field]]
name = "damp"
path = "result"
topic = "v1.1/Datastreams({damp_stream})/Observations"
measurand = "humidity"
unit = "%"
[[test]]
topic = "v1.1/Datastreams({damp_stream})/Observations"
text = '{"phenomenonTime":"2024-03-09T16:00:00Z","result":41}'
expect = [{ field = "damp", value = "41" }]
"""
GROUPS = """
[[group]]
model = "gbfs_station"
prefix = "bike"
count = 3
interval_s = 3600

[[group]]
model = "thing"
prefix = "thing"
count = 2
interval_s = 3600
columns = { damp_stream = "{device}.9-{zone}" }
"""
CARRIED_FAULTS = sorted(set(EXAMPLES) - {"drift", "spike", "silent", "gateway_silent", "wrong_unit", "stuck"})


def made(folder: Path, faults: str = "", groups: str = GROUPS) -> Fleet:
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "thing.toml").write_text(STREAMS, encoding="utf-8")
    return build(write_fleet(folder, faults, groups=groups, town=TOWN), folder / "city")


@pytest.mark.parametrize("way", ["in-order", "shuffled", "twice"])
def test_feeds_and_fields_with_topics_are_stored_as_the_truth_says(way: str, tmp_path: Path) -> None:
    korean = '\n[[group]]\nmodel = "airkorea_station"\nprefix = "air"\ncount = 2\n'
    assert_as_the_truth_says(made(tmp_path, groups=GROUPS + korean), way, seed=5)


def test_a_message_of_a_feed_speaks_of_all_its_devices_and_one_of_a_field_of_that_alone(tmp_path: Path) -> None:
    fleet = made(tmp_path)
    registry, hours = fleet.registry, 47
    bikes = [device for device in registry.devices if device.model == "gbfs_station"]
    assert [feed_key(bike, registry.model_of(bike)) for bike in bikes] == [bike.code for bike in bikes]
    sent = list(fleet.messages())
    feed = [message for message in sent if message.topic == "feeds/town/station_status"]
    assert len(feed) == hours
    assert all(message.readings == 2 * len(bikes) for message in feed)
    streams = {message.topic: message for message in sent if "Datastreams" in message.topic}
    assert len(sent) - len(feed) == 2 * 4 * hours
    assert "v1.1/Datastreams(thing-west-002.9-west)/Observations" in streams
    assert len(streams) == 8
    assert {message.readings for message in streams.values()} == {1}


@pytest.mark.parametrize("kind", CARRIED_FAULTS)
def test_a_fault_befalls_messages_of_feeds_and_of_fields_as_the_truth_says(kind: str, tmp_path: Path) -> None:
    fleet = made(tmp_path, fault(kind))
    gateway = assert_as_the_truth_says(fleet, "faults")
    assert {reason for _, reason in gateway.quarantined} == ({REASON[kind]} if kind in REASON else set())


def test_a_fault_of_some_devices_of_a_feed_befalls_the_messages_that_speak_of_them(tmp_path: Path) -> None:
    silent = '\n[[fault]]\nkind = "silent"\ndevices = ["bike-west-002"]\nfrom = "2025-03-30T00:00"\n'
    fleet = made(tmp_path, silent)
    assert_as_the_truth_says(fleet, "faults")
    lost = len(fleet.accepted()) - len(fleet.accepted("faults"))
    assert lost == 23 * 2 * 6


def test_nobody_is_blamed_for_a_feed_that_cannot_be_read_and_the_device_for_its_field(tmp_path: Path) -> None:
    verdicts = made(tmp_path, fault("garbage")).verdicts("faults")
    garbage = np.flatnonzero(verdicts.plan.dress == Dress.GARBAGE)
    of = {verdicts.blamed[at] for at in garbage.tolist() if verdicts.plan.device[at] >= 6}
    assert {verdicts.blamed[at] for at in garbage.tolist() if verdicts.plan.device[at] < 6} == {-1}
    assert of == {6, 7, 8, 9}


def test_a_column_that_topics_of_fields_are_made_of_must_be_told(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "thing.toml").write_text(STREAMS, encoding="utf-8")
    found = faults_of(write_fleet(tmp_path, groups='\n[[group]]\nmodel = "thing"\ncount = 1\n'))
    assert any("columns.damp_stream" in said and "is missing; topics of fields" in said for said in found), found
