"""What a city declares: figures of a year that only it can know, read from `declared.csv` in its folder.

Knows the columns of that file and the catalogue's keys and units; knows no figure that sensors give.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from devices.errors import UnitError, nearest
from devices.registers import QUALITIES
from devices.tables import exact
from engine.kpi.definition import YES_NO, Pack
from engine.kpi.faults import Fault, PackError
from engine.kpi.formula import data_point_key, is_data_point
from engine.kpi.rows import Rows
from engine.kpi.units import factor_between
from engine.kpi.values import NotReported, Value

FILE: Final = "declared.csv"
EVIDENCE_FOLDER: Final = "evidence"
"""Folder of a city with what proves declared values."""
COLUMNS: Final = (
    "key", "year", "value", "numerator", "denominator", "unit", "quality", "origin", "source", "note", "evidence",
)  # fmt: skip
REQUIRED: Final = ("key", "year", "unit")
NOT_REPORTED: Final = "NR"
YEAR_MIN: Final = 1970
YEAR_MAX: Final = 2999
_ANSWERS: Final[Mapping[str, Fraction]] = {"yes": Fraction(1), "no": Fraction(0)}


@dataclass(frozen=True, slots=True)
class DeclaredValue:
    """One figure that the city states for a year.

    Attributes:
        key: of a data point, or the code of an input.
        year: that it is of.
        value: in the unit of the data point or input; NR where the city says that it does not report it.
        numerator, denominator: as stated; None where only the value was.
        quality: how well it is known, a key of `devices.QUALITIES`; empty where not stated.
        origin, source: who supplied it, and from which record; empty where not stated.
        note: what a reader must know; for a YES what it rests on.
        line: of the file.
        evidence: file that proves it, relative to the city's folder `evidence/`; empty without one.
    """

    key: str
    year: int
    value: Value
    numerator: Fraction | None
    denominator: Fraction | None
    quality: str
    origin: str
    source: str
    note: str
    line: int
    evidence: str = ""


def load_declared(city_folder: Path, pack: Pack) -> tuple[DeclaredValue, ...]:
    """Return what a city declares; nothing where it has no such file.

    Raises:
        PackError: with every fault of the file.
    """
    file = city_folder / FILE
    if not file.is_file():
        return ()
    faults: list[Fault] = []
    found = _Reader(file, pack, faults).read()
    if faults:
        raise PackError(sorted(faults))
    return found


def declared_in(declared: Iterable[DeclaredValue], year: int, *, exactly: bool) -> dict[str, DeclaredValue]:
    """Return by key what is declared for a year; unless `exactly`, the newest of the years up to it."""
    found: dict[str, DeclaredValue] = {}
    for one in sorted(declared, key=lambda each: each.year):
        if one.year == year or (one.year < year and not exactly):
            found[one.key] = one
    return found


def year_of(rows: Rows) -> int:
    """Return the year of the row at hand; 0 and a fault where there is none."""
    text = rows.text("year")
    if text.isascii() and text.isdigit() and YEAR_MIN <= int(text) <= YEAR_MAX:
        return int(text)
    rows.fault("year", f"expected a year such as 2025, got {text!r}")
    return 0


class _Reader:
    """Reads the rows of one file; faults are noted with their lines."""

    def __init__(self, file: Path, pack: Pack, faults: list[Fault]) -> None:
        self._rows = Rows(file, COLUMNS, REQUIRED, faults)
        self._pack, self._faults = pack, faults
        self._folder = file.parent

    def read(self) -> tuple[DeclaredValue, ...]:
        """Return the rows that are sound."""
        found: dict[tuple[str, int], DeclaredValue] = {}
        for _ in self._rows:
            one = self._declared()
            if one is None:
                continue
            if (one.key, one.year) in found:
                self._fault("key", f"{one.key!r} of {one.year} stands in line {found[one.key, one.year].line} already")
            found.setdefault((one.key, one.year), one)
        return tuple(found.values())

    def _declared(self) -> DeclaredValue | None:
        """Return what a row says; None where it has a fault."""
        before = len(self._faults)
        key, unit = self._key()
        year = year_of(self._rows)
        quality = self._text("quality")
        if quality and quality not in QUALITIES:
            known = ", ".join(QUALITIES)
            self._fault("quality", f"expected one of {known}, got {quality!r}{nearest(quality, QUALITIES)}")
        numerator, denominator = self._number("numerator"), self._number("denominator")
        value = self._value(key, unit, numerator, denominator)
        evidence = self._evidence()
        if len(self._faults) > before or value is None:
            return None
        return DeclaredValue(
            key, year, value, numerator, denominator, quality, self._text("origin"), self._text("source"),
            self._text("note"), self._rows.line, evidence,
        )  # fmt: skip

    def _key(self) -> tuple[str, str]:
        """Return the key as the catalogue has it, and its unit; empty where there is no such key."""
        text = self._text("key")
        if not is_data_point(text):
            if text not in self._pack.inputs:
                known = [*self._pack.inputs, *(point.key for point in self._pack.data_points)]
                self._fault("key", f"unknown data point or input {text!r}{nearest(text, known)}")
                return text, ""
            return text, self._pack.inputs[text].unit
        code, _, identifier = text.partition("/")
        key = data_point_key(code, identifier.strip())
        units = {point.key: point.unit for point in self._pack.data_points}
        if key not in units:
            several = [one for one in units if one.startswith(f"{key}/")]
            hint = f"; it has {', '.join(several)}" if several else nearest(key, units)
            self._fault("key", f"unknown data point {key!r}{hint}")
        return key, units.get(key, "")

    def _value(self, key: str, unit: str, numerator: Fraction | None, denominator: Fraction | None) -> Value | None:
        """Return the value in the unit of the catalogue; None and a fault where there is none."""
        sides = [self._text("numerator"), self._text("denominator")]
        text = self._text("value")
        if text and any(sides):
            return self._no("value", "stands beside numerator and denominator; state one or the other")
        if text == NOT_REPORTED:
            return NotReported((f"{key}: the city does not report it",))
        factor = self._factor(unit)
        if text in _ANSWERS and unit == YES_NO:
            return _ANSWERS[text]
        if text:
            value = self._number("value")
            return None if value is None else value * factor
        if not all(sides):
            return self._no("value", f"expected a number, {NOT_REPORTED}, or both numerator and denominator")
        if not is_data_point(key):
            return self._no("numerator", "an input is no ratio; state its value")
        if denominator == 0:
            return self._no("denominator", "expected another number than 0")
        if numerator is None or denominator is None:
            return None
        return (100 if self._text("unit") == "%" else 1) * numerator / denominator * factor

    def _factor(self, unit: str) -> Fraction:
        """Return what makes the unit stated the catalogue's; 1 and a fault where nothing does."""
        stated = self._text("unit")
        try:
            return factor_between(stated, unit) if unit else Fraction(1)
        except UnitError as error:
            self._fault("unit", f"expected {unit!r} or what converts to it{f': {error}' if stated else ''}")
            return Fraction(1)

    def _evidence(self) -> str:
        """Return the file that proves a row; a fault where there is none, or it lies elsewhere."""
        text = self._text("evidence")
        if not text:
            return ""
        folder = self._folder / EVIDENCE_FOLDER
        try:
            file = (folder / text).resolve()
            inside, there = file.is_relative_to(folder.resolve()), file.is_file()
        except OSError as error:  # such as a name that is too long
            self._fault("evidence", f"{text!r} names no file: {error.strerror}")
            return ""
        if not inside:
            self._fault("evidence", f"expected a file in the city's folder {EVIDENCE_FOLDER}/, got {text!r}")
        elif not there:
            self._fault("evidence", f"there is no file {EVIDENCE_FOLDER}/{text}")
        return text

    def _number(self, column: str) -> Fraction | None:
        text = self._text(column)
        if not text or text == NOT_REPORTED:
            return None
        try:
            return exact(text)
        except ValueError as error:
            self._fault(column, str(error))
            return None

    def _no(self, column: str, what: str) -> Value | None:
        self._fault(column, what)
        return None

    def _text(self, column: str) -> str:
        return self._rows.text(column)

    def _fault(self, column: str, what: str) -> None:
        self._rows.fault(column, what)
