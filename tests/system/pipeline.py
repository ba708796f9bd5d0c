"""A gateway as its user runs it, and what a test wants to know of it: drained or not, and every table's rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from devices import TIME_MAX_US
from engine.store import Store
from simulators import bench
from simulators.bench.pipeline import LEDGER
from simulators.bench.waiting import POLL_S
from simulators.cities import bundled
from tests import forks
from tests.forks import Fork, Streams

ROOT = Path(__file__).resolve().parents[2]
BEIJING, DEMO = (bundled()[name] for name in ("beijing", "demo"))
DERIVED = ("observation", "bucket_minute", "window_hour", "window_day", "counter_event", "indicator_value")
"""Canonical tables that two runs over the same observations must agree on, whatever happened on the way."""
_NOT_THERE = (psycopg.errors.UndefinedTable, psycopg.OperationalError)

Tables = dict[str, list[str]]
"""Every derived table as lines of text, in the order of its key."""


def tables_of(database_url: str, to_us: int = TIME_MAX_US) -> Tables:
    """Every derived table's figures in a database, of all that begins before a time."""
    with Store.connect(database_url) as store, store.one_moment():
        return {name: b"".join(store.table_lines(name, to_us=to_us)).decode().splitlines() for name in DERIVED}


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


class Pipeline(bench.Pipeline):
    """A gateway whose tables a test reads by SQL: a look costs little, and sees more than the command shows."""

    poll_s = POLL_S
    process: Fork | None
    _kept: psycopg.Connection[Any] | None = None

    def start(self) -> None:
        """Start the gateway; returns at once. Should this process end without `stop`, the gateway is killed."""
        self._ready.unlink(missing_ok=True)
        command = ["cityvitals", "--city", str(self.city), "run", "--migrate", "--ready-file", str(self._ready)]
        self.process = Fork("console.cli", command, self.environment, Streams(stdout=self.log, stderr=self.log))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run any command of `cityvitals` on the same servers to its end."""
        return forks.run("console.cli", ["cityvitals", "--city", str(self.city), *arguments], self.environment)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._let_go()
        super().__exit__(kind, error, trace)

    # ---- what is stored --------------------------------------------------------------------------------------

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of one query. While the gateway runs the connection is kept: a wait asks many times a second."""
        if not self.running:
            self._let_go()
            with self._connect() as connection:
                return connection.execute(sql, parameters or None).fetchall()
        if self._kept is not None:
            try:
                return self._kept.execute(sql, parameters or None).fetchall()
            except psycopg.OperationalError:
                self._let_go()  # its server was killed meanwhile; a new one may be there
        self._kept = self._connect()
        return self._kept.execute(sql, parameters or None).fetchall()

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database_url, autocommit=True, options="-c timezone=UTC")

    def _let_go(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def tables(self) -> Tables:
        """Every derived table's figures."""
        return tables_of(self.database_url)

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

    def reached(self, readings: int, *, counted: str = "received") -> bool:
        """Whether so many readings are accounted for and everything derived from them is written."""
        return self.ledger()[counted] >= readings and self.settled()

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
