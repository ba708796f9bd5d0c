"""Reads a worksheet back: what it changes in `declared.csv` and `answers.csv` of a city, or everything that is wrong.

Knows what a filled row means for the two files; what may stand in these, their own readers say, so that a worksheet and
a file written by hand are judged alike. Nothing is written before everything was read.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from assessment.answers import FILE as ANSWERS_FILE
from assessment.answers import answers_csv, load_answers
from assessment.compute import Answer
from assessment.worksheet.cells import SheetCells, open_cells
from assessment.worksheet.csv_rows import DeclaredRows
from assessment.worksheet.csv_rows import Row as CsvRow
from assessment.worksheet.faults import CellFault, WorksheetError
from assessment.worksheet.layout import (
    ABOUT,
    ANSWER,
    ANSWERED,
    BY,
    FIELDS,
    FORMAT,
    INPUT_COLUMNS,
    INPUTS,
    KEY,
    MARKS,
    NUMBERS,
    POINT_COLUMNS,
    POINTS,
    QUESTIONS,
    RULE,
    SO_FAR,
    START,
    SUBJECT_SEPARATOR,
)
from assessment.worksheet.rows import Row, Table
from assessment.worksheet.texts import as_a_cell_has_it, joined
from devices.registers import QUALITIES
from engine.kpi import DECLARED_FILE, Fault, Pack, PackError, load_declared
from engine.kpi.declared import COLUMNS, EVIDENCE_FOLDER

_CLASSES: Final = {words.lower(): code for code, words in QUALITIES.items()}
_SIDES: Final = tuple(FIELDS[name] for name in ("Value", "Numerator", "Denominator"))
_HEADINGS: Final = {field: heading for heading, field in FIELDS.items()}
_Subject = tuple[str, frozenset[str]]
"""Rule and data points of a finding."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a worksheet changes.

    Attributes:
        what: declared, changed, withdrawn, answered, answer changed or answer withdrawn.
        about: key of the data point or input, or rule of the finding.
        before, after: what stood there, and what stands from now on; empty where nothing does.
    """

    what: str
    about: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Edit:
    """What a worksheet makes of a city's files.

    Attributes:
        changes: in the order of the worksheet.
        kept: keys that are declared and of which the worksheet says nothing: they were not when it was made.
        files: the new text of each file that changes, by name.
    """

    changes: tuple[Change, ...]
    kept: tuple[str, ...]
    files: Mapping[str, str]


def read_worksheet(path: Path, city_folder: Path, pack: Pack, city: str, year: int) -> Edit:
    """Return what a worksheet changes; nothing is written.

    Args:
        path: the worksheet.
        city_folder: with the city's files; what these declare was read before, so they have no fault.
        pack: the catalogue.
        city: its code.
        year: the reference year.

    Raises:
        WorksheetError: with every fault.
        PackError: the city's `answers.csv` has faults.
    """
    reading = _Reading(city_folder, pack, year)
    sheets = open_cells(path)
    if reading.meant(sheets, city):
        return reading.edit(sheets)
    raise WorksheetError(reading.faults)


def declared_rows(city_folder: Path, pack: Pack, year: int) -> dict[str, CsvRow]:
    """Return the rows that a city declares for a year, by key, as they stand in its file; none where it has no file."""
    return DeclaredRows(text_of(city_folder), pack).of(year)


def text_of(city_folder: Path) -> str:
    """Return the text of `declared.csv`, with its line ends as they are; empty where there is none."""
    file = city_folder / DECLARED_FILE
    return file.read_bytes().decode("utf-8") if file.is_file() else ""


def write_edit(edit: Edit, city_folder: Path) -> None:
    """Write the files that change: each is there as a whole or not at all, and all are ready before the first is.

    Raises:
        OSError: one cannot be written; then none was changed, unless the machine failed between two of them.
    """
    ready = []
    try:
        for name, text in edit.files.items():
            target = city_folder / name
            new = city_folder / f".{name}.new"
            ready.append((new, target))
            with new.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, new)
        for new, target in ready:
            new.replace(target)
    finally:
        for new, _ in ready:
            new.unlink(missing_ok=True)


class _Reading:
    """One worksheet being read."""

    def __init__(self, city_folder: Path, pack: Pack, year: int) -> None:
        self.faults: list[CellFault] = []
        self._folder, self._pack, self._year = city_folder, pack, year
        self._changes: list[Change] = []
        self._kept: list[str] = []

    def meant(self, sheets: Mapping[str, SheetCells], city: str) -> bool:
        """Say whether a workbook is a worksheet of this city and year; faults are noted."""
        if START not in sheets:
            self.faults.append(CellFault(START, "", "the sheet is missing; expected a file that `--template` wrote"))
            return False
        rows = sheets[START].rows.values()
        found = {str(row[1].value).strip(): row[2] for row in rows if 1 in row and 2 in row}
        for mark, wanted in zip(MARKS, (FORMAT, city, str(self._year)), strict=True):
            cell = found.get(mark)
            text = "" if cell is None else str(cell.value).strip()
            if text != wanted:
                name = "" if cell is None else cell.name
                self.faults.append(CellFault(START, name, f"{mark}: expected {wanted!r}, got {text!r}"))
        return not self.faults

    def edit(self, sheets: Mapping[str, SheetCells]) -> Edit:
        """Return what the worksheet changes.

        Raises:
            WorksheetError: with every fault.
        """
        files = {}
        declared = self._declared(sheets)
        if declared is not None:
            files[DECLARED_FILE] = declared
        answers = self._answers(sheets)
        if answers is not None:
            files[ANSWERS_FILE] = answers
        if self.faults:
            places = {name: at for at, name in enumerate(sheets)}
            raise WorksheetError(sorted(self.faults, key=lambda fault: places.get(fault.sheet, -1)))
        return Edit(tuple(self._changes), tuple(self._kept), files)

    # ---- what is declared --------------------------------------------------------------------------------------

    def _declared(self, sheets: Mapping[str, SheetCells]) -> str | None:
        """Return the new text of the file; None where it stays."""
        rows = DeclaredRows(text_of(self._folder), self._pack)
        stands = rows.of(self._year)
        changes: dict[str, CsvRow | None] = {}
        seen: dict[str, str] = {}
        for name, columns in ((POINTS, POINT_COLUMNS), (INPUTS, INPUT_COLUMNS)):
            headings = [column.title for column in columns if column.input]
            table = self._table(sheets, name, (KEY, SO_FAR, *headings), KEY)
            if table is None:
                continue
            found = [row for row in table.rows() if self._first(table, name, row, KEY, seen)]
            changed = {row.at: self._change(table, row, stands) for row in found}
            self._judge(name, table, [(row, new) for row in found if (new := changed[row.at]) is not None])
            for row in found:
                self._decide(row, changed[row.at], stands, changes)
        return rows.changed(self._year, changes) if changes else None

    def _table(self, sheets: Mapping[str, SheetCells], name: str, headings: Sequence[str], key: str) -> Table | None:
        if name not in sheets:
            self.faults.append(CellFault(name, "", "the sheet is missing"))
            return None
        numbers = [heading for heading in headings if FIELDS.get(heading) in NUMBERS]
        filled = [heading for heading in headings if heading in FIELDS or heading in (ANSWER, BY)]
        return Table(sheets[name], headings, key, numbers, filled, self.faults)

    def _first(self, table: Table, sheet: str, row: Row, heading: str, seen: dict[str, str]) -> bool:
        """Say whether a row is the first of its key; a fault where it is not."""
        place = f"{sheet}!{table.cell(row.at, heading)}"
        key = self._key(row.texts[heading])
        first = seen.setdefault(key, place)
        if first != place:
            table.fault(row.at, heading, f"{key!r} stands in {first} already")
        return first == place

    def _key(self, text: str) -> str:
        try:
            return text if text in self._pack.inputs else self._pack.data_point(text).key
        except KeyError:
            return text

    def _change(self, table: Table, row: Row, stands: Mapping[str, CsvRow]) -> CsvRow | None:
        """Return a row as the file would have it, where it is filled in and says something else than the file."""
        new = {field: row.texts.get(heading, "") for heading, field in FIELDS.items()}
        new["quality"] = _CLASSES.get(new["quality"].lower(), new["quality"])
        key = self._key(row.texts[KEY])
        if not any(new[field] for field in _SIDES):
            stated = [field for field, text in new.items() if text and field != "unit"]
            if stated:
                hint = "; clear the row to withdraw what is declared" if row.texts[SO_FAR] else ""
                what = f"expected a value, NR, or both sides, for the row has {', '.join(stated)}{hint}"
                table.fault(row.at, "Value", what)
            return None
        old = stands.get(key)
        new = {"key": key, "year": str(self._year), **new}
        return None if old is not None and _same(old, new) else new

    def _decide(
        self, row: Row, new: CsvRow | None, stands: Mapping[str, CsvRow], changes: dict[str, CsvRow | None]
    ) -> None:
        key = self._key(row.texts[KEY])
        old = stands.get(key)
        if new is not None:
            changes[key] = new
            self._changes.append(Change("changed" if old else "declared", key, _told(old), _told(new)))
        elif old is not None and not any(row.texts.get(_HEADINGS[field]) for field in _SIDES):
            # What is empty was cleared only where something stood when the worksheet was made.
            if row.texts[SO_FAR]:
                changes[key] = None
                self._changes.append(Change("withdrawn", key, _told(old), ""))
            else:
                self._kept.append(key)

    def _judge(self, sheet: str, table: Table, rows: Sequence[tuple[Row, CsvRow]]) -> None:
        """Have the reader of `declared.csv` look at rows, and note what it finds at their cells."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")  # so that a lone carriage return is quoted
        writer.writeheader()
        writer.writerows({name: new.get(name, "") for name in COLUMNS} for _, new in rows)
        with TemporaryDirectory() as name:
            folder = Path(name)
            (folder / DECLARED_FILE).write_text(text.getvalue(), encoding="utf-8")
            (folder / EVIDENCE_FOLDER).symlink_to((self._folder / EVIDENCE_FOLDER).resolve())
            try:
                load_declared(folder, self._pack)
            except PackError as error:
                self._place(sheet, table, [row for row, _ in rows], error.faults, {"key": KEY, **_HEADINGS})

    def _place(
        self, sheet: str, table: Table, rows: Sequence[Row], faults: Iterable[Fault], headings: Mapping[str, str]
    ) -> None:
        """Note faults of lines at the cells that these were written from: the first line has the columns."""
        for fault in faults:
            heading = headings.get(fault.where.removeprefix("column "), "")
            at = fault.line - 2
            if not 0 <= at < len(rows):
                self.faults.append(CellFault(sheet, "", fault.what))
            elif table.has(heading):
                table.fault(rows[at].at, heading, fault.what)
            else:
                table.fault(rows[at].at, table.key, fault.what)

    # ---- answers -----------------------------------------------------------------------------------------------

    def _answers(self, sheets: Mapping[str, SheetCells]) -> str | None:
        """Return the new text of the file; None where it stays."""
        table = self._table(sheets, QUESTIONS, (RULE, ABOUT, ANSWERED, ANSWER, BY), RULE)
        if table is None:
            return None
        known = dict(load_answers(self._folder, self._pack))
        standing = {(one.rule, frozenset(one.data_points)): one for one in known.get(self._year, ())}
        before = dict(standing)
        given: list[tuple[Row, Answer]] = []
        seen: dict[str, str] = {}
        for row in table.rows():
            named = sorted(self._key(text.strip()) for text in row.texts[ABOUT].split(SUBJECT_SEPARATOR.strip()))
            place = f"{QUESTIONS}!{table.cell(row.at, RULE)}"
            first = seen.setdefault(f"{row.texts[RULE]} {named}", place)
            if first != place:
                table.fault(row.at, RULE, f"the finding stands in {first} already")
                continue
            answer = self._answer(row)
            if answer.text or answer.by:
                given.append((row, answer))
            self._weigh(table, row, answer, standing)
        self._judge_answers(table, given)
        if standing == before:
            return None
        known[self._year] = tuple(standing.values())
        return answers_csv(known)

    def _weigh(self, table: Table, row: Row, answer: Answer, standing: dict[_Subject, Answer]) -> None:
        """Have a row of the worksheet stand in place of the answer that does."""
        subject = (answer.rule, frozenset(answer.data_points))
        own = standing.get(subject)
        old = own or standing.get((answer.rule, frozenset()))  # one that names no data point answers all of its rule
        if answer.text or answer.by:
            if old is None or (joined(old.text), joined(old.by)) != (answer.text, answer.by):
                standing[subject] = answer
                what = "answered" if old is None else "answer changed"
                self._changes.append(Change(what, answer.rule, "" if old is None else old.text, answer.text))
        elif own is not None and row.texts[ANSWERED]:
            del standing[subject]
            self._changes.append(Change("answer withdrawn", answer.rule, own.text, ""))
        elif old is not None and row.texts[ANSWERED]:
            what = f"what is answered holds for every finding of {answer.rule}: give another answer here"
            what += f", or withdraw it in {ANSWERS_FILE}"
            table.fault(row.at, ANSWER, what)

    def _answer(self, row: Row) -> Answer:
        named = (self._key(text.strip()) for text in row.texts[ABOUT].split(SUBJECT_SEPARATOR.strip()))
        return Answer(row.texts[RULE], tuple(key for key in named if key), row.texts[ANSWER], row.texts[BY])

    def _judge_answers(self, table: Table, given: Sequence[tuple[Row, Answer]]) -> None:
        """Have the reader of `answers.csv` look at answers, and note what it finds at their cells."""
        with TemporaryDirectory() as name:
            folder = Path(name)
            text = answers_csv({self._year: tuple(answer for _, answer in given)})
            (folder / ANSWERS_FILE).write_text(text, encoding="utf-8")
            try:
                load_answers(folder, self._pack)
            except PackError as error:
                headings = {"rule": RULE, "data_points": ABOUT, "answer": ANSWER, "by": BY}
                self._place(QUESTIONS, table, [row for row, _ in given], error.faults, headings)


def _same(old: CsvRow, new: CsvRow) -> bool:
    """Say whether a row of the file, had it stood in cells, would read like another one."""
    for field in FIELDS.values():
        text = joined(old.get(field, ""))
        if (as_a_cell_has_it(text) if field in NUMBERS else text) != new[field] and (text or field != "unit"):
            return False
    return True


def _told(row: CsvRow | None) -> str:
    if row is None:
        return ""
    value = row.get("value") or f"{row.get('numerator', '')} / {row.get('denominator', '')}"
    return f"{value} {row.get('unit', '')}".strip()
