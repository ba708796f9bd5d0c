"""What is measured: the measurand catalogue, read from `measurands.toml`.

Knows codes, units, kinds and resolutions; knows no device and no payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

from devices.definitions import definitions_folder, once_an_edition
from devices.errors import nearest
from devices.tables import Problems, Table, parse_toml
from devices.units import load_units

OBSERVATIONS_PER_DAY_MAX = 1_000_000
"""Of one series: eleven a second. The sums of a day must fit an int64 at this rate."""
LEVELS_PER_DAY_MAX = 100_000
"""Of one series of decibels, whose energies are large: one a second and some."""
LEVEL_HIGH_MAX = 130
"""The last decibel of the engine's energy table."""
LEVEL_ENERGY_SCALE = 8
"""The energy table holds 8 * 10^(L/10) for L decibels."""
STATES_MAX = 4
"""States of one measurand; the engine keeps one sum of time for each."""
DECIMALS_MAX = 9
INT64_MAX = 2**63 - 1


class Kind(IntEnum):
    """How values of a measurand combine over time."""

    GAUGE = 0
    """Momentary or mean value: mean, minimum, maximum."""
    COUNTER = 1
    """A register that only rises but for resets and rollovers: increase."""
    LEVEL = 2
    """Decibels: energy mean."""
    ANGLE = 3
    """A direction on the circle: vector mean."""
    STATE = 4
    """One of a few named states, held until the next observation: time in each state."""
    EVENT = 5
    """An occurrence with a weight: count and sum of weights."""


KINDS = MappingProxyType({kind.name.lower(): kind for kind in Kind})
"""Kinds by the name the catalogue writes."""


@dataclass(frozen=True, slots=True)
class Measurand:
    """One measurand in its one canonical unit.

    Attributes:
        code: stable identifier, e.g. `pm2_5`.
        title: what a person calls it.
        unit: UCUM code of the canonical unit, e.g. `ug/m3`.
        kind: how values combine.
        decimals: the resolution is 10**-decimals of the unit; one tick is one resolution step.
        low_ticks, high_ticks: plausible range, both included.
        states: names of the states in order of their tick, for kind STATE, else empty.
        source: where definition and range come from.
        symbol: the unit as people are shown it, e.g. `µg/m³`.
    """

    code: str
    title: str
    unit: str
    kind: Kind
    decimals: int
    low_ticks: int
    high_ticks: int
    states: tuple[str, ...]
    source: str
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class MeasurandCatalogue:
    """Every measurand, in the order of the file; a measurand's position is its small integer code."""

    measurands: tuple[Measurand, ...]
    by_code: Mapping[str, Measurand] = field(hash=False)

    @classmethod
    def of(cls, measurands: tuple[Measurand, ...]) -> MeasurandCatalogue:
        """Return the catalogue of these measurands; their codes are unique."""
        return cls(measurands, {m.code: m for m in measurands})

    def index(self, code: str) -> int:
        """Return the position of a measurand.

        Raises:
            KeyError: no such code; the message names the nearest.
        """
        if code not in self.by_code:
            raise KeyError(f"unknown measurand {code!r}{nearest(code, self.by_code)}")
        return self.measurands.index(self.by_code[code])

    def __len__(self) -> int:
        return len(self.measurands)


@once_an_edition
def load_measurands() -> MeasurandCatalogue:
    """Return the catalogue that comes with the package.

    Raises:
        ConfigError: naming every fault of the file.
    """
    content = definitions_folder().joinpath("measurands.toml").read_bytes()
    return parse_measurands(content, "measurands.toml")


def parse_measurands(content: bytes, file: str) -> MeasurandCatalogue:
    """Return the catalogue a TOML file writes.

    Raises:
        ConfigError: naming every fault, an int64 that could overflow among them.
    """
    problems = Problems()
    root = parse_toml(content, file, problems)
    found: dict[str, Measurand] = {}
    if root is not None:
        for table in root.tables("measurand", required=True):
            measurand = _measurand(table)
            if measurand.code in found:
                table.fault("code", f"{measurand.code!r} stands twice in the catalogue")
            found[measurand.code] = measurand
        root.done()
    problems.raise_if_any()
    return MeasurandCatalogue.of(tuple(found.values()))


def _measurand(table: Table) -> Measurand:
    """Return the measurand of one `[[measurand]]`; faults go to the table's problems."""
    code = table.text("code")
    if not (code.isidentifier() and code.isascii() and code == code.lower()):
        table.fault("code", f"expected small letters, digits and underscores, got {code!r}")
    unit = table.text("unit")
    if unit not in load_units():
        table.fault("unit", f"unknown unit {unit!r}{nearest(unit, load_units())}")
    kind = KINDS.get(table.text("kind", among=KINDS), Kind.GAUGE)
    states = table.texts("states")
    if kind is Kind.STATE:
        decimals, low_ticks, high_ticks = 0, 0, len(states) - 1
        if not 2 <= len(states) <= STATES_MAX or len(set(states)) != len(states):
            table.fault("states", f"expected 2 to {STATES_MAX} different names, got {list(states)}")
    else:
        decimals = table.whole("decimals", low=0, high=DECIMALS_MAX)
        low = table.number("low", required=True) or 0
        high = table.number("high", required=True) or 0
        low_ticks, high_ticks = int(low * 10**decimals), int(high * 10**decimals)
        if low_ticks != low * 10**decimals or high_ticks != high * 10**decimals or low_ticks >= high_ticks:
            table.fault("high", f"expected low < high, both whole multiples of 10^-{decimals}, got {low} and {high}")
        if states:
            table.fault("states", "only a measurand of kind state has states")
    measurand = Measurand(
        code, table.text("title"), unit, kind, decimals, low_ticks, high_ticks, states, table.text("source"),
        table.text("symbol", unit),
    )  # fmt: skip
    why = overflow(measurand)
    if why:
        table.fault("high", why)
    table.done()
    return measurand


def overflow(measurand: Measurand) -> str:
    """Return why an int64 sum of one day could overflow with this measurand; empty when it cannot."""
    reach = max(abs(measurand.low_ticks), abs(measurand.high_ticks))
    if measurand.kind is Kind.LEVEL:
        bels = -(-measurand.high_ticks // (10 * 10**measurand.decimals))
        if measurand.low_ticks < 0 or measurand.high_ticks > LEVEL_HIGH_MAX * 10**measurand.decimals:
            return f"expected levels from 0 to {LEVEL_HIGH_MAX}: the energy table ends there"
        if LEVEL_ENERGY_SCALE * 10**bels * LEVELS_PER_DAY_MAX > INT64_MAX:
            return f"{LEVELS_PER_DAY_MAX} energies of a day could overflow 64 bits; lower `high`"
    elif measurand.kind is Kind.ANGLE:
        if measurand.low_ticks != 0 or measurand.high_ticks != 360 * 10**measurand.decimals or measurand.decimals > 2:
            return "expected an angle from 0 to 360 degrees with at most 2 decimals: the sine table holds no others"
    elif reach * OBSERVATIONS_PER_DAY_MAX > INT64_MAX:
        return (
            f"{OBSERVATIONS_PER_DAY_MAX} values of {reach} ticks could overflow 64 bits;"
            " lower `high` or `decimals` to at most 9.2e12 ticks"
        )
    return ""
