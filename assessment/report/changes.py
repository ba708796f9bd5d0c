"""A comparison as rows of ready texts: two years or two cities, data point by data point.

Knows comparisons and words; knows neither paper nor a terminal.
"""

from __future__ import annotations

from assessment.compare import Comparison, Hindrance, Line, Standing, Trend
from assessment.report.numbers import per_cent, rounded, share, signed
from assessment.report.texts import Texts
from engine.kpi import NotReported

Row = dict[str, object]
MARKS = {Trend.NONE: "", Trend.BETTER: "▲", Trend.WORSE: "▼", Trend.SAME: "="}
"""Signs of a trend: they need no colour."""


def change_rows(comparison: Comparison, texts: Texts) -> list[Row]:
    """Return a row for each data point that either side reports."""
    return [_row(line, texts) for line in comparison.lines if _reported(line.left) or _reported(line.right)]


def summary(comparison: Comparison, texts: Texts) -> str:
    """Return how many data points can be compared, and which way they went."""
    counts = {str(trend): comparison.count(trend) for trend in (Trend.BETTER, Trend.WORSE, Trend.SAME)}
    return texts.say("note", "change", compared=comparison.compared, **counts)


def group_rows(comparison: Comparison, texts: Texts) -> list[Row]:
    """Return the groups down to categories that either side scored, with per cent of the most points of both."""
    left, right = comparison.left.groups, comparison.right.groups
    points = [line.point for line in comparison.lines]
    full = [(one.dimension, one.sub_dimension, one.category) for one in points]
    paths = sorted({path[:depth] for path in full for depth in range(4)}, key=lambda path: _place(full, path))
    return [
        {
            "depth": len(path),
            "name": texts.term("group", path[-1]) if path else texts.words["snapshot"]["overall"],
            "before": per_cent(left[path]) if path in left else "",
            "after": per_cent(right[path]) if path in right else "",
        }
        for path in paths
        if path in left or path in right
    ]


def _place(full: list[tuple[str, str, str]], path: tuple[str, ...]) -> list[int]:
    """Return where a group stands: beside its like, each where the catalogue first has it, a group before its parts."""
    return [next(at for at, one in enumerate(full) if one[:depth] == path[:depth]) for depth in range(len(path) + 1)]


def figure(standing: Standing | None, texts: Texts) -> str:
    """Return a figure without its unit; empty where the catalogue lacks the data point."""
    words = texts.words["answer"]
    if standing is None:
        return ""
    if isinstance(standing.value, NotReported):
        return words["nr"]
    if standing.point.yes_no and standing.value in (0, 1):
        return words["yes" if standing.value else "no"]
    return rounded(standing.value)


def _row(line: Line, texts: Texts) -> Row:
    point = line.point
    return {
        "code": line.key,
        "name": texts.title(point),
        "unit": "" if point.yes_no else texts.term("unit", point.unit_label),
        "before": _side(line.left, texts),
        "after": _side(line.right, texts),
        "change": "" if line.change is None or point.yes_no else signed(line.change),
        "percent": "" if line.percent is None or point.yes_no else f"{signed(line.percent, 3)} %",
        "trend": str(line.trend),
        "mark": MARKS[line.trend],
        "word": texts.words["trend"].get(line.trend, ""),
        "why": "" if line.hindrance is Hindrance.NONE else texts.words["hindrance"][line.hindrance],
        "other_target": texts.words["note"]["other_target"] if line.other_target else "",
    }


def _side(one: Standing | None, texts: Texts) -> Row:
    if one is None:
        return {"value": "", "band": 0, "coverage": "", "quality": "", "state": "absent"}
    reported = _reported(one)
    return {
        "value": figure(one, texts),
        "band": one.band,
        "coverage": share(one.received, one.expected),
        "quality": texts.words["quality"].get(one.quality, "") if reported else "",
        "state": "scored" if one.band else "reported" if reported else "unreported",
    }


def _reported(one: Standing | None) -> bool:
    return one is not None and not isinstance(one.value, NotReported)
