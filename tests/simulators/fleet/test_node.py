"""Edge nodes of a fleet over a real broker: whoever follows their numbers and births gets what the truth says."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

import deploy
from devices import PayloadError, Registry
from devices.carriers.sparkplug import ASK_US, SparkplugCarrier
from devices.codecs.sparkplug.schema import parse
from simulators.bench import wait_until
from simulators.fleet import Fleet, build, send
from simulators.fleet.node import nodes_of
from simulators.fleet.pool import Pool
from simulators.publisher import BrokerAddress
from tests.simulators.fleet.make import NOW_US, TOWN, write_fleet
from tests.simulators.fleet.test_faults import assert_as_the_truth_says, fault

CABINET = """\
title = "Inputs of a cabinet"
codec = "sparkplug-b"
topic = "spBv1.0/{city}/DDATA/{gateway}/{device}"
interval_s = 3600
[[field]]
name = "inside"
path = "Inputs/Inside"
measurand = "temperature"
unit = "Cel"
[[field]]
name = "door"
path = "Inputs/Door"
measurand = "parking_space"
states = { true = "occupied", false = "free" }
[[test]]
hex = "0880e0feefe231120f0a0b496e707574732f446f6f7220047001"
refused = ["not_a_number"]
"""
GROUPS = """
[[group]]
model = "cabinet"
prefix = "box"
count = 4
interval_s = 3600
gateway = "edge{number}-{zone}"
gateway_devices = 2
"""


def made(folder: Path, faults: str = "") -> Fleet:
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "cabinet.toml").write_text(CABINET, encoding="utf-8")
    return build(write_fleet(folder, faults, groups=GROUPS, town=TOWN), folder / "city")


class Follower:
    """A gateway of Sparkplug alone: what a carrier understands of everything, and what it wants published.

    Attributes:
        stored: ticks by slot and time. repeated: readings that came again. refused: by reason.
        messages: everything that came, in order.
    """

    def __init__(self, url: str, registry: Registry) -> None:
        self.stored: dict[tuple[int, int], int] = {}
        self.repeated, self.refused = 0, Counter[str]()
        self.messages: list[tuple[str, bytes]] = []
        self._registry, self._carrier, self._now_us = registry, SparkplugCarrier(registry), NOW_US
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _c, _u, message: self._take(message.topic, bytes(message.payload))
        parts = urlsplit(url)
        self._client.connect(str(parts.hostname), int(parts.port or 0))

    def __enter__(self) -> Follower:
        self._client.loop_start()
        self._client.subscribe("spBv1.0/#", 1)
        assert self._subscribed.wait(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def of_kind(self, kind: str) -> list[tuple[str, bytes]]:
        return [one for one in self.messages if f"/{kind}/" in one[0]]

    def _take(self, topic: str, payload: bytes) -> None:
        self.messages.append((topic, payload))
        if "/NCMD/" in topic:
            return
        self._now_us += ASK_US  # whoever may ask every time does so
        try:
            carried = self._carrier.decode(topic, payload, self._now_us)
        except PayloadError as error:
            self.refused[error.reason] += 1
            carried = []
        for device, decoded in carried:
            for reading in decoded.readings:
                key = self._registry.slots(device)[reading.field], reading.time_us
                self.repeated += key in self.stored
                self.stored.setdefault(key, reading.ticks)
            self.refused.update({one.reason: one.readings for one in decoded.faults})
        for command in self._carrier.commands():
            self._client.publish(*command, 1)


def sent(fleet: Fleet, broker: deploy.Broker, way: str, resend_s: float = 0.0) -> Follower:
    """What a follower has after a fleet was sent."""
    with Follower(broker.url, fleet.registry) as follower:
        summary = send(fleet, broker.url, way=way, seed=4, connections=1, resend_s=resend_s)
        assert summary.acknowledged == summary.messages == len(fleet.sequence(way))
        wait_until(lambda: len(follower.of_kind("NDEATH")) >= 4 + 4 * summary.storms, 60, "the death of every node")
    return follower


def assert_stored(follower: Follower, fleet: Fleet, way: str) -> None:
    batch = fleet.accepted(way)
    assert follower.stored == dict(
        zip(zip(batch.slot.tolist(), batch.time_us.tolist(), strict=True), batch.ticks.tolist(), strict=True)
    )


@pytest.mark.parametrize("way", ["in-order", "shuffled", "twice"])
def test_what_nodes_say_by_alias_is_what_the_truth_says(way: str, broker: deploy.Broker, tmp_path: Path) -> None:
    fleet = made(tmp_path)
    follower = sent(fleet, broker, way)
    assert_stored(follower, fleet, way)
    assert follower.refused == {}
    assert follower.repeated == (len(follower.stored) if way == "twice" else 0)
    assert follower.of_kind("NCMD") == []
    births, deaths = follower.of_kind("NBIRTH"), follower.of_kind("NDEATH")
    assert len(births) == len(deaths) == 4
    assert len(follower.of_kind("DBIRTH")) == 8
    data = [parse(payload) for _, payload in follower.of_kind("DDATA")]
    assert {metric.name for payload in data for metric in payload.metrics} == {""}
    assert {payload.seq for payload in data} <= set(range(256))
    held = [any(metric.is_historical for metric in payload.metrics) for payload in data]
    assert any(held) == (way != "in-order")


def test_lost_messages_are_asked_about_and_a_storm_is_a_death_and_a_birth(
    broker: deploy.Broker, tmp_path: Path
) -> None:
    fleet = made(tmp_path, fault("lost") + fault("storm") + fault("garbage", "copy = true") + fault("unknown_device"))
    follower = sent(fleet, broker, "faults")
    assert_stored(follower, fleet, "faults")
    tally = fleet.tally("faults")
    assert follower.repeated == sum(found.duplicate for found in tally.values())
    assert follower.refused == sum((found.by_reason for found in tally.values()), Counter[str]())
    assert len(follower.stored) < len(fleet.accepted())
    assert len(follower.of_kind("NCMD")) >= 4
    births = [parse(payload) for _, payload in follower.of_kind("NBIRTH")]
    assert len(births) >= 8 + 4
    assert {metric.value for birth in births for metric in birth.metrics if metric.name == "bdSeq"} == {0, 1}
    assert {birth.seq for birth in births} == {0}


def test_by_name_and_without_a_connection_it_is_the_same(tmp_path: Path) -> None:
    kinds = ("conflict", "duplicated", "future_clock", "unset_clock", "out_of_range", "half", "retained")
    assert_as_the_truth_says(made(tmp_path, "".join(fault(kind) for kind in kinds)), "faults")


def test_a_node_with_a_buffer_says_again_what_it_said_when_it_is_asked_for_its_births(
    broker: deploy.Broker, tmp_path: Path
) -> None:
    fleet = made(tmp_path)
    node, plan, writer = (
        nodes_of(fleet.registry, BrokerAddress.parse(broker.url), 10.0)[0],
        fleet.plan(),
        fleet.writer(),
    )
    *messages, after = [at for at in range(plan.message_count) if plan.device[at] == 0][:6]
    with Pool(BrokerAddress.parse(broker.url), 1, nodes=[node]) as pool:

        def served(is_done: Callable[[], bool]) -> bool:
            pool.serve(0.05)
            return is_done()

        for message in messages:
            pool.publish(node, writer.topic(message), writer.payload(message, 0))
        wait_until(lambda: served(pool.drained), 60, "the acknowledgements")
        # Born before anybody listened: the next that comes is not understood, and the births are asked for.
        with Follower(broker.url, fleet.registry) as follower:
            pool.publish(node, writer.topic(after), writer.payload(after, 0))
            wait_until(lambda: served(lambda: len(follower.stored) == 12), 60, "all readings")
    assert (node.births, node.asked, node.published) == (2, 1, 6)
    assert follower.refused == {"no_birth": 2}
