"""The workbook for the verifier: figures with both sides, registers, the log of questions, completeness and sources.

Knows what a verifier looks for and on which sheet; knows neither files nor how a workbook is written. A result that is
a ratio is a formula of its two cells, so that whoever corrects one sees what it makes.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

from assessment.outputs.formulas import Formula, ratio_formula
from assessment.outputs.sheets import HEAD_ROW, Book, Cell, Col, Sheet
from assessment.outputs.tables import NOT_REPORTED, registers_of, result_text
from assessment.result import Assessment, Result
from devices.registers import QUALITIES, Register
from engine.kpi import BAND_NAMES, CHECKS, InputFigure, NotReported, Registered, Value

KPIS: Final = (
    Col("Data point", 22), Col("Name", 36), Col("Category", 24), Col("Level", 9), Col("Numerator", 17),
    Col("Denominator", 17), Col("Unit", 20), Col("Result", 17), Col("Reported", 10), Col("Data quality", 24),
    Col("Data origin", 26), Col("Data source", 26), Col("Evidence", 20), Col("Note", 34), Col("Verified", 10, True),
    Col("Rests on", 11), Col("Band", 10), Col("Measured instead", 17), Col("Why not reported", 48),
    Col("Name (Korean)", 30),
)  # fmt: skip
REGISTERS: Final = (
    Col("Register", 28), Col("Zone", 16), Col("Value", 18), Col("Unit", 16), Col("Valid from", 12),
    Col("Holds at the year's end", 14), Col("Data quality", 30), Col("Source", 40), Col("Inputs that take it", 44),
)  # fmt: skip
FINDINGS: Final = (
    Col("Severity", 10), Col("Rule", 20), Col("Check", 40), Col("Data points", 34), Col("Question", 60),
    Col("Answer of the city", 50), Col("Answered by", 20), Col("Source of the check", 40),
)  # fmt: skip
COVERAGE: Final = (
    Col("Data point", 22), Col("Input", 30), Col("What it is", 40), Col("Value", 18), Col("Unit", 16),
    Col("Stations", 10), Col("Stations that count", 12), Col("Readings received", 14), Col("Readings expected", 14),
    Col("Coverage, %", 12), Col("Validity of the data point", 14), Col("At least", 18), Col("At most", 18),
    Col("Why there is no value", 48),
)  # fmt: skip
SOURCES: Final = (
    Col("Data point", 22), Col("Name", 36), Col("Definition", 60), Col("Numerator is", 36), Col("Denominator is", 36),
    Col("Formula", 44), Col("With the figures of the year", 60), Col("Formula known from", 18),
    Col("Source of the definition", 40), Col("SDG", 14), Col("Target", 14), Col("Target from", 12),
    Col("Target official", 10), Col("Source of the target", 40), Col("Digest of the definition", 20),
)  # fmt: skip
_PER_CENT: Final = 100


def write_workbook(assessment: Assessment, path: Path) -> None:
    """Write the workbook for the verifier."""
    path.write_bytes(workbook_bytes(assessment))


def workbook_bytes(assessment: Assessment) -> bytes:
    """Return the workbook for the verifier."""
    title = f"{assessment.city.name}, {assessment.year}"
    book = Book(title, f"Annual assessment: {assessment.pack.title}", assessment.year)
    for write in (_kpis, _registers, _findings, _coverage, _sources):
        write(book, title, assessment)
    return book.content()


def _kpis(book: Book, title: str, assessment: Assessment) -> None:
    state = "closed" if assessment.closed else "not closed: figures may still change"
    about = f"{assessment.pack.title}, {assessment.pack.edition}. Reference year {assessment.year}, {state}."
    sheet = book.sheet("KPIs", title, about, KPIS, 2)
    first = HEAD_ROW + 2  # as spreadsheets count rows
    last = first + len(assessment.results) - 1
    reported = sum(one.reported for one in assessment.results)
    for at, cell in (
        (0, "Reported data points"),
        (1, Formula(f'=COUNTIF(I{first}:I{last},"YES")', reported)),
        (2, f"of {len(assessment.results)}"),
    ):
        sheet.put(HEAD_ROW - 1, at, cell, align="left")
    for one in assessment.results:
        sheet.row(_kpi_row(sheet, one))
    sheet.sheet.data_validation(
        first - 1, sheet.column("Verified"), last - 1, sheet.column("Verified"),
        {"validate": "list", "source": ["YES", "NO"]},
    )  # fmt: skip
    sheet.filtered()


def _kpi_row(sheet: Sheet, one: Result) -> tuple[Cell, ...]:
    point = one.point
    cells = sheet.cell("Numerator"), sheet.cell("Denominator")
    per_cent = _PER_CENT if point.unit == "%" else 1
    ratio = ratio_formula(one.value, one.numerator, one.denominator, *cells, per_cent)
    formula = None if point.yes_no else ratio  # an answer is a word, whatever its two cells make
    return (
        point.key,
        point.title,
        point.category,
        point.level,
        _side(one.numerator),
        _side(one.denominator),
        point.unit,
        formula or _result(one),
        "YES" if one.reported else "NO",
        QUALITIES.get(one.quality, ""),
        one.origin,
        one.source,
        one.evidence,
        one.note,
        None,
        str(one.basis) if one.reported else "",
        BAND_NAMES[one.score.points],
        _side(one.measured),
        str(one.value) if isinstance(one.value, NotReported) else "",
        point.name_ko,
    )


def _side(value: Value | None) -> Cell:
    return NOT_REPORTED if isinstance(value, NotReported) else value


def _result(one: Result) -> Cell:
    if isinstance(one.value, NotReported) or one.point.yes_no:
        return result_text(one)
    return one.value


def _registers(book: Book, title: str, assessment: Assessment) -> None:
    about = "Dated denominators of the city and its zones: what figures are divided by."
    sheet = book.sheet("Registers", title, about, REGISTERS, 2)
    for zone, one in registers_of(assessment):
        holding = assessment.city.register(one.code, assessment.period.last, zone or None)
        sheet.row(
            (
                one.code,
                zone,
                one.value,
                one.unit,
                one.valid_from.isoformat(),
                "YES" if holding == one else "NO",
                QUALITIES.get(one.quality, ""),
                one.source,
                _takers(assessment, one),
            )
        )
    sheet.filtered()


def _takers(assessment: Assessment, register: Register) -> str:
    inputs = assessment.pack.inputs.values()
    return ", ".join(
        one.code for one in inputs if isinstance(one.how, Registered) and one.how.register == register.code
    )


def _findings(book: Book, title: str, assessment: Assessment) -> None:
    about = "The log of questions: what a verifier would ask, and what the city says to it."
    sheet = book.sheet("Findings", title, about, FINDINGS, 2)
    checks = {check.code: check for check in CHECKS}
    for one in assessment.questions:
        finding, check = one.finding, checks.get(one.finding.rule)
        sheet.row(
            (
                str(finding.severity),
                finding.rule,
                "" if check is None else check.title,
                "; ".join(finding.data_points),
                finding.text,
                one.answer,
                one.answered_by,
                "" if check is None else check.source,
            )
        )
    sheet.filtered()


def _coverage(book: Book, title: str, assessment: Assessment) -> None:
    about = "What each figure rests on: devices that were in service, and readings received of those expected."
    sheet = book.sheet("Coverage", title, about, COVERAGE, 2)
    for result in assessment.results:
        for one in result.inputs:
            sheet.row(_coverage_row(sheet, assessment, result, one))
    sheet.filtered()


def _coverage_row(sheet: Sheet, assessment: Assessment, result: Result, one: InputFigure) -> tuple[Cell, ...]:
    definition, bounds = assessment.pack.inputs[one.code], one.bounds
    return (
        result.point.key,
        one.code,
        definition.title,
        _side(one.value),
        definition.unit,
        one.stations or None,
        one.counted if one.stations else None,
        one.received if one.expected else None,
        one.expected or None,
        _share(sheet, one),
        result.validity or "",
        None if bounds is None else bounds.low,
        None if bounds is None else bounds.high,
        str(one.value) if isinstance(one.value, NotReported) else "",
    )


def _share(sheet: Sheet, one: InputFigure) -> Cell:
    if not one.expected:
        return None
    cells = sheet.cell("Readings received"), sheet.cell("Readings expected")
    share = Fraction(100 * one.received, one.expected)
    return ratio_formula(share, Fraction(one.received), Fraction(one.expected), *cells, _PER_CENT) or share


def _sources(book: Book, title: str, assessment: Assessment) -> None:
    about = "What each figure means, how it is computed, and who says so."
    sheet = book.sheet("Sources", title, about, SOURCES, 2)
    for one in assessment.results:
        point, target = one.point, one.score.target
        sheet.row(
            (
                point.key,
                point.title,
                point.definition,
                point.numerator,
                point.denominator,
                point.formula.text,
                "\n".join(one.explained),
                point.formula_basis,
                point.source,
                ", ".join(point.sdg),
                None if target is None else target.value,
                "" if target is None else target.valid_from.isoformat(),
                "" if target is None else "YES" if target.official else "NO",
                "" if target is None else target.source,
                one.definition,
            )
        )
    sheet.filtered()
