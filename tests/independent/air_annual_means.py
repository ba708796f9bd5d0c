"""Annual means of London and Seoul in ug/m3, computed by somebody who does not trust us.

Reads the CSVs with the standard library and computes with exact decimals and fractions; imports nothing of this
project, and must not.

    python tests/independent/air_annual_means.py

prints `city,pollutant,hours,mean`. Gases are given as ppb or ppm and become ug/m3 by the factors that the U4SSC
verification manual prescribes. A reading is kept to 0.001 ug/m3, ties to the even digit, before it counts.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).resolve().parent / "data"
LONDON = DATA / "air-london-marylebone" / "marylebone_2002.csv.gz"
SEOUL = DATA / "air-seoul" / "seoul_2019.csv.gz"
COLUMNS = {"pm25": "pm2_5", "pm10": "pm10", "no2": "no2", "so2": "so2", "o3": "o3"}
"""Column of both CSVs → code of the measurand."""
UG_M3_PER_PPB = {"no2": Decimal("1.9"), "so2": Decimal("2.62"), "o3": Decimal("1.96")}
KOREA = timezone(timedelta(hours=9))
STEP = Decimal("0.001")


class Reading(NamedTuple):
    """One hour's mean: its start, the pollutant, and ug/m3 with every digit that the conversion gives."""

    start: datetime
    pollutant: str
    value: Decimal


def london(path: Path = LONDON) -> Iterator[Reading]:
    """Yield every value of Marylebone Road; its stamps are GMT, its gases ppb."""
    for row in _rows(path):
        yield from _readings(row, datetime.fromisoformat(row["datetime_gmt"]).replace(tzinfo=UTC), Decimal(1))


def seoul(path: Path = SEOUL) -> Iterator[Reading]:
    """Yield every value of Seoul; stamps are the ends of hours up to 24:00, gases ppm, a day stands there twice."""
    for row in _rows(path):
        day, hour = row["datetime_kst"].split(" ")
        begun = timedelta(hours=int(hour.partition(":")[0]) - 1)
        start = datetime.fromisoformat(day).replace(tzinfo=KOREA) + begun
        yield from _readings(row, start.astimezone(UTC), Decimal(1000))


def annual(readings: Iterator[Reading]) -> dict[str, tuple[int, Fraction]]:
    """Return hours and arithmetic mean of each pollutant; an hour that is given twice counts once."""
    hours: dict[str, dict[datetime, Decimal]] = {}
    for one in readings:
        hours.setdefault(one.pollutant, {}).setdefault(one.start, one.value.quantize(STEP, ROUND_HALF_EVEN))
    return {
        pollutant: (len(values), sum((Fraction(value) for value in values.values()), Fraction(0)) / len(values))
        for pollutant, values in hours.items()
    }


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _readings(row: dict[str, str], start: datetime, to_ppb: Decimal) -> Iterator[Reading]:
    for column, pollutant in COLUMNS.items():
        if row[column]:
            factor = UG_M3_PER_PPB[pollutant] * to_ppb if pollutant in UG_M3_PER_PPB else Decimal(1)
            yield Reading(start, pollutant, Decimal(row[column]) * factor)


if __name__ == "__main__":
    out = csv.writer(sys.stdout, lineterminator="\n")
    for city, readings in (("london", london()), ("seoul", seoul())):
        for pollutant, (hours, mean) in annual(readings).items():
            out.writerow((city, pollutant, hours, mean))
