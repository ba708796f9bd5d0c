"""Integer tables of the kinds that are averaged on another scale: energies of decibels, directions of degrees.

Knows ticks and exact arithmetic; knows no series. Everything is computed with 60 digits or 256 bits, so the tables are
the same on every machine, which the sine of a math library need not be. That takes a while and is asked for by several
parts of a process, so tables are remembered, and nobody can write into them.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

ENERGY_SCALE = 8
"""Energy 8 is 0 dB: quiet levels keep some digits, and a year of one-minute readings of 120 dB still fits int64."""
ANGLE_SCALE = 1 << 30
"""Cosine and sine 1 in the integer table."""

_DIGITS = 60
_BITS = 256
_PI = 314159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808
_PI_DIGITS = 107


@lru_cache(maxsize=16)
def energies(low: int, high: int, decimals: int) -> NDArray[np.int64]:
    """Return round(8 * 10**(L / 10)), half to even, for each level L = tick * 10**-decimals dB from low to high ticks.

    Raises:
        OverflowError: the energy of the highest level does not fit int64.
    """
    context = Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN)
    steps = 10 ** (decimals + 1)  # ticks of 10 dB: a factor of ten, which is exact
    ratio = context.power(Decimal(10), context.divide(Decimal(1), Decimal(steps)))
    within = [Decimal(ENERGY_SCALE)]
    for _ in range(steps - 1):
        within.append(context.multiply(within[-1], ratio))
    table = np.empty(high - low + 1, np.int64)
    for tick in range(low, high + 1):
        tens, step = divmod(tick, steps)
        scaled = context.scaleb(within[step], tens)
        table[tick - low] = int(context.to_integral_value(scaled))
    table.setflags(write=False)
    return table


def directions(low: int, high: int, decimals: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return round(2**30 * cos) and round(2**30 * sin) of each angle tick * 10**-decimals degrees from low to high."""
    turn = 360 * 10**decimals
    cosine, sine = _circle(turn)
    at = np.arange(low, high + 1) % turn
    return cosine[at], sine[at]


@lru_cache(maxsize=16)
def _circle(turn: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return cosine and sine of a full turn in `turn` steps, by rotating a vector of 256-bit fixed-point integers.

    Each rotation errs by about 2**-255, far below half a step of the result after a whole turn.
    """
    one = 1 << _BITS
    angle = (2 * _PI * one) // (turn * 10**_PI_DIGITS)
    step_cos, step_sin = _series(angle, one)
    cosine, sine = np.empty(turn, np.int64), np.empty(turn, np.int64)
    x, y = one, 0
    shift = _BITS - (ANGLE_SCALE.bit_length() - 1)
    half = 1 << (shift - 1)
    for i in range(turn):
        cosine[i], sine[i] = (x + half) >> shift, (y + half) >> shift
        x, y = (x * step_cos - y * step_sin) >> _BITS, (x * step_sin + y * step_cos) >> _BITS
    cosine.setflags(write=False)
    sine.setflags(write=False)
    return cosine, sine


def _series(angle: int, one: int) -> tuple[int, int]:
    """Return cosine and sine of a small fixed-point angle by their power series."""
    sums = [0, 0]
    term, n = one, 0
    while term:
        sums[n % 2] += -term if n % 4 >= 2 else term
        n += 1
        term = term * angle // one // n
    return sums[0], sums[1]
