"""The log of a verifier's questions on a real database: since when each stands, and until when it stood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from devices import Register
from engine.kpi import DeclaredValue
from engine.store import FindingReading, FindingRow, Store
from tests.databases import Furnish
from tests.engine.store.kpi_kept import Kept, year_kept, year_over
from tests.engine.store.kpi_town import HOUR_US, YEAR, registers

PEOPLE = "population"
EMF = "EN: EN: EQ: 1C"
HALF = DeclaredValue(EMF, YEAR, Fraction(50), None, None, "measured", "", "the regulator", "", 2)


@pytest.fixture
def furnish() -> Furnish:
    return year_over


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    """The town by hand, its year over and closed."""
    return year_kept(store, tmp_path)


def of_rule(kept: Kept, rule: str) -> list[FindingReading]:
    return [one for one in kept.store.kpi_findings("year", YEAR) if one.rule == rule]


def again(kept: Kept, later_us: int = 0) -> None:
    """Begin anew, as after a restart some time later, and look."""
    kept.until_us += later_us
    kept.start()
    kept.look()


def test_the_keeper_keeps_what_a_verifier_would_ask_of_every_period(kept: Kept) -> None:
    (missing,) = of_rule(kept, "missing")
    assert (missing.severity, missing.gone_us) == ("question", None)
    assert "KPIs are not reported" in missing.detail
    assert len(missing.data_points) > 100
    assert of_rule(kept, "quality")
    assert {one.rule for one in kept.store.kpi_findings("rolling")} >= {"missing", "quality"}


def test_a_finding_that_is_answered_is_gone_and_one_that_comes_again_begins_anew(kept: Kept) -> None:
    (asked,) = of_rule(kept, "quality")
    began_us = kept.until_us
    assert (asked.first_seen_us, asked.last_seen_us) == (began_us, began_us)
    plain = kept.registry
    answered = tuple(replace(one, quality="measured") for one in registers())
    kept.registry = replace(plain, city=replace(plain.city, registers=answered))
    again(kept, 60_000_000)
    (gone,) = of_rule(kept, "quality")
    assert (gone.first_seen_us, gone.gone_us) == (began_us, kept.until_us)
    kept.registry = plain
    again(kept, 60_000_000)
    (back,) = of_rule(kept, "quality")
    assert (back.first_seen_us, back.gone_us) == (kept.until_us, None)


def test_what_stands_is_written_again_once_an_hour_only(
    kept: Kept, query: Callable[..., list[tuple[object, ...]]]
) -> None:
    versions = "SELECT rule, subject, nth, xmin::text FROM kpi_finding WHERE horizon = 'year' ORDER BY 1, 2, 3"
    before, began_us = query(versions), kept.until_us
    again(kept, 60_000_000)
    assert query(versions) == before
    again(kept, HOUR_US)
    (missing,) = of_rule(kept, "missing")
    assert (missing.first_seen_us, missing.last_seen_us) == (began_us, kept.until_us)


def test_what_is_declared_is_asked_about_as_well(kept: Kept) -> None:
    assert of_rule(kept, "emf") == []
    kept.declared = (HALF,)
    again(kept)
    (emf,) = of_rule(kept, "emf")
    assert emf.data_points == [EMF]
    # Stored figures rest on sensors and registers alone.
    assert kept.year(EMF).value is None


def test_two_findings_of_one_rule_on_the_same_data_points_stand_side_by_side(kept: Kept) -> None:
    twice = [FindingRow("counts_differ", "question", ("A: 1C",), text) for text in ("first", "second")]
    with kept.store.one_kpi_writer() as writer:
        writer.findings("year", 1999, twice, 5)
    assert [one.detail for one in kept.store.kpi_findings("year", 1999)] == ["first", "second"]


def test_the_quality_of_a_register_is_kept_with_it(kept: Kept, query: Callable[..., list[tuple[object, ...]]]) -> None:
    sure = Register(PEOPLE, Fraction(1000), "1", date(2020, 1, 1), "the town", "measured")
    kept.registry = replace(kept.registry, city=replace(kept.registry.city, registers=registers(sure)))
    again(kept)
    found = query("SELECT valid_from, quality FROM v_register WHERE register = 'population' ORDER BY 1")
    assert found == [(date(2020, 1, 1), "measured"), (date(YEAR, 7, 1), "")]
