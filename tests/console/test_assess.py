"""`cityvitals assess` and `assessments` as a user runs them, on a city that measures nothing and declares something."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest

from assessment.bundle.layout import DIGESTS
from assessment.compare import Side
from console.commands.assess import _earlier, assess_now
from console.context import Context
from engine.kpi import shipped
from tests.assessment.tiny import key_files
from tests.console.command import Done, cityvitals
from tests.databases import Databases
from tests.devices.cities import write_city

INTERNET, BROADBAND = "EC: ICT: ICT: 1C", "EC: ICT: ICT: 2C"
DECLARED = f"""key,year,value,numerator,denominator,unit,quality,source,evidence
{INTERNET},2025,,90,100,%,survey,the office,survey.pdf
{BROADBAND},2025,95,,,%,survey,the office,
"""
ANSWERS = """year,rule,data_points,answer,by
2025,broadband,,offices have it as well,the clerk
"""


class Assessor:
    """Runs commands on one city and database."""

    def __init__(self, city: Path, url: str) -> None:
        self.city, self.url = city, url

    def __call__(self, *arguments: str) -> Done:
        return cityvitals("--city", str(self.city), *arguments, CITYVITALS_DATABASE_URL=self.url)

    def declare(self, text: str) -> None:
        (self.city / "declared.csv").write_text(text, encoding="utf-8")


@pytest.fixture
def run(databases: Databases, tmp_path: Path) -> Iterator[Assessor]:
    city = write_city(tmp_path / "city")
    (city / "evidence").mkdir()
    (city / "evidence" / "survey.pdf").write_bytes(b"%PDF")
    (city / "answers.csv").write_text(ANSWERS, encoding="utf-8")
    with databases.migrated() as url:
        found = Assessor(city, url)
        found.declare(DECLARED)
        yield found


def test_every_data_point_is_one_line_for_programs(run: Assessor) -> None:
    done = run("assess", "2025", "--json")
    assert done.code == 0, done.err
    rows = {row["data_point"]: row for row in done.rows}
    assert list(rows) == [point.key for point in shipped().data_points]
    assert len({tuple(row) for row in done.rows}) == 1
    one = rows[INTERNET]
    assert (one["exact"], one["basis"], one["quality"], one["evidence"]) == ("90", "declared", "survey", "survey.pdf")
    assert (one["numerator"], one["denominator"], one["band"]) == ("90", "100", 3)
    nothing = rows["EN: E: E: 2C"]
    assert (nothing["exact"], nothing["basis"]) == (None, "nothing")
    assert nothing["reason"]


def test_the_summary_counts_and_says_what_comes_next(run: Assessor, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    done = run("assess", "2025", "--language", "en", "--out", str(out))
    assert done.code == 0, done.err
    for said in (
        "reported",
        "2 declared",
        "; 1 answered",
        f"written   {out} and {out}.zip",
        f"cityvitals verify {out}",
    ):
        assert said in done.out
    assert "nothing; give --out DIR" in run("assess", "2025").out
    results = json.loads((out / "results.json").read_text())
    assert (results["year"], len(results["results"])) == (2025, 112)
    report = {"assessment.xlsx", "assessment.csv", "assessment.json", "assessment.jsonld"}
    assert {one.name for one in (out / "report").iterdir()} == report | {"report-en.pdf", "factsheet-en.pdf"}
    assert (out / "city" / "evidence" / "survey.pdf").is_file()
    assert (out / DIGESTS).is_file()
    without = tmp_path / "without"
    assert run("assess", "2025", "--language", "en", "--out", str(without), "--no-digests").code == 0
    assert not (without / DIGESTS).exists()


def test_what_is_written_is_verified_without_a_database_signed_by_whom_it_should_be(
    run: Assessor, tmp_path: Path
) -> None:
    out, (private, public) = tmp_path / "bundle", key_files(tmp_path)
    assert run("assess", "2025", "--language", "en", "--out", str(out), "--key", str(private)).code == 0
    for bundle in (out, tmp_path / "bundle.zip"):
        done = cityvitals("verify", str(bundle), "--public-key", str(public), "--json", CITYVITALS_LOCAL=str(tmp_path))
        assert done.code == 0, done.out
        verdict = done.rows[-1]
        assert (verdict["good"], verdict["declared"], verdict["signature"]) == (True, 2, "signed by the key given")
    with (out / "results.json").open("r+b") as file:
        file.seek(100)
        file.write(b"#")
    changed = cityvitals("verify", str(out), CITYVITALS_LOCAL=str(tmp_path))
    assert (changed.code, "results.json" in changed.out) == (1, True)
    for arguments, said in (
        (["--key", str(private)], "there is no --out"),
        (["--key", str(public), "--out", str(tmp_path / "other")], "no private key in PEM"),
        (["--language", "fr"], "expected en, ko or both"),
        (["--archive", str(tmp_path)], "there is no --out"),
        (["--archive", str(tmp_path / "nowhere"), "--out", str(tmp_path / "other")], "no such folder"),
    ):
        refused = run("assess", "2025", *arguments)
        assert refused.code != 0
        assert said in refused.err
    assert not (tmp_path / "other").exists()


def test_a_bundle_is_replaced_when_asked_and_otherwise_left(run: Assessor, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    write = ("assess", "2025", "--language", "en", "--out", str(out))
    assert run(*write).code == 0
    first = (out / "results.json").read_bytes()
    run.declare(DECLARED.replace("90,100", "80,100"))
    refused = run(*write)
    assert refused.code == 2
    assert f"{out} is there already" in refused.err
    assert "--force" in refused.err
    assert (out / "results.json").read_bytes() == first
    assert run(*write, "--force").code == 0
    assert (out / "results.json").read_bytes() != first
    assert {one.name for one in tmp_path.iterdir() if one.name.startswith("bundle")} == {"bundle", "bundle.zip"}
    assert run("assess", "2025", "--out", str(out / "results.json")).code == 2
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "letter.txt").write_text("mine")
    assert run("assess", "2025", "--language", "en", "--out", str(strange), "--force").code == 1
    assert (strange / "letter.txt").read_text() == "mine"


def test_a_year_that_is_not_over_is_refused_with_what_to_use_instead(run: Assessor) -> None:
    year = datetime.now(UTC).year
    for arguments in (["assess", str(year)], ["assess", str(year + 1), "--freeze"]):
        done = run(*arguments)
        assert done.code == 2
        assert f"{arguments[1]} is not over" in done.err
        assert "`cityvitals kpis`" in done.err
    assert run("assess", "1492").code == 2


def test_faults_of_a_citys_files_are_told_all_at_once(run: Assessor) -> None:
    (run.city / "answers.csv").write_text(ANSWERS.replace("broadband", "broadbend").replace("the clerk", ""))
    done = run("assess", "2025")
    assert done.code == 2
    assert "answers.csv:2: column rule: unknown rule 'broadbend'; did you mean 'broadband'" in done.err
    assert "answers.csv:2: column by" in done.err


def listed_of(run: Assessor) -> dict[str, Any]:
    (one,) = run("assessments", "--json").rows
    return one


def test_a_frozen_bundle_is_known_by_its_manifest(run: Assessor, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    done = run("assess", "2025", "--language", "en", "--out", str(out), "--freeze")
    assert done.code == 0, done.err
    content = (out / "manifest.json").read_bytes()
    assert listed_of(run)["manifest_sha256"] == hashlib.sha256(content).hexdigest()
    assert listed_of(run)["results_sha256"] == hashlib.sha256((out / "results.json").read_bytes()).hexdigest()


def test_what_is_frozen_is_listed_and_held_against_the_figures_of_now(run: Assessor) -> None:
    assert "`cityvitals assess YEAR --freeze` keeps one" in run("assessments").out
    assert run("assessments", "difference", "2025").code == 2
    frozen = run("assess", "2025", "--freeze", "--by", "the mayor")
    assert frozen.code == 0, frozen.err
    assert "submission 1 of 2025, by the mayor" in frozen.out
    assert listed_of(run)["manifest_sha256"] is None
    assert "it stands" in run("assess", "2025", "--freeze", "--by", "the mayor").out
    assert "nothing differs from submission 1 of 2025" in run("assessments", "difference", "2025").out
    listed = listed_of(run)
    assert (listed["year"], listed["submission"], listed["stands"], listed["by"]) == (2025, 1, True, "the mayor")
    run.declare(DECLARED.replace("90,100", "80,100"))
    (changed,) = run("assessments", "difference", "2025", "--json").rows
    assert (changed["data_point"], changed["submitted"], changed["now"]) == (INTERNET, "90", "80")
    assert changed["difference"] == "-10"
    assert changed["why"][0] == "numerator 90 became 80"
    assert "1 data point of 2025: as in submission 1, and now" in run("assessments", "difference", "2025").out
    assert "submission 2 of 2025" in run("assess", "2025", "--freeze").out
    assert [one["stands"] for one in run("assessments", "--json").rows] == [True, False]
    assert run("assessments", "difference", "2025", "--submission", "1", "--json").rows == [changed]


def test_what_the_engine_has_still_to_compute_is_not_frozen(run: Assessor) -> None:
    with psycopg.connect(run.url, autocommit=True) as connection:
        connection.execute("INSERT INTO cityvitals.pending_restatement VALUES (1, 1, '2025-06-01T12:00:00Z', 0)")
        refused = run("assess", "2025", "--freeze")
        assert (refused.code, run("assessments", "--json").rows) == (1, [])
        assert "wait to be computed again: 1" in refused.err
        assert "let the gateway run" in refused.err
        told = run("assess", "2025")
        assert (told.code, "not yet computed" in told.err) == (0, True)
        # Hours of later years do not concern it.
        connection.execute("DELETE FROM cityvitals.pending_restatement")
        assert run("assess", "2025", "--freeze").code == 0


def test_the_worksheet_of_a_year_that_runs_says_so(run: Assessor, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    year = (now - timedelta(days=3)).year
    made = run("assess", str(year), "--template", str(tmp_path / "sheet.xlsx"))
    assert made.code == 0, made.err
    title = openpyxl.load_workbook(tmp_path / "sheet.xlsx")["Data points"]["A1"].value
    # In the first days of January it is the year before, which is over.
    assert (", running: what is known up to " in title) == (year == now.year)
    untouched = run("assess", str(year), "--worksheet", str(tmp_path / "sheet.xlsx"), "--json")
    assert (untouched.code, untouched.rows) == (0, [])


def test_a_worksheet_is_written_once_and_read_back_into_the_files_of_the_city(run: Assessor, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.xlsx"
    made = run("assess", "2025", "--template", str(sheet))
    assert (made.code, "--worksheet" in made.out) == (0, True), made.err
    again = run("assess", "2025", "--template", str(sheet))
    assert (again.code, "somebody may have filled it in" in again.err) == (2, True)
    both = run("assess", "2025", "--worksheet", str(sheet), "--freeze")
    assert (both.code, "--worksheet and --freeze: give one" in both.err) == (2, True)
    untouched = run("assess", "2025", "--worksheet", str(sheet), "--json")
    assert (untouched.code, untouched.rows) == (0, [])
    book = openpyxl.load_workbook(sheet)
    points = book["Data points"]
    assert [points[cell].value for cell in ("A6", "H6", "K6")] == [BROADBAND, 95, "%"]
    points["H6"].value, points["K6"].value = 96, "kg"
    book.save(sheet)
    refused = run("assess", "2025", "--worksheet", str(sheet))
    assert (refused.code, "Data points!K6: " in refused.err) == (2, True)
    assert (run.city / "declared.csv").read_text(encoding="utf-8") == DECLARED
    points["K6"].value = "%"
    book.save(sheet)
    done = run("assess", "2025", "--worksheet", str(sheet))
    assert (done.code, "written: declared.csv" in done.out) == (0, True)
    changed = DECLARED.replace(f"{BROADBAND},2025,95,", f"{BROADBAND},2025,96,")
    assert (run.city / "declared.csv").read_text(encoding="utf-8") == changed


def test_the_year_before_is_told_as_it_was_submitted(run: Assessor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYVITALS_DATABASE_URL", run.url)
    before = f"{DECLARED}{INTERNET},2024,70,,,%,survey,the office,\n"
    run.declare(before)
    assert run("assess", "2024", "--freeze").code == 0
    run.declare(before.replace("2024,70", "2024,60"))
    context = Context(city_option=run.city)
    earlier = _earlier(context, assess_now(context, 2025))
    assert isinstance(earlier, Side)
    assert (earlier.year, earlier.standings[INTERNET].value) == (2024, 70)
