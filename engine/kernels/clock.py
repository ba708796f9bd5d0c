"""Local time, compiled: which span, hour or civil day an instant lies in.

Knows sorted arrays of instants; knows no zone rules.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.clock import Clock

HOUR_US = 3_600_000_000


@njit(nogil=True, cache=True)
def seek(starts: NDArray[np.int64], time_us: int, guess: int) -> int:
    """Return i with starts[i] <= time < starts[i + 1]; the time lies within, the guess is any valid i."""
    if starts[guess] <= time_us < starts[guess + 1]:
        return guess
    low, high = 0, starts.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle] <= time_us:
            low = middle
        else:
            high = middle
    return low


@njit(nogil=True, cache=True)
def hour_start(clock: Clock, segment: int, time_us: int) -> int:
    """Return the start of the hour window a time lies in; `segment` is where `seek` finds it among the changes."""
    whole = time_us - (time_us + clock.offset_us[segment]) % HOUR_US
    return max(whole, clock.change_us[segment])


@njit(nogil=True, cache=True)
def hour_end(clock: Clock, segment: int, time_us: int) -> int:
    """Return the end of the hour window a time lies in."""
    whole = time_us - (time_us + clock.offset_us[segment]) % HOUR_US + HOUR_US
    return min(whole, clock.change_us[segment + 1])


@njit(nogil=True, cache=True)
def windows_bound(clock: Clock, from_us: int, to_us: int) -> int:
    """Return a number that the hour windows sharing an instant with [from, to) cannot exceed; both lie in the calendar.

    Within one span of equal offset a stretch of length L meets at most L / hour + 2 windows.
    """
    changes = seek(clock.change_us, to_us, 0) - seek(clock.change_us, from_us, 0)
    return (to_us - from_us) // HOUR_US + 2 + 2 * changes
