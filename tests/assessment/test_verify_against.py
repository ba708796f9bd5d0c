"""Readings of a bundle beside what they were taken from: a day that is another one is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import psycopg
import pytest

from assessment import Material
from assessment.gather import gather
from assessment.verify import Checked
from assessment.verify.against import against_store, days_compared, digests_compared, heard_compared
from engine.archive import DayDigests, year_digests
from engine.kpi import DayCells, day_number
from engine.store import Store
from tests.databases import Databases
from tests.engine.store.conftest import owned
from tests.engine.store.kpi_kept import year_kept, year_over
from tests.engine.store.kpi_town import YEAR


@dataclass(frozen=True)
class Stored:
    """A database with the town's year, and what was taken from it."""

    url: str
    store: Store
    material: Material

    def checks(self, material: Material | None = None) -> list[Checked]:
        return list(against_store(self.store, material or self.material, None, partition=0, minute_days=0))


@pytest.fixture
def stored(databases: Databases, tmp_path: Path) -> Iterator[Stored]:
    with databases.furnished(year_over) as url, owned(url) as store:
        kept = year_kept(store, tmp_path)
        yield Stored(url, store, gather(store, kept.registry, kept.pack, (), (), YEAR, closed=True))


def test_a_store_and_what_was_taken_from_it_agree_down_to_the_observations(stored: Stored) -> None:
    told: list[float] = []
    digests = year_digests(stored.store, None, stored.material.registry, YEAR)
    checks = list(
        against_store(stored.store, stored.material, digests, partition=0, minute_days=0, progress=told.append)
    )
    assert [one.differ for one in checks] == [0, 0, 0, 0]
    assert all(one.compared for one in checks)
    assert told == sorted(told)
    assert told[-1] <= 1.0


def test_a_day_that_the_store_does_not_have_so_is_named(stored: Stored) -> None:
    material = stored.material
    at = int(np.flatnonzero(material.days.sums[:, 0] > 0)[5])
    sums = material.days.sums.copy()
    sums[at, 0] += 1
    other = replace(material, days=replace(material.days, sums=sums), heard=dict(list(material.heard.items())[1:]))
    days, heard, _ = stored.checks(other)
    assert (days.differ, heard.differ) == (1, 1)
    (one,) = days.differences
    device = material.registry.devices[int(material.registry.series().device[material.days.slot[at]])].code
    day = date.fromordinal(date(1970, 1, 1).toordinal() + int(material.days.day[at]))
    assert one.stated.startswith(device)
    assert str(day) in one.stated
    assert one.stated != one.computed
    assert heard.differences[0].stated == "nothing"


def test_a_window_that_its_observations_do_not_make_is_told(stored: Stored) -> None:
    with psycopg.connect(stored.url, autocommit=True) as connection:
        connection.execute("UPDATE cityvitals.window_hour SET sum_0 = sum_0 + 1 WHERE sum_0 > 0")
    _, _, rebuilt = stored.checks()
    assert rebuilt.differ > len(rebuilt.differences) == 20
    assert {one.what for one in rebuilt.differences} == {"window_hour"}


def test_days_and_digests_of_another_order_are_the_same(stored: Stored) -> None:
    material = stored.material
    shuffled = material.days.take(np.random.default_rng(2).permutation(len(material.days)))
    assert days_compared("days", material.registry, shuffled, material.days).differ == 0
    none = days_compared("days", material.registry, DayCells.none(), material.days)
    assert none.differ == int((material.days.count.astype(bool) | material.days.sums.any(axis=1)).sum())
    assert len(none.differences) == 20
    assert heard_compared(material.registry, {}, {}).differ == 0


def test_a_digest_that_is_another_one_is_named() -> None:
    day, sha256 = day_number(date(2025, 3, 1)), np.arange(64, dtype=np.uint8).reshape(2, 32)
    series = (("a", "pm10"), ("b", "pm10"))
    mine = DayDigests(series, np.array([0, 1], np.int32), np.array([day, day], np.int32), np.array([24, 23]), sha256)
    theirs = replace(mine, series=series[::-1], at=mine.at[::-1].copy())
    assert digests_compared(mine, theirs).differ == 0
    other = replace(mine, sha256=sha256 ^ np.uint8([[0], [1]]))
    found = digests_compared(mine, other)
    assert found.differ == 1
    assert found.differences[0].stated == f"b pm10 on 2025-03-01: 23 with SHA-256 {sha256[1].tobytes().hex()}"
