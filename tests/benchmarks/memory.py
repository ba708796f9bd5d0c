"""Memory of a gateway that knows 100,000 series, each of which has reported for more than an hour."""

from __future__ import annotations

from tests.benchmarks.bed import Bed, publish, published, wait
from tests.benchmarks.table import Row

STEP_S = 300


def rows(bed: Bed, *, quick: bool) -> list[Row]:
    """Measure the peak while every series reports every five minutes, for 65 minutes of their time."""
    series = 10_000 if quick else 100_000
    turns = 13
    with bed.gateway(series, STEP_S) as running:
        plan = bed.plan(devices=series, messages=series * turns, step_s=STEP_S, window=10_000)
        published(publish(plan))
        wait(lambda: running.reader.received() >= series * turns, "everything is stored")
        wait(running.reader.settled, "everything is computed")
        note = f"VmHWM of the gateway, {series:,} series, {series * turns:,} observations as fast as they go"
        return [
            Row(f"memory, {series:,} series", running.memory_mb_peak(), "MB", required=600.0, below=True, note=note)
        ]
