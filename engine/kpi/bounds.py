"""Between which bounds a figure lies: interval arithmetic over formulas, and what a station's readings leave open.

Knows formulas, statistics and pools; knows neither devices nor where sums come from. Bounds are exact fractions, and
the worst case of everything at once: no distribution is assumed, so nothing cancels.

What is open about a station. Every reading may be off by half a step of what its device reports, and by the accuracy
that is stated of it. A reading that is missing lay between the lowest and the highest one that came in the period.
What accumulates has no such readings: of a register's increase, and of events, at most as much is missing per missing
reading as came per reading. A station without any reading leaves nothing to go by: coverage tells of it, bounds do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from devices.measurands import Measurand
from engine.kpi.definition import COUNTING, Pack, Statistic, Telemetry
from engine.kpi.formula import Name, Node, Number
from engine.kpi.stations import LEVEL_DECIMALS, Station, Sums, pooled
from engine.kpi.values import Value
from engine.weights import ENERGY_SCALE

_ZERO: Final = Fraction(0)
_HALF: Final = Fraction(1, 2)
_DIGITS: Final = 40
_TINY: Final = Fraction(1, 10**30)
"""More than a power of 40 digits can be off, relatively."""
_LEVEL_HALF: Final = Fraction(1, 2 * 10**LEVEL_DECIMALS)


class Interval(NamedTuple):
    """Bounds, both included."""

    low: Fraction
    high: Fraction

    @classmethod
    def of(cls, value: Value) -> Interval | None:
        """Return a value that is known exactly; None where it is not reported."""
        return cls(value, value) if isinstance(value, Fraction) else None

    def joined(self, other: Interval) -> Interval:
        """Return the interval around both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True, slots=True)
class Error:
    """How far a reading of a device may be off: `absolute` in the measurand's unit, and `percent` of the reading."""

    absolute: Fraction = _ZERO
    percent: Fraction = _ZERO

    def at(self, reading: Fraction) -> Fraction:
        """Return how far a reading may be off."""
        return self.absolute + self.percent * abs(reading) / 100


@dataclass(frozen=True, slots=True)
class Came:
    """What came of one measurand of one station.

    Attributes:
        measurand: which.
        sums: of all its series, merged.
        series: how many series these are.
        missing: readings owed that did not come.
        received, expected: of the station, as coverage counts them.
        interval_us: its reporting interval.
        error: of a reading.
    """

    measurand: Measurand
    sums: Sums
    series: int
    missing: int
    received: int
    expected: int
    interval_us: int
    error: Error


# ---- stations ----------------------------------------------------------------------------------------------------


def station_bounds(how: Telemetry, came: Iterable[Came]) -> Interval | None:
    """Return between which bounds the figure of a station lies, an energy for ENERGY_MEAN; None where nothing came."""
    parts = [bounds for one in came if (bounds := _statistic(how, one)) is not None]
    return Interval(sum((p.low for p in parts), _ZERO), sum((p.high for p in parts), _ZERO)) if parts else None


def _statistic(how: Telemetry, came: Came) -> Interval | None:
    of, unit, error = came.sums, 10**came.measurand.decimals, came.error
    match how.statistic:
        case Statistic.COUNT:
            return _accumulated(came, Fraction(of.readings), _ZERO)
        case Statistic.SUM:
            total = Fraction(of.sums[0], unit)
            # Whole things are counted: their number is not off by half a one.
            counted = came.measurand.decimals == 0 and came.measurand.unit.startswith(("1", "{"))
            return _accumulated(came, total, of.readings * (_ZERO if counted else error.absolute))
        case Statistic.INCREASE:
            rise = Fraction(of.sums[0], unit)
            if not of.readings and not rise:
                return None
            # Two readings and the tick to which a share over an edge is rounded, for every register.
            return _accumulated(came, rise, came.series * (2 * error.absolute + Fraction(1, unit)))
        case Statistic.SHARE:
            return _share(how, came)
    if not of.readings:
        return None
    low, high = Fraction(of.low, unit), Fraction(of.high, unit)
    match how.statistic:
        case Statistic.MINIMUM:
            return Interval(low - error.at(low), low + error.at(low))
        case Statistic.MAXIMUM:
            return Interval(high - error.at(high), high + error.at(high))
        case Statistic.ENERGY_MEAN:
            return _energy_mean(came, low, high)
    return _mean(came, low, high)


def _accumulated(came: Came, total: Fraction, absolute: Fraction) -> Interval:
    """Return the bounds of what adds up: off by so much, and by what may be missing at the rate at which it came."""
    off = absolute + came.error.percent * total / 100
    more = Fraction(came.expected, came.received) if 0 < came.received < came.expected else Fraction(1)
    return Interval(max(total - off, _ZERO), (total + off) * more)


def _mean(came: Came, low: Fraction, high: Fraction) -> Interval:
    of, error = came.sums, came.error
    total, count = Fraction(of.sums[0], 10**came.measurand.decimals), of.readings + came.missing
    size = total if low >= 0 else of.readings * max(abs(low), abs(high))
    off = of.readings * error.absolute + error.percent * size / 100
    return Interval(
        (total - off + came.missing * (low - error.at(low))) / count,
        (total + off + came.missing * (high + error.at(high))) / count,
    )


