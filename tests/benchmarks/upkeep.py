"""What it costs to keep a large city's indicators up to date: each minute, and when one reading comes late.

The engine runs in this process, on a real store, so that the processor time of its thread can be told from all other;
the broker and the gateway are left out, for `throughput` has them.
"""

from __future__ import annotations

import statistics
import threading
import time
import uuid
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices import Kind, ObservationBatch, Registry, load_registry
from engine.inbox import Stored
from engine.indicators import INDICATORS
from engine.settings import WorkerSettings
from engine.store import Append, Duty, QuarantineRow, Store
from engine.worker import Worker
from tests.benchmarks import cities
from tests.benchmarks.bed import Bed
from tests.benchmarks.table import Row

ZONES: Final = 50
HISTORY_H: Final = 30
"""Hours of which something is read again: a day until its last hours, and the longest look-back before it."""
START_US: Final = 1_700_064_000_000_000
"""16:00, so that the minutes are those from 22:00 on: all figures of the day are known and written again by then."""
MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
SPREAD: Final = 300
"""Ticks between the lowest and the highest reading of a gauge."""
LATE_H: Final = 3
MINUTE_S_MAX: Final = 2.0
LATE_S_MAX: Final = 0.1


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Measure some minutes of a whole city, and some late readings of one air station."""
    registry = load_registry(cities.mixed(bed.folder / "upkeep", zones=ZONES, part=50 if quick else 1))
    minutes, late = (3, 5) if quick else (7, 30)
    with Store.connect(bed.database()) as store:
        for duty in (Duty.APPEND, Duty.FLUSH):
            store.own(0, duty)
        engine = _Engine(store, registry)
        for hour in range(HISTORY_H):
            engine.take(engine.looked_back_to(START_US + hour * HOUR_US))
        now_us = START_US + HISTORY_H * HOUR_US
        spent = [engine.take(engine.every(now_us + minute * MINUTE_US)) for minute in range(minutes)]
        pause = [engine.take(engine.one(now_us - LATE_H * HOUR_US + (n + 1) * MINUTE_US)) for n in range(late)]
    size = f"{len(registry.series()):,} series, {ZONES} zones"
    cpu_s, wall_s = ([each[kind] for each in spent] for kind in (0, 1))
    return [
        Row(
            f"a minute of {size}", statistics.median(cpu_s), "s of one core",
            required=MINUTE_S_MAX, below=True,
            note="a reading of each, after 22:00: windows, indicators and their rows written; median of "
            f"{minutes}, {min(cpu_s):.2f} to {max(cpu_s):.2f}",
        ),
        Row(
            "the same, until it is in the database", statistics.median(wall_s), "s",
            note=f"elapsed, with the database's own work; median of {minutes}, {min(wall_s):.2f} to {max(wall_s):.2f}",
        ),
        Row(
            "a late reading, restated", statistics.median(wall_s for _, wall_s in pause), "s",
            required=LATE_S_MAX, below=True,
            note=f"{LATE_H} hours late: stored reading to committed windows and indices; median of {late}",
        ),
    ]  # fmt: skip


class _Engine:
    """A store with its engine, whose work is measured."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store, self._series = store, registry.series()
        self._now_us = START_US
        registered = store.register(registry, INDICATORS)
        self._worker = Worker(
            store, registry, registered, WorkerSettings(), clock_us=lambda: self._now_us, written=self._note
        )
        self._written_s = 0.0
        self._worker.recover()
        traffic = np.array([device.model == "traffic_segment" for device in registry.devices])
        self._looked_back_to = np.flatnonzero(~traffic[self._series.device])
        self._late_slot = int(np.flatnonzero(self._series.measurand == registry.catalogue.index("no2"))[0])

    def every(self, time_us: int) -> ObservationBatch:
        """Return a reading of every series, no two alike; counters climb."""
        low, high = self._series.low_ticks, self._series.high_ticks
        minute, slot = (time_us - START_US) // MINUTE_US, np.arange(len(self._series))
        counter = self._series.kind == Kind.COUNTER
        ticks = np.where(
            counter, minute * (1 + slot % 3), low + (7 * slot + minute) % (np.minimum(high - low, SPREAD) + 1)
        )
        return ObservationBatch.of(np.arange(len(self._series)), np.full(len(self._series), time_us), ticks)

    def looked_back_to(self, time_us: int) -> ObservationBatch:
        """Return a reading of every series of whose hours figures of a day are made."""
        return self.every(time_us).take(self._looked_back_to)

    def one(self, time_us: int) -> ObservationBatch:
        """Return a reading of one air station."""
        return ObservationBatch.of(np.array([self._late_slot]), np.array([time_us]), np.array([321]))

    def take(self, batch: ObservationBatch) -> tuple[float, float]:
        """Store readings and let the engine write all that follows.

        Returns:
            Its processor time until it has nothing left to do, and how long it took until all that follows was written.
        """
        self._now_us = max(self._now_us, int(batch.time_us.max()))
        mark_us = self._worker.mark_us
        done = self._store.append(Append(uuid.uuid4(), batch, len(batch), (), _no_conflict, mark_us))
        self._worker.inbox.put(Stored(batch, done.commit_id, mark_us, self._now_us))
        stop = threading.Event()
        stop.set()
        began_s, spent_s = time.perf_counter(), time.thread_time()
        self._worker.run(stop)
        return time.thread_time() - spent_s, self._written_s - began_s

    def _note(self, _hours_us: NDArray[np.int64], whole: bool) -> None:
        if whole:
            self._written_s = time.perf_counter()


def _no_conflict(at: int, stands: int) -> QuarantineRow:
    raise AssertionError(f"row {at} met {stands}: the benchmark's readings are all new")
