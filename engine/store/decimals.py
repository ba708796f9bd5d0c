"""Exact fractions as the database's decimal numbers.

Knows numbers; knows no table.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact
from fractions import Fraction

_DIGITS = 60


def exact(value: Fraction) -> Decimal:
    """Return a decimal number as one.

    Raises:
        decimal.Inexact: it has no end as a decimal; files hold decimals, so no register and no calibration does.
    """
    return Context(prec=_DIGITS, traps=[Inexact]).divide(Decimal(value.numerator), Decimal(value.denominator))