def _energy_mean(came: Came, low: Fraction, high: Fraction) -> Interval:
    """Return the bounds of a mean energy; an error of decibels is a factor of energies."""
    of, count = came.sums, came.sums.readings + came.missing
    factor = _power(max(came.error.at(low), came.error.at(high)))
    rounded = of.readings * _HALF  # the table of energies holds whole numbers
    least, most = (ENERGY_SCALE * _power(level) for level in (low, high))
    return Interval(
        max((of.sums[0] - rounded) / factor + came.missing * (least * (1 - _TINY) / factor - _HALF), _ZERO) / count,
        ((of.sums[0] + rounded) * factor + came.missing * (most * factor + _HALF)) / count,
    )


def _power(level: Fraction) -> Fraction:
    """Return 10^(level / 10), a little too large, and by less than _TINY of it."""
    context = Context(prec=_DIGITS, rounding=ROUND_CEILING)
    exponent = context.divide(Decimal(level.numerator), Decimal(level.denominator * 10))
    return Fraction(context.power(Decimal(10), exponent)) * (1 + _TINY / 2)


def _share(how: Telemetry, came: Came) -> Interval | None:
    states = came.measurand.states
    known = sum(came.sums.sums[: len(states)])
    counted = sum(came.sums.sums[states.index(name)] for name in how.states)
    unknown = came.missing * came.interval_us
    if not known:
        return None
    return Interval(Fraction(counted, known + unknown), Fraction(counted + unknown, known + unknown))


# ---- stations together -------------------------------------------------------------------------------------------


def pool_bounds(
    how: Telemetry, stations: Sequence[tuple[int, Interval, bool]], inhabitants: Sequence[Value]
) -> Interval | None:
    """Return between which bounds an input lies; None where no station counts.

    A station that has too few readings to count is in or out, whichever is the worse.

    Args:
        how: what is wanted.
        stations: zone, bounds, and whether it counts, of each that gave any reading.
        inhabitants: of each zone, for POPULATION_MEAN.
    """
    counting = [one for one in stations if one[2]]
    if not counting:
        return None
    found = [_pooled(how, some, inhabitants) for some in (counting, stations)]
    bounds = [one for one in found if one is not None]
    return bounds[0].joined(bounds[-1]) if bounds else None


def _pooled(
    how: Telemetry, stations: Sequence[tuple[int, Interval, bool]], inhabitants: Sequence[Value]
) -> Interval | None:
    """Return the bounds of stations together: every pool rises with each of its stations, but one that only falls."""
    ends = [pooled(how, [Station(zone, bounds[side]) for zone, bounds, _ in stations], inhabitants) for side in (0, 1)]
    known = sorted(end for end in ends if isinstance(end, Fraction))
    if len(known) < len(ends):
        return None
    levels = Statistic.ENERGY_MEAN in (how.statistic, how.pool) and how.pool not in COUNTING
    rounded = _LEVEL_HALF * how.factor if levels else _ZERO
    return Interval(known[0] - rounded, known[1] + rounded)


# ---- formulas ----------------------------------------------------------------------------------------------------


def enclosures(pack: Pack, known: Mapping[str, Interval | None], names: Iterable[str]) -> dict[str, Interval | None]:
    """Return between which bounds inputs and data points lie; None where they have none.

    What a formula names twice is taken as two things, so bounds may be wider than they need be, and never too narrow.

    Args:
        pack: the catalogue; it was checked, so nothing goes in a circle.
        known: bounds of inputs by code; what is absent has none.
        names: of inputs and data points.
    """
    wanted, found = list(names), dict(known)
    for name in wanted:
        # With a stack of its own: a chain of formulas may be longer than Python's is deep.
        waiting = [name]
        while waiting:
            current = waiting[-1]
            formula = None if current in found else pack.formula(current)
            if formula is None:
                found.setdefault(current, None)
                waiting.pop()
                continue
            lacking = [one for one in (*formula.inputs, *formula.data_points) if one not in found]
            if lacking:
                waiting.extend(lacking)
            else:
                found[current] = enclosed(formula.tree, found)
    return {name: found[name] for name in wanted}


def enclosed(node: Node, known: Mapping[str, Interval | None]) -> Interval | None:
    """Return between which bounds a formula lies; None where something has none, or a divisor may be 0."""
    if isinstance(node, Number):
        return Interval(node.value, node.value)
    if isinstance(node, Name):
        return known.get(node.key)
    parts = [enclosed(part, known) for part in node.parts]
    bounds = [part for part in parts if part is not None]
    return _calculated(node.sign, bounds) if len(bounds) == len(parts) else None


def _calculated(sign: str, parts: Sequence[Interval]) -> Interval | None:
    first = parts[0]
    match sign:
        case "+":
            return Interval(first.low + parts[1].low, first.high + parts[1].high)
        case "-":
            return Interval(first.low - parts[1].high, first.high - parts[1].low)
        case "*":
            return _product(first, parts[1])
        case "/":
            below = parts[1]
            return None if below.low <= 0 <= below.high else _product(first, Interval(1 / below.high, 1 / below.low))
        case "neg":
            return Interval(-first.high, -first.low)
        case "min":
            return Interval(min(one.low for one in parts), min(one.high for one in parts))
        case "max":
            return Interval(max(one.low for one in parts), max(one.high for one in parts))
    low, high = sum((one.low for one in parts), _ZERO), sum((one.high for one in parts), _ZERO)
    return Interval(low / len(parts), high / len(parts)) if sign == "mean" else Interval(low, high)


def _product(one: Interval, other: Interval) -> Interval:
    ends = [a * b for a in one for b in other]
    return Interval(min(ends), max(ends))
