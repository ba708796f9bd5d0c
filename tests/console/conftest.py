"""A gateway with real data behind the console's tests: run once, read by many."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from console.children import read_ready
from console.paths import demo_city
from simulators.bench import fresh_broker
from simulators.bench.pipeline import LEASH
from tests.console.command import ROOT, Done, cityvitals, environment
from tests.databases import Databases

CITY = demo_city()
BAD = (
    ("cityvitals/demo/street-noise/telemetry", b"\x1b[2J\x07 not json"),
    ("cityvitals/demo/street-noise/telemetry", b'[{"n":"sound_level","u":"dB","v":1e6,"t":1700000000}]'),
    ("cityvitals/demo/nobody/telemetry", b"[]"),
)
"""Messages that must end in quarantine, one reading each."""


@dataclass(frozen=True)
class Service:
    """A running `cityvitals run`."""

    process: subprocess.Popen[str]
    environ: dict[str, str]
    metrics_url: str

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Done:
        """Run a command of the console against the same servers."""
        return cityvitals("--city", str(CITY), *arguments, stdin=stdin, **self.environ)


def start(environ: dict[str, str], folder: Path, *more: str) -> Service:
    """Start `cityvitals run` and wait until it is ready."""
    ready = folder / "ready.json"
    process = subprocess.Popen(
        [*LEASH, str(os.getpid()), "console", "--city", str(CITY), "run", "--ready-file", str(ready), *more],
        cwd=ROOT,
        env=environment(**environ),
        stderr=subprocess.PIPE,
        text=True,
    )
    while (facts := read_ready(ready)) is None:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.02)
    return Service(process, environ, str(facts["metrics"]))


def stop(service: Service) -> tuple[int, str]:
    """End it as an operator would, and return its exit code and what it said."""
    service.process.terminate()
    _, said = service.process.communicate(timeout=120)
    return service.process.returncode, said


def publish(url: str, messages: tuple[tuple[str, bytes], ...]) -> None:
    """Send messages at QoS 1 and wait for the broker's word."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    host, port = url.split("//")[1].split(":")
    client.connect(host, int(port))
    client.loop_start()
    for topic, payload in messages:
        client.publish(topic, payload, qos=1).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


@pytest.fixture(scope="session")
def servers(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The run's database server with a database of ours, and a broker of our own."""
    with fresh_broker(tmp_path_factory.mktemp("console-broker")) as broker, databases.empty() as url:
        yield {"CITYVITALS_DATABASE_URL": url, "CITYVITALS_MQTT_URL": broker.url}


@pytest.fixture(scope="session")
def service(servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A gateway that has taken six hours of the demo city and some bad messages, and still runs."""
    pace = {**servers, "CITYVITALS_ENGINE_KPI_S": "0.5"}
    running = start(pace, tmp_path_factory.mktemp("console-service"), "--migrate")
    replayed = subprocess.run(
        [
            sys.executable, "-m", "simulators", "replay", str(CITY), "--broker", servers["CITYVITALS_MQTT_URL"],
            "--last", "6h", "--shift-to-now", "--json",
        ],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    publish(servers["CITYVITALS_MQTT_URL"], BAD)
    published = int(replayed.stdout.split('"readings": ')[1].split(",")[0]) + len(BAD)
    while running("ledger", "--json").rows[0]["received"] < published:
        assert running.process.poll() is None
    settled(running)
    yield running
    code, said = stop(running)
    assert code == 0, said


@pytest.fixture(scope="session")
def other_city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo city under another code."""
    folder = tmp_path_factory.mktemp("cities") / "elsewhere"
    assert CITY is not None
    shutil.copytree(CITY, folder)
    city = folder / "city.toml"
    city.write_text(re.sub(r'(?m)^code = "demo"', 'code = "elsewhere"', city.read_text(), count=1))
    return folder


def settled(service: Service) -> list[dict[str, Any]]:
    """The account with its devices, once the engine has counted what was committed."""
    while True:
        rows = service("ledger", "--devices", "--json").rows
        if rows[0]["in_windows"] == rows[0]["accepted"]:
            return rows
        assert service.process.poll() is None
