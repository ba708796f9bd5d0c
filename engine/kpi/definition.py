"""What a KPI, a data point and an input are, as frozen data.

Knows the words of a definition; knows no file, no particular KPI, no city and no figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from devices.columns import Column
from devices.errors import nearest
from engine.kpi.formula import Formula, data_point_key, is_data_point, normalise_code

YES_NO = "{yes_no}"
"""Unit of a data point that is answered by yes (1) or no (0)."""


class Direction(StrEnum):
    """Which way a figure gets better."""

    HIGHER = "higher"
    LOWER = "lower"
    TARGET = "target"
    """The nearer to `ideal`, the better."""
    NONE = "none"
    """Neither: not scored."""


class Live(StrEnum):
    """Whether sensors can know a figure."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


class At(StrEnum):
    """How a dated register is taken over a year."""

    END = "end"
    START = "start"
    MEAN = "mean"
    """Weighted by the time each entry held."""


class Statistic(StrEnum):
    """What is made of the readings of one station over the period."""

    MEAN = "mean"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    INCREASE = "increase"
    """Of a register."""
    ENERGY_MEAN = "energy_mean"
    """Of decibels."""
    COUNT = "count"
    """How many events."""
    SUM = "sum"
    """Of the weights of events."""
    SHARE = "share"
    """Share, from 0 to 1, of the time in `states`, of the time in a known state."""


class Pool(StrEnum):
    """How stations become one figure."""

    SUM = "sum"
    MEAN = "mean"
    MAXIMUM = "maximum"
    ENERGY_MEAN = "energy_mean"
    POPULATION_MEAN = "population_mean"
    """Mean of stations in a zone, then of zones weighted by their inhabitants."""
    COUNT_AT_MOST = "count_at_most"
    """How many stations are at or below `limit`."""
    COUNT_AT_LEAST = "count_at_least"


COUNTING = (Pool.COUNT_AT_MOST, Pool.COUNT_AT_LEAST)
"""Pools that give a number of stations, whatever these measure."""

ACCUMULATING = (Statistic.INCREASE, Statistic.COUNT, Statistic.SUM)
"""Statistics that add up what came: an hour that is left out would be missing from them, and not just say less."""

Where = tuple[tuple[str, tuple[str, ...]], ...]
"""Which devices: each key with the values of which one must hold. Keys are `model`, `zone`, `measures` (a measurand of
the device's model) and the columns of devices.csv that any device may have. Empty: every device."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A dated denominator of the city: `[[register]]` of city.toml.

    Attributes:
        register: its code there.
        at: how it is taken over a year.
    """

    register: str
    at: At


@dataclass(frozen=True, slots=True)
class Assets:
    """Devices counted, or a column of theirs added up.

    It has two figures: installed (in service), and effective (in service, and heard from in the last `heard_days`).

    Attributes:
        column: numeric column of devices.csv to add up; empty to count devices.
        where: which devices.
        heard_days: days without a word after which a device no longer counts as effective.
        none_is_zero: where the city has no such device at all, the figure is 0 and not "not reported".
    """

    column: str
    where: Where
    heard_days: int
    none_is_zero: bool


@dataclass(frozen=True, slots=True)
class Capture:
    """How readings must be spread over a year for a station to count, beside how many came of the whole.

    Attributes:
        seasons: parts of a civil year that are looked at singly: 2 half-years, 4 quarters; 1 for the year alone.
        percent_min: least share of the expected readings in each of them.
        hour_percent_min: least share of the readings that its interval promises for an hour of a series to take part; 0
            for every hour.
    """

    seasons: int = 1
    percent_min: int = 75
    hour_percent_min: int = 0


SEASONS = (1, 2, 4)
"""Into how many parts a year may be cut."""
YEAR_ALONE = Capture()


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A statistic of readings, per station, then of stations.

    Attributes:
        measurands: codes of devices/measurands.toml of one kind; several are added up.
        statistic, pool: first over time, then over stations.
        where: which devices.
        states: for SHARE.
        limit: for COUNT_AT_MOST and COUNT_AT_LEAST, in the measurand's unit; else None.
        hours: (from, to) of the city's clock, whole hours, the end excluded; (22, 5) passes midnight. Empty: all day.
        weekdays: from 1 (Monday) to 7; empty for every day.
        factor: input = pooled figure in the measurand's unit * factor.
        convention: where the factor comes from when the pack states it; empty when units convert by themselves.
        coverage_percent_min: least share of the expected readings for a station to count.
        none_is_zero: as for assets.
        capture: how its readings must be spread over a year.
    """

    measurands: tuple[str, ...]
    statistic: Statistic
    pool: Pool
    where: Where
    states: tuple[str, ...]
    limit: Fraction | None
    hours: tuple[tuple[int, int], ...]
    weekdays: tuple[int, ...]
    factor: Fraction
    convention: str
    coverage_percent_min: int
    none_is_zero: bool
    capture: Capture = YEAR_ALONE


@dataclass(frozen=True, slots=True)
class Derived:
    """Computed from other inputs."""

    formula: Formula


@dataclass(frozen=True, slots=True)
class Period:
    """The length of the period itself, in the input's unit."""


