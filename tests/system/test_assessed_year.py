"""A year of a small city in which everything is measured and the rest declared: assessed, and verified elsewhere."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices import ObservationBatch
from engine.kpi import DataPoint, shipped
from engine.store import Duty, Store
from simulators.fleet import Fleet, build
from simulators.fleet.command import find_fleet
from simulators.fleet.spec import load_fleet
from simulators.truth import kpis
from simulators.truth.kpi_definitions import DECLARED, POINTS
from tests.console.command import cityvitals
from tests.databases import Databases
from tests.engine.store.live import Live as Engine

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(1800)]

YEAR = 2025
HOUR_US = 3_600_000_000
INTERVAL_S = 6 * 3600
HOURLY = "travel_time_link"
"""Its KPI asks for hours of the clock."""
PART_READINGS = 100_000
SHARES = {"private": 40, "public": 30, "walking": 15, "cycling": 10, "para": 5}
"""Of the modes of transport, so that they add up."""
PROOF = "register.pdf"


def year_of(folder: Path) -> Fleet:
    """Return the district of all sensors for a year, four readings a day; `test_kpi_truth` has one by the hour."""
    spec = load_fleet(find_fleet("kpis"))
    groups = tuple(
        replace(group, interval_s=max(group.interval_s, 3600 if group.model.code == HOURLY else INTERVAL_S))
        for group in spec.groups
    )
    return build(replace(spec, start=date(YEAR, 1, 1), days=365, groups=groups), folder)


def take(url: str, fleet: Fleet, batch: ObservationBatch) -> None:
    """Store and compute, a part after the other, in the order of time."""
    with Store.connect(url, application_name="test") as store:
        store.own(0, Duty.APPEND)
        store.own(0, Duty.FLUSH)
        engine = Engine(store, fleet.registry, int(batch.time_us[-1]) + HOUR_US)
        for part in np.array_split(np.arange(len(batch)), len(batch) // PART_READINGS + 1):
            engine.take(batch.take(part))


def declare(city: Path, points: Iterable[DataPoint]) -> None:
    """Declare a value of each of these data points, with what proves it."""
    (city / "evidence").mkdir()
    (city / "evidence" / PROOF).write_bytes(b"%PDF-1.4 invented")
    with (city / "declared.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "year", "value", "unit", "quality", "origin", "source", "note", "evidence"])
        for one in points:
            value = "yes" if one.yes_no else str(SHARES.get(one.id, 50) if one.code == "EC: I: T: 4A" else 50)
            said = ["measured", "the offices", "their registers", "invented", PROOF]
            writer.writerow([one.key, YEAR, value, one.unit, *said])


def assessed(city: Path, url: str, *more: str) -> dict[str, dict[str, Any]]:
    done = cityvitals(
        "--city", str(city), "assess", str(YEAR), "--json", *more, CITYVITALS_DATABASE_URL=url, timeout_s=600
    )
    assert done.code == 0, done.err
    return {row["data_point"]: row for row in done.rows}


def test_a_year_is_assessed_and_verified_without_a_database(databases: Databases, tmp_path: Path) -> None:
    city, out = tmp_path / "city", tmp_path / "bundle"
    fleet = year_of(city)
    batch = fleet.accepted()
    batch = batch.take(np.argsort(batch.time_us, kind="stable"))
    truth = kpis.figures(fleet.registry, batch, kpis.Period(*fleet.span_us, Fraction(365)))
    with databases.migrated() as url:
        take(url, fleet, batch)
        alone = assessed(city, url)
        lacking = [point for point in shipped().data_points if alone[point.key]["basis"] == "nothing"]
        declare(city, lacking)
        rows = assessed(city, url, "--out", str(out), "--freeze")
        found = cityvitals(
            "--city", str(city), "assessments", "difference", str(YEAR), "--json", CITYVITALS_DATABASE_URL=url
        )
        assert (found.code, found.rows) == (0, []), found.err
    # What sensors know is the truth's, as a fraction; what they do not is declared; nothing else is there.
    assert {key: rows[key]["exact"] for key in POINTS} == {key: str(truth[key]) for key in POINTS}
    assert {row["validity"] for key, row in rows.items() if key in POINTS} <= {"valid", None}
    assert {point.key for point in lacking} >= set(DECLARED)
    assert not {point.key for point in lacking} & set(POINTS)
    assert Counter(row["basis"] == "declared" for row in rows.values())[True] == len(lacking)
    assert all(row["exact"] is not None for row in rows.values())
    # Elsewhere there is neither a database nor the city: everything that was measured comes out again.
    verified = cityvitals("verify", str(out), "--json", CITYVITALS_LOCAL=str(tmp_path / "nothing"), timeout_s=600)
    assert verified.code == 0, verified.out
    verdict = verified.rows[-1]
    assert (verdict["good"], verdict["declared"], verdict["differs"]) == (True, len(lacking), 0)
    assert verdict["agrees"] == len(rows) - len(lacking)
    results = json.loads((out / "results.json").read_text())
    assert {one["data_point"]: one["value"] for one in results["results"]} == {
        key: row["exact"] for key, row in rows.items()
    }
    assert not [one for one in results["questions"] if one["severity"] == "error"]
