"""Every compiled function of the engine: arithmetic on arrays, and nothing else.

Files: `table` (cells in memory), `clock` (local time), `pairs` (counters and states between two readings), `passes`
(many readings into cells).
"""

from __future__ import annotations

import engine.compiled  # noqa: F401  (before the first kernel: numba asks for a place at every decorator)
from engine.clock import Clock
from engine.kernels.clock import hour_end, hour_start, seek, windows_bound
from engine.kernels.pairs import DIP, RESET, ROLLOVER, decide, plausible, share, spread
from engine.kernels.passes import (
    AHEAD,
    ANGLE,
    COUNTER,
    CROWDED,
    DECIDED,
    EVENT,
    GAUGE,
    LATE,
    LEVEL,
    OUTSIDE,
    STATE,
    TALLY_WIDTH,
    Facts,
    Last,
    Notes,
    accumulate,
    admit,
    hours_beside,
    join,
    rebuild,
    rebuild_days,
    touch,
)
from engine.kernels.table import (
    CLEAN,
    COUNT,
    DIRTY,
    HIGH,
    KEY,
    KEY_SECONDS_BITS,
    LOW,
    ROW_WIDTH,
    SLOT_COUNT_MAX,
    SUM,
    Table,
    adopt,
    blank,
    compact,
    fetch,
    find,
    put,
    reindex,
    settle,
    unknown,
)

__all__ = [
    "AHEAD", "ANGLE", "CLEAN", "COUNT", "COUNTER", "CROWDED", "DECIDED", "DIP", "DIRTY", "EVENT", "GAUGE", "HIGH",
    "KEY", "KEY_SECONDS_BITS", "LATE", "LEVEL", "LOW", "OUTSIDE", "RESET", "ROLLOVER", "ROW_WIDTH", "SLOT_COUNT_MAX",
    "STATE", "SUM", "TALLY_WIDTH", "Clock", "Facts", "Last", "Notes", "Table", "accumulate", "admit", "adopt", "blank",
    "compact", "decide", "fetch", "find", "hour_end", "hour_start", "hours_beside", "join", "plausible", "put",
    "rebuild", "rebuild_days", "reindex", "seek", "settle", "share", "spread", "touch", "unknown", "windows_bound",
]  # fmt: skip
