"""How complete a figure is, in one word.

Knows the limits and where they come from; knows no figure.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import Final

VALID_PERCENT_MIN: Final = 90
"""Data capture from which a figure counts as an accurate measurement; Directive 2008/50/EC, annex I, asks for so much
of fixed measurements. The U4SSC method itself gives no limit."""
INDICATIVE_PERCENT_MIN: Final = 75
"""Data capture from which it counts as an estimate; the usual minimum of annual statistics in EU and US practice."""


class Validity(StrEnum):
    """What the completeness of its readings makes of a figure."""

    VALID = "valid"
    INDICATIVE = "indicative"
    INSUFFICIENT = "insufficient"


WHOLE_DAYS_MIN: Final = 365
"""A figure of fewer days is an estimate of an annual one, however complete."""


def validity(received: int, expected: int, days: Fraction) -> Validity | None:
    """Return the word for a coverage; None where nothing is expected at intervals (registers, lists of devices).

    Args:
        received, expected: readings.
        days: length of the period; below WHOLE_DAYS_MIN a figure is indicative at most.
    """
    if expected <= 0:
        return None
    if 100 * received >= VALID_PERCENT_MIN * expected and days >= WHOLE_DAYS_MIN:
        return Validity.VALID
    return Validity.INDICATIVE if 100 * received >= INDICATIVE_PERCENT_MIN * expected else Validity.INSUFFICIENT
