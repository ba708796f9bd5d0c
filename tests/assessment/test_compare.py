"""Two assessments side by side: what can be compared is, and what cannot says why."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessment import Assessment
from assessment.compare import Hindrance, Line, Side, Standing, Trend, compare, side_of
from engine.kpi import DataPoint, Direction, NotReported, Value, shipped
from tests.assessment.paper_city import YEAR, paper_city

NOTHING = NotReported(("nobody knows",))
POINT = shipped().data_points[0]


def standing(
    value: Value, *, point: DataPoint = POINT, definition: str = "d", band: int = 1, target: int = 100
) -> Standing:
    return Standing(point, value, band, Fraction(target), 0, 0, "measured", "declared", definition)


def side(*standings: Standing, year: int = YEAR) -> Side:
    return Side("Town", year, True, {one.point.key: one for one in standings}, {})


def line(before: Standing, after: Standing) -> Line:
    (found,) = compare(side(before), side(after)).lines
    return found


@pytest.fixture(scope="module")
def year() -> Assessment:
    return paper_city()


def test_an_assessment_beside_itself_has_no_change(year: Assessment) -> None:
    found = compare(side_of(year), side_of(year))
    reported = sum(one.reported for one in year.results)
    assert (found.compared, found.count(Trend.SAME), found.count(Trend.WORSE)) == (reported, reported, 0)
    assert [one.key for one in found.lines] == [one.point.key for one in year.results]


def test_a_year_that_is_ten_per_cent_higher_says_so_of_every_figure(year: Assessment) -> None:
    found = compare(side_of(year), side_of(paper_city(YEAR + 1, worse=10)))
    percents = {one.percent for one in found.lines if one.change is not None and not one.point.yes_no}
    assert percents == {Fraction(10)}


@given(st.fractions(), st.fractions(), st.sampled_from(Direction), st.fractions())
def test_changes_and_trends_are_those_of_the_slow_twin(
    before: Fraction, after: Fraction, direction: Direction, ideal: Fraction
) -> None:
    point = replace(POINT, direction=direction, ideal=ideal if direction is Direction.TARGET else None)
    found = line(standing(before, point=point), standing(after, point=point))
    # The slow twin: how bad a figure is, the lower the better.
    bad = {
        Direction.HIGHER: lambda x: -x, Direction.LOWER: lambda x: x, Direction.TARGET: lambda x: abs(x - ideal),
        Direction.NONE: lambda _: None,
    }[direction]  # fmt: skip
    was, now = bad(before), bad(after)
    if before == after or (was is not None and was == now):
        wanted = Trend.SAME
    elif was is None or now is None:
        wanted = Trend.NONE
    else:
        wanted = Trend.BETTER if now < was else Trend.WORSE
    assert found.trend is wanted
    assert found.change is not None
    assert before + found.change == after
    if before:
        assert found.percent is not None
        assert before + found.percent * abs(before) / 100 == after
    else:
        assert found.percent is None


def test_another_definition_is_never_compared_however_near_the_figures() -> None:
    found = line(standing(Fraction(5)), standing(Fraction(5), definition="other"))
    assert (found.hindrance, found.change, found.trend) == (Hindrance.DEFINITION, None, Trend.NONE)


@pytest.mark.parametrize(("before", "after"), [(NOTHING, Fraction(1)), (Fraction(1), NOTHING), (NOTHING, NOTHING)])
def test_what_is_not_reported_has_no_change_and_is_not_zero(before: Value, after: Value) -> None:
    found = line(standing(before), standing(after))
    assert (found.hindrance, found.change, found.percent) == (Hindrance.UNREPORTED, None, None)


def test_what_one_catalogue_lacks_stands_last_and_says_so() -> None:
    own = replace(POINT, code="XX: 1C")
    found = compare(side(standing(Fraction(1), point=own), standing(Fraction(1))), side(standing(Fraction(2))))
    assert [one.key for one in found.lines] == [POINT.key, "XX: 1C"]
    assert found.lines[1].hindrance is Hindrance.ABSENT


def test_bands_by_other_targets_are_marked() -> None:
    assert line(standing(Fraction(1)), standing(Fraction(1), target=90)).other_target
    assert not line(standing(Fraction(1)), standing(Fraction(1))).other_target
    assert not line(standing(Fraction(1), band=0), standing(Fraction(1), target=90)).other_target
