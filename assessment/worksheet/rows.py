"""The rows of a worksheet as text, as a file would have them, each with its cells; what no file can say is a fault.

Knows headings and what a person may put into a cell; knows no unit, no class and no data point: what a row means is
judged by the readers of the files that are written from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final

from openpyxl.utils import get_column_letter

from assessment.worksheet.cells import Cell, SheetCells
from assessment.worksheet.faults import CellFault
from assessment.worksheet.layout import COLUMNS_MAX, ROWS_MAX, TEXT_CHARS_MAX
from assessment.worksheet.texts import joined, text_of_number

WORDS: Final[Mapping[str, str]] = {"nr": "NR", "yes": "yes", "no": "no"}
"""What may stand for a number, however it is written, and how files write it."""
HEAD_ROWS_MAX: Final = 30
"""Rows in which headings are looked for."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        at: its position, from 1.
        texts: what stands under each heading; empty where nothing does, or nothing that can be used.
    """

    at: int
    texts: Mapping[str, str]


class Table:
    """The rows under the headings of a sheet.

    Args:
        sheet: what stands in it.
        headings: that it must have.
        key: the heading under which every row has something.
        numbers: headings of numbers.
        filled: headings of texts that somebody fills in, which have a limit.
        faults: are noted here.
    """

    def __init__(
        self,
        sheet: SheetCells,
        headings: Sequence[str],
        key: str,
        numbers: Sequence[str],
        filled: Sequence[str],
        faults: list[CellFault],
    ) -> None:
        self._sheet, self._key, self._numbers, self._filled, self._faults = sheet, key, numbers, filled, faults
        self._head, self._columns = self._find(headings)

    def rows(self) -> Iterator[Row]:
        """Go through the rows; faults are noted on the way, and a row with one is left out."""
        if not self._columns or not self._whole():
            return
        for at, cells in self._sheet.rows.items():
            if at <= self._head:
                continue
            before = len(self._faults)
            texts = {name: self._text(name, cells.get(column)) for name, column in self._columns.items()}
            if any(texts.values()) and not texts[self._key] and len(self._faults) == before:
                self.fault(at, self._key, "is empty; expected the name of what the row is about")
            if len(self._faults) == before and texts[self._key]:
                yield Row(at, texts)

    @property
    def key(self) -> str:
        """The heading under which every row has something."""
        return self._key

    def has(self, heading: str) -> bool:
        """Say whether there is such a heading."""
        return heading in self._columns

    def cell(self, at: int, heading: str) -> str:
        """Return the name of a cell."""
        return f"{get_column_letter(self._columns[heading])}{at}"

    def fault(self, at: int, heading: str, what: str) -> None:
        """Note a fault of a cell."""
        self._faults.append(CellFault(self._sheet.name, self.cell(at, heading), what))

    def _find(self, headings: Sequence[str]) -> tuple[int, dict[str, int]]:
        """Return the row of the headings and the column of each; nothing and a fault where some are missing."""
        for at, cells in self._sheet.rows.items():
            if at > HEAD_ROWS_MAX:
                break
            found = {str(cell.value).strip(): column for column, cell in reversed(list(cells.items()))}
            if self._key in found:
                missing = [name for name in headings if name not in found]
                for name in missing:
                    self._faults.append(CellFault(self._sheet.name, f"row {at}", f"the heading {name!r} is missing"))
                return at, {} if missing else {name: found[name] for name in headings}
        what = f"expected the headings {', '.join(headings)} in one of the first {HEAD_ROWS_MAX} rows"
        self._faults.append(CellFault(self._sheet.name, "", what))
        return 0, {}

    def _whole(self) -> bool:
        """Note what makes a sheet unreadable as a table: joined cells, and too many rows."""
        before = len(self._faults)
        for joint in self._sheet.merged:
            if _last_row(joint) >= self._head:
                what = "cells are merged, so nobody knows what belongs to which row; take the merging back"
                self._faults.append(CellFault(self._sheet.name, joint, what))
        if self._sheet.too_long:
            what = f"expected at most {ROWS_MAX} rows and {COLUMNS_MAX} columns, and there are more"
            self._faults.append(CellFault(self._sheet.name, f"A{ROWS_MAX + 1}", what))
        return len(self._faults) == before

    def _text(self, heading: str, cell: Cell | None) -> str:
        """Return what stands in a cell as a file would have it; empty and a fault where no file can."""
        if cell is None:
            return ""
        what = _lacks(cell)
        if what is None and heading in self._numbers:
            text, what = _number(cell)
        else:
            text = joined(_plain(cell))
            if heading in self._filled and len(text) > TEXT_CHARS_MAX:
                what = what or f"expected at most {TEXT_CHARS_MAX} characters, got {len(text)}"
            if _CONTROL.search(text):
                what = what or "has a control character, which nobody can read"
        if what is not None:
            self._faults.append(CellFault(self._sheet.name, cell.name, what))
            return ""
        return text


def _lacks(cell: Cell) -> str | None:
    """Return what is wrong with any cell that shows this."""
    if cell.formula and cell.value is None:
        return "is a formula that was never computed; open the file in a spreadsheet and save it, or type the value"
    if cell.error:
        return f"shows the error {cell.value}"
    return None


def _number(cell: Cell) -> tuple[str, str | None]:
    """Return the number of a cell as text, or what is wrong with it."""
    value = cell.value
    if isinstance(value, str):
        word = value.strip()
        if not word or word.lower() in WORDS:
            return WORDS.get(word.lower(), ""), None
        return "", f"expected a number, got the text {value[:80]!r}"
    if isinstance(value, bool):
        return "", f"expected a number, got {str(value).upper()}"
    if isinstance(value, date | time | timedelta):
        return "", f"expected a number, got the date {value}, which a spreadsheet may have made of what was typed"
    if value is None or not math.isfinite(value):
        return "", f"expected a number, got {value}"
    if "%" in cell.number_format:
        shown = text_of_number(100 * value)
        return "", f"holds {text_of_number(value)}, shown as {shown} %; type {shown}, not formatted as per cent"
    return text_of_number(value), None


def _plain(cell: Cell) -> str:
    """Return a text; of a number what was typed, of a date its day."""
    value = cell.value
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return text_of_number(value)
    return "" if value is None else str(value)


def _last_row(joint: str) -> int:
    digits = re.findall(r"\d+", joint.rpartition(":")[2])
    return int(digits[0]) if digits else ROWS_MAX
