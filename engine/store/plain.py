"""The figures recomputed by plain SQL inside the database, and where they differ from those stored.

Knows which statements there are and what they ask; no kernel and no table of weights takes part. Indicators are not
covered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from devices import SeriesTable
from engine.store.binary import Timestamp
from engine.store.session import Session
from engine.store.slots import Slots
from engine.store.tables import Difference

STATEMENTS = ("plain_minutes", "plain_windows", "plain_events")


class PlainFound(NamedTuple):
    """What one statement says of one table: a difference, or how many rows there should be."""

    table: str
    difference: Difference | None
    rows: int


def compare(
    session: Session, slots: Slots, series: SeriesTable, from_us: int, to_us: int, minutes_from_us: int
) -> Iterator[PlainFound]:
    """Give the differences of minutes, hours, days and counter events of whole civil days.

    Args:
        session, slots: where to ask, and for which series.
        series: for what the database does not know of counters: their modulus and their greatest rate.
        from_us, to_us: the stretch.
        minutes_from_us: minutes before this are no longer kept.

    Raises:
        StoreUnavailable, StoreError
    """
    facts = {
        "series": slots.series_id.tolist(),
        "modulus": series.modulus_ticks.tolist(),
        "rate": series.rate_ticks_max.tolist(),
    }
    for name in STATEMENTS:
        low_us = max(from_us, minutes_from_us) if name == "plain_minutes" else from_us
        if low_us >= to_us:
            continue
        for table, found, wanted in session.rows(name, {**facts, "low": Timestamp(low_us), "high": Timestamp(to_us)}):
            if found is None:
                yield PlainFound(table, None, int(wanted))
            else:
                yield PlainFound(table, _difference(found, wanted), 0)


def _difference(found: str, wanted: str) -> Difference:
    if not found:
        return Difference("missing", found, wanted)
    return Difference("differs" if wanted else "extra", found, wanted)
