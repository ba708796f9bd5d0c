"""Means of the Beijing recording, computed by somebody who does not trust us.

Reads the CSV with the standard library and computes with exact decimals and fractions; imports nothing of this project,
and must not. What the engine publishes has to equal this to the last digit.

    python tests/independent/beijing_means.py [CSV] > means.csv

prints `station,pollutant,window,start,readings,mean`: `window` is hour, day or period; `start` is the window's first
instant in UTC, RFC 3339; days are civil days of the stations' own clock (China Standard Time, UTC+8 all year).
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal, Inexact
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, TextIO

CSV = Path(__file__).resolve().parents[2] / "simulators" / "recordings" / "air-beijing" / "beijing_2016_hourly.csv.gz"
POLLUTANTS = {"pm25": "pm2_5", "pm10": "pm10", "so2": "so2", "no2": "no2", "co": "co", "o3": "o3"}
"""Column of the CSV → code of the measurand; all in ug/m3."""
STATIONS = {
    "Aotizhongxin": "beijing-aotizhongxin",
    "Dongsi": "beijing-dongsi",
    "Gucheng": "beijing-gucheng",
    "Shunyi": "beijing-shunyi",
}
"""Name in the CSV → device code."""
CHINA = timezone(timedelta(hours=8))
ALL = datetime.min.replace(tzinfo=UTC)
EXACT = Context(prec=28, traps=[Inexact])
DECIMALS = 3
"""The indicators publish ug/m3 with three decimals."""


class Mean(NamedTuple):
    """One figure."""

    station: str
    pollutant: str
    window: str
    start: datetime
    readings: int
    mean: str


def rounded(value: Fraction, decimals: int = DECIMALS) -> str:
    """Return a decimal text with so many decimals, ties to the even digit."""
    scaled = value * 10**decimals
    below = scaled.numerator // scaled.denominator
    rest = scaled - below
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2 == 1):
        below += 1
    sign, digits = ("-", -below) if below < 0 else ("", below)
    return f"{sign}{digits // 10**decimals}.{digits % 10**decimals:0{decimals}d}"


def means(path: Path = CSV) -> list[Mean]:
    """Return every mean, sorted by station, pollutant, window and start; windows without a value are absent."""
    sums: dict[tuple[str, str, str, datetime], tuple[Decimal, int]] = {}
    period = datetime.max.replace(tzinfo=UTC)
    for station, local, cells in rows(path):
        hour, day = local.astimezone(UTC), local.replace(hour=0).astimezone(UTC)
        period = min(period, day)
        for pollutant, value in cells:
            for window, start in (("hour", hour), ("day", day), ("period", ALL)):
                total, count = sums.get((station, pollutant, window, start), (Decimal(0), 0))
                # Exact: the context traps every result that would have to be rounded.
                sums[station, pollutant, window, start] = EXACT.add(total, value), count + 1
    found = [
        Mean(s, p, w, period if w == "period" else start, count, rounded(Fraction(total) / count))
        for (s, p, w, start), (total, count) in sums.items()
    ]
    return sorted(found)


def annual(path: Path = CSV) -> dict[str, Fraction]:
    """Return the city's annual mean of each pollutant: the mean of its stations' means of all hours, exactly."""
    sums: dict[tuple[str, str], tuple[Decimal, int]] = {}
    for station, _, cells in rows(path):
        for pollutant, value in cells:
            total, count = sums.get((pollutant, station), (Decimal(0), 0))
            sums[pollutant, station] = EXACT.add(total, value), count + 1
    found: dict[str, list[Fraction]] = {}
    for (pollutant, _), (total, count) in sums.items():
        found.setdefault(pollutant, []).append(Fraction(total) / count)
    return {pollutant: sum(means, Fraction(0)) / len(means) for pollutant, means in found.items()}


def rows(path: Path) -> Iterator[tuple[str, datetime, list[tuple[str, Decimal]]]]:
    """Yield (station, local hour, [(pollutant, exact value) of every cell that is not empty])."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            local = datetime.strptime(row["datetime_local"], "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)
            yield STATIONS[row["station"]], local, [(p, Decimal(row[c])) for c, p in POLLUTANTS.items() if row[c]]


def write(found: list[Mean], out: TextIO) -> None:
    """Write means as CSV."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Mean._fields)
    for m in found:
        writer.writerow([*m[:3], m.start.strftime("%Y-%m-%dT%H:%M:%SZ"), *m[4:]])


if __name__ == "__main__":
    write(means(Path(sys.argv[1]) if len(sys.argv) > 1 else CSV), sys.stdout)
