"""Opens a worksheet that somebody else saved, within bounds: what stands in which cell, or why the file is refused.

Knows the file format; knows no sheet and no heading. The file is a stranger's: its size is looked at before it is
unpacked, what it would unpack to before it is read, and a part that declares entities is not parsed at all. No sheet is
held whole by the library: rows come one after the other, up to a limit.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import openpyxl
from openpyxl.utils import get_column_letter

from assessment.worksheet.faults import CellFault, WorksheetError
from assessment.worksheet.layout import COLUMNS_MAX, ROWS_MAX

FILE_BYTES_MAX: Final = 8 * 2**20
UNPACKED_BYTES_MAX: Final = 32 * 2**20
PARTS_MAX: Final = 500
MERGED_MAX: Final = 100
"""Merged ranges of a sheet that are told; one is too many."""
_MIB: Final = 2**20
_ENTITIES: Final = (b"<!DOCTYPE", b"<!ENTITY")
_ENCODING: Final = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)[\"']")
_MERGED: Final = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*?\bref\s*=\s*[\"']([A-Z0-9:$]{1,30})[\"']")
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Held = str | float | int | bool | date | time | timedelta | None


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell.

    Attributes:
        name: such as `F12`.
        value: what it shows; None where a formula was never computed.
        formula: whether it is computed.
        error: whether it shows an error, such as `#DIV/0!`.
        number_format: how a number is shown.
    """

    name: str
    value: Held
    formula: bool
    error: bool
    number_format: str


@dataclass(frozen=True, slots=True)
class SheetCells:
    """One sheet.

    Attributes:
        name: on its tab.
        rows: by position, from 1, its cells by the position of their column, from 1; empty ones are left out.
        merged: ranges of cells that were joined.
        too_long: whether there are more rows than are read.
    """

    name: str
    rows: Mapping[int, Mapping[int, Cell]]
    merged: tuple[str, ...]
    too_long: bool


def open_cells(path: Path) -> dict[str, SheetCells]:
    """Return the sheets of a workbook by name.

    Raises:
        WorksheetError: the file is no workbook, or larger than any worksheet of ours.
    """
    content = _content(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what the library leaves out: colours, validation lists
            return {one.name: one for one in _sheets(content)}
    except WorksheetError:
        raise
    # A stranger's file may be wrong in any way, and the library then raises whatever comes of it.
    except Exception as error:
        raise _refused(f"is no workbook that can be read ({type(error).__name__}: {error})"[:300]) from error


def _refused(what: str) -> WorksheetError:
    return WorksheetError([CellFault("", "", f"the file {what}")])


def _content(path: Path) -> bytes:
    """Return the file after a look at its outside."""
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            raise _refused(f"has {size / _MIB:.1f} MiB; expected at most {FILE_BYTES_MAX // _MIB}")
        content = path.read_bytes()
    except OSError as error:
        raise _refused(f"{path} cannot be read: {error.strerror}") from error
    try:
        _look_inside(content)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise _refused("is no Excel workbook; save the worksheet as .xlsx, without a password") from error
    except Exception as error:  # the unpackers' own, such as zlib.error
        if isinstance(error, WorksheetError):
            raise
        raise _refused(f"is damaged ({error})") from error
    return content


def _look_inside(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        found = parts.infolist()
        if len(found) > PARTS_MAX:
            raise _refused(f"has {len(found)} parts; expected at most {PARTS_MAX}")
        # What a part says of its size bounds what is unpacked of it: a lie ends in a wrong checksum.
        unpacked = sum(part.file_size for part in found)
        if unpacked > UNPACKED_BYTES_MAX:
            raise _refused(f"unpacks to {unpacked / _MIB:.0f} MiB; expected at most {UNPACKED_BYTES_MAX // _MIB}")
        for part in found:
            _look_at(part.filename, parts.read(part))


def _look_at(name: str, content: bytes) -> None:
    """Refuse a part that declares entities, or whose encoding could hide that it does."""
    if any(word in content for word in _ENTITIES):
        raise _refused(f"declares entities in {name}, which no worksheet does")
    if not name.endswith((".xml", ".rels")):
        return
    encoding = _ENCODING.match(content.removeprefix(b"\xef\xbb\xbf"))
    if b"\0" in content or (encoding is not None and encoding[1].lower() != b"utf-8"):
        raise _refused(f"has another encoding than UTF-8 in {name}")


def _sheets(content: bytes) -> Iterator[SheetCells]:
    merged = _merged(content)
    shown: Any = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    typed: Any = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    for values, formulas in zip(shown.worksheets, typed.worksheets, strict=True):
        rows: dict[int, dict[int, Cell]] = {}
        too_long = False
        for at, (row, other) in enumerate(zip(_rows(values), _rows(formulas), strict=True), 1):
            cells = _cells(at, row, other)
            too_long = too_long or (at > ROWS_MAX and bool(cells))
            if cells:
                rows[at] = cells
        yield SheetCells(values.title, rows, merged.get(values.title, ()), too_long)


def _rows(sheet: Any) -> Iterator[tuple[Any, ...]]:
    sheet.reset_dimensions()  # what a file says of its own size is no bound
    rows: Iterator[tuple[Any, ...]] = sheet.iter_rows(max_row=ROWS_MAX + 1, max_col=COLUMNS_MAX)
    return rows


def _cells(at: int, shown: tuple[Any, ...], typed: tuple[Any, ...]) -> dict[int, Cell]:
    found = {}
    for column, (value, source) in enumerate(zip(shown, typed, strict=True), 1):
        formula = source.data_type == "f"
        if value.value is None and not formula:
            continue
        name = f"{get_column_letter(column)}{at}"
        number_format = value.number_format if isinstance(value.value, int | float) else ""
        found[column] = Cell(name, value.value, formula, value.data_type == "e", number_format)
    return found


def _merged(content: bytes) -> dict[str, tuple[str, ...]]:
    """Return by name of the sheet which cells were joined: the library does not tell it of sheets read by rows."""
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        book = ElementTree.fromstring(parts.read("xl/workbook.xml"))  # noqa: S314  # no entities, see `_look_at`
        links = ElementTree.fromstring(parts.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        found = {}
        for sheet in book.iter(f"{_MAIN}sheet"):
            target = targets[sheet.get(_RELATION)]
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            ranges = [match.decode() for match in _MERGED.findall(parts.read(part))[:MERGED_MAX]]
            found[sheet.get("name", "")] = tuple(ranges)
        return found
