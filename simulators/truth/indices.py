"""The air quality indices, all stations and windows at once: one row per station and window, one column per hour.

Knows hours of pollutants; knows neither stations nor times. Every step before an index is a ratio of integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.truth.breakpoints import NO_INDEX, Ratios, american, european, korean

LOOK_BACK = {"cai": 11, "us_aqi_nowcast": 11, "us_aqi": 7, "eaqi": 0}
"""Hours before the window that a formula also reads."""
RUNNING = 8
CAI_BAD = 101
CAI_BONUS = np.array([0, 0, 50, 75], np.int64)
"""Added for so many pollutants (three stand for more) that are bad or worse."""
C24E_HIGH = {"pm10": 70, "pm2_5": 30}
SO2_HOUR_MAX = 304
"""ppb, above which an hour of sulphur dioxide is judged by its day."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Hours:
    """Hourly means of one pollutant, oldest first, shape (rows, hours).

    Attributes:
        means: integers of any size, over the row's `below`, in µg/m³; those below zero are taken as zero.
        below: per row.
        present: whether the hour has a reading.
    """

    means: NDArray[Any]
    below: NDArray[Any]
    present: NDArray[np.bool_]

    @classmethod
    def of(cls, sums: NDArray[np.int64], counts: NDArray[np.int64], decimals: int) -> Hours:
        """Return the means of sums of readings in 10^-decimals µg/m³."""
        present = counts > 0
        each = np.where(present, counts, 1).astype(object)
        shared = reduce(np.lcm, each.T)
        means = np.maximum(np.where(present, sums, 0), 0).astype(object) * (shared[:, None] // each)
        return cls(means, shared * 10**decimals, present)

    def part(self, first: int, end: int | None = None) -> Hours:
        """Return some of the hours, counted as in a slice."""
        return Hours(self.means[:, first:end], self.below, self.present[:, first:end])

    def mean(self) -> Ratios:
        """Return the mean of the hours that are there, known where they are three quarters of all."""
        count = self.present.sum(axis=1)
        known = (count > 0) & (4 * count >= 3 * self.present.shape[1])
        return Ratios(self.means.sum(axis=1), self.below * np.maximum(count, 1).astype(object), known)

    def newest(self) -> Ratios:
        """Return the newest hour."""
        return Ratios(self.means[:, -1], self.below, self.present[:, -1])

    def highest(self) -> Ratios:
        """Return the highest hour, known where three quarters of the hours are there."""
        return Ratios(self.means.max(axis=1), self.below, self.mean().known)


def cai(hours: Mapping[str, Hours], own: int) -> list[Indices]:
    """Return the sub-indices of Korea's CAI of the newest hour, the bonus for several bad ones added to each."""
    assert own == 1  # noqa: S101  # the definition's window is an hour
    found = []
    for code, of in hours.items():
        value = predicted(of, C24E_HIGH[code]) if code in C24E_HIGH else of.newest()
        found.append(korean(code).index(korean(code).rounded(value), value.known))
    complete = np.all([one > NO_INDEX for code, one in zip(hours, found, strict=True) if code not in ("so2", "co")], 0)
    bonus = CAI_BONUS[np.minimum(sum((one >= CAI_BAD).astype(np.int64) for one in found), 3)]
    return [np.where(complete & (one > NO_INDEX), one + bonus, NO_INDEX) for one in found]


def predicted(hours: Hours, high: int) -> Ratios:
    """Return C24E, (12 C12 + 12 C4) / 24: C4 takes three quarters of what is high and near the mean of twelve."""
    twelve, four = hours.mean(), hours.part(-4)
    value = four.means
    total, count = twelve.above[:, None], (twelve.below // hours.below)[:, None]  # C12 is total / count
    plain = (value < high * hours.below[:, None]) | (10 * value * count < 9 * total) | (10 * value * count > 17 * total)
    quarters = Hours(np.where(plain.astype(np.bool_), 4, 3) * value, 4 * hours.below, four.present).mean()
    above = twelve.above * quarters.below + quarters.above * twelve.below
    return Ratios(above, 2 * twelve.below * quarters.below, twelve.known & quarters.known)


def nowcast(hours: Hours) -> Ratios:
    """Return NowCast: sum(w^age c) / sum(w^age), w the least over the greatest hour but at least 1/2."""
    least = np.where(hours.present, hours.means, hours.means.max(axis=1)[:, None]).min(axis=1)
    greatest = hours.means.max(axis=1)
    half = (2 * least < greatest).astype(np.bool_)
    top = np.where(half, 1, np.where(greatest == 0, 1, least))
    bottom = np.where(half, 2, np.where(greatest == 0, 1, greatest))
    common = np.gcd(top, bottom)
    top, bottom = top // common, bottom // common
    last = hours.means.shape[1] - 1
    # Both sums times bottom^last, so that they are whole.
    weights = np.stack([top ** (last - at) * bottom**at for at in range(last + 1)], axis=1) * hours.present
    known = hours.present[:, -3:].sum(axis=1) >= 2
    above, below = (weights * hours.means).sum(axis=1), weights.sum(axis=1) * hours.below
    return Ratios(np.where(known, above, 0), np.where(known, below, 1), known)


def us_aqi_nowcast(hours: Mapping[str, Hours], own: int) -> list[Indices]:
    """Return the sub-indices of the US AQI of the newest hour."""
    assert own == 1  # noqa: S101  # the definition's window is an hour
    found = []
    for code, of in hours.items():
        running = of.part(-RUNNING).mean()
        if code in C24E_HIGH:
            found.append(_american(code, "24h", nowcast(of)))
        elif code == "o3":
            found.append(_ozone(running, of.newest()))
        elif code == "co":
            found.append(_american(code, "8h", running))
        else:
            found.append(_american(code, "1h", of.newest()))
    return found


def us_aqi(hours: Mapping[str, Hours], own: int) -> list[Indices]:
    """Return the sub-indices of the US AQI of a day of `own` hours; those before are for its first running means."""
    found = []
    for code, of in hours.items():
        day = of.part(-own)
        if code in C24E_HIGH:
            found.append(_american(code, "24h", day.mean()))
        elif code == "o3":
            found.append(_ozone(_highest_running(of, own), day.highest()))
        elif code == "co":
            found.append(_american(code, "8h", _highest_running(of, own)))
        elif code == "so2":
            by_hour = _american(code, "1h", day.highest())
            by_day = _american(code, "24h", day.mean())
            high = american(code, "1h").truncated(day.highest()) > SO2_HOUR_MAX
            found.append(np.where(high & (by_day > NO_INDEX), by_day, by_hour))
        else:
            found.append(_american(code, "1h", day.highest()))
    return found


def eaqi(hours: Mapping[str, Hours], own: int) -> list[Indices]:
    """Return the number of each pollutant's band of the European AQI by the newest hour, upper limits included."""
    assert own == 1  # noqa: S101  # the definition's window is an hour
    found = []
    for code, of in hours.items():
        value = of.newest()
        band = 1 + sum((value.above > limit * value.below).astype(np.int64) for limit in european(code))
        found.append(np.where(value.known, band, NO_INDEX))
    return found


FORMULAS = {"cai": cai, "us_aqi_nowcast": us_aqi_nowcast, "us_aqi": us_aqi, "eaqi": eaqi}


def _american(code: str, averaging: str, value: Ratios) -> Indices:
    table = american(code, averaging)
    return table.index(table.truncated(value), value.known)


def _ozone(eight_hours: Ratios, hour: Ratios) -> Indices:
    """Return the index by eight hours, or by one where that, in addition to it, gives more."""
    by_eight = _american("o3", "8h", eight_hours)
    return np.where(by_eight > NO_INDEX, np.maximum(by_eight, _american("o3", "1h", hour)), NO_INDEX)


def _highest_running(hours: Hours, own: int) -> Ratios:
    """Return the highest 8-hour mean that ends in the last `own` hours, known where three quarters of them are."""
    means = [hours.part(at, at + RUNNING).mean() for at in range(own)]
    shared = int(np.lcm.reduce(np.arange(1, RUNNING + 1)))
    # Each mean is over the row's `below` times its number of hours: brought to one denominator they compare.
    each = [np.where(m.known, m.above * shared // (m.below // hours.below), 0) for m in means]
    known = np.sum([m.known for m in means], axis=0)
    return Ratios(reduce(np.maximum, each), hours.below * shared, (known > 0) & (4 * known >= 3 * own))
