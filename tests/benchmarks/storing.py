"""Observations a second into the store, beside a bare binary COPY of the same rows into the same table."""

from __future__ import annotations

import statistics
import time
import uuid

import numpy as np
import psycopg

from devices import ObservationBatch, Registry, load_registry
from engine.store import Append, Duty, QuarantineRow, Store
from tests.benchmarks import cities
from tests.benchmarks.bed import Bed
from tests.benchmarks.table import Row

SERIES = 2_000
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
EPOCH_US = 946_684_800_000_000
_ROW = np.dtype(
    [
        ("fields", ">i2"), ("l0", ">i4"), ("time", ">i8"), ("l1", ">i4"), ("ticks", ">i8"), ("l2", ">i4"),
        ("series", ">i4"), ("l3", ">i4"), ("flags", ">i2"),
    ]
)  # fmt: skip


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Measure commits of 50,000 observations in order."""
    size, commits, runs = 50_000, 4 if quick else 20, 1 if quick else 3
    registry = load_registry(cities.write(bed.folder / "storing", SERIES, 1))
    ours = statistics.median(_store(bed, registry, size, commits) for _ in range(runs))
    bare = statistics.median(_copy(bed, registry, size, commits) for _ in range(runs))
    note = f"{commits} commits of {size:,}; with order, twins, ledger and durable commit; median of {runs}"
    return [Row("store.append", ours, "observations/s", bare, "bare COPY", note=note)]


def _batch(number: int, size: int) -> ObservationBatch:
    turns = size // SERIES
    time_us = (1_700_000_000 + number * turns + np.repeat(np.arange(turns), SERIES)) * 1_000_000
    return ObservationBatch.of(np.tile(np.arange(SERIES), turns), time_us, np.arange(turns * SERIES) % 9000)


def _no_conflict(at: int, stands: int) -> QuarantineRow:
    raise AssertionError(f"row {at} met {stands}: the benchmark's readings are all new")


def _store(bed: Bed, registry: Registry, size: int, commits: int) -> float:
    with Store.connect(bed.database()) as store:
        store.own(0, Duty.APPEND)
        store.register(registry)
        store.append(Append(uuid.uuid4(), _batch(-1, size), 0, (), _no_conflict))
        began = time.monotonic()
        for number in range(commits):
            store.append(Append(uuid.uuid4(), _batch(number, size), size, (), _no_conflict))
        return size * commits / (time.monotonic() - began)


def _copy(bed: Bed, registry: Registry, size: int, commits: int) -> float:
    url = bed.database()
    with Store.connect(url) as store:
        series_id = store.register(registry).series_id
    with psycopg.connect(url) as connection:
        began = 0.0
        for number in range(-1, commits):
            began = began if number else time.monotonic()
            batch = _batch(number, size).sorted()
            table = np.empty(len(batch), _ROW)
            table["fields"], table["l0"], table["l1"], table["l2"], table["l3"] = 4, 8, 8, 4, 2
            table["time"], table["ticks"] = batch.time_us - EPOCH_US, batch.ticks
            table["series"], table["flags"] = series_id[batch.slot], batch.flags
            with (
                connection.cursor() as cursor,
                cursor.copy(
                    "COPY cityvitals.observation (time, ticks, series_id, flags) FROM STDIN (FORMAT binary)"
                ) as copy,
            ):
                copy.write(HEADER + table.tobytes() + b"\xff\xff")
            connection.commit()
        return size * commits / (time.monotonic() - began)
