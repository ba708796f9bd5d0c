"""Noise of Dublin: LAeq by hour and day, Lden and Lnight by day, computed by somebody who does not trust us.

Reads the CSV with the standard library and computes with decimals of fifty digits; imports nothing of this project, and
must not.

    python tests/independent/noise_levels.py > levels.csv

prints `monitor,indicator,start,level`: `start` in UTC; days are civil days of Europe/Dublin. Lden and Lnight by
Directive 2002/49/EC, annex I; the night, 23 to 07, belongs to the day in which it ends. Each of day, evening and night
needs three quarters of its hours, and lasts as many hours as it really has. The energy of a reading is a whole number
of eighths of that of 0 dB, as it is stored.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

CSV = (
    Path(__file__).resolve().parents[2]
    / "simulators" / "recordings" / "noise-dublin" / "dublin_2019_hourly_laeq.csv.gz"
)  # fmt: skip
DEVICES = {
    "Ballymun4": "dublin-ballymun",
    "BullIsland2": "dublin-bull-island",
    "ChanceryPark11": "dublin-chancery-park",
    "DolphinsBarn13": "dublin-dolphins-barn",
    "NavanRoad8": "dublin-navan-road",
}
DUBLIN = ZoneInfo("Europe/Dublin")
HOUR = timedelta(hours=1)
EXACT = Context(prec=50, rounding=ROUND_HALF_EVEN)
DECIBEL = Decimal("0.1")

Levels = dict[tuple[str, str, datetime], str]
"""(device, indicator and window, start) → the level with one decimal."""


Reading = tuple[str, datetime, str]
"""Device, hour, and the level as text."""


def readings(path: Path = CSV) -> Iterator[Reading]:
    """Yield device, hour and level as the file has it; neither of the two doubtful hours of the year is in it."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            local = datetime.fromisoformat(row["datetime_local"]).replace(tzinfo=DUBLIN)
            yield DEVICES[row["monitor"]], local.astimezone(UTC), row["laeq_db"]


def levels(heard_of: Iterable[Reading]) -> Levels:
    """Return every level that readings give."""
    energies: dict[str, dict[datetime, Decimal]] = {}
    for device, hour, text in heard_of:
        tens = EXACT.divide(Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_EVEN), 10)
        eighths = EXACT.multiply(8, EXACT.power(10, tens)).to_integral_value(ROUND_HALF_EVEN)
        energies.setdefault(device, {}).setdefault(hour, EXACT.divide(eighths, 8))
    found: Levels = {}
    for device, heard in energies.items():
        found.update({(device, "laeq hour", hour): level([energy]) for hour, energy in heard.items()})
        for day in sorted({hour.astimezone(DUBLIN).date() for hour in heard}):
            start = instant(day, 0)
            own = [heard[hour] for hour in hours(start, instant(day + timedelta(days=1), 0)) if hour in heard]
            found[device, "laeq day", start] = level(own)
            for name, text in (("lnight day", lnight(heard, day)), ("lden day", lden(heard, day))):
                if text is not None:
                    found[device, name, start] = text
    return found


def lnight(heard: dict[datetime, Decimal], day: date) -> str | None:
    """Return the level of the night that ends in a day."""
    energy, _ = part(heard, instant(day - timedelta(days=1), 23), instant(day, 7))
    return None if energy is None else level([energy])


def lden(heard: dict[datetime, Decimal], day: date) -> str | None:
    """Return the level of that night, the day and the evening, each with its weight."""
    edges = (instant(day - timedelta(days=1), 23), instant(day, 7), instant(day, 19), instant(day, 23))
    total, length = Decimal(0), 0
    for begin, end, penalty in zip(edges, edges[1:], (10, 0, 5), strict=False):
        energy, lasted = part(heard, begin, end)
        if energy is None:
            return None
        weight = EXACT.power(10, EXACT.divide(penalty, 10))
        total = EXACT.add(total, EXACT.multiply(EXACT.multiply(weight, energy), lasted))
        length += lasted
    return level([EXACT.divide(total, length)])


def part(heard: dict[datetime, Decimal], begin: datetime, end: datetime) -> tuple[Decimal | None, int]:
    """Return the mean energy of the hours that were heard, None with less than three quarters; and how many it has."""
    all_of = list(hours(begin, end))
    there = [heard[hour] for hour in all_of if hour in heard]
    return (mean(there) if there and 4 * len(there) >= 3 * len(all_of) else None), len(all_of)


def instant(day: date, hour: int) -> datetime:
    """Return when the clock of Dublin shows an hour of a day."""
    return datetime.combine(day, time(hour), DUBLIN).astimezone(UTC)


def hours(begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the starts of the hours between two instants."""
    while begin < end:
        yield begin
        begin += HOUR


def mean(energies: Sequence[Decimal]) -> Decimal:
    """Return the arithmetic mean."""
    total = Decimal(0)
    for energy in energies:
        total = EXACT.add(total, energy)
    return EXACT.divide(total, len(energies))


def level(energies: Sequence[Decimal]) -> str:
    """Return the level of the mean energy, with one decimal."""
    return str(EXACT.multiply(EXACT.log10(mean(energies)), 10).quantize(DECIBEL, ROUND_HALF_EVEN))


if __name__ == "__main__":
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for (device, name, start), text in sorted(levels(readings()).items()):
        writer.writerow((device, name, start.strftime("%Y-%m-%dT%H:%M:%SZ"), text))
