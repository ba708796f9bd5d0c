"""What a counter rose by between readings, what its falls were, and what its register shows at any instant.

Knows one counter's readings; knows no windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.truth.scales import exact, nearest_even
from simulators.truth.series import Line

HOUR_US = 3_600_000_000
PRODUCT_MAX = 2**62
"""Products below it, and their doubled remainders, fit int64."""


@dataclass(frozen=True, slots=True)
class Falls:
    """Readings below the one before, and what each was taken for, in the order of time."""

    time_us: tuple[int, ...]
    kind: tuple[str, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


NONE = Falls((), (), (), ())


def rises(line: Line, modulus: int, rate_max: int) -> tuple[NDArray[np.int64], Falls]:
    """Return the rise from each reading to the next, and the falls."""
    rise = np.diff(line.ticks)
    fell = np.flatnonzero(rise < 0)
    kinds = []
    for at in fell.tolist():
        hours = -(-int(line.time_us[at + 1] - line.time_us[at]) // HOUR_US)
        most = rate_max * hours if rate_max else None
        kind, counted = fall(int(line.ticks[at]), int(line.ticks[at + 1]), modulus, most)
        kinds.append(kind)
        rise[at] = counted
    after = fell + 1
    return rise, Falls(
        tuple(line.time_us[after].tolist()), tuple(kinds),
        tuple(line.ticks[fell].tolist()), tuple(line.ticks[after].tolist()),
    )  # fmt: skip


def fall(before: int, after: int, modulus: int, most: int | None) -> tuple[str, int]:
    """Return what a fall is taken for, and the rise that counts.

    Args:
        before, after: ticks, `after` is the lower one.
        modulus: where the register begins again; 0 where it never does.
        most: the largest plausible rise in the time between, a full rate for every hour begun; None where unknown.
    """
    lost = before - after
    passed = modulus - lost  # what it rose by if it went through the end of its register
    if modulus and 0 <= passed <= lost and (passed <= most if most is not None else 10 * passed <= modulus):
        return "rollover", passed
    if after > lost:  # more than half of the register is left: it ran backwards
        return "dip", -lost
    counted_anew = after >= 0 and (most is None or after <= most)
    return "reset", after if counted_anew else 0


def register(time_us: NDArray[np.int64], rise: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what had been counted at each edge since the first reading: interpolated, to the nearest tick."""
    total = np.append(0, np.cumsum(rise))
    if time_us.size < 2:
        return np.zeros(edges.size, np.int64)
    within = np.clip(edges, time_us[0], time_us[-1])
    at = np.clip(np.searchsorted(time_us, within, "right") - 1, 0, time_us.size - 2)
    part, whole = within - time_us[at], time_us[at + 1] - time_us[at]
    gained = rise[at]
    if int(np.abs(gained).max()) * int(part.max()) < PRODUCT_MAX:
        return total[at] + nearest_even(gained * part, whole)
    above, parts, below = exact(gained, part, whole)
    return total[at] + nearest_even(above * parts, below).astype(np.int64)
