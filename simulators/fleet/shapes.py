"""How a day, a week and a year go, and noise that wanders: integers of time, never a float.

Knows profiles by name, lattices and interpolation; knows no measurand and no device. Levels are parts of `FULL`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.clock import DAY_US, HOUR_US, SECOND_US
from simulators.fleet.chance import Words, words_at

FULL: Final = 1000
"""A level of 1."""
NOISE_FULL: Final = 1 << 15
"""Noise goes from -NOISE_FULL to NOISE_FULL - 1."""
_S48 = np.uint64(48)

PROFILES: Final = MappingProxyType(
    {
        "flat": (0,) * 24,
        # Warmest in the afternoon, coldest before sunrise.
        "sun": (
            -560, -680, -780, -870, -940, -1000, -930, -730, -430, -80, 260, 550, 770, 920, 1000, 980, 850, 630, 370,
            120, -90, -250, -370, -470,
        ),
        # Two rush hours, a busy day between them, an empty night.
        "rush": (
            80, 40, 20, 20, 60, 220, 560, 940, 1000, 720, 540, 540, 580, 580, 600, 700, 860, 1000, 900, 640, 420, 320,
            240, 150,
        ),
        # A home: up in the morning, cooking at noon and in the evening.
        "household": (
            160, 110, 90, 80, 100, 220, 620, 860, 700, 500, 460, 500, 620, 560, 430, 430, 520, 720, 960, 1000, 860, 660,
            430, 260,
        ),
        "office": (
            40, 40, 40, 40, 40, 80, 240, 600, 900, 1000, 1000, 960, 860, 940, 1000, 960, 820, 540, 280, 140, 80, 60, 40,
            40,
        ),
        # Bars and cars after dark.
        "evening": (
            620, 420, 260, 160, 100, 100, 160, 300, 360, 360, 400, 460, 520, 500, 480, 520, 620, 760, 900, 980, 1000,
            960, 880, 760,
        ),
        # Ozone, solar power: nothing before sunrise.
        "daylight": (
            0, 0, 0, 0, 0, 20, 90, 220, 400, 580, 750, 880, 960, 1000, 980, 900, 780, 600, 400, 220, 80, 20, 0, 0,
        ),
    }
)  # fmt: skip
"""Level at each full hour of the city's clock; between them a straight line."""

_MONTHS = (-940, -1000, -780, -360, 180, 680, 960, 1000, 640, 120, -420, -780)
"""Warmth of the year in the middle of each month, for the northern half of the Earth."""
MONTH_US: Final = 2_629_746 * SECOND_US
"""A twelfth of a mean year."""
WEEK_BEGIN_DAYS: Final = 3
"""1970-01-01 was a Thursday: day number + 3, modulo 7, is 0 on Mondays."""

Column = NDArray[np.int64]


def between(before: Column, after: Column, part: Column, whole: int) -> Column:
    """Return the straight line from `before` to `after` at part / whole, rounded down."""
    return before + (after - before) * part // whole


def daily(profile: str, local_us: Column) -> Column:
    """Return the profile's level at each time of the city's clock."""
    levels = np.array(PROFILES[profile], np.int64)
    within = local_us % DAY_US
    hour = within // HOUR_US
    return between(levels[hour], levels[(hour + 1) % 24], within % HOUR_US // 1000, HOUR_US // 1000)


def seasonal(local_us: Column) -> Column:
    """Return the warmth of the season, -FULL to FULL. Years are taken as 12 equal months, which is near enough."""
    months = np.array(_MONTHS, np.int64)
    since = local_us - MONTH_US // 2
    month = since // MONTH_US
    return between(months[month % 12], months[(month + 1) % 12], since % MONTH_US // 1_000_000, MONTH_US // 1_000_000)


def is_weekend(local_us: Column) -> NDArray[np.bool_]:
    """Return whether it is Saturday or Sunday on the city's clock."""
    return (local_us // DAY_US + WEEK_BEGIN_DAYS) % 7 >= 5


def white(key_of: Words, time_us: Column) -> Column:
    """Return noise that forgets: each microsecond its own."""
    return (words_at(key_of, time_us) >> _S48).astype(np.int64) - NOISE_FULL


def wander(key_of: Words, time_us: Column, period_us: int) -> Column:
    """Return noise that changes its mind once a period and goes straight in between."""
    at = time_us // period_us
    before = (words_at(key_of, at) >> _S48).astype(np.int64)
    after = (words_at(key_of, at + 1) >> _S48).astype(np.int64)
    return between(before, after, time_us % period_us // 1000, period_us // 1000) - NOISE_FULL


def weather(key_of: Words, time_us: Column) -> Column:
    """Return noise as weather has it: most of it over days, some over hours, a little at once."""
    slow = wander(key_of, time_us, 30 * HOUR_US)
    brisk = wander(key_of ^ np.uint64(1), time_us, 2 * HOUR_US)
    quick = white(key_of ^ np.uint64(2), time_us)
    return (5 * slow + 2 * brisk + quick) // 8
