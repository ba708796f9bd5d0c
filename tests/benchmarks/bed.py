"""The test bed: a stack of its own, a gateway as its user runs it, a publisher beside it.

Starts and stops processes, and asks the database where things stand; draws no conclusions.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

import deploy
from console.children import read_ready
from engine.store import migrate
from tests.benchmarks import cities
from tests.benchmarks.publisher import Plan

TIMEOUT_S = 600.0


class Reader:
    """A connection that only looks."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def row(self, sql: str, *parameters: Any) -> tuple[Any, ...]:
        """Return the first row of a query."""
        found = self._connection.execute(sql, parameters).fetchone()  # type: ignore[arg-type]
        assert found is not None
        return found

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return self._connection.execute(sql, parameters).fetchall()  # type: ignore[arg-type]

    def settled(self) -> bool:
        """Whether windows and indicators reflect every commit."""
        newest, written = self.row(
            "SELECT (SELECT max(commit_id) FROM cityvitals.ledger), (SELECT max(commit_id) FROM cityvitals.checkpoint)"
        )
        return newest is not None and newest == written

    def received(self) -> int:
        """Readings in the ledger."""
        return int(self.row("SELECT coalesce(sum(received), 0) FROM cityvitals.ledger")[0])

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway at work.

    Attributes:
        process: the gateway.
        reader: looks into its database.
        broker_url, database_url: its servers.
        city: folder of its city.
    """

    process: subprocess.Popen[bytes]
    reader: Reader
    broker_url: str
    database_url: str
    city: Path

    def cpu_s(self) -> float:
        """Processor time of the gateway so far."""
        return cpu_s(self.process.pid)

    def memory_mb_peak(self) -> float:
        """Largest resident memory of the gateway so far."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) / 1024


class Bed:
    """One stack, used for all rows of a run."""

    def __init__(self, stack: deploy.Stack, folder: Path) -> None:
        self.stack, self.folder = stack, folder

    def database(self) -> str:
        """Return a fresh, migrated database."""
        url = deploy.create_database(self.stack.database.url, f"bench_{secrets.token_hex(4)}")
        migrate(url)
        return url

    def plan(self, **fields: Any) -> Plan:
        """Return a plan for this bed's broker."""
        parts = urlsplit(self.stack.broker.url)
        return Plan(parts.hostname or "127.0.0.1", parts.port or 1883, cities.CODE, **fields)

    @contextmanager
    def gateway(self, devices: int, interval_s: int, **settings: str) -> Iterator[Running]:
        """Run a gateway of noise monitors on a fresh database until the block ends."""
        city = cities.write(self.folder / secrets.token_hex(4), devices, interval_s)
        with self.gateway_of(city, **settings) as running:
            yield running

    @contextmanager
    def gateway_of(self, city: Path, **settings: str) -> Iterator[Running]:
        """Run a gateway of a city on a fresh database until the block ends."""
        name = secrets.token_hex(4)
        url = self.database()
        log = (self.folder / f"{name}.log").open("wb")
        ready = self.folder / f"{name}.ready"
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CITYVITALS_")},
            "CITYVITALS_DATABASE_URL": url,
            "CITYVITALS_MQTT_URL": self.stack.broker.url,
            "CITYVITALS_MQTT_CLIENT_ID": name,
            "CITYVITALS_WEB_SERVE": "false",
            # Or the broker would go on queueing for the gateways of earlier rows.
            "CITYVITALS_MQTT_SESSION_EXPIRY_S": "1",
            **settings,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "--city", str(city), "run", "--ready-file", str(ready)],
            env=environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        reader = Reader(url)
        try:
            wait(lambda: ready.exists() or process.poll() is not None, "the gateway is ready")
            if process.poll() is not None:
                raise RuntimeError((self.folder / f"{name}.log").read_text()[-3000:])
            yield Running(process, reader, self.stack.broker.url, url, city)
        finally:
            process.terminate()
            try:
                process.wait(120)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()
            reader.close()
            deploy.drop_database(self.stack.database.url, urlsplit(url).path.lstrip("/"))

    @contextmanager
    def console(self, city: Path, database_url: str) -> Iterator[tuple[str, int]]:
        """Run a console on a database until the block ends; gives its address and its process."""
        ready = self.folder / f"console-{secrets.token_hex(4)}.ready"
        process = subprocess.Popen(
            [sys.executable, "-m", "console", "--city", str(city), "serve", "--ready-file", str(ready)],
            env={**os.environ, "CITYVITALS_DATABASE_URL": database_url},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            facts: dict[str, Any] = {}
            wait(
                lambda: bool(facts.update(read_ready(ready) or {}) or facts) or process.poll() is not None,
                "it is ready",
            )
            if process.poll() is not None:
                raise RuntimeError("the console ended; start it by hand to see why")
            yield str(facts["console"]).rstrip("/"), process.pid
        finally:
            process.terminate()
            process.wait()


def publish(plan: Plan) -> subprocess.Popen[str]:
    """Start a publisher; its output is one JSON object."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.publisher", json.dumps(asdict(plan))],
        stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def published(publisher: subprocess.Popen[str]) -> float:
    """Wait for a publisher's end; returns the seconds from its first byte to the last acknowledgement."""
    output, _ = publisher.communicate(timeout=TIMEOUT_S)
    if publisher.returncode:
        raise RuntimeError("the publisher failed; see above")
    return float(json.loads(output)["seconds"])


def cpu_s(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds.

    Raises:
        TimeoutError: it never did.
    """
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {TIMEOUT_S:.0f} s in vain until {what}")
        time.sleep(0.02)
