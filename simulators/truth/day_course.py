"""Figures of a day's hours by what the clock shows in them: noise of day, evening and night, water at night, load.

Knows hours of one measurand and dates; knows no indicator's code. Fractions, and decimals of sixty digits for noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter

from simulators.truth.city_clock import CityClock
from simulators.truth.definitions import What
from simulators.truth.scales import ENERGY_OF_0_DB, EXACT, level_of


class Part(Enum):
    """Parts of a day, and how many decibels each is made worse: directive 2002/49/EC."""

    DAY = 0
    EVENING = 5
    NIGHT = 10


COURSE = (What.NIGHT_NOISE, What.WHOLE_NOISE, What.NIGHT_FLOW, What.NIGHT_FLOW_LEAST, What.LOAD)
"""What is made here."""


@dataclass(frozen=True, slots=True)
class Day:
    """The hours of one civil day: start, and length in minutes.

    Attributes:
        parts: those of the directive; the night is the one that ends in the day.
        small: those in which the clock shows 2 or 3.
        own: all of the day itself.
    """

    parts: dict[Part, list[tuple[int, int]]] = field(default_factory=lambda: {part: [] for part in Part})
    small: list[tuple[int, int]] = field(default_factory=list)
    own: list[tuple[int, int]] = field(default_factory=list)


@lru_cache(maxsize=1)
def days_of(clock: CityClock) -> dict[int, Day]:
    """Return every day by its start; remembered, for every indicator made here asks for the days of one clock."""
    hours = list(clock.shown())
    following = sorted({shown for _, _, shown, _ in hours})
    next_of = dict(pairwise(following))
    named: dict[object, Day] = {shown: Day() for shown in following}
    for start_us, minutes, shown, hour in hours:
        one = (start_us, minutes)
        if hour == 23:
            named.get(next_of.get(shown), Day()).parts[Part.NIGHT].append(one)
        else:
            part = Part.NIGHT if hour < 7 else Part.DAY if hour < 19 else Part.EVENING
            named[shown].parts[part].append(one)
    found: dict[int, Day] = {}
    # Not strict: the last hour of the clock only ends the one before.
    held = zip(clock.day_starts(), hours[len(clock.earlier_us) :], strict=False)
    for begin_us, within in groupby(held, itemgetter(0)):
        inside = [one for _, one in within]
        day = named[max(shown for _, _, shown, _ in inside)]
        day.own.extend((start, minutes) for start, minutes, _, _ in inside)
        day.small.extend((start, minutes) for start, minutes, _, hour in inside if hour in (2, 3))
        found[begin_us] = day
    return found


def figure(what: What, day: Day, heard: Mapping[int, tuple[int, int]], decimals_in: int, decimals: int) -> int | None:
    """Return a station's figure as a count of 10^-decimals; None where too few hours were heard.

    Args:
        what: one of COURSE.
        day: its hours.
        heard: sum and count by the start of every hour that holds a reading.
        decimals_in: of the measurand.
        decimals: of the figure.

    Raises:
        ZeroDivisionError: of a load that never was there is no factor.
    """
    if what is What.NIGHT_NOISE:
        energy = _energy(day.parts[Part.NIGHT], heard)
        return None if energy is None else _level(_decimal(energy), decimals)
    if what is What.WHOLE_NOISE:
        return _whole_noise(day, heard, decimals)
    hours = day.own if what is What.LOAD else day.small
    there = [(Fraction(heard[start][0]), minutes) for start, minutes in hours if start in heard]
    if not _three_quarters((minutes for _, minutes in there), hours):
        return None
    each = [rise / minutes for rise, minutes in there]
    mean = sum((rise for rise, _ in there), Fraction(0)) / sum(minutes for _, minutes in there)
    if what is What.LOAD:
        return round(100 * Fraction(10) ** decimals * mean / max(Fraction(0), *each))
    per_hour = 60 * (mean if what is What.NIGHT_FLOW else min(each))
    return round(per_hour * Fraction(10) ** (decimals - decimals_in))


def _whole_noise(day: Day, heard: Mapping[int, tuple[int, int]], decimals: int) -> int | None:
    total, lasted = Decimal(0), 0
    for part, hours in day.parts.items():
        energy = _energy(hours, heard)
        if energy is None:
            return None
        minutes = sum(length for _, length in hours)
        weight = EXACT.power(Decimal(10), EXACT.divide(part.value, 10))
        total = EXACT.add(total, EXACT.multiply(EXACT.multiply(weight, _decimal(energy)), minutes))
        lasted += minutes
    return _level(EXACT.divide(total, lasted), decimals)


def _energy(hours: list[tuple[int, int]], heard: Mapping[int, tuple[int, int]]) -> Fraction | None:
    there = [(Fraction(*heard[start]), minutes) for start, minutes in hours if start in heard]
    if not _three_quarters((minutes for _, minutes in there), hours):
        return None
    return sum((mean * minutes for mean, minutes in there), Fraction(0)) / sum(minutes for _, minutes in there)


def _three_quarters(there: Iterable[int], hours: list[tuple[int, int]]) -> bool:
    present = sum(there)
    return present > 0 and Fraction(present, sum(minutes for _, minutes in hours)) >= Fraction(3, 4)


def _decimal(energy: Fraction) -> Decimal:
    return EXACT.divide(energy.numerator, energy.denominator)


def _level(energy: Decimal, decimals: int) -> int:
    return level_of(EXACT.divide(energy, ENERGY_OF_0_DB), 1, decimals) if energy > 0 else 0
