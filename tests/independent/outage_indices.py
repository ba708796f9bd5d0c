"""SAIFI and CAIDI of recorded outages, computed by somebody who does not trust us.

Reads the CSV with the standard library and computes with exact fractions; imports nothing of this project, and must
not.

    python tests/independent/outage_indices.py

prints `state,year,customer_interruptions,customer_minutes,saifi,caidi`.
SAIFI = sum(N_i) / N_T, CAIDI = sum(r_i N_i) / sum(N_i), r_i in minutes as published. An event whose customers nobody
reported (empty or 0) counts nowhere.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

CSV = Path(__file__).resolve().parent / "data" / "outage-us-major" / "outages_fl_2004_ny_2011.csv"
STATES = (("FL", 2004), ("NY", 2011))
CLOCK = ZoneInfo("America/New_York")


class Event(NamedTuple):
    """One interruption: whose, when, how many customers, how long."""

    number: str
    start: datetime
    end: datetime
    customers: int
    minutes: int
    served: int


class Indices(NamedTuple):
    """What a year's events come to."""

    interruptions: int
    customer_minutes: int
    saifi: Fraction
    caidi: Fraction


def events(state: str, year: int, path: Path = CSV) -> Iterator[Event]:
    """Yield the events of a state and year whose customers were reported."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if (row["postal"], row["year"]) != (state, str(year)) or not int(row["customers_affected"] or 0):
                continue
            start, end = (
                datetime.fromisoformat(row[column]).replace(tzinfo=CLOCK).astimezone(UTC)
                for column in ("start_local", "restoration_local")
            )
            yield Event(
                row["obs"], start, end, int(row["customers_affected"]), int(row["duration_min"]),
                int(row["state_total_customers"]),
            )  # fmt: skip


def indices(state: str, year: int, path: Path = CSV) -> Indices:
    """Return the indices of a state's year."""
    found = list(events(state, year, path))
    (served,) = {one.served for one in found}
    interruptions = sum(one.customers for one in found)
    minutes = sum(one.customers * one.minutes for one in found)
    return Indices(interruptions, minutes, Fraction(interruptions, served), Fraction(minutes, interruptions))


if __name__ == "__main__":
    out = csv.writer(sys.stdout, lineterminator="\n")
    for state, year in STATES:
        out.writerow((state, year, *indices(state, year)))
