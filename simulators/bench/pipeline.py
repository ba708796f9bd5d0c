"""A gateway run as its user runs it, `cityvitals run` in a process of its own, and what it says of itself.

Knows the command line, the ready file, signals and the metrics page; must not look into the database by itself: tables
and ledgers come from the `cityvitals` command, as they would for anybody else.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulators.bench.errors import BenchError
from simulators.bench.waiting import wait_until

READY_S_MAX = 120.0
STOP_S_MAX = 60.0
COMMAND_S_MAX = 300.0
DRAIN_S_MAX = 120.0
LEDGER_POLL_S = 0.3
"""The ledger is asked by a command, which takes its time to start."""
LEDGER = ("messages", "received", "accepted", "duplicate", "quarantined")
LOG_SHOWN_CHARS = 6000
BRISK: Mapping[str, str] = {
    # Several rounds of the engine within the few seconds of a test: a crash between two of them is what we look for.
    "CITYVITALS_ENGINE_CYCLE_S": "0.1",
    "CITYVITALS_ENGINE_SETTLE_S": "0.5",
    "CITYVITALS_MQTT_RECONNECT_DELAY_S_MAX": "0.5",
    "CITYVITALS_RESULTS_PUBLISH": "false",
    "CITYVITALS_WEB_SERVE": "false",
    # Recordings of several years side by side: old minutes would be let go at each start, and two runs that started at
    # other moments would differ by them.
    "CITYVITALS_ENGINE_MINUTE_DAYS": "0",
}
CITYVITALS = (sys.executable, "-P", "-m", "console")
"""The command of this very installation; -P: a folder `console` where a test happens to run is not meant."""
LEASH = (sys.executable, "-P", "-m", "console.leash")
"""Before a process id and the command, which ends with that process: a gateway would wait for its servers for ever."""
WRITTEN = "cityvitals_engine_commit_written"
_SAMPLE = re.compile(r"^(cityvitals_\w+) ([0-9.e+-]+|NaN)$", re.MULTILINE)


class Pipeline:
    """One gateway process between a broker and a database. Use as a context manager: it is always stopped.

    Args:
        city: folder of the city.
        mqtt_url, database_url: the servers, as the gateway reaches them.
        directory: for its log; made when it is not there.
        settings: `CITYVITALS_*` variables beside `BRISK`.

    Attributes:
        environment: of the gateway and of every command.
        log: the file with everything it said.
        process: the gateway, None before the first start.
        poll_s: pause between two looks at the ledger.
    """

    poll_s = LEDGER_POLL_S

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
        self._totals: dict[str, int] = {}
        self._totals_as_of: float | None = None
        """The written commit that `_totals` belong to: the ledger had none beyond it."""

    def __enter__(self) -> Self:
        self.start()
        self.ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is not None:
            sys.stderr.write(self.said()[-LOG_SHOWN_CHARS:])

    # ---- its life --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the gateway; returns at once. Should this thread end without `stop`, the gateway is killed."""
        self._ready.unlink(missing_ok=True)
        leashed = [*LEASH, str(os.getpid()), "console", "--city", str(self.city)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  (our own program, arguments as a list)
                [*leashed, "run", "--migrate", "--ready-file", str(self._ready)],
                env=self.environment, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def ready(self) -> str:
        """Wait until it is subscribed and warm; return the address of its metrics page."""
        wait_until(lambda: self.alive() and self._facts() is not None, READY_S_MAX, "the gateway to be ready")
        return str((self._facts() or {})["metrics"])

    def _facts(self) -> dict[str, Any] | None:
        """What the running gateway said when it was ready; None while it is not."""
        try:
            facts: dict[str, Any] = json.loads(self._ready.read_text())
        except (OSError, ValueError):
            return None
        return facts if self.process is not None and facts.get("pid") == self.process.pid else None

    def kill(self) -> None:
        """`kill -9`: no farewell, no flush."""
        process = self._running()
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=STOP_S_MAX)

    def pause(self) -> None:
        """`kill -STOP`: it is there and does nothing, until `resume`."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """`kill -CONT`."""
        self._running().send_signal(signal.SIGCONT)

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            raise BenchError(f"the gateway does not run:\n{self.said()[-LOG_SHOWN_CHARS:]}")
        return self.process

    def stop(self) -> int | None:
        """Ask it to end as an operator would; returns its exit code, None when it was never started."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=STOP_S_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=STOP_S_MAX)
        return self.process.returncode

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def alive(self) -> bool:
        """True; raises BenchError with the log's end when the gateway died by itself."""
        if not self.running:
            code = None if self.process is None else self.process.returncode
            raise BenchError(f"the gateway ended with {code}:\n{self.said()[-LOG_SHOWN_CHARS:]}")
        return True

    # ---- what it says ----------------------------------------------------------------------------------------

    def said(self) -> str:
        """Everything it logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def metrics(self) -> dict[str, float]:
        """The metrics without labels of the running process, by name; empty when the page does not answer."""
        facts = self._facts()
        if facts is None:
            return {}
        try:
            with urllib.request.urlopen(str(facts["metrics"]), timeout=5) as page:  # noqa: S310  (our own page)
                text = page.read().decode()
        except OSError:
            return {}
        return {name: float(value) for name, value in _SAMPLE.findall(text)}

    def command(self, *arguments: str, may_differ: bool = False) -> list[dict[str, Any]]:
        """Run a reading command of `cityvitals` on the same servers; return its objects.

        Args:
            arguments: of the command, without `--json`.
            may_differ: also exit code 1 with an answer is one: a comparison that found differences.

        Raises:
            BenchError: it failed; with what it said.
        """
        done = self.run(*arguments, "--json")
        if done.returncode and not (may_differ and done.returncode == 1 and done.stdout):
            raise BenchError(f"`cityvitals {' '.join(arguments)}` ended with {done.returncode}:\n{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run any command of `cityvitals` on the same servers to its end."""
        return subprocess.run(  # noqa: S603  (our own program, arguments as a list)
            [*CITYVITALS, "--city", str(self.city), *arguments],
            env=self.environment, capture_output=True, text=True, timeout=COMMAND_S_MAX, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    # ---- where it stands -------------------------------------------------------------------------------------

    def ledger(self) -> dict[str, int]:
        """The ledger's totals: messages, received, accepted, duplicate, quarantined."""
        return self._ledger()[0]

    def _ledger(self) -> tuple[dict[str, int], int]:
        """The ledger's totals, and the number of the newest commit."""
        total, *commits = self.command("ledger", "--commits", "1")
        return {name: int(total[name]) for name in LEDGER}, max((int(c["commit"]) for c in commits), default=0)

    def calm(self) -> bool:
        """Whether the running process has nothing under way: all it took is stored, acknowledged and computed."""
        now = self.metrics()
        return (
            now.get("cityvitals_mqtt_connected") == 1
            and now["cityvitals_mqtt_unacknowledged_messages"] == 0
            and now["cityvitals_engine_waiting_observations"] == 0
            and now["cityvitals_engine_commit_applied"] == now[WRITTEN]
        )

    def reached(self, readings: int, *, counted: str = "received") -> bool:
        """Whether so many readings are accounted for and everything derived from them is written.

        Args:
            readings: how many.
            counted: which total of the ledger is meant.
        """
        if not self.calm():
            return False
        written = self.metrics().get(WRITTEN)
        if written is None:
            return False
        if written != self._totals_as_of:
            # Asking starts a program, so it is done only where something was written since the last answer.
            totals, newest = self._ledger()
            if newest > written:
                return False
            self._totals, self._totals_as_of = totals, written
        return self._totals[counted] >= readings

    def drained(self, readings: int, timeout_s: float = DRAIN_S_MAX) -> None:
        """Wait until so many readings are accounted for and everything derived from them is written."""
        wait_until(
            lambda: self.alive() and self.reached(readings),
            timeout_s,
            lambda: f"{readings} readings accounted for and settled; the ledger says {self.ledger()}",
            poll_s=self.poll_s,
        )

    def balanced(self) -> dict[str, int]:
        """The ledger's totals, after seeing that they balance."""
        ledger = self.ledger()
        if ledger["received"] != ledger["accepted"] + ledger["duplicate"] + ledger["quarantined"]:
            raise BenchError(f"the ledger does not balance: {ledger}")
        return ledger
