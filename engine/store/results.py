"""Writing the results of indicators: the newest stands, replaced closed ones are kept.

Knows these two tables; knows no formula.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.store import binary
from engine.store.binary import Timestamp
from engine.store.errors import StoreError
from engine.store.records import ValueRows
from engine.store.session import Session
from engine.store.stretches import VALUE_US, stretches
from engine.store.windows import SLICE_ROWS

_LONGS = ("ticks", "received", "expected")
_INTS = ("indicator", "scope", "driver", "band", "revision")
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
    params = {"computed": Timestamp(computed_us), "reason": reason}
    return sum(session.run("remove_value", {**params, **given}) for given in _given(values))


def write_values(session: Session, values: ValueRows, computed_us: int, reason: str) -> tuple[int, int]:
    """Upsert results inside the caller's transaction; return how many changed, and how many closed ones were replaced.

    Raises:
        StoreError: columns of unequal length, or one result twice.
        StoreUnavailable
    """
    params = {"computed": Timestamp(computed_us), "reason": reason}
    changed = superseded = 0
    for given in _given(values):
        ((written, replaced),) = session.rows("flush_value", {**params, **given})
        changed, superseded = changed + written, superseded + replaced
    return changed, superseded


def _given(values: ValueRows) -> Iterator[dict[str, object]]:
    """Give results as the parameters of `rows_value` and their limits, so many at a time that memory stays bounded.

    Raises:
        StoreError: columns of unequal length.
    """
    ints: tuple[NDArray[Any], ...] = (values.indicator_id, values.scope_id, values.driver, values.band, values.closed)
    longs = (values.ticks, values.received, values.expected)
    if {column.size for column in (*ints, *longs)} != {len(values)}:
        raise StoreError("the columns of results have unequal length")
    for limits in stretches(values.start_us, VALUE_US):
        between = (values.start_us >= limits["low"].us) & (values.start_us <= limits["high"].us)
        rows = np.flatnonzero(between)
        for first in range(0, rows.size, SLICE_ROWS):
            part = rows[first : first + SLICE_ROWS]
            yield {
                **limits,
                "start": binary.Times(values.start_us[part]),
                **{name: binary.Longs(c[part]) for name, c in zip(_LONGS, longs, strict=True)},
                **{name: binary.Ints(c[part].astype(np.int32)) for name, c in zip(_INTS, ints, strict=True)},
            }
