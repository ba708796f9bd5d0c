"""Units and the exact conversions between them, read from `units.toml`.

Knows unit codes and dimensions; knows no measurand and no device.

A small table of our own instead of a units library, because only linear conversions between some ninety fixed codes are
needed and they must be exact: pint keeps its factors as floats unless every registry is rebuilt with Fraction, has no
UCUM or SenML names and takes 0.3 s to import; ucumvert adds UCUM names to pint and a parser generator with them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from devices.definitions import definitions_folder, once_an_edition
from devices.errors import UnitError, nearest
from devices.tables import exact


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: base = value * factor + offset.

    Attributes:
        code: UCUM code, or the SenML name that was looked up.
        dimension: name of what it measures; only units of one dimension convert.
        factor, offset: exact way to the base unit of the dimension.
    """

    code: str
    dimension: str
    factor: Fraction
    offset: Fraction

    def same_as(self, other: Unit) -> bool:
        """Say whether this is another name of the same unit."""
        return (self.dimension, self.factor, self.offset) == (other.dimension, other.factor, other.offset)


@once_an_edition
def _table() -> dict[str, Any]:
    return tomllib.loads(definitions_folder().joinpath("units.toml").read_text("utf-8"))


@once_an_edition
def load_units() -> Mapping[str, Unit]:
    """Return every unit by each of its names, UCUM and SenML.

    Raises:
        UnitError: the table names one code twice, or is no such table.
    """
    try:
        return MappingProxyType(_units(_table()))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:  # what another file would raise
        raise UnitError(f"units.toml: expected dimensions with units, each of a code and a factor: {error!r}") from None


def _units(table: Mapping[str, Any]) -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    for dimension in table["dimension"]:
        for row in dimension["units"]:
            for code in (row["code"], *row.get("senml", ())):
                if code in units:
                    raise UnitError(
                        f"units.toml: unit {code!r} stands under {units[code].dimension} and {dimension['name']}"
                    )
                units[code] = Unit(code, dimension["name"], exact(row["factor"]), exact(row.get("offset", "0")))
    return units


@once_an_edition
def common_codes() -> Mapping[str, str]:
    """Return the unit of every common code of UN/CEFACT Recommendation 20 in the table."""
    rows = [row for dimension in _table()["dimension"] for row in dimension["units"]]
    return MappingProxyType({row["cefact"]: row["code"] for row in rows if "cefact" in row})


def conversion(sent: str, wanted: str) -> tuple[Fraction, Fraction]:
    """Return the exact (factor, offset) with wanted = sent * factor + offset.

    Raises:
        UnitError: a unit is unknown, or the two measure different things; the message names both.
    """
    units = load_units()
    for code in (sent, wanted):
        if code not in units:
            raise UnitError(f"unknown unit {code!r}{nearest(code, units)}")
    sent = _table()["assume"].get(wanted, {}).get(sent, sent)
    source, target = units[sent], units[wanted]
    if source.dimension != target.dimension:
        raise UnitError(
            f"cannot convert {sent!r} ({source.dimension}) to {wanted!r} ({target.dimension})"
            + ("; state the factor and its convention in the model" if source.dimension == "mole fraction" else "")
        )
    return source.factor / target.factor, (source.offset - target.offset) / target.factor
