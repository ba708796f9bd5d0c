"""Figures of KPIs: exact sums to compute them from, writing them with their revisions, and reading them.

Knows the tables of windows and of figures; knows no formula and no catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cells import Cells
from engine.store.binary import Timestamp
from engine.store.records import NONE
from engine.store.session import Session
from engine.store.slots import Slots
from engine.store.windows import stored_cells


class KpiSums(NamedTuple):
    """The cells of one series over a period, merged exactly; see `engine.cells` for what the sums of each kind are."""

    readings: int
    low: int
    high: int
    sums: tuple[int, int, int, int]


class ChosenHours(NamedTuple):
    """Which hours of a city's clock are added up."""

    zone: str
    """Whose clock."""
    hours: Sequence[int]
    """0 to 23."""
    weekdays: Sequence[int]
    """1 (Monday) to 7."""
    percent_min: int
    """Least share of the readings promised that an hour must have, what is excluded left out."""
    promised: NDArray[np.int64]
    """How many each slot has in an hour, aligned with the slots asked for; 0 where no hour need have one."""


class KpiRow(NamedTuple):
    """One figure to be written; at most one per horizon, year, scope and data point."""

    data_point: str
    horizon: str
    year: int
    """0 for an estimate."""
    scope_id: int
    start_us: int
    end_us: int
    unit: str
    value: Decimal | None
    effective: Decimal | None
    ratio: str | None
    numerator: str | None
    denominator: str | None
    reason: str
    """Why there is no value; empty where there is one."""
    received: int
    expected: int
    validity: str | None
    definition: str
    facts: str
    inputs: Sequence[Mapping[str, object]]
    """What it rests on, as JSON has it."""
    closed: bool
    """Whether the year is over, its allowed lateness included; never for an estimate."""
    low_ratio: str | None = None
    """The least and the most it can be, exactly; None where nothing can be said."""
    high_ratio: str | None = None


class KpisWritten(NamedTuple):
    """What a write changed; figures that stood so already are not counted."""

    values: int
    superseded: int
    """Figures of closed years that were replaced or removed, and moved to `kpi_revision`."""
    scores: int = 0
    """Scores written."""


class KpiReading(NamedTuple):
    """One figure as it stands."""

    data_point: str
    horizon: str
    year: int
    """0 for an estimate."""
    scope_kind: str
    scope: str
    start_us: int
    end_us: int
    value: Decimal | None
    unit: str
    effective: Decimal | None
    ratio: str | None
    numerator: str | None
    denominator: str | None
    reason: str
    received: int
    expected: int
    validity: str | None
    revision: int
    computed_us: int
    definition: str
    facts: str
    inputs: str
    """JSON: what it rests on."""
    low_ratio: str | None = None
    """The least and the most it can be, exactly; None where nothing can be said."""
    high_ratio: str | None = None


class KpiRevision(NamedTuple):
    """An annual figure that a later one replaced."""

    data_point: str
    year: int
    scope_kind: str
    scope: str
    revision: int
    value: Decimal | None
    ratio: str | None
    received: int
    expected: int
    validity: str | None
    reason: str
    computed_us: int
    change: str
    """Why it was computed again."""
    superseded_us: int


_TYPES = (
    "text", "text", "int4", "int4", "timestamptz", "timestamptz", "text", "numeric", "numeric", "text", "text", "text",
    "text", "int8", "int8", "text", "text", "text", "jsonb", "int4",
    "text", "text",
)  # fmt: skip


