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
from engine.store.stretches import VALUE_US, stretches

_STORED = ("i4", "i4", "time", "i8", "i4", "i4", "i8", "i8")


def load_values_between(session: Session, from_us: int, to_us: int) -> ValueRows:
    """Return the results of windows that start in a stretch of time, by indicator; whether they are closed is not told.

    Raises:
        StoreUnavailable, StoreError
    """
    limits = {"low": Timestamp(from_us), "high": Timestamp(to_us)}
    packed = b"".join(part for (part,) in session.rows("load_value", limits))
    indicator, scope, start_us, ticks, band, driver, received, expected = binary.unpack_columns(packed, _STORED)
    closed = np.zeros(start_us.size, np.bool_)
    return ValueRows(indicator, scope, start_us, ticks, band.astype(np.int16), driver, received, expected, closed)


def remove_values(session: Session, values: ValueRows, computed_us: int, reason: str) -> int:
    """Remove results by their keys inside the caller's transaction; return how many closed ones were kept as history.

    Raises:
        StoreUnavailable, StoreError
    """
    if not len(values):
        return 0
    _stage(session, values)
    kept = session.run("remove_value", _params(values, computed_us, reason))
    session.run("stage_value_empty")
    return kept


def write_values(session: Session, values: ValueRows, computed_us: int, reason: str) -> tuple[int, int]:
    """Upsert results inside the caller's transaction; return how many changed, and how many closed ones were replaced.

    Raises:
        StoreError: columns of unequal length, or one result twice.
        StoreUnavailable
    """
    if not len(values):
        return 0, 0
    _stage(session, values)
    params = _params(values, computed_us, reason)
    superseded = 0
    for limits in stretches(values.start_us, VALUE_US):
        session.run("flush_seen", {**params, **limits})
        superseded += session.run("flush_superseded", {**params, **limits})
    return session.run("flush_value", params), superseded


def _stage(session: Session, values: ValueRows) -> None:
    columns = (
        values.ticks, values.received, values.expected, values.indicator_id, values.scope_id, values.driver,
        values.band, values.closed,
    )  # fmt: skip
    if {column.size for column in columns} != {len(values)}:
        raise StoreError("the columns of results have unequal length")
    body = binary.rows((binary.stamps(values.start_us), *columns[:-1], values.closed.astype(np.int32)))
    session.copy("copy_stage_value", body)


def _params(values: ValueRows, computed_us: int, reason: str) -> dict[str, object]:
    return {
        "computed": Timestamp(computed_us),
        "reason": reason,
        "low": Timestamp(int(values.start_us.min())),
        "high": Timestamp(int(values.start_us.max())),
    }
