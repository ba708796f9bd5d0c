"""What a device model says of the lines of CSV its devices send: their columns and separators.

Knows the table `[csv]`; knows no bytes (`devices.codecs.csv_lines` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.tables import Table

SEPARATORS: Final = (",", ";", "\t", "|", " ")


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How lines are read.

    Attributes:
        columns: names of the cells, in order; empty where the first line of every message names them.
        separator: what stands between cells.
        decimal: what stands before the fraction of a number, a point or a comma.
    """

    columns: tuple[str, ...] = ()
    separator: str = ","
    decimal: str = "."


def csv_options(root: Table) -> CsvOptions:
    """Return what a model's `[csv]` says; faults go to its problems."""
    table = root.table("csv")
    if table is None:
        return CsvOptions()
    options = CsvOptions(
        columns=table.texts("columns"),
        separator=table.text("separator", ",", among=SEPARATORS),
        decimal=table.text("decimal", ".", among=(".", ",")),
    )
    if len(set(options.columns)) != len(options.columns) or "" in options.columns:
        table.fault("columns", f"expected names, each once, got {options.columns!r}")
    if options.separator == options.decimal:
        table.fault("decimal", "is the separator too; expected another one")
    table.done()
    return options
