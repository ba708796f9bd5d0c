"""A town that measures everything, and the live engine in this process: what a call stored is computed at its end."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np

from devices import Kind, ObservationBatch, Registry, load_models
from engine.inbox import Stored
from engine.indicators import INDICATORS
from engine.settings import WorkerSettings
from engine.store import Outcome, Store
from engine.worker import Worker
from tests.devices.make import vectored
from tests.engine.store.town import append, town

WEATHER = """
title = "Weather station"
codec = "senml-json"
interval_s = 600
[[field]]
name = "wind"
measurand = "wind_direction"
unit = "deg"
[[field]]
name = "rain"
measurand = "rainfall"
unit = "mm"
"""
METER = """
title = "Meter with a register of six digits"
codec = "senml-json"
interval_s = 900
[[field]]
name = "energy"
measurand = "electricity_import"
unit = "kW.h"
modulus = "1000"
rate_max = "40"
"""
MODELS = ("weather", "meter", "water_meter", "air_station", "noise_monitor_1min", "traffic_segment")
HOUR_US = 3_600_000_000
AUTUMN_US = 1_698_444_000_000_000
"""Midnight in Copenhagen of the day before that of 25 hours, 29 October 2023."""


def all_kinds(folder: Path) -> Registry:
    """A town with two devices of models that together have every kind of measurand."""
    (folder / "weather.toml").write_text(vectored(WEATHER))
    (folder / "meter.toml").write_text(vectored(METER))
    models = load_models(folder)
    plain = town(("water_meter",), count=len(MODELS))
    devices = [
        replace(one, model=model, interval_us=models[model].interval_s * 1_000_000)
        for one, model in zip(plain.devices, MODELS, strict=True)
    ]
    twins = [
        replace(one, code=f"e{one.code}", topic=f"{one.topic}/e", title=f"E{one.title}", zone="south")
        for one in devices
    ]
    registry = replace(plain, models=models, devices=(*devices, *twins))
    kinds = {Kind(int(kind)) for kind in registry.series().kind}
    assert kinds == set(Kind)
    return registry


def readings(registry: Registry, seed: int, days: int = 3, count: int = 40) -> ObservationBatch:
    """Random readings of every series around a change of the clock; counters climb, fall, roll over and are reset."""
    random = np.random.default_rng(seed)
    series = registry.series()
    parts = []
    for slot in range(len(series)):
        time_us = (
            AUTUMN_US
            + np.unique(random.integers(0, days * 86_400, count)) * 1_000_000
            + int(random.integers(0, 1_000_000))
        )
        low, high = int(series.low_ticks[slot]), int(series.high_ticks[slot])
        if series.kind[slot] == Kind.COUNTER:
            top = int(series.modulus_ticks[slot]) or high // 2
            steps = random.integers(0, max(top // 40, 2), time_us.size)
            ticks = np.cumsum(np.where(random.random(time_us.size) < 0.1, -steps, steps)) % top
        else:
            ticks = random.integers(low, min(high, low + 1_000_000) + 1, time_us.size)
        parts.append(ObservationBatch.of(np.full(time_us.size, slot), time_us, ticks))
    whole = ObservationBatch.concat(parts)
    return whole.take(random.permutation(len(whole)))


class Live:
    """A store and its engine, as a gateway has them.

    Args:
        store: owns both duties of partition 0.
        registry: the town.
        now_us: the present.
    """

    def __init__(self, store: Store, registry: Registry, now_us: int) -> None:
        self.store, self.now_us = store, now_us
        self.registered = store.register(registry, INDICATORS)
        self._worker = Worker(store, registry, self.registered, WorkerSettings(), clock_us=lambda: self.now_us)
        self._worker.recover()

    def take(self, batch: ObservationBatch, *, computed: bool = True) -> None:
        """Store one commit, and compute what follows from it."""
        mark_us = self._worker.mark_us
        done = self.store.append(append(batch.slot, batch.time_us, batch.ticks, mark_us=mark_us))
        if computed:
            accepted = batch.take(done.outcome == Outcome.ACCEPTED)
            self._worker.inbox.put(Stored(accepted, done.commit_id, mark_us, self.now_us))
            self.work()

    def reweigh(self) -> None:
        """Tell the engine that something else is excluded, and let it write what follows."""
        self._worker.reweigh.set()
        self.work()

    def conclude(self) -> None:
        """Close what is over, as a backfill does at its end: the mark is written at once."""
        self._worker.conclude(self._worker.settings.lateness_us)

    def work(self) -> None:
        """Let the engine write everything that is due."""
        stop = threading.Event()
        stop.set()
        self._worker.run(stop)
