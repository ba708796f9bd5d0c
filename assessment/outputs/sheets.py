"""Workbooks whose bytes depend on nothing but what is written: a heading, one row a record, ready to be printed.

Knows the library that writes them; knows no assessment. A text is written as text, whatever it looks like, so nothing
that a city or a device says becomes a formula.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from assessment.outputs.formulas import Formula, cell_number
from assessment.outputs.texts import COMPUTING, number_text

CELL_CHARS_MAX: Final = 32_767
"""Of the file format; a longer text is cut and ends in `…`."""
HEAD_ROW: Final = 3
"""Row of the headings, counted from 0; above it stand the title and what the sheet is."""
FONT: Final = "Arial"
"""Every program that opens workbooks has it, or one of the same widths."""
_A4: Final = 9
_GREY, _HEAD = "#F0F1F3", "#D9E2EC"

Cell = str | int | Fraction | Formula | None
"""What a cell holds: a text, a number, a formula, or nothing."""


@dataclass(frozen=True, slots=True)
class Col:
    """A column.

    Attributes:
        title: heading.
        width: in characters.
        input: whether it is there to be filled in: its cells have a border, and can be written where a sheet is locked.
        text: whether what is typed stays a text, so that no `1/2` becomes a date.
    """

    title: str
    width: int
    input: bool = False
    text: bool = False


class Book:
    """A workbook in memory.

    Args:
        title, subject: of the document.
        year: its properties say that it was made when this year was over: a file that says when it was written would
            be another one each time.
    """

    def __init__(self, title: str, subject: str, year: int) -> None:
        self._bytes = io.BytesIO()
        self.book = xlsxwriter.Workbook(self._bytes, {"in_memory": True, "strings_to_formulas": False})
        self.book.formats[0].set_font_name(FONT)
        created = datetime(year + 1, 1, 1, tzinfo=UTC)
        self.book.set_properties({"title": title, "subject": subject, "author": "cityvitals", "created": created})
        self.book.set_size(2400, 1400)
        self._formats: dict[tuple[tuple[str, object], ...], Any] = {}

    def format(self, **properties: object) -> Any:
        """Return a format; one for the same properties, so that a file has each once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(
                {"font_name": FONT, "font_size": 10, "valign": "top", **properties}
            )
        return self._formats[key]

    def sheet(self, name: str, title: str, about: str, columns: Sequence[Col], frozen: int) -> Sheet:
        """Return a new sheet with its headings.

        Args:
            name: on its tab.
            title, about: first and second line.
            columns: in order.
            frozen: how many of them stay where they are.
        """
        return Sheet(self, name, title, about, columns, frozen)

    @staticmethod
    def column_name(at: int) -> str:
        """Return the letters of a column."""
        return str(xl_col_to_name(at))

    def content(self) -> bytes:
        """Return the file; nothing can be written after that."""
        self.book.close()
        return self._bytes.getvalue()


class Sheet:
    """One sheet, written row by row; see `Book.sheet`."""

    def __init__(self, book: Book, name: str, title: str, about: str, columns: Sequence[Col], frozen: int) -> None:
        self._book, self._columns = book, columns
        self.sheet = book.book.add_worksheet(name)
        self.next = HEAD_ROW + 1
        sheet = self.sheet
        sheet.write_string(0, 0, title, book.format(bold=True, font_size=14))
        sheet.write_string(1, 0, about, book.format(font_color="#555555"))
        head = book.format(bold=True, bg_color=_HEAD, bottom=1, text_wrap=True)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, column.width)
            sheet.write_string(HEAD_ROW, at, column.title, head)
        sheet.freeze_panes(HEAD_ROW + 1, frozen)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(HEAD_ROW)
        sheet.set_margins(0.4, 0.4, 0.6, 0.6)
        sheet.set_footer("&L&8&F, &A&R&8&P / &N")

    def column(self, title: str) -> int:
        """Return the position of a column."""
        return next(at for at, one in enumerate(self._columns) if one.title == title)

    @property
    def titles(self) -> tuple[str, ...]:
        """The headings, in order."""
        return tuple(one.title for one in self._columns)

    def has(self, title: str) -> bool:
        """Say whether there is such a column."""
        return title in self.titles

    def cell(self, title: str) -> str:
        """Return the name of a cell in the row that is written next, such as `F5`."""
        return self.name(self.next, title)

    def name(self, row: int, title: str) -> str:
        """Return the name of a cell."""
        return str(xl_rowcol_to_cell(row, self.column(title)))

    def row(self, cells: Iterable[Cell], known: bool = False) -> int:
        """Write a row and return its position.

        Args:
            cells: as many as there are columns.
            known: give those that are not to be filled in a grey ground.
        """
        for at, (column, cell) in enumerate(zip(self._columns, cells, strict=True)):
            ground: dict[str, object] = {"bg_color": _GREY} if known and not column.input else {}
            if column.input:
                ground = {"locked": False, "border": 4, "border_color": "#9AA5B1"}
                ground |= {"num_format": "@"} if column.text else {}
            self.put(self.next, at, cell, **ground)
        self.next += 1
        return self.next - 1

    def put(self, row: int, at: int, cell: Cell, **properties: object) -> None:
        """Write one cell."""
        if isinstance(cell, int | Fraction):
            number = cell_number(Fraction(cell))
            if number is not None:
                self.sheet.write_number(row, at, number, self._book.format(**properties))
                return
            cell = number_text(Fraction(cell))
        if isinstance(cell, Formula):
            self.sheet.write_formula(row, at, cell.text, self._book.format(**properties), cell.value)
        elif not cell:
            self.sheet.write_blank(row, at, None, self._book.format(**properties))
        else:
            self.sheet.write_string(row, at, _fitting(cell), self._text_format(cell, properties))

    def filtered(self) -> None:
        """Let people filter the rows that were written, by any column."""
        self.sheet.autofilter(HEAD_ROW, 0, max(self.next - 1, HEAD_ROW), len(self._columns) - 1)

    def _text_format(self, text: str, properties: dict[str, object]) -> Any:
        # The mark keeps a text a text also when somebody edits the cell or saves the sheet as a table.
        quoted: dict[str, object] = {"quote_prefix": True} if text.startswith(COMPUTING) else {}
        return self._book.format(text_wrap=True, **properties, **quoted)


def _fitting(text: str) -> str:
    return text if len(text) <= CELL_CHARS_MAX else f"{text[: CELL_CHARS_MAX - 1]}…"
