"""What goes into the store and what comes out of it, as frozen records of columns.

Knows shapes and units; knows neither SQL nor the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from devices import PAYLOAD_BYTES_MAX
from devices.batch import ObservationBatch
from devices.series import TIME_MIN_US
from engine.cells import Cells, Grid
from engine.spans import Keys, Spans

NO_TICKS = -(2**63)
"""In a column of ticks: there is no value. Null in the database."""
NONE = -1
"""In a column of drivers: there is none. Null in the database."""


class Outcome(IntEnum):
    """What became of one reading given to `append`."""

    ACCEPTED = 0
    """Stored as a new observation."""
    DUPLICATE = 1
    """Its series has this time already, with the same ticks."""
    CONFLICT = 2
    """Its series has this time already, with other ticks; the first stays, this one is in quarantine."""


class QuarantineRow(NamedTuple):
    """Readings that do not become observations, and why.

    Text may hold anything: what PostgreSQL cannot store is written as an escape, and too much is cut.
    """

    received_us: int
    """When the message arrived."""
    reason: str
    """One of `devices.REASONS`."""
    topic: str | bytes
    device: str
    """Code of the device; empty where unknown."""
    detail: str
    readings: int
    """Readings this row accounts for; at least 1."""
    payload: bytes
    payload_bytes: int = -1
    """Size of the payload as it came; -1: the size of `payload`."""


@dataclass(frozen=True, slots=True)
class Append:
    """What one commit of a gateway stores.

    Attributes:
        key: a new one for every commit; the same one when the same commit is tried again.
        batch: admitted readings in order of arrival, which decides which of two twins is first.
        messages: messages that this settles.
        refused: what was not admitted.
        conflict_row: given a position in `batch` and the ticks that stand instead, the row for quarantine. Its
            `readings` must be 1.
        mark_us: times before this are settled in the engine: accepted readings there are noted as to be restated.
        client: client id of the gateway at the broker.
        partition: whose series these are.
        replayed: quarantine rows that leave, because their messages are in this commit once more.
    """

    key: UUID
    batch: ObservationBatch
    messages: int
    refused: Sequence[QuarantineRow]
    conflict_row: Callable[[int, int], QuarantineRow]
    mark_us: int = TIME_MIN_US
    client: str = ""
    partition: int = 0
    replayed: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Appended:
    """What a commit did.

    Attributes:
        commit_id: its number in the ledger.
        outcome: int8, one `Outcome` per row of the batch.
        accepted, duplicate, conflict: how many of each.
        refused: readings of the refused rows.
        restated: pairs of series and hour noted as to be restated.
        looked_up: readings that were not newer than all of their series.
        trimmed: quarantine rows that left to make room.
        replayed: readings of the quarantine rows that left to be taken up again.
        redone: the high-water mark of a series was behind the table (another gateway wrote), and the commit was
            done again by looking up every reading.
    """

    commit_id: int
    outcome: NDArray[np.int8]
    accepted: int
    duplicate: int
    conflict: int
    refused: int
    restated: int
    looked_up: int
    trimmed: int
    replayed: int
    redone: bool


@dataclass(frozen=True, slots=True)
class CellRows:
    """Cells of one grid with what coverage and revision need; columns of one length.

    Attributes:
        cells: absolute figures, at most one row per slot and start.
        expected: int64, observations the interval promises.
        closed: bool, whether the watermark and the allowed lateness have passed the end.
    """

    cells: Cells
    expected: NDArray[np.int64]
    closed: NDArray[np.bool_]

    def take(self, index: NDArray[np.intp]) -> CellRows:
        """Return the rows named by positions."""
        columns = (getattr(self.cells, one.name)[index] for one in fields(self.cells))
        return CellRows(Cells(*columns), self.expected[index], self.closed[index])


@dataclass(frozen=True, slots=True)
class StoredCells:
    """Cells as they are stored, sorted by slot and start.

    Attributes:
        cells: absolute figures.
        expected: int64.
        revision: int32, 0 while open.
    """

    cells: Cells
    expected: NDArray[np.int64]
    revision: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class ValueRows:
    """Results of indicators, as columns of one length; at most one row per indicator, scope and start.

    Attributes:
        indicator_id, scope_id: int32, as `register` returned them.
        start_us: int64, start of the window.
        ticks: int64; NO_TICKS where the rules give no value.
        band: int16, number of the band, 1 for the lowest; 0 for none.
        driver: int32, measurand id as `register` returned it; NONE for none.
        received, expected: int64, observations.
        closed: bool.
    """

    indicator_id: NDArray[np.int32]
    scope_id: NDArray[np.int32]
    start_us: NDArray[np.int64]
    ticks: NDArray[np.int64]
    band: NDArray[np.int16]
    driver: NDArray[np.int32]
    received: NDArray[np.int64]
    expected: NDArray[np.int64]
    closed: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.start_us.size)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> ValueRows:
        """Return the rows named by positions or by a mask."""
        return ValueRows(*(getattr(self, one.name)[index] for one in fields(self)))


class CounterEvent(NamedTuple):
    """A fall of a counter and what the engine took it for."""

    slot: int
    time_us: int
    """Of the first reading after the fall."""
    kind: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Flush:
    """What the engine writes in one transaction.

    Attributes:
        cells: per grid.
        values: results of indicators.
        close: per grid, from (included) and to (excluded): windows that start there, and the results for them, are
            closed now, whether or not they are among the rows. Only hours and days have results.
        events: counter events.
        decided: every counter event inside these spans is replaced by those of `events`.
        mark_us: new mark of the checkpoint; None leaves it.
        through_commit: every commit up to this one is contained in what is written; pending restatements up to it
            are done. None leaves them.
        computed_us: when the figures were computed.
        reason: why closed results change, for `indicator_revision`.
        partition: whose series these are.
        gone, values_gone: cells, and results by their keys, that should not exist; they are removed before anything
            else is written. Removed results of closed windows move to `indicator_revision`.
        to_judge: hours whose flags are to be looked at, once these rows stand.
        weighed: changes of what is excluded (see `quality.Changed`) whose figures are among these rows.
    """

    computed_us: int
    cells: Mapping[Grid, CellRows] = field(default_factory=dict)
    values: ValueRows | None = None
    close: Mapping[Grid, tuple[int, int]] = field(default_factory=dict)
    events: Sequence[CounterEvent] = ()
    decided: Spans | None = None
    mark_us: int | None = None
    through_commit: int | None = None
    reason: str = "late data"
    partition: int = 0
    gone: Mapping[Grid, Keys] = field(default_factory=dict)
    values_gone: ValueRows | None = None
    to_judge: Keys | None = None
    weighed: NDArray[np.int64] | None = None


class Flushed(NamedTuple):
    """How many rows a flush changed; rows that stood so already are not counted."""

    cells: int
    values: int
    superseded: int
    """Closed results that were replaced and moved to `indicator_revision`."""


class Extent(NamedTuple):
    """Between which times anything may be stored."""

    from_us: int
    to_us: int
    minutes_from_us: int
    """Older minute buckets are not kept any more; `TIME_MIN_US` where all are."""


class Checkpoint(NamedTuple):
    """How far the engine's written figures reach."""

    mark_us: int
    commit_id: int


