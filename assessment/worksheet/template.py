"""The worksheet as it is handed out: what is known filled in and locked, what only the city knows left to be filled in.

Knows what stands in which cell and what may be put there; knows neither files of a city nor how a worksheet is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from assessment.outputs import Book, Cell, Col, Sheet
from assessment.outputs.sheets import HEAD_ROW
from assessment.outputs.texts import percent_text
from assessment.result import Assessment, Basis, Result
from assessment.worksheet.csv_rows import Row
from assessment.worksheet.layout import (
    ABOUT,
    ANSWER,
    FIELDS,
    FORMAT,
    INPUT_COLUMNS,
    INPUTS,
    LISTS,
    NUMBERS,
    POINT_COLUMNS,
    POINTS,
    QUESTION_COLUMNS,
    QUESTIONS,
    ROWS_MAX,
    START,
    START_COLUMNS,
    SUBJECT_SEPARATOR,
    TEXT_CHARS_MAX,
)
from assessment.worksheet.texts import number_of_text
from assessment.worksheet.units import unit_choices
from devices.registers import QUALITIES
from engine.kpi import YES_NO, Input, InputFigure, NotReported, Value

ANSWERS: Final = ("yes", "no", "NR")
NUMBER_MAX: Final = 10**40
"""Beyond it a number is refused when it is read."""
HELP: Final = (
    ("Fill in", "Cells with a dotted border. Grey ones are locked: they hold what sensors, devices and registers say."),
    ("Data points", "A value, or numerator and denominator, never both; NR where the city does not report it; yes or "
     "no where that is asked. What you declare stands in place of what is known, which stays beside it."),
    ("Inputs", "Figures from which several data points are computed, such as households that have internet access."),
    ("Unit", "Of the value, or of numerator divided by denominator; one that converts exactly is converted."),
    ("Data quality", "One of the six classes of the method."),
    ("Data origin, source", "Who supplied it, and from which record."),
    ("Evidence", "Name of a file in the folder evidence/ of the city."),
    ("Withdraw", "Clear the whole row of something that is declared so far, but for its unit."),
    ("Questions", "What a verifier would ask. Answer what is as it should be; correct what is not."),
    ("Read back", "cityvitals assess YEAR --worksheet FILE.xlsx. Every fault is told with the name of its cell, and "
     "then nothing is changed."),
)  # fmt: skip


def write_template(assessment: Assessment, declared: Mapping[str, Row], path: Path) -> None:
    """Write the worksheet; see `template_bytes`."""
    path.write_bytes(template_bytes(assessment, declared))


def template_bytes(assessment: Assessment, declared: Mapping[str, Row]) -> bytes:
    """Return the worksheet of a year.

    Args:
        assessment: of the year, with what is known of it so far.
        declared: the rows that the city declares for it, by key, as they stand in its file.
    """
    return _Template(assessment, declared).content()


class _Template:
    """One worksheet in the making."""

    def __init__(self, assessment: Assessment, declared: Mapping[str, Row]) -> None:
        self._year, self._declared = assessment, declared
        self._title = f"{assessment.city.name}, {assessment.year}"
        if assessment.running_to is not None:
            self._title += f", running: what is known up to {assessment.running_to.isoformat()}"
        self._book = Book(self._title, "Worksheet for declaring", assessment.year)
        self._lists: dict[tuple[str, ...], str] = {}

    def content(self) -> bytes:
        """Return the file."""
        self._start()
        self._points()
        self._inputs()
        self._questions()
        self._write_lists()
        return self._book.content()

    def _sheet(self, name: str, about: str, columns: tuple[Col, ...], frozen: int) -> Sheet:
        sheet = self._book.sheet(name, self._title, about, columns, frozen)
        free = {"format_columns": True, "format_rows": True, "autofilter": True, "sort": True}
        sheet.sheet.protect("", free)  # no password: it keeps from mistakes, not from people
        return sheet

    def _start(self) -> None:
        sheet = self._sheet(START, "What the city declares for its annual assessment.", START_COLUMNS, 0)
        facts = (
            ("Format", FORMAT),
            ("City", self._year.city.code),
            ("Year", str(self._year.year)),
            ("Catalogue", f"{self._year.pack.title}, {self._year.pack.edition}"),
        )
        for row in (*facts, *HELP):
            sheet.row(row)

    # ---- what is declared --------------------------------------------------------------------------------------

    def _points(self) -> None:
        sheet = self._sheet(POINTS, "Figures of the assessment.", POINT_COLUMNS, 2)
        for one in self._year.results:
            point, row = one.point, self._declared.get(one.point.key, {})
            value, above, below = _known(one, bool(row))
            known = (point.key, point.title, value, above, below, _known_from(one), _so_far(row))
            at = sheet.row((*known, *_filled(sheet, row, point.unit)), known=True)
            self._validate(sheet, at, point.unit)
        sheet.filtered()

    def _inputs(self) -> None:
        sheet = self._sheet(INPUTS, "What several figures are computed from.", INPUT_COLUMNS, 2)
        figures = {each.code: each for one in self._year.results for each in one.inputs}
        for one in self._year.pack.inputs.values():
            row, figure = self._declared.get(one.code, {}), figures.get(one.code)
            value = None if figure is None else _cell(figure.value)
            known = (one.code, one.title, value, _input_from(one, figure), _so_far(row))
            at = sheet.row((*known, *_filled(sheet, row, one.unit)), known=True)
            self._validate(sheet, at, one.unit)
        sheet.filtered()

    def _validate(self, sheet: Sheet, at: int, unit: str) -> None:
        """Say what may be put into the cells of a row."""
        value = sheet.column("Value")
        if unit == YES_NO:
            self._choose(sheet, at, "Value", ANSWERS, "yes, no or NR")
        else:
            cell = sheet.name(at, "Value")
            sheet.sheet.data_validation(
                at, value, at, value,
                {"validate": "custom", "value": f'=OR(ISNUMBER({cell}),{cell}="NR")', "error_title": "Value",
                 "error_message": "A number, or NR where the city does not report it."},
            )  # fmt: skip
        for name in ("Numerator", "Denominator"):
            if sheet.has(name):
                column = sheet.column(name)
                sheet.sheet.data_validation(
                    at, column, at, column,
                    {"validate": "decimal", "criteria": "between", "minimum": -NUMBER_MAX, "maximum": NUMBER_MAX,
                     "error_title": name, "error_message": "A number."},
                )  # fmt: skip
        self._choose(sheet, at, "Unit", unit_choices(unit), "a unit that converts", "warning")
        self._choose(sheet, at, "Data quality", tuple(QUALITIES.values()), "one of the six classes")

    def _choose(
        self, sheet: Sheet, at: int, column: str, among: tuple[str, ...], what: str, kind: str = "stop"
    ) -> None:
        where = sheet.column(column)
        asked = {"validate": "list", "source": self._listed(among), "error_title": column, "error_type": kind}
        sheet.sheet.data_validation(at, where, at, where, {**asked, "error_message": f"Expected {what}."})

    def _listed(self, among: tuple[str, ...]) -> str:
        """Return where a list stands; it is written at the end, once for all cells that ask for the same."""
        if among not in self._lists:
            column = self._book.column_name(len(self._lists))
            self._lists[among] = f"={LISTS}!${column}$1:${column}${len(among)}"
        return self._lists[among]

    def _write_lists(self) -> None:
        sheet: Any = self._book.book.add_worksheet(LISTS)
        for column, among in enumerate(self._lists):
            for row, text in enumerate(among):
                sheet.write_string(row, column, text)
        sheet.protect("")
        sheet.hide()

    # ---- questions ---------------------------------------------------------------------------------------------

    def _questions(self) -> None:
        sheet = self._sheet(QUESTIONS, "What a verifier would ask, and what the city says to it.", QUESTION_COLUMNS, 2)
        for one in self._year.questions:
            finding = one.finding
            about = SUBJECT_SEPARATOR.join(finding.data_points)
            so_far = "yes" if one.answer else ""
            known = (str(finding.severity), finding.rule, about, finding.text, so_far)
            sheet.row((*known, one.answer, one.answered_by), known=True)
        first, last, column = HEAD_ROW + 1, ROWS_MAX - 1, sheet.column(ANSWER)
        sheet.sheet.data_validation(
            first, column, last, column + 1,
            {"validate": "length", "criteria": "<=", "value": TEXT_CHARS_MAX, "error_title": ABOUT,
             "error_message": f"At most {TEXT_CHARS_MAX} characters."},
        )  # fmt: skip
        sheet.filtered()


def _filled(sheet: Sheet, row: Row, unit: str) -> list[Cell]:
    """Return the cells to be filled in, with what is declared so far."""
    return [_field(FIELDS[name], row, unit) for name in sheet.titles if name in FIELDS]


def _field(field: str, row: Row, unit: str) -> Cell:
    text = row.get(field, "")
    if field in NUMBERS:
        number = number_of_text(text)
        return text if number is None else number
    if field == "quality":
        return QUALITIES.get(text, text)
    return text or (unit if field == "unit" else "")


def _known(one: Result, declared: bool) -> tuple[Cell, Cell, Cell]:
    """Return what is known of a data point beside what is declared: its value and both sides."""
    value = one.measured if declared or (one.measured is not None and not one.reported) else one.value
    if one.point.yes_no and value in (0, 1):
        return ("yes" if value else "no"), None, None
    sides = (None, None) if declared else (_cell(one.numerator), _cell(one.denominator))
    return _cell(value), *sides


def _cell(value: Value | None) -> Cell:
    return value if isinstance(value, Fraction) else None


def _known_from(one: Result) -> str:
    if isinstance(one.value, NotReported):
        return str(one.value)
    if one.basis is Basis.DECLARED:
        return "declared"
    share = percent_text(one.received, one.expected)
    parts = (str(one.basis), f"{share} % of the readings" if share else "", one.origin, one.source)
    return "; ".join(part for part in parts if part)


def _input_from(one: Input, figure: InputFigure | None) -> str:
    if figure is not None and isinstance(figure.value, NotReported):
        return str(figure.value)
    return "" if figure is None else one.kind


def _so_far(row: Row) -> str:
    """Return what a row declares, for people."""
    if not row:
        return ""
    value = row.get("value") or f"{row.get('numerator', '')} / {row.get('denominator', '')}"
    return f"{value} {row.get('unit', '')}".strip()
