"""Figures of the hours of one measurand by the city's clock: noise of day, evening and night, water at night, load.

Columns in, columns out, exact in integers; knows no station and no date. An hour counts where a reading lies in it: a
share that a meter has of an hour it did not report says nothing about the night.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt, lcm

import numpy as np
from numpy.typing import NDArray

from engine.indicators.columns import LEVEL_MAX
from engine.indicators.concentrations import Ratio
from engine.indicators.definition import Column, Indicator, Profile
from engine.indicators.exact import level_of, level_thresholds, ratio, round_half_even
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
    thresholds = level_thresholds(ENERGY_SCALE, to.decimals, LEVEL_MAX)
    found = _mean_energies(of, _night(of))
    return _column([None if energy is None else level_of(*energy, thresholds) for energy in found])


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
    thresholds = level_thresholds(ENERGY_SCALE, to.decimals, LEVEL_MAX)
    found: list[int | None] = []
    for energies in zip(*(_mean_energies(of, hours) for _, hours in parts), strict=True):
        total, below = 0, 1
        for energy, weight in zip(energies, weights, strict=True):
            if energy is None:
                found.append(None)
                break
            total = total * energy[1] + energy[0] * weight * below
            below *= energy[1]
        else:
            found.append(level_of(total, below * below_all, thresholds))
    return _column(found)


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
    for row in np.flatnonzero(known).tolist():
        above = 100 * 10**to.decimals * over * int(rise[row].sum())
        ticks[row] = round_half_even(above, int(minutes[row]) * int(peak[row]))
    return Column(ticks, known, told)


def _own(of: Profile, hours: range) -> NDArray[np.intp]:
    """Return where the window's own hours of these numbers of the clock stand."""
    first = of.clock.size - of.own
    return np.asarray(first + np.flatnonzero(np.isin(of.clock[first:], hours)))


def _night(of: Profile) -> NDArray[np.intp]:
    """Return where the hours of the night stand that ends in the window: none of the next night."""
    waking = np.r_[_own(of, DAY_HOURS), _own(of, EVENING_HOURS), of.clock.size]
    return np.flatnonzero(np.isin(of.clock[: int(waking.min())], NIGHT_HOURS))


def _mean_energies(of: Profile, hours: NDArray[np.intp]) -> list[Ratio | None]:
    """Return the mean energy of each station, each hour for as long as it lasted; None with less than 75 % of them."""
    minutes, count = of.minutes[hours], of.count[:, hours]
    heard = count > 0
    energy = np.where(heard, of.sums[:, hours], 0)
    most = count.max(axis=1, initial=0)
    # Where all hours hold equally many readings, as they mostly do, the sum of sums is enough.
    alike = (~heard | (count == most[:, None])).all(axis=1) & bool((minutes == minutes.max(initial=0)).all())
    known = _enough(of, hours, heard)
    totals, readings = energy.sum(axis=1).tolist(), (most * heard.sum(axis=1)).tolist()
    found: list[Ratio | None] = [None] * of.stations
    for row in np.flatnonzero(known & alike).tolist():
        found[row] = totals[row], readings[row]
    for row in np.flatnonzero(known & ~alike).tolist():
        found[row] = _mean_energy(energy[row].tolist(), count[row].tolist(), minutes.tolist())
    return found


def _mean_energy(energies: Sequence[int], counts: Sequence[int], minutes: Sequence[int]) -> Ratio:
    """Return the mean energy of hours that hold unequal numbers of readings or do not last equally long."""
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


def _column(found: Sequence[int | None]) -> Column:
    ticks = np.array([0 if value is None else value for value in found], np.int64)
    return Column(ticks, np.array([value is not None for value in found], np.bool_))
