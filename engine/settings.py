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
        ledger_days: commits are kept singly for so long, then as one row a day; 0 keeps them so for ever.
        minute_days: minute buckets are kept until the observations reach so much further; 0 keeps them for ever.
            Hours, days, indicators and the observations themselves always stay.
        seen_days: what the screens showed of open windows is kept for so long; 0 keeps it for ever.
        kpi_s: figures of KPIs are brought up to date at most this often.
        quality_s: flags of observations are brought up to date at most this often, where the city has rules for them.
    """

    cycle_s: float = 0.25
    settle_s: float = 5.0
    lateness_us: int = 120_000_000
    idle_us: int = 60_000_000
    inbox_max: int = 500_000
    absorb_max: int = 100_000
    dirty_minutes_max: int = 100_000
    partition: int = 0
    ledger_days: int = 7
    minute_days: int = 400
    seen_days: int = 35
    kpi_s: float = 60.0
    quality_s: float = 15.0


@dataclass(frozen=True, slots=True)
class SilenceSettings:
    """When somebody counts as silent, and how long that is remembered.

    Attributes:
        intervals: a device is silent when nothing came for so many of its reporting intervals, and the longest usual
            delay; time in which the gateway could not hear does not count.
        devices_min: a gateway counts as silent, instead of each of its devices, from so many devices on.
        heartbeat_s: the engine notes at this pace until when it listened, and what it heard of each device.
        clock_us_max: a device's clock that is off by more is shown as fast or slow.
        days_max: silences that ended so many days ago leave the table, and are counted.
    """

    intervals: int = 3
    devices_min: int = 3
    heartbeat_s: float = 5.0
    clock_us_max: int = 60_000_000
    days_max: int = 400

    def faults(self) -> list[str]:
        """Return what is wrong with these settings, one sentence per fault; empty when nothing is."""
        found = []
        if not 2 <= self.intervals <= 1000:
            found.append(f"intervals: expected 2 to 1000, found {self.intervals}")
        if self.devices_min < 2:
            found.append(f"devices_min: expected at least 2, found {self.devices_min}")
        if not 0 < self.heartbeat_s <= 3600:
            found.append(f"heartbeat_s: expected more than 0 and at most 3600, found {self.heartbeat_s:g}")
        if self.clock_us_max < 1:
            found.append(f"clock_us_max: expected at least 1, found {self.clock_us_max}")
        if self.days_max < 1:
            found.append(f"days_max: expected at least 1, found {self.days_max}")
        return found
