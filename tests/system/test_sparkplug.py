"""A Sparkplug B edge node on real servers: nothing it says is lost to a late start, a lost message or a reboot."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

import deploy
from devices import load_registry
from devices.codecs.sparkplug.edge import EdgeNode, Readings
from simulators.bench import wait_until
from tests.devices.cities import write_city
from tests.system.conftest import Start

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

GROUP, NODE = "testville", "edge-1"
MODEL = """\
title = "Inputs of a cabinet"
codec = "sparkplug-b"
topic = "spBv1.0/{city}/DDATA/{gateway}/{device}"
interval_s = 60
[[field]]
name = "inside"
path = "Inputs/Inside"
measurand = "temperature"
unit = "Cel"
[[field]]
name = "load"
path = "Inputs/Load"
measurand = "power"
unit = "W"
"""
DEVICES = f"""\
device,model,zone,gateway,topic
cabinet-1,inputs,north,{NODE},
cabinet-2,inputs,south,{NODE},
edge,inputs,north,,spBv1.0/{GROUP}/NDATA/{NODE}
"""
S = 1_000_000


class Cabinet:
    """The edge node with its connection: it answers every request for its births.

    Attributes:
        node: what it publishes; another after a reboot.
        asked: how often it was asked for its births.
    """

    def __init__(self, url: str, node: EdgeNode) -> None:
        self.node, self.asked = node, 0
        self._lock = threading.Lock()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _u, message: self._answer(message.topic, bytes(message.payload))
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        parts = urlsplit(url)
        self._client.connect(str(parts.hostname), int(parts.port or 0))

    def __enter__(self) -> Cabinet:
        self._client.loop_start()
        self._client.subscribe(f"spBv1.0/{GROUP}/NCMD/{NODE}", 1)
        assert self._subscribed.wait(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, device: str, time_us: int, readings: Readings, *, lost: bool = False) -> None:
        """Publish data of a device; or number them, and let them get lost."""
        with self._lock:
            message = self.node.data(device, time_us, readings)
            if not lost:
                self._publish([message])

    def reboot(self, node: EdgeNode, time_us: int, readings: dict[str, Readings]) -> None:
        """Die, as the broker tells it, and be born as another."""
        with self._lock:
            self._publish([self.node.death()])
            self.node = node
            self._publish(node.births(time_us, readings))

    def _answer(self, topic: str, payload: bytes) -> None:
        with self._lock:
            assert self.node.is_asked(topic, payload)
            self.asked += 1
            self._publish(self.node.births(time.time_ns() // S * 1000, {}))

    def _publish(self, messages: list[tuple[str, bytes]]) -> None:
        # At QoS 0, as the standard has it.
        for topic, payload in messages:
            self._client.publish(topic, payload, 0)


def test_the_truth_comes_through_a_late_start_a_loss_and_a_reboot(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    city = write_city(tmp_path / "city", devices=DEVICES, models={"inputs": MODEL})
    model = load_registry(city).models["inputs"]
    truth: set[tuple[str, str, int, int]] = set()
    begin_us = (time.time_ns() // 10**9 - 3600) * S

    def sent(device: str, number: int, *, lost: bool = False) -> None:
        at_us = begin_us + number * S
        readings = [("inside", at_us, 20_000 + number), ("load", at_us, 1000 * number)]
        cabinet.send(device, at_us, readings, lost=lost)
        if not lost:
            truth.update((device or "edge", *reading) for reading in readings)

    models = dict.fromkeys(("", "cabinet-1", "cabinet-2"), model)
    pipeline = start(city)
    with Cabinet(broker.url, EdgeNode(GROUP, NODE, models)) as cabinet:
        pipeline.ready()
        # The node was born long before the gateway listened.
        cabinet.node.births(begin_us, {})
        for number, device in enumerate(("cabinet-1", "", "cabinet-2", "cabinet-1")):
            sent(device, number)
        wait_until(lambda: cabinet.asked == 1, 60, "the request for a birth")
        sent("cabinet-1", 10)
        sent("cabinet-2", 11, lost=True)
        for number, device in enumerate(("cabinet-1", "cabinet-2", ""), 12):
            sent(device, number)
        at_us = begin_us + 100 * S
        cabinet.reboot(EdgeNode(GROUP, NODE, models, alias_first=40, bd_seq=1), at_us, {"": [("load", at_us, 7000)]})
        truth.add(("edge", "load", at_us, 7000))
        for number, device in enumerate(("cabinet-2", "cabinet-1"), 101):
            sent(device, number)
        wait_until(lambda: pipeline.ledger()["accepted"] >= len(truth), 60, "every reading")

    ledger = pipeline.balanced()
    # Of these alone nobody knew at first what they were.
    assert (ledger["accepted"], ledger["duplicate"], ledger["quarantined"]) == (len(truth), 0, 8)
    refused = pipeline.query(
        "SELECT device, reason, sum(readings)::int FROM cityvitals.quarantine GROUP BY 1, 2 ORDER BY 1"
    )
    assert refused == [("cabinet-1", "no_birth", 4), ("cabinet-2", "no_birth", 2), ("edge", "no_birth", 2)]
    stored = pipeline.query(
        "SELECT device.code, field, (extract(epoch FROM time) * 1000000)::bigint, ticks FROM cityvitals.observation"
        " JOIN cityvitals.series USING (series_id) JOIN cityvitals.device USING (device_id)"
    )
    assert set(stored) == truth
    assert pipeline.metrics()["cityvitals_mqtt_commands_total"] == 1
    assert pipeline.stop() == 0
