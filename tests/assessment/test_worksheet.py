"""The worksheet for declaring: what is known is in it, what is filled in reaches the city's files, and nothing else."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from assessment import Question
from assessment.answers import load_answers
from assessment.worksheet import Edit, WorksheetError, declared_rows, read_worksheet, template_bytes, write_edit
from assessment.worksheet.cells import FILE_BYTES_MAX, UNPACKED_BYTES_MAX
from assessment.worksheet.csv_rows import DeclaredRows
from assessment.worksheet.layout import INPUTS, LISTS, POINTS, QUESTIONS, ROWS_MAX, START
from assessment.worksheet.units import unit_choices
from engine.kpi import NotReported, factor_between, load_declared, shipped
from tests.assessment.years import DECLARED, HEADER, YEAR, folder_of, town_year

PACK = shipped()
CITY = "town"
LAST_YEAR = f"EC: ICT: ICT: 1C,{YEAR - 1},  88.50,,,%,survey,household survey,,,\n"
HEAD = 4


@pytest.fixture
def city(tmp_path: Path) -> Iterator[Path]:
    with folder_of(HEADER + LAST_YEAR + DECLARED.removeprefix(HEADER)) as name:
        yield Path(name)


def template(folder: Path) -> bytes:
    return made((folder / "declared.csv").read_text(encoding="utf-8") if (folder / "declared.csv").exists() else "")


@cache
def made(declared: str) -> bytes:
    """Return the worksheet of a town that declares this and answers nothing."""
    bare = replace(town_year(), questions=tuple(Question(one.finding) for one in town_year().questions))
    return template_bytes(bare, DeclaredRows(declared, PACK).of(YEAR))


class Sheet:
    """A worksheet in the hands of somebody who fills it in."""

    def __init__(self, content: bytes) -> None:
        self.book = openpyxl.load_workbook(io.BytesIO(content))

    def place(self, sheet: str, key: str, heading: str) -> str:
        """Return the name of a cell, by key of its row and heading of its column."""
        of = self.book[sheet]
        heads = {cell.value: cell.column_letter for cell in of[HEAD]}
        named = heads["Key"] if "Key" in heads else heads["Rule"]
        row = next(row for row in range(HEAD + 1, of.max_row + 1) if of[f"{named}{row}"].value == key)
        return f"{heads[heading]}{row}"

    def fill(self, key: str, sheet: str = POINTS, **values: object) -> None:
        """Put values under headings; `_` stands for a blank."""
        for name, value in values.items():
            self.book[sheet][self.place(sheet, key, name.replace("_", " "))].value = value

    def saved(self, folder: Path) -> Path:
        path = folder / "filled.xlsx"
        self.book.save(path)
        return path


def read(folder: Path, change: Callable[[Sheet], Any]) -> Edit:
    sheet = Sheet(template(folder))
    change(sheet)
    return read_worksheet(sheet.saved(folder), folder, PACK, CITY, YEAR)


def told(edit: Edit) -> list[tuple[str, str, str, str]]:
    return [(one.what, one.about, one.before, one.after) for one in edit.changes]


def test_the_same_year_gives_the_same_worksheet(city: Path) -> None:
    rows = declared_rows(city, PACK, YEAR)
    assert template_bytes(town_year(), rows) == template_bytes(town_year(), rows)


def test_a_worksheet_that_nobody_filled_in_changes_nothing(city: Path) -> None:
    edit = read(city, lambda sheet: None)
    assert (edit.changes, edit.kept, edit.files) == ((), (), {})


def test_what_is_known_is_locked_and_what_is_asked_is_not(city: Path) -> None:
    sheet = Sheet(template(city))
    assert sheet.book.sheetnames == [START, POINTS, INPUTS, QUESTIONS, LISTS]
    assert sheet.book[LISTS].sheet_state == "hidden"
    points = sheet.book[POINTS]
    assert points.protection.sheet
    population = points[sheet.place(POINTS, "EN: EN: EQ: 2A", "Known denominator")]
    assert (population.value, population.protection.locked) == (1500, True)
    for heading in ("Value", "Numerator", "Denominator", "Unit", "Data quality", "Note", "Evidence"):
        assert not points[sheet.place(POINTS, "EN: EN: EQ: 2A", heading)].protection.locked
    internet = {name: points[sheet.place(POINTS, "EC: ICT: ICT: 1C", name)].value for name in ("Numerator", "Unit")}
    assert internet == {"Numerator": 40501, "Unit": "%"}
    assert points[sheet.place(POINTS, "EC: ICT: ICT: 1C", "Declared so far")].value == "40501 / 45003 %"
    asked = {str(one.sqref): one.type for one in points.data_validations.dataValidation}
    row = sheet.place(POINTS, "EN: EN: EQ: 2A", "Value")[1:]
    assert [asked[f"{column}{row}"] for column in "HIJKL"] == ["custom", "decimal", "decimal", "list", "list"]
    assert asked[sheet.place(POINTS, "EC: I: UP: 2A/compact", "Value")] == "list"


def test_every_unit_to_choose_from_converts() -> None:
    for unit in {point.unit for point in PACK.data_points} | {one.unit for one in PACK.inputs.values()}:
        choices = unit_choices(unit)
        assert choices[0] == unit
        assert [factor_between(one, unit) > 0 for one in choices] == [True] * len(choices)
    assert {"W.h/{inhabitant}", "GJ/{inhabitant}"} <= set(unit_choices("kW.h/{inhabitant}"))
    assert {"m", "mm"} <= set(unit_choices("km"))


def test_what_is_filled_in_is_declared_and_other_rows_stay_as_they_were(city: Path) -> None:
    before = (city / "declared.csv").read_text(encoding="utf-8").splitlines()

    def change(sheet: Sheet) -> None:
        sheet.fill("EC: ICT: ICT: 2C", Value=32, Note="a\nnew count")
        sheet.fill("EC: P: IN: 2C", Numerator=7, Denominator=0.015, Data_quality="personal estimate")
        sheet.fill("EC: I: UP: 2A/connected", Value="Yes", Note="plan 2030, chapter 5")
        sheet.fill("EN: E: E: 2C", Value=4.2, Unit="MW.h/{inhabitant}", Data_source=2025)
        sheet.fill("EC: P: EM: 1C", Value="nr")
        sheet.fill("households_with_internet", INPUTS, Value=38_000, Data_quality="survey")

    edit = read(city, change)
    assert [one[:2] for one in told(edit)] == [
        ("changed", "EC: ICT: ICT: 2C"),
        ("declared", "EC: I: UP: 2A/connected"),
        ("declared", "EC: P: IN: 2C"),
        ("declared", "EC: P: EM: 1C"),
        ("declared", "EN: E: E: 2C"),
        ("declared", "households_with_internet"),
    ]
    assert list(edit.files) == ["declared.csv"]
    assert (city / "declared.csv").read_text(encoding="utf-8").splitlines() == before  # reading writes nothing
    write_edit(edit, city)
    after = (city / "declared.csv").read_text(encoding="utf-8").splitlines()
    assert [line for line in before if line not in after] == [before[3]]
    assert after[3] == f"EC: ICT: ICT: 2C,{YEAR},32,,,%,higher_level,region,@regulator,a new count,"
    assert after[1] + "\n" == LAST_YEAR
    known = {(one.key, one.year): one for one in load_declared(city, PACK)}
    assert known["EN: E: E: 2C", YEAR].value == 4200
    assert known["EN: E: E: 2C", YEAR].source == "2025"
    assert known["EC: P: IN: 2C", YEAR].value == Fraction(7 * 200, 3)
    assert known["EC: P: IN: 2C", YEAR].quality == "personal"
    assert isinstance(known["EC: P: EM: 1C", YEAR].value, NotReported)
    assert known["households_with_internet", YEAR].quality == "survey"
    assert read_again(city).changes == ()


def read_again(folder: Path) -> Edit:
    return read_worksheet(folder / "filled.xlsx", folder, PACK, CITY, YEAR)


def test_a_city_without_files_gets_them(tmp_path: Path) -> None:
    with folder_of() as name:
        folder = Path(name)
        (folder / "declared.csv").unlink()

        def change(sheet: Sheet) -> None:
            sheet.fill("EC: ICT: ICT: 2C", Value=32)
            sheet.fill("missing", QUESTIONS, Answer="we are small", Answered_by="the mayor")

        write_edit(read(folder, change), folder)
        assert [one.value for one in load_declared(folder, PACK)] == [32]
        assert [one.text for one in load_answers(folder, PACK)[YEAR]] == ["we are small"]
        assert sorted(path.name for path in folder.iterdir()) == [
            "answers.csv", "declared.csv", "evidence", "filled.xlsx",
        ]  # fmt: skip


def test_a_cleared_row_is_withdrawn_but_not_one_that_was_declared_meanwhile(city: Path) -> None:
    sheet = Sheet(template(city))
    cleared = {"Value": None, "Data_quality": None, "Data_origin": None, "Data_source": None, "Note": None}
    sheet.fill("EC: ICT: ICT: 2C", **cleared)
    with (city / "declared.csv").open("a", encoding="utf-8") as file:
        file.write(f"EC: P: EM: 1C,{YEAR},5,,,%,,,,,\n")
    edit = read_worksheet(sheet.saved(city), city, PACK, CITY, YEAR)
    assert told(edit) == [("withdrawn", "EC: ICT: ICT: 2C", "31.5 %", "")]
    assert edit.kept == ("EC: P: EM: 1C",)
    write_edit(edit, city)
    keys = {(one.key, one.year) for one in load_declared(city, PACK)}
    assert ("EC: ICT: ICT: 2C", YEAR) not in keys
    assert ("EC: P: EM: 1C", YEAR) in keys


def test_answers_are_given_changed_and_withdrawn(city: Path) -> None:
    finding = next(one.finding for one in town_year().questions if one.finding.rule == "missing")
    write_edit(read(city, lambda sheet: sheet.fill("missing", QUESTIONS, Answer="so be it", Answered_by="us")), city)
    assert load_answers(city, PACK)[YEAR][0].data_points == finding.data_points

    def clear(sheet: Sheet) -> None:
        sheet.fill("missing", QUESTIONS, Answer=None, Answered_by=None, Answered_so_far="yes")

    gone = read(city, clear)
    assert [one.what for one in gone.changes] == ["answer withdrawn"]
    write_edit(gone, city)
    assert not load_answers(city, PACK)


def test_an_answer_to_all_findings_of_a_rule_stays_one_where_its_row_says_the_same(city: Path) -> None:
    general = f"year,rule,data_points,answer,by\n{YEAR},missing,,we are small,the mayor\n"
    (city / "answers.csv").write_text(general, encoding="utf-8")
    said = {"Answer": "we are small", "Answered_by": "the mayor", "Answered_so_far": "yes"}
    assert read(city, lambda sheet: sheet.fill("missing", QUESTIONS, **said)).files == {}
    said |= {"Answer": "", "Answered_by": ""}
    sheet = Sheet(template(city))
    sheet.fill("missing", QUESTIONS, **said)
    assert "holds for every finding of missing" in refused(sheet.saved(city), city)[0]


def test_numbers_with_more_digits_than_a_cell_has_are_not_touched(tmp_path: Path) -> None:
    numbers = ("0.12345678901234567890", "12345678901234567890.125", "-0.00000001", "88.50", "1/3", "1e3", "7.0")
    keys = [one.point.key for one in town_year().results if one.point.unit == "%"]
    rows = (f"{key},{YEAR},{number},,,%,,,,,\n" for key, number in zip(keys, numbers, strict=False))
    with folder_of(HEADER + "".join(rows)) as name:
        folder = Path(name)
        (folder / "filled.xlsx").write_bytes(template(folder))
        assert read_again(folder).files == {}


def files(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.glob("*.csv")}


def refused(path: Path, folder: Path, year: int = YEAR) -> list[str]:
    """Return the faults of a worksheet, having seen that it changed nothing."""
    before = files(folder)
    with pytest.raises(WorksheetError) as error:
        read_worksheet(path, folder, PACK, CITY, year)
    assert files(folder) == before
    return [str(fault) for fault in error.value.faults]


def test_every_fault_is_told_with_its_cell_and_nothing_is_changed(city: Path) -> None:
    sheet = Sheet(template(city))
    filled: dict[str, tuple[str, str, object, str]] = {
        "unit": ("EC: ICT: ICT: 2C", "Unit", "kg", "cannot convert 'kg' to '%'"),
        "text": ("EC: ICT: ICT: 3C", "Value", "about 12", "expected a number, got the text 'about 12'"),
        "number as text": ("EC: ICT: ICT: 4C/4g", "Numerator", "12.5", "expected a number, got the text '12.5'"),
        "date": ("EC: ICT: ICT: 5C", "Value", date(2023, 3, 5), "got the date 2023-03-05"),
        "both": ("EC: ICT: WS: 1C", "Value", 5, "stands beside numerator and denominator"),
        "formula": ("EC: ICT: WS: 2A", "Value", "=1+1", "a formula that was never computed"),
        "class": ("EC: ICT: D: 1A", "Data quality", "rather good", "expected one of measured"),
        "zero": ("EC: ICT: ES: 1C", "Denominator", 0, "expected another number than 0"),
        "evidence": ("EC: ICT: ES: 2A", "Evidence", "../city.toml", "expected a file in the city's folder evidence/"),
        "answer": ("EC: I: UP: 2A/connected", "Value", "perhaps", "expected a number, got the text 'perhaps'"),
        "truth": ("EC: I: UP: 2A/integrated", "Value", True, "expected a number, got TRUE"),
        "error": ("EC: ICT: T: 1C", "Value", "#DIV/0!", "shows the error #DIV/0!"),
    }
    for key, heading, value, _ in filled.values():
        sheet.book[POINTS][sheet.place(POINTS, key, heading)].value = value
    sheet.fill("EC: ICT: WS: 1C", Numerator=1, Denominator=2)
    sheet.fill("EC: ICT: D: 1A", Value=5)
    sheet.fill("EC: ICT: ES: 1C", Numerator=1)
    sheet.fill("EC: ICT: ES: 2A", Value=5)
    sheet.fill("EC: ICT: ES: 3A", Note="later")
    percent = sheet.book[POINTS][sheet.place(POINTS, "EC: ICT: T: 2C", "Value")]
    percent.value, percent.number_format = 0.45, "0%"
    sheet.fill("EC: ICT: T: 3A", Value=1, Key="EC: ICT: T: 33A")
    sheet.fill("EC: ICT: PS: 2A", Key="EC: ICT: ICT: 2C")
    sheet.fill("population", INPUTS, Value=5, Unit="m3")
    sheet.fill("missing", QUESTIONS, Answer="we are small")
    expected = {f"{POINTS}!{sheet.place(POINTS, key, heading)}": what for key, heading, _, what in filled.values()}
    expected[f"{POINTS}!{sheet.place(POINTS, 'EC: ICT: ES: 3A', 'Value')}"] = "the row has note"
    expected[f"{POINTS}!{percent.coordinate}"] = "shown as 45 %; type 45"
    expected[f"{POINTS}!{sheet.place(POINTS, 'EC: ICT: T: 33A', 'Key')}"] = "did you mean 'EC: ICT: T: 3A'"
    expected[f"{INPUTS}!{sheet.place(INPUTS, 'population', 'Unit')}"] = "cannot convert 'm3' to '{inhabitant}'"
    expected[f"{QUESTIONS}!{sheet.place(QUESTIONS, 'missing', 'Answered by')}"] = "is empty; expected who says so"
    found = refused(sheet.saved(city), city)
    by_cell = dict(fault.split(": ", 1) for fault in found)
    twice = [what for what in by_cell.values() if "already" in what]
    assert [re.sub(r"[A-Z]+\d+", "", what) for what in twice] == ["'EC: ICT: ICT: 2C' stands in Data points! already"]
    assert {cell: what in by_cell.get(cell, "nothing") for cell, what in expected.items()} == dict.fromkeys(
        expected, True
    )
    assert len(found) == len(expected) + 1


def test_sheets_and_headings_that_are_missing_and_merged_cells_are_told(city: Path) -> None:
    sheet = Sheet(template(city))
    del sheet.book[INPUTS]
    sheet.book[POINTS].merge_cells("H6:H7")
    sheet.book[POINTS].merge_cells("A1:C1")  # above the headings nothing is read
    sheet.book[QUESTIONS]["G4"].value = "By"
    assert refused(sheet.saved(city), city) == [
        "Inputs: the sheet is missing",
        "Data points!H6:H7: cells are merged, so nobody knows what belongs to which row; take the merging back",
        "Questions!row 4: the heading 'Answered by' is missing",
    ]


def test_a_worksheet_of_another_city_or_year_and_any_other_workbook_are_refused(city: Path) -> None:
    sheet = Sheet(template(city))
    sheet.book[START]["B6"].value = "elsewhere"
    path = sheet.saved(city)
    assert refused(path, city) == ["Start!B6: City: expected 'town', got 'elsewhere'"]
    assert "Start!B7: Year: expected '2024', got '2023'" in refused(path, city, YEAR + 1)
    openpyxl.Workbook().save(path)
    assert refused(path, city) == ["Start: the sheet is missing; expected a file that `--template` wrote"]


def test_rows_beyond_the_limit_are_refused(city: Path) -> None:
    sheet = Sheet(template(city))
    sheet.book[POINTS][f"A{ROWS_MAX + 500}"].value = "EC: ICT: ICT: 1C"
    sheet.book[POINTS][f"A{ROWS_MAX + 1}"].value = "EC: ICT: ICT: 1C"
    sheet.book[INPUTS]["A1048576"].value = "population"
    found = refused(sheet.saved(city), city)
    assert found == [
        f"Data points!A{ROWS_MAX + 1}: expected at most {ROWS_MAX} rows and 60 columns, and there are more"
    ]


def packed(path: Path, **parts: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


def test_files_that_are_no_worksheet_are_refused_before_they_are_read(city: Path, tmp_path: Path) -> None:
    huge = tmp_path / "huge.xlsx"
    with huge.open("wb") as file:
        file.truncate(100 * 2**20)
    assert refused(huge, city) == [f"the file has 100.0 MiB; expected at most {FILE_BYTES_MAX // 2**20}"]
    bomb = packed(tmp_path / "bomb.xlsx", sheet=bytes(UNPACKED_BYTES_MAX + 1))
    assert bomb.stat().st_size < FILE_BYTES_MAX
    assert "unpacks to 32 MiB" in refused(bomb, city)[0]
    entity = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    assert "declares entities" in refused(packed(tmp_path / "entity.xlsx", sheet=entity), city)[0]
    hidden = {"xl/workbook.xml": b"<?xml version='1.0' encoding='cp037'?>"}
    assert "another encoding" in refused(packed(tmp_path / "hidden.xlsx", **hidden), city)[0]
    assert "no workbook" in refused(packed(tmp_path / "empty.xlsx"), city)[0]
    (tmp_path / "table.xlsx").write_text("a,b\n")
    assert "no Excel workbook" in refused(tmp_path / "table.xlsx", city)[0]
    assert "cannot be read" in refused(tmp_path / "nowhere.xlsx", city)[0]


def test_a_damaged_worksheet_is_refused_whatever_is_damaged(city: Path, tmp_path: Path) -> None:
    whole = template(city)
    path = tmp_path / "damaged.xlsx"
    for at in range(0, len(whole), len(whole) // 25):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            assert read_worksheet(path, city, PACK, CITY, YEAR).files == {}  # a byte that nobody reads
        except WorksheetError as error:
            assert error.faults  # noqa: PT017  # either is right: which bytes matter is the format's affair
    path.write_bytes(whole[: len(whole) // 2])
    assert "no Excel workbook" in refused(path, city)[0]
