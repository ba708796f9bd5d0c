"""Scores of the figures of KPIs: writing them with their revisions, and reading them.

Knows the tables of scores; knows no band, no rule and no target.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from engine.store.binary import Timestamp
from engine.store.kpis import of_year
from engine.store.session import Session


class KpiScoreRow(NamedTuple):
    """One score to be written; at most one per horizon, year, scope, data point, and whether it is declared."""

    data_point: str
    horizon: str
    year: int
    """0 for an estimate."""
    scope_id: int
    figure: str | None
    """What was scored, exactly; None where it is not scored."""
    band: int | None
    """1 to 4; None where it is not scored."""
    percent: Decimal | None
    percent_ratio: str | None
    target: str | None
    """Exactly; None where there is none, and then the next five say nothing either."""
    rule: str | None
    worst: str | None
    target_from: date | None
    official: bool | None
    source: str | None
    why_not: str
    """Why it is not scored; empty where it is."""
    closed: bool
    """Whether the year is over, its allowed lateness included; never for an estimate."""
    declared: bool = False
    """Whether what was scored rests on something that the city declares."""


class KpiScoreReading(NamedTuple):
    """One score as it stands; see `KpiScoreRow`."""

    data_point: str
    horizon: str
    year: int
    scope_kind: str
    scope: str
    figure: str | None
    band: int | None
    percent_ratio: str | None
    target: str | None
    rule: str | None
    worst: str | None
    target_from: date | None
    official: bool | None
    source: str | None
    why_not: str
    revision: int
    computed_us: int
    declared: bool
    counts: bool
    """Whether categories and dimensions add it up: what is declared stands in place of what is measured."""


class KpiScoreRevision(NamedTuple):
    """A score of a closed year that a later one replaced."""

    data_point: str
    year: int
    scope_kind: str
    scope: str
    revision: int
    figure: str | None
    band: int | None
    percent_ratio: str | None
    target: str | None
    why_not: str
    computed_us: int
    change: str
    """Why it was computed again."""
    superseded_us: int


_TYPES = (
    "text", "text", "int4", "int4", "text", "int4", "numeric", "text", "text", "text", "text", "date", "bool", "text",
    "text", "int4", "bool",
)  # fmt: skip


def write(session: Session, horizon: str, year: int, rows: Sequence[KpiScoreRow], computed_us: int) -> int:
    """Make the scores of a period what the rows say, inside `kpi_writer.one_writer`; a score that is no row is removed.

    Returns:
        How many were written; those that stood so already are not counted.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"computed": Timestamp(computed_us)}
    session.copy_rows("copy_stage_kpi_score", _TYPES, [(*row[:-2], int(row.closed), row.declared) for row in rows])
    session.run("flush_kpi_score_gone", {**params, "horizon": horizon, "year": year})
    session.run("flush_kpi_score_superseded", params)
    written = session.run("flush_kpi_score", params)
    session.run("stage_kpi_score_empty")
    return written


def read(session: Session, data_point: str | None) -> list[KpiScoreReading]:
    """Return scores as they stand, by data point, scope, horizon and year.

    Raises:
        StoreUnavailable, StoreError
    """
    return [KpiScoreReading(*row) for row in session.rows("kpi_scores", {"data_point": data_point})]


def revisions(
    session: Session, data_point: str, scope_kind: str, scope: str, year: int, *, declared: bool
) -> list[KpiScoreRevision]:
    """Return the replaced scores of one year, the oldest first: of what is declared, or of what is measured.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {**of_year(data_point, scope_kind, scope, year), "declared": declared}
    return [KpiScoreRevision(*row) for row in session.rows("kpi_score_revisions", params)]
