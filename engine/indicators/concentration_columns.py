"""Concentrations of all stations at once, each as two floats between which the exact one lies.

Knows columns of hours; knows no index and decides nothing: what two ends say alike, the exact value says too, and where
they differ the formulas in `concentrations` are asked. Those are the definition; what stands here is quick.

Every hour is a non-negative ratio and everything made of hours adds, multiplies and divides such values, so errors are
relative and never grow by cancelling. Of one operation, one conversion of a sum beyond 2**53 among them, the error is
2**-53. An hour has at most 6 of them, a mean of 25 hours 30, NowCast 350 (its weight 13, in eleven steps of it with an
addition each, above and below the line), a table's factor 3 more: below 400 * 2**-53 < 5e-14, of which `GUARD` is more
than ten thousand times. Nothing underflows: what is not 0 is at least one tick divided by a count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.indicators.concentrations import (
    C24E_HOURS,
    C24E_LIMIT,
    C24E_NEWEST,
    NOWCAST_HOURS,
    NOWCAST_NEWEST,
    NOWCAST_NEWEST_MIN,
    RUNNING_HOURS,
)
from engine.indicators.definition import HourColumns

GUARD = 1e-9
"""Half the distance of the two ends, relative to the value between them."""

ENDS = np.array([[1 - GUARD], [1 + GUARD]])
"""What a value is multiplied by to be its lower and its upper end."""

MISSING = -1.0
"""Both ends of a concentration that a station does not have; every other one is at least 0."""

Between = NDArray[np.float64]
"""Shape (2, stations): lower and upper end of a concentration in µg/m3, or `MISSING`."""


class Series(NamedTuple):
    """The newest hours of one pollutant, oldest first, shape (stations, hours).

    Attributes:
        means: µg/m3, 0 where there was no reading.
        present: bool, whether there was one.
    """

    means: NDArray[np.float64]
    present: NDArray[np.bool_]

    @classmethod
    def of(cls, of: HourColumns, position: int, hours: int) -> Series:
        """Return so many newest hours of the input at this position; hours before the first one count as missing."""
        count, sums = of.count[:, position, -hours:], of.sums[:, position, -hours:]
        present = count > 0
        readings = np.maximum(count, 1).astype(np.float64) * float(of.down[position])
        means = np.where(present, np.maximum(sums, 0).astype(np.float64) * float(of.up[position]) / readings, 0.0)
        if count.shape[1] == hours:
            return cls(means, present)
        before = ((0, 0), (hours - count.shape[1], 0))
        return cls(np.pad(means, before), np.pad(present, before))

    def newest(self, hours: int) -> Series:
        """Return the newest of these hours."""
        return Series(self.means[:, -hours:], self.present[:, -hours:])

    def at_newest(self) -> Between:
        """Return the mean of the newest hour."""
        return _between(self.means[:, -1], self.present[:, -1])

    def mean(self) -> Between:
        """Return the mean of these hours; missing with fewer than 75 % of them."""
        number = self.present.sum(axis=1)
        return _between(_average(self.means.sum(axis=1), number), _enough(number, self.means.shape[1]))

    def highest(self) -> Between:
        """Return the highest of these hours; missing with fewer than 75 % of them."""
        return _between(self.means.max(axis=1), _enough(self.present.sum(axis=1), self.means.shape[1]))

    def highest_running(self) -> Between:
        """Return the highest 8-hour mean that ends in these hours after the first seven, with 75 % of such means.

        A running mean needs 6 of its 8 hours.
        """
        own = self.means.shape[1] - RUNNING_HOURS + 1
        # Added up anew for every end: to take off what drops out would leave the error of what had been there.
        total, number = np.zeros((self.means.shape[0], own)), np.zeros((self.means.shape[0], own), np.int64)
        for age in range(RUNNING_HOURS):
            total += self.means[:, age : age + own]
            number += self.present[:, age : age + own]
        valid = _enough(number, RUNNING_HOURS)
        highest = np.where(valid, _average(total, number), 0.0).max(axis=1)
        return _between(highest, _enough(valid.sum(axis=1), own))


def nowcast(of: HourColumns, position: int) -> Between:
    """Return `concentrations.nowcast` of the input at this position."""
    series = Series.of(of, position, NOWCAST_HOURS)
    means, present = series
    high = means.max(axis=1)
    low = np.where(present, means, high[:, None]).min(axis=1)
    # Where the two branches meet they agree, so it does not matter on which side of a half a float falls.
    weight = np.where(high > 0, np.maximum(low / np.where(high > 0, high, 1.0), 0.5), 1.0)
    total, weights = np.zeros(high.size), np.zeros(high.size)
    for hour in range(NOWCAST_HOURS):
        total = total * weight + means[:, hour]
        weights = weights * weight + present[:, hour]
    known = series.newest(NOWCAST_NEWEST).present.sum(axis=1) >= NOWCAST_NEWEST_MIN
    return _between(total / np.where(known, weights, 1.0), known)


def predicted(of: HourColumns, position: int, code: str) -> Between:
    """Return `concentrations.predicted` of the input at this position, whose pollutant is `code`.

    An hour that may or may not be adjusted is so in the lower end, and is not in the upper one.
    """
    series = Series.of(of, position, C24E_HOURS)
    newest = series.newest(C24E_NEWEST)
    number, newest_number = series.present.sum(axis=1), newest.present.sum(axis=1)
    c12 = _average(series.means.sum(axis=1), number)
    value, mean, end = newest.means, c12[:, None], ENDS[:, :, None]
    kept = (value < C24E_LIMIT[code] * end) | (value < 0.9 * mean * end) | (value * end > 1.7 * mean)
    c4 = _average(np.where(kept, value, 0.75 * value).sum(axis=2), newest_number)
    known = _enough(number, C24E_HOURS) & _enough(newest_number, C24E_NEWEST)
    return _between((c12 + c4) / 2, known)


def _between(value: NDArray[np.float64], known: NDArray[np.bool_]) -> Between:
    return np.where(known, value * ENDS, MISSING)


def _enough(present: NDArray[np.int64], whole: int) -> NDArray[np.bool_]:
    """Return `concentrations.enough` of each row."""
    return np.asarray((present > 0) & (4 * present >= 3 * whole))


def _average(total: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(total / np.maximum(number, 1))
