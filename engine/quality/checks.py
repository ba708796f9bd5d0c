"""Stuck, spike and rate of change: from one series' readings to those that are flagged.

Knows times and ticks of one series, in order of time; knows no rule file, no series and no store. What is said of a
reading depends on readings within a bounded time before and after it, which each check states: given at least those,
whatever else is given changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Ticks = NDArray[np.int64]
Flagged = NDArray[np.bool_]

SIEVE: Final = 1 - 1e-9
"""A float product of int64 errs by less; it only spares the exact comparison of what is far from the limit."""


def stuck(
    time_us: Times, ticks: Ticks, *, tolerance: int, lasting_us: int, readings: int, floor: int | None
) -> Flagged:
    """Return which readings lie in a stretch without movement.

    A stretch is of consecutive readings above the floor, of which the highest and the lowest differ by at most the
    tolerance, with no pause as long as `lasting_us`; it holds at least `readings`, and lasts from `lasting_us` to twice
    as long: a longer one is several. So a flag depends on readings within twice `lasting_us`, no further.
    """
    flagged = np.zeros(ticks.size, np.bool_)
    for first, end in _calm(time_us, ticks, tolerance, lasting_us, readings, floor):
        _flat(time_us[first:end], ticks[first:end], tolerance, lasting_us, readings, flagged[first:end])
    return flagged


def _calm(
    time_us: Times, ticks: Ticks, tolerance: int, lasting_us: int, readings: int, floor: int | None
) -> Iterator[tuple[int, int]]:
    """Give the parts, from and to, in which a stretch may lie: no step between neighbours in them is too large."""
    if not ticks.size:
        return
    apart = (np.abs(np.diff(ticks)) > tolerance) | (np.diff(time_us) >= lasting_us)
    if floor is not None:
        low = ticks <= floor
        apart |= low[1:] | low[:-1]
    cuts = np.flatnonzero(apart) + 1
    first, end = np.append(0, cuts), np.append(cuts, ticks.size)
    long = (end - first >= readings) & (time_us[end - 1] - time_us[first] >= lasting_us)
    if floor is not None:
        long &= ticks[first] > floor
    yield from zip(first[long].tolist(), end[long].tolist(), strict=True)


def _flat(time_us: Times, ticks: Ticks, tolerance: int, lasting_us: int, readings: int, flagged: Flagged) -> None:
    """Flag the stretches of one such part: the longest one from each reading on, two marks moving together."""
    times, values = time_us.tolist(), ticks.tolist()
    high: deque[int] = deque()
    low: deque[int] = deque()
    end = done = 0
    for first, begin_us in enumerate(times):
        while end < len(values) and times[end] - begin_us <= 2 * lasting_us:
            top = max(values[end], values[high[0]] if high else values[end])
            bottom = min(values[end], values[low[0]] if low else values[end])
            if top - bottom > tolerance:
                break
            while high and values[high[-1]] <= values[end]:
                high.pop()
            while low and values[low[-1]] >= values[end]:
                low.pop()
            high.append(end)
            low.append(end)
            end += 1
        if end - first >= readings and times[end - 1] - begin_us >= lasting_us:
            flagged[max(first, done) : end] = True
            done = end
        for marks in (high, low):
            if marks and marks[0] == first:
                marks.popleft()


def spike(time_us: Times, ticks: Ticks, *, above: int, pause_us: int) -> Flagged:
    """Return which readings stand out by more than a limit, upwards or downwards, from the ones before and after.

    Both must be no further than `pause_us` away. Of the newest reading nothing is known before the next one came.
    """
    flagged = np.zeros(ticks.size, np.bool_)
    if ticks.size > 2:
        step, near = np.diff(ticks), np.diff(time_us) <= pause_us
        up, down = step > above, step < -above
        flagged[1:-1] = near[:-1] & near[1:] & ((up[:-1] & down[1:]) | (down[:-1] & up[1:]))
    return flagged


def rate(time_us: Times, ticks: Ticks, *, above: int, per_us: int, pause_us: int) -> Flagged:
    """Return which readings differ from the one before, no further than `pause_us` away, by more than the rate allows.

    The comparison is exact: change / time > above / per_us as a product of integers.
    """
    flagged = np.zeros(ticks.size, np.bool_)
    if ticks.size < 2:
        return flagged
    change, passed = np.abs(np.diff(ticks)), np.diff(time_us)
    suspect = (passed <= pause_us) & (change.astype(np.float64) * per_us >= SIEVE * above * passed.astype(np.float64))
    for at in np.flatnonzero(suspect).tolist():
        flagged[at + 1] = int(change[at]) * per_us > above * int(passed[at])
    return flagged
