"""Writing the results of indicators: the newest stands, replaced closed ones are kept.

Knows these two tables; knows no formula.
"""

from __future__ import annotations

import numpy as np

from engine.store import binary
from engine.store.binary import Timestamp
from engine.store.errors import StoreError
from engine.store.records import ValueRows
from engine.store.session import Session


def write_values(session: Session, values: ValueRows, computed_us: int, reason: str) -> tuple[int, int]:
    """Upsert results inside the caller's transaction; return how many changed, and how many closed ones were replaced.

    Raises:
        StoreError: columns of unequal length, or one result twice.
        StoreUnavailable
    """
    columns = (
        values.ticks, values.received, values.expected, values.indicator_id, values.scope_id, values.driver,
        values.band, values.closed,
    )  # fmt: skip
    if {column.size for column in columns} != {len(values)}:
        raise StoreError("the columns of results have unequal length")
    if not len(values):
        return 0, 0
    body = binary.rows((binary.stamps(values.start_us), *columns[:-1], values.closed.astype(np.int32)))
    session.copy("copy_stage_value", body)
    params = {
        "computed": Timestamp(computed_us),
        "reason": reason,
        "low": Timestamp(int(values.start_us.min())),
        "high": Timestamp(int(values.start_us.max())),
    }
    session.run("flush_seen", params)
    superseded = session.run("flush_superseded", params)
    return session.run("flush_value", params), superseded
