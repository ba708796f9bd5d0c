"""From exact sums to the figure of each station, and from stations to one figure.

Knows statistics and pools; knows neither devices nor where sums come from. Fractions to the end: only a level of
decibels has decimals, because a logarithm has none that end, and it is taken by comparing integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from devices.measurands import Measurand
from engine.indicators.exact import level_of, level_thresholds
from engine.kpi.definition import Pool, Statistic, Telemetry
from engine.kpi.values import NotReported, Value, added
from engine.weights import ENERGY_SCALE

LEVEL_DECIMALS: Final = 1
"""Decimals of a level of decibels, as such levels are published."""
LEVEL_MAX: Final = 150
"""dB; levels at and above it are told apart no more."""


class Sums(NamedTuple):
    """The cells of one series over a period, merged; see `engine.cells` for what the sums of each kind are."""

    readings: int
    low: int
    high: int
    sums: tuple[int, int, int, int]

    @classmethod
    def none(cls) -> Sums:
        """Return that nothing was stored."""
        return cls(0, 0, 0, (0, 0, 0, 0))

    def merged(self, other: Sums) -> Sums:
        """Return both together."""
        if not self.readings or not other.readings:
            low, high = (other.low, other.high) if not self.readings else (self.low, self.high)
        else:
            low, high = min(self.low, other.low), max(self.high, other.high)
        a, b, c, d = (x + y for x, y in zip(self.sums, other.sums, strict=True))
        return Sums(self.readings + other.readings, low, high, (a, b, c, d))


@dataclass(frozen=True, slots=True)
class Station:
    """What one station contributes.

    Attributes:
        zone: position among the city's zones.
        value: its figure in the measurand's unit, an energy for ENERGY_MEAN; None where it has none.
    """

    zone: int
    value: Fraction | None


def station_value(how: Telemetry, of: Mapping[Measurand, Sequence[Sums]]) -> Fraction | None:
    """Return the figure of one station: per measurand from all its series, then the measurands added up.

    Args:
        how: what is wanted.
        of: sums of its series by measurand.
    """
    parts = []
    for measurand, series in of.items():
        whole = Sums.none()
        for one in series:
            whole = whole.merged(one)
        part = _statistic(how, measurand, whole)
        if part is not None:
            parts.append(part)
    return added(parts) if parts else None


def _statistic(how: Telemetry, measurand: Measurand, of: Sums) -> Fraction | None:
    unit = 10**measurand.decimals
    match how.statistic:
        case Statistic.COUNT:
            return Fraction(of.readings)
        case Statistic.SUM:
            return Fraction(of.sums[0], unit)
        case Statistic.INCREASE:
            # A period between two readings has its interpolated share without holding a reading itself.
            return Fraction(of.sums[0], unit) if of.readings or of.sums[0] else None
        case Statistic.SHARE:
            known = sum(of.sums[: len(measurand.states)])
            counted = sum(of.sums[measurand.states.index(name)] for name in how.states)
            return Fraction(counted, known) if known else None
    if not of.readings:
        return None
    match how.statistic:
        case Statistic.MINIMUM:
            return Fraction(of.low, unit)
        case Statistic.MAXIMUM:
            return Fraction(of.high, unit)
        case Statistic.ENERGY_MEAN:
            return Fraction(of.sums[0], of.readings)
    return Fraction(of.sums[0], unit * of.readings)


def pooled(how: Telemetry, stations: Sequence[Station], inhabitants: Sequence[Value]) -> Value:
    """Return the one figure of stations that count, in the input's unit.

    Args:
        how: what is wanted.
        stations: at least one, each with a value.
        inhabitants: of each zone, for POPULATION_MEAN.
    """
    values = [one.value for one in stations if one.value is not None]
    if how.pool is Pool.POPULATION_MEAN:
        weighted = _population_mean(how, stations, inhabitants)
        return weighted if isinstance(weighted, NotReported) else weighted * how.factor
    return _pool(how, values) * how.factor


def _pool(how: Telemetry, values: Sequence[Fraction]) -> Fraction:
    if how.pool is Pool.ENERGY_MEAN:
        # Energies are averaged as they are; of levels that were published before there is no way back to them.
        return level(added(values) / len(values))
    if how.statistic is Statistic.ENERGY_MEAN:
        values = [level(value) for value in values]
    limit = how.limit if how.limit is not None else Fraction(0)
    match how.pool:
        case Pool.SUM:
            return added(values)
        case Pool.MAXIMUM:
            return max(values)
        case Pool.COUNT_AT_MOST:
            return Fraction(sum(value <= limit for value in values))
        case Pool.COUNT_AT_LEAST:
            return Fraction(sum(value >= limit for value in values))
    return added(values) / len(values)


def _population_mean(how: Telemetry, stations: Sequence[Station], inhabitants: Sequence[Value]) -> Value:
    by_zone: dict[int, list[Fraction]] = {}
    for one in stations:
        if one.value is not None:
            figure = level(one.value) if how.statistic is Statistic.ENERGY_MEAN else one.value
            by_zone.setdefault(one.zone, []).append(figure)
    total, people = Fraction(0), Fraction(0)
    for zone, values in by_zone.items():
        weight = inhabitants[zone]
        if isinstance(weight, NotReported):
            return weight
        total += weight * added(values) / len(values)
        people += weight
    return total / people if people else NotReported(("no zone with a station has inhabitants",))


def level(energy: Fraction) -> Fraction:
    """Return the level of a mean energy in dB: 10 lg(energy / 0 dB), to the decimals of a published level."""
    thresholds = level_thresholds(ENERGY_SCALE, LEVEL_DECIMALS, LEVEL_MAX)
    return Fraction(level_of(energy.numerator, energy.denominator, thresholds), 10**LEVEL_DECIMALS)
