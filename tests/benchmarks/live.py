"""What 200 open pages cost: the console's processor time at the demo's pace, and ingestion with and without them.

The console runs as its user runs it, in a process of its own. The clients are real sockets in a thread of this process.
All but one only take the bytes: 200 readers of JSON on the machine that is measured would measure themselves.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from devices import time_us_from_rfc3339
from tests.benchmarks.bed import Bed, cpu_s, wait
from tests.benchmarks.table import Row, quantile
from tests.benchmarks.throughput import DEVICES, taken
from tests.console.web.listeners import Listener
from tests.system.pipeline import DEMO

CLIENTS = 200
SPEED = "1800"
"""Recorded seconds per second: as `cityvitals demo` replays."""
SHARE_MIN = 0.9
"""What ingestion with clients must reach of that without; less lies beyond what two runs differ by."""


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Measure the demo's pace first, then ingestion as fast as it goes."""
    cores, told_s = _demo(bed, "6h" if quick else "48h")
    messages = 20_000 if quick else 200_000
    # Each kind first and last once, so that a machine that gets slower counts for neither.
    order = (0, CLIENTS) if quick else (0, CLIENTS, CLIENTS, 0, 0, CLIENTS)
    rates: dict[int, list[float]] = {0: [], CLIENTS: []}
    for clients in order:
        rates[clients].append(_ingestion(bed, clients, messages))
    without, beside = statistics.median(rates[0]), statistics.median(rates[CLIENTS])
    pace = f"demo city at {SPEED} times its speed, {CLIENTS} clients on sockets"
    note = f"{messages:,} single readings, the console beside the gateway in both; median of {len(rates[0])}"
    return [
        Row(f"console, {CLIENTS} live clients", cores, "cores", required=1.0, below=True, note=pace),
        Row("computed to a live client, median", quantile(told_s, 0.5), "s", note=pace),
        Row("computed to a live client, p99", quantile(told_s, 0.99), "s", required=2.0, below=True, note=pace),
        Row(
            f"gateway, {CLIENTS} live clients",
            beside,
            "messages/s",
            without,
            "without them",
            SHARE_MIN * without,
            note=note,
        ),
    ]


@dataclass
class _Timed(Listener):
    """A listener that keeps how old each figure of an open window was when it came."""

    ages_s: list[float] = field(default_factory=list)
    computed: dict[str, str] = field(default_factory=dict)

    def _take(self, block: str) -> None:
        self.told.clear()
        super()._take(block)
        now_s = time.time()
        for item in self.told:
            key, computed = f"{item['scope']}/{item['indicator']}/{item['start']}", str(item["computed"])
            # A window that only closes keeps the time at which its figure was computed.
            if self.events[-1] == "values" and not item["closed"] and self.computed.get(key) != computed:
                self.ages_s.append(now_s - time_us_from_rfc3339(computed) / 1e6)
            self.computed[key] = computed


class _Drain:
    """Clients that take bytes and look at none."""

    def __init__(self, url: str, clients: int) -> None:
        where = urlsplit(url)
        asked = f"GET /api/v1/live HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode()
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        self.heard: set[int] = set()
        for _ in range(clients):
            one = socket.create_connection((where.hostname, where.port))
            one.sendall(asked)
            self._selector.register(one, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        room = bytearray(1 << 18)
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.1):
                if not key.fileobj.recv_into(room):  # type: ignore[union-attr]
                    self._selector.unregister(key.fileobj)
                self.heard.add(key.fd)

    def close(self) -> None:
        """Hang up."""
        self._stop.set()
        self._thread.join()
        if len(self._selector.get_map()) != len(self.heard):
            raise RuntimeError("the console let clients go")
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()


def _demo(bed: Bed, last: str) -> tuple[float, list[float]]:
    """Return how many cores the console takes, and how old figures are when a client has them."""
    with (
        bed.gateway_of(DEMO) as running,
        bed.console(running.city, running.database_url) as (url, pid),
        _draining(url, CLIENTS - 1),
        _timed(url) as timed,
    ):
        began_s, before_s = time.monotonic(), cpu_s(pid)
        subprocess.run(
            [
                sys.executable, "-m", "simulators", "replay", str(DEMO), "--broker", running.broker_url,
                "--last", last, "--shift-to-now", "--speed", SPEED,
            ],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        cores = (cpu_s(pid) - before_s) / (time.monotonic() - began_s)
    return cores, timed.ages_s


def _ingestion(bed: Bed, clients: int, messages: int) -> float:
    """Return messages a second that the gateway takes while so many listen."""
    with (
        bed.gateway(DEVICES, 1) as running,
        bed.console(running.city, running.database_url) as (url, _),
        _draining(url, clients),
    ):
        return taken(bed, running, messages, 1)[0]


@contextmanager
def _draining(url: str, clients: int) -> Iterator[None]:
    """Let so many clients listen until the block ends."""
    with closing(_Drain(url, clients)) as drain:
        wait(lambda: len(drain.heard) == clients, "all clients were told something")
        yield


@contextmanager
def _timed(url: str) -> Iterator[_Timed]:
    """Let one client listen and look at the clock until the block ends."""
    timed = _Timed(url)
    thread = threading.Thread(target=asyncio.run, args=(timed.run(),), daemon=True)
    thread.start()
    wait(lambda: timed.state is not None, "it was told something")
    try:
        yield timed
    finally:
        timed.hang_up()
        thread.join()
