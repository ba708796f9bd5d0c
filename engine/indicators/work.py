"""What has to be recomputed, what must be at hand for it, and what came out: the records of an evaluation.

Knows columns; knows no formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.cells import Cells, Grid
from engine.spans import Keys

SCOPE_CITY = 0
"""Scope of the whole city; zones follow as 1 .. zone_count, then devices."""


class WindowReader(Protocol):
    """Where cells are read from."""

    def gather(self, grid: Grid, slots: NDArray[np.int32], start_us: NDArray[np.int64]) -> Cells:
        """Return one cell per row, aligned with `slots` and `start_us`; zeros where there is none."""
        ...


class Part(NamedTuple):
    """What is left out of cells, one row each: number of readings, and sums of shape (n, SUM_COUNT)."""

    number: NDArray[np.int64]
    sums: NDArray[np.int64]


class Exclusions(Protocol):
    """What figures leave out of the cells that are read."""

    def forget(self) -> None:
        """Begin anew, before the cells of an evaluation are brought."""
        ...

    def bring(self, required: Required) -> None:
        """Make ready what is left out of these cells, beside those that were brought before."""
        ...

    def at(self, grid: Grid, slots: NDArray[np.int32], start_us: NDArray[np.int64]) -> Part | None:
        """Return what is left out, aligned with `slots` and `start_us`; None where it is nothing of any."""
        ...


@dataclass(frozen=True, slots=True)
class Known:
    """Figures made of hours of one window, one row per station of their definition, as last computed.

    Attributes:
        ticks: int64.
        known: bool, whether there is a figure.
        driver: int8, position in the definition's inputs; 0 for what is no index.
        received: int64, readings in the window itself that are not left out.
        possible: bool, whether there is a row to publish: there would be a figure if nothing were left out, or one may
            have stood before.
    """

    ticks: NDArray[np.int64]
    known: NDArray[np.bool_]
    driver: NDArray[np.int8]
    received: NDArray[np.int64]
    possible: NDArray[np.bool_]

    @classmethod
    def nothing(cls, stations: int) -> Known:
        """Return a window in which nothing was received."""
        return cls(
            np.zeros(stations, np.int64), np.zeros(stations, np.bool_),
            np.zeros(stations, np.int8), np.zeros(stations, np.int64), np.zeros(stations, np.bool_),
        )  # fmt: skip

    def copy(self) -> Known:
        """Return figures that can be changed without changing these."""
        return Known(*(getattr(self, field.name).copy() for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Item:
    """One window of one definition that has to be computed anew.

    Attributes:
        definition: position in the catalogue.
        start_us, end_us: the window.
        stations: rows among the definition's stations whose input changed, ascending.
        hours_us: of what is made of hours, the starts of those it reads, oldest first; else empty.
        own: how many of these hours, at the end, are the window itself.
        base: of what is made of hours, the figures to correct; None where all stations have to be read.
    """

    definition: int
    start_us: int
    end_us: int
    stations: NDArray[np.intp]
    hours_us: NDArray[np.int64]
    own: int
    base: Known | None


@dataclass(frozen=True, slots=True)
class Work:
    """Windows to compute, each (definition, start) once, ordered by definition, then start.

    Attributes:
        items: the windows.
        serial: number of the call of `affected` that made it.
    """

    items: tuple[Item, ...]
    serial: int

    def __len__(self) -> int:
        return len(self.items)

    def parts(self, windows_max: int) -> Iterator[Work]:
        """Yield the same work in pieces of at most this many windows, so that reading and results stay bounded.

        Raises:
            ValueError: windows_max is not positive.
        """
        if windows_max < 1:
            raise ValueError(f"windows_max is {windows_max}: give at least 1")
        for begin in range(0, len(self.items), windows_max):
            yield Work(self.items[begin : begin + windows_max], self.serial)


@dataclass(frozen=True, slots=True)
class Results:
    """Indicator values as columns of one length, ordered by indicator, start, scope; each key once.

    Attributes:
        indicator: int16, position in the catalogue.
        scope: int32, `SCOPE_CITY`, 1 .. zone_count, zone_count + 1 + device.
        start_us: int64, start of the window.
        known: bool; False says that there is no figure: one stored before is to be taken away. That is also so where
            a figure rests on excluded readings alone, so that rows are the same whether or not anything is excluded.
        ticks: int64, in the definition's decimals; 0 where not known.
        band: int8, 1 for the lowest band, 0 where the scale has none or there is no figure.
        driver: int16, measurand index of the pollutant that decided an index, else -1.
        received: int64, readings of the inputs in the window, without excluded ones.
        expected: int64, readings due in the window from the devices in service.
    """

    indicator: NDArray[np.int16]
    scope: NDArray[np.int32]
    start_us: NDArray[np.int64]
    known: NDArray[np.bool_]
    ticks: NDArray[np.int64]
    band: NDArray[np.int8]
    driver: NDArray[np.int16]
    received: NDArray[np.int64]
    expected: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.indicator.size)

    @classmethod
    def concat(cls, parts: Sequence[Results]) -> Results:
        """Join results in the order given."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    @classmethod
    def empty(cls) -> Results:
        """Return no results."""
        return cls(
            np.empty(0, np.int16), np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.bool_),
            np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0, np.int16), np.empty(0, np.int64),
            np.empty(0, np.int64),
        )  # fmt: skip

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Results:
        """Return the rows named by positions or by a mask, as copies."""
        return Results(*(getattr(self, field.name)[index] for field in fields(self)))


Required = Mapping[Grid, Keys]
"""Cells that an evaluation will read, by grid, in any order, some twice; a grid that is not read is left out."""
