"""Uplinks that come again: they count once, at the time of the first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devices import Decoded, Frame, Reading, load_registry
from ingest import Counters, build_routing
from ingest.framing import Framer
from ingest.repeats import GAP_MAX, KEPT_US, Repeats
from tests.devices.cities import write_city
from tests.ingest.messages import NOW_US, framer, pour, publish, readings

MODEL = """
title = "t"
codec = "lorawan"
interval_s = 600
[payload]
decoder = "cayenne-lpp"
[[field]]
name = "temperature_1"
measurand = "temperature"
unit = "Cel"
"""
TOPIC = "cityvitals/testville/{}/telemetry"


@pytest.fixture
def made(tmp_path: Path) -> Framer:
    devices = "device,model,zone\nbox-1,box,north\nbox-2,box,north\n"
    city = write_city(tmp_path / "city", devices=devices, models={"box": MODEL})
    return framer(tables=build_routing(load_registry(city)))


def uplink(f_cnt: int, second: int, *, data: str = "AWcA1w==", device: str = "box-1", session: str = "a") -> bytes:
    message = {
        "deviceInfo": {},
        "time": f"2024-11-23T22:00:{second:02}Z",
        "devAddr": session,
        "fCnt": f_cnt,
        "fPort": 1,
        "data": data,
    }
    return publish(TOPIC.format(device), json.dumps(message).encode())


def told(frame: Frame | None, time_us: int = 0) -> Decoded:
    return Decoded([Reading(0, time_us, 1, 0)], frame=frame)


def test_a_copy_counts_at_the_time_of_the_first_and_what_only_looks_like_one_at_its_own(made: Framer) -> None:
    stream = [
        uplink(7, 0),
        uplink(7, 3),
        uplink(7, 5, data="AWcA2A=="),
        uplink(8, 10),
        uplink(7, 20, device="box-2"),
        uplink(7, 30, session="b"),
    ]
    [intake] = pour(made, b"".join(stream))
    times = [row[2] for row in readings(intake)]
    assert times[1] == times[0]
    assert len(set(times)) == len(stream) - 1
    assert (made.counters.uplinks_repeated, made.counters.uplinks_lost) == (1, 0)


def test_a_message_that_is_sent_again_as_it_was_is_no_repeat(made: Framer) -> None:
    [intake] = pour(made, uplink(7, 0) * 2)
    assert len({row[2] for row in readings(intake)}) == 1
    assert made.counters.uplinks_repeated == 0


def test_after_a_restart_what_was_not_acknowledged_comes_in_order_and_counts_once(made: Framer) -> None:
    pour(made, uplink(7, 0) + uplink(7, 3))
    again = framer(tables=made.decoder.routing)
    [intake] = pour(again, uplink(7, 0) + uplink(7, 3))
    assert len({row[2] for row in readings(intake)}) == 1


def test_an_uplink_is_remembered_for_a_while_and_a_bounded_number_of_them() -> None:
    counters = Counters()
    repeats = Repeats(counters, held_max=2)
    frames = [Frame("", counter, b"") for counter in range(3)]
    first = told(frames[0], 1)
    assert repeats.settle(0, first, NOW_US) is first
    assert repeats.settle(0, told(frames[0], 2), NOW_US + KEPT_US) is first
    late = told(frames[0], 3)
    assert repeats.settle(0, late, NOW_US + KEPT_US + 1) is late
    assert counters.uplinks_forgotten == 0
    for frame in frames[1:]:
        repeats.settle(0, told(frame), NOW_US + KEPT_US + 2)
    assert counters.uplinks_forgotten == 1
    assert repeats.settle(0, told(frames[0], 4), NOW_US + KEPT_US + 3) is not late


def test_uplinks_with_many_readings_are_remembered_up_to_a_number_of_these() -> None:
    counters = Counters()
    repeats = Repeats(counters, readings_max=6)
    frames = [Frame("", counter, b"") for counter in range(3)]
    first, second = (Decoded([Reading(0, at, 1, 0) for at in range(4)], frame=frame) for frame in frames[:2])
    assert [repeats.settle(0, one, NOW_US) for one in (first, second)] == [first, second]
    assert counters.uplinks_forgotten == 0
    repeats.settle(0, told(frames[2]), NOW_US)
    assert counters.uplinks_forgotten == 1
    assert repeats.settle(0, told(frames[1]), NOW_US) is second


def test_what_a_frame_counter_skips_is_lost_and_what_counts_anew_is_not() -> None:
    counters = Counters()
    repeats = Repeats(counters)
    for session, counter in (
        ("a", 5),
        ("a", 6),
        ("a", 9),
        ("a", 9),
        ("b", 0),
        ("b", 0 + GAP_MAX + 1),
        ("b", 3),
        ("b", 5),
    ):
        repeats.settle(0, told(Frame(session, counter, b"")), NOW_US)
    assert counters.uplinks_lost == 2 + 1


def test_a_message_that_cannot_come_again_with_another_time_is_not_remembered() -> None:
    repeats = Repeats(Counters())
    assert [repeats.settle(0, told(None, at), NOW_US).readings[0].time_us for at in (1, 2)] == [1, 2]
