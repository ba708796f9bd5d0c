"""The formula of a result's cell, and what a spreadsheet makes of it.

Knows cells, floats and the order in which a spreadsheet computes; knows no file. A cell holds a binary float, and the
exact figure is none: a formula stands only where what it gives is as near to the figure as floats allow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from engine.kpi import Value

WRITTEN_DIGITS: Final = 16
"""Digits with which the library writes the number of a cell."""
NEAR: Final = Fraction(4, 10**15)
"""How far a formula may be off, relatively: both sides are rounded to `WRITTEN_DIGITS`, and each step to a float. A
spreadsheet shows 15 digits."""
FACTOR_MAX: Final = 10**9
"""Greatest whole number that stands in a formula: any such one, and its product with a count, is exact as a float."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula with what it gives.

    Attributes:
        text: begins with `=`.
        value: what a spreadsheet computes, as it stands in the file until one does.
    """

    text: str
    value: float


def cell_number(value: Fraction) -> float | None:
    """Return the float that a cell holds for a figure; None where it has none, such as of 400 digits."""
    try:
        number = float(value)
    except OverflowError:
        return None
    written = float(f"{number:.{WRITTEN_DIGITS}G}")
    # What is no 0 must not become one: somebody may divide by it.
    return written if math.isfinite(written) and (written != 0) == (value != 0) else None


def ratio_formula(
    value: Value | None, above: Value | None, below: Value | None, above_cell: str, below_cell: str, of_none: int = 1
) -> Formula | None:
    """Return the formula of a result from the cells of its two sides; None where it is no ratio of them.

    Args:
        value: the result.
        above, below: numerator and denominator.
        above_cell, below_cell: where these stand.
        of_none: how many times the ratio the result is where that cannot be told from it, since both are 0.
    """
    if not (isinstance(value, Fraction) and isinstance(above, Fraction) and isinstance(below, Fraction)) or below == 0:
        return None
    factor = value * below / above if above != 0 else Fraction(of_none)
    if (above == 0) != (value == 0) or factor <= 0 or max(factor.numerator, factor.denominator) > FACTOR_MAX:
        return None
    top, bottom = cell_number(above), cell_number(below)
    if top is None or bottom is None:
        return None
    text, result = above_cell, top
    if factor.numerator != 1:
        text, result = f"{factor.numerator}*{text}", factor.numerator * result
    text, result = f"{text}/{below_cell}", result / bottom
    if factor.denominator != 1:
        text, result = f"{text}/{factor.denominator}", result / factor.denominator
    near = math.isfinite(result) and abs(Fraction(result) - value) <= NEAR * abs(value)
    return Formula(f"={text}", result) if near else None
