"""Slow twins of the checks: each definition word by word, a reading at a time, in Python's integers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise


def stuck(
    times: Sequence[int], ticks: Sequence[int], *, tolerance: int, lasting_us: int, readings: int, floor: int | None
) -> list[bool]:
    """Every pair of a first and a last reading is tried."""
    flagged = [False] * len(ticks)
    for first in range(len(ticks)):
        for last in range(first, len(ticks)):
            values, at = ticks[first : last + 1], times[first : last + 1]
            pauses = [b - a for a, b in pairwise(at)]
            if (
                len(values) >= readings
                and lasting_us <= at[-1] - at[0] <= 2 * lasting_us
                and max(values) - min(values) <= tolerance
                and all(pause < lasting_us for pause in pauses)
                and (floor is None or min(values) > floor)
            ):
                flagged[first : last + 1] = [True] * len(values)
    return flagged


def spike(times: Sequence[int], ticks: Sequence[int], *, above: int, pause_us: int) -> list[bool]:
    """A reading is compared with the one before and the one after."""
    flagged = []
    for i, value in enumerate(ticks):
        if not 0 < i < len(ticks) - 1 or times[i] - times[i - 1] > pause_us or times[i + 1] - times[i] > pause_us:
            flagged.append(False)
            continue
        over = [value - ticks[i - 1], value - ticks[i + 1]]
        flagged.append(min(over) > above or max(over) < -above)
    return flagged


def rate(times: Sequence[int], ticks: Sequence[int], *, above: int, per_us: int, pause_us: int) -> list[bool]:
    """A fraction of two integers is compared with another."""
    flagged = [False] * min(len(ticks), 1)
    for i in range(1, len(ticks)):
        passed = times[i] - times[i - 1]
        fast = Fraction(abs(ticks[i] - ticks[i - 1]), passed) > Fraction(above, per_us)
        flagged.append(passed <= pause_us and fast)
    return flagged


def drifting(
    means: Sequence[Sequence[int | None]], device: Sequence[int], *, above: int, run: int, neighbours: int
) -> list[list[bool]]:
    """Every row of days is tried; a median is a fraction."""
    days = len(means[0]) if means else 0
    sides = [[_side(means, device, row, day, above, neighbours) for day in range(days)] for row in range(len(means))]
    found = [[False] * days for _ in means]
    for row, side in enumerate(sides):
        for first in range(days - run + 1):
            part = side[first : first + run]
            if part[0] and part == [part[0]] * run:
                found[row][first : first + run] = [True] * run
    return found


def _side(
    means: Sequence[Sequence[int | None]], device: Sequence[int], row: int, day: int, above: int, neighbours: int
) -> int:
    mean = means[row][day]
    others = sorted(
        one[day] for of, one in zip(device, means, strict=True) if of != device[row] and one[day] is not None
    )
    if mean is None or len(others) < neighbours:
        return 0
    half = len(others) // 2
    median = Fraction(others[half]) if len(others) % 2 else Fraction(others[half - 1] + others[half], 2)
    return 1 if mean - median > above else -1 if mean - median < -above else 0
