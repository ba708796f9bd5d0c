"""Rounding and averaging in integers, for single values and for columns.

Knows numbers only. Every function here gives the same bits on every machine: no float takes part.
"""

from __future__ import annotations

from bisect import bisect_right
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

INT64_MAX = 2**63 - 1

DIGITS = 60
"""Decimal digits carried while tables of powers are built; an entry has at most 41."""

THRESHOLD_BITS = 64
"""Bits kept behind the point of a threshold between two levels."""


def round_half_even(numerator: int, denominator: int) -> int:
    """Return numerator / denominator as the nearest integer, ties to the even one; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def round_half_up(numerator: int, denominator: int) -> int:
    """Return numerator / denominator as the nearest integer, ties upwards, as the standards round an index."""
    return (2 * numerator + denominator) // (2 * denominator)


def divided(numerator: NDArray[np.int64], denominator: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Return numerator / denominator row by row, ties to even; denominators are positive. int64, same length."""
    quotient, rest = np.divmod(numerator, denominator)
    # rest > denominator - rest is 2 * rest > denominator without the product that could overflow.
    left = denominator - rest
    return np.asarray(quotient + ((rest > left) | ((rest == left) & (quotient & 1 == 1))), np.int64)


def ratio(
    numerator: NDArray[np.int64], denominator: NDArray[np.int64], decimals_from: int, decimals_to: int
) -> NDArray[np.int64]:
    """Return numerator / denominator row by row, taken from ticks of one resolution to ticks of another, ties to even.

    Exact whatever the size: rows whose scaled terms would leave int64 are computed with Python's integers.

    Raises:
        OverflowError: a result does not fit int64.
    """
    up, down = 10 ** max(0, decimals_to - decimals_from), 10 ** max(0, decimals_from - decimals_to)
    return quotients(numerator, up, denominator, np.full(denominator.size, down, np.int64))


def quotients(
    numerator: NDArray[np.int64], up: int, denominator: NDArray[np.int64], down: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return numerator * up / (denominator * down) row by row, ties to even, exact whatever the size.

    Denominators and factors are positive.

    Raises:
        OverflowError: a result does not fit int64.
    """
    if not numerator.size:
        return np.empty(0, np.int64)
    largest = max(abs(int(numerator.max())), abs(int(numerator.min())))
    if largest <= INT64_MAX // up and int(denominator.max()) <= INT64_MAX // int(down.max()):
        return divided(numerator * up, denominator * down)
    rows = zip(numerator.tolist(), denominator.tolist(), down.tolist(), strict=True)
    return np.array([round_half_even(n * up, d * below) for n, d, below in rows], np.int64)


@lru_cache(maxsize=16)
def level_thresholds(one: int, decimals: int, level_max: int) -> tuple[int, ...]:
    """Return, for each level, the least mean energy that rounds to it, times 2**THRESHOLD_BITS; `one` is 0 dB.

    Entry t belongs to the level t * 10**-decimals dB: one * 10**((t - 1/2) / 10**(decimals + 1)), the next whole number
    of its scale. A mean energy lies between two thresholds exactly when its logarithm rounds to that level, so no
    logarithm is taken. Thresholds are irrational: no mean lies on one.
    """
    context = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)
    step = Decimal(10) ** (decimals + 1)
    scale = Decimal(one << THRESHOLD_BITS)
    found = []
    for level in range(level_max * 10**decimals + 1):
        power = context.power(Decimal(10), context.divide(Decimal(2 * level - 1), 2 * step))
        found.append(int(context.multiply(scale, power).to_integral_value(ROUND_CEILING)))
    return tuple(found)


@lru_cache(maxsize=16)
def level_floats(one: int, decimals: int, level_max: int) -> NDArray[np.float64]:
    """Return `level_thresholds` as energies, the nearest float of each."""
    return np.array([t / (1 << THRESHOLD_BITS) for t in level_thresholds(one, decimals, level_max)])


@lru_cache(maxsize=16)
def level_energies(one: int, decimals: int, level_max: int) -> tuple[int, ...]:
    """Return one * 10**(level / 10) as the nearest integer for each level from 0 in steps of 10**-decimals dB."""
    context = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)
    step = Decimal(10) ** (decimals + 1)
    return tuple(
        int(
            context.multiply(Decimal(one), context.power(Decimal(10), Decimal(level) / step)).to_integral_value(
                ROUND_HALF_EVEN
            )
        )
        for level in range(level_max * 10**decimals + 1)
    )


def level_of(energy: int, count: int, thresholds: tuple[int, ...]) -> int:
    """Return the level of the mean of `count` energies: an index into `thresholds`, never below 0."""
    return max(0, bisect_right(thresholds, (energy << THRESHOLD_BITS) // count) - 1)


def levels(energy: NDArray[np.int64], count: NDArray[np.int64], thresholds: tuple[int, ...]) -> NDArray[np.int64]:
    """Return `level_of` for each row; counts are positive."""
    # Whole parts decide, but for a mean that shares a threshold's: there what is left of it meets the bits behind it.
    whole, behind = _parts(thresholds)
    means, rest = np.divmod(energy, count)
    found = np.maximum(np.searchsorted(whole, means, "right") - 1, 0).astype(np.int64)
    near = np.flatnonzero((found > 0) & (means == whole[found]))
    while near.size:
        below = near[~_reaches(rest[near], count[near], behind[found[near]])]
        found[below] -= 1
        near = below[(found[below] > 0) & (means[below] == whole[found[below]])]
    return found


@lru_cache(maxsize=16)
def _parts(thresholds: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the whole part of each threshold and the bits behind it; one beyond int64 becomes what no mean reaches."""
    last = (INT64_MAX + 1 << THRESHOLD_BITS) - 1
    cut = [min(threshold, last) for threshold in thresholds]
    behind = [threshold & (1 << THRESHOLD_BITS) - 1 for threshold in cut]
    return np.array([threshold >> THRESHOLD_BITS for threshold in cut], np.int64), np.array(behind, np.uint64)


def _reaches(rest: NDArray[np.int64], count: NDArray[np.int64], behind: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Say of each row whether rest / count is at least behind / 2**64: rest >= ceil(behind * count / 2**64)."""
    number, half, low = count.astype(np.uint64), np.uint64(32), np.uint64(2**32 - 1)
    upper, lower, number_upper, number_lower = behind >> half, behind & low, number >> half, number & low
    # The product has 128 bits, in four of which each fits 64: these are its upper 64.
    middle = (lower * number_lower >> half) + (upper * number_lower & low) + (lower * number_upper & low)
    high = upper * number_upper + (upper * number_lower >> half) + (lower * number_upper >> half) + (middle >> half)
    # A rest is below its count, so no sum here leaves 64 bits.
    return np.asarray(rest.astype(np.uint64) >= high + (behind * number != 0))
