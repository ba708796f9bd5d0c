"""Statistics of one measurand for all stations at once: mean, total, energy mean, vector mean, share of time.

Columns in, columns out, exact in integers; knows no station and no time. A logarithm is taken by comparing integers
with a table of thresholds; only the angle of a vector is a float, once, at the end.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi

import numpy as np
from numpy.typing import NDArray

from engine.indicators.definition import Column, Indicator, Sums
from engine.indicators.exact import divided, level_energies, level_of, level_thresholds, levels, ratio
from engine.weights import ENERGY_SCALE, directions

LEVEL_MAX = 150
"""dB; levels at and above it are told apart no more."""

POOL_ONE = 10**6
"""Energy of 0 dB when published levels are averaged: 150 dB are 10**21, kept in two parts."""
PART_BITS = 40
"""Bits of the lower part: 2**23 stations can be added up before a part leaves int64."""

FULL_CIRCLE = 360
"""Degrees."""
HALFWAY = 1e-6
"""Of a step: a float angle closer than this to the middle between two is settled in integers."""


def mean(of: Sums, to: Indicator) -> Column:
    """Return the arithmetic mean of the readings, ties to even."""
    known = of.count > 0
    ticks = ratio(of.sums[:, 0], np.maximum(of.count, 1), of.measurand.decimals, to.decimals)
    return Column(ticks, known)


def total(of: Sums, to: Indicator) -> Column:
    """Return the increase of a counter, or the sum of weights.

    A window between two readings has its interpolated share, and so a figure, without holding a reading itself.
    """
    known = (of.count > 0) | (of.sums[:, 0] != 0)
    ticks = ratio(of.sums[:, 0], np.ones(of.count.size, np.int64), of.measurand.decimals, to.decimals)
    return Column(ticks, known)


def energy_mean(of: Sums, to: Indicator) -> Column:
    """Return the level of the mean energy: 10 lg(mean(10**(L/10)))."""
    thresholds = level_thresholds(ENERGY_SCALE, to.decimals, LEVEL_MAX)
    return Column(levels(of.sums[:, 0], np.maximum(of.count, 1), thresholds), of.count > 0)


def vector_mean(of: Sums, to: Indicator) -> Column:
    """Return the direction of the mean vector, 0 to below 360 degrees; no figure where the vectors cancel out."""
    return _direction(of.sums[:, 0], of.sums[:, 1], of.count, to.decimals)


def state_share(of: Sums, to: Indicator) -> Column:
    """Return the time in the definition's states as a percentage of the time in any known state.

    Raises:
        ValueError: the measurand has no state of that name.
    """
    names = of.measurand.states
    if not set(to.states) <= set(names):
        raise ValueError(f"{to.name}: {of.measurand.code} has the states {', '.join(names)}, not all of {to.states}")
    counted = of.sums[:, [names.index(name) for name in to.states]].sum(axis=1)
    known = of.sums[:, : len(names)].sum(axis=1)
    return Column(ratio(100 * counted, np.maximum(known, 1), 0, to.decimals), known > 0)


def pooled_levels(ticks: NDArray[np.int64], scope: NDArray[np.intp], scopes: int, decimals: int) -> NDArray[np.int64]:
    """Return the energy mean of published levels for each scope; 0 for a scope without one.

    Args:
        ticks: levels in 10**-decimals dB.
        scope: index of the scope each belongs to.
        scopes: how many scopes there are.
        decimals: of the levels.
    """
    high_of, low_of = _energies(decimals)
    top = high_of.size - 1
    at = np.clip(ticks, 0, top)
    count, high, low = (np.zeros(scopes, np.int64) for _ in range(3))
    np.add.at(count, scope, 1)
    np.add.at(high, scope, high_of[at])
    np.add.at(low, scope, low_of[at])
    thresholds = level_thresholds(POOL_ONE, decimals, LEVEL_MAX)
    found = np.zeros(scopes, np.int64)
    for i in np.flatnonzero(count).tolist():
        energy = (int(high[i]) << PART_BITS) + int(low[i])
        found[i] = level_of(energy, int(count[i]), thresholds)
    return found


def pooled_directions(ticks: NDArray[np.int64], scope: NDArray[np.intp], scopes: int, decimals: int) -> Column:
    """Return the direction of the sum of unit vectors for each scope; see `pooled_levels`."""
    cosines, sines = _unit_vectors(decimals)
    count, x, y = (np.zeros(scopes, np.int64) for _ in range(3))
    np.add.at(count, scope, 1)
    np.add.at(x, scope, cosines[ticks % cosines.size])
    np.add.at(y, scope, sines[ticks % sines.size])
    return _direction(x, y, count, decimals)


def pooled_means(ticks: NDArray[np.int64], scope: NDArray[np.intp], scopes: int) -> NDArray[np.int64]:
    """Return the mean of published ticks for each scope, ties to even; 0 for a scope without one."""
    count, sums = np.zeros(scopes, np.int64), np.zeros(scopes, np.int64)
    np.add.at(count, scope, 1)
    np.add.at(sums, scope, ticks)
    return divided(sums, np.maximum(count, 1))


def _direction(x: NDArray[np.int64], y: NDArray[np.int64], count: NDArray[np.int64], decimals: int) -> Column:
    """Return the angle of each vector; none where it is no longer than the rounding of its `count` parts may be."""
    circle = FULL_CIRCLE * 10**decimals
    known = np.abs(x) + np.abs(y) > count
    steps = np.arctan2(y.astype(np.float64), x.astype(np.float64)) * (circle / (2 * pi))
    ticks = np.rint(steps).astype(np.int64)
    for row in np.flatnonzero(known & (0.5 - np.abs(steps - ticks) < HALFWAY)).tolist():
        ticks[row] = _beside(int(np.floor(steps[row] * 2 + 0.5)), int(x[row]), int(y[row]), decimals)
    return Column(ticks % circle, known)


def _beside(halves: int, x: int, y: int, decimals: int) -> int:
    """Return the step on the vector's side of the middle at `halves` half steps, where a float cannot be trusted.

    Directions of whole degrees average to a middle often, and math libraries differ there; an integer product does not.
    """
    cosines, sines = _unit_vectors(decimals + 1)
    middle = (halves * 5) % cosines.size
    beyond = y * int(cosines[middle]) - x * int(sines[middle])
    lower = (halves - 1) // 2
    return lower + (beyond > 0 or (beyond == 0 and lower % 2 == 1))


@lru_cache(maxsize=8)
def _energies(decimals: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    energies = level_energies(POOL_ONE, decimals, LEVEL_MAX)
    low = (1 << PART_BITS) - 1
    return np.array([e >> PART_BITS for e in energies], np.int64), np.array([e & low for e in energies], np.int64)


@lru_cache(maxsize=8)
def _unit_vectors(decimals: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return directions(0, FULL_CIRCLE * 10**decimals - 1, decimals)
