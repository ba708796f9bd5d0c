"""Data quality: which stored observations the city's rules flag, as a function of the stored observations alone.

Knows rules, series and observations as columns; knows neither the store nor threads. Whoever keeps flags up to date
hands over what is stored, and writes down what comes out.
"""

from __future__ import annotations

from engine.quality.checks import rate, spike, stuck
from engine.quality.drift import Days, drifting
from engine.quality.judges import Check, Group, Judges
from engine.quality.verdicts import NO_FLAGS, Flags, day_means, drift_flags, flags_of, left_out

__all__ = [
    "NO_FLAGS",
    "Check",
    "Days",
    "Flags",
    "Group",
    "Judges",
    "day_means",
    "drift_flags",
    "drifting",
    "flags_of",
    "left_out",
    "rate",
    "spike",
    "stuck",
]
