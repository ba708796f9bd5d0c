"""What a city declares on a real database: kept with its history, scored beside what is measured, restated alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from console.commands.kpi_period import period_of
from console.commands.kpi_scores import LEVELS
from engine.kpi import DeclaredValue, NotReported, Pack, Rule, Score, Target, roll_up, score_all, shipped
from engine.store import KpiScoreReading, Store
from tests.databases import Furnish
from tests.engine.store.conftest import EMPTY, Query
from tests.engine.store.kpi_kept import Kept, year_kept, year_over
from tests.engine.store.kpi_town import YEAR, kpi_town

HOUSEHOLDS, ELECTRICITY, HEAT, POPULATION = "EC: ICT: ICT: 1C", "EN: E: E: 2C", "EN: E: E: 3C", "population"
EARLIER = 2001
"""A year before the town had any device."""
STANDS = 'SELECT key, kind, "year", ratio, quality, origin, source FROM v_declared_value ORDER BY "year", key'
SCORES = "SELECT data_point, horizon, year, declared, xmin::text FROM kpi_score ORDER BY 1, 2, 3, 4"
REPLACED = "SELECT data_point, declared, change FROM v_kpi_score_revision ORDER BY 1, 2, 3"


def said(key: str, value: Fraction | NotReported, year: int = YEAR, source: str = "survey 3") -> DeclaredValue:
    return DeclaredValue(key, year, value, None, None, "survey", "statistics office", source, "", 2)


def with_targets(*keys: str) -> Pack:
    """Return the catalogue with one target, 100 from 2000 on, for each of some data points."""
    pack = shipped()
    targets = tuple(Target(key, Fraction(100), Rule.SHARE, None, date(2000, 1, 1), False, "us") for key in keys)
    return replace(pack, targets=(*(one for one in pack.targets if one.data_point not in keys), *targets))


def measured_year(url: str) -> None:
    year_over(url, with_targets(HOUSEHOLDS, ELECTRICITY, HEAT))


@pytest.fixture
def furnish() -> Furnish:
    return measured_year


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    """The town by hand, its year over and closed; nothing is declared yet."""
    return year_kept(store, tmp_path, with_targets(HOUSEHOLDS, ELECTRICITY, HEAT))


def declare(kept: Kept, *values: DeclaredValue) -> None:
    """Begin anew an hour later, as after a restart with another file."""
    kept.declared = values
    kept.until_us += 3_600_000_000
    kept.start()
    kept.look()


def of_city(kept: Kept, year: int = YEAR, horizon: str = "year") -> dict[tuple[str, bool], KpiScoreReading]:
    rows = kept.store.kpi_score_rows()
    chosen = [one for one in rows if (one.horizon, one.year, one.scope_kind) == (horizon, year, "city")]
    return {(one.data_point, one.declared): one for one in chosen}


def test_what_is_declared_is_kept_with_who_says_so_and_the_year_it_is_of(kept: Kept, query: Query) -> None:
    one = replace(said(HOUSEHOLDS, Fraction(200, 3)), numerator=Fraction(2), denominator=Fraction(3), note="by post")
    declare(kept, one, said(POPULATION, Fraction(1600)), said(HEAT, NotReported(("no",)), EARLIER))
    assert query(STANDS) == [
        (HEAT, "data_point", EARLIER, None, "survey", "statistics office", "survey 3"),
        (HOUSEHOLDS, "data_point", YEAR, "200/3", "survey", "statistics office", "survey 3"),
        (POPULATION, "input", YEAR, "1600", "survey", "statistics office", "survey 3"),
    ]
    ((value, unit, sides, note, start, end),) = query(
        'SELECT value::text, unit, numerator || \'/\' || denominator, note, "start"::text, "end"::text'
        " FROM v_declared_value WHERE key = %s", HOUSEHOLDS,
    )  # fmt: skip
    assert (value, unit, sides, note) == ("66.666667", "%", "2/3", "by post")
    zone = kept.registry.city.time_zone
    local = query("SELECT %s::timestamptz AT TIME ZONE %s, %s::timestamptz AT TIME ZONE %s", start, zone, end, zone)
    assert [str(at) for at in local[0]] == [f"{YEAR}-01-01 00:00:00", f"{YEAR + 1}-01-01 00:00:00"]


def test_a_correction_withdraws_what_stood_and_so_does_silence(kept: Kept, query: Query) -> None:
    declare(kept, said(HOUSEHOLDS, Fraction(50)), said(HEAT, Fraction(1)))
    declare(kept, said(HOUSEHOLDS, Fraction(60)), said(HEAT, Fraction(1)))
    history = "SELECT key, ratio, source, withdrawn_at IS NULL FROM declared_value ORDER BY declared_id"
    assert query(history) == [
        (HOUSEHOLDS, "50", "survey 3", False), (HEAT, "1", "survey 3", True), (HOUSEHOLDS, "60", "survey 3", True),
    ]  # fmt: skip
    declare(kept, said(HOUSEHOLDS, Fraction(60), source="survey 4"))
    assert query(history)[1:] == [
        (HEAT, "1", "survey 3", False), (HOUSEHOLDS, "60", "survey 3", False), (HOUSEHOLDS, "60", "survey 4", True),
    ]  # fmt: skip
    hours = "SELECT key, ratio, extract(epoch FROM withdrawn_at - declared_at)::int / 3600 FROM v_declared_revision"
    assert sorted(query(hours)) == [(HOUSEHOLDS, "50", 1), (HOUSEHOLDS, "60", 1), (HEAT, "1", 2)]


def test_the_same_again_writes_nothing(kept: Kept, query: Query) -> None:
    values = said(HOUSEHOLDS, Fraction(50)), said(POPULATION, NotReported(("no",))), said(HEAT, Fraction(7), EARLIER)
    declare(kept, *values)
    everything = "SELECT declared_id, xmin::text FROM declared_value ORDER BY 1"
    # Estimates move with the clock.
    before = query(everything), [row for row in query(SCORES) if row[1] == "year"]
    declare(kept, *values)
    assert (query(everything), [row for row in query(SCORES) if row[1] == "year"]) == before


def test_declared_figures_are_scored_beside_the_measured_ones_and_count_in_their_place(kept: Kept) -> None:
    measured = of_city(kept)
    assert (HOUSEHOLDS, False) not in measured, "no sensor knows it"
    declare(kept, said(HOUSEHOLDS, Fraction(50)), said(HEAT, Fraction(97)))
    now = of_city(kept)
    assert {key: now[key] for key in measured if key[0] != HEAT} == {
        key: one for key, one in measured.items() if key[0] != HEAT
    }
    assert (now[HEAT, False].percent_ratio, now[HEAT, False].counts) == (measured[HEAT, False].percent_ratio, False)
    shown = {key: (one.percent_ratio, one.band, one.counts, one.revision) for key, one in now.items() if key[1]}
    assert shown == {(HOUSEHOLDS, True): ("50", 2, True, 1), (HEAT, True): ("97", 4, True, 1)}


def test_a_changed_declared_value_restates_exactly_the_scores_that_rest_on_it(kept: Kept, query: Query) -> None:
    declare(kept, said(POPULATION, Fraction(2000)), said(HOUSEHOLDS, Fraction(50)))
    before, figures = of_city(kept), kept.all()
    rests = {
        point.key for point in kept.pack.data_points if POPULATION in {one.code for one in kept.pack.inputs_of(point)}
    }
    assert {key for key, declared in before if declared} == rests | {HOUSEHOLDS}
    declare(kept, said(POPULATION, Fraction(4000)), said(HOUSEHOLDS, Fraction(50)))
    after = of_city(kept)
    assert {key for key in before if before[key] != after[key]} == {(ELECTRICITY, True), (HEAT, True)}
    assert [after[key, True].revision for key in (ELECTRICITY, HEAT, HOUSEHOLDS)] == [2, 2, 1]
    assert 2 * Fraction(after[HEAT, True].percent_ratio or 0) == Fraction(before[HEAT, True].percent_ratio or 0)
    assert query(REPLACED) == [(ELECTRICITY, True, "figure changed"), (HEAT, True, "figure changed")]
    (was,) = kept.store.kpi_score_revisions(HEAT, "city", "town", YEAR, declared=True)
    assert was.percent_ratio == before[HEAT, True].percent_ratio
    assert kept.store.kpi_score_revisions(HEAT, "city", "town", YEAR) == []
    annual = {key: row for key, row in figures.items() if key[1] == "year"}
    assert {key: row for key, row in kept.all().items() if key[1] == "year"} == annual, "no figure is touched"


def test_a_value_that_is_no_longer_declared_leaves_the_scores_that_were_shown(kept: Kept, query: Query) -> None:
    declare(kept, said(HOUSEHOLDS, Fraction(50)), said(HEAT, Fraction(97), EARLIER))
    assert [(one.band, one.revision) for one in of_city(kept, EARLIER).values()] == [(4, 1)]
    declare(kept)
    assert [one for one in kept.store.kpi_score_rows() if one.declared] == []
    assert query(REPLACED) == [(HOUSEHOLDS, True, "no longer declared"), (HEAT, True, "no longer declared")]
    declare(kept, said(HOUSEHOLDS, Fraction(50)))
    assert of_city(kept)[HOUSEHOLDS, True].revision == 2, "it goes on counting"


def test_what_counts_in_the_store_adds_up_to_what_the_command_shows(kept: Kept) -> None:
    declare(
        kept, said(HOUSEHOLDS, Fraction(50)), said(POPULATION, Fraction(3000)), said(HEAT, Fraction(97), EARLIER),
        said(ELECTRICITY, NotReported(("no",))),
    )  # fmt: skip
    for year, horizon in ((YEAR, "year"), (EARLIER, "year"), (0, "rolling")):
        rows = kept.store.kpi_rows(scope_kind="city", horizon=horizon, year=year or None)
        period = period_of(kept.registry, kept.pack, kept.declared, rows, str(year) if year else None)
        assert period is not None
        shown = score_all(kept.pack, period.submission.values, period.last)
        stored = {one.data_point: one for one in of_city(kept, year, horizon).values() if one.counts}
        assert {key: one.band for key, one in stored.items() if one.band} == {
            one.data_point: one.points for one in shown if one.points
        }
        again = [
            Score(one.data_point, one.target, None, (stored[one.data_point].band or 0), "")
            if one.data_point in stored else Score(one.data_point, one.target, None, 0, "")
            for one in shown
        ]  # fmt: skip
        assert roll_up(kept.pack, again) == roll_up(kept.pack, shown)
        assert {len(group.path) for group in roll_up(kept.pack, again) if group.scored} == set(range(len(LEVELS)))


@EMPTY
def test_a_city_without_a_single_reading_has_its_word_scored(store: Store, tmp_path: Path) -> None:
    kept = Kept(store, kpi_town(tmp_path), 1, with_targets(HOUSEHOLDS), (said(HOUSEHOLDS, Fraction(66), EARLIER),))
    kept.until_us = 1_700_000_000_000_000
    kept.look()
    assert [(key, one.band, one.revision) for key, one in of_city(kept, EARLIER).items()] == [
        ((HOUSEHOLDS, True), 3, 1)
    ]
    assert kept.store.kpi_rows() == []
