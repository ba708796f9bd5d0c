"""Scores: the method's own worked examples, the edges of the bands, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kpi import (
    BAND_NAMES,
    NotReported,
    Rule,
    Score,
    Target,
    band,
    percent_of_target,
    roll_up,
    score,
    score_all,
    shipped,
)
from engine.kpi.scoring import rolled

PACK = shipped()
DAY = date(2025, 12, 31)
HIGHER = Target("EC: ICT: ICT: 1C", Fraction(100), Rule.SHARE, None, date(2016, 1, 1), False, "a test")


def scored(*points: int) -> list[Score]:
    return [Score(str(n), HIGHER if p else None, None, p, "" if p else "no target") for n, p in enumerate(points)]


def test_the_worked_examples_of_the_method() -> None:
    first = rolled((), scored(1, 3, 4, 1))
    assert (first.points, first.scored, first.percent, first.band) == (9, 4, Fraction("56.25"), 2)
    second = rolled((), scored(3, 4, 2))
    assert (second.points, second.scored, second.percent, second.band) == (9, 3, Fraction(75), 3)


def test_what_was_not_scored_is_left_out_on_both_sides() -> None:
    with_gaps = rolled((), scored(3, 0, 4, 0, 2))
    assert (with_gaps.percent, with_gaps.left_out, with_gaps.no_target) == (Fraction(75), 2, 2)
    unreported = score(PACK.data_point(HIGHER.data_point), NotReported(("x: not reported",)), HIGHER)
    one_of_each = rolled((), [*scored(3, 0), unreported])
    assert (one_of_each.left_out, one_of_each.no_target) == (2, 1)
    nothing = rolled((), scored(0, 0))
    assert (nothing.percent, nothing.band, nothing.scored) == (None, 0, 0)


@pytest.mark.parametrize(("edge", "number"), [(33, 2), (66, 3), (95, 4)])
def test_a_band_begins_exactly_at_its_edge(edge: int, number: int) -> None:
    hair = Fraction(1, 10**30)
    assert band(Fraction(edge)) == number
    assert band(edge - hair) == number - 1
    assert band(edge + hair) == number


def test_a_band_is_called_by_its_edges() -> None:
    assert [BAND_NAMES[band(Fraction(p))] for p in (0, 33, 66, 95)] == ["0-33 %", "33-66 %", "66-95 %", "95 %+"]


def test_bands_go_from_one_to_four() -> None:
    assert [band(Fraction(p)) for p in (0, 32, 34, 65, 67, 94, 96, 400)] == [1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize(
    ("rule", "target", "worst", "figure", "percent"),
    [
        (Rule.SHARE, 100, None, 66, 66),
        (Rule.SHARE, 100, None, 150, 150),
        (Rule.SHARE, 100, None, -5, 0),
        (Rule.INVERSE, 10, None, 20, 50),
        (Rule.INVERSE, 10, None, 5, 200),
        (Rule.INVERSE, 10, None, 0, 100),
        (Rule.INVERSE, 10, None, -1, 100),
        (Rule.LINEAR, 0, 50, 25, 50),
        (Rule.LINEAR, 0, 50, 60, 0),
        (Rule.LINEAR, 0, 50, 0, 100),
        (Rule.LINEAR, 90, 50, 70, 50),
        (Rule.NEARNESS, 1, None, Fraction(4, 5), 80),
        (Rule.NEARNESS, 1, None, Fraction(5, 4), 80),
        (Rule.NEARNESS, 1, None, 1, 100),
    ],
)
def test_a_rule_says_how_near_a_figure_is(
    rule: Rule, target: int, worst: int | None, figure: int | Fraction, percent: int
) -> None:
    stated = replace(
        HIGHER, rule=rule, value=Fraction(target), worst=None if worst is None else Fraction(worst)
    )  # fmt: skip
    assert percent_of_target(Fraction(figure), stated) == percent


@settings(deadline=None)
@given(st.fractions(min_value=0, max_value=1000), st.fractions(min_value=0, max_value=1000))
def test_a_better_figure_never_scores_worse(one: Fraction, other: Fraction) -> None:
    point = PACK.data_point(HIGHER.data_point)
    low, high = sorted((one, other))
    assert score(point, low, HIGHER).points <= score(point, high, HIGHER).points
    inverse = replace(HIGHER, rule=Rule.INVERSE)
    if low > 0:
        assert score(point, low, inverse).points >= score(point, high, inverse).points


def test_a_figure_that_is_not_reported_has_no_score() -> None:
    one = score(PACK.data_point(HIGHER.data_point), NotReported(("households: not reported",)), HIGHER)
    assert (one.points, one.percent) == (0, None)
    assert "households" in one.why_not


def test_scores_roll_up_from_category_to_everything() -> None:
    figures = {
        "EC: ICT: ICT: 1C": Fraction(96),
        "EC: ICT: ICT: 4C/3g": Fraction(50),
        "EN: EN: AQ: 1C/pm10": Fraction(100),
        "EC: ICT: ICT: 5C": Fraction(700),
    }
    scores = score_all(PACK, figures, DAY)
    assert len(scores) == len(PACK.data_points)
    points = {one.data_point: one.points for one in scores if one.points}
    assert points == {"EC: ICT: ICT: 1C": 4, "EC: ICT: ICT: 4C/3g": 2, "EN: EN: AQ: 1C/pm10": 1}
    by_path = {one.path: one for one in roll_up(PACK, scores)}
    assert (by_path["Economy", "ICT", "ICT Infrastructure"].percent, by_path["Economy",].band) == (75, 3)
    assert by_path["Environment",].percent == 25
    assert by_path[()].percent == Fraction(700, 12)
    assert by_path[()].scored + by_path[()].left_out == len(PACK.data_points)
    assert by_path["Society and Culture",].band == 0


def test_the_target_is_the_one_that_holds_on_the_day() -> None:
    older = replace(HIGHER, valid_from=date(2020, 1, 1), value=Fraction(50))
    newer = replace(HIGHER, valid_from=date(2024, 1, 1), value=Fraction(80))
    pack = replace(PACK, targets=(newer, older))
    assert pack.target(HIGHER.data_point, date(2019, 12, 31)) is None
    assert pack.target(HIGHER.data_point, date(2023, 12, 31)) is older
    assert pack.target(HIGHER.data_point, date(2024, 1, 1)) is newer
