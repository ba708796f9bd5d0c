"""`cityvitals kpis scores`, and the band of a figure in the other lists: how near figures are to their targets.

Knows options and rendering; bands, rules and the roll-up are `engine.kpi`'s, and targets are data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.kpi_figures import DASH, UNKEPT, AtOption
from console.commands.kpi_period import OnePeriod, local_day, one_period
from console.output import Col, print_json, print_table
from console.text import counted

if TYPE_CHECKING:
    from engine.kpi import DataPoint, Pack, Rollup, Score, Target
    from engine.store import KpiReading, Store

LEVELS = ("whole", "dimension", "sub_dimension", "category")
"""What a roll-up is of, by the length of its path."""
STYLES = ("dim", "red", "dark_orange", "yellow", "green")
"""Colours by the number of a band. The method publishes a colour and no percentage; which colours these are is ours."""
SQUARE = "■"

Row = dict[str, object]


def scores(
    context: typer.Context,
    at: AtOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Score the figures against their targets, and roll the points up by category, sub-dimension, dimension and whole.

    The figures are those that `kpis findings` looks at: the annual ones of `--at YEAR`, else of the last twelve months
    (of a young installation, of the year so far), with what the city declares in `declared.csv`. A figure has 1 to 4
    points by the share of its target that it reaches: from 33 % on two, from 66 % three, from 95 % four. A group has
    the sum of its points by the most that its scored figures could have, in the same bands. What is not reported or has
    no target is left out on both sides.

    **The targets that are shipped are ours and not official.** A city states its own in its folder `kpis/`, with date
    and source; `cityvitals kpis show CODE` names the target of each figure.

    With `--json` the groups come first (`"row": "whole"`, `"dimension"`, `"sub_dimension"`, `"category"`), then every
    data point (`"row": "data_point"`).

    **Example**: `cityvitals --city cities/seoul kpis scores --at 2025`
    """
    period = one_period(context.obj, at)
    if as_json:
        print_json(score_rows(period))
        return
    scored, groups = _scores_of(period)
    print_table(
        f"scores of {period.title}: {counted(groups[0].scored, 'data point')} scored, {groups[0].left_out} left out",
        [Col("group"), Col("band"), Col("of the most", right=True), Col("points", right=True),
         Col("scored", right=True), Col("left out", right=True)],
        (_group_cells(one) for one in groups),
        note=_note(groups[0], [one.target for one in scored if one.points and one.target is not None]),
    )  # fmt: skip


def score_rows(period: OnePeriod) -> Iterator[Row]:
    """Return the roll-up of a period and the score of each data point, for programs; keys are stable."""
    scored, groups = _scores_of(period)
    submission = period.submission
    for group in groups:
        yield {"row": LEVELS[len(group.path)], **_group(group)}
    for one in scored:
        declared = submission.declared(submission.pack.data_point(one.data_point))
        yield {"row": "data_point", "data_point": one.data_point, "declared": declared, **score_of(one)}


def _scores_of(period: OnePeriod) -> tuple[tuple[Score, ...], tuple[Rollup, ...]]:
    from engine.kpi import roll_up, score_all

    pack = period.submission.pack
    scored = score_all(pack, period.submission.values, period.last)
    return scored, roll_up(pack, scored)


def _group(one: Rollup) -> Row:
    from engine.kpi import BAND_NAMES

    names = dict(zip(LEVELS[1:], one.path, strict=False))
    return {
        "dimension": names.get("dimension"),
        "sub_dimension": names.get("sub_dimension"),
        "category": names.get("category"),
        "band": one.band or None,
        "band_name": BAND_NAMES[one.band] or None,
        "percent": _percent(one.percent),
        "points": one.points,
        "points_max": 4 * one.scored,
        "scored": one.scored,
        "left_out": one.left_out,
        "left_out_without_target": one.no_target,
    }


def _group_cells(one: Rollup) -> tuple[str | Text, ...]:
    name = "  " * len(one.path) + (one.path[-1] if one.path else "everything")
    share = DASH if one.percent is None else f"{_percent(one.percent)} %"
    points = f"{one.points} of {4 * one.scored}" if one.scored else DASH
    return Text(name, style="bold" if len(one.path) <= 1 else ""), band_cell(one.band), share, points, str(
        one.scored
    ), str(one.left_out)  # fmt: skip


def _note(whole: Rollup, targets: Iterable[Target]) -> str:
    """Say what was left out, and whose targets these are."""
    used = list(targets)
    official = sum(target.official for target in used)
    own = sum(bool(target.changed) and not target.official for target in used)
    unreported = whole.left_out - whole.no_target
    whose = [
        f"{number} {word}"
        for number, word in (
            (official, "official"),
            (own, "the city's own"),
            (len(used) - official - own, "shipped: ours and not official"),
        )
        if number
    ]
    left = f"left out: {unreported} not reported, {whole.no_target} without a target"
    return f"{left}; targets: {', '.join(whose) or 'none'}"


def score_of(one: Score) -> Row:
    """Return a score for programs; keys are stable."""
    from engine.kpi import BAND_NAMES

    target = one.target
    return {
        "band": one.points or None,
        "band_name": BAND_NAMES[one.points] or None,
        "percent_of_target": _percent(one.percent),
        "target": None if target is None else str(target.value),
        "target_from": None if target is None else target.valid_from.isoformat(),
        "official": None if target is None else target.official,
        "not_scored": one.why_not or None,
    }


def score_cells(one: Score | None) -> tuple[Text, str]:
    """Return band and percentage of a figure as cells of a table."""
    if one is None or not one.points:
        return Text(DASH, style="dim"), ""
    return Text.assemble((f"{SQUARE} ", STYLES[one.points]), str(one.points)), f"{_percent(one.percent)} %"


def band_cell(number: int) -> Text:
    """Return a band with its colour: `■ 3  66-95 %`."""
    from engine.kpi import BAND_NAMES

    if not number:
        return Text(DASH, style="dim")
    return Text.assemble((f"{SQUARE} ", STYLES[number]), f"{number}  {BAND_NAMES[number]}")


def stored_score(pack: Pack, point: DataPoint, row: KpiReading, zone: tzinfo) -> Score:
    """Return the score of a figure, by the target that held on the last day of its period; none of a month or a day."""
    from engine.kpi import NotReported, Score, score

    if row.horizon in UNKEPT:
        return Score(point.key, None, None, 0, f"targets are of a year, and this is a {row.horizon}")
    figure = NotReported((row.reason,)) if row.ratio is None else Fraction(row.ratio)
    return score(point, figure, pack.target(point.key, local_day(row.end_us - 1, zone)))


def replaced_scores(store: Store, row: KpiReading) -> list[Row]:
    """Return the scores that were shown of the year of a stored figure and are replaced, for programs."""
    from devices import rfc3339

    found = store.kpi_score_revisions(row.data_point, row.scope_kind, row.scope, row.year) if row.year else []
    return [
        {
            "revision": one.revision, "band": one.band, "exact": one.figure,
            "percent_of_target": _percent(None if one.percent_ratio is None else Fraction(one.percent_ratio)),
            "target": one.target, "not_scored": one.why_not or None, "computed": rfc3339(one.computed_us),
            "replaced": rfc3339(one.superseded_us), "change": one.change,
        }
        for one in found
    ]  # fmt: skip


def _percent(percent: Fraction | None) -> str | None:
    """Return a percentage with one decimal, rounded down: what is below the edge of a band never looks as if on it."""
    return None if percent is None else f"{percent * 10 // 1 / 10:.1f}"
