"""The kernels alone, beside the memory of this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from devices import ObservationBatch, load_registry
from engine import Calendar, Grid, LastReadings, Windows
from ingest.counters import Counters
from ingest.decode import Decoder
from ingest.framing import Framer
from ingest.intake import Intake
from ingest.packets import MQTT_311
from ingest.routes import build_routing
from ingest.settings import IntakeLimits
from tests.benchmarks import cities
from tests.benchmarks.publisher import Plan, encoded
from tests.benchmarks.table import Row

SERIES = 2_000


def rows(*, quick: bool) -> list[Row]:
    """Measure windows, and framing with decoding."""
    with TemporaryDirectory() as folder:
        city = cities.write(Path(folder) / "kernel", SERIES, 1)
        return [_absorb(city, quick), *(_decode(city, pack, quick) for pack in (1, 20))]


def _median(run: Callable[[], float], runs: int) -> float:
    return statistics.median(run() for _ in range(runs))


def _absorb(city: Path, quick: bool) -> Row:
    registry = load_registry(city)
    turns = 50 if quick else 500
    time_us = (1_700_000_000 + np.repeat(np.arange(turns), SERIES)) * 1_000_000
    batch = ObservationBatch.of(np.tile(np.arange(SERIES), turns), time_us, np.full(turns * SERIES, 6000))

    def absorb() -> float:
        windows = Windows(registry.series(), Calendar(registry.city.zone_info), registry.catalogue.measurands)
        windows.resume(LastReadings.none(SERIES))
        began = time.perf_counter()
        windows.absorb(batch)
        rate = len(batch) / (time.perf_counter() - began)
        assert int(windows.dirty(Grid.DAY).count.sum()) == len(batch)
        return rate

    def copy() -> float:
        began = time.perf_counter()
        batch.take(np.arange(len(batch)))
        return len(batch) / (time.perf_counter() - began)

    absorb()
    runs = 3 if quick else 7
    note = f"{len(batch):,} readings of {SERIES:,} series in order: minute, hour and day; median of {runs}"
    return Row(
        "windows.absorb, one core", _median(absorb, runs), "observations/s", _median(copy, runs), "copied", note=note
    )


def _decode(city: Path, pack: int, quick: bool) -> Row:
    registry = load_registry(city)
    messages = 5_000 if quick else 20_000
    data = b"".join(encoded(Plan("", 0, cities.CODE, SERIES, messages, pack)))
    limits = IntakeLimits(readings_max=messages * pack, bytes_max=max(len(data) + (1 << 20), 16 << 20))

    def decode() -> float:
        counters = Counters()
        framer = Framer(limits, Decoder(build_routing(registry), limits, counters), counters)
        intake = Intake(limits)
        framer.attach(intake)
        framer.begin(1, MQTT_311)
        began = time.perf_counter()
        at = 0
        while at < len(data):
            room = framer.room()
            size = min(len(room), len(data) - at, 1 << 20)
            room[:size] = data[at : at + size]
            framer.feed(size, 1_700_000_000_000_000)
            at += size
        rate = messages * pack / (time.perf_counter() - began)
        assert intake.reading_count == messages * pack
        return rate

    def copy() -> float:
        target = bytearray(len(data))
        began = time.perf_counter()
        target[:] = data
        return messages * pack / (time.perf_counter() - began)

    decode()
    runs = 3 if quick else 7
    what = "single readings" if pack == 1 else f"packs of {pack}"
    note = f"{messages:,} messages from memory: frames, topics, SenML; median of {runs}"
    return Row(
        f"framing and decoding, {what}",
        _median(decode, runs),
        "observations/s",
        _median(copy, runs),
        "copied",
        note=note,
    )
