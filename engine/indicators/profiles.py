"""Figures of the hours of one measurand by the city's clock: noise of day, evening and night, water at night, load.

Columns in, columns out, exact in integers; knows no station and no date. An hour counts where a reading lies in it: a
share that a meter has of an hour it did not report says nothing about the night.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt, lcm

import numpy as np
from numpy.typing import NDArray

from engine.indicators.columns import LEVEL_MAX
from engine.indicators.concentration_columns import GUARD
from engine.indicators.concentrations import Ratio
from engine.indicators.definition import Column, Indicator, Profile
from engine.indicators.exact import level_floats, level_of, level_thresholds, quotients, ratio
from engine.weights import ENERGY_SCALE

DAY_HOURS = range(7, 19)
EVENING_HOURS = range(19, 23)
NIGHT_HOURS = (23, *range(7))
"""Directive 2002/49/EC, annex I: day 07-19, evening 19-23, night 23-07, which begins on the day before."""
NIGHT_LOOKBACK_HOURS = 2
"""Where the clock goes back at midnight, the hour from 23 comes twice."""

WEIGHT_ONE = 10**40
EVENING_WEIGHT = isqrt(10 * WEIGHT_ONE**2)
NIGHT_WEIGHT = 10 * WEIGHT_ONE
"""5 dB more are the energy times the root of 10, to forty digits; 10 dB more are ten times the energy."""

FLOW_HOURS = range(2, 4)
"""When people draw least: the hours of the minimum night flow (IWA Water Loss Task Force)."""
HOUR_MINUTES = 60


def lnight(of: Profile, to: Indicator) -> Column:
    """Return the level of the night that ends in the day; none with less than 75 % of its hours."""
    night = _night(of)
    known = _enough(of, night, of.count[:, night] > 0)
    return _levels(known, _means(of, night), lambda row: _mean_energy(of, night, row), to)


def lden(of: Profile, to: Indicator) -> Column:
    """Return the level of evening, day and the night before them, each with its weight and for as long as it lasted.

    The night is the one of `lnight`. None where one of the three has less than 75 % of its hours: a day without its
    night would look quieter than it was.
    """
    parts = (
        (WEIGHT_ONE, _own(of, DAY_HOURS)),
        (EVENING_WEIGHT, _own(of, EVENING_HOURS)),
        (NIGHT_WEIGHT, _night(of)),
    )
    lasted = [int(of.minutes[hours].sum()) for _, hours in parts]
    weights = [weight * minutes for (weight, _), minutes in zip(parts, lasted, strict=True)]
    below_all = WEIGHT_ONE * sum(lasted)
    known, mean = np.ones(of.stations, np.bool_), np.zeros(of.stations)
    for (_, hours), weight in zip(parts, weights, strict=True):
        known &= _enough(of, hours, of.count[:, hours] > 0)
        mean += _means(of, hours) * (weight / max(below_all, 1))

    def exact(row: int) -> Ratio:
        total, below = 0, 1
        for (_, hours), weight in zip(parts, weights, strict=True):
            energy, number = _mean_energy(of, hours, row)
            total = total * number + energy * weight * below
            below *= number
        return total, below * below_all

    return _levels(known, mean, exact, to)


def night_flow(of: Profile, to: Indicator) -> Column:
    """Return the mean flow from 02 to 04, per hour; none with less than 75 % of these hours."""
    hours = _own(of, FLOW_HOURS)
    rise, heard, minutes = _rises(of, hours)
    ticks = ratio(rise.sum(axis=1) * HOUR_MINUTES, np.maximum(minutes, 1), of.measurand.decimals, to.decimals)
    return Column(ticks, _enough(of, hours, heard))


def night_flow_lowest(of: Profile, to: Indicator) -> Column:
    """Return the flow of the hour from 02 to 04 with the least; none with less than 75 % of these hours."""
    hours = _own(of, FLOW_HOURS)
    rise, heard, _ = _rises(of, hours)
    known = _enough(of, hours, heard)
    if not known.any():
        return Column(np.zeros(of.stations, np.int64), known)
    scaled, over = _comparable(of, hours, rise)
    least = np.where(heard, scaled, scaled.max()).min(axis=1)
    ticks = ratio(least * HOUR_MINUTES, np.full(of.stations, over), of.measurand.decimals, to.decimals)
    return Column(np.where(known, ticks, 0), known)


def load_factor(of: Profile, to: Indicator) -> Column:
    """Return the mean power of the day as a percentage of that of its highest hour.

    None with less than 75 % of the day's hours. A day without any load has no factor; a late reading may show that a
    load belonged to another day, so the figure that stood is then taken away.
    """
    hours = _own(of, range(24))
    rise, heard, minutes = _rises(of, hours)
    told = _enough(of, hours, heard)
    scaled, over = _comparable(of, hours, rise)
    # Hours that were not heard are 0 here, and lose against any load.
    peak = scaled.max(axis=1, initial=0)
    known = told & (peak > 0)
    ticks = np.zeros(of.stations, np.int64)
    rose, percent = rise.sum(axis=1), 100 * 10**to.decimals
    ticks[known] = quotients(rose[known], percent * over, peak[known], minutes[known])
    return Column(ticks, known, told)


def _own(of: Profile, hours: range) -> NDArray[np.intp]:
    """Return where the window's own hours of these numbers of the clock stand."""
    first = of.clock.size - of.own
    return np.asarray(first + np.flatnonzero(np.isin(of.clock[first:], hours)))


