"""Fixtures: the material of the town whose year can be worked out by hand, taken from a database once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from assessment import Material
from assessment.gather import gather
from engine.store import KpiReading
from tests.databases import Databases
from tests.engine.store.conftest import owned
from tests.engine.store.kpi_kept import year_kept, year_over
from tests.engine.store.kpi_town import YEAR


@dataclass(frozen=True)
class Taken:
    """What was in the database.

    Attributes:
        material: of the town's year, nothing declared.
        live: its annual figures as the keeper of KPIs stored them.
    """

    material: Material
    live: tuple[KpiReading, ...]


@pytest.fixture(scope="module")
def taken(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    with databases.furnished(year_over) as url, owned(url) as store:
        kept = year_kept(store, tmp_path_factory.mktemp("town"))
        material = gather(store, kept.registry, kept.pack, (), (), YEAR, closed=True)
        rows = store.kpi_rows(scope_kind="city", horizon="year", year=YEAR)
    return Taken(material, tuple(rows))


@pytest.fixture(scope="module")
def material(taken: Taken) -> Material:
    return taken.material
