"""From hours to the concentrations that the air quality indices look up: averages, NowCast, C24E, units.

Everything is an exact ratio of Python integers (numerator, denominator > 0) until a standard says to round or truncate.
A negative hourly mean counts as 0.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple

from engine.indicators.breakpoints import Breakpoints
from engine.indicators.definition import Hours
from engine.indicators.exact import round_half_even

Ratio = tuple[int, int]
"""Numerator and denominator; the denominator is positive, the ratio is not always in lowest terms."""

MOLAR_LITRES = Fraction("24.45")
"""Litres of one mole of ideal gas at 25 °C and 1013.25 hPa, the reference state of US and Korean gas figures."""

MOLAR_GRAMS = {
    "no2": Fraction("46.005"),
    "so2": Fraction("64.058"),
    "o3": Fraction("47.997"),
    "co": Fraction("28.010"),
}
"""g/mol, from the abridged IUPAC 2021 atomic weights N 14.007, O 15.999, S 32.06, C 12.011."""

PPB_PER_UG_M3 = {code: MOLAR_LITRES / grams for code, grams in MOLAR_GRAMS.items()}
"""ppb of one µg/m3, exact by definition here: 1/1.8816 NO2, 1/2.6200 SO2, 1/1.9631 O3, 1/1.1456 CO."""

NOWCAST_HOURS = 12
NOWCAST_NEWEST = 3
"""Of this many newest hours, NowCast needs `NOWCAST_NEWEST_MIN`."""
NOWCAST_NEWEST_MIN = 2

RUNNING_HOURS = 8
"""Length of the running means of ozone and carbon monoxide."""

C24E_HOURS = 12
C24E_NEWEST = 4
C24E_LIMIT = {"pm10": 70, "pm2_5": 30}
"""M of the CAI: below it (µg/m3) an hour is not adjusted."""


_RUNNING_COMMON = lcm(*range(1, RUNNING_HOURS + 1))
_RUNNING_SHARE = [0, *(_RUNNING_COMMON // count for count in range(1, RUNNING_HOURS + 1))]
"""What a sum of so many hours is multiplied by to be their mean over `_RUNNING_COMMON`."""


def enough(present: int, whole: int) -> bool:
    """Say whether at least 75 % of the parts of an average are there: 6 of 8 hours, 9 of 12, 18 of 24."""
    return present > 0 and 4 * present >= 3 * whole


def factor(code: str, unit: str) -> Fraction:
    """Return what a concentration in µg/m3 is multiplied by to be in a table's unit.

    Raises:
        KeyError: the unit is none of µg/m3, ppb and ppm, or the pollutant is no gas known here.
    """
    if unit == "ug/m3":
        return Fraction(1)
    return PPB_PER_UG_M3[code] / {"ppb": 1, "ppm": 1000}[unit]


def at(hours: Hours, position: int) -> Ratio | None:
    """Return the mean of one hour in µg/m3, or None where there was no reading."""
    count = hours.counts[position]
    return (max(0, hours.sums[position]) * hours.up, count * hours.down) if count else None


def common(hours: Hours, begin: int, end: int) -> tuple[list[int | None], int]:
    """Return the means of the hours [begin, end) as integers over one common denominator (µg/m3), None where missing.

    Positions before the first hour count as missing.
    """
    counts, sums = hours.counts, hours.sums
    shared = lcm(*[count for count in counts[max(0, begin) : end] if count])
    up = hours.up
    means = [max(0, sums[i]) * up * (shared // counts[i]) if i >= 0 and counts[i] else None for i in range(begin, end)]
    return means, shared * hours.down


def mean(hours: Hours, begin: int, end: int) -> Ratio | None:
    """Return the mean of hourly means over [begin, end); None with fewer than 75 % of these hours."""
    means, shared = common(hours, begin, end)
    present = [value for value in means if value is not None]
    return (sum(present), len(present) * shared) if enough(len(present), end - begin) else None


class Day(NamedTuple):
    """One day of one pollutant: hourly means as integers over one denominator (µg/m3), None where missing.

    The first RUNNING_HOURS - 1 of them lie before the day, for the running means that end in it.
    """

    means: list[int | None]
    shared: int

    @classmethod
    def of(cls, hours: Hours, own: int) -> Day:
        """Return the last `own` hours as a day, with the hours before it."""
        end = len(hours.counts)
        return cls(*common(hours, end - own - RUNNING_HOURS + 1, end))

    def mean(self) -> Ratio | None:
        """Return the mean of the day's hours; None with fewer than 75 % of them."""
        own = self.means[RUNNING_HOURS - 1 :]
        present = [value for value in own if value is not None]
        return (sum(present), len(present) * self.shared) if enough(len(present), len(own)) else None

    def highest_hour(self) -> Ratio | None:
        """Return the highest hour of the day; None with fewer than 75 % of them."""
        own = self.means[RUNNING_HOURS - 1 :]
        present = [value for value in own if value is not None]
        return (max(present), self.shared) if enough(len(present), len(own)) else None

    def highest_running(self) -> Ratio | None:
        """Return the highest 8-hour mean that ends in the day; None when fewer than 75 % of them are there.

        A running mean needs 6 of its 8 hours.
        """
        means = self.means
        first = means[: RUNNING_HOURS - 1]
        total = sum(value for value in first if value is not None)
        count = sum(value is not None for value in first)
        best, present = 0, 0
        for position in range(RUNNING_HOURS - 1, len(means)):
            value = means[position]
            if value is not None:
                total += value
                count += 1
            if enough(count, RUNNING_HOURS):
                present += 1
                best = max(best, total * _RUNNING_SHARE[count])
            value = means[position - RUNNING_HOURS + 1]
            if value is not None:
                total -= value
                count -= 1
        whole = len(means) - RUNNING_HOURS + 1
        return (best, _RUNNING_COMMON * self.shared) if enough(present, whole) else None


