"""Two assessments side by side: two years of a city, or two cities.

Knows what makes two figures comparable; knows neither files nor how a comparison is shown. Figures are compared only
where the same thing was computed in the same unit: where a definition differs both stand there, without a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from assessment.result import Assessment, Result
from engine.kpi import DataPoint, Direction, Value


class Hindrance(StrEnum):
    """Why two figures have no difference."""

    NONE = ""
    ABSENT = "absent"
    """One catalogue does not have the data point."""
    DEFINITION = "definition"
    """Formula, unit or inputs are defined in another way."""
    UNREPORTED = "unreported"
    """One of them is not reported, or none is."""


class Trend(StrEnum):
    """What a difference means, by the direction in which a figure gets better."""

    NONE = ""
    """There is no difference to speak of, or no direction."""
    BETTER = "better"
    WORSE = "worse"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Standing:
    """One data point of one side.

    Attributes:
        point: its definition, for its names, its unit and its direction.
        value: exact.
        band: 1 to 4; 0 where it is not scored.
        target: that it was measured against; None without one.
        received, expected: readings of its least complete input; expected is 0 where nothing comes at intervals.
        quality: how well it is known; empty where nobody stated it.
        basis: what it rests on, as `Basis` names it.
        definition: digest of what is computed.
    """

    point: DataPoint
    value: Value
    band: int
    target: Fraction | None
    received: int
    expected: int
    quality: str
    basis: str
    definition: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two.

    Attributes:
        city: as people write it.
        year: the reference year.
        closed: whether its figures are final.
        standings: by key of the data point, in the order of its catalogue.
        groups: per cent of the most points of each group that was scored, by its path; see `Rollup`.
    """

    city: str
    year: int
    closed: bool
    standings: Mapping[str, Standing]
    groups: Mapping[tuple[str, ...], Fraction]


@dataclass(frozen=True, slots=True)
class Line:
    """One data point of both.

    Attributes:
        key: of the data point.
        left, right: None where a side's catalogue lacks it.
        hindrance: why there is no difference.
        change: right less left, in the data point's unit; None where they cannot be compared.
        percent: the same in per cent of the left one; None also where that is 0.
        trend: whether the right one is better.
        other_target: whether the bands were measured against different targets, so that they say nothing of a change.
    """

    key: str
    left: Standing | None
    right: Standing | None
    hindrance: Hindrance
    change: Fraction | None
    percent: Fraction | None
    trend: Trend
    other_target: bool

    @property
    def point(self) -> DataPoint:
        """The definition, the right side's where both have one."""
        found = self.right or self.left
        assert found is not None  # noqa: S101  # a line is made of at least one
        return found.point


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides, and a line for each data point that either has."""

    left: Side
    right: Side
    lines: tuple[Line, ...]

    @property
    def compared(self) -> int:
        """How many data points can be compared."""
        return sum(line.hindrance is Hindrance.NONE for line in self.lines)

    def count(self, trend: Trend) -> int:
        """Return how many data points went that way."""
        return sum(line.trend is trend for line in self.lines)


def side_of(assessment: Assessment) -> Side:
    """Return an assessment as one side of a comparison."""
    return Side(
        city=assessment.city.name,
        year=assessment.year,
        closed=assessment.closed,
        standings={key: standing_of(one) for key, one in assessment.by_key.items()},
        groups={one.path: one.percent for one in assessment.rollups if one.percent is not None},
    )


def standing_of(result: Result) -> Standing:
    """Return a result as it stands in a comparison."""
    target = result.score.target
    return Standing(
        point=result.point,
        value=result.value,
        band=result.score.points,
        target=None if target is None else target.value,
        received=result.received,
        expected=result.expected,
        quality=result.quality,
        basis=result.basis,
        definition=result.definition,
    )


def compare(left: Side, right: Side) -> Comparison:
    """Return both side by side, in the order of the right one's catalogue; what only the left one has comes last."""
    keys = (*right.standings, *(key for key in left.standings if key not in right.standings))
    lines = tuple(_line(key, left.standings.get(key), right.standings.get(key)) for key in keys)
    return Comparison(left, right, lines)


def _line(key: str, left: Standing | None, right: Standing | None) -> Line:
    hindrance = _hindrance(left, right)
    change = percent = None
    trend, other_target = Trend.NONE, False
    if left is not None and right is not None:
        other_target = bool(left.band and right.band) and left.target != right.target
        before, after = left.value, right.value
        if hindrance is Hindrance.NONE and isinstance(before, Fraction) and isinstance(after, Fraction):
            change = after - before
            percent = 100 * change / abs(before) if before else None
            trend = _trend(right.point, before, after)
    return Line(key, left, right, hindrance, change, percent, trend, other_target)


def _hindrance(left: Standing | None, right: Standing | None) -> Hindrance:
    if left is None or right is None:
        return Hindrance.ABSENT
    if left.definition != right.definition:
        return Hindrance.DEFINITION
    both = isinstance(left.value, Fraction) and isinstance(right.value, Fraction)
    return Hindrance.NONE if both else Hindrance.UNREPORTED


def _trend(point: DataPoint, before: Fraction, after: Fraction) -> Trend:
    """Return which way a figure went; equal figures are the same whatever their direction."""
    if before == after:
        return Trend.SAME
    match point.direction:
        case Direction.HIGHER:
            gain = after - before
        case Direction.LOWER:
            gain = before - after
        case Direction.TARGET if point.ideal is not None:
            gain = abs(before - point.ideal) - abs(after - point.ideal)
        case _:
            return Trend.NONE
    if not gain:
        return Trend.SAME
    return Trend.BETTER if gain > 0 else Trend.WORSE
