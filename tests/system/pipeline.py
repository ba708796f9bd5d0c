"""A gateway run as its user runs it, and what a test wants to know of it: drained or not, and every table's rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

DERIVED = {
    # What two runs over the same observations must agree on, whatever happened on the way: every figure, not the
    # bookkeeping of when and how often it was written.
    "observation": "SELECT series_id, time, ticks, flags FROM cityvitals.observation ORDER BY 1, 2",
    "bucket_minute": "SELECT series_id, start, count, low, high, sum_0, sum_1, sum_2, sum_3"
    " FROM cityvitals.bucket_minute ORDER BY 1, 2",
    "window_hour": "SELECT series_id, start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected"
    " FROM cityvitals.window_hour ORDER BY 1, 2",
    "window_day": "SELECT series_id, start, count, low, high, sum_0, sum_1, sum_2, sum_3, expected"
    " FROM cityvitals.window_day ORDER BY 1, 2",
    "indicator_value": "SELECT indicator_id, scope_id, start, ticks, band, driver, received, expected"
    " FROM cityvitals.indicator_value ORDER BY 1, 2, 3",
}


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Poll until the condition holds; raise AssertionError naming what was waited for when it never does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain for: {what}")
        time.sleep(0.05)


class Pipeline:
    """One gateway process between a broker and a database. Use as a context manager: it is always stopped."""

    def __init__(self, city: Path, mqtt_url: str, database_url: str, directory: Path, **settings: str) -> None:
        self.city = city
        self.database_url = database_url
        self.log = directory / "gateway.log"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CITYVITALS_")},
            "CITYVITALS_DATABASE_URL": database_url,
            "CITYVITALS_MQTT_URL": mqtt_url,
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Pipeline:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is not None:
            sys.stderr.write(self.log.read_text()[-6000:])

    def start(self) -> None:
        """Start the gateway; returns at once."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "console.cli", "--city", str(self.city), "run"],
                env=self.environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def kill(self) -> None:
        """`kill -9`: no farewell, no flush."""
        assert self.process is not None
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

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of one query on a connection of its own."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(sql, parameters).fetchall()  # type: ignore[arg-type]

    def observations(self) -> int:
        """How many observations are stored; 0 while there is no schema yet."""
        try:
            return int(self.query("SELECT count(*) FROM cityvitals.observation")[0][0])
        except (psycopg.errors.UndefinedTable, psycopg.OperationalError):
            return 0

    def settled(self) -> bool:
        """Whether windows and indicators reflect every commit in the ledger."""
        try:
            row = self.query(
                "SELECT (SELECT max(commit_id) FROM cityvitals.ledger), (SELECT max(commit_id) FROM cityvitals.checkpoint)"
            )[0]
        except (psycopg.errors.UndefinedTable, psycopg.OperationalError):
            return False
        return row[0] is not None and row[1] is not None and row[1] >= row[0]

    def drained(self, observations: int, timeout_s: float = 120) -> None:
        """Wait until so many observations are stored and everything derived from them is written."""
        wait_until(
            lambda: self.alive() and self.observations() >= observations and self.settled(),
            timeout_s,
            f"{observations} observations stored and settled (now {self.observations()})",
        )

    def alive(self) -> bool:
        """True; raises AssertionError with the log's end when the gateway died by itself."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"the gateway ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
        return True

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every derived table's figures."""
        return {name: self.query(sql) for name, sql in DERIVED.items()}

    def ledger(self) -> dict[str, int]:
        """The ledger's totals."""
        row = self.query(
            "SELECT sum(messages), sum(received), sum(accepted), sum(duplicate), sum(quarantined) FROM cityvitals.ledger"
        )[0]
        return dict(zip(("messages", "received", "accepted", "duplicate", "quarantined"), map(int, row), strict=True))
