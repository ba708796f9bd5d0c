"""Figures of KPIs of every scope and period together, in pages: for who takes all of them.

Knows the view of figures; knows no catalogue and no form in which they are told.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from engine.store.session import Session


class KpiKey(NamedTuple):
    """Names one figure."""

    data_point: str
    scope_kind: str
    scope: str
    horizon: str
    year: int
    """0 for an estimate."""


class KpiFact(NamedTuple):
    """One figure as it stands, without what it rests on; see `kpis.KpiReading`."""

    data_point: str
    horizon: str
    year: int
    scope_kind: str
    scope: str
    start_us: int
    end_us: int
    ratio: str | None
    reason: str
    received: int
    expected: int
    validity: str | None
    revision: int
    computed_us: int
    low_ratio: str | None
    high_ratio: str | None


def facts(
    session: Session, data_points: Collection[str], keys: Sequence[KpiKey] | None, *, limit: int, offset: int
) -> tuple[list[KpiFact], int]:
    """Return some of the figures of these data points, by data point, scope, horizon and year, and how many there are.

    Args:
        session: where to ask.
        data_points: keys of the data points that are known.
        keys: only these figures; None for all.
        limit, offset: so many, after so many.

    Raises:
        StoreUnavailable, StoreError
    """
    columns = ("data_points", "kinds", "scopes", "horizons", "years")
    wanted = {name: [key[place] for key in keys or ()] for place, name in enumerate(columns)}
    params = {"points": list(data_points), "all": keys is None, **wanted, "limit": limit, "offset": offset}
    rows = session.rows("kpi_page", params)
    return [KpiFact(*row) for _, *row in rows if row[0] is not None], int(rows[0][0])
