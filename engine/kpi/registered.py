"""Checks the registers of a city against the inputs that read them: one in a unit of something else makes no figure.

Knows the tables `[[register]]` of `city.toml` and a pack; what else may be wrong with that file is told by those who
read all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from devices.errors import UnitError
from devices.tables import Problems, Table, parse_toml
from engine.kpi.definition import Pack, Pool, Registered, Telemetry
from engine.kpi.faults import Fault, Lines
from engine.kpi.sensed import INHABITANT, POPULATION
from engine.kpi.units import register_factor

FILE: Final = "city.toml"
NAMED_MAX: Final = 3
"""Data points that are named of one register; the others are counted."""


def register_faults(city_folder: Path, pack: Pack) -> list[Fault]:
    """Return every register that an input cannot read, with its line and the data points that are not reported for it.

    The gateway does not refuse such a city: the figures that rest on the register say why there is none.
    """
    file = city_folder / FILE
    content = file.read_bytes() if file.is_file() else b""
    root = parse_toml(content, str(file), Problems())
    if root is None:
        return []
    lines = Lines(content.decode("utf-8", "replace"))
    return [
        Fault(str(file), lines.line(f"{table.where}.unit"), f"{table.where}.unit", what)
        for table in root.tables("register")
        for what in _told(table, pack)
    ]


def _told(table: Table, pack: Pack) -> Iterator[str]:
    """Give what is wrong with one register, once for each unit that is wanted of it."""
    stated, code = table.text("unit", ""), table.text("code", "")
    for wanted, inputs in _readers(pack, code).items():
        try:
            register_factor(stated, wanted)
        except UnitError as error:
            yield f"{error}, which {_users(pack, inputs)} of {code!r}"


def _readers(pack: Pack, code: str) -> dict[str, list[str]]:
    """Return the inputs that read a register, by the unit in which they do."""
    found: dict[str, list[str]] = {}
    for one in pack.inputs.values():
        if isinstance(one.how, Registered) and one.how.register == code:
            found.setdefault(one.unit, []).append(one.code)
        elif isinstance(one.how, Telemetry) and one.how.pool is Pool.POPULATION_MEAN and code == POPULATION:
            found.setdefault(INHABITANT, []).append(one.code)
    return found


def _users(pack: Pack, inputs: list[str]) -> str:
    """Return who asks for these inputs, for a message."""
    points = [p.key for p in pack.data_points if any(one.code in inputs for one in pack.inputs_of(p))]
    if not points:
        return f"the input {inputs[0]} needs"
    more = len(points) - NAMED_MAX
    named = ", ".join(points[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
    return f"{named} need{'s' if len(points) == 1 else ''}"
