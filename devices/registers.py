"""Registers: the denominators of a city or of one of its zones, each dated, sourced and of a stated quality.

Knows the tables `[[register]]` of `city.toml`; knows no figure that is divided by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from devices.errors import nearest
from devices.tables import Table

QUALITIES: Final[Mapping[str, str]] = {
    "measured": "accurate measurement",
    "survey": "extrapolated from a survey of inhabitants",
    "higher_level": "extrapolated from data of a higher level, such as the region's",
    "estimate": "estimate under stated assumptions",
    "personal": "personal estimate",
    "unknown": "unknown or untraceable method",
}
"""How well a figure is known: the six classes of the U4SSC method, by the word that files use."""

DECIMALS_MAX: Final = 60
"""Decimals of a value: it is stored and printed as a decimal number, exactly."""


@dataclass(frozen=True, slots=True)
class Register:
    """One denominator (population, households, floor area, network length ...), valid from a date on.

    Attributes:
        code: what it counts.
        value: exact.
        unit: what it is counted in, for people.
        valid_from: first day; it holds until the next entry of the same code.
        source: who stated it.
        quality: how well it is known, a key of QUALITIES; empty where not stated.
    """

    code: str
    value: Fraction
    unit: str
    valid_from: date
    source: str
    quality: str = ""


def read_registers(root: Table, zones: Iterable[str]) -> dict[str, tuple[Register, ...]]:
    """Return the entries of `[[register]]` by zone, the city's own under "", each sorted by code and date.

    Args:
        root: what `city.toml` says; faults go to its problems.
        zones: codes of the zones there are.
    """
    known = tuple(zones)
    found: dict[str, dict[tuple[str, date], Register]] = {}
    for table in root.tables("register"):
        zone = table.text("zone", "")
        if zone and zone not in known:
            table.fault("zone", f"unknown zone {zone!r}{nearest(zone, known)}")
        entry = _register(table)
        entries = found.setdefault(zone, {})
        key = (entry.code, entry.valid_from)
        if key in entries:
            table.fault("from", f"a second {entry.code!r} from {entry.valid_from}{f' of {zone!r}' if zone else ''}")
        entries[key] = entry
    return {zone: tuple(entries[key] for key in sorted(entries)) for zone, entries in found.items()}


def holding(registers: Iterable[Register], code: str, day: date) -> Register | None:
    """Return the entry of a code that holds on a day, or None."""
    valid = [r for r in registers if r.code == code and r.valid_from <= day]
    return max(valid, key=lambda r: r.valid_from, default=None)


def _register(table: Table) -> Register:
    """Return the entry of one `[[register]]`."""
    valid_from = table.text("from")
    try:
        first = date.fromisoformat(valid_from)
    except ValueError:
        table.fault("from", f"expected a date such as 2024-01-01, got {valid_from!r}")
        first = date(1970, 1, 1)
    value = table.number("value", required=True) or Fraction(0)
    if value < 0:
        table.fault("value", f"expected a number from 0, got {value}")
    elif 10**DECIMALS_MAX % value.denominator:
        table.fault("value", f"expected a decimal number, which {value} is not")
    quality = table.text("quality", "", among=QUALITIES)
    entry = Register(table.text("code"), value, table.text("unit", ""), first, table.text("source", ""), quality)
    table.done()
    return entry
