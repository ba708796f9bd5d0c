"""Figures of KPIs as the command shows them, of a gateway that runs."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from simulators.bench import wait_until
from tests.console.command import cityvitals
from tests.console.conftest import Service

pytestmark = pytest.mark.system

PM10 = "EN: EN: AQ: 1C/pm10"


def reported(service: Service, *more: str) -> dict[str, dict[str, Any]]:
    """Return of each data point the estimate that rests on most: early in January that is not the year's."""
    rows = service("kpis", "--json", *more).rows
    return {row["key"]: fullest(row["figures"]) for row in rows if row["figures"]}


def fullest(figures: list[dict[str, Any]]) -> dict[str, Any]:
    return max(figures, key=lambda one: int(one["received"]))


@pytest.fixture(scope="module")
def kept(service: Service) -> Service:
    """The gateway, once it has brought the figures of the air up to the newest hours."""
    # Five of the demo's stations have PM10.
    wait_until(lambda: reported(service).get(PM10, {"received": 0})["received"] >= 5 * 3, 120, "a figure of PM10")
    return service


def test_each_data_point_has_its_figure_with_coverage_and_validity(kept: Service) -> None:
    one = reported(kept)[PM10]
    assert abs(Fraction(one["value"]) - Fraction(one["exact"])) <= Fraction(1, 2 * 10**6)
    assert one["coverage"] == round(one["received"] / one["expected"], 6)
    assert (one["validity"], one["scope"], one["revision"], one["year"]) == ("indicative", "city", 0, None)
    table = kept("kpis", "--live", "yes")
    assert table.code == 0, table.err
    assert re.search("(to date|rolling), 1 d", table.out)
    assert "indicative" in table.out


def test_one_figure_is_told_with_what_it_rests_on(kept: Service) -> None:
    (row,) = kept("kpis", "show", "EN: EN: WS: 2C", "--json").rows
    one = fullest(row["figures"])
    assert {used["input"] for used in one["rests_on"]} == {"water_used", "days", "population"}
    used = next(used for used in one["rests_on"] if used["input"] == "water_used")
    assert (used["stations"], used["counted"]) == (1, 1)
    assert used["received"] <= used["expected"] <= 6 * 60
    assert one["filled_in"][0].startswith("EN: EN: WS: 2C: 1000 * ")
    assert Fraction(one["exact"]) == Fraction(one["numerator"]) / Fraction(one["denominator"])
    told = kept("kpis", "show", "EN: EN: WS: 2C").out
    for said in ("numerator", "denominator", "coverage", "1 of 1", "an estimate"):
        assert said in told


def test_what_is_not_reported_says_why(kept: Service) -> None:
    one = reported(kept)["EC: I: ES: 1C"]
    assert one["value"] is None
    assert "no device in service measures interruption" in one["reason"]
    assert one["reason"] in " ".join(kept("kpis", "show", "EC: I: ES: 1C", "--json").rows[0]["figures"][0]["filled_in"])


def test_zones_have_figures_of_their_own(kept: Service) -> None:
    rows = kept("kpis", "--scope", "zone", "--json").rows
    scopes = {figure["scope"] for row in rows if row["key"] == PM10 for figure in row["figures"]}
    assert scopes == {"zone:air", "zone:kerb"}


def test_wrong_choices_are_refused(service: Service) -> None:
    for wrong in (
        ("--scope", "street"),
        ("--horizon", "week"),
        ("--at", "17"),
        ("--at", "2025", "--horizon", "rolling"),
    ):
        done = service("kpis", *wrong)
        assert (done.code, done.out) == (2, "")


def test_figures_that_are_asked_for_and_are_not_there_are_said(kept: Service, tmp_path: Path) -> None:
    for given in (("--at", "1999"), ("--scope", "zone:nowhere")):
        for command in (("kpis",), ("kpis", "show", PM10)):
            done = kept(*command, *given)
            assert (done.code, done.out) == (1, "")
            assert f"no figures for {' '.join(given)}" in done.err
    done = cityvitals("kpis", "--at", "2025", CITYVITALS_LOCAL=str(tmp_path))
    assert (done.code, done.out) == (1, "")
    assert "there is no database to read them from" in done.err


def test_without_a_database_the_definitions_stand_alone(tmp_path: Path) -> None:
    done = cityvitals("kpis", "--json", CITYVITALS_LOCAL=str(tmp_path))
    assert done.code == 0, done.err
    assert {tuple(row["figures"]) for row in done.rows} == {()}


def test_a_database_that_is_away_is_said_and_the_definitions_stand_alone() -> None:
    done = cityvitals("kpis", "--json", CITYVITALS_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.code == 0
    assert "no figures: " in done.err
    assert len(done.rows) > 100


def test_findings_are_what_a_verifier_would_ask(kept: Service) -> None:
    # A demo knows little of its city, and its one household and its registers are stand-ins without a data quality.
    done = kept("kpis", "findings", "--json")
    assert done.code == 0, done.err
    found = {row["rule"]: row for row in done.rows}
    assert {"missing", "quality"} <= set(found)
    assert found["missing"]["severity"] == "question"
    assert "KPIs are not reported" in found["missing"]["text"]
    assert "EC: ICT: ICT: 1C" in found["missing"]["data_points"]
    assert "population" in found["quality"]["text"]
    assert "counts_differ" not in found, "only some zones state their inhabitants, so they are not added up"
    table = kept("kpis", "findings")
    assert re.search("[0-9]+ findings on the figures of", table.out)
    nothing = kept("kpis", "findings", "--at", "1999")
    assert nothing.code == 1
    assert "no figures of 1999" in nothing.err
