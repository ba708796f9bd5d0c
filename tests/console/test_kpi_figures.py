"""Figures of KPIs as the command shows them, of a gateway that runs."""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from simulators.bench import wait_until
from tests.console.command import cityvitals
from tests.console.conftest import CITY, Service

pytestmark = pytest.mark.system

PM10 = "EN: EN: AQ: 1C/pm10"
LONDON = ZoneInfo("Europe/London")
"""Of the demo's city."""
TRIAL = """
[[input]]
code = "pm10_mean"
changes = "the worst station, to see"
pool = "maximum"
"""
STRICT = """
[[target]]
kpi = "EN: EN: AQ: 1C"
data_point = "pm10"
value = 0.000001
rule = "inverse"
from = "2020-01-01"
source = "a council that wants much"
"""


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
    assert Fraction(one["low"]) < Fraction(one["exact"]) < Fraction(one["high"])
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
    for said in ("numerator", "denominator", "bounds", "coverage", "1 of 1", "an estimate"):
        assert said in told


def test_observations_behind_a_figure_add_up_to_it_by_hand(kept: Service) -> None:
    rows = kept("kpis", "show", PM10, "--observations", "--limit", "1000000", "--json").rows
    figure, stations = rows[0], [row for row in rows if row["row"] == "station"]
    of: dict[str, list[Fraction]] = {}
    for row in rows:
        if row["row"] == "observation" and row["counts"]:
            of.setdefault(row["device"], []).append(Fraction(row["value"]))
    assert set(of) == {row["device"] for row in stations if row["counts"]}
    means = {device: sum(values) / len(values) for device, values in of.items()}
    assert sum(means.values()) / len(means) == Fraction(figure["exact"])
    assert sum(map(len, of.values())) >= figure["received"]
    days = kept("kpis", "show", PM10, "--days", "--limit", "1000000", "--json").rows
    for station in stations:
        shares = [row for row in days if row["row"] == "day" and row["device"] == station["device"]]
        readings = sum(row["readings"] for row in shares)
        if station["value"] is not None:
            assert sum(Fraction(row["sum"]) for row in shares) / readings == Fraction(station["value"])


def test_long_lists_come_in_pages(kept: Service) -> None:
    first = kept("kpis", "show", PM10, "--observations", "--limit", "3", "--json").rows
    assert first[-1]["row"] == "next"
    second = kept("kpis", "show", PM10, "--observations", "--limit", "3", "--from", first[-1]["from"], "--json").rows
    times = [row["time"] for page in (first, second) for row in page if row["row"] == "observation"]
    assert times == sorted(times)
    assert second[-1]["from"] > first[-1]["from"]
    table = kept("kpis", "show", PM10, "--observations", "--limit", "3")
    assert "more from" in table.out
    assert re.search("[0-9]+ civil days? of a? ?series", kept("kpis", "show", PM10, "--days").out)
    for wrong, said in (
        (("EN: EN: AQ: 1C", "--days"), "has several data points"),
        ((PM10, "--days", "--observations"), "give one of them"),
        ((PM10, "--limit", "3"), "choose among --days or --observations"),
        ((PM10, "--days", "--device", "nobody"), "no device is called"),
    ):
        done = kept("kpis", "show", *wrong)
        assert (done.code, done.out) == (2, "")
        assert said in done.err


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
        ("--at", "2025-13"),
        ("--at", "2025-02-30"),
        ("--at", "1000-01-01"),
        ("--at", "today", "--horizon", "month"),
        ("--horizon", "day"),
    ):
        done = service("kpis", *wrong)
        assert (done.code, done.out) == (2, "")
    said = " ".join(service("kpis", "show", PM10, "--at", "yesterday").err.split())
    assert "expected a year such as 2025, a month such as 2025-11, a day such as 2025-11-26, or today" in said
    for annual in ("findings", "scores"):
        assert service("kpis", annual, "--at", "2025-11").code == 2


def test_a_month_and_a_day_are_computed_when_asked_and_are_not_the_official_figure(kept: Service) -> None:
    stored = reported(kept)[PM10]
    day = local_day(stored["end"], before_us=1)
    for at, horizon in ((day, "day"), (day[:7], "month")):
        rows = kept("kpis", "--at", at, "--json").rows
        (one,) = next(row["figures"] for row in rows if row["key"] == PM10)
        assert (one["horizon"], one["year"], one["revision"], one["scope"]) == (horizon, None, 0, "city")
        assert one["validity"] != "valid"
        assert (one["band"], one["target"]) == (None, None)
        assert one["not_scored"] == f"targets are of a year, and this is a {horizon}"
        assert one.keys() == stored.keys()
    told = kept("kpis", "show", PM10, "--at", day)
    assert told.code == 0, told.err
    assert "operational, computed when asked and not stored" in told.out
    table = kept("kpis", "--live", "yes", "--at", day[:7])
    assert re.search("month, [0-9]+ d", table.out)
    assert "never the official figure" in " ".join(table.out.split())
    assert kept("kpis", "show", PM10, "--at", day, "--days", "--json").rows[0]["horizon"] == "day"
    assert {one["horizon"] for row in kept("kpis", "--json").rows for one in row["figures"]} <= {
        "rolling", "to_date", "year",
    }  # fmt: skip
    gone = kept("kpis", "--at", "1999-12-31")
    assert (gone.code, gone.out) == (1, "")
    assert "no whole hour of 1999-12-31" in gone.err


