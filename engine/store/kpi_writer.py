"""Who writes what is kept about KPIs: figures, scores, findings and what the city declares, nobody else meanwhile.

Knows the lock and the order of writing; the tables are known to the modules of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from engine.store import declared, finding_log, kpi_scores, kpis
from engine.store.session import LOCK_CLASS, Session


class KpiWriter:
    """What may be written within `one_writer`; every method raises StoreUnavailable and StoreError."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def figures(self, rows: Sequence[kpis.KpiRow], computed_us: int) -> kpis.KpisWritten:
        """Make the figures of the rows' periods what the rows say."""
        return kpis.write(self._session, rows, computed_us)

    def scores(self, horizon: str, year: int, rows: Sequence[kpi_scores.KpiScoreRow], computed_us: int) -> int:
        """Make the scores of a period what the rows say; return how many changed."""
        return kpi_scores.write(self._session, horizon, year, rows, computed_us)

    def findings(self, horizon: str, year: int, found: Sequence[finding_log.FindingRow], seen_us: int) -> None:
        """Make the findings of a period those that were found now."""
        finding_log.write(self._session, horizon, year, found, seen_us)

    def declare(self, rows: Sequence[declared.DeclaredRow], now_us: int) -> int:
        """Make what stands declared what the rows say; return how many were withdrawn or added."""
        return declared.write(self._session, rows, now_us)


@contextmanager
def one_writer(session: Session) -> Iterator[KpiWriter]:
    """Let nobody else write about KPIs within a block, which is one transaction.

    Raises:
        StoreUnavailable, StoreError
    """
    for stage in ("stage_kpi", "stage_kpi_score", "stage_declared"):
        session.stage(stage)
    with session.transaction():
        session.rows("kpi_lock", {"class": LOCK_CLASS})
        yield KpiWriter(session)
