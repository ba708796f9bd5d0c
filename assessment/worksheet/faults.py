"""What can be wrong with a worksheet, each fault with the name of its cell.

Knows the shape of faults; knows neither sheets nor what a cell means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FAULTS_MAX: Final = 500
"""Faults that are told one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class CellFault:
    """One thing that is wrong with a worksheet.

    Attributes:
        sheet: its name; empty where the whole file is meant.
        cell: name of the cell or of a range of them; empty where the whole sheet is meant.
        what: what was found, and what was expected.
    """

    sheet: str
    cell: str
    what: str

    def __str__(self) -> str:
        place = "!".join(part for part in (self.sheet, self.cell) if part)
        return f"{place}: {self.what}" if place else self.what


class WorksheetError(Exception):
    """A worksheet that must not be used.

    Attributes:
        faults: every one of them, sheet by sheet and row by row.
    """

    def __init__(self, faults: Iterable[CellFault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        more = len(self.faults) - FAULTS_MAX
        lines = [str(fault) for fault in self.faults[:FAULTS_MAX]]
        return "\n".join(lines + ([f"and {more} more"] if more > 0 else []))
