"""A store with an engine and the keeper of its KPIs, all in one thread, over the town that is worked out by hand."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from devices import ObservationBatch, Registry
from engine.calendar import Calendar
from engine.kpi import DeclaredValue, Pack, shipped
from engine.kpi_book import KpiBook
from engine.kpi_keeper import KpiKeeper
from engine.store import KpiReading, Store
from tests.engine.store.conftest import owned
from tests.engine.store.kpi_town import HOUR_US, YEAR, kpi_town, year_of_readings
from tests.engine.store.live import Live

LATENESS_US = 120_000_000


@dataclass
class Kept:
    """A store with an engine and the keeper of its KPIs, all in this thread."""

    store: Store
    registry: Registry
    until_us: int
    pack: Pack = field(default_factory=shipped)
    declared: tuple[DeclaredValue, ...] = ()

    def __post_init__(self) -> None:
        self.start()

    @cached_property
    def live(self) -> Live:
        """The engine. It recovers when the first reading comes: most tests only ask what is there."""
        begun = Live(self.store, self.registry, self.until_us)
        begun._worker._written = lambda hours_us, full: self.keeper.changes.note(hours_us, full)
        return begun

    def start(self) -> KpiKeeper:
        """Begin anew, as after a restart."""
        registered = self.store.register(self.registry)
        self.book = book = KpiBook(self.store, self.registry, registered, self.pack, LATENESS_US, self.declared)
        self.keeper = KpiKeeper(
            self.store, book, clock_us=lambda: self.until_us, until_us=lambda: self.until_us, every_s=60.0
        )  # fmt: skip
        return self.keeper

    def take(self, batch: ObservationBatch) -> None:
        """Store and compute."""
        self.live.take(batch)
        self.look()

    def look(self) -> None:
        """Bring the figures up to date; it must not fail."""
        self.keeper.round()
        assert self.keeper.status()["error"] == ""

    def year(self, key: str, scope_kind: str = "city", year: int = YEAR) -> KpiReading:
        """The one annual figure of a data point."""
        (found,) = self.store.kpi_rows(data_point=key, scope_kind=scope_kind, horizon="year", year=year)
        return found

    def all(self) -> dict[tuple[str, str, int, str], KpiReading]:
        """Every figure."""
        return {(r.data_point, r.horizon, r.year, r.scope): r for r in self.store.kpi_rows()}


def year_kept(store: Store, folder: Path, pack: Pack | None = None) -> Kept:
    """Return the town whose year is over and closed in this store; `folder` is for its own device models."""
    registry = kpi_town(folder)
    calendar = Calendar(registry.city.zone_info)
    return Kept(store, registry, calendar.year_bounds(YEAR)[1] + 3 * HOUR_US, pack or shipped())


def year_over(url: str, pack: Pack | None = None) -> None:
    """Fill a migrated database with the town's year and its figures, by the definitions of `pack`."""
    with tempfile.TemporaryDirectory() as folder, owned(url) as store:
        kept = year_kept(store, Path(folder), pack)
        kept.take(year_of_readings(kept.registry))
