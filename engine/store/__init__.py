"""The store: everything that is kept, in TimescaleDB. The only place with SQL and the database driver."""

from engine.spans import LastReadings, Spans
from engine.store.access import AccessBook, AuditEntry, AuditRow, Revoked, TokenRow
from engine.store.append import Appender
from engine.store.archive import ArchiveDesk, Left, Packed, StoredSeries
from engine.store.assessments import Froze, FrozenReading, FrozenRow, SubmissionBook
from engine.store.declared import DeclaredRow
from engine.store.errors import (
    CatalogueRefused,
    NotOwned,
    OwnedByAnother,
    SchemaOutdated,
    StoreError,
    StoreUnavailable,
)
from engine.store.finding_log import FindingReading, FindingRow
from engine.store.health import HealthRow, ListeningRow, SilenceEntry
from engine.store.kpi_scores import KpiScoreReading, KpiScoreRevision, KpiScoreRow
from engine.store.kpi_writer import KpiWriter
from engine.store.kpis import ChosenHours, KpiReading, KpiRevision, KpiRow, KpiSums, KpisWritten
from engine.store.live import Account, LiveReader
from engine.store.migrate import SchemaState, check_schema, migrate, schema_state
from engine.store.quality import Changed, Due, FlagCount, Judged
from engine.store.records import (
    NO_TICKS,
    NONE,
    Append,
    Appended,
    CellRows,
    Checkpoint,
    CounterEvent,
    Extent,
    Flush,
    Flushed,
    Outcome,
    Pending,
    QuarantineRow,
    Registered,
    StoredCells,
    StoreLimits,
    ValueRows,
)
from engine.store.reports import (
    DeviceAccount,
    DeviceRow,
    IndicatorReading,
    IndicatorRevision,
    LedgerRow,
    LedgerSummary,
    ObservationRow,
    PeriodFigure,
    QuarantineEntry,
)
from engine.store.session import Duty
from engine.store.store import STATEMENT_MS_MAX, Store
from engine.store.tables import FORMS, Difference, TableForm
from engine.store.watch import NOTHING, HealthFacts, HealthRows, SilenceRow, Watched, WatchState

__all__ = [
    "FORMS",
    "NONE",
    "NOTHING",
    "NO_TICKS",
    "STATEMENT_MS_MAX",
    "AccessBook",
    "Account",
    "Append",
    "Appended",
    "Appender",
    "ArchiveDesk",
    "AuditEntry",
    "AuditRow",
    "CatalogueRefused",
    "CellRows",
    "Changed",
    "Checkpoint",
    "ChosenHours",
    "CounterEvent",
    "DeclaredRow",
    "DeviceAccount",
    "DeviceRow",
    "Difference",
    "Due",
    "Duty",
    "Extent",
    "FindingReading",
    "FindingRow",
    "FlagCount",
    "Flush",
    "Flushed",
    "Froze",
    "FrozenReading",
    "FrozenRow",
    "HealthFacts",
    "HealthRow",
    "HealthRows",
    "IndicatorReading",
    "IndicatorRevision",
    "Judged",
    "KpiReading",
    "KpiRevision",
    "KpiRow",
    "KpiScoreReading",
    "KpiScoreRevision",
    "KpiScoreRow",
    "KpiSums",
    "KpiWriter",
    "KpisWritten",
    "LastReadings",
    "LedgerRow",
    "LedgerSummary",
    "Left",
    "ListeningRow",
    "LiveReader",
    "NotOwned",
    "ObservationRow",
    "Outcome",
    "OwnedByAnother",
    "Packed",
    "Pending",
    "PeriodFigure",
    "QuarantineEntry",
    "QuarantineRow",
    "Registered",
    "Revoked",
    "SchemaOutdated",
    "SchemaState",
    "SilenceEntry",
    "SilenceRow",
    "Spans",
    "Store",
    "StoreError",
    "StoreLimits",
    "StoreUnavailable",
    "StoredCells",
    "StoredSeries",
    "SubmissionBook",
    "TableForm",
    "TokenRow",
    "ValueRows",
    "WatchState",
    "Watched",
    "check_schema",
    "migrate",
    "schema_state",
]
