"""What an indicator is: data and one pure function.

Knows the words of a definition; knows no particular indicator, no station and no time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.measurands import Measurand
from engine.cells import Grid

OPEN_END = 2**62
"""Upper limit of a band without an upper limit."""

COVERAGE_PERCENT_MIN = 75
"""Least share of expected readings for a figure to count as valid: the usual minimum of air quality statistics in EU
and US practice (2008/50/EC Annex XI; 40 CFR 50)."""


class Pool(StrEnum):
    """How a zone's or the city's figure comes from the published figures of its stations."""

    MEAN = "mean of stations"
    SUM = "sum"
    MAX = "worst station"
    ENERGY_MEAN = "energy mean of stations"
    VECTOR_MEAN = "vector mean of stations"


@dataclass(frozen=True, slots=True)
class Band:
    """One category of a scale; `low` and `high` are ticks of the indicator, both included."""

    name: str
    name_ko: str
    colour: str
    low: int
    high: int

    def open_ended(self) -> Band:
        """Return the same band without an upper limit."""
        return replace(self, high=OPEN_END)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a statistic is computed from: one row per station, the cells of its series of one measurand added up.

    Attributes:
        count: int64, observations in the window.
        sums: int64, shape (n, SUM_COUNT), as `engine.cells` defines them for the measurand's kind.
        measurand: what was measured.
    """

    count: NDArray[np.int64]
    sums: NDArray[np.int64]
    measurand: Measurand


class Column(NamedTuple):
    """A statistic's result, one row per station.

    Attributes:
        ticks: the figures.
        known: whether there is a figure at all.
        told: whether the lack of a figure is told as well, because one may have stood before; None: it never could.
    """

    ticks: NDArray[np.int64]
    known: NDArray[np.bool_]
    told: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """The hours of one measurand around a window, oldest first: one row per station, one column per hour.

    Attributes:
        count, sums: int64, observations of each hour and `sums[0]` of its cell, as `engine.cells` defines it.
        clock: int64, per hour which one the city's clock shows when it begins, 0 to 23.
        minutes: int64, per hour how long it lasts: 60, less where the offset changes within it.
        own: how many hours, at the end, are the window itself; those before are the look-back.
        measurand: what was measured.
    """

    count: NDArray[np.int64]
    sums: NDArray[np.int64]
    clock: NDArray[np.int64]
    minutes: NDArray[np.int64]
    own: int
    measurand: Measurand

    @property
    def stations(self) -> int:
        """How many rows there are."""
        return int(self.count.shape[0])


class Hours(NamedTuple):
    """One station's hours of one measurand, oldest first, as the exact ratios that their means are.

    Hour i has the mean sums[i] * up / (counts[i] * down) µg/m3; counts[i] is 0 where there was no reading. A negative
    mean (an instrument around its zero) counts as 0 in every index. A tuple, because one is made per station and input.

    Attributes:
        sums, counts: Python integers, one per hour.
        up, down: from ticks to µg/m3, exactly.
    """

    sums: Sequence[int]
    counts: Sequence[int]
    up: int
    down: int


class Figure(NamedTuple):
    """One station's index value: ticks, and the position of the driving pollutant in the definition's inputs."""

    ticks: int
    driver: int


@dataclass(frozen=True, slots=True)
class HourColumns:
    """The hours of all inputs of an index for many stations, oldest first; `Hours` of each, in columns.

    Attributes:
        count, sums: int64, shape (stations, inputs, hours), in the order of the definition's inputs; a station has no
            readings of an input that it lacks.
        up, down: per input, from ticks to µg/m3, exactly.
    """

    count: NDArray[np.int64]
    sums: NDArray[np.int64]
    up: tuple[int, ...]
    down: tuple[int, ...]


class IndexColumn(NamedTuple):
    """An index of many stations, one row each.

    Attributes:
        ticks: int64, the index; 0 where there is none.
        driver: int8, position of the driving pollutant in the definition's inputs; 0 where there is none.
        known: whether there is an index.
        sure: whether all this is certain; any other row is for the definition's formula.
    """

    ticks: NDArray[np.int64]
    driver: NDArray[np.int8]
    known: NDArray[np.bool_]
    sure: NDArray[np.bool_]


Statistic = Callable[[Sums, "Indicator"], Column]
"""One figure per station from one measurand's cells, all stations at once."""

HourStatistic = Callable[[Profile, "Indicator"], Column]
"""One figure per station from the hours of one measurand and what the city's clock shows in them."""

Index = Callable[[Mapping[str, Hours], int], Figure | None]
"""One station's figure from its hours by measurand code (absent where the station lacks it).

The second argument counts the hours, at the end of each sequence, that are the window itself; those before are the
look-back.
"""

