"""Readings of every series of a city over some days up to now, made from one seed: quicker than a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from devices import Kind, Registry, rfc3339, text_from_ticks

QUARTER_US = 900_000_000
DAY_QUARTERS = 96
HEAD = "time,device,field,value,unit"
SPREAD = 400
"""Steps between the least and the greatest value of a gauge."""


def rows(registry: Registry, end_us: int, days: int, seed: int = 20260101) -> list[str]:
    """Rows for `cityvitals backfill`, a reading of each series a quarter of an hour, with gaps; in order of time."""
    dice = np.random.default_rng(seed)
    begin_us = (end_us // QUARTER_US - days * DAY_QUARTERS) * QUARTER_US
    found: list[tuple[int, str]] = []
    for device in registry.devices:
        for field in registry.models[device.model].fields:
            measurand = registry.catalogue.by_code[field.measurand]
            there = np.flatnonzero(dice.random(days * DAY_QUARTERS) < 0.9)
            ticks = _ticks(measurand.kind, measurand.low_ticks, measurand.high_ticks, there.size, dice)
            for quarter, value in zip(there.tolist(), ticks, strict=True):
                time_us = begin_us + quarter * QUARTER_US + int(dice.integers(0, 60)) * 1_000_000
                text = measurand.states[value] if measurand.states else text_from_ticks(value, measurand.decimals)
                found.append((time_us, f"{rfc3339(time_us)},{device.code},{field.name},{text},{measurand.unit}"))
    return [row for _, row in sorted(found)]


def _ticks(kind: Kind, low: int, high: int, count: int, dice: np.random.Generator) -> list[int]:
    step = max((high - low) // 10_000, 1)
    if kind is Kind.COUNTER:
        return (np.cumsum(dice.integers(0, 50, count)) + max(low, 0)).tolist()
    walk = np.cumsum(dice.integers(-3, 4, count)) + SPREAD // 2
    # Around a tenth of the range, where most scales have their bands.
    middle = low + (high - low) // 10 if kind in (Kind.GAUGE, Kind.EVENT) else low
    return np.clip(middle + np.clip(walk, 0, SPREAD) * step, low, high).tolist()


def write(path: Path, lines: Sequence[str] | Iterator[str]) -> Path:
    """Write a file for `cityvitals backfill`."""
    path.write_text("\n".join([HEAD, *lines]) + "\n")
    return path
