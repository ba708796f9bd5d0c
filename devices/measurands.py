"""What is measured: the measurand catalogue, read from `measurands.toml`.

Knows codes, units, kinds and resolutions; knows no device and no payload.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


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
