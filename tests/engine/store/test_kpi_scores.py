"""Scores on a real database: stored as they are shown, restated where their figure or target changes, nowhere else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from console.commands.kpi_period import inputs_of
from console.commands.kpi_scores import stored_score
from devices import Register
from engine.kpi import Pack, Rule, Target, score_all, shipped, submission_of
from engine.store import KpiScoreReading, KpiScoreRevision, Store
from tests.console.command import cityvitals
from tests.databases import Furnish
from tests.engine.store.conftest import Query
from tests.engine.store.kpi_kept import Kept, year_kept, year_over
from tests.engine.store.kpi_town import YEAR, registers

SAIFI, ELECTRICITY, HEAT, WATER_USE = "EC: I: ES: 1C", "EN: E: E: 2C", "EN: E: E: 3C", "EN: EN: WS: 2C"
LAST = date(YEAR, 12, 31)
SCORE_VERSIONS = "SELECT data_point, horizon, scope_id, xmin::text FROM kpi_score ORDER BY 1, 2, 3"
FIGURE_VERSIONS = "SELECT data_point, horizon, scope_id, xmin::text FROM kpi_value ORDER BY 1, 2, 3"
REPLACED = "SELECT data_point, change FROM v_kpi_score_revision"

Key = tuple[str, str, int, str]


def three_targets() -> Pack:
    """The pack with a target for three of the town's figures."""
    pack = with_target(shipped(), SAIFI, Fraction(1, 4), Rule.INVERSE)
    pack = with_target(pack, ELECTRICITY, Fraction(31 * 30, 1500), Rule.SHARE)
    return with_target(pack, HEAT, Fraction(31 * 5 * 36, 10_000 * 1000), Rule.SHARE)


def scored(url: str) -> None:
    year_over(url, three_targets())


@pytest.fixture
def furnish() -> Furnish:
    return scored


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    """The town by hand, its year over and closed, with a target for three of its figures."""
    return year_kept(store, tmp_path, three_targets())


def scores(kept: Kept) -> dict[Key, KpiScoreReading]:
    return {(one.data_point, one.horizon, one.year, one.scope): one for one in kept.store.kpi_score_rows()}


def of_year(kept: Kept, key: str) -> KpiScoreReading:
    return scores(kept)[key, "year", YEAR, "town"]


def replaced(kept: Kept, key: str) -> list[KpiScoreRevision]:
    return kept.store.kpi_score_revisions(key, "city", "town", YEAR)