def _night(of: Profile) -> NDArray[np.intp]:
    """Return where the hours of the night stand that ends in the window: none of the next night."""
    waking = np.r_[_own(of, DAY_HOURS), _own(of, EVENING_HOURS), of.clock.size]
    return np.flatnonzero(np.isin(of.clock[: int(waking.min())], NIGHT_HOURS))


def _levels(
    known: NDArray[np.bool_], mean: NDArray[np.float64], exact: Callable[[int], Ratio], to: Indicator
) -> Column:
    """Return the levels of mean energies.

    Args:
        known: of which stations there is one.
        mean: as floats, off by less than `GUARD` of themselves: at most 40 operations on positive numbers.
        exact: gives it as a ratio, for the few that lie so near to a threshold.
        to: whose levels.
    """
    floats = level_floats(ENERGY_SCALE, to.decimals, LEVEL_MAX)
    below, above = (np.searchsorted(floats, mean * end, "right") for end in (1 - GUARD, 1 + GUARD))
    ticks = np.where(known, np.maximum(below - 1, 0), 0).astype(np.int64)
    thresholds = level_thresholds(ENERGY_SCALE, to.decimals, LEVEL_MAX)
    for row in np.flatnonzero(known & (below != above)).tolist():
        ticks[row] = level_of(*exact(row), thresholds)
    return Column(ticks, known)


def _means(of: Profile, hours: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the mean energy of each station, each hour for as long as it lasted; 0 where nothing was heard."""
    count = of.count[:, hours]
    heard, minutes = count > 0, of.minutes[hours].astype(np.float64)
    energy = np.where(heard, of.sums[:, hours], 0) / np.maximum(count, 1)
    return np.asarray((energy * minutes).sum(axis=1) / np.maximum((heard * minutes).sum(axis=1), 1.0))


def _mean_energy(of: Profile, hours: NDArray[np.intp], row: int) -> Ratio:
    """Return the mean energy of one station, of which something was heard, exactly."""
    energies, counts, minutes = of.sums[row, hours].tolist(), of.count[row, hours].tolist(), of.minutes[hours].tolist()
    shared = lcm(*(count for count in counts if count))
    total = lasted = 0
    for energy, count, length in zip(energies, counts, minutes, strict=True):
        if count:
            total += energy * (shared // count) * length
            lasted += length
    return total, shared * lasted


def _rises(of: Profile, hours: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return what meters rose by in each hour, 0 where nothing was heard; what was heard; and how long in all."""
    heard = of.count[:, hours] > 0
    return np.where(heard, of.sums[:, hours], 0), heard, (heard * of.minutes[hours]).sum(axis=1)


def _enough(of: Profile, hours: NDArray[np.intp], heard: NDArray[np.bool_]) -> NDArray[np.bool_]:
    present = (heard * of.minutes[hours]).sum(axis=1)
    return np.asarray((present > 0) & (4 * present >= 3 * int(of.minutes[hours].sum())))


def _comparable(of: Profile, hours: NDArray[np.intp], rise: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return rises of hours as if all of them lasted equally long, and how many minutes that is."""
    minutes = of.minutes[hours].tolist()
    over = lcm(*minutes)
    return rise * np.array([over // lasted for lasted in minutes], np.int64), over
