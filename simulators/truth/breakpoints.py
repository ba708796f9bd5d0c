"""The breakpoint tables of the air quality indices: our own copies in `tables/`, with their sources in every row.

Knows concentrations as exact ratios; knows no hours.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.truth.scales import nearest_even

LITRES_PER_MOLE = Fraction("24.45")
"""25 °C, 1013.25 hPa."""
GRAMS_PER_MOLE = {"no2": "46.005", "so2": "64.058", "o3": "47.997", "co": "28.010"}
CAI_STEP = {"ppm": Fraction("0.001"), "ug/m3": Fraction(1)}
"""Precision of the Korean table by its unit; carbon monoxide is stated in hundredths of a ppm."""
CAI_STEP_CO = Fraction("0.01")
NO_INDEX = -1


@dataclass(frozen=True, slots=True)
class Ratios:
    """Concentrations in µg/m³, row by row above / below in integers of any size; nothing where not `known`."""

    above: NDArray[Any]
    below: NDArray[Any]
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Segments:
    """One pollutant's table.

    Attributes:
        steps: of the table's precision in one µg/m³.
        c_low, c_high: limits of each segment in steps, both included.
        i_low, i_high: the index there.
    """

    steps: Fraction
    c_low: NDArray[np.int64]
    c_high: NDArray[np.int64]
    i_low: NDArray[np.int64]
    i_high: NDArray[np.int64]

    def rounded(self, ratios: Ratios) -> NDArray[np.int64]:
        """Return concentrations in steps, nearest, ties to even."""
        return nearest_even(ratios.above * self.steps.numerator, ratios.below * self.steps.denominator).astype(np.int64)

    def truncated(self, ratios: Ratios) -> NDArray[np.int64]:
        """Return concentrations in steps, cut off."""
        return np.asarray(
            ratios.above * self.steps.numerator // (ratios.below * self.steps.denominator), object
        ).astype(np.int64)

    def index(self, steps: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the sub-index of each concentration, halves upwards; NO_INDEX where unknown or below the table.

        Above the table it stays at the last value.
        """
        inside = np.minimum(steps, self.c_high[-1])
        at = np.minimum(np.searchsorted(self.c_high, inside, "left"), self.c_high.size - 1)
        width = self.c_high[at] - self.c_low[at]
        climb = (self.i_high[at] - self.i_low[at]) * (inside - self.c_low[at])
        found = self.i_low[at] + (2 * climb + width) // (2 * width)
        return np.where(known & (steps >= self.c_low[0]), found, NO_INDEX)


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of one table as its columns name them."""
    text = files("simulators.truth").joinpath("tables", name).read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def korean(pollutant: str) -> Segments:
    """Return a pollutant's table of the Korean CAI."""
    chosen = [row for row in rows("cai_korea.csv") if row["pollutant"] == pollutant]
    return _segments(chosen, CAI_STEP_CO if pollutant == "co" else CAI_STEP[chosen[0]["unit"]])


@cache
def american(pollutant: str, averaging: str) -> Segments:
    """Return a pollutant's table of the US AQI for an averaging time."""
    chosen = [r for r in rows("aqi_us_epa.csv") if (r["pollutant"], r["averaging"]) == (pollutant, averaging)]
    return _segments(chosen, Fraction(chosen[0]["truncate_to"]))


@cache
def european(pollutant: str) -> tuple[int, ...]:
    """Return the upper limits, in µg/m³ and included, of the European bands but the last."""
    chosen = [r for r in rows("eaqi.csv") if (r["index"], r["pollutant"]) == ("eaqi_2024", pollutant)]
    return tuple(int(row["c_high_inclusive"]) for row in chosen if row["c_high_inclusive"])


def _segments(chosen: list[dict[str, str]], step: Fraction) -> Segments:
    pollutant, unit = chosen[0]["pollutant"], chosen[0]["unit"]
    per_ug_m3 = Fraction(1)
    if unit != "ug/m3":
        per_ug_m3 = LITRES_PER_MOLE / Fraction(GRAMS_PER_MOLE[pollutant]) / {"ppb": 1, "ppm": 1000}[unit]

    def in_steps(column: str) -> NDArray[np.int64]:
        return np.array([int(Fraction(row[column]) / step) for row in chosen], np.int64)

    def whole(column: str) -> NDArray[np.int64]:
        return np.array([int(row[column]) for row in chosen], np.int64)

    return Segments(per_ug_m3 / step, in_steps("c_low"), in_steps("c_high"), whole("i_low"), whole("i_high"))