ColumnIndex = Callable[[HourColumns, int], IndexColumn]
"""An `Index` of many stations at once, as far as it is sure of them."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """The definition of a live figure for stations, zones and the city.

    Attributes:
        code: stable identifier; together with `window` unique in a catalogue.
        window: `Grid.HOUR` or `Grid.DAY`.
        title, title_ko: what a person calls it, in English and Korean, without its window.
        unit: UCUM code, or `1` for an index; a mean or total has its measurand's.
        symbol: the unit as people are shown it; empty for an index.
        decimals: a result is an int64 count of 10**-decimals of the unit.
        inputs: measurand codes; an index names its driver by position here, and the first wins a tie.
        pool: how stations become zones.
        compute: `statistic` for one figure from one measurand's cells, `profile` for one from its hours and the city's
            clock, `index` for a formula over hours of several.
        columns: the same index for many stations at once; optional, and never anything but what `index` says.
        source: standard and clause.
        lookback_hours: hour windows before the window that the formula also reads.
        requires: alternatives of which each must be measured, e.g. (("no2",), ("pm10", "pm2_5")); empty: any input.
        requires_traffic: the same for stations at traffic, where it differs.
        bands: categories of the scale, lowest first, without gaps; empty where it has none.
        states: for the share of time in states: the names that count.
        coverage_percent_min: least coverage of a valid figure.
        note: what a reader must know about how it is computed here.
    """

    code: str
    window: Grid
    title: str
    title_ko: str
    unit: str
    symbol: str
    decimals: int
    inputs: tuple[str, ...]
    pool: Pool
    source: str
    statistic: Statistic | None = None
    profile: HourStatistic | None = None
    index: Index | None = None
    columns: ColumnIndex | None = None
    lookback_hours: int = 0
    requires: tuple[tuple[str, ...], ...] = ()
    requires_traffic: tuple[tuple[str, ...], ...] | None = None
    bands: tuple[Band, ...] = ()
    states: tuple[str, ...] = ()
    coverage_percent_min: int = COVERAGE_PERCENT_MIN
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a definition that cannot be computed."""
        if [self.statistic, self.profile, self.index].count(None) != 2:
            raise ValueError(f"{self.name}: give either a statistic or a profile or an index")
        if self.columns is not None and self.index is None:
            raise ValueError(f"{self.name}: columns compute an index; give the index that they follow")
        if self.window not in (Grid.HOUR, Grid.DAY):
            raise ValueError(f"{self.name}: the window is an hour or a day")
        if self.statistic is not None and (len(self.inputs) != 1 or self.lookback_hours):
            raise ValueError(f"{self.name}: a statistic has one input and no look-back; make it an index")
        if self.profile is not None and len(self.inputs) != 1:
            raise ValueError(f"{self.name}: a profile has one input; make it an index")
        for low, high in zip(self.bands[1:], self.bands, strict=False):
            if low.low != high.high + 1:
                raise ValueError(f"{self.name}: the band {low.name} does not begin where {high.name} ends")
        for alternatives in (*self.requires, *(self.requires_traffic or ())):
            if not set(alternatives) <= set(self.inputs):
                raise ValueError(f"{self.name}: requires {alternatives}, which are not all inputs")

    @property
    def name(self) -> str:
        """Code and window, e.g. `cai (hour)`."""
        return f"{self.code} ({self.window.name.lower()})"

    @property
    def reads_hours(self) -> bool:
        """Whether it is made of hours whatever its window, and so needs a reading in the window itself."""
        return self.statistic is None

    def required(self, traffic: bool) -> tuple[tuple[str, ...], ...]:
        """Return the alternatives of which a station of this type must measure each."""
        return self.requires_traffic if traffic and self.requires_traffic is not None else self.requires

    def possible(self, codes: set[str] | frozenset[str], traffic: bool) -> bool:
        """Say whether a station that measures these codes can have this figure."""
        needed = self.required(traffic)
        if not needed:
            return not codes.isdisjoint(self.inputs)
        return all(not codes.isdisjoint(alternatives) for alternatives in needed)

    def band_of(self, ticks: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return the band's number for each value: 1 for the lowest, 0 where the scale has no bands."""
        if not self.bands:
            return np.zeros(ticks.size, np.int8)
        upper = np.array([band.high for band in self.bands[:-1]], np.int64)
        return (np.searchsorted(upper, ticks, "left") + 1).astype(np.int8)

    def valid(self, received: int, expected: int) -> bool:
        """Say whether enough of the expected readings came for the figure to count."""
        return expected > 0 and 100 * received >= self.coverage_percent_min * expected