def differing(before: dict[Key, KpiScoreReading], after: dict[Key, KpiScoreReading]) -> set[str]:
    return {key[0] for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def with_target(pack: Pack, key: str, value: Fraction, rule: Rule, since: date = date(2020, 1, 1)) -> Pack:
    """Return a pack with one target of a data point."""
    target = Target(key, value, rule, None, since, False, "the council")
    return replace(pack, targets=(*(one for one in pack.targets if one.data_point != key), target))


def restart(kept: Kept, pack: Pack) -> None:
    kept.pack = pack
    kept.start()
    kept.look()


def test_scores_are_those_worked_out_by_hand(kept: Kept) -> None:
    # Half an interruption by customer where a quarter is wanted, and the heat of 1,000 people among 1,500.
    assert [(of_year(kept, key).percent_ratio, of_year(kept, key).band) for key in (SAIFI, ELECTRICITY, HEAT)] == [
        ("50", 2), ("100", 4), ("200/3", 3),
    ]  # fmt: skip
    one = of_year(kept, SAIFI)
    assert (one.figure, one.target, one.rule, one.revision, one.why_not) == ("1/2", "1/4", "inverse", 1, "")
    assert (one.target_from, one.official, one.source) == (date(2020, 1, 1), False, "the council")
    unscored = of_year(kept, WATER_USE)
    assert (unscored.figure, unscored.band, unscored.why_not) == (None, None, "no target")


def test_what_is_stored_is_what_the_commands_show(kept: Kept) -> None:
    found, figures = scores(kept), kept.all()
    assert found.keys() == figures.keys()
    zone = kept.registry.city.zone_info
    for key, row in figures.items():
        shown = stored_score(kept.pack, kept.pack.data_point(key[0]), row, zone)
        kept_one = found[key]
        assert (kept_one.band or 0, kept_one.percent_ratio) == (shown.points, text(shown.percent))
        assert kept_one.why_not == shown.why_not
        assert kept_one.target == (None if shown.target is None else str(shown.target.value))
    # So is what the roll-up counts, which evaluates the formulas again from the inputs that are stored.
    annual = [row for row in figures.values() if (row.horizon, row.scope_kind) == ("year", "city")]
    values = submission_of(kept.pack, kept.registry.city, inputs_of(annual), date(YEAR, 1, 1), LAST, ()).values
    counted = {one.data_point: one for one in score_all(kept.pack, values, LAST)}
    of_city = [found[row.data_point, "year", YEAR, "town"] for row in annual]
    assert {one.data_point: (one.band or 0, one.percent_ratio) for one in of_city} == {
        one.data_point: (counted[one.data_point].points, text(counted[one.data_point].percent)) for one in of_city
    }
    assert {one.band for one in of_city} >= {None, 2, 3, 4}


def text(percent: Fraction | None) -> str | None:
    return None if percent is None else str(percent)


def test_a_changed_target_is_a_new_revision_of_its_score_alone(kept: Kept, query: Query, url: str) -> None:
    before, figures = scores(kept), query(FIGURE_VERSIONS)
    old = of_year(kept, SAIFI)
    restart(kept, with_target(kept.pack, SAIFI, Fraction(1, 100), Rule.INVERSE))
    assert differing(before, scores(kept)) == {SAIFI}
    assert query(FIGURE_VERSIONS) == figures, "no figure is touched"
    new = of_year(kept, SAIFI)
    assert (new.percent_ratio, new.band, new.revision) == ("2", 1, 2)
    (was,) = replaced(kept, SAIFI)
    assert (was.revision, was.change) == (1, "target changed")
    assert (was.figure, was.target, was.band, was.percent_ratio) == (
        old.figure, old.target, old.band, old.percent_ratio,
    )  # fmt: skip
    assert query(REPLACED) == [(SAIFI, "target changed")]
    told = cityvitals("kpis", "show", SAIFI, "--at", str(YEAR), CITYVITALS_DATABASE_URL=url)
    assert re.search(r"its score was band 2, 50\.0 % of the target 1/4, until \S+: target changed", told.out), told.err


def test_a_changed_population_is_a_new_revision_of_the_figures_and_scores_that_rest_on_it(
    kept: Kept, query: Query
) -> None:
    before, figures = scores(kept), kept.all()
    more = Register("population", Fraction(3000), "1", date(YEAR, 7, 1), "the town")
    kept.registry = replace(kept.registry, city=replace(kept.registry.city, registers=registers(more)))
    restart(kept, kept.pack)
    after = kept.all()
    changed = {key[0] for key, row in after.items() if row != figures[key]}
    assert changed == resting_on("population", kept.pack) & {key[0] for key in figures}
    assert WATER_USE in changed, "a figure without a target has no score to follow it"
    assert differing(before, scores(kept)) == {ELECTRICITY, HEAT}
    assert [of_year(kept, key).percent_ratio for key in (SAIFI, ELECTRICITY, HEAT)] == ["50", "50", "100/3"]
    assert [of_year(kept, key).revision for key in (SAIFI, ELECTRICITY, HEAT)] == [1, 2, 2]
    assert sorted(query(REPLACED)) == [(ELECTRICITY, "figure changed"), (HEAT, "figure changed")]
    (was,) = replaced(kept, HEAT)
    assert (was.percent_ratio, was.band, was.figure) == ("200/3", 3, figures[HEAT, "year", YEAR, "town"].ratio)


def resting_on(code: str, pack: Pack) -> set[str]:
    return {point.key for point in pack.data_points if code in {one.code for one in pack.inputs_of(point)}}


def test_the_same_again_writes_nothing(kept: Kept, query: Query) -> None:
    versions = query(SCORE_VERSIONS)
    restart(kept, kept.pack)
    assert (kept.keeper.counts.written, kept.keeper.counts.scores) == (0, 0)
    assert query(SCORE_VERSIONS) == versions
    assert query(REPLACED) == []


def test_what_was_shown_before_stays_when_a_data_point_goes_and_comes_again(kept: Kept) -> None:
    with_saifi = kept.pack
    kpis = [
        replace(kpi, data_points=tuple(one for one in kpi.data_points if one.key != SAIFI)) for kpi in with_saifi.kpis
    ]
    targets = tuple(one for one in with_saifi.targets if one.data_point != SAIFI)
    restart(kept, replace(with_saifi, kpis=tuple(kpi for kpi in kpis if kpi.data_points), targets=targets))
    assert (SAIFI, "year", YEAR, "town") not in scores(kept)
    restart(kept, with_saifi)
    # A target that begins after the year is none of the year's.
    restart(kept, with_target(with_saifi, SAIFI, Fraction(1, 4), Rule.INVERSE, date(YEAR + 1, 1, 1)))
    assert [(one.revision, one.change, one.band) for one in replaced(kept, SAIFI)] == [
        (1, "no longer defined", 2), (2, "target changed", 2),
    ]  # fmt: skip
    assert (of_year(kept, SAIFI).revision, of_year(kept, SAIFI).why_not) == (3, "no target")