@dataclass(frozen=True, slots=True)
class Declared:
    """Stated by the city, once a year."""


How = Registered | Assets | Telemetry | Derived | Period | Declared

KINDS: Mapping[str, type] = {
    "register": Registered,
    "assets": Assets,
    "telemetry": Telemetry,
    "derived": Derived,
    "period": Period,
    "declared": Declared,
}
"""Kinds of inputs by the name a pack writes."""


@dataclass(frozen=True, slots=True)
class Input:
    """A quantity that formulas name.

    An input of any kind may also be declared by the city for a year; `how` says where it comes from otherwise.

    Attributes:
        code: as in formulas.
        title: what a person calls it.
        unit: UCUM term; what is counted stands in braces.
        how: where it comes from.
        source: who says so.
        note: what a reader must know.
        changed: why the city changed or added it; empty in the pack.
    """

    code: str
    title: str
    unit: str
    how: How
    source: str = ""
    note: str = ""
    changed: str = ""

    @property
    def kind(self) -> str:
        """The kind's name in a pack."""
        return next(name for name, made in KINDS.items() if isinstance(self.how, made))


@dataclass(frozen=True, slots=True)
class DataPoint:
    """One figure that is reported, with everything that is said of it.

    Attributes:
        code: of its KPI, normalised.
        id: among the data points of its KPI; empty where there is one only.
        name, name_ko: of the KPI; Korean may be empty.
        id_name, id_name_ko: of the data point among them; empty where there is one only. Korean may be empty.
        dimension, sub_dimension, category: as the method groups them.
        level: core or advanced.
        type: smart, structural or sustainable; empty where unknown.
        definition, numerator, denominator: in words.
        formula: what is computed.
        unit: UCUM term of the figure; `unit_label` is what is printed beside it.
        direction, ideal: which way it gets better; `ideal` for TARGET, else None.
        interval: the period of one figure.
        sdg: targets and indicators of the Sustainable Development Goals; `sdg_basis` says who assigned them.
        formula_basis: how well the formula is known: method_text, definition_explicit or reconstructed.
        benchmark: what is said about a benchmark, in words; targets that are used are in `targets.toml`.
        check: what a verifier looks at.
        live, sensors: whether and from what sensors can know it.
        source, confidence, note: where all this comes from, and how sure it is.
        changed: why the city changed or added it; empty in the pack.
    """

    code: str
    id: str
    name: str
    name_ko: str
    id_name: str
    id_name_ko: str
    dimension: str
    sub_dimension: str
    category: str
    level: str
    type: str
    definition: str
    numerator: str
    denominator: str
    formula: Formula
    unit: str
    unit_label: str
    direction: Direction
    ideal: Fraction | None
    interval: str
    sdg: tuple[str, ...]
    sdg_basis: str
    formula_basis: str
    benchmark: str
    check: str
    live: Live
    sensors: str
    source: str
    confidence: str
    note: str
    changed: str = ""

    @property
    def key(self) -> str:
        """What it is called: `EC: I: T: 5A`, `EN: EN: AQ: 1C/pm10`."""
        return data_point_key(self.code, self.id)

    @property
    def title(self) -> str:
        """Name for people, with the data point's own: `Air Pollution, PM10`."""
        return f"{self.name}, {self.id_name}" if self.id_name else self.name

    @property
    def yes_no(self) -> bool:
        """Whether the answer is yes (1) or no (0)."""
        return self.unit == YES_NO


@dataclass(frozen=True, slots=True)
class Kpi:
    """An indicator with its data points, in the order of the pack; what they share is said in each of them."""

    code: str
    name: str
    data_points: tuple[DataPoint, ...]


