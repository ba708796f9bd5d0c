"""Reads the rows of a CSV file that a city writes by hand or with a spreadsheet; every fault is noted with its line.

Knows CSV and which columns are asked for; knows no meaning of any.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from devices.errors import nearest
from devices.tables import FILE_BYTES_MAX
from engine.kpi.faults import Fault

ROWS_MAX: Final = 100_000


class Rows:
    """The rows of one file, one after the other.

    Args:
        file: is read once, when the rows are gone through.
        columns: that it may have.
        required: that it must have.
        faults: are noted here.

    Attributes:
        line: of the row at hand; the header is in the first one.
    """

    def __init__(self, file: Path, columns: Sequence[str], required: Sequence[str], faults: list[Fault]) -> None:
        self._file, self._columns, self._required, self._faults = file, columns, required, faults
        self._row: Mapping[str, str] = {}
        self.line = 1

    def __iter__(self) -> Iterator[None]:
        """Go from row to row; `text` then says what stands in the one at hand."""
        content = self._file.read_bytes()
        if len(content) > FILE_BYTES_MAX:
            self.fault("", f"expected at most {FILE_BYTES_MAX} bytes, got {len(content)}")
            return
        if b"\0" in content:
            self.fault("", "expected text, and there is a NUL character in it")
            return
        try:
            yield from self._rows(content.decode("utf-8-sig"))  # spreadsheets put a mark before UTF-8
        except UnicodeDecodeError as error:
            self.fault("", f"expected UTF-8 text, and byte {error.start} is none")
        except csv.Error as error:
            self.fault("", f"not valid CSV: {error}")

    def text(self, column: str) -> str:
        """Return a cell of the row at hand; empty where there is no such column."""
        return self._row.get(column, "")

    def fault(self, column: str, what: str) -> None:
        """Note a fault of the row at hand; of the whole of it where the column is empty."""
        self._faults.append(Fault(str(self._file), self.line, f"column {column}" if column else "", what))

    def _rows(self, text: str) -> Iterator[None]:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = [cell.strip() for cell in next(reader, [])]
        if not self._header_is_good(header):
            return
        for number, values in enumerate(reader):
            self.line = reader.line_num
            if not any(values):
                continue
            if number >= ROWS_MAX:
                self.fault("", f"expected at most {ROWS_MAX} rows, got {number + 1}")
                return
            if len(values) != len(header):
                self.fault("", f"expected {len(header)} columns, got {len(values)}")
                continue
            self._row = dict(zip(header, map(str.strip, values), strict=True))
            yield

    def _header_is_good(self, header: list[str]) -> bool:
        before = len(self._faults)
        for column in self._required:
            if column not in header:
                self.fault(column, f"is missing; expected {','.join(self._columns)}")
        for column in header:
            if column not in self._columns:
                self.fault(column, f"unknown column{nearest(column, self._columns)}")
        for column in {c for c in header if header.count(c) > 1}:
            self.fault(column, "stands twice")
        return len(self._faults) == before
