"""Devices that follow one another at a topic: each reading is of the one in service at the reading's own time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import TIME_MIN_US, ConfigError, Registry, load_registry
from devices.succession import Line
from engine.store import QuarantineRow
from ingest import Intake, build_routing
from ingest.admission import AdmissionLimits
from ingest.commits import Commits
from ingest.gateway import heard_in
from tests.devices.cities import write_city
from tests.devices.test_feeds import AIR, BIKES, PLUG
from tests.ingest.messages import NOW_US, framer, pour, publish, readings

DAY_S = 86_400
FIRST_S = NOW_US // 1_000_000 // DAY_S * DAY_S - DAY_S
"""When the second device of each topic begins, the day before; the third begins a day later."""
FROM = [f"2024-11-{day:02}T00:00:00Z" for day in (22, 23)]
TOPIC = "cityvitals/testville/m/telemetry"
DEVICES = f"""\
device,model,zone,in_service_from,in_service_to,topic,station
m-3,water_meter,south,{FROM[1]},,{TOPIC},
m,water_meter,north,,{FROM[0]},,
m-2,water_meter,south,{FROM[0]},{FROM[1]},{TOPIC},
other,water_meter,north,,,,
plug,plug,north,,{FROM[0]},,
plug-2,plug,south,{FROM[0]},,plugs/plug,
air,air,north,,{FROM[0]},,x
air-2,air,south,{FROM[0]},,,x
"""
MODELS = {"plug": PLUG, "air": AIR.replace("[time]", "[time]\nrequired = false", 1), "bikes": BIKES}
M_3, M, M_2, OTHER, PLUG_1, PLUG_2, AIR_1, AIR_2 = range(8)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("succession")
    return load_registry(write_city(folder, devices=DEVICES, models=MODELS))


def taken(city: Registry, *messages: tuple[str, bytes], received_us: int = NOW_US) -> Intake:
    data = b"".join(publish(to, payload, at + 1) for at, (to, payload) in enumerate(messages))
    (intake,) = pour(framer(tables=build_routing(city)), data, received_us=received_us)
    return intake


def test_a_pattern_is_heard_on_where_only_devices_that_ended_follow_it(tmp_path: Path) -> None:
    header = "device,model,zone,in_service_from,in_service_to,topic"
    meters = f"{header}\nm,water_meter,north,,{FROM[0]},\nm-2,water_meter,south,{FROM[0]},,{TOPIC}\n"
    tables = build_routing(load_registry(write_city(tmp_path, devices=meters)))
    assert tables.subscriptions == ("cityvitals/testville/+/telemetry",)


def row(message: int, device: int, reason: str, detail: str, readings: int) -> QuarantineRow:
    return QuarantineRow(0, reason, str(message), str(device), detail, readings, b"")


def pack(*times_s: int) -> bytes:
    return json.dumps([{"n": "volume", "u": "l", "t": t, "v": 100 + at} for at, t in enumerate(times_s)]).encode()


def owners(city: Registry, intake: Intake) -> list[int]:
    return [int(city.series().device[slot]) for _, slot, *_ in readings(intake)]


def test_a_reading_is_of_the_device_of_its_own_time_in_whatever_order_the_file_has_them(city: Registry) -> None:
    intake = taken(city, (TOPIC, pack(FIRST_S - 1, FIRST_S, FIRST_S + DAY_S - 1, FIRST_S + DAY_S)))
    assert owners(city, intake) == [M, M_2, M_2, M_3]
    assert intake.faults == []
    commit = Commits(city, AdmissionLimits(), "test", 0).wanted(intake, row, 0)
    assert (len(commit.batch), commit.refused) == (4, [])


def test_the_compiled_and_the_slow_road_say_the_same(city: Registry) -> None:
    compiled = pack(FIRST_S - 5, FIRST_S + 5, FIRST_S + 2 * DAY_S)
    slow = compiled.replace(b'"volume"', b'"v\\u006flume"')
    made = taken(city, (TOPIC, compiled), (TOPIC, slow))
    rows = [found[1:] for found in readings(made)]
    assert len(rows) == 6
    assert rows[:3] == rows[3:]
    assert made.device[:2].tolist() == [M_3, M_3]


def test_what_is_heard_is_the_device_of_the_newest_reading_and_of_the_arrival_where_there_is_none(
    city: Registry,
) -> None:
    late = taken(city, (TOPIC, pack(FIRST_S - 60, FIRST_S - 90)), (TOPIC.replace("/m/", "/other/"), pack(1)))
    assert heard_in(late, 8).device.tolist() == [M, OTHER]
    broken = taken(city, (TOPIC, b"["), received_us=(FIRST_S + 5) * 1_000_000)
    assert ([fault.device for fault in broken.faults], broken.device[0]) == ([M_2], M_2)


def test_devices_of_feeds_and_with_topics_of_fields_follow_one_another_as_well(city: Registry) -> None:
    arrival_us = (FIRST_S - 7) * 1_000_000
    feed = b'{"body": {"items": [{"name": "x", "pm": 7}]}}'
    plug = ("plugs/plug/emeter/0/power", b"12.5")
    before = taken(city, plug, ("feeds/air", feed), received_us=arrival_us)
    assert (owners(city, before), [one.device for one in before.carried]) == ([PLUG_1, AIR_1], [PLUG_1, AIR_1])
    after = taken(city, plug, ("feeds/air", feed))
    assert (owners(city, after), [one.device for one in after.carried]) == ([PLUG_2, AIR_2], [PLUG_2, AIR_2])


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ("a,water_meter,north,,2024-02-01,x,\nb,water_meter,north,2024-01-31,,x,", "in service at the same time"),
        ("a,water_meter,north,,2024-02-01,x,\nb,gas_meter,north,2024-02-01,,x,", "such as 'retired/a'"),
        ("a,air,north,,2024-02-01,,k\nb,air,north,2024-02-01,,,", "expected the device's key"),
        ("a,air,north,,2024-02-01,,k\nb,water_meter,north,2024-02-01,,feeds/air,", "only one of them is of a feed"),
    ],
)
def test_what_no_time_tells_apart_is_refused(tmp_path: Path, rows: str, fault: str) -> None:
    header = DEVICES.splitlines()[0]
    with pytest.raises(ConfigError) as caught:
        load_registry(write_city(tmp_path, devices=f"{header}\n{rows}\n", models=MODELS))
    assert fault in str(caught.value)


def test_two_devices_may_follow_one_another_with_a_gap_between_them(tmp_path: Path) -> None:
    rows = "a,water_meter,north,,2024-02-01,x,\nb,water_meter,north,2024-03-01,,x,\n"
    found = load_registry(write_city(tmp_path, devices=DEVICES.splitlines()[0] + "\n" + rows, models=MODELS))
    assert found.earlier == {0}
    assert load_registry(write_city(tmp_path / "plain")).succession is None


@given(
    st.lists(st.integers(-50, 50), max_size=5, unique=True),
    st.lists(st.tuples(st.integers(0, 7), st.integers(-60, 60)), max_size=20),
)
def test_whose_a_time_is_follows_from_the_beginnings_alone(begins: list[int], asked: list[tuple[int, int]]) -> None:
    begins.sort()
    line = Line(8, {at + 1: (at, from_us) for at, from_us in enumerate(begins)})
    starts = [TIME_MIN_US, *begins]
    expected = [
        max(0, *(at for at in range(number + 1) if starts[at] <= time)) if number < len(starts) else number
        for number, time in asked
    ]
    numbers = np.array([number for number, _ in asked], np.int32)
    times = np.array([time for _, time in asked], np.int64)
    assert [line.settled(number, time) for number, time in asked] == expected
    line.settle(numbers, times)
    assert numbers.tolist() == expected
