"""A gateway run as its user runs it, and what a test wants to know of it: drained or not, and every table's rows."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

import deploy
from console.children import read_ready
from engine.store import Store
from simulators.cities import bundled

ROOT = Path(__file__).resolve().parents[2]
BEIJING, DEMO = (bundled()[name] for name in ("beijing", "demo"))
POLL_S = 0.03
READY_S_MAX = 60.0
BRISK = {
    # Several rounds of the engine within the few seconds of a test: a crash between two of them is what we look for.
    "CITYVITALS_ENGINE_CYCLE_S": "0.1",
    "CITYVITALS_ENGINE_SETTLE_S": "0.5",
    "CITYVITALS_MQTT_RECONNECT_DELAY_S_MAX": "0.5",
    "CITYVITALS_RESULTS_PUBLISH": "false",
}

DERIVED = ("observation", "bucket_minute", "window_hour", "window_day", "counter_event", "indicator_value")
"""Canonical tables that two runs over the same observations must agree on, whatever happened on the way."""
LEDGER = ("messages", "received", "accepted", "duplicate", "quarantined")
_NOT_THERE = (psycopg.errors.UndefinedTable, psycopg.OperationalError)

Tables = dict[str, list[str]]
"""Every derived table as lines of text, in the order of its key."""


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str | Callable[[], str]) -> None:
    """Poll until the condition holds; raise AssertionError naming what was waited for when it never does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain for: {what if isinstance(what, str) else what()}")
        time.sleep(POLL_S)


@contextmanager
def fresh_broker(directory: Path) -> Iterator[deploy.Broker]:
    """A broker without sessions, stopped at the end."""
    directory.mkdir(parents=True, exist_ok=True)
    broker = deploy.Broker(directory, die_with_parent=True)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def fresh_database(server: deploy.Database) -> Iterator[str]:
    """An empty database, dropped at the end."""
    name = f"test_{secrets.token_hex(6)}"
    yield deploy.create_database(server.url, name)
    deploy.drop_database(server.url, name)


