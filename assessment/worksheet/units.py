"""Which units a value may be stated in: those of the catalogue's own dimensions, for a list to choose from.

Knows how a unit is written; which ones convert, and how, `engine.kpi` knows. The reader takes any unit that converts,
also one that no list has.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from devices.errors import UnitError
from devices.units import load_units
from engine.kpi import YES_NO, factor_between

CHOICES_MAX: Final = 16


@cache
def unit_choices(unit: str) -> tuple[str, ...]:
    """Return a unit and others that convert to it exactly, the unit itself first."""
    found = dict.fromkeys([unit])
    if unit != YES_NO:
        for candidate in (*_with_other_parts(unit), "1"):
            if _differs(candidate, unit):
                found[candidate] = None
    return tuple(found)[:CHOICES_MAX]


def _with_other_parts(unit: str) -> list[str]:
    """Return a unit with one of its parts in another unit of the same dimension, such as `W.h/m2` of `kW.h/m2`."""
    units = load_units()
    found = []
    for part in _parts().finditer(unit):
        known = units[part[0]]
        found += [
            f"{unit[: part.start()]}{code}{unit[part.end() :]}"
            for code, other in units.items()
            if other.dimension == known.dimension and not other.offset
        ]
    return found


@cache
def _parts() -> re.Pattern[str]:
    # The longest first: `kW.h` is one unit, not a product of two. What stands in braces is counted and no unit.
    codes = "|".join(re.escape(code) for code in sorted(load_units(), key=len, reverse=True))
    return re.compile(rf"(?<![\w{{\[*])(?:{codes})(?![\w}}\]*])")


def _differs(candidate: str, unit: str) -> bool:
    """Say whether a unit converts and is another one, not the same by another name."""
    try:
        return factor_between(candidate, unit) != 1 or candidate == "1"
    except UnitError:
        return False
