"""Edge nodes: births say what aliases mean, a lost message costs its own readings only, and nothing waits in vain."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import REASONS, Carried, ConfigError, PayloadError, Registry, load_registry
from devices.carriers.sparkplug import ASK_US, HELD_METRICS_MAX, LOST_MAX, SparkplugCarrier, sparkplug
from devices.codecs.base import READINGS_MAX
from devices.codecs.sparkplug.edge import EdgeNode, Readings, rebirth_request
from devices.codecs.sparkplug.schema import Metric, parse, serialize
from tests.devices.cities import write_city
from tests.examples import examples

TRACE = Path(__file__).parent / "data" / "sparkplug" / "trace.csv"
GROUP, NODE = "org_A", "702"
DEVICES = ("device_3", "device_4", "device_5", "device_9", "device_10")
METRICS = 10
HEAD = 'title = "test"\ncodec = "sparkplug-b"\ninterval_s = 60\ntopic = "spBv1.0/{city}/DDATA/{gateway}/{device}"\n'
MODEL = HEAD + "".join(
    f'[[field]]\nname = "t{at}"\npath = "Inputs/{at}"\nmeasurand = "temperature"\nunit = "Cel"\n'
    for at in range(METRICS)
)
T = 1_704_067_200_000_000
S = 1_000_000


@cache
def registry() -> Registry:
    rows = [f"node,inputs,north,,spBv1.0/{GROUP}/NDATA/{NODE}"]
    rows += [f"{code},inputs,north,{NODE},spBv1.0/{GROUP}/DDATA/{NODE}/{code}" for code in DEVICES]
    with TemporaryDirectory() as folder:
        city = write_city(
            Path(folder) / "city",
            devices="\n".join(["device,model,zone,gateway,topic", *rows, ""]),
            models={"inputs": MODEL},
        )
        return load_registry(city)


def edge(**named: int) -> EdgeNode:
    return EdgeNode(GROUP, NODE, dict.fromkeys(("", *DEVICES), registry().models["inputs"]), **named)


@pytest.fixture
def host() -> SparkplugCarrier:
    made = sparkplug(registry())
    assert made is not None
    return made


class Said(NamedTuple):
    device: str
    field: str
    time_us: int
    ticks: int


def said(carried: list[Carried]) -> list[Said]:
    found = []
    for position, decoded in carried:
        device = registry().devices[position]
        fields = registry().model_of(device).fields
        found += [Said(device.code, fields[r.field].name, r.time_us, r.ticks) for r in decoded.readings]
    return found


def refused(carried: list[Carried]) -> list[tuple[str, int]]:
    return [(fault.reason, fault.readings) for _, decoded in carried for fault in decoded.faults]


def truth(device: str, readings: list[tuple[str, int, int]]) -> list[Said]:
    return [Said(device or "node", *reading) for reading in readings]


def one(ticks: int, time_us: int = T, field: str = "t1") -> list[tuple[str, int, int]]:
    return [(field, time_us, ticks)]


def bear(
    host: SparkplugCarrier, node: EdgeNode, time_us: int = T, readings: Mapping[str, Readings] | None = None
) -> list[Said]:
    return [s for message in node.births(time_us, readings or {}) for s in said(host.decode(*message, time_us))]


# --- the recorded session


class Row(NamedTuple):
    """One message of the recording that had a place in the sequence."""

    at_us: int
    device: str
    lost_before: int
    metrics: int
    left_out: bool
    """The number was zero, and was not written."""


def recording() -> Iterator[Row]:
    """Give the messages of the recording; those that the capture could not read are lost like the others."""
    before = None
    with TRACE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not row["time_ms"]:
                continue
            seq = int(row["seq"] or 0)
            lost = 0 if before is None else (seq - before - 1) % 256
            yield Row(int(row["time_ms"]) * 1000, row["device"], lost, int(row["metrics"]), not row["seq"])
            before = seq


def test_the_recording_has_what_its_source_says() -> None:
    rows = list(recording())
    assert len(rows) == 504
    assert [row.lost_before for row in rows if row.lost_before] == [1, 2, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    assert sum(row.left_out for row in rows) == 2


@pytest.mark.parametrize("times", [1, 2], ids=["once", "every message twice"])
def test_the_recorded_session_gives_the_truth_through_losses_rebirths_and_a_reboot(
    host: SparkplugCarrier, times: int
) -> None:
    """The recording begins in the middle: no birth is known. Messages are lost where they were, and each request for a
    birth is answered at once. In the middle the node starts again, with other aliases."""
    node = edge()
    node.births(T, {})  # before the recording
    expected: list[Said] = []
    found: list[Said] = []
    faults: list[tuple[str, int]] = []
    asked: list[int] = []

    def deliver(message: tuple[str, bytes], at_us: int) -> None:
        results = [host.decode(*message, at_us + again) for again in range(times)]
        found.extend(said(results[0]))
        faults.extend(refused(results[0]))
        assert all(said(result) == said(results[0]) for result in results)
        for command in host.commands():
            assert node.is_asked(*command)
            asked.append(at_us)
            for birth in node.births(at_us, {}):
                deliver(birth, at_us + 1)

    for number, row in enumerate(recording()):
        if number == 250:
            deliver(node.death(), row.at_us)
            node = edge(alias_first=1000, bd_seq=1)
            values = {"device_4": one(777, row.at_us)}
            for birth in node.births(row.at_us, values):
                deliver(birth, row.at_us)
            expected += truth("device_4", values["device_4"])
        for _ in range(row.lost_before):
            node.data(row.device, row.at_us, one(-1))
        readings = [(f"t{at}", row.at_us, number * 10 + at) for at in range(row.metrics)]
        topic, payload = node.data(row.device, row.at_us, readings)
        message = parse(payload)
        if message.seq == 0:
            payload = serialize(message.time_ms, None, message.metrics)
        deliver((topic, payload), row.at_us)
        expected += truth(row.device, readings)

    assert sorted(found) == sorted(expected)
    # What came before the first birth is told as such, and was read when the birth came.
    assert faults == [("no_birth", 5)]
    assert len(asked) > 5
    assert min(later - before for before, later in pairwise(asked)) >= ASK_US


# --- step by step


def test_data_by_alias_are_read_by_the_birth_of_their_own_device(host: SparkplugCarrier) -> None:
    node = edge()
    values = {"": one(1), "device_3": one(2), "device_9": one(3, T + S)}
    assert sorted(bear(host, node, T, values)) == sorted(s for d, v in values.items() for s in truth(d, v))
    late = one(5, T - 7 * S) + one(6, T - 6 * S)
    assert said(host.decode(*node.data("device_9", T, late, historical=True), T)) == truth("device_9", late)
    assert said(host.decode(*node.data("", T, one(8)), T)) == truth("", one(8))
    assert host.commands() == []


def test_after_a_loss_known_aliases_are_read_and_a_birth_is_asked_for_until_it_comes(host: SparkplugCarrier) -> None:
    node = edge()
    bear(host, node)
    node.data("device_3", T, one(1))
    for at_us, requests in ((T, 1), (T + S, 0), (T + ASK_US - 1000, 0), (T + ASK_US, 1)):
        carried = host.decode(*node.data("device_3", at_us, one(2, at_us)), at_us)
        assert (said(carried), refused(carried)) == (truth("device_3", one(2, at_us)), [])
        assert host.commands() == [rebirth_request(GROUP, NODE, at_us)] * requests
    bear(host, node, T + ASK_US)
    host.decode(*node.data("device_3", T, one(2)), T + 9 * ASK_US)
    assert host.commands() == []


@pytest.mark.parametrize("lost", [LOST_MAX, LOST_MAX + 1, 256 - LOST_MAX - 1])
def test_a_birth_may_be_among_many_lost_messages_so_that_data_wait_for_the_next(
    host: SparkplugCarrier, lost: int
) -> None:
    node = edge()
    bear(host, node)
    for _ in range(lost):
        node.data("device_3", T, one(1))
    carried = host.decode(*node.data("device_3", T, one(2)), T)
    if lost <= LOST_MAX:
        assert said(carried) == truth("device_3", one(2))
    else:
        assert (said(carried), refused(carried)) == ([], [("no_birth", 1)])
        assert bear(host, node, T + S) == truth("device_3", one(2))
    assert host.commands() == [rebirth_request(GROUP, NODE, T)]


def test_a_message_that_comes_late_is_read_and_is_no_second_loss(host: SparkplugCarrier) -> None:
    node = edge()
    bear(host, node)
    late = node.data("device_3", T, one(1))
    early = [node.data("device_3", T, one(number)) for number in (2, 3)]
    for message, number in zip((*early, late), (2, 3, 1), strict=True):
        assert said(host.decode(*message, T)) == truth("device_3", one(number))
    bear(host, node, T + S)
    late, early = node.data("device_3", T, one(4)), [node.data("device_3", T, one(5))]
    for message in (*early, late, node.data("device_3", T, one(6))):
        assert refused(host.decode(*message, T + S)) == []
    assert len(host.commands()) == 1


def test_what_came_before_the_birth_is_read_when_it_comes_each_device_by_its_own(host: SparkplugCarrier) -> None:
    node = edge()
    births = node.births(T, {})
    for device in ("device_3", "", "device_9"):
        carried = host.decode(*node.data(device, T + S, one(5, T + S)), T + S)
        assert (said(carried), refused(carried)) == ([], [("no_birth", 1)])
    assert host.commands() == [rebirth_request(GROUP, NODE, T + S)]
    got = [said(host.decode(*birth, T + 2 * S)) for birth in births]
    assert got == [truth(d, one(5, T + S)) if d in ("device_3", "", "device_9") else [] for d in ("", *DEVICES)]
    assert [said(host.decode(*birth, T + 3 * S)) for birth in node.births(T + 1000, {})] == [[]] * len(births)


def test_what_waited_for_a_birth_ends_with_the_death_of_its_node(host: SparkplugCarrier) -> None:
    before = edge()
    before.births(T, {})
    host.decode(*before.data("device_3", T, one(5)), T)
    assert host.decode(*before.death(), T) == []
    assert bear(host, edge(alias_first=2, bd_seq=1)) == []


def test_after_a_death_no_alias_means_anything_but_that_of_an_earlier_connection_ends_nothing(
    host: SparkplugCarrier,
) -> None:
    old, node = edge(bd_seq=3), edge(bd_seq=4)
    bear(host, node)
    assert host.decode(*old.death(), T) == []
    assert said(host.decode(*node.data("device_3", T, one(5)), T)) == truth("device_3", one(5))
    assert host.decode(*node.death(), T) == []
    assert refused(host.decode(*node.data("device_3", T, one(6)), T)) == [("no_birth", 1)]
    assert len(host.commands()) == 1


def test_after_the_death_of_a_device_only_its_own_aliases_are_forgotten(host: SparkplugCarrier) -> None:
    node = edge()
    bear(host, node)
    assert host.decode(*node.device_death("device_3", T), T) == []
    assert refused(host.decode(*node.data("device_3", T, one(6)), T)) == [("no_birth", 1)]
    assert host.commands() == [rebirth_request(GROUP, NODE, T)]
    assert said(host.decode(*node.data("device_4", T, one(5)), T)) == truth("device_4", one(5))
    back = host.decode(*node.device_birth("device_3", T, {}), T)
    assert said(back) == truth("device_3", one(6))


def test_a_new_birth_of_the_node_ends_what_the_births_of_its_devices_said(host: SparkplugCarrier) -> None:
    node = edge()
    bear(host, node)
    born, *births = node.births(T + S, {})
    assert said(host.decode(*born, T)) == []
    assert refused(host.decode(*node.data("device_3", T, one(6)), T)) == [("no_birth", 1)]
    assert [s for birth in births for s in said(host.decode(*birth, T))] == truth("device_3", one(6))


def test_messages_delivered_again_mean_the_same_and_nobody_is_asked(host: SparkplugCarrier) -> None:
    node = edge()
    messages = node.births(T, {"device_3": one(4)})
    messages += [node.data("device_3", T + n * S, one(n, T + n * S)) for n in range(1, 300)]
    first = [said(host.decode(*message, T)) for message in messages]
    assert [said(host.decode(*message, T)) for message in messages[-200:]] == first[-200:]
    # The node's birth does not begin anew what it began.
    assert said(host.decode(*messages[0], T)) == first[0]
    assert said(host.decode(*node.data("device_3", T, one(1)), T)) == truth("device_3", one(1))
    assert host.commands() == []


def test_a_number_of_zero_that_was_left_out_is_no_loss(host: SparkplugCarrier) -> None:
    node = edge()
    bear(host, node)
    for number in range(600):
        topic, payload = node.data("device_3", T, one(number))
        message = parse(payload)
        host.decode(topic, serialize(message.time_ms, message.seq or None, message.metrics), T)
    assert host.commands() == []


@pytest.mark.parametrize(("waiting", "more"), [(10, 10), (20, 14)])
def test_what_came_twice_before_the_birth_is_read_once_and_no_more_than_a_message_may_have(
    host: SparkplugCarrier, waiting: int, more: int
) -> None:
    node = edge()
    node.births(T, {})
    for number in range(waiting):
        message = node.data("device_3", T, one(number, T + number * S))
        for _ in range(2):
            host.decode(*message, T)
    topic, payload = node.births(T, {"device_3": one(1)})[1]
    time_ms, seq, metrics = parse(payload)
    own = READINGS_MAX - 14
    short = metrics[1]._replace(alias=None, time_ms=None)
    carried = host.decode(topic, serialize(time_ms, seq, (metrics[1], *(short,) * (own - 1))), T)
    assert len(said(carried)) == own + more


def test_whole_numbers_take_their_sign_from_the_type_of_the_birth(host: SparkplugCarrier) -> None:
    born = Metric("Inputs/1", 7, datatype=3, kind="int_value", value=5)
    host.decode(f"spBv1.0/{GROUP}/NBIRTH/{NODE}", serialize(T // 1000, 0, [born]), T)
    sent = Metric(alias=7, kind="int_value", value=2**32 - 4)
    carried = host.decode(f"spBv1.0/{GROUP}/NDATA/{NODE}", serialize(T // 1000, 1, [sent]), T)
    assert (said(carried), refused(carried)) == (truth("", one(-4000)), [])


def test_named_data_without_a_number_need_no_birth(host: SparkplugCarrier) -> None:
    metric = Metric("Inputs/3", datatype=10, kind="double_value", value=1.5)
    topic = f"spBv1.0/{GROUP}/DDATA/{NODE}/device_3"
    carried = host.decode(topic, serialize(T // 1000, None, [metric]), T)
    assert (said(carried), refused(carried)) == ([Said("device_3", "t3", T, 1500)], [])
    assert host.commands() == []


def test_unregistered_devices_are_unknown_but_their_messages_count_in_the_sequence(host: SparkplugCarrier) -> None:
    models = dict.fromkeys(("", "device_3", "stranger"), registry().models["inputs"])
    node = EdgeNode(GROUP, NODE, models)
    *births, strangers = node.births(T, {})
    for birth in births:
        host.decode(*birth, T)
    for message in (strangers, node.data("stranger", T, one(1))):
        with pytest.raises(PayloadError, match="unknown_device: no registered device has the topic"):
            host.decode(*message, T)
    assert said(host.decode(*node.data("device_3", T, one(1)), T)) == truth("device_3", one(1))
    assert host.decode(*node.device_death("stranger", T), T) == []
    assert host.commands() == []
    with pytest.raises(PayloadError, match="unknown_device: no registered device belongs to the edge node"):
        host.decode(f"spBv1.0/{GROUP}/NDATA/other", b"", T)


def test_bytes_that_are_no_payload_are_told_of_their_device(host: SparkplugCarrier) -> None:
    carried = host.decode(f"spBv1.0/{GROUP}/DDATA/{NODE}/device_3", b"\xff", T)
    assert refused(carried) == [("malformed", 1)]
    assert registry().devices[carried[0].device].code == "device_3"


def test_what_is_held_has_a_bound_and_a_time(host: SparkplugCarrier) -> None:
    node = edge()
    node.births(T, {})
    for number in range(HELD_METRICS_MAX + 50):
        message = node.data("device_3", T, one(number, T + number * 1000))
        for _ in range(2):
            host.decode(*message, T)
    births = node.births(T, {})
    assert len([s for birth in births for s in said(host.decode(*birth, T))]) == HELD_METRICS_MAX
    host.decode(*node.death(), T)
    host.decode(*node.data("device_3", T, one(1)), T)
    births = node.births(T + S, {})
    assert [s for birth in births for s in said(host.decode(*birth, T + 3600 * S))] == []


def test_topics_and_filters_take_every_message_of_a_registered_node(host: SparkplugCarrier) -> None:
    assert len(host.topics) == len(set(host.topics)) == 3 * (1 + len(DEVICES))
    assert f"spBv1.0/{GROUP}/DBIRTH/{NODE}/device_10" in host.topics
    assert set(host.filters) == {
        *(f"spBv1.0/{GROUP}/{kind}/+" for kind in ("NBIRTH", "NDATA", "NDEATH")),
        *(f"spBv1.0/{GROUP}/{kind}/+/+" for kind in ("DBIRTH", "DDATA", "DDEATH")),
    }
    assert host.devices == tuple(range(1 + len(DEVICES)))


def test_a_city_without_edge_nodes_has_no_carrier_and_a_wrong_topic_is_refused(tmp_path: Path) -> None:
    assert sparkplug(load_registry(write_city(tmp_path / "plain"))) is None
    city = write_city(
        tmp_path / "wrong",
        devices=f"device,model,zone,topic\na,inputs,north,spBv1.0/{GROUP}/DBIRTH/{NODE}/a\n",
        models={"inputs": MODEL},
    )
    with pytest.raises(ConfigError, match=r"column topic: expected spBv1\.0/group"):
        load_registry(city)


def genuine() -> list[tuple[str, bytes]]:
    """Messages of every kind that a node publishes."""
    node = edge()
    born = node.births(T, {"device_3": one(5), "": one(6)})
    data = [node.data(device, T + S, one(7, T + S)) for device in ("", "device_3", "device_9")]
    return [*born, *data, node.device_death("device_3", T), node.death()]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a message with bytes cut, doubled and changed, on the topic of another."""
    _, payload = draw(st.sampled_from(genuine()))
    topic, _ = draw(st.sampled_from(genuine()))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(payload)))
        end = draw(st.integers(at, min(len(payload), at + 8)))
        payload = payload[:at] + draw(st.binary(max_size=4) | st.just(payload[at:end] * 2)) + payload[end:]
    return topic.replace("device_4", "stranger"), payload


def outcome(host: SparkplugCarrier, message: tuple[str, bytes], at_us: int) -> list[Carried]:
    """What a message says; nothing where it is refused as a whole, which is the one way not to answer."""
    with suppress(PayloadError):
        return host.decode(*message, at_us)
    return []


@pytest.mark.hypothesis
@settings(max_examples=examples(100))
@given(st.lists(st.sampled_from(genuine()) | damaged(), max_size=20))
def test_whatever_comes_is_accounted_for_and_means_the_same_when_it_comes_again(
    messages: list[tuple[str, bytes]],
) -> None:
    host = SparkplugCarrier(registry())
    for number, message in enumerate(messages):
        first, again = (outcome(host, message, T + number * S) for _ in range(2))
        assert said(first) == said(again)
        assert all(reason in REASONS for reason, _ in refused(first))
    assert all(command[0] == f"spBv1.0/{GROUP}/NCMD/{NODE}" for command in host.commands())