def sums(
    session: Session, slots: Slots, among: NDArray[np.int32], low_us: int, middle_us: int, high_us: int
) -> dict[int, KpiSums]:
    """Return by slot the merged cells of whole days from low to middle, and of whole hours from there to high.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"low": Timestamp(low_us), "middle": Timestamp(middle_us), "high": Timestamp(high_us)}
    return _sums(session, slots, "kpi_sums", {**params, "series": slots.series_id[among].tolist()})


def sums_at(
    session: Session, slots: Slots, among: NDArray[np.int32], low_us: int, high_us: int, hours: ChosenHours
) -> dict[int, KpiSums]:
    """Return by slot the chosen hours of a stretch of time, merged.

    Raises:
        StoreUnavailable, StoreError
    """
    return _sums(session, slots, "kpi_sums_at", _asked(slots, among, low_us, high_us, hours))


def day_cells(
    session: Session, slots: Slots, among: NDArray[np.int32], low_us: int, high_us: int, hours: ChosenHours
) -> Cells:
    """Return what `sums_at` adds up, of each civil day by itself: its start, and its chosen hours merged.

    Raises:
        StoreUnavailable, StoreError
    """
    rows = session.rows("kpi_days_at", _asked(slots, among, low_us, high_us, hours))
    return stored_cells(slots, b"".join(packed for (packed,) in rows)).cells


def _asked(slots: Slots, among: NDArray[np.int32], low_us: int, high_us: int, hours: ChosenHours) -> dict[str, object]:
    return {
        "series": slots.series_id[among].tolist(),
        "low": Timestamp(low_us),
        "high": Timestamp(high_us),
        "zone": hours.zone,
        "hours": list(hours.hours),
        "weekdays": list(hours.weekdays),
        "percent_min": hours.percent_min,
        "promised": hours.promised.tolist(),
    }


def _sums(session: Session, slots: Slots, query: str, params: Mapping[str, object]) -> dict[int, KpiSums]:
    rows = session.rows(query, params)
    of = slots.of(np.array([row[0] for row in rows], np.int32)).tolist()
    return {
        slot: KpiSums(int(readings), low, high, (int(a), int(b), int(c), int(d)))
        for slot, (_, readings, low, high, a, b, c, d) in zip(of, rows, strict=True)
    }


def heard(session: Session, slots: Slots, low_us: int, high_us: int) -> dict[int, int]:
    """Return by slot the start of the last day with a reading, of days that start in a stretch of time.

    Raises:
        StoreUnavailable, StoreError
    """
    rows = session.rows("kpi_heard", {"low": Timestamp(low_us), "high": Timestamp(high_us)})
    of = slots.of(np.array([row[0] for row in rows], np.int32)).tolist()
    return {slot: start_us for slot, (_, start_us) in zip(of, rows, strict=True) if slot != NONE}


def write(session: Session, rows: Sequence[KpiRow], computed_us: int) -> KpisWritten:
    """Make the figures of the periods among the rows what the rows say, inside `kpi_writer.one_writer`.

    A figure of these periods that is no row is removed. Writing the same again changes nothing.

    Raises:
        StoreUnavailable, StoreError
    """
    if not rows:
        return KpisWritten(0, 0)
    params = {"computed": Timestamp(computed_us)}
    session.copy_rows("copy_stage_kpi", _TYPES, [_staged(row) for row in rows])
    superseded = session.run("flush_kpi_gone", params)
    superseded += session.run("flush_kpi_superseded", params)
    session.step("kpis superseded")
    values = session.run("flush_kpi", params)
    session.run("stage_kpi_empty")
    return KpisWritten(values, superseded)


def _staged(row: KpiRow) -> tuple[object, ...]:
    *facts, inputs, closed, low, high = row
    facts[4], facts[5] = Timestamp(row.start_us), Timestamp(row.end_us)
    return (*facts, inputs, int(closed), low, high)


def read(
    session: Session,
    data_point: str | None,
    scope_kind: str | None,
    scope: str | None,
    horizon: str | None,
    year: int | None,
) -> list[KpiReading]:
    """Return figures as they stand, by data point, scope, horizon and year.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"data_point": data_point, "scope_kind": scope_kind, "scope": scope, "horizon": horizon, "year": year}
    return [KpiReading(*row) for row in session.rows("kpi_rows", params)]


def revisions(session: Session, data_point: str, scope_kind: str, scope: str, year: int) -> list[KpiRevision]:
    """Return the replaced figures of one year, the oldest first.

    Raises:
        StoreUnavailable, StoreError
    """
    return [KpiRevision(*row) for row in session.rows("kpi_revisions", of_year(data_point, scope_kind, scope, year))]


def of_year(data_point: str, scope_kind: str, scope: str, year: int) -> dict[str, object]:
    """Return the parameters of a query that asks for the revisions of one year."""
    return {"data_point": data_point, "scope_kind": scope_kind, "scope": scope, "year": year}
