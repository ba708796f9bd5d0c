"""`cityvitals kpis`: the catalogue without a database, one KPI in full, and the faults of a city's definitions."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.kpi import shipped
from tests.console.command import cityvitals
from tests.devices.cities import write_city

OWN = """
[[input]]
code = "pm2_5_mean"
changes = "weighted as SDG 11.6.2 asks"
pool = "population_mean"

[[kpi]]
code = "EC: I: T: 5A"
changes = "our own corridors"
name = "Travel time on our corridors"
"""


INTERNET = "EC: ICT: ICT: 1C"
DECLARED = f"""key,year,value,numerator,denominator,unit,quality,source
{INTERNET},2025,,90,100,%,survey,
{INTERNET},2024,20,,,%,survey,the office
"""


@pytest.fixture
def city(tmp_path: Path) -> Path:
    (tmp_path / "kpis").mkdir()
    (tmp_path / "kpis" / "ours.toml").write_text(OWN, encoding="utf-8")
    return tmp_path


def test_the_catalogue_is_one_json_line_a_data_point() -> None:
    done = cityvitals("kpis", "--json")
    assert done.code == 0, done.err
    assert [row["key"] for row in done.rows] == [point.key for point in shipped().data_points]
    assert len({tuple(row) for row in done.rows}) == 1
    row = next(row for row in done.rows if row["key"] == "EC: ICT: ICT: 4C/3g")
    assert row["formula"] == "100 * population_covered_3g / population"
    assert row["inputs"] == ["population_covered_3g", "population"]
    assert row["targets"][0]["official"] is False


def test_a_category_and_what_sensors_know_can_be_chosen() -> None:
    done = cityvitals("kpis", "--category", "transport", "--live", "yes", "--json")
    assert {(row["category"], row["live"]) for row in done.rows} == {("Transport", "yes")}
    table = cityvitals("kpis", "--category", "Environment")
    assert "EN: EN: AQ: 1C/pm10" in table.out
    assert "SC: " not in table.out


def test_one_kpi_is_told_in_full() -> None:
    done = cityvitals("kpis", "show", "EN:EN:AQ:1C/pm10")
    assert done.code == 0, done.err
    for said in ("Air Pollution, PM10", "pm10_mean", "not official", "11.6.2", "mean of pm10, mean over stations"):
        assert said in done.out
    rows = cityvitals("kpis", "show", "EN: EN: AQ: 1C", "--json").rows
    assert [row["data_point"] for row in rows] == ["pm2_5", "pm10", "no2", "so2", "o3"]
    assert rows[0]["inputs"][0]["kind"] == "telemetry"


def test_a_city_shows_what_it_changed(city: Path) -> None:
    done = cityvitals("--city", str(city), "kpis", "show", "EC: I: T: 5A")
    assert done.code == 0, done.err
    assert "our own corridors" in done.out
    checked = cityvitals("kpis", "check", str(city))
    assert checked.code == 0, checked.err
    assert "1 data point changed or added by the city" in checked.out


def test_faults_are_told_with_file_and_line_and_fail(city: Path) -> None:
    file = city / "kpis" / "ours.toml"
    file.write_text(OWN.replace("population_mean", "popular_mean").replace("5A", "7B"), encoding="utf-8")
    done = cityvitals("kpis", "check", str(city))
    assert done.code == 1
    assert f"{file}:5: input[1].pool: expected one of" in done.out
    assert f"{file}:8: kpi[1].code: there is no kpi 'EC: I: T: 7B' to change; did you mean" in done.out
    assert "2 faults" in done.out
    rows = cityvitals("kpis", "check", str(city), "--json").rows
    assert [(row["line"], row["key"]) for row in rows] == [(5, "input[1].pool"), (8, "kpi[1].code")]
    listed = cityvitals("--city", str(city), "kpis")
    assert listed.code == 2
    assert f"{file}:5" in listed.err


def test_what_a_city_declares_stands_in_figures_findings_and_scores_without_a_database(tmp_path: Path) -> None:
    city = write_city(tmp_path / "city")
    (city / "declared.csv").write_text(DECLARED, encoding="utf-8")
    alone = {"CITYVITALS_LOCAL": str(tmp_path)}
    rows = {row["key"]: row for row in cityvitals("--city", str(city), "kpis", "--json", **alone).rows}
    stated = rows[INTERNET]["declared"]
    assert (stated["exact"], stated["period"], stated["quality"], stated["band"]) == ("90", "2025", "survey", 3)
    assert rows["EC: ICT: ICT: 3C"]["declared"] is None
    table = cityvitals("--city", str(city), "kpis", "--category", "ICT", **alone)
    assert "1 declared" in table.out
    assert "declared" in next(line for line in table.out.splitlines() if "Household Internet" in line)
    (shown,) = cityvitals("--city", str(city), "kpis", "show", INTERNET, "--json", **alone).rows
    assert [(one["year"], one["numerator"], one["line"]) for one in shown["declared"]] == [
        (2024, None, 3),
        (2025, "90", 2),
    ]
    assert "declared 2025" in cityvitals("--city", str(city), "kpis", "show", INTERNET, **alone).out
    whole = cityvitals("--city", str(city), "kpis", "scores", "--json", **alone).rows[0]
    assert (whole["scored"], whole["points"]) == (1, 3)
    older = cityvitals("--city", str(city), "kpis", "scores", "--at", "2024", "--json", **alone).rows[0]
    assert (older["scored"], older["points"]) == (1, 1)
    rules = {row["rule"] for row in cityvitals("--city", str(city), "kpis", "findings", "--json", **alone).rows}
    assert {"missing", "source"} <= rules
    assert cityvitals("--city", str(city), "kpis", "scores", "--at", "2023", **alone).code == 1


def test_faults_of_what_is_declared_are_told_with_their_lines(tmp_path: Path) -> None:
    city = write_city(tmp_path / "city")
    file = city / "declared.csv"
    file.write_text(DECLARED.replace("survey", "surve"), encoding="utf-8")
    checked = cityvitals("kpis", "check", str(city))
    assert checked.code == 1
    assert f"{file}:2: column quality: expected one of" in checked.out
    listed = cityvitals("--city", str(city), "kpis", CITYVITALS_LOCAL=str(tmp_path))
    assert listed.code == 2
    assert f"{file}:2: column quality" in listed.err
    file.write_text(DECLARED, encoding="utf-8")
    assert "2 values declared" in cityvitals("kpis", "check", str(city)).out


def test_a_register_in_a_unit_of_something_else_is_told_with_its_line_and_who_needs_it(tmp_path: Path) -> None:
    city = write_city(tmp_path / "city")
    assert cityvitals("kpis", "check", str(city)).code == 0
    file = city / "city.toml"
    lines = len(file.read_text(encoding="utf-8").splitlines())
    wrong = """
