"""The whole road of an alert: a silence in the database, `cityvitals serve`, then MQTT, webhook and API."""

from __future__ import annotations

import json
import queue
import signal
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from console.alerts.metrics import DEFINITIONS
from devices import load_registry
from devices.series import TIME_MAX_US
from engine.indicators import INDICATORS
from engine.store import Duty, SilenceRow, Store, Watched
from simulators.bench import fresh_broker
from tests.console.alerts.receivers import http_receiver
from tests.console.web.test_serve import program
from tests.databases import Databases
from tests.system.pipeline import DEMO

pytestmark = pytest.mark.system

MINUTE_US = 60_000_000
TOPIC = "cityvitals/demo/alert/silent_gateway/gateway:direct"


def silent_gateway(url: str, since_us: int, to_us: int = TIME_MAX_US) -> None:
    """Write, as an engine would, that everything is silent, or was until a time; the engine itself listens."""
    now_us = time.time_ns() // 1000
    with Store.connect(url) as store:
        store.register(load_registry(DEMO), INDICATORS)
        store.own(0, Duty.FLUSH)
        row = SilenceRow("gateway", "direct", since_us, to_us, devices=9)
        store.write_watch(Watched(now_us + 60 * MINUTE_US, 0, False, [row], None, now_us, 0))


class Listener:
    """A client of the broker that keeps what comes on the alerts' topics."""

    def __init__(self, url: str) -> None:
        self.got: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _d, message: self.got.put((message.topic, json.loads(message.payload)))
        self._client.on_connect = lambda client, *_: client.subscribe("cityvitals/+/alert/+/+", 1)
        host, port = url.split("//")[1].split(":")
        self._client.connect(host, int(port))
        self._client.loop_start()

    def next(self) -> tuple[str, dict[str, Any]]:
        return self.got.get(timeout=60)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_an_alert_is_told_on_every_road_also_after_the_keeper_was_killed(databases: Databases, tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with databases.migrated() as url, fresh_broker(tmp_path / "broker") as broker, http_receiver() as hook:
        environ = {
            "CITYVITALS_DATABASE_URL": url, "CITYVITALS_MQTT_URL": broker.url, "CITYVITALS_ALERTS_LOOK_S": "0.1",
            "CITYVITALS_ALERTS_WEBHOOK_URLS": hook.url,
        }  # fmt: skip
        since_us = time.time_ns() // 1000 - 60 * MINUTE_US
        silent_gateway(url, since_us)
        listener = Listener(broker.url)
        with program(tmp_path / "first", **environ) as (first, get), program(tmp_path / "second", **environ) as _:
            topic, told = listener.next()
            assert (topic, told["state"], told["members"]) == (TOPIC, "open", 1)
            done = get("alerts/1/acknowledge", send={"who": "kim"})
            assert done.json["acknowledged_by"] == "kim"
            assert listener.next()[1]["state"] == "acknowledged"
            metrics = get("/metrics").body.decode()
            assert 'cityvitals_alerts_open{severity="warning"} 1.0' in metrics
            assert "cityvitals_alert_keeper 1.0" in metrics
            assert [one.name for one in DEFINITIONS if f"# HELP {one.name} " not in metrics] == []
            first.send_signal(signal.SIGKILL)
            first.wait()
            silent_gateway(url, since_us, time.time_ns() // 1000)
            while True:
                # The one that took over publishes what stands first, as it is retained already.
                _, told = listener.next()
                if told["state"] == "cleared":
                    break
            assert told["cause"] == "heard again"
            while len(hook.got) < 2:
                time.sleep(0.02)
        listener.close()
        late = Listener(broker.url)
        assert late.next()[1]["state"] == "cleared", "retained, and not an empty ghost"
        late.close()
    assert [one.json["event"] for one in hook.got] == ["opened", "cleared"]
