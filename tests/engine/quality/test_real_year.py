"""A year of four real stations under the rules: what the guide says of choosing limits is what comes out."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from pathlib import Path

import numpy as np

from engine.quality import rate, spike, stuck

ROOT = Path(__file__).resolve().parents[3]
CSV = ROOT / "simulators" / "recordings" / "air-beijing" / "beijing_2016_hourly.csv.gz"
CHINA = timezone(timedelta(hours=8))
HOUR_US = 3_600_000_000
Series = tuple[np.ndarray, np.ndarray]


@cache
def measured(column: str) -> list[Series]:
    """Times and ticks of 0.001 of every station."""
    found: dict[str, list[tuple[int, int]]] = {}
    with gzip.open(CSV, "rt", newline="") as text:
        for row in csv.DictReader(text):
            if row[column]:
                at = datetime.fromisoformat(row["datetime_local"]).replace(tzinfo=CHINA)
                found.setdefault(row["station"], []).append(
                    (int(at.timestamp()) * 1_000_000, int(Decimal(row[column]) * 1000))
                )
    return [tuple(np.array(sorted(rows), np.int64).T) for rows in found.values()]  # type: ignore[misc]


def flagged(column: str, check: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> int:
    return sum(int(check(*series).sum()) for series in measured(column))


def test_the_guide_says_what_the_rules_find_in_a_real_year() -> None:
    def still(floor: int | None) -> int:
        return flagged("o3", lambda t, x: stuck(t, x, tolerance=0, lasting_us=6 * HOUR_US, readings=6, floor=floor))

    fast = {"above": 100_000, "pause_us": 3 * HOUR_US}
    found = (
        still(None), sum(t.size for t, _ in measured("o3")), still(2_000),
        flagged("pm25", lambda t, x: spike(t, x, **fast)), sum(t.size for t, _ in measured("pm25")),
        flagged("pm25", lambda t, x: rate(t, x, per_us=HOUR_US, **fast)),
    )  # fmt: skip
    guide = (ROOT / "docs" / "operators.md").read_text()
    (said,) = re.findall(r"In a year of four stations in Beijing\n.*?\n\n", guide, re.DOTALL)
    numbers = [int(number.replace(",", "")) for number in re.findall(r"\*\*([\d,]+)\*\*", said)]
    assert numbers == list(found)
