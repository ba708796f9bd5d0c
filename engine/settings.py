"""What the engine may be told: its pace, its limits, and how long it keeps what can be had elsewhere.

Frozen data; knows neither files nor the loop it paces, and needs no compiler.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How the engine paces itself.

    Attributes:
        cycle_s: hour windows and indicators are brought up to date at most this often.
        settle_s: minute buckets, day windows and the checkpoint are written at most this often under load.
        lateness_us: a window closes this long after the watermark passed its end.
        idle_us: a gateway silent for this long no longer holds the watermark back.
        inbox_max: stored observations waiting for the engine; beyond it the committer waits.
        absorb_max: observations taken up in one cycle.
        dirty_minutes_max: changed minute buckets beyond which everything is written at once, to bound memory.
        partition: whose series this worker owns.
    """

    cycle_s: float = 0.25
    settle_s: float = 5.0
    lateness_us: int = 120_000_000
    idle_us: int = 60_000_000
    inbox_max: int = 500_000
    absorb_max: int = 100_000
    dirty_minutes_max: int = 100_000
    partition: int = 0
