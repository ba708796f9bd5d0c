"""Two assessments side by side as a workbook: one sheet of data points, one of groups.

Knows comparisons and sheets; knows neither files nor a terminal. Figures are exact as far as a cell can hold them.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

from assessment.compare import Comparison, Hindrance, Line, Side, Standing
from assessment.outputs import Book, Col
from assessment.outputs.sheets import Cell
from devices.registers import QUALITIES
from engine.kpi import BAND_NAMES, NotReported

SIDE: Final = (("result", 16), ("band", 10), ("coverage, %", 11), ("data quality", 24), ("rests on", 11))
"""What each side has of a data point, with the width of the column."""
WHY: Final = {
    Hindrance.NONE: "",
    Hindrance.ABSENT: "one catalogue does not have it",
    Hindrance.DEFINITION: "it is defined in another way",
    Hindrance.UNREPORTED: "not both are reported",
}
"""Why two figures have no difference, in words."""


def write_comparison_book(comparison: Comparison, path: Path) -> None:
    """Write the workbook of a comparison.

    Raises:
        OSError: the file cannot be written.
    """
    path.write_bytes(comparison_book(comparison))


def comparison_book(comparison: Comparison) -> bytes:
    """Return the workbook of a comparison; the same two give the same bytes."""
    left, right = (side_name(one) for one in (comparison.left, comparison.right))
    title = f"{left} – {right}"
    book = Book(title, "Comparison of annual assessments", max(comparison.left.year, comparison.right.year))
    columns = (
        Col("Data point", 22), Col("Name", 36), Col("Category", 24), Col("Unit", 20),
        *(Col(f"{left}: {word}", width) for word, width in SIDE),
        *(Col(f"{right}: {word}", width) for word, width in SIDE),
        Col("Change", 16), Col("Change, %", 11), Col("Trend", 10), Col("Not comparable because", 30),
        Col("Targets differ", 10),
    )  # fmt: skip
    about = f"{comparison.compared} of {len(comparison.lines)} data points can be compared."
    sheet = book.sheet("Data points", title, about, columns, 2)
    for line in comparison.lines:
        sheet.row(_line(line))
    sheet.filtered()
    _groups(book, title, comparison)
    return book.content()


def side_name(side: Side) -> str:
    """Return what a side is called: its city and year."""
    return f"{side.city} {side.year}"


def _line(line: Line) -> tuple[Cell, ...]:
    point = line.point
    return (
        line.key,
        point.title,
        point.category,
        point.unit,
        *_side(line.left),
        *_side(line.right),
        line.change,
        line.percent,
        str(line.trend),
        WHY[line.hindrance],
        "YES" if line.other_target else "",
    )


def _side(one: Standing | None) -> tuple[Cell, ...]:
    if one is None:
        return (None,) * len(SIDE)
    if isinstance(one.value, NotReported):
        return "NR", "", _coverage(one), "", ""
    value: Cell = ("NO", "YES")[int(one.value)] if one.point.yes_no and one.value in (0, 1) else one.value
    return value, BAND_NAMES[one.band], _coverage(one), QUALITIES.get(one.quality, one.quality), one.basis


def _coverage(one: Standing) -> Fraction | None:
    return Fraction(100 * one.received, one.expected) if one.expected > 0 else None


def _groups(book: Book, title: str, comparison: Comparison) -> None:
    about = "Points of the scored data points, in per cent of the most that they could have."
    sides = (Col(side_name(one), 16) for one in (comparison.left, comparison.right))
    columns = (Col("Dimension", 24), Col("Sub-dimension", 34), Col("Category", 26), *sides, Col("Change", 12))
    sheet = book.sheet("Groups", title, about, columns, 3)
    left, right = comparison.left.groups, comparison.right.groups
    for path in dict.fromkeys((*right, *left)):
        names = (*path, "", "", "")[:3] if path else ("(everything)", "", "")
        before, after = left.get(path), right.get(path)
        change = after - before if before is not None and after is not None else None
        sheet.row((*names, before, after, change))