def test_today_is_the_present_civil_day_up_to_its_last_whole_hour(kept: Service) -> None:
    # A midnight may pass meanwhile, and in the first hour of a day there is nothing of it yet.
    began = datetime.now(LONDON)
    done = kept("kpis", "--scope", "city", "--at", "today", "--json")
    ended = datetime.now(LONDON)
    if done.code:
        assert "no whole hour of today" in done.err
        assert 0 in (began.hour, ended.hour)
        return
    figures = [one for row in done.rows for one in row["figures"]]
    assert {local_day(one["start"]) for one in figures} <= {began.date().isoformat(), ended.date().isoformat()}
    hours = {datetime.fromisoformat(one["end"]).astimezone(LONDON) for one in figures}
    assert hours <= {at.replace(minute=0, second=0, microsecond=0) for at in (began, ended)}


def local_day(time: str, *, before_us: int = 0) -> str:
    at = datetime.fromisoformat(time) - timedelta(microseconds=before_us)
    return at.astimezone(LONDON).date().isoformat()


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


def test_a_figure_has_its_band_by_the_target_that_the_city_states(kept: Service, tmp_path: Path) -> None:
    one = reported(kept)[PM10]
    assert (one["target"], one["official"]) == ("20", False)
    assert one["band"] in (1, 2, 3, 4)
    city = shutil.copytree(str(CITY), tmp_path / "city")
    (city / "kpis").mkdir()
    (city / "kpis" / "targets.toml").write_text(STRICT, encoding="utf-8")
    (row,) = cityvitals("--city", str(city), "kpis", "show", PM10, "--json", **kept.environ).rows
    strict = fullest(row["figures"])
    assert (strict["band"], strict["band_name"], strict["target_from"]) == (1, "0-33 %", "2020-01-01")
    told = cityvitals("--city", str(city), "kpis", "show", PM10, **kept.environ).out
    assert "% of the target 1/1000000 from 2020-01-01 (not official)" in told


def test_scores_roll_up_and_say_what_was_left_out(kept: Service) -> None:
    rows = kept("kpis", "scores", "--json").rows
    whole = rows[0]
    points = [row for row in rows if row["row"] == "data_point"]
    assert whole["row"] == "whole"
    assert (whole["scored"] + whole["left_out"], whole["points_max"]) == (len(points), 4 * whole["scored"])
    assert whole["points"] == sum(row["band"] for row in points if row["band"])
    assert whole["left_out_without_target"] == sum(row["not_scored"] == "no target" for row in points)
    for level in ("dimension", "sub_dimension", "category"):
        assert sum(row["points"] for row in rows if row["row"] == level) == whole["points"]
    table = kept("kpis", "scores")
    assert re.search(f"{whole['scored']} data points? scored, {whole['left_out']} left out", table.out)
    # Just after midnight the last whole day is that of a gateway which had not begun: nothing is scored yet.
    said = "ours and not official" if whole["scored"] else "targets: none"
    assert said in " ".join(table.out.split())
    nothing = kept("kpis", "scores", "--at", "1999")
    assert (nothing.code, nothing.out) == (1, "")


def test_definitions_are_tried_on_what_is_stored_without_changing_anything(kept: Service, tmp_path: Path) -> None:
    file = tmp_path / "trial.toml"
    file.write_text(TRIAL, encoding="utf-8")
    before = reported(kept)
    rows = kept("kpis", "try", str(file), "--json").rows
    (one,) = (row for row in rows if row["new"]["exact"] is not None)
    assert one["data_point"] == PM10
    assert Fraction(one["difference"]) == Fraction(one["new"]["exact"]) - Fraction(one["old"]["exact"])
    assert Fraction(one["new"]["exact"]) > Fraction(one["old"]["exact"]), "the highest station is above the mean"
    assert {key: row["definition"] for key, row in reported(kept).items()} == {
        key: row["definition"] for key, row in before.items()
    }
    table = kept("kpis", "try", str(file))
    assert "nothing was written" in table.out
    file.write_text(TRIAL.replace("maximum", "maximal"), encoding="utf-8")
    wrong = kept("kpis", "try", str(file))
    assert (wrong.code, wrong.out) == (2, "")
    assert f"{file}:5: input[1].pool: expected one of" in wrong.err
    assert kept("kpis", "try", str(tmp_path / "nothing.toml")).code == 2


def test_findings_are_what_a_verifier_would_ask(kept: Service) -> None:
    # A demo knows little of its city, and its one household and its registers are stand-ins without a data quality.
    done = kept("kpis", "findings", "--json")
    assert done.code == 0, done.err
    found = {row["rule"]: row for row in done.rows}
    assert {"missing", "quality"} <= set(found)
    assert found["missing"]["severity"] == "question"
    assert "KPIs are not reported" in found["missing"]["text"]
    assert "EC: ICT: ICT: 1C" in found["missing"]["data_points"]
    # Of a register that no reading is divided by: just after midnight nothing by head is reported yet.
    assert "water_meters" in found["quality"]["text"]
    assert "counts_differ" not in found, "only some zones state their inhabitants, so they are not added up"
    assert found["quality"]["first_seen"] <= found["quality"]["last_seen"]
    assert {row["gone"] for row in done.rows} == {None}
    assert len(kept("kpis", "findings", "--gone", "--json").rows) >= len(done.rows)
    table = kept("kpis", "findings")
    assert re.search("[0-9]+ findings on the figures of", table.out)
    nothing = kept("kpis", "findings", "--at", "1999")
    assert nothing.code == 1
    assert "no figures of 1999" in nothing.err
