"""The one table: a row is a figure beside its limit, both measured in the same run.

Knows rows and how to show them; measures nothing.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        name: what was measured.
        value, unit: the figure.
        limit, limit_name: what bounds it, in the same unit, and what that is; None where only a requirement does.
        required: what it must reach at least (or stay below, with `below`); None where nothing is required.
        below: less is better.
        note: how it was measured.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    limit_name: str = ""
    required: float | None = None
    below: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure as a share of its limit."""
        return self.value / self.limit if self.limit else None

    @property
    def met(self) -> bool | None:
        """Whether the requirement holds; None where there is none."""
        if self.required is None:
            return None
        return self.value <= self.required if self.below else self.value >= self.required


def quantile(values: list[float], share: float) -> float:
    """Return the value that a share of all lies below; a measured one, never one between two."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(rows: list[Row], *, as_json: bool) -> None:
    """Print the rows: a table for people, or one JSON object per line."""
    if as_json:
        for row in rows:
            line = json.dumps({**asdict(row), "ratio": row.ratio, "met": row.met}, ensure_ascii=False)
            sys.stdout.write(line + "\n")
        return
    table = Table("what", "measured", "unit", "limit in the same run", "ratio", "required", "note")
    for column in (1, 3, 4, 5):
        table.columns[column].justify = "right"
    for row in rows:
        limit = f"{_number(row.limit)} {row.limit_name}" if row.limit is not None else row.limit_name
        sign = "at most " if row.below else "at least "
        required = "" if row.required is None else f"{sign}{_number(row.required)} {'yes' if row.met else 'NO'}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.name, _number(row.value), row.unit, limit, ratio, required, row.note)
    Console(width=190).print(table)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
