"""From exact sums to figures: means, levels, directions.

Knows sums and counts; knows neither where they come from nor what an indicator is. Means stay integers; a logarithm or
an arc tangent is taken once, at the end, by the math library one value at a time: numpy's vectors may round otherwise
on another processor.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.weights import ANGLE_SCALE, ENERGY_SCALE

_INT64_MAX = 2**63 - 1


def mean(total: NDArray[np.int64], count: NDArray[np.int64], decimals: int, decimals_wanted: int) -> NDArray[np.int64]:
    """Return total / count, half to even, as a count of 10**-decimals_wanted; 0 where count is 0.

    Args:
        total: sums of ticks of 10**-decimals.
        count: readings in each sum, not negative.
        decimals, decimals_wanted: of the ticks, and of the result.

    Raises:
        OverflowError: a mean does not fit int64 at the decimals wanted.
    """
    up, down = 10 ** max(decimals_wanted - decimals, 0), 10 ** max(decimals - decimals_wanted, 0)
    most = int(count.max(initial=1))
    reach = max(abs(int(total.max(initial=0))), abs(int(total.min(initial=0))))
    if max(most * down, most * up, reach // max(int(count.min(initial=_INT64_MAX)), 1) * up + up) > _INT64_MAX // 2:
        return _mean_exactly(total, count, up, down)
    divisor = np.maximum(count, 1) * down
    whole, rest = np.divmod(total, divisor)
    more, rest = np.divmod(rest * up, divisor) if down == 1 else (np.zeros_like(rest), rest)
    floor = whole * up + more
    above = (2 * rest > divisor) | ((2 * rest == divisor) & (floor % 2 == 1))
    return np.where(count > 0, floor + above, 0)


def _mean_exactly(total: NDArray[np.int64], count: NDArray[np.int64], up: int, down: int) -> NDArray[np.int64]:
    means = []
    for part, number in zip(total.tolist(), count.tolist(), strict=True):
        divisor = max(number, 1) * down
        floor, rest = divmod(part * up, divisor)
        above = 2 * rest > divisor or (2 * rest == divisor and floor % 2 == 1)
        means.append(floor + above if number > 0 else 0)
    return np.array(means, np.int64)


def laeq(energy: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the energy mean in dB, 10 log10(sum / (8 count)); NaN where there is no reading or no energy.

    Source: equivalent continuous level, IEC 61672-1, of readings that each stand for the same time.
    """
    return np.array(
        [
            10.0 * math.log10(total / (ENERGY_SCALE * number)) if number > 0 and total > 0 else math.nan
            for total, number in zip(energy.tolist(), count.tolist(), strict=True)
        ],
        np.float64,
    )


def vector_mean(cosine: NDArray[np.int64], sine: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the direction of summed unit vectors in degrees, 0 included to 360 excluded; NaN where they cancel out."""
    degrees = [
        math.degrees(math.atan2(y, x)) % 360.0 % 360.0 if x or y else math.nan
        for x, y in zip(cosine.tolist(), sine.tolist(), strict=True)
    ]
    return np.array(degrees, np.float64)


def resultant(cosine: NDArray[np.int64], sine: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how much directions agree: length of their mean vector, 0 to 1; NaN where there is no reading."""
    lengths = [
        math.hypot(x, y) / (ANGLE_SCALE * number) if number > 0 else math.nan
        for x, y, number in zip(cosine.tolist(), sine.tolist(), count.tolist(), strict=True)
    ]
    return np.array(lengths, np.float64)


def increase(sums: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what counters rose by, in ticks, from cells' sums of shape (n, 4) or more rows of the same window."""
    return sums[..., 0].copy()
