"""What meters of homes rose by, and the figures per head, computed by somebody who does not trust us.

Reads the CSVs with the standard library and computes with integers and fractions; imports nothing of this project, and
must not.

    python tests/independent/meter_registers.py

prints `meter,readings,rise`. A register that stands lower than before but still above half ran backwards, or is another
meter under the same key: the fall counts as what it is. At an instant between two readings it is interpolated, to the
nearest step of its register, ties to the even one.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).resolve().parent
BUNDLED = HERE.parents[1] / "simulators" / "recordings"
ALICANTE = HERE / "data" / "water-alicante" / "alicante_2016_10.csv.gz"
DENMARK = BUNDLED / "heat-meter-denmark" / "heat_2018_03.csv.gz"
CANADA_WATER = BUNDLED / "house-canada" / "water_2012_04.csv.gz"
CANADA_POWER = BUNDLED / "house-canada" / "electricity_2014_03.csv.gz"
MADRID = ZoneInfo("Europe/Madrid")
GJ_PER_KWH = Fraction(36, 10_000)

Register = Sequence[tuple[datetime, Decimal]]
"""When, and what it showed: in the order of time, each time once."""


def alicante(path: Path = ALICANTE) -> dict[str, Register]:
    """Return the litres of each meter.

    The clock shows an hour of 30 October twice: of two readings that do not follow each other, or stand at the same
    second, the later row is of the second passage.
    """
    found: dict[str, list[tuple[datetime, Decimal]]] = {}
    for row in _rows(path):
        meter = found.setdefault(row["meter"], [])
        local = datetime.fromisoformat(row["datetime_local"]).replace(tzinfo=MADRID)
        at = local.astimezone(UTC)
        if meter and at <= meter[-1][0]:
            at = local.replace(fold=1).astimezone(UTC)
        meter.append((at, Decimal(row["reading_l"])))
    return {meter: _each_once(rows) for meter, rows in found.items()}


def denmark(path: Path = DENMARK) -> Register:
    """Return the kWh of the heat meter: long fractions, kept to 0.001 kWh, ties to the even digit."""
    rows = ((datetime.fromisoformat(row["time_utc"]), Decimal(row["energy_kwh"])) for row in _rows(path))
    return _each_once([(at, value.quantize(Decimal("0.001"), ROUND_HALF_EVEN)) for at, value in rows])


def canada(path: Path, column: str) -> Register:
    """Return the litres (`counter`) or watt-hours (`Pt`) of the house: steps of pulses."""
    rows = ((datetime.fromtimestamp(int(row["unix_ts"]), UTC), Decimal(row[column])) for row in _rows(path))
    return _each_once(list(rows))


def rise(register: Register, end: datetime, step: Decimal) -> Decimal:
    """Return what a register rose by from its first reading to an instant; `step` is the least that is told apart."""
    total = Decimal(0)
    for (begun, before), (ended, after) in pairwise(register):
        if begun >= end:
            break
        gained = after - before
        if gained < 0 and after <= -gained:
            raise ValueError(
                f"{ended}: the register fell by {-gained} to {after}: that is a reset, and none is expected"
            )
        if ended > end:
            whole, part = ((one - begun).total_seconds() for one in (ended, end))
            share = Fraction(gained) / Fraction(step) * Fraction(part) / Fraction(whole)
            gained = round(share) * step  # a fraction is rounded half to even
        total += gained
    return total


def per_head(registers: Mapping[str, Register], end: datetime, step: Decimal, inhabitants: int) -> Fraction:
    """Return what all registers rose by, divided by inhabitants."""
    return Fraction(sum(rise(register, end, step) for register in registers.values())) / inhabitants


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _each_once(rows: Sequence[tuple[datetime, Decimal]]) -> Register:
    """Return rows in the order of time; of several at one time the first one counts."""
    first: dict[datetime, Decimal] = {}
    for at, value in rows:
        first.setdefault(at, value)
    return sorted(first.items())


if __name__ == "__main__":
    ends = datetime.max.replace(tzinfo=UTC)
    meters = {**alicante(), "denmark": denmark(), "canada": canada(CANADA_WATER, "counter")}
    out = csv.writer(sys.stdout, lineterminator="\n")
    for name, register in meters.items():
        out.writerow((name, len(register), rise(register, ends, Decimal("0.001"))))
