"""Energies of decibels, directions of degrees, and the way back; rounding of exact ratios.

Knows numbers; knows no series. Decimal arithmetic of many digits, each value by itself; a float only proposes where
every digit then decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENERGY_OF_0_DB = 8
"""An energy is this times 10^(L/10), rounded."""
RADIUS = 2**30
"""Length of a unit vector, whose two parts are rounded."""
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
TURN = Decimal("6.28318530717958647692528676655900576839433879875021164194988918")
"""Radians of a full turn."""
NEAR_HALF = 1e-4
"""A float so close to the middle between two whole numbers is not believed."""
CACHED_MAX = 200_000

Whole = NDArray[np.int64]
Big = NDArray[Any]
"""Integers of any size, as Python objects, or int64 where they are known to fit."""


def nearest_even(above: Big, below: Big | int) -> Big:
    """Return above / below as the nearest integers, ties to the even one; `below` is positive."""
    floor = above // below
    rest = above - floor * below
    return np.asarray(floor + ((2 * rest > below) | ((2 * rest == below) & (floor % 2 == 1))))


def exact(*columns: Whole) -> list[Big]:
    """Return columns as integers without a limit."""
    return [column.astype(object) for column in columns]


def energies(ticks: Whole, decimals: int) -> Whole:
    """Return the energy of each level, given as a count of 10^-decimals dB."""
    return _each(ticks, lambda tick: _energy(tick, decimals))


def vectors(ticks: Whole, decimals: int) -> tuple[Whole, Whole]:
    """Return the unit vector of each direction, given as a count of 10^-decimals degrees: east part first."""
    return (
        _each(ticks, lambda tick: _cosine(tick, decimals)),
        _each(ticks, lambda tick: _cosine(tick - 90 * 10**decimals, decimals)),
    )


def levels(energy: Big, count: Whole, decimals: int) -> Whole:
    """Return the level of each mean energy as a count of 10^-decimals dB, never below 0."""
    found = np.zeros(count.size, np.int64)
    for row, (total, number) in enumerate(zip(energy.tolist(), count.tolist(), strict=True)):
        found[row] = level_of(EXACT.divide(total, ENERGY_OF_0_DB), number, decimals) if total > 0 else 0
    return found


def level_of(total: Decimal, count: int, decimals: int) -> int:
    """Return 10 lg(total / count) as a count of 10^-decimals, never below 0; energy 1 is 0 dB."""
    steps = 10 ** (decimals + 1)
    proposed: float = steps * (math.log10(total) - math.log10(count))
    if abs(abs(proposed - math.floor(proposed)) - 0.5) > NEAR_HALF:
        return max(0, round(proposed))
    precise = EXACT.multiply(EXACT.log10(EXACT.divide(total, count)), steps)
    return max(0, int(precise.to_integral_value(ROUND_HALF_EVEN)))


def mean_level(ticks: list[int], decimals: int) -> int:
    """Return the level of the mean energy of levels, all as counts of 10^-decimals dB."""
    total = reduce(EXACT.add, (_power(tick, decimals) for tick in ticks))
    return level_of(total, len(ticks), decimals)


def direction(east: int, north: int, decimals: int) -> int:
    """Return the direction of a vector as a count of 10^-decimals degrees, 0 up to a full turn.

    A vector belongs to the step on whose side of the middle it lies; the middle is the rounded unit vector of its
    angle, and exactly on it the even step is taken.
    """
    turn: int = 360 * 10**decimals
    lower = math.floor(math.atan2(north, east) * turn / math.tau)
    middle = 10 * lower + 5
    mid_east, mid_north = _cosine(middle, decimals + 1), _cosine(middle - 900 * 10**decimals, decimals + 1)
    side = north * mid_east - east * mid_north
    above = side > 0 or (side == 0 and lower % 2 == 1)
    return (lower + 1 if above else lower) % turn


def _each(ticks: Whole, of: Callable[[int], int]) -> Whole:
    different, at = np.unique(ticks, return_inverse=True)
    return np.array([of(tick) for tick in different.tolist()], np.int64)[at]


@lru_cache(CACHED_MAX)
def _power(tick: int, decimals: int) -> Decimal:
    return EXACT.power(10, EXACT.divide(tick, 10 ** (decimals + 1)))


@lru_cache(CACHED_MAX)
def _energy(tick: int, decimals: int) -> int:
    return int(EXACT.multiply(ENERGY_OF_0_DB, _power(tick, decimals)).to_integral_value(ROUND_HALF_EVEN))


@lru_cache(CACHED_MAX)
def _cosine(tick: int, decimals: int) -> int:
    """Return RADIUS times the cosine of an angle, to the nearest integer, by its power series."""
    turn = 360 * 10**decimals
    within = abs((tick + turn // 2) % turn - turn // 2)  # the cosine is even: from 0 to half a turn
    square = EXACT.power(EXACT.divide(EXACT.multiply(TURN, within), turn), 2)
    term = total = Decimal(1)
    order = 0
    while abs(term) > Decimal("1e-50"):
        order += 2
        term = EXACT.divide(EXACT.multiply(term.copy_negate(), square), order * (order - 1))
        total = EXACT.add(total, term)
    return int(EXACT.multiply(RADIUS, total).to_integral_value(ROUND_HALF_EVEN))