@dataclass(frozen=True, slots=True)
class Pending:
    """Hours behind the mark that late readings changed, not yet restated; columns of one length, by commit.

    Attributes:
        commit_id: int64.
        slot: int32; NONE for a series that is no longer registered.
        hour_us: int64, start of the UTC hour.
    """

    commit_id: NDArray[np.int64]
    slot: NDArray[np.int32]
    hour_us: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.slot.size)


@dataclass(frozen=True, slots=True)
class Registered:
    """The store's lasting ids for what a registry and a list of indicators name by position.

    Attributes:
        series_id: int32 by slot.
        measurand_id: int32 by position in the catalogue.
        indicator_id: int32 by position in the list given.
        city_scope: scope id of the city.
        zone_scope: int32 by position in the city's zones.
        station_scope: int32 by position in the registry's devices.
    """

    series_id: NDArray[np.int32]
    measurand_id: NDArray[np.int32]
    indicator_id: NDArray[np.int32]
    city_scope: int
    zone_scope: NDArray[np.int32]
    station_scope: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """Where the store stops.

    Attributes:
        rows_max: readings of one commit, and rows of one column set of a flush; more is refused.
        quarantine_rows_max: rows the quarantine holds; the oldest leave, and the ledger counts them.
        silence_rows_max: silences that are kept; the oldest leave, and `listening.trimmed` counts them.
        payload_bytes_max: bytes of a payload that are kept. Whoever brings it may keep less, so this is no bound of its
            own: a gateway's setting would have no effect beyond it.
        text_chars_max: characters of topic, device and detail that are kept.
    """

    rows_max: int = 2_000_000
    quarantine_rows_max: int = 1_000_000
    silence_rows_max: int = 1_000_000
    payload_bytes_max: int = PAYLOAD_BYTES_MAX
    text_chars_max: int = 1_000
