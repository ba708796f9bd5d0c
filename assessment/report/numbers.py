"""Figures as a report prints them: rounded for people, with separators and their unit.

Knows numbers; knows no page. The exact figures are in the workbook, and a rounded one never decides anything.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Final

DIGITS: Final = 4
"""Significant digits of a figure; an integer part is never shortened."""
MINUS: Final = "−"


def rounded(value: Fraction, digits: int = DIGITS) -> str:
    """Return a figure for people: `27.42`, `0.003127`, `10,543`. That it is rounded the report says once."""
    if not value:
        return "0"
    with localcontext() as context:
        context.prec = 50
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        # The exponent of the last digit that is kept: none to the left of the point is dropped.
        last = min(exact.adjusted() - digits + 1, 0)
        number = exact.quantize(Decimal(1).scaleb(last), ROUND_HALF_EVEN)
    text = f"{abs(number):,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{MINUS}{text}" if number < 0 else text


def signed(value: Fraction, digits: int = DIGITS) -> str:
    """Return a difference with its sign: `+0.4`, `−12`, `0`."""
    text = rounded(value, digits)
    return text if not value or text.startswith(MINUS) else f"+{text}"


def per_cent(value: Fraction, decimals: int = 1) -> str:
    """Return a percentage rounded down: what is below the edge of a band never looks as if on it."""
    step = 10**decimals
    return f"{value * step // 1 / step:.{decimals}f} %"


def share(part: int, whole: int) -> str:
    """Return how complete something is, in whole per cent rounded down, so that 100 % is all of it."""
    return f"{100 * part // whole} %" if whole else ""
