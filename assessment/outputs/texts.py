"""Figures and texts as other programs take them: decimals of so many digits, and texts that no spreadsheet computes.

Knows how numbers are written; knows no file and no data point.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Final

from engine.kpi import Value

DIGITS: Final = 17
"""Significant digits of a decimal: as many as tell any two binary floats apart. What does not end within them is
rounded half to even; the exact ratio stands in the JSON."""
PERCENT_DECIMALS: Final = 4
COMPUTING: Final = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is a formula to a program that opens a table."""
_CONTEXT: Final = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)


def decimal_of(value: Fraction) -> Decimal:
    """Return a figure as a decimal, exactly where it ends within `DIGITS`."""
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def number_text(value: Value | None) -> str:
    """Return a figure as text; empty where there is none."""
    if not isinstance(value, Fraction):
        return ""
    text = f"{decimal_of(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent_text(part: int, whole: int) -> str:
    """Return a share as per cent; empty where the whole is 0."""
    return number_text(round(Fraction(100 * part, whole), PERCENT_DECIMALS)) if whole else ""


def inert(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before what would be one."""
    return f"'{text}" if text.startswith(COMPUTING) else text
