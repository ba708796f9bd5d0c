"""The performance wheel as angles: dimensions in the middle, categories around them, data points outside.

Knows shares of a turn; how a ring is drawn is the template's. Every data point has the same angle, so a dimension is as
wide as the catalogue makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TypedDict

from assessment.report.texts import Texts
from assessment.result import Assessment, Result


class Sector(TypedDict):
    """A part of a ring: from where to where in turns, clockwise from the top."""

    start: float
    end: float
    band: int
    label: str


class Outer(Sector):
    """A data point: `state` is `scored`, `reported` (without a target) or `unreported`."""

    state: str


class Wheel(TypedDict):
    """The three rings."""

    dimensions: list[Sector]
    categories: list[Sector]
    points: list[Outer]


def wheel(assessment: Assessment, texts: Texts) -> Wheel:
    """Return the wheel of an assessment."""
    results = in_groups(assessment.results)
    bands = {one.path: one.band for one in assessment.rollups}
    paths = [path_of(one) for one in results]
    step = 1 / len(results)
    return {
        "dimensions": [
            {"start": first * step, "end": last * step, "band": bands[path], "label": texts.term("group", path[0])}
            for path, first, last in _runs([path[:1] for path in paths])
        ],
        "categories": [
            {"start": first * step, "end": last * step, "band": bands[path], "label": texts.term("group", path[2])}
            for path, first, last in _runs(paths)
        ],
        "points": [
            {
                "start": place * step, "end": (place + 1) * step, "band": one.score.points,
                "label": one.point.key.replace(": ", " "), "state": state(one),
            }
            for place, one in enumerate(results)
        ],
    }  # fmt: skip


def path_of(result: Result) -> tuple[str, str, str]:
    """Return dimension, sub-dimension and category."""
    return result.point.dimension, result.point.sub_dimension, result.point.category


def in_groups(results: Sequence[Result]) -> list[Result]:
    """Return results by dimension, sub-dimension and category, each where the catalogue first has it.

    What a city adds stands at the end of the catalogue, and in a report beside its like.
    """
    first: dict[tuple[str, ...], int] = {}
    for place, one in enumerate(results):
        for depth in (1, 2, 3):
            first.setdefault(path_of(one)[:depth], place)
    return sorted(results, key=lambda one: [first[path_of(one)[:depth]] for depth in (1, 2, 3)])


def state(result: Result) -> str:
    """Return what of a data point there is to see."""
    if result.score.points:
        return "scored"
    return "reported" if result.reported else "unreported"


def _runs(paths: Sequence[tuple[str, ...]]) -> list[tuple[tuple[str, ...], int, int]]:
    """Return each run of equal paths with its first place and the one after its last."""
    found: list[tuple[tuple[str, ...], int, int]] = []
    for path, group in groupby(paths):
        first = found[-1][2] if found else 0
        found.append((path, first, first + sum(1 for _ in group)))
    return found
