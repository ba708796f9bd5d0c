"""Recordings and cities written for a test, and somebody who listens to the broker."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

import devices
from simulators import Message, Recording
from tests import forks

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 120.0

DESCRIPTION = """\
title = "Two meters"
file = "readings.csv"
model = "water_meter"

[time]
column = "time"
zone = "Europe/Madrid"

[device]
column = "meter"
prefix = "meter-"

[[field]]
column = "litres"
field = "volume"
unit = "l"
missing = ["", "NA"]
"""

READINGS = """\
meter,time,litres
1,2024-06-01 10:00,100
2,2024-06-01 10:00,7000.5
1,2024-06-01 10:01,NA
1,2024-06-01 10:02,103
2,2024-06-01 10:05,
2,2024-06-01 10:06,7001
"""

CITY = 'code = "testville"\nname = "Testville"\ntime_zone = "Europe/Madrid"\n'
ZONES = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "properties": {"code": "all", "title": "All"}, "geometry": None}],
}


def write_recording(folder: Path, description: str = DESCRIPTION, readings: str | bytes = READINGS) -> Path:
    """Write a recording and return its description."""
    folder.mkdir(parents=True, exist_ok=True)
    data = readings if isinstance(readings, bytes) else readings.encode()
    (folder / "readings.csv").write_bytes(data)
    (folder / "recording.toml").write_text(description, encoding="utf-8")
    return folder / "recording.toml"


def write_city(folder: Path, *rows: str, time_zone: str = "Europe/Madrid") -> Path:
    """Write a city of such devices (`device,model`) and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(CITY.replace("Europe/Madrid", time_zone), encoding="utf-8")
    (folder / "zones.geojson").write_text(json.dumps(ZONES), encoding="utf-8")
    listed = [f"{row},all" for row in (rows or ("meter-1,water_meter", "meter-2,water_meter"))]
    (folder / "devices.csv").write_text("\n".join(["device,model,zone", *listed, ""]), encoding="utf-8")
    return folder


def decoded(recording: Recording, message: Message | tuple[str, bytes]) -> list[tuple[str, int, int]]:
    """Return (field, time, ticks) of a message, by the codec its device's gateway would use."""
    payload = message.payload if isinstance(message, Message) else message[1]
    model = recording.model
    found = devices.codec(model.codec).decode(payload, model, 0)
    assert not found.faults
    assert all(r.flags == 0 for r in found.readings)
    return [(model.fields[r.field].name, r.time_us, r.ticks) for r in found.readings]


class Listener:
    """A subscriber to a city's telemetry; keeps every message in the order of its arrival."""

    def __init__(self, url: str, on_count: tuple[int, Callable[[], object]] | None = None) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._on_count = on_count
        self._subscribed, self._ended = threading.Event(), threading.Event()
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._take
        self._client.connect(parts.hostname, parts.port)
        self._client.loop_start()
        self._client.subscribe([("cityvitals/#", 1), ("end", 1)])
        assert self._subscribed.wait(WAIT_S)

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == "end":
            self._ended.set()
            return
        self.messages.append((message.topic, bytes(message.payload)))
        if self._on_count and len(self.messages) == self._on_count[0]:
            self._on_count[1]()

    def everything(self) -> list[tuple[str, bytes]]:
        """Return all messages that the broker had taken before this call."""
        self._client.publish("end", b"", 1)
        assert self._ended.wait(WAIT_S)
        return self.messages


def run(*arguments: str | Path, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m simulators …` as a user does."""
    command = ["python -m simulators", *map(str, arguments)]
    return forks.run("simulators.cli", command, environment(**environ), cwd=cwd or ROOT, timeout_s=120)


def environment(**environ: str) -> dict[str, str]:
    """Return our environment without settings of cityvitals, and with the project importable from any folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CITYVITALS_")}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environ}
