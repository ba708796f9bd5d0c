"""What a city declares as rows of a file of text: which stand there for a year, and the file with some of them changed.

Knows lines, columns and keys; knows no value. Rows that are not changed stay byte for byte as somebody wrote them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.kpi import Pack
from engine.kpi.declared import COLUMNS

Row = Mapping[str, str]
"""Cells of a row by column."""
MARK: Final = "\ufeff"
"""Spreadsheets put it before UTF-8."""


@dataclass(frozen=True, slots=True)
class _Record:
    """A row with its line end, and its cells; an empty line has none."""

    raw: str
    cells: tuple[str, ...]


class DeclaredRows:
    """The rows of `declared.csv`; the file was read before, so it has no fault.

    Args:
        text: of the file; empty where there is none.
        pack: the catalogue, for how keys are written.
    """

    def __init__(self, text: str, pack: Pack) -> None:
        self._mark = MARK if text.startswith(MARK) else ""
        self._pack = pack
        records = _records(text.removeprefix(MARK))
        self._header = tuple(cell.strip() for cell in records[0].cells) if records else COLUMNS
        self._records = records[1:]
        self._end = "\r\n" if records and records[0].raw.endswith("\r\n") else "\n"
        self._head_raw = records[0].raw if records else ""

    def of(self, year: int) -> dict[str, Row]:
        """Return the rows of a year by key, in the order of the file."""
        return {self._key(row): row for row in map(self._row, self._records) if row and row["year"] == str(year)}

    def changed(self, year: int, changes: Mapping[str, Row | None]) -> str:
        """Return the file with rows of a year changed.

        Args:
            year: of the rows.
            changes: by key the row that stands from now on; None for one that is withdrawn. A new row comes after the
                last one of its year, or at the end.
        """
        header = self._header_for([row for row in changes.values() if row])
        left = dict(changes)
        lines: list[str] = []
        after = -1
        for record in self._records:
            row = self._row(record)
            key = self._key(row) if row and row["year"] == str(year) else None
            if key in left:
                changed = left.pop(key)
                lines += [] if changed is None else [self._line(header, changed)]
            else:
                lines.append(self._kept(record, len(header) - len(self._header)))
            after = len(lines) if key is not None else after
        new = [self._line(header, row) for row in left.values() if row]
        at = len(lines) if after < 0 else after
        head = self._head_raw if header == self._header and self._head_raw else self._csv(header)
        parts = [head, *lines[:at], *new, *lines[at:]]
        # The last line of a file may lack its end; it needs one where another follows.
        ended = [part if part.endswith(("\n", "\r")) else part + self._end for part in parts[:-1]]
        return self._mark + "".join((*ended, *parts[-1:]))

    def _header_for(self, rows: Sequence[Row]) -> tuple[str, ...]:
        """Return the columns of the file, with those that new rows need and it does not have."""
        needed = [name for name in COLUMNS if name not in self._header and any(row.get(name) for row in rows)]
        return (*self._header, *needed)

    def _row(self, record: _Record) -> dict[str, str]:
        cells = [cell.strip() for cell in record.cells]
        return dict(zip(self._header, cells, strict=True)) if any(cells) else {}

    def _key(self, row: Row) -> str:
        text = row["key"]
        return text if text in self._pack.inputs else self._pack.data_point(text).key

    def _line(self, header: Sequence[str], row: Row) -> str:
        return self._csv([row.get(name, "") for name in header])

    def _kept(self, record: _Record, more: int) -> str:
        if not more or not any(record.cells):
            return record.raw
        body = record.raw.rstrip("\r\n")
        return body + "," * more + record.raw[len(body) :]

    def _csv(self, cells: Sequence[str]) -> str:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerow(cells)  # so that a lone carriage return is quoted
        return text.getvalue().removesuffix("\r\n") + self._end


def _records(text: str) -> list[_Record]:
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(iter(lines), strict=True)
    found, at = [], 0
    for cells in reader:
        found.append(_Record("".join(lines[at : reader.line_num]), tuple(cells)))
        at = reader.line_num
    return found
