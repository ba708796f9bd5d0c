"""A figure or the reason why there is none: "not reported" is a state of its own and never zero.

Knows exact numbers and reasons; knows no formula and no KPI.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final

SHOWN_DIGITS: Final = 9
REASONS_MAX: Final = 8
"""Reasons kept of one figure; the rest are counted."""


DIGITS_MAX: Final = 1_000_000
"""Digits of a whole number that is written or read as text. The mean of a thousand stations, each of another number of
readings, is a ratio of numbers of several thousand digits, and Python by itself refuses from 4,300 on. A reading has no
such number: what devices send is bounded where it is decoded."""
if 0 < sys.get_int_max_str_digits() < DIGITS_MAX:
    sys.set_int_max_str_digits(DIGITS_MAX)


@dataclass(frozen=True, slots=True)
class NotReported:
    """There is no figure (NR in an assessment).

    Attributes:
        reasons: why, one sentence each, in the order in which the formula meets them.
    """

    reasons: tuple[str, ...]

    def __str__(self) -> str:
        more = len(self.reasons) - REASONS_MAX
        return "; ".join(self.reasons[:REASONS_MAX]) + (f"; and {more} more" if more > 0 else "")


Value = Fraction | NotReported
"""What an input or a data point is: an exact number, or not reported."""


def together(values: Iterable[Value]) -> NotReported | None:
    """Return every reason why one of these values is missing; None where none is."""
    reasons: dict[str, None] = {}
    for value in values:
        if isinstance(value, NotReported):
            reasons.update(dict.fromkeys(value.reasons))
    return NotReported(tuple(reasons)) if reasons else None


def added(values: Iterable[Fraction]) -> Fraction:
    """Return the sum, exactly, however many different denominators there are.

    One after the other, each sum would be brought to its lowest terms, and with every station the terms grow: thousands
    of means of unequal numbers of readings would take minutes.
    """
    above: dict[int, int] = {}
    for value in values:
        above[value.denominator] = above.get(value.denominator, 0) + value.numerator
    terms = [(numerator, denominator) for denominator, numerator in above.items()]
    while len(terms) > 1:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        odd = terms[-1:] if len(terms) % 2 else []
        terms = [*((a * q + b * p, p * q) for (a, p), (b, q) in pairs), *odd]
    return Fraction(*terms[0]) if terms else Fraction(0)


def shown(value: Value) -> str:
    """Return a value for people: exact where its decimals end within a few digits, else rounded and marked with `≈`."""
    if isinstance(value, NotReported):
        return "NR"
    with localcontext() as context:
        context.prec = SHOWN_DIGITS
        context.clear_flags()
        rounded = Decimal(value.numerator) / Decimal(value.denominator)
    text = f"{rounded:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if Fraction(rounded) == value else f"≈{text}"
