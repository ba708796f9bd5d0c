"""A year's assessment as frozen data: what is said of each data point, and of everything together.

Knows what a verifier asks for beside a figure; knows neither where figures come from nor what a report looks like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from devices.city import City
from engine.kpi import DataPoint, Finding, InputFigure, Interval, KpiPeriod, Pack, Rollup, Score, Validity, Value


class Basis(StrEnum):
    """What a figure rests on."""

    MEASURED = "measured"
    """Readings of sensors, with registers where the formula divides by one."""
    REGISTERED = "registered"
    """Dated registers and the list of devices alone."""
    DECLARED = "declared"
    """The city's word for it, or for an input of it."""
    NOTHING = "nothing"
    """It is not reported."""


@dataclass(frozen=True, slots=True)
class Result:
    """One data point of the reference year.

    Attributes:
        point: its definition.
        value: exact; NR with its reasons where it is not reported.
        numerator, denominator: the two sides where it is a ratio and they are known.
        basis: what it rests on.
        quality: how well it is known, a key of `devices.registers.QUALITIES`; empty where nobody stated it.
        origin: who supplied it; empty where nobody is named.
        source: from which records.
        evidence: file that the city adds as proof, relative to its folder `evidence/`; empty without one.
        note: what a reader must know; for a YES what it rests on.
        received, expected: readings of its least complete input; expected is 0 where nothing comes at intervals.
        validity: what that makes of it; None where completeness has no meaning.
        bounds: between which it lies at the worst; None where nothing can be said.
        measured: what sensors and registers say where something else is reported (declared, or too few readings).
        inputs: what it rests on, those that sensors, devices or registers give.
        score: against its target.
        explained: how it comes about, one line for the formula and one for each formula in it, with numbers filled in.
        definition: digest of formula, unit and inputs as they are defined.
    """

    point: DataPoint
    value: Value
    numerator: Value | None
    denominator: Value | None
    basis: Basis
    quality: str
    origin: str
    source: str
    evidence: str
    note: str
    received: int
    expected: int
    validity: Validity | None
    bounds: Interval | None
    measured: Value | None
    inputs: tuple[InputFigure, ...]
    score: Score
    explained: tuple[str, ...]
    definition: str

    @property
    def reported(self) -> bool:
        """Whether there is a figure."""
        return isinstance(self.value, Fraction)


@dataclass(frozen=True, slots=True)
class Question:
    """An entry of the log of questions: a finding, and what the city says to it.

    Attributes:
        finding: what a verifier would ask.
        answer: the city's; empty while there is none.
        answered_by: who says so.
    """

    finding: Finding
    answer: str = ""
    answered_by: str = ""


@dataclass(frozen=True)
class Assessment:
    """What a city submits for a reference year.

    Attributes:
        city: whose it is, with its registers.
        pack: the catalogue.
        period: the civil year.
        closed: whether the year is over and its allowed lateness as well; else the figures may still change.
        results: one per data point, in the order of the catalogue.
        rollups: of everything, each dimension, sub-dimension and category.
        questions: findings with their answers, errors first.
    """

    city: City
    pack: Pack
    period: KpiPeriod
    closed: bool
    results: tuple[Result, ...]
    rollups: tuple[Rollup, ...]
    questions: tuple[Question, ...]

    @property
    def year(self) -> int:
        """The reference year."""
        return self.period.year

    @property
    def running_to(self) -> date | None:
        """The last day that counts, where the year is not over; None where it is."""
        last = self.period.last
        return None if (last.month, last.day) == (12, 31) else last

    @cached_property
    def by_key(self) -> Mapping[str, Result]:
        """The results by key of their data point."""
        return {one.point.key: one for one in self.results}
