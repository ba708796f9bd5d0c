"""Whether memory stays flat: thirty million observations through one gateway, days of its devices' time.

A part of the work is sent at a time, each with the readings that follow the part before, so that windows close and
leave memory all along. Meanwhile the resident memory of the gateway, and what the servers' processes hold for
themselves, is looked at again and again. The largest of the last part of the warming up is the measure for all parts
after it: what grows with the observations, however slowly, shows in their maximum.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.bed import TIMEOUT_S, Bed, Running, publish, published
from tests.benchmarks.publisher import Plan
from tests.benchmarks.table import Row

DEVICES = 250
PACK = 50
STEP_S = 10
BEGIN_S = 1_704_067_200
"""2024-01-01T00:00:00Z: a leap year's first month, so that nothing is of the future."""
WARM_PARTS = 3
GROWTH_MAX = 1.1
LOOK_S = 0.1
MEGA = 1_000_000


@dataclass(frozen=True, slots=True)
class _Memory:
    """Megabytes: of the gateway, and of the database's processes and the broker without what they share."""

    gateway: float
    database: float
    broker: float


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Measure over thirty parts of a million observations; quick ones are a hundredth of that."""
    parts, size = 30, 10_000 if quick else MEGA
    messages = size // PACK
    peaks: list[_Memory] = []
    with bed.gateway(DEVICES, STEP_S) as running:
        began = time.monotonic()
        for part in range(parts):
            begin_s = BEGIN_S + part * messages // DEVICES * PACK * STEP_S
            plan = bed.plan(devices=DEVICES, messages=messages, pack=PACK, step_s=STEP_S, begin_s=begin_s)
            peaks.append(_peak(bed, running, plan, (part + 1) * size))
            _say(f"{(part + 1) * size:,} observations: gateway {peaks[-1].gateway:.0f} MB")
        seconds = time.monotonic() - began
    days = parts * messages // DEVICES * PACK * STEP_S / 86_400
    note = (
        f"{parts * size:,} observations, {days:.1f} days of {DEVICES} devices, packs of {PACK}, in {seconds:.0f} s;"
        f" largest of each {size:,}, after {WARM_PARTS * size:,} to the end"
    )
    return [_row(name, [getattr(peak, name) for peak in peaks], note) for name in ("gateway", "database", "broker")]


def _row(name: str, peaks: list[float], note: str) -> Row:
    warm, later = peaks[WARM_PARTS - 1], peaks[WARM_PARTS:]
    ours = name == "gateway"
    return Row(
        f"memory over time, {name}", max(later), "MB", warm, "when warm",
        required=GROWTH_MAX * warm if ours else None, below=True, note=f"{note}; the last {later[-1]:.0f} MB",
    )  # fmt: skip


def _peak(bed: Bed, running: Running, plan: Plan, total: int) -> _Memory:
    """Send one part and return the largest seen until it is stored and computed."""
    seen: list[_Memory] = []
    publisher = publish(plan)
    _until(lambda: publisher.poll() is not None, bed, running, seen)
    published(publisher)
    _until(lambda: running.reader.received() >= total and running.reader.settled(), bed, running, seen)
    return _Memory(*(max(getattr(one, name) for one in seen) for name in _Memory.__dataclass_fields__))


def _until(condition: Callable[[], bool], bed: Bed, running: Running, seen: list[_Memory]) -> None:
    """Look at the memory until the condition holds.

    Raises:
        TimeoutError: it never did.
        RuntimeError: the gateway has ended.
    """
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        done = condition()
        if running.process.poll() is not None:
            raise RuntimeError("the gateway ended while its memory was watched")
        seen.append(_look(bed, running.process))
        if done:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {TIMEOUT_S:.0f} s in vain for a part of the observations")
        time.sleep(LOOK_S)


def _look(bed: Bed, gateway: subprocess.Popen[bytes]) -> _Memory:
    servers = (bed.stack.database, bed.stack.broker)
    own = (sum(_kilobytes(server.pids(), "RssAnon")) / 1024 for server in servers)
    return _Memory(sum(_kilobytes([gateway.pid], "VmRSS")) / 1024, *own)


def _kilobytes(pids: Iterable[int], field: str) -> Iterable[int]:
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # a backend that has ended meanwhile
        found = re.search(rf"{field}:\s+(\d+) kB", text)
        yield int(found[1]) if found else 0


def _say(text: str) -> None:
    sys.stderr.write(f"  {text}\n")
