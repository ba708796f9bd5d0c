"""The breakpoint tables of the air quality indices, as integers.

Reads `tables/*.csv`, which are part of the package, once at import; knows nothing of stations or hours.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

from engine.indicators.definition import Band
from engine.indicators.exact import round_half_up


class TableError(ValueError):
    """A breakpoint table does not say what an index needs."""


@dataclass(frozen=True, slots=True)
class Breakpoints:
    """One pollutant's table: concentrations at the table's own precision to index values.

    Attributes:
        pollutant: measurand code.
        averaging: what is averaged, in the table's words, e.g. `8h`.
        unit: unit of the concentrations: `ug/m3`, `ppm` or `ppb`.
        decimals: a concentration is a count of 10**-decimals of the unit.
        c_low, c_high: concentration limits of each segment, both included, ascending, without gaps in steps of one.
        i_low, i_high: index at those limits.
    """

    pollutant: str
    averaging: str
    unit: str
    decimals: int
    c_low: tuple[int, ...]
    c_high: tuple[int, ...]
    i_low: tuple[int, ...]
    i_high: tuple[int, ...]

    def index(self, concentration: int, *, extrapolate: bool = False) -> int | None:
        """Return the sub-index of a concentration, rounded to the nearest integer, ties upwards.

        Above the table: its last index, or the last segment's line continued when `extrapolate`.
        Below the table (a table that begins at a high value, such as the 1-hour ozone of the US AQI): None.
        """
        if concentration < self.c_low[0]:
            return None
        at = bisect_left(self.c_high, concentration)
        if at == len(self.c_high):
            if not extrapolate:
                return self.i_high[-1]
            at -= 1
        low = self.i_low[at]
        rise = (self.i_high[at] - low) * (concentration - self.c_low[at])
        return low + round_half_up(rise, self.c_high[at] - self.c_low[at])


def rows(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of one table file, e.g. `cai_korea.csv`, as its columns name them."""
    text = files("engine.indicators").joinpath("tables", name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())


def _places(text: str) -> int:
    """Return how many digits stand behind the point, trailing zeros left out."""
    exponent = Decimal(text).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _ticks(text: str, decimals: int) -> int:
    scaled = Decimal(text).scaleb(decimals)
    if scaled != scaled.to_integral_value():
        raise TableError(f"{text} has more than {decimals} decimals: state the table's precision in its rows")
    return int(scaled)


def load(name: str) -> dict[tuple[str, str], Breakpoints]:
    """Return the tables of one file by (pollutant, averaging), in file order.

    The precision of a table is what its rows say (`truncate_to`), or else the most decimals any of its limits has.

    Raises:
        TableError: a segment does not begin one step above the end of the one before, or is empty.
    """
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows(name):
        groups.setdefault((row["pollutant"], row["averaging"]), []).append(row)
    found = {}
    for (pollutant, averaging), group in groups.items():
        precise = [row["truncate_to"] for row in group if row.get("truncate_to")]
        limits = precise or [row[limit] for row in group for limit in ("c_low", "c_high")]
        decimals = max(_places(text) for text in limits)
        table = Breakpoints(
            pollutant,
            averaging,
            group[0]["unit"],
            decimals,
            tuple(_ticks(row["c_low"], decimals) for row in group),
            tuple(_ticks(row["c_high"], decimals) for row in group),
            tuple(int(row["i_low"]) for row in group),
            tuple(int(row["i_high"]) for row in group),
        )
        for low, high in zip(table.c_low, table.c_high, strict=True):
            if low >= high:
                raise TableError(f"{name}: {pollutant} {averaging} has a segment from {low} to {high}")
        for high, low in zip(table.c_high[:-1], table.c_low[1:], strict=True):
            if low != high + 1:
                raise TableError(f"{name}: {pollutant} {averaging} goes from {high} to {low}, not in one step")
        found[pollutant, averaging] = table
    return found


def index_bands(name: str) -> tuple[Band, ...]:
    """Return the categories of one index file, lowest first, each once; the last one has no upper end.

    Raises:
        TableError: two rows name one category with different limits, or limits leave a gap.
    """
    found: dict[str, Band] = {}
    for row in rows(name):
        band = Band(row["category"], row.get("category_ko", ""), row["color"], int(row["i_low"]), int(row["i_high"]))
        if found.setdefault(band.name, band) != band:
            raise TableError(f"{name}: {band.name} is {found[band.name]} and {band}")
    bands = sorted(found.values(), key=lambda band: band.low)
    return (*bands[:-1], bands[-1].open_ended())


@dataclass(frozen=True, slots=True)
class Ordinal:
    """One pollutant's band limits of an index that has no scale but its bands.

    Attributes:
        pollutant: measurand code.
        unit: unit of the limits.
        limits: upper limit, included, of each band but the last, in 10**-decimals of the unit.
        decimals: see `limits`.
    """

    pollutant: str
    unit: str
    limits: tuple[int, ...]
    decimals: int


def load_ordinal(name: str, index: str) -> tuple[dict[str, Ordinal], tuple[Band, ...]]:
    """Return the band limits by pollutant and the bands (1, 2, ...) of one index of an ordinal file.

    Raises:
        TableError: bands are not numbered 1, 2, ... with each beginning where the one before ends.
    """
    chosen = [row for row in rows(name) if row["index"] == index]
    limits: dict[str, Ordinal] = {}
    bands: dict[int, Band] = {}
    for pollutant in dict.fromkeys(row["pollutant"] for row in chosen):
        group = [row for row in chosen if row["pollutant"] == pollutant]
        for number, row in enumerate(group, 1):
            low = "0" if number == 1 else group[number - 2]["c_high_inclusive"]
            if int(row["band"]) != number or row["c_low_exclusive"] != low:
                raise TableError(f"{name}: band {row['band']} of {pollutant} does not follow on the one before")
            bands[number] = Band(row["category"], "", row["color"], number, number)
        texts = [row["c_high_inclusive"] for row in group[:-1]]
        decimals = max(_places(text) for text in texts)
        upper = tuple(_ticks(text, decimals) for text in texts)
        limits[pollutant] = Ordinal(pollutant, group[0]["unit"], upper, decimals)
    return limits, tuple(bands.values())
