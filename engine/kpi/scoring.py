"""Scores: how near a figure is to its target, in four bands, and what that makes of categories and dimensions.

Knows the method's bands and its roll-up; knows no particular target and no city. Everything is exact, so that a figure
on the edge of a band is on the edge and not beside it.

Bands begin with their lower edge: the method's last one is "95 % and more", and the others follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Final

from engine.kpi.definition import DataPoint, Pack, Rule, Target
from engine.kpi.values import NotReported, Value

EDGES: Final = (33, 66, 95)
"""Per cent of the target at which the bands 2, 3 and 4 begin."""
POINTS_MAX: Final = 4
BAND_NAMES: Final = ("", *(f"{low}-{high} %" for low, high in pairwise((0, *EDGES))), f"{EDGES[-1]} %+")
"""What the bands 1 to 4 are called, by their number: the method names them by their edges."""
NO_TARGET: Final = "no target"


@dataclass(frozen=True, slots=True)
class Score:
    """What one data point is worth.

    Attributes:
        data_point: its key.
        target: what it was measured against; None where there is none, and then it is not scored.
        percent: of the target; None where it is not scored.
        points: 1 to 4, also the number of the band; 0 where it is not scored.
        why_not: why it is not scored; empty where it is.
    """

    data_point: str
    target: Target | None
    percent: Fraction | None
    points: int
    why_not: str


@dataclass(frozen=True, slots=True)
class Rollup:
    """What a category, a sub-dimension, a dimension or everything is worth.

    Attributes:
        path: dimension, sub-dimension and category, as far as it goes; empty for everything.
        points: sum over the scored data points.
        scored: how many were scored.
        left_out: how many were not, for want of a figure or of a target.
        no_target: how many of those have no target; the others have no figure.
        percent: points of the most that the scored ones could have; None where none was.
        band: 1 to 4; 0 where none was scored.
    """

    path: tuple[str, ...]
    points: int
    scored: int
    left_out: int
    no_target: int
    percent: Fraction | None
    band: int


def band(percent: Fraction) -> int:
    """Return the band of a percentage, 1 to 4."""
    return 1 + sum(percent >= edge for edge in EDGES)


def percent_of_target(figure: Fraction, target: Target) -> Fraction:
    """Return how near a figure is to its target, in per cent, from 0 up; above 100 where it is passed."""
    value = target.value
    match target.rule:
        case Rule.SHARE:
            percent = 100 * figure / value
        case Rule.INVERSE:
            # None of what should be little is as good as it gets; a negative figure (an instrument about 0) likewise.
            percent = 100 * value / figure if figure > 0 else Fraction(100)
        case Rule.LINEAR:
            worst = Fraction(0) if target.worst is None else target.worst
            percent = 100 * (worst - figure) / (worst - value)
        case Rule.NEARNESS:
            percent = 100 * min(figure, value) / max(figure, value)
    return max(percent, Fraction(0))


def score(point: DataPoint, figure: Value, target: Target | None) -> Score:
    """Return the score of one data point."""
    if target is None:
        return Score(point.key, None, None, 0, NO_TARGET)
    if isinstance(figure, NotReported):
        return Score(point.key, target, None, 0, f"not reported: {figure}")
    percent = percent_of_target(figure, target)
    return Score(point.key, target, percent, band(percent), "")


def score_all(pack: Pack, figures: Mapping[str, Value], day: date) -> tuple[Score, ...]:
    """Return the score of every data point, in the order of the pack, against the targets that hold on a day.

    Args:
        pack: the catalogue, with its targets.
        figures: by key of the data point; what is absent is not reported.
        day: the last one of the period that is assessed.
    """
    missing = NotReported(("no figure",))
    return tuple(
        score(point, figures.get(point.key, missing), pack.target(point.key, day)) for point in pack.data_points
    )


def roll_up(pack: Pack, scores: Iterable[Score]) -> tuple[Rollup, ...]:
    """Return what the scores make of everything, of each dimension, sub-dimension and category, from the whole down.

    What was not scored is left out, above and below the line.
    """
    by_key = {one.data_point: one for one in scores}
    groups: dict[tuple[str, ...], list[Score]] = {}
    for point in pack.data_points:
        path = (point.dimension, point.sub_dimension, point.category)
        for depth in range(len(path) + 1):
            group = groups.setdefault(path[:depth], [])
            if point.key in by_key:
                group.append(by_key[point.key])
    return tuple(rolled(path, group) for path, group in groups.items())


def rolled(path: tuple[str, ...], scores: Iterable[Score]) -> Rollup:
    """Return what some scores are worth together."""
    every = list(scores)
    counted = [one.points for one in every if one.points]
    percent = Fraction(100 * sum(counted), POINTS_MAX * len(counted)) if counted else None
    return Rollup(
        path=path,
        points=sum(counted),
        scored=len(counted),
        left_out=len(every) - len(counted),
        no_target=sum(one.target is None for one in every),
        percent=percent,
        band=0 if percent is None else band(percent),
    )