[[register]]
code = "population"
value = 9000
unit = "km2"
from = "2024-01-01"

[[register]]
code = "nobody_reads_this"
value = 1
unit = "km2"
from = "2024-01-01"
"""
    file.write_text(file.read_text(encoding="utf-8") + wrong, encoding="utf-8")
    (city / "declared.csv").write_text(DECLARED.replace("survey", "surve"), encoding="utf-8")
    rows = cityvitals("kpis", "check", str(city), "--json").rows
    register, *declared = sorted(rows, key=lambda row: row["file"])
    assert (register["file"], register["line"]) == (str(file), lines + 5)
    assert [row["line"] for row in declared] == [2, 3]
    assert "cannot convert 'km2' to '{inhabitant}', which EC: ICT: ICT: 3C, " in register["fault"]
    assert register["fault"].endswith(" more need of 'population'")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "EN: EN: AQ: 9C"], "unknown KPI 'EN: EN: AQ: 9C'; did you mean"),
        (["--category", "Transpot"], "did you mean 'Transport'"),
        (["--live", "perhaps"], "expected one of yes, partly, no"),
        (["check", "/nowhere"], "no such folder"),
        (["check", "."], "neither kpis/ nor pack.toml"),
    ],
)
def test_wrong_use_says_what_is_right(arguments: list[str], said: str) -> None:
    done = cityvitals("kpis", *arguments)
    assert done.code == 2
    assert said in done.err