class Replay:
    """`python -m simulators replay` in a process of its own.

    Args:
        source: city to replay.
        mqtt_url: where to publish.
        options: further options of the command.
    """

    def __init__(self, source: Path, mqtt_url: str, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulators", "replay", str(source), "--broker", mqtt_url, "--json", *options],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    @property
    def going_on(self) -> bool:
        """Whether messages are still being published."""
        return self.process.poll() is None

    def done(self, timeout_s: float = 120) -> dict[str, Any]:
        """Wait until the broker has acknowledged every message; return the command's own count of them."""
        out, err = self.process.communicate(timeout=timeout_s)
        assert self.process.returncode == 0, err[-2000:]
        summary: dict[str, Any] = json.loads(out)
        return summary

    def end(self) -> None:
        """End it where a test failed before its end."""
        if self.going_on:
            self.process.kill()
        self.process.communicate()


class Pipeline:
    """One gateway process between a broker and a database. Use as a context manager: it is always stopped.

    Args:
        city: folder of the city.
        mqtt_url, database_url: the servers.
        directory: for its log; made when it is not there.
        settings: `CITYVITALS_*` variables beside `BRISK`.
    """

    def __init__(self, city: Path, mqtt_url: str, database_url: str, directory: Path, **settings: str) -> None:
        self.city = city
        self.database_url = database_url
        directory.mkdir(parents=True, exist_ok=True)
        self.log = directory / "gateway.log"
        self._ready = directory / "ready.json"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CITYVITALS_")},
            "CITYVITALS_DATABASE_URL": database_url,
            "CITYVITALS_MQTT_URL": mqtt_url,
            **BRISK,
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Pipeline:
        self.start()
        self.ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is not None:
            sys.stderr.write(self.said()[-6000:])

    # ---- its life --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the gateway; returns at once."""
        self._ready.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "console", "--city", str(self.city), "run", "--migrate",
                    "--ready-file", str(self._ready),
                ],
                cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def ready(self) -> str:
        """Wait until it is subscribed and warm; return the address of its metrics page."""
        wait_until(lambda: self.alive() and read_ready(self._ready) is not None, READY_S_MAX, "the gateway to be ready")
        facts = read_ready(self._ready)
        assert facts is not None
        return str(facts["metrics"])

    def kill(self) -> None:
        """`kill -9`: no farewell, no flush."""
        assert self.process is not None
        assert self.process.poll() is None, "it was to be killed while it ran"
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def stop(self) -> int | None:
        """Ask it to end as an operator would; returns its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=30)
        return self.process.returncode

    def alive(self) -> bool:
        """True; raises AssertionError with the log's end when the gateway died by itself."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the gateway ended with {self.process.returncode}:\n{self.said()[-4000:]}")
        return True

    def said(self) -> str:
        """Everything it logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def command(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a reading command of `cityvitals` on the same servers; return its objects."""
        done = subprocess.run(
            [sys.executable, "-m", "console", "--city", str(self.city), *arguments, "--json"],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    # ---- what is stored --------------------------------------------------------------------------------------

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of one query on a connection of its own."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute("SET timezone TO 'UTC'")
            return connection.execute(sql, parameters or None).fetchall()

    def tables(self) -> Tables:
        """Every derived table's figures."""
        with Store.connect(self.database_url) as store, store.one_moment():
            return {name: b"".join(store.table_lines(name)).decode().splitlines() for name in DERIVED}

    def ledger(self) -> dict[str, int]:
        """The ledger's totals; zeros while there is no commit."""
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in LEDGER)
        try:
            (row,) = self.query(f"SELECT {sums} FROM cityvitals.ledger")
        except _NOT_THERE:
            return dict.fromkeys(LEDGER, 0)
        return dict(zip(LEDGER, map(int, row), strict=True))

    def settled(self) -> bool:
        """Whether windows and indicators reflect every commit in the ledger."""
        try:
            ((committed, written, pending),) = self.query(
                "SELECT (SELECT max(commit_id) FROM cityvitals.ledger),"
                " (SELECT max(commit_id) FROM cityvitals.checkpoint),"
                " (SELECT count(*) FROM cityvitals.pending_restatement)"
            )
        except _NOT_THERE:
            return False
        return committed is not None and written is not None and written >= committed and not pending

    def drained(self, readings: int, timeout_s: float = 120) -> None:
        """Wait until so many readings are accounted for and everything derived from them is written."""
        wait_until(
            lambda: self.alive() and self.ledger()["received"] >= readings and self.settled(),
            timeout_s,
            lambda: f"{readings} readings accounted for and settled; the ledger says {self.ledger()}",
        )

    def balanced(self) -> dict[str, int]:
        """The ledger's totals, after seeing that they balance and that each is what the tables hold."""
        ledger = self.ledger()
        assert ledger["received"] == ledger["accepted"] + ledger["duplicate"] + ledger["quarantined"]
        ((observations, quarantined),) = self.query(
            "SELECT (SELECT count(*) FROM cityvitals.observation),"
            " (SELECT coalesce(sum(readings), 0) FROM cityvitals.quarantine)"
        )
        assert (ledger["accepted"], ledger["quarantined"]) == (observations, quarantined)
        return ledger


def assert_same(found: Tables, wanted: Tables) -> None:
    """Compare every table; a difference is shown by its first lines."""
    for name, lines in wanted.items():
        if found[name] == lines:
            continue
        missing = sorted(set(lines) - set(found[name]))
        extra = sorted(set(found[name]) - set(lines))
        shown = "\n".join(
            [*(f"  missing {line}" for line in missing[:8]), *(f"  extra   {line}" for line in extra[:8])]
        )
        raise AssertionError(
            f"{name}: {len(found[name])} rows instead of {len(lines)}; {len(missing)} missing,"
            f" {len(extra)} extra:\n{shown}"
        )
