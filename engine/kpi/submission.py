"""A year's figures with what is said of them, as a verifier gets them.

Knows figures, sources, data quality and the city's registers; knows no check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple

from devices.city import City
from devices.errors import UnitError
from devices.registers import Register
from engine.kpi.declared import DeclaredValue
from engine.kpi.definition import DataPoint, Pack, Registered
from engine.kpi.evaluate import evaluate
from engine.kpi.units import register_factor
from engine.kpi.values import NotReported, Value

COUNTED: Final[Mapping[str, tuple[str, int]]] = {
    "population": ("{inhabitant}", 5), "households": ("{household}", 5), "area_km2": ("km2", 0),
}  # fmt: skip
"""What a submission has once: its unit, and by how many per cent statements of it may differ from the first."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What is said of an input that people state.

    Attributes:
        source: who says so; empty where nobody is named.
        quality: how well it is known, a key of `devices.QUALITIES`; empty where not stated.
        basis: what a YES rests on.
        declared: whether the city declared it for the year, in place of what its kind would give.
    """

    source: str = ""
    quality: str = ""
    basis: str = ""
    declared: bool = False


_NOBODY: Final = Stated()


class Count(NamedTuple):
    """One statement of a quantity that a submission has once; the others of a code are held against the first."""

    code: str
    value: Fraction
    origin: str


@dataclass(frozen=True, slots=True)
class Submission:
    """A year's figures, as a verifier gets them.

    Attributes:
        pack: the catalogue.
        values: of data points by key and of inputs by code, as `evaluate` returns them.
        stated: what is said of inputs, by code.
        counts: statements of inhabitants, households and area.
        currency: that all money is in; empty where not stated.
        measured: what sensors and registers alone give for data points that the city declared, by key.
    """

    pack: Pack
    values: Mapping[str, Value]
    stated: Mapping[str, Stated]
    counts: tuple[Count, ...] = ()
    currency: str = ""
    measured: Mapping[str, Value] = field(default_factory=dict)

    def figure(self, key: str) -> Fraction | None:
        """Return a figure; None where it is not reported, or the pack has no such data point or input."""
        value = self.values.get(key)
        return None if value is None or isinstance(value, NotReported) else value

    def resting_on(self, code: str) -> tuple[str, ...]:
        """Return the reported data points that rest on an input; of a data point's key that data point."""
        return tuple(point.key for point in self.pack.points_on(code) if self.figure(point.key) is not None)

    def declared(self, point: DataPoint) -> bool:
        """Say whether the city declared a data point, or an input or another data point that it rests on."""
        names = (point.key, *self.pack.names_under(point))
        return any(self.stated.get(name, _NOBODY).declared for name in names)


def submission_of(
    pack: Pack,
    city: City,
    inputs: Mapping[str, Value],
    first: date,
    last: date,
    declared: Mapping[str, DeclaredValue] | None = None,
) -> Submission:
    """Return a period's figures as a verifier gets them, with what is said of them.

    Args:
        pack: the catalogue.
        city: with its registers.
        inputs: what sensors and registers know of inputs in the period, by code.
        first, last: civil days of the period.
        declared: what the city declares for it, by key; it stands in place of what is known otherwise.
    """
    stated = declared or {}
    values = evaluate(pack, {**inputs, **{key: one.value for key, one in stated.items()}})
    known = evaluate(pack, inputs) if stated else {}
    said = {**stated_registers(pack, city, last), **{key: _said(one) for key, one in stated.items()}}
    measured = {key: known[key] for key in stated if key in known and not isinstance(known[key], NotReported)}
    counts = [
        Count(key, one.value, f"declared for {one.year}")
        for key, one in stated.items()
        if key in COUNTED and isinstance(one.value, Fraction)
    ]
    return Submission(pack, values, said, (*counts_of(city, first, last), *counts), measured=measured)


def _said(one: DeclaredValue) -> Stated:
    who = "; ".join(part for part in (one.origin, one.source) if part)
    return Stated(who, one.quality, one.note, declared=True)


def stated_registers(pack: Pack, city: City, day: date) -> dict[str, Stated]:
    """Return what the city says of its registers on a day, by input."""
    found = {}
    for one in pack.inputs.values():
        entry = city.register(one.how.register, day) if isinstance(one.how, Registered) else None
        if entry is not None:
            found[one.code] = Stated(entry.source, entry.quality)
    return found


def counts_of(city: City, first: date, last: date) -> tuple[Count, ...]:
    """Return every statement of the city's inhabitants, households and area that holds in a period.

    The register on the last day comes first: it is what figures are divided by. Zones are added up only where every
    one of them states the quantity.
    """
    found: list[Count] = []
    for code, (unit, _) in COUNTED.items():
        for day in (last, first):
            entry = city.register(code, day)
            value = _in_unit(entry, unit)
            if entry is not None and value is not None:
                found.append(Count(code, value, f"register from {entry.valid_from}"))
        undated = Fraction(getattr(city, code))  # the newest register where the city states none
        if undated and all(entry.value != undated for entry in city.registers if entry.code == code):
            found.append(Count(code, undated, f"{code} in city.toml"))
        zones = [_in_unit(city.register(code, last, zone.code), unit) for zone in city.zones]
        parts = [value for value in zones if value is not None]
        if parts and len(parts) == len(zones):
            found.append(Count(code, sum(parts, Fraction(0)), f"the {len(zones)} zones added up"))
    return tuple(dict.fromkeys(found))


def _in_unit(entry: Register | None, unit: str) -> Fraction | None:
    """Return what a register states in a unit; None where it does not fit, which the figures resting on it say."""
    try:
        return None if entry is None else entry.value * register_factor(entry.unit, unit)
    except UnitError:
        return None
