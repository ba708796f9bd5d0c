"""Columns of `devices.csv` that any device may have: what they say of it, and what may stand in them.

Knows columns and their cells; knows no device, and not who asks for a column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devices.definitions import definitions_folder, once_an_edition
from devices.errors import nearest
from devices.tables import Problems, Table, parse_toml
from devices.units import load_units

REQUIRED = ("device", "model", "zone")
OPTIONAL = ("latitude", "longitude", "in_service_from", "in_service_to", "interval_s", "gateway", "title", "topic")
COLUMN_KEYS = ("code", "title", "values", "unit")
VALUES_MAX = 200

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
# Not Decimal(): it would take "nan", "1e9" and the digits of every script.
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that any device may have.

    Attributes:
        code: its heading.
        title: what it says of a device.
        values: what may stand in it; empty for a number, or for any text.
        unit: UCUM code of a number; empty for a text.
    """

    code: str
    title: str
    values: tuple[str, ...]
    unit: str

    def fault(self, text: str) -> str:
        """Return why a text cannot stand in this column; empty where it can, or where there is none."""
        if not text:
            return ""
        if self.unit and not _NUMBER.match(text):
            return f"expected a number in {self.unit} such as 12 or 12.5, got {text!r}"
        if self.values and text not in self.values:
            return f"expected one of {', '.join(self.values)}, got {text!r}{nearest(text, self.values)}"
        return ""


@once_an_edition
def load_columns() -> Mapping[str, Column]:
    """Return the columns that every city has, by code.

    Raises:
        ConfigError: naming every fault of the file.
    """
    problems = Problems()
    content = definitions_folder().joinpath("columns.toml").read_bytes()
    root = parse_toml(content, "columns.toml", problems)
    columns = {} if root is None else read_columns(root, {})
    problems.raise_if_any()
    return columns


def city_columns(city_dir: Path) -> Mapping[str, Column]:
    """Return the columns a city's devices may have, by code: every city's, and those of its `city.toml`.

    Only the columns of that file are read, so that definitions can be checked before there is a whole city.

    Raises:
        ConfigError: naming every fault of the columns.
    """
    problems = Problems()
    file = city_dir / "city.toml"
    root = parse_toml(file.read_bytes(), str(file), problems) if file.is_file() else None
    own = {} if root is None else read_columns(root, load_columns())
    problems.raise_if_any()
    return {**load_columns(), **own}


def read_columns(root: Table, known: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns of the tables `[[column]]`; faults go to the root's problems, and a code of `known` is one."""
    found: dict[str, Column] = {}
    for table in root.tables("column"):
        column = Column(table.text("code"), table.text("title"), table.texts("values"), table.text("unit", ""))
        if not _CODE.match(column.code):
            table.fault("code", f"expected small letters, digits and underscores, got {column.code!r}")
        elif column.code in (*REQUIRED, *OPTIONAL, *known, *found):
            table.fault("code", f"there is a column {column.code!r} already; give this one another name")
        if column.unit and column.unit not in load_units():
            table.fault("unit", f"unknown unit {column.unit!r}{nearest(column.unit, load_units())}")
        if column.unit and column.values:
            table.fault("values", "a column is a number with a `unit` or a text with `values`, not both")
        if len(column.values) > VALUES_MAX or len(set(column.values)) != len(column.values) or "" in column.values:
            table.fault("values", f"expected at most {VALUES_MAX} different texts")
        table.done()
        found[column.code] = column
    return found
