"""What a city declares: read exactly, every fault told with its line, and part of figures, findings and scores."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from devices import City, load_city
from engine.kpi import (
    DeclaredValue,
    NotReported,
    PackError,
    Stated,
    declared_in,
    findings,
    load_declared,
    score_all,
    shipped,
    submission_of,
)
from engine.kpi.declared import COLUMNS
from engine.kpi.formula import parse_formula
from tests.devices.cities import write_city

PACK = shipped()
PAGE = (Path(__file__).parents[3] / "docs" / "kpis.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"<!-- declared_csv -->\n```csv\n(.*?)```", PAGE, re.DOTALL)[0]
INTERNET, BROADBAND = "EC: ICT: ICT: 1C", "EC: ICT: ICT: 2C"
HEADER = ",".join(column for column in COLUMNS if column != "evidence") + "\n"
YEAR = date(2025, 1, 1), date(2025, 12, 31)


def read(folder: Path, text: str) -> dict[tuple[str, int], DeclaredValue]:
    (folder / "declared.csv").write_text(text, encoding="utf-8")
    return {(one.key, one.year): one for one in load_declared(folder, PACK)}


@pytest.fixture
def city(tmp_path: Path) -> City:
    return load_city(write_city(tmp_path / "city"))


def test_the_rows_of_the_page_are_read_exactly(tmp_path: Path) -> None:
    found = read(tmp_path, SHOWN)
    internet = found[INTERNET, 2025]
    assert (internet.value, internet.numerator, internet.denominator) == (90, 40500, 45000)
    assert (internet.quality, internet.origin, internet.source) == ("survey", "household survey", "statistics office")
    assert found[BROADBAND, 2025].value == Fraction("31.5")
    assert isinstance(found["SC: EH: H: 1C", 2025].value, NotReported)
    assert found["population_covered_3g", 2025].value == 24000
    assert [one.line for one in found.values()] == [2, 3, 4, 5]
    assert [column for column in COLUMNS if f"`{column}`" not in PAGE] == []


def test_a_city_without_the_file_declares_nothing(tmp_path: Path) -> None:
    assert load_declared(tmp_path, PACK) == ()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("EC: ICT: ICT: 9C,2025,1,,,%,,,,", ":2: column key: unknown data point 'EC: ICT: ICT: 9C'"),
        ("EC: ICT: ICT: 4C,2025,1,,,%,,,,", "it has EC: ICT: ICT: 4C/3g"),
        ("popultion,2025,1,,,1,,,,", "did you mean 'population'"),
        (f"{INTERNET},25,1,,,%,,,,", "column year: expected a year such as 2025"),
        (f"{INTERNET},2025,much,,,%,,,,", "column value: expected a decimal number"),
        (f"{INTERNET},2025,1,2,3,%,,,,", "column value: stands beside numerator and denominator"),
        (f"{INTERNET},2025,,2,,%,,,,", "column value: expected a number, NR, or both"),
        (f"{INTERNET},2025,,2,0,%,,,,", "column denominator: expected another number than 0"),
        ("population,2025,,2,3,{inhabitant},,,,", "column numerator: an input is no ratio"),
        (f"{INTERNET},2025,1,,,km,,,,", "column unit: expected '%' or what converts to it"),
        (f"{INTERNET},2025,1,,,,,,,", "column unit: expected '%'"),
        (f"{INTERNET},2025,1,,,%,mesured,,,", "did you mean 'measured'"),
        (f"{INTERNET},2025,1,,,%,,,,a\0b", "expected text, and there is a NUL character in it"),
        (f"{INTERNET},2025,1", "expected 10 columns, got 3"),
        (
            f"{INTERNET},2025,1,,,%,,,,\n{INTERNET},2025,2,,,%,,,,",
            ":3: column key: 'EC: ICT: ICT: 1C' of 2025 stands in line 2",
        ),
    ],
)
def test_a_row_that_does_not_fit_is_told_with_its_line_and_column(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(PackError) as refused:
        read(tmp_path, HEADER + row + "\n")
    (fault,) = refused.value.faults
    assert said in str(fault)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PackError) as refused:
        read(tmp_path, HEADER + f"{INTERNET},25,1,,,%,,,,\n\n{BROADBAND},2025,x,,,km,good,,,\n")
    assert [fault.line for fault in refused.value.faults] == [2, 4, 4, 4]
    with pytest.raises(PackError, match="column yeer: unknown column; did you mean 'year'"):
        read(tmp_path, HEADER.replace("year", "yeer"))


def test_units_that_convert_are_converted_and_answers_are_numbers(tmp_path: Path) -> None:
    plan = next(point.key for point in PACK.data_points if point.yes_no)
    found = read(tmp_path, HEADER + f"{INTERNET},2025,0.9,,,1,,,,\n{plan},2025,yes,,,{{yes_no}},,,,the master plan\n")
    assert found[INTERNET, 2025].value == 90
    assert found[plan, 2025].value == 1


def test_a_year_takes_what_is_declared_for_it_and_an_estimate_the_newest(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER + "".join(f"{INTERNET},{year},{year % 100},,,%,,,,\n" for year in (2025, 2023, 2024)))
    declared = tuple(rows.values())
    assert declared_in(declared, 2024, exactly=True)[INTERNET].value == 24
    assert declared_in(declared, 2026, exactly=True) == {}
    assert declared_in(declared, 2026, exactly=False)[INTERNET].value == 25
    assert declared_in(declared, 2022, exactly=False) == {}


def test_what_is_declared_is_part_of_figures_findings_and_scores(tmp_path: Path, city: City) -> None:
    declared = declared_in(read(tmp_path, SHOWN).values(), 2025, exactly=True)
    first, last = date(2025, 1, 1), date(2025, 12, 31)
    known = {"population": Fraction(30_000)}
    one = submission_of(PACK, city, known, first, last, declared)
    assert one.values[INTERNET] == 90
    assert one.values["EC: ICT: ICT: 4C/3g"] == 80, "an input that is declared makes the figures that name it"
    assert isinstance(one.values["SC: EH: H: 1C"], NotReported)
    assert one.stated[INTERNET] == Stated("household survey; statistics office", "survey", "", declared=True)
    assert [one.declared(PACK.data_point(key)) for key in (INTERNET, "EC: ICT: ICT: 4C/3g", "EC: ICT: ICT: 4C/4g")] == [
        True, True, False,
    ]  # fmt: skip
    points = {score.data_point: score.points for score in score_all(PACK, one.values, last)}
    assert (points[INTERNET], points["EC: ICT: ICT: 4C/3g"], points["SC: EH: H: 1C"]) == (3, 3, 0)
    rules = {finding.rule: finding for finding in findings(one)}
    assert "broadband" not in rules
    high = {**declared, BROADBAND: _with(declared[BROADBAND], Fraction(95))}
    broadband = next(f for f in findings(submission_of(PACK, city, known, first, last, high)) if f.rule == "broadband")
    assert broadband.data_points == (BROADBAND, INTERNET)


def _with(one: DeclaredValue, value: Fraction, source: str = "x") -> DeclaredValue:
    return DeclaredValue(one.key, one.year, value, None, None, one.quality, "", source, "", one.line)


@pytest.mark.parametrize(("stated", "asked"), [("105", False), ("105.1", True), ("95", False), ("94.9", True)])
def test_a_declared_figure_that_is_far_from_the_measured_one_is_asked_about(
    tmp_path: Path, city: City, stated: str, asked: bool
) -> None:
    rows = read(tmp_path, HEADER + f"population,2025,{stated},,,{{inhabitant}},measured,,register,\n")
    declared = declared_in(rows.values(), 2025, exactly=True)
    known = {"population": Fraction(100), "population_covered_3g": Fraction(50)}
    one = submission_of(PACK, city, known, *YEAR, declared)
    hits = [finding for finding in findings(one) if finding.rule == "declared_differs"]
    assert bool(hits) is asked
    if hits:
        assert "sensors and registers give 100" in hits[0].text


def test_a_figure_made_of_a_declared_figure_is_declared_as_well(tmp_path: Path, city: City) -> None:
    formula = parse_formula(f'100 - kpi("{INTERNET}")')
    kpis = tuple(
        replace(
            kpi,
            data_points=tuple(
                replace(one, formula=formula) if one.key == BROADBAND else one for one in kpi.data_points
            ),
        )
        for kpi in PACK.kpis
    )
    rows = read(tmp_path, HEADER + f"{INTERNET},2025,40,,,%,,,,\n")
    one = submission_of(replace(PACK, kpis=kpis), city, {}, *YEAR, declared_in(rows.values(), 2025, exactly=True))
    assert one.figure(BROADBAND) == 60
    assert {point.key for point in one.pack.data_points if one.declared(point)} == {INTERNET, BROADBAND}


def test_a_declared_figure_without_a_source_is_a_lack(tmp_path: Path, city: City) -> None:
    for source, lacks in (("", True), ("the office", False)):
        rows = read(tmp_path, HEADER + f"{INTERNET},2025,90,,,%,survey,,{source},\n")
        declared = declared_in(rows.values(), 2025, exactly=True)
        one = submission_of(PACK, city, {}, date(2025, 1, 1), date(2025, 12, 31), declared)
        assert any(f.rule == "source" and f.data_points == (INTERNET,) for f in findings(one)) is lacks


def test_evidence_is_a_file_of_the_citys_folder_for_it(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "survey.pdf").write_bytes(b"%PDF")
    (tmp_path / "secret.txt").write_text("no evidence")
    heading = HEADER.replace("note", "note,evidence")
    row = f"{INTERNET},2025,1,,,%,,,,,"
    found = read(tmp_path, f"{heading}{row}survey.pdf\n")
    assert found[INTERNET, 2025].evidence == "survey.pdf"
    for named, told in (
        ("lacking.pdf", "there is no file evidence/lacking.pdf"),
        ("../secret.txt", "expected a file in the city's folder evidence/"),
        ("x" * 300, "names no file"),
    ):
        with pytest.raises(PackError, match=re.escape(told)):
            read(tmp_path, f"{heading}{row}{named}\n")
