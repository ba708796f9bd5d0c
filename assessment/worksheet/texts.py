"""Numbers between a CSV file and a cell: the file has every digit, a cell has fifteen.

Knows how a number is written in both; knows no sheet.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from assessment.outputs.formulas import cell_number
from devices.tables import exact

CELL_DIGITS: Final = 15
"""Digits that a spreadsheet keeps of what is typed."""


def text_of_number(number: float) -> str:
    """Return what somebody typed into a cell that holds a number: its fifteen digits, without a power of ten."""
    text = f"{Decimal(f'{number:.{CELL_DIGITS}g}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number_of_text(text: str) -> Fraction | None:
    """Return the number that a text states; None where it states none, such as `NR`."""
    try:
        return exact(text)
    except ValueError:
        return None


def as_a_cell_has_it(text: str) -> str:
    """Return what is left of a text of a file after it stood in a cell, so that both can be compared."""
    number = number_of_text(text)
    held = None if number is None else cell_number(number)
    return text if held is None else text_of_number(held)


def joined(text: str) -> str:
    """Return a text as one line: cells and files break lines each in their own way."""
    return " ".join(text.split())
