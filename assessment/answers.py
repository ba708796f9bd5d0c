"""What a city answers to findings, read from `answers.csv` in its folder and written as such a file.

Knows the columns of that file and the rules there are; knows no figure, and not whether a finding still stands.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from assessment.compute import Answer
from devices.errors import nearest
from engine.kpi import CHECKS, Fault, Pack, PackError, Rows, year_of

FILE: Final = "answers.csv"
COLUMNS: Final = ("year", "rule", "data_points", "answer", "by")
SEPARATOR: Final = ";"
"""Between data points: a key has colons and may have a slash."""

Answers = Mapping[int, tuple[Answer, ...]]
"""Answers by the reference year that they are of."""


def load_answers(city_folder: Path, pack: Pack) -> Answers:
    """Return what a city answers; nothing where it has no such file.

    Raises:
        PackError: with every fault of the file.
    """
    file = city_folder / FILE
    if not file.is_file():
        return {}
    faults: list[Fault] = []
    found = _Reader(file, pack, faults).read()
    if faults:
        raise PackError(sorted(faults))
    return found


def answers_csv(answers: Answers) -> str:
    """Return answers as the text of such a file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180: a lone carriage return in a text is quoted as well
    writer.writerow(COLUMNS)
    for year, given in sorted(answers.items()):
        writer.writerows(
            (year, one.rule, f"{SEPARATOR} ".join(one.data_points), one.text, one.by) for one in given
        )  # fmt: skip
    return text.getvalue()


class _Reader:
    """Reads the rows of one file; faults are noted with their lines."""

    def __init__(self, file: Path, pack: Pack, faults: list[Fault]) -> None:
        self._rows = Rows(file, COLUMNS, COLUMNS, faults)
        self._pack, self._faults = pack, faults

    def read(self) -> Answers:
        """Return the rows that are sound, by year."""
        found: dict[int, list[Answer]] = {}
        lines: dict[tuple[int, str, frozenset[str]], int] = {}
        for _ in self._rows:
            before = len(self._faults)
            year, answer = year_of(self._rows), self._answer()
            subject = (year, answer.rule, frozenset(answer.data_points))
            first = lines.setdefault(subject, self._rows.line)
            if first != self._rows.line:
                self._rows.fault("rule", f"the finding is answered in line {first} already")
            if len(self._faults) == before:
                found.setdefault(year, []).append(answer)
        return {year: tuple(given) for year, given in found.items()}

    def _answer(self) -> Answer:
        rows, rules = self._rows, tuple(check.code for check in CHECKS)
        rule = rows.text("rule")
        if rule not in rules:
            rows.fault("rule", f"unknown rule {rule!r}{nearest(rule, rules)}; see `cityvitals kpis findings`")
        for column, what in (("answer", "what the city says"), ("by", "who says so")):
            if not rows.text(column):
                rows.fault(column, f"is empty; expected {what}")
        named = (text.strip() for text in rows.text("data_points").split(SEPARATOR))
        return Answer(rule, self._keys(text for text in named if text), rows.text("answer"), rows.text("by"))

    def _keys(self, named: Iterable[str]) -> tuple[str, ...]:
        """Return data points as the catalogue writes them; a fault for each that it does not have."""
        found: dict[str, None] = {}
        for text in named:
            try:
                found[self._pack.data_point(text).key] = None
            except KeyError as error:
                self._rows.fault("data_points", str(error.args[0]))
        return tuple(found)
