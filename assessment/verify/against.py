"""A bundle's readings beside what they were taken from: the store, or observations by themselves.

Knows days of readings, digests and windows; knows no option and no terminal. What the store has computed is not simply
believed: its windows are rebuilt from its observations as `cityvitals recompute --check` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from assessment.material import Material
from assessment.verify.compare import DIFFERENCES_MAX
from assessment.verify.verdict import Checked, Difference
from devices import Registry
from engine.archive import SHA256_BYTES, DayDigests, year_digests
from engine.calendar import Calendar
from engine.indicators import INDICATORS
from engine.kpi import DayCells, Sensed, clock_hours, reference_year
from engine.kpi.day_cells import EPOCH
from engine.kpi_days import Progress, day_cells, heard_days
from engine.recompute import Recomputation
from engine.rows import Rows, Table
from engine.store import Store
from engine.stretch import Stretches

NOT_THERE = "nothing"


def against_store(
    store: Store,
    material: Material,
    digests: DayDigests | None,
    *,
    partition: int,
    minute_days: int,
    progress: Progress = lambda _: None,
) -> Iterator[Checked]:
    """Give how a bundle's readings agree with a store, and the store's windows with its observations.

    Args:
        store: of the city; nothing is written to it.
        material: of the bundle.
        digests: of the bundle; None where it has none.
        partition, minute_days: as the engine of the store has them.
        progress: told how much is done.

    Raises:
        StoreUnavailable, StoreError
        ArchiveError: observations of the year left the database.
    """
    registry = material.registry
    calendar = Calendar(registry.city.zone_info)
    sensed, period = Sensed(material.pack, registry, calendar), reference_year(calendar, material.year)
    registered = store.register(registry, INDICATORS, keep=False)
    stored = day_cells(store, registry, sensed, period, lambda done: progress(done / 2))
    yield days_compared("days of readings, as the database has them", registry, material.days, stored)
    yield heard_compared(registry, material.heard, heard_days(store, sensed, period))
    if digests is not None:
        yield digests_compared(digests, year_digests(store, None, registry, material.year))
    stretches = Stretches(store, calendar, partition, minute_days)
    span = stretches.whole(period.start_us, stretches.written_to(period.end_us))
    differences: list[Difference] = []
    rows = found = 0
    if span is not None:
        work = Recomputation(store, registry, registered, stretches, now_us=period.end_us, mend=False)
        for step in work.run(*span, lambda done: progress((1 + done) / 2)):
            rows += sum(step.rows.values())
            found += len(step.differences)
            left = max(DIFFERENCES_MAX - len(differences), 0)
            told = islice(step.differences, left)
            differences += [Difference(table, one.found or NOT_THERE, one.wanted or NOT_THERE) for table, one in told]
    yield Checked("the database's windows, rebuilt from its observations", rows, tuple(differences), found)


def days_compared(name: str, registry: Registry, stated: DayCells, computed: DayCells) -> Checked:
    """Return how two sets of days agree; a day that holds nothing is the same as none."""
    named = _series(registry)
    clocks = tuple(dict.fromkeys((*stated.clocks, *computed.clocks)))

    def rows(cells: DayCells) -> Rows:
        position = np.array([clocks.index(clock) for clock in cells.clocks], np.int64)
        key = np.column_stack((position[cells.clock], cells.slot, cells.day))
        figures = np.column_stack((cells.count, cells.low, cells.high, cells.sums))
        held = (cells.count != 0) | (cells.sums != 0).any(axis=1)
        return Rows(key[held].astype(np.int64), figures[held])

    def line(key: NDArray[np.int64], figures: NDArray[np.int64]) -> str:
        clock = clocks[int(key[0])]
        hours = f" at {len(clock_hours(clock.hours))} hours" if clock.hours else ""
        return f"{named(int(key[1]))} on {_day(int(key[2]))}{hours}: {' '.join(map(str, figures.tolist()))}"

    return _told(Table.of(name, rows(stated), rows(computed), line), len(stated))


def heard_compared(registry: Registry, stated: Mapping[int, int], computed: Mapping[int, int]) -> Checked:
    """Return how agree on which day each series was heard last."""
    named = _series(registry)

    def rows(heard: Mapping[int, int]) -> Rows:
        return Rows(
            np.array(sorted(heard), np.int64).reshape(-1, 1),
            np.array([heard[slot] for slot in sorted(heard)], np.int64).reshape(-1, 1),
        )

    def line(key: NDArray[np.int64], figures: NDArray[np.int64]) -> str:
        return f"{named(int(key[0]))} on {_day(int(figures[0]))}"

    return _told(Table.of("last days on which devices were heard", rows(stated), rows(computed), line), len(stated))


def digests_compared(stated: DayDigests, computed: DayDigests) -> Checked:
    """Return how the digests of observations agree, by series and day."""
    series = sorted({*stated.series, *computed.series})
    number = {name: at for at, name in enumerate(series)}

    def rows(of: DayDigests) -> Rows:
        position = np.array([number[name] for name in of.series], np.int64)
        digests = np.ascontiguousarray(of.sha256).reshape(-1, SHA256_BYTES).view(np.int64)
        return Rows(np.column_stack((position[of.at], of.day)).astype(np.int64), np.column_stack((of.count, digests)))

    def line(key: NDArray[np.int64], figures: NDArray[np.int64]) -> str:
        sha256 = np.ascontiguousarray(figures[1:]).tobytes().hex()
        return f"{' '.join(series[int(key[0])])} on {_day(int(key[1]))}: {figures[0]} with SHA-256 {sha256}"

    table = Table.of("digests of the observations by series and day", rows(stated), rows(computed), line)
    return _told(table, len(stated))


def _told(table: Table, compared: int) -> Checked:
    every = table.missing.size + table.extra.size + table.wanted_other.size
    told = islice(table.differences(), DIFFERENCES_MAX)
    # The bundle is the side that was found, what came out the one that is wanted.
    differences = (Difference(table.name, one.found or NOT_THERE, one.wanted or NOT_THERE) for one in told)
    return Checked(table.name, compared, tuple(differences), every)


def _series(registry: Registry) -> Callable[[int], str]:
    """Return what names a series by its slot."""
    device_of = registry.series().device

    def named(slot: int) -> str:
        device = int(device_of[slot])
        return f"{registry.devices[device].code} {registry.field_of(slot, device).name}"

    return named


def _day(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()
