"""A bundle's readings beside archived observations: they are built again from raw, and a changed one is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assessment import Material
from assessment.verify import Checked
from assessment.verify.archived import against_archive
from devices import Registry
from engine.archive import RECORD, Archive, Columns, DayFacts, Measure, SeriesName, write_day, year_digests
from engine.archive.days import OBSERVATIONS
from engine.calendar import Calendar
from engine.kpi import day_number
from tests.assessment.test_raw_days import Given
from tests.engine.store.kpi_town import year_of_readings


def archived(registry: Registry, root: Path) -> Archive:
    """Write the town's observations as an archive."""
    calendar = Calendar(registry.city.zone_info)
    names = [
        SeriesName(device.code, field.name, field.measurand)
        for device in registry.devices
        for field in registry.model_of(device).fields
    ]
    measures = tuple(Measure(m.code, m.unit, m.decimals, m.states) for m in registry.catalogue.measurands)
    given = Given(calendar, year_of_readings(registry))
    for day in given.days():
        batches = list(given.readings(day))
        columns = [
            np.concatenate([getattr(b, name) for b in batches]) for name in ("slot", "time_us", "ticks", "flags")
        ]
        facts = DayFacts(registry.city.code, registry.city.time_zone, day, measures)
        write_day(root, facts, [Columns.sorted_of(names, *columns)])
    return Archive(root, registry.city.code)


@pytest.fixture
def archive(material: Material, tmp_path: Path) -> Archive:
    return archived(material.registry, tmp_path)


def found(archive: Archive, material: Material) -> list[Checked]:
    digests = year_digests(None, archive, material.registry, material.year)
    return list(against_archive(archive, material, digests))


def test_days_of_a_database_are_built_again_from_archived_observations(archive: Archive, material: Material) -> None:
    checks = found(archive, material)
    assert [one.differ for one in checks] == [0, 0, 0, 0]
    assert all(one.compared for one in checks)


def test_a_day_of_the_bundle_that_the_observations_do_not_make_is_named(archive: Archive, material: Material) -> None:
    at = int(np.flatnonzero(material.days.count > 0)[7])
    count = material.days.count.copy()
    count[at] -= 1
    checks = found(archive, replace(material, days=replace(material.days, count=count)))
    assert [one.differ for one in checks] == [0, 0, 1, 0]


def test_of_a_damaged_archive_nothing_is_believed(archive: Archive, material: Material) -> None:
    digests = year_digests(None, archive, material.registry, material.year)
    file = archive.path(archive.days()[3], OBSERVATIONS)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    (check,) = against_archive(archive, material, digests)
    assert check.differ == 1
    assert check.differences[0].what == str(file)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    day=st.integers(0), name=st.sampled_from([OBSERVATIONS, RECORD]), at=st.integers(0, 1 << 20), bit=st.integers(0, 7)
)
def test_any_byte_of_an_archive_that_changes_is_named_with_its_file(
    archive: Archive, material: Material, day: int, name: str, at: int, bit: int
) -> None:
    days = archive.days()
    file = archive.path(days[day % len(days)], name)
    whole = file.read_bytes()
    changed = bytearray(whole)
    changed[at % len(whole)] ^= 1 << bit
    file.write_bytes(changed)
    try:
        (check,) = against_archive(archive, material, None)
        assert [one.what for one in check.differences] == [str(file)]
    finally:
        file.write_bytes(whole)


def test_a_day_that_is_gone_from_the_archive_or_is_another_days_is_named(archive: Archive, material: Material) -> None:
    digests = year_digests(None, archive, material.registry, material.year)
    lost, other = archive.days()[3], archive.days()[4]
    for name in (OBSERVATIONS, RECORD):
        archive.path(lost, name).write_bytes(archive.path(other, name).read_bytes())
    (check,) = against_archive(archive, material, digests)
    assert [str(archive.path(lost, RECORD)) == one.what for one in check.differences] == [True]
    archive.path(lost, RECORD).unlink()
    _, told, *_ = against_archive(archive, material, digests)
    of_day = int((digests.day == day_number(lost)).sum())
    assert told.differ == of_day > 0
    assert all(lost.isoformat() in f"{one.stated}{one.computed}" for one in told.differences)
