"""The store: everything that is kept, in TimescaleDB. The only place with SQL and the database driver."""

from engine.spans import LastReadings, Spans
from engine.store.append import Appender
from engine.store.errors import (
    CatalogueRefused,
    NotOwned,
    OwnedByAnother,
    SchemaOutdated,
    StoreError,
    StoreUnavailable,
)
from engine.store.migrate import SchemaState, check_schema, migrate, schema_state
from engine.store.records import (
    NO_TICKS,
    NONE,
    Append,
    Appended,
    CellRows,
    Checkpoint,
    CounterEvent,
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
    LedgerRow,
    LedgerSummary,
    ObservationRow,
    PeriodFigure,
    QuarantineEntry,
)
from engine.store.session import Duty
from engine.store.store import STATEMENT_MS_MAX, Store
from engine.store.tables import FORMS, TableForm

__all__ = [
    "FORMS",
    "NONE",
    "NO_TICKS",
    "STATEMENT_MS_MAX",
    "Append",
    "Appended",
    "Appender",
    "CatalogueRefused",
    "CellRows",
    "Checkpoint",
    "CounterEvent",
    "DeviceAccount",
    "DeviceRow",
    "Duty",
    "Flush",
    "Flushed",
    "IndicatorReading",
    "LastReadings",
    "LedgerRow",
    "LedgerSummary",
    "NotOwned",
    "ObservationRow",
    "Outcome",
    "OwnedByAnother",
    "Pending",
    "PeriodFigure",
    "QuarantineEntry",
    "QuarantineRow",
    "Registered",
    "SchemaOutdated",
    "SchemaState",
    "Spans",
    "Store",
    "StoreError",
    "StoreLimits",
    "StoreUnavailable",
    "StoredCells",
    "TableForm",
    "ValueRows",
    "check_schema",
    "migrate",
    "schema_state",
]
