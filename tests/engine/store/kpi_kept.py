"""A store with an engine and the keeper of its KPIs, all in one thread, over the town that is worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from devices import ObservationBatch, Registry
from engine.calendar import Calendar
from engine.kpi import DeclaredValue, Pack, shipped
from engine.kpi_book import KpiBook
from engine.kpi_keeper import KpiKeeper
from engine.store import KpiReading, Store
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
        self.live = Live(self.store, self.registry, self.until_us)
        self.start()

    def start(self) -> KpiKeeper:
        """Begin anew, as after a restart."""
        registered = self.store.register(self.registry)
        self.book = book = KpiBook(self.store, self.registry, registered, self.pack, LATENESS_US, self.declared)
        self.keeper = KpiKeeper(
            self.store, book, clock_us=lambda: self.until_us, until_us=lambda: self.until_us, every_s=60.0
        )  # fmt: skip
        self.live._worker._written = self.keeper.changes.note
        return self.keeper

    def take(self, batch: ObservationBatch) -> None:
        """Store and compute."""
        self.live.take(batch)
        self.look()

    def look(self) -> None:
        """Bring the figures up to date; it must not fail."""
        self.keeper.look()
        assert self.keeper.status()["error"] == ""

    def year(self, key: str, scope_kind: str = "city", year: int = YEAR) -> KpiReading:
        """The one annual figure of a data point."""
        (found,) = self.store.kpi_rows(data_point=key, scope_kind=scope_kind, horizon="year", year=year)
        return found

    def all(self) -> dict[tuple[str, str, int, str], KpiReading]:
        """Every figure."""
        return {(r.data_point, r.horizon, r.year, r.scope): r for r in self.store.kpi_rows()}


def year_kept(store: Store, folder: Path, pack: Pack | None = None) -> Kept:
    """Return the town with its year over and closed; `folder` is for its own device models, `pack` its catalogue."""
    registry = kpi_town(folder)
    calendar = Calendar(registry.city.zone_info)
    made = Kept(store, registry, calendar.year_bounds(YEAR)[1] + 3 * HOUR_US, pack or shipped())
    made.take(year_of_readings(registry))
    return made
