"""What the kernels must know of each series, checked so that no sum can overflow.

Knows measurands and the series table; knows no readings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from devices.measurands import Kind, Measurand
from devices.series import SeriesTable
from engine import kernels, weights
from engine.cells import SUM_COUNT
from engine.errors import UnfitSeriesError

READINGS_PER_DAY_MIN = 100_000
"""Extreme readings of one series that a day's sum must be able to take: one a second, and some."""
HOLD_INTERVALS = 3
"""A state is believed for so many reporting intervals after its reading."""
TABLE_TICKS_MAX = 4_000_000
"""Ticks from the lowest to the highest of a level or an angle."""
FAULTS_MAX = 20
"""Faults named in one message."""

_INT64_MAX = 2**63 - 1
_OF_TABLES = (Kind.LEVEL, Kind.ANGLE)


def facts_of(series: SeriesTable, measurands: Sequence[Measurand]) -> kernels.Facts:
    """Return the facts of every slot.

    Args:
        series: the worker's series.
        measurands: in the order that `series.measurand` counts in.

    Raises:
        UnfitSeriesError: a figure of a series could overflow, or a fact that its kind needs is missing.
    """
    decimals = np.array([m.decimals for m in measurands], np.int64)[series.measurand]
    kind = series.kind.astype(np.int64)
    faults = list(_faults(series, decimals))
    if faults:
        raise UnfitSeriesError(tuple(faults))
    reach = np.maximum(np.maximum(np.abs(series.low_ticks), np.abs(series.high_ticks)), 1)
    at = np.zeros(len(series), np.int64)
    span = np.zeros(len(series), np.int64)
    parts: list[NDArray[np.int64]] = []
    size = 0
    for of in _OF_TABLES:
        for digits in np.unique(decimals[kind == of]):
            mask = (kind == of) & (decimals == digits)
            low, high = int(series.low_ticks[mask].min()), int(series.high_ticks[mask].max())
            if of is Kind.LEVEL:
                tables: tuple[NDArray[np.int64], ...] = (weights.energies(low, high, int(digits)),)
                reach[mask] = tables[0][-1]
            else:
                tables = weights.directions(low, high, int(digits))
                reach[mask] = weights.ANGLE_SCALE
            at[mask] = size - low
            span[mask] = high - low + 1
            parts += tables
            size += sum(table.size for table in tables)
    return kernels.Facts(
        series.kind.astype(np.int8),
        series.low_ticks.astype(np.int64),
        series.high_ticks.astype(np.int64),
        series.modulus_ticks.astype(np.int64),
        series.rate_ticks_max.astype(np.int64),
        HOLD_INTERVALS * series.interval_us.astype(np.int64),
        at,
        span,
        _INT64_MAX // reach,
        np.concatenate([*parts, np.zeros(1, np.int64)]),
    )


def _faults(series: SeriesTable, decimals: NDArray[np.int64]) -> list[str]:
    """Return one sentence for each fault of a series, `FAULTS_MAX` at most."""
    kind = series.kind.astype(np.int64)
    low, high = series.low_ticks, series.high_ticks
    limit = _INT64_MAX // READINGS_PER_DAY_MIN
    level, angle, state = kind == Kind.LEVEL, kind == Kind.ANGLE, kind == Kind.STATE
    table = level | angle
    # The highest level whose energy a day's readings can be added of; 10^14 is the first power of ten that is not.
    level_max = 10 * (len(str(limit // weights.ENERGY_SCALE)) - 1) * 10 ** np.minimum(decimals, 9)
    rules = (
        (low > high, "its plausible range is empty"),
        ((kind < 0) | (kind > Kind.EVENT), f"kind must be 0 to {int(Kind.EVENT)}"),
        (~table & ((low < -limit) | (high > limit)), f"its range must stay within ±{limit} ticks: sums could overflow"),
        (level & (high > level_max), "its highest level is too high: a day's sum of energies could overflow"),
        (table & ((high > TABLE_TICKS_MAX) | (low < -TABLE_TICKS_MAX)), f"its range leaves ±{TABLE_TICKS_MAX} ticks"),
        (table & (decimals > 6), "a level or an angle may have at most 6 decimals"),
        (state & ((low < 0) | (high >= SUM_COUNT)), f"states must be 0 to {SUM_COUNT - 1}"),
        (state & (series.interval_us <= 0), "a state needs a reporting interval, to know how long it holds"),
        (series.interval_us > 2**58, "its reporting interval must be below 9,000 years"),
        ((series.modulus_ticks < 0) | (series.modulus_ticks > limit), f"its modulus must be 0 to {limit} ticks"),
    )  # fmt: skip
    faults = [f"series {slot}: {why}" for wrong, why in rules for slot in np.flatnonzero(wrong)[:FAULTS_MAX]]
    return faults[:FAULTS_MAX]
