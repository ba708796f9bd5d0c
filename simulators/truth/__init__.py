"""What every table must hold in the end, computed from a city's registry and all accepted observations.

Knows registry and observations; knows nothing of the engine, whose figures it judges: every rule is written again from
its description, and another way where there is one. The end is meant: all readings in, everything settled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from devices import ObservationBatch, Registry
from simulators.truth import canonical
from simulators.truth.canonical import TABLES
from simulators.truth.cells import cells_of
from simulators.truth.city_clock import CityClock
from simulators.truth.figures import Stock
from simulators.truth.series import lines_of, series_of

DIGESTS_FILE = "digests.json"

__all__ = ["DIGESTS_FILE", "TABLES", "expected", "write"]


def expected(registry: Registry, batch: ObservationBatch) -> dict[str, list[str]]:
    """Return the lines of every canonical table, each ended by a line feed.

    Args:
        registry: of the city.
        batch: all accepted observations, each (slot, time) once, in any order.

    Raises:
        IndexError: a slot is no series of the registry.
        ValueError: a reading stands twice in the batch.
    """
    tables: dict[str, list[str]] = {table: [] for table in TABLES}
    for table, lines in _blocks(registry, batch):
        tables[table] += lines
    return tables


def write(registry: Registry, batch: ObservationBatch, directory: Path) -> dict[str, str]:
    """Write `<table>.tsv` of every canonical table and `digests.json`; return the SHA-256 of each table.

    Args:
        registry, batch: as for `expected`.
        directory: made where it does not exist; files of the same names are replaced.

    Raises:
        IndexError, ValueError: as for `expected`.
        OSError: a file cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    digests = {table: hashlib.sha256() for table in TABLES}
    with ExitStack() as closing:
        files = {table: closing.enter_context((directory / f"{table}.tsv").open("wb")) for table in TABLES}
        for table, lines in _blocks(registry, batch):
            content = "".join(lines).encode()
            files[table].write(content)
            digests[table].update(content)
    found = {table: digest.hexdigest() for table, digest in digests.items()}
    (directory / DIGESTS_FILE).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def _blocks(registry: Registry, batch: ObservationBatch) -> Iterator[tuple[str, list[str]]]:
    """Yield lines with their table's name; those of one table come in its order."""
    if not len(batch):
        return
    series = series_of(registry)
    clock = CityClock.over(registry.city.zone_info, int(batch.time_us.min()), int(batch.time_us.max()))
    stock = Stock(registry, series)
    for one, line in lines_of(series, batch):
        yield "observation", canonical.observations(one, line)
        counted = line.plausible(one.measurand)
        if not len(counted):
            continue
        found = cells_of(one, counted, clock)
        yield "bucket_minute", canonical.cells(one, found.minutes)
        yield "window_hour", canonical.cells(one, found.hours)
        yield "window_day", canonical.cells(one, found.days)
        yield "counter_event", canonical.falls(one, found.falls)
        stock.add(one, found.hours, found.days)
    for figures in stock.published(clock):
        yield "indicator_value", canonical.figures(figures)