def nowcast(hours: Hours) -> Ratio | None:
    """Return the NowCast of the newest 12 hours (PM2.5, PM10); None when fewer than 2 of the newest 3 are there.

    w = max(c_min / c_max, 1/2), or 1 when c_max is 0; NowCast = sum(w^age c) / sum(w^age) over the hours that are
    there, each keeping its age. EPA-454/B-24-002, "How the NowCast is calculated".
    """
    means, shared = common(hours, len(hours.counts) - NOWCAST_HOURS, len(hours.counts))
    if sum(value is not None for value in means[-NOWCAST_NEWEST:]) < NOWCAST_NEWEST_MIN:
        return None
    present = [value for value in means if value is not None]
    low, high = min(present), max(present)
    if high == 0:
        return 0, 1
    if 2 * low < high:
        low, high = 1, 2
    shrink = gcd(low, high)
    low, high = low // shrink, high // shrink
    # With w = low / high, both sums are taken times high^age of the oldest hour, so that they stay whole numbers.
    total = weights = 0
    scale = 1
    for value in means:
        total *= low
        weights *= low
        if value is not None:
            total += value * scale
            weights += scale
        scale *= high
    return total, weights * shared


def predicted(hours: Hours, code: str) -> Ratio | None:
    """Return C24E, the 24-hour predicted moving average of the CAI; None with less than 75 % of its hours.

    C24E = (12 C12 + 12 C4) / 24, C12 the mean of the newest 12 hours, C4 of the newest 4 adjusted ones: an hour counts
    0.75 times, unless it is below M, below 0.9 C12 or above 1.7 C12. (AirKorea; M = 70 for PM10, 30 for PM2.5.)
    """
    means, shared = common(hours, len(hours.counts) - C24E_HOURS, len(hours.counts))
    present = [value for value in means if value is not None]
    newest = [value for value in means[-C24E_NEWEST:] if value is not None]
    if not enough(len(present), C24E_HOURS) or not enough(len(newest), C24E_NEWEST):
        return None
    total, n = sum(present), len(present)
    limit = C24E_LIMIT[code] * shared
    adjusted = 0  # four times the sum of the adjusted hours
    for value in newest:
        kept = value < limit or 10 * n * value < 9 * total or 10 * n * value > 17 * total
        adjusted += 4 * value if kept else 3 * value
    # (total / n + adjusted / (4 k)) / 2
    four = 4 * len(newest)
    return total * four + adjusted * n, 2 * n * four * shared


class Lookup:
    """One pollutant's table with the factor from µg/m3 to a count of its precision.

    Attributes:
        table: as given.
        steps: counts of the table's precision in one µg/m3.

    Raises:
        KeyError: the table's unit cannot be reached from µg/m3 (see `factor`).
    """

    def __init__(self, table: Breakpoints) -> None:
        self.table = table
        self.steps = factor(table.pollutant, table.unit) * 10**table.decimals
        self._up: int = self.steps.numerator
        self._down: int = self.steps.denominator

    def rounded(self, concentration: Ratio) -> int:
        """Return the concentration as a count of the table's precision, nearest, ties to even."""
        return round_half_even(concentration[0] * self._up, concentration[1] * self._down)

    def truncated(self, concentration: Ratio) -> int:
        """Return the concentration as a count of the table's precision, cut off as the US EPA asks."""
        return concentration[0] * self._up // (concentration[1] * self._down)
