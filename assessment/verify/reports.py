"""Whether the files of the report say the same figures as the exact results.

Knows how each form writes a figure, by the description of the forms and not by what writes them; knows nothing of how
figures come about. What is drawn or set in type is not read back, which is said.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from assessment.verify.compare import checked
from assessment.verify.verdict import Checked, Difference
from assessment.verify.workbook import workbook_rows

DIGITS: Final = 17
"""Significant digits of a decimal in these files."""
NEAR: Final = Fraction(4, 10**15)
"""How far the number of a workbook's cell, which is a binary float, may be off, relatively."""
_ROUNDING: Final = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)
_ANSWERS: Final = {"yes": "1", "no": "0"}
_NONE: Final = ("", "NR", None)
_FIGURES: Final = ("value", "numerator", "denominator", "measured", "low", "high", "percent_of_target")
"""Facts of a data point that are numbers."""
_COUNTS: Final = ("received", "expected")

Facts = Mapping[str, Mapping[str, object]]
"""What a file says, by data point and by fact."""


def reports_checked(folder: Path, stated: Mapping[str, Any]) -> tuple[list[Checked], list[str]]:
    """Return how the files of a report agree with exact results, and notes on those that were not read.

    Args:
        folder: of the report.
        stated: exact results of the bundle.
    """
    expected = _expected(stated)
    found, unread = [], []
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        read = READERS.get(file.suffix)
        if read is None:
            unread.append(f"{file.name}: its digest is right; what is printed in it was not read back")
            continue
        try:
            said = read(file.read_bytes())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            found.append(checked(file.name, 0, [Difference("form", "cannot be read", str(error)[:120])]))
        else:
            found.append(_compared(file.name, said, expected))
    return found, unread


def _expected(stated: Mapping[str, Any]) -> Facts:
    """Return the facts of exact results as the forms have them."""
    facts = {}
    for row in stated["results"]:
        low, high = row["bounds"] or (None, None)
        facts[row["data_point"]] = {
            **{name: row[name] for name in ("value", "numerator", "denominator", "measured", *_COUNTS)},
            "low": low,
            "high": high,
            "percent_of_target": row["score"]["percent"],
        }
    return facts


def _compared(name: str, said: Facts, expected: Facts) -> Checked:
    differences: list[Difference] = []
    facts = 0
    for key in [*expected, *(set(said) - set(expected))]:
        mine, theirs = expected.get(key), said.get(key)
        if mine is None or theirs is None:
            there = "is missing" if theirs is None else "is there"
            differences.append(Difference(key, there, "nothing" if mine is None else str(mine["value"])))
            continue
        for fact, told in theirs.items():
            facts += 1
            exact = mine[fact]
            same = _same_count(told, exact, mine) if fact in _COUNTS else _same(told, exact)
            if not same:
                differences.append(Difference(f"{key}, {fact}", str(told)[:80], str(exact)[:80]))
    return checked(name, facts, differences)


def _same(told: object, exact: object) -> bool:
    """Return whether a text or number is an exact ratio, rounded as these files round."""
    if exact is None or told in _NONE:
        return exact is None and told in _NONE
    if isinstance(told, bool):
        told = str(int(told))
    text = _ANSWERS.get(str(told), str(told))
    if text == exact:
        return True
    try:
        ratio = Fraction(str(exact))
        if isinstance(told, float):
            return abs(Fraction(told) - ratio) <= NEAR * abs(ratio)
        rounded = _ROUNDING.divide(Decimal(ratio.numerator), Decimal(ratio.denominator))
        return Decimal(text) == rounded
    except (DecimalException, ValueError, OverflowError, ZeroDivisionError):
        return False


def _same_count(told: object, exact: object, of: Mapping[str, object]) -> bool:
    """Return whether a count is the same; where nothing comes at intervals it may be left out."""
    return str(told) == str(exact) or (told in _NONE and not of["expected"])


def _csv(content: bytes) -> Facts:
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    return _by_key((row["data_point"], {fact: row[fact] for fact in (*_FIGURES, *_COUNTS)}) for row in rows)


def _json(content: bytes) -> Facts:
    rows = json.loads(content, parse_float=Decimal)["results"]
    found = {}
    for row in rows:
        for fact in _FIGURES:
            if not _same(row[fact], row[f"{fact}_exact"]):
                raise ValueError(f"{row['data_point']}: {fact} and {fact}_exact are not the same")
        found[row["data_point"]] = {
            **{fact: row[f"{fact}_exact"] for fact in _FIGURES},
            **{fact: row[fact] for fact in _COUNTS},
        }
    return _by_key(found.items(), len(rows))


_OF_ENTITY: Final = {"exactValue": "value", "leastValue": "low", "greatestValue": "high"}
_COUNTS_OF_ENTITY: Final = {"readings": "received", "readingsDue": "expected"}


def _jsonld(content: bytes) -> Facts:
    def facts(entity: Mapping[str, Any]) -> dict[str, object]:
        return {fact: entity.get(name, {}).get("value") for name, fact in {**_OF_ENTITY, **_COUNTS_OF_ENTITY}.items()}

    return _by_key((one["dataPoint"]["value"], facts(one)) for one in json.loads(content)["@graph"])


def _by_key(rows: Iterable[tuple[str, Mapping[str, object]]], of: int | None = None) -> Facts:
    every = list(rows)
    found = dict(every)
    if len(found) != (len(every) if of is None else of):
        raise ValueError("a data point stands twice")
    return found


READERS: Final[Mapping[str, Callable[[bytes], Facts]]] = {
    ".csv": _csv,
    ".json": _json,
    ".jsonld": _jsonld,
    ".xlsx": lambda content: _by_key(workbook_rows(content)),
}
"""By the ending of a file's name."""
