"""An assessment as files: the same bytes each time, every figure in every file, formulas that give the exact result."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zipfile import ZipFile

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from assessment import Result
from assessment.outputs import csv_bytes, json_bytes, jsonld_bytes, workbook_bytes, write_workbook
from assessment.outputs.sheets import HEAD_ROW
from assessment.outputs.tables import COLUMNS
from devices.registers import QUALITIES
from engine.kpi import NotReported
from engine.kpi.entities import ATTRIBUTES
from tests.assessment.years import assessments, by_key, town_year
from tests.examples import examples

RATIO = re.compile(r"=(?:(\d+)\*)?([A-Z]+\d+)/([A-Z]+\d+)(?:/(\d+))?\Z")
COUNT = re.compile(r'=COUNTIF\(([A-Z]+)(\d+):[A-Z]+(\d+),"(\w+)"\)\Z')
FIRST = HEAD_ROW + 2
DIGIT_15 = Fraction(1, 10**14)


def opened(content: bytes, *, computed: bool) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content), data_only=computed)


def rows(sheet: Worksheet) -> Iterator[dict[str, object]]:
    heads = [cell.value for cell in sheet[HEAD_ROW + 1]]
    for row in sheet.iter_rows(min_row=FIRST, values_only=True):
        yield dict(zip(heads, row, strict=True))


def computed(sheet: Worksheet, formula: str) -> Fraction:
    """Return what a formula gives, exactly, from the numbers in the cells it names."""
    counted = COUNT.match(formula)
    if counted:
        column, first, last, wanted = counted.groups()
        return Fraction(sum(sheet[f"{column}{row}"].value == wanted for row in range(int(first), int(last) + 1)))
    found = RATIO.match(formula)
    assert found, formula
    times, above, below, through = found.groups()
    return (
        Fraction(int(times or 1)) * Fraction(sheet[above].value) / Fraction(sheet[below].value) / int(through or 1)
    )  # fmt: skip


def near(found: Fraction, wanted: Fraction) -> bool:
    return abs(found - wanted) <= DIGIT_15 * abs(wanted)


def check_formulas(content: bytes) -> int:
    """See to it that every formula gives what stands in its cell; return how many there are."""
    count = 0
    values = opened(content, computed=True)
    for sheet in opened(content, computed=False).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    cached = values[sheet.title][cell.coordinate].value
                    assert isinstance(cached, int | float), (cell.coordinate, cached)
                    assert near(Fraction(cached), computed(sheet, cell.value)), (cell.coordinate, cell.value, cached)
                    count += 1
    return count


def test_the_same_assessment_gives_the_same_bytes(tmp_path: Path) -> None:
    for make in (workbook_bytes, csv_bytes, json_bytes, jsonld_bytes):
        assert make(town_year()) == make(town_year())
    write_workbook(town_year(), tmp_path / "one.xlsx")
    assert (tmp_path / "one.xlsx").read_bytes() == workbook_bytes(town_year())
    with ZipFile(tmp_path / "one.xlsx") as parts:
        assert {part.date_time[0] for part in parts.infolist()} == {1980}
        assert b"2024-01-01T00:00:00Z" in parts.read("docProps/core.xml")


def test_the_verifier_finds_every_sheet_and_the_verified_column_empty() -> None:
    book = opened(workbook_bytes(town_year()), computed=True)
    assert book.sheetnames == ["KPIs", "Registers", "Findings", "Coverage", "Sources"]
    found = list(rows(book["KPIs"]))
    assert len(found) == 112
    assert {row["Verified"] for row in found} == {None}
    assert [sheet.freeze_panes for sheet in book.worksheets] == [f"C{FIRST}"] * 5
    assert {sheet.print_title_rows for sheet in book.worksheets} == {f"${HEAD_ROW + 1}:${HEAD_ROW + 1}"}
    internet, third = found[0], found[2]
    assert (internet["Numerator"], internet["Denominator"], internet["Reported"]) == (40501, 45003, "YES")
    assert internet["Data quality"] == QUALITIES["survey"]
    assert (third["Result"], third["Reported"]) == ("NR", "NO")
    assert str(third["Why not reported"]).startswith("wireless_broadband_subscriptions")
    assert book["KPIs"][f"B{HEAD_ROW}"].value == sum(one.reported for one in town_year().results)


def test_results_that_are_ratios_are_formulas_of_their_sides() -> None:
    content = workbook_bytes(town_year())
    kpis = opened(content, computed=False)["KPIs"]
    by_point = {kpis[f"A{row}"].value: kpis[f"H{row}"].value for row in range(FIRST, FIRST + 112)}
    assert by_point["EC: ICT: ICT: 1C"] == f"=100*E{FIRST}/F{FIRST}"
    assert str(by_point["EN: EN: WA: 1C/landfill"]).startswith("=100*")  # a numerator of 0 tells no factor
    assert by_point["EC: ICT: ICT: 2C"] == 31.5
    assert by_point["EC: I: UP: 2A/compact"] == "yes"
    assert by_point["EC: P: IN: 1C"] == "NR"
    assert check_formulas(content) > 10  # coverage of inputs as well


def test_findings_stand_with_their_answers() -> None:
    found = list(rows(opened(workbook_bytes(town_year()), computed=True)["Findings"]))
    assert len(found) == len(town_year().questions)
    answered = [row for row in found if row["Answer of the city"]]
    assert [(row["Rule"], row["Answered by"]) for row in answered] == [("missing", "the mayor")]


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_every_formula_gives_the_result_and_no_text_becomes_one(data: st.DataObject) -> None:
    assessment = data.draw(assessments())
    content = workbook_bytes(assessment)
    check_formulas(content)
    known = by_key(assessment)
    texts = opened(content, computed=False)["KPIs"]
    for row, values in enumerate(rows(opened(content, computed=True)["KPIs"]), FIRST):
        one = known[str(values["Data point"])]
        check_result(one, values["Result"])
        for column in ("K", "L", "M", "N", "S"):
            assert texts[f"{column}{row}"].data_type in ("s", "n")  # a text, or nothing
            assert isinstance(texts[f"{column}{row}"].value, str | None)
    for row in csv.DictReader(io.StringIO(csv_bytes(assessment).decode("utf-8-sig"), newline="")):
        one = known[row["data_point"]]
        check_result(one, row["value"] if not one.reported or one.point.yes_no else Fraction(row["value"]))
        assert [row[name] for name in COLUMNS if row[name].startswith(("=", "+", "@", "\t", "\r"))] == []


def check_result(one: Result, found: object) -> None:
    """See to it that a cell holds a result; one that no float can hold is a text of its digits."""
    if isinstance(one.value, NotReported):
        assert found == "NR"
    elif one.point.yes_no and one.value in (0, 1):
        assert found == ("yes" if one.value else "no")
    else:
        assert isinstance(found, int | float | str | Fraction)
        assert near(Fraction(found), one.value), (found, one.value)


def test_the_table_and_the_json_have_every_data_point_exactly() -> None:
    document = json.loads(json_bytes(town_year()), parse_float=Decimal)
    assert [row["data_point"] for row in document["results"]] == [one.point.key for one in town_year().results]
    for row, one in zip(document["results"], town_year().results, strict=True):
        exact = row["value_exact"]
        assert (None if exact is None else Fraction(exact)) == (one.value if one.reported else None)
        assert exact is None or near(Fraction(row["value"]), Fraction(exact))
    assert [row["answer"] for row in document["questions"]] == [one.answer for one in town_year().questions]
    assert {row["register"] for row in document["registers"]} == {"population", "electricity_customers"}


def test_linked_data_speaks_of_every_data_point_in_the_words_of_the_api() -> None:
    document = json.loads(jsonld_bytes(town_year()))
    assert len(document["@graph"]) == 112
    entities = {entity["dataPoint"]["value"]: entity for entity in document["@graph"]}
    internet = entities["EC: ICT: ICT: 1C"]
    assert internet["id"].endswith(":EC-ICT-ICT-1C:city:2023-declared")
    assert internet["exactValue"]["value"] == "4050100/45003"
    assert entities["EC: P: IN: 1C"]["notReported"]["value"]
    words = {word for entity in entities.values() for word in entity} - {"id", "type"}
    assert words <= set(ATTRIBUTES) <= set(document["@context"])


def test_a_year_that_is_not_closed_says_so() -> None:
    book = opened(workbook_bytes(replace(town_year(), closed=False)), computed=True)
    assert "figures may still change" in str(book["KPIs"]["A2"].value)
