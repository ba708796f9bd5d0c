"""The store as its users see it: one object per thread, over one connection.

Knows which part does what; holds no SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from devices import Registry, SeriesTable
from devices.batch import ObservationBatch
from devices.series import TIME_MIN_US
from engine.cells import Cells, Grid
from engine.quality import Flags
from engine.spans import LastReadings, Spans
from engine.store import (
    drift,
    finding_log,
    health,
    kpi_scores,
    kpi_writer,
    kpis,
    newest,
    plain,
    quality,
    readings,
    registration,
    reports,
    results,
    tables,
    watch,
    windows,
)
from engine.store.accounts import Accountant
from engine.store.append import Appender
from engine.store.archive import ArchiveDesk
from engine.store.binary import Timestamp
from engine.store.errors import StoreError
from engine.store.opening import Opened, opened
from engine.store.records import (
    Append,
    Appended,
    Checkpoint,
    CounterEvent,
    Extent,
    Flush,
    Flushed,
    Pending,
    Registered,
    StoredCells,
    StoreLimits,
    ValueRows,
)
from engine.store.registration import IndicatorLike
from engine.store.session import Duty, Session, no_step
from engine.store.slots import Slots

STATEMENT_MS_MAX = 60_000
_FETCH_SERIES = 2_000


class Store(Opened):
    """A connection to a migrated database. Not for several threads at once: each opens its own.

    Every method raises StoreUnavailable when the server is away or the connection broke (then: `reconnect`, `own`
    again, and the same call again; every write is idempotent) and StoreError when trying again would not help.
    """

    def __init__(self, session: Session, limits: StoreLimits) -> None:
        """Wrap a session; use `connect`."""
        super().__init__(session)
        self._limits = limits
        self._registered: Registered | None = None
        self._slots: Slots | None = None
        self._accountant: Accountant | None = None
        self._appender: Appender | None = None

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        application_name: str = "cityvitals",
        statement_timeout_ms: int = STATEMENT_MS_MAX,
        limits: StoreLimits | None = None,
        step: Callable[[str], None] = no_step,
    ) -> Store:
        """Return a store on a database whose schema is up to date.

        Args:
            url: `postgresql://user:password@host:port/database`, or anything libpq takes.
            application_name: how this process is named to others, for example when it owns what they want.
            statement_timeout_ms: a statement that takes longer is given up as StoreUnavailable.
            limits: where the store stops.
            step: for tests; called with a name wherever a crash would be interesting.

        Raises:
            SchemaOutdated: the database's tables are of another version.
            StoreUnavailable, StoreError
        """

        def make(session: Session) -> Store:
            return cls(session, limits or StoreLimits())

        return opened(url, application_name, statement_timeout_ms, make, step)

    def reconnect(self) -> None:
        """Replace the connection. What was registered is kept, what was owned has to be owned again.

        Raises:
            StoreUnavailable: the server is still away; wait and call again.
        """
        self._session.reconnect()

    @property
    def pid(self) -> int:
        """The server's process that serves this store."""
        return self._session.pid

    def own(self, partition: int = 0, duty: Duty = Duty.APPEND) -> None:
        """Take the sole right to append to a partition's series, or to flush their figures, until the connection ends.

        A former connection of this very object that the server still holds for alive is ended first.

        Raises:
            OwnedByAnother: naming who, since when.
        """
        self._session.own(partition, duty)

    def register(
        self, registry: Registry, indicators: Sequence[IndicatorLike] = (), *, keep: bool = True
    ) -> Registered:
        """Make the database know a city's devices and the indicators, and return the ids; they never change.

        Without `keep` nothing is changed: for those who only read and compare.

        Raises:
            CatalogueRefused: the database holds another city, or stored values would change their meaning.
        """
        registered = registration.register(self._session, registry, indicators, keep=keep)
        self.adopt(registry, registered)
        return registered

    def adopt(self, registry: Registry, registered: Registered) -> None:
        """Take the ids that another store of this process got by registering the same registry in the same database.

        Raises:
            StoreError: they are not this registry's.
        """
        if registered.series_id.size != registry.slot_count():
            raise StoreError(f"{registered.series_id.size} ids for {registry.slot_count()} series: register first")
        self._registered, self._slots = registered, Slots(registered.series_id)
        self._accountant = Accountant(registry)
        self._appender = None

    @property
    def slots(self) -> Slots:
        """The registered series.

        Raises:
            StoreError: nothing was registered with this object yet.
        """
        if self._slots is None:
            raise StoreError("call register() before using slots")
        return self._slots

    @property
    def archive(self) -> ArchiveDesk:
        """Reading observations for an archive, and letting them go; see `archive`."""
        return ArchiveDesk(self._session)

    # Writing

    def append(self, wanted: Append) -> Appended:
        """Store one commit of a gateway in one transaction; see `append.Appender.append`.

        Raises:
            NotOwned: own(partition) was not called on this connection.
        """
        if self._appender is None:
            high_us = self.last_readings().time_us.copy()
            assert self._accountant is not None  # noqa: S101  (set with the slots, which `last_readings` asked for)
            self._appender = Appender(self._session, self.slots, self._accountant, self._limits, high_us)
        return self._appender.append(wanted)

    def flush(self, wanted: Flush) -> Flushed:
        """Write what the engine computed, all in one transaction. Writing the same again changes nothing.

        A row's revision is 0 while it is open and 1 when it closes, and rises by one with every later change of its
        figures. A closed row never opens again. Replaced results of closed windows move to `indicator_revision`.

        Raises:
            NotOwned: own(partition, Duty.FLUSH) was not called on this connection.
        """
        session, slots = self._session, self.slots
        session.require(wanted.partition, Duty.FLUSH)
        self._check(wanted)
        cells = values = superseded = 0
        with session.transaction():
            for grid, keys in wanted.gone.items():
                cells += windows.remove_cells(session, slots, grid, keys)
            if wanted.values_gone is not None:
                superseded = results.remove_values(session, wanted.values_gone, wanted.computed_us, wanted.reason)
            for grid, rows in wanted.cells.items():
                cells += windows.write_cells(session, slots, grid, rows)
            session.step("cells written")
            if wanted.values is not None:
                values, replaced = results.write_values(session, wanted.values, wanted.computed_us, wanted.reason)
                superseded += replaced
            session.step("values written")
            if wanted.to_judge is not None:
                quality.add_due(session, slots, wanted.to_judge)
            if wanted.weighed is not None:
                session.run("quality_changed_done", {"changes": wanted.weighed.tolist()})
            for grid, (from_us, to_us) in wanted.close.items():
                windows.close(session, grid, from_us, to_us)
            windows.write_events(session, slots, wanted.events, wanted.decided, wanted.computed_us)
            if wanted.through_commit is not None:
                session.run("flush_pending", {"partition": wanted.partition, "through": wanted.through_commit})
            if wanted.mark_us is not None:
                mark = {"mark": Timestamp(wanted.mark_us), "through": wanted.through_commit or 0}
                session.run("flush_checkpoint", {"partition": wanted.partition, **mark})
            session.run("notify_written")
            session.step("marked")
        session.step("flushed")
        return Flushed(cells, values, superseded)

    def _check(self, wanted: Flush) -> None:
        sizes = [len(rows.cells) for rows in wanted.cells.values()]
        sizes.append(0 if wanted.values is None else len(wanted.values))
        if max(sizes) > self._limits.rows_max:
            raise StoreError(f"a flush of {max(sizes)} rows; at most {self._limits.rows_max}: split it")

    def newest_kept(self) -> LastReadings:
        """Return by slot the newest observation as it is kept beside the log; see `newest`."""
        return readings.kept_beside(self._session, self.slots)

    def rebuild_newest(self, partition: int = 0) -> None:
        """Make what is kept of the newest observations anew from the log; see `newest`."""
        newest.rebuild(self._session, partition)

    def fold_ledger(self, before_us: int, *, partition: int = 0, rows_max: int = 10_000) -> int:
        """Fold a partition's commits older than a time into one row a day; the account stays the same.

        Looks at the oldest `rows_max` rows and returns how many of them it folded: as many mean that there may be more.
        The newest commit always stays, for its number is where a restart goes on.
        """
        params = {"before": Timestamp(before_us), "partition": partition, "rows": rows_max}
        ((folded,),) = self._session.rows("ledger_fold", params)
        return int(folded)

    def forget_minutes(self, before_us: int) -> int:
        """Drop minute buckets whose whole chunk is older than a time, and return how many chunks."""
        return self._dropped("forget_minutes", before_us)

    def forget_seen(self, before_us: int) -> int:
        """Drop provisional results whose whole chunk was replaced before a time, and return how many chunks."""
        return self._dropped("forget_seen", before_us)

    def _dropped(self, query: str, before_us: int) -> int:
        with self._session.transaction():
            self._session.run("lock_at_once")
            ((dropped,),) = self._session.rows(query, {"before": Timestamp(before_us)})
        return int(dropped)

    # Reading for the engine, by slot

    def last_readings(self) -> LastReadings:
        """Return by slot time and ticks of the newest observation."""
        return readings.last_readings(self._session, self.slots)

    def kept_from_us(self) -> NDArray[np.int64] | None:
        """Return by slot from when on late readings can be taken; None where no observations left for an archive."""
        return readings.kept_from_us(self._session, self.slots)

    def first_time_us(self) -> int | None:
        """Return the time of the oldest observation, or None when there is none."""
        return readings.first_time_us(self._session)

    def observations_between(self, from_us: int, to_us: int) -> ObservationBatch:
        """Return the registered series' observations of a stretch of time, sorted by slot and time."""
        return readings.observations_between(self._session, self.slots, from_us, to_us)

    def observations(self, spans: Spans, *, neighbours: bool = False) -> ObservationBatch:
        """Return the observations of spans of single series, sorted by slot and time, none twice.

        With `neighbours` also the last one before each span and the first one at or after its end.
        """
        return readings.observations_of(self._session, self.slots, spans, neighbours)

    def load_cells_between(self, grid: Grid, from_us: int, to_us: int) -> StoredCells:
        """Return the stored cells that start in a stretch of time, sorted by slot and start."""
        return windows.load_cells_between(self._session, self.slots, grid, from_us, to_us, _FETCH_SERIES)

    def load_cells(self, grid: Grid, slot: NDArray[np.int32], start_us: NDArray[np.int64]) -> StoredCells:
        """Return those of the given cells that are stored, sorted by slot and start."""
        return windows.load_cells_at(self._session, self.slots, grid, slot, start_us)

    def load_cells_of(self, grid: Grid, among: NDArray[np.int32], from_us: int, to_us: int) -> StoredCells:
        """Return the stored cells of some slots that start in a stretch of time, sorted by slot and start."""
        return windows.load_cells_of(self._session, self.slots, grid, among, from_us, to_us)

    def load_values_between(self, from_us: int, to_us: int) -> ValueRows:
        """Return the stored results of windows that start in a stretch of time."""
        return results.load_values_between(self._session, from_us, to_us)

    def load_events_between(self, from_us: int, to_us: int) -> list[CounterEvent]:
        """Return the stored counter events of a stretch of time."""
        return windows.load_events_between(self._session, self.slots, from_us, to_us)

    def extent(self) -> Extent | None:
        """Return between which times anything may be stored; None where nothing is."""
        return windows.extent(self._session)

    def last_commit(self, partition: int = 0) -> int:
        """Return the number of a partition's newest commit, which is never folded; 0 before the first."""
        ((commit_id,),) = self._session.rows("last_commit", {"partition": partition})
        return int(commit_id)

    def committed(self, key: UUID) -> bool:
        """Say whether the ledger has a commit of this key; folded ones have lost theirs."""
        return bool(self._session.rows("ledger_find", {"key": key}))

    def checkpoint(self, partition: int = 0) -> Checkpoint | None:
        """Return how far the written figures reach; None before the first flush with a mark."""
        return windows.read_checkpoint(self._session, partition)

    def pending(self, partition: int = 0) -> Pending:
        """Return the hours behind the mark that late readings changed and that wait to be restated."""
        return windows.read_pending(self._session, self.slots, partition)

    # Silence; see `watch` and, for people, `health`

    def write_watch(self, wanted: watch.Watched) -> int:
        """Write what the engine knows of silence, in one transaction; return how many old silences left.

        Raises:
            NotOwned: own(partition, Duty.FLUSH) was not called on this connection.
        """
        self._session.require(wanted.partition, Duty.FLUSH)
        return watch.write_watch(self._session, wanted, self._limits.silence_rows_max, self._limits.text_chars_max)

    def read_watch(self, partition: int, now_us: int) -> watch.WatchState:
        """Return what the last run knew of silence, and end what this one will not find again.

        Raises:
            NotOwned: own(partition, Duty.FLUSH) was not called on this connection.
        """
        self._session.require(partition, Duty.FLUSH)
        return watch.read_watch(self._session, partition, now_us)

    def health_rows(self) -> list[health.HealthRow]:
        """Return how it stands with every listed device, the worst first."""
        return health.health_rows(self._session)

    def silence_rows(
        self, *, kind: str | None = None, lasting: bool = False, limit: int = 100
    ) -> list[health.SilenceEntry]:
        """Return silences of a kind (device, gateway, system), those that last first, then the newest."""
        return health.silence_rows(self._session, kind, lasting, limit)

    def listening(self) -> health.ListeningRow:
        """Return until when the engine listened."""
        return health.listening(self._session)

    # Flags of observations; see `quality`

    def begin_judging(self, digest: str, holding: NDArray[np.int32], partition: int = 0) -> bool:
        """Make everything due if the rules are others than last time; say whether they are. See `quality.begin`."""
        return quality.begin(self._session, self.slots, partition, digest, holding)

    def due_hours(self, limit: int) -> quality.Due:
        """Return the hours whose flags are to be looked at, those that wait the longest."""
        return quality.due(self._session, self.slots, limit)

    def unsettled_flags(self) -> int:
        """Return how many hours wait to be looked at, or for the figures that follow from their flags."""
        return quality.unsettled(self._session)

    def due_hours_count(self) -> int:
        """Return how many hours wait to be looked at."""
        return quality.due_count(self._session)

    def changed_hours(self, limit: int) -> quality.Changed:
        """Return the hours of which something else is excluded, and whose figures are to be computed anew."""
        return quality.changed(self._session, self.slots, limit)

    def any_flags(self) -> bool:
        """Say whether anything is flagged or left out at all."""
        return quality.any_flags(self._session)

    def flags_of(self, spans: Spans) -> Flags:
        """Return the stored flags of spans, by slot, time and rule."""
        return quality.flags_of(self._session, self.slots, spans)

    def excluded_between(self, among: NDArray[np.int32], from_us: int, to_us: int) -> Cells:
        """Return what is left out of the hours of some slots; low and high are of what is left."""
        return quality.excluded_between(self._session, self.slots, among, from_us, to_us)

    def write_judged(self, found: quality.Judged) -> None:
        """Write what a look at some hours found, in one transaction."""
        quality.write(self._session, self.slots, found)

    def flag_counts(self) -> list[quality.FlagCount]:
        """Return how many flags every series has by rule."""
        return quality.counts(self._session)

    # Figures of KPIs; see `kpis`

    def one_kpi_writer(self) -> AbstractContextManager[kpi_writer.KpiWriter]:
        """Let nobody else write about KPIs within a block, which is one transaction."""
        return kpi_writer.one_writer(self._session)

    def kpi_sums(self, among: NDArray[np.int32], low_us: int, middle_us: int, high_us: int) -> dict[int, kpis.KpiSums]:
        """Return by slot the merged whole days from low to middle, and whole hours from there to high."""
        return kpis.sums(self._session, self.slots, among, low_us, middle_us, high_us)

    def kpi_sums_at(
        self, among: NDArray[np.int32], low_us: int, high_us: int, hours: kpis.ChosenHours
    ) -> dict[int, kpis.KpiSums]:
        """Return by slot the chosen hours of a stretch of time, merged."""
        return kpis.sums_at(self._session, self.slots, among, low_us, high_us, hours)

    def kpi_day_cells(self, among: NDArray[np.int32], low_us: int, high_us: int, hours: kpis.ChosenHours) -> Cells:
        """Return by slot and civil day what `kpi_sums_at` adds up."""
        return kpis.day_cells(self._session, self.slots, among, low_us, high_us, hours)

    def kpi_heard(self, low_us: int, high_us: int) -> dict[int, int]:
        """Return by slot the start of the last day with a reading, of days that start in a stretch of time."""
        return kpis.heard(self._session, self.slots, low_us, high_us)

    def kpi_rows(
        self,
        *,
        data_point: str | None = None,
        scope_kind: str | None = None,
        scope: str | None = None,
        horizon: str | None = None,
        year: int | None = None,
    ) -> list[kpis.KpiReading]:
        """Return figures of KPIs as they stand, by data point, scope, horizon and year."""
        return kpis.read(self._session, data_point, scope_kind, scope, horizon, year)

    def kpi_revisions(self, data_point: str, scope_kind: str, scope: str, year: int) -> list[kpis.KpiRevision]:
        """Return the replaced figures of one year, the oldest first."""
        return kpis.revisions(self._session, data_point, scope_kind, scope, year)

    def kpi_score_rows(self, data_point: str | None = None) -> list[kpi_scores.KpiScoreReading]:
        """Return scores of figures as they stand, by data point, scope, horizon and year."""
        return kpi_scores.read(self._session, data_point)

    def kpi_score_revisions(
        self, data_point: str, scope_kind: str, scope: str, year: int, *, declared: bool = False
    ) -> list[kpi_scores.KpiScoreRevision]:
        """Return the replaced scores of one year, the oldest first: of what is declared, or of what is measured."""
        return kpi_scores.revisions(self._session, data_point, scope_kind, scope, year, declared=declared)

    def kpi_findings(self, horizon: str, year: int = 0) -> list[finding_log.FindingReading]:
        """Return the findings of a period, those that stand first."""
        return finding_log.read(self._session, horizon, year)

    # Reading for people; see `reports`

    def city(self) -> str | None:
        """Return the code of the city whose observations these are; None before anything was registered."""
        return next((code for code, _ in self._session.rows("city_stored")), None)

    def city_time_zone(self) -> str | None:
        """Return the name of that city's time zone; None before anything was registered."""
        return next((zone for _, zone in self._session.rows("city_stored")), None)

    def latest_indicators(
        self, scope_kinds: Sequence[str] = ("city", "zone"), since_us: int = TIME_MIN_US
    ) -> list[reports.IndicatorReading]:
        """Return the newest result of every listed indicator and scope of these kinds."""
        return reports.latest_indicators(self._session, scope_kinds, since_us)

    def indicator_history(
        self,
        from_us: int = TIME_MIN_US,
        to_us: int = reports.TIME_END_US,
        *,
        indicator: str | None = None,
        window: str | None = None,
        scope_kind: str | None = None,
        scope: str | None = None,
    ) -> list[reports.IndicatorReading]:
        """Return results of windows that start in a stretch of time, by indicator, window, scope and start."""
        return reports.indicator_history(self._session, from_us, to_us, indicator, window, scope_kind, scope)

    def indicator_revisions(
        self,
        from_us: int = TIME_MIN_US,
        to_us: int = reports.TIME_END_US,
        *,
        indicator: str | None = None,
        window: str | None = None,
        scope_kind: str | None = None,
        scope: str | None = None,
    ) -> list[reports.IndicatorRevision]:
        """Return replaced results of closed windows that start in a stretch of time, in the order of the history."""
        return reports.indicator_revisions(self._session, from_us, to_us, indicator, window, scope_kind, scope)

    def known_at(
        self,
        known_us: int,
        from_us: int = TIME_MIN_US,
        to_us: int = reports.TIME_END_US,
        *,
        indicator: str | None = None,
        window: str | None = None,
        scope_kind: str | None = None,
        scope: str | None = None,
    ) -> list[reports.IndicatorReading]:
        """Return results as they were known at a time; see `reports.known_at`."""
        return reports.known_at(self._session, known_us, from_us, to_us, indicator, window, scope_kind, scope)

    def observation_rows(
        self,
        from_us: int = TIME_MIN_US,
        to_us: int = reports.TIME_END_US,
        *,
        device: str | None = None,
        measurand: str | None = None,
        limit: int = 100,
    ) -> list[reports.ObservationRow]:
        """Return the newest observations of a stretch of time, newest first."""
        return reports.observation_rows(self._session, from_us, to_us, device, measurand, limit)

    def quarantine_rows(
        self, *, reason: str | None = None, device: str | None = None, limit: int = 100
    ) -> list[reports.QuarantineEntry]:
        """Return rows of the quarantine, newest first."""
        return reports.quarantine_rows(self._session, reason, device, limit)

    def quarantine_after(self, after: int, through: int, limit: int) -> list[reports.QuarantineEntry]:
        """Return the next rows of the quarantine above an id, oldest first."""
        return reports.quarantine_after(self._session, after, through, limit)

    def quarantine_last(self) -> int:
        """Return the id of the newest row of the quarantine; 0 where it is empty."""
        return reports.quarantine_last(self._session)

    def drift_rows(self, since_us: int) -> list[drift.DriftRow]:
        """Return where devices say something else than their models expect; see `drift`."""
        return drift.drift_rows(self._session, since_us)

    def quarantine_counts(self) -> Mapping[str, int]:
        """Return readings in the quarantine by reason, most first."""
        return reports.quarantine_counts(self._session)

    def ledger_rows(self, limit: int = 100) -> list[reports.LedgerRow]:
        """Return commits, newest first."""
        return reports.ledger_rows(self._session, limit)

    def ledger_summary(self) -> reports.LedgerSummary:
        """Return the whole account."""
        return reports.ledger_summary(self._session)

    def ledger_devices(self) -> list[reports.DeviceAccount]:
        """Return the account of every device that was heard, by code."""
        return reports.ledger_devices(self._session)

    def device_rows(self) -> list[reports.DeviceRow]:
        """Return every device with its newest reading and how many came."""
        return reports.device_rows(self._session)

    def period(
        self, grid: Grid, from_us: int = TIME_MIN_US, to_us: int = reports.TIME_END_US
    ) -> list[reports.PeriodFigure]:
        """Return every series' windows that start in a period, merged exactly."""
        return reports.period(self._session, grid, from_us, to_us)

    # Reading for comparison; see `tables`

    def one_moment(self) -> AbstractContextManager[None]:
        """Let all reading of a block see the database as it was at one moment."""
        return tables.one_moment(self._session)

    def table_lines(self, table: str, from_us: int = TIME_MIN_US, to_us: int = reports.TIME_END_US) -> Iterator[bytes]:
        """Give the lines of a canonical table in order; memory stays bounded."""
        return tables.lines(self._session, table, from_us, to_us)

    def plain_differences(
        self, series: SeriesTable, from_us: int, to_us: int, minutes_from_us: int
    ) -> Iterator[plain.PlainFound]:
        """Give the differences from what plain SQL makes of the observations of whole civil days."""
        return plain.compare(self._session, self.slots, series, from_us, to_us, minutes_from_us)