class Rule(StrEnum):
    """How a figure becomes per cent of its target."""

    SHARE = "share"
    """100 * figure / target: for higher is better."""
    INVERSE = "inverse"
    """100 * target / figure: for lower is better; twice the target is 50 %."""
    LINEAR = "linear"
    """100 * (worst - figure) / (worst - target): from `worst` (0 %) to the target (100 %), either way."""
    NEARNESS = "nearness"
    """100 * the smaller of figure and target / the larger: for a figure that should be the target."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a data point is measured against, from a day on.

    Attributes:
        data_point: key of the data point.
        value: the target, in the data point's unit.
        rule, worst: how near a figure is; `worst` for LINEAR, else None.
        valid_from: first day; it holds until the next entry of the same data point.
        official: whether the method's own table says so. None that is shipped is: that table was not found.
        source: who says so.
        changed: why the city changed or added it; empty in the pack.
    """

    data_point: str
    value: Fraction
    rule: Rule
    worst: Fraction | None
    valid_from: date
    official: bool
    source: str
    changed: str = ""


@dataclass(frozen=True)
class Pack:
    """A catalogue of KPIs: what is shipped, what is shipped with a city's own changes, or a pack by itself.

    Attributes:
        code, title, edition, source: which catalogue it is.
        kpis: in the order of the files.
        inputs: by code.
        columns: that devices may have, by code.
        targets: by data point and day.
    """

    code: str
    title: str
    edition: str
    source: str
    kpis: tuple[Kpi, ...]
    inputs: Mapping[str, Input] = field(hash=False)
    columns: Mapping[str, Column] = field(hash=False)
    targets: tuple[Target, ...]

    @cached_property
    def data_points(self) -> tuple[DataPoint, ...]:
        """Every data point, in order."""
        return tuple(point for kpi in self.kpis for point in kpi.data_points)

    @cached_property
    def _by_key(self) -> dict[str, DataPoint]:
        return {point.key: point for point in self.data_points}

    @cached_property
    def _resting_on(self) -> dict[str, list[DataPoint]]:
        found: dict[str, list[DataPoint]] = {}
        for point in self.data_points:
            for name in (point.key, *(one.code for one in self.inputs_of(point))):
                found.setdefault(name, []).append(point)
        return found

    @cached_property
    def _under(self) -> dict[tuple[str, ...], tuple[str, ...]]:
        return {}

    def kpi(self, code: str) -> Kpi:
        """Return a KPI by its code, however it is spaced.

        Raises:
            KeyError: no such code; the message names the nearest.
        """
        wanted = normalise_code(code)
        for kpi in self.kpis:
            if kpi.code == wanted:
                return kpi
        raise KeyError(f"unknown KPI {wanted!r}{nearest(wanted, [kpi.code for kpi in self.kpis])}")

    def data_point(self, key: str) -> DataPoint:
        """Return a data point by its key.

        Raises:
            KeyError: no such key; the message names the nearest.
        """
        if key in self._by_key:
            return self._by_key[key]
        code, _, identifier = key.partition("/")
        wanted = data_point_key(code, identifier.strip())
        if wanted not in self._by_key:
            raise KeyError(f"unknown data point {wanted!r}{nearest(wanted, self._by_key)}")
        return self._by_key[wanted]

    def target(self, key: str, day: date) -> Target | None:
        """Return the target of a data point that holds on a day, or None."""
        valid = [t for t in self.targets if t.data_point == key and t.valid_from <= day]
        return max(valid, key=lambda t: t.valid_from, default=None)

    def inputs_of(self, point: DataPoint) -> tuple[Input, ...]:
        """Return every input a data point rests on, in order of first use, through derived inputs and data points."""
        return tuple(self.inputs[name] for name in self.names_under(point) if name in self.inputs)

    def names_under(self, point: DataPoint) -> tuple[str, ...]:
        """Return code or key of every input and other data point that a data point rests on, in order of first use."""
        names = (*point.formula.inputs, *point.formula.data_points)
        if names not in self._under:
            self._under[names] = self._reached(names)
        return self._under[names]

    def points_on(self, code: str) -> Sequence[DataPoint]:
        """Return every data point that rests on an input, in order; of a data point's key that data point."""
        return self._resting_on.get(code, ())

    def _reached(self, names: tuple[str, ...]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        # With a stack of its own: a chain of formulas may be longer than Python's is deep.
        waiting = [*reversed(names)]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found[name] = None
            formula = self.formula(name)
            if formula is not None:
                waiting.extend(reversed((*formula.inputs, *formula.data_points)))
        return tuple(found)

    def formula(self, name: str) -> Formula | None:
        """Return the formula behind an input's code or a data point's key; None for an input that has none.

        Raises:
            KeyError: no such data point or input.
        """
        if is_data_point(name):
            return self.data_point(name).formula
        how = self.inputs[name].how
        return how.formula if isinstance(how, Derived) else None
