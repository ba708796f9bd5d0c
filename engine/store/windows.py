"""Writing and reading buckets and windows, and what a restart needs: checkpoint, pending restatements, counter events.

Knows these tables; knows nothing of how figures are computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from devices.series import TIME_MIN_US
from engine.cells import SUM_COUNT, Cells, Grid
from engine.spans import Keys, Spans
from engine.store import binary
from engine.store.binary import Timestamp
from engine.store.errors import StoreError
from engine.store.records import CellRows, Checkpoint, CounterEvent, Extent, Pending, StoredCells
from engine.store.session import Session
from engine.store.slots import Slots
from engine.store.stretches import CELL_US, stretches

SLICE_ROWS = 50_000
"""Rows of one statement: bounds the memory of a large flush."""
TABLES: Mapping[Grid, str] = {Grid.MINUTE: "bucket_minute", Grid.HOUR: "window_hour", Grid.DAY: "window_day"}
_LAYOUT = ("i4", "time", *["i8"] * (4 + SUM_COUNT), "i4")


def write_cells(session: Session, slots: Slots, grid: Grid, rows: CellRows) -> int:
    """Upsert cells inside the caller's transaction; return how many rows changed.

    Raises:
        StoreError: columns of unequal length, or one cell twice.
        StoreUnavailable
    """
    cells = rows.cells
    lengths = {len(cells), *(c.shape[0] for c in (cells.start_us, cells.count, cells.low, cells.high, cells.sums))}
    if len(lengths | {rows.expected.size, rows.closed.size}) != 1:
        raise StoreError("the columns of cells have unequal length")
    changed = 0
    for first in range(0, len(cells), SLICE_ROWS):
        part = slice(first, first + SLICE_ROWS)
        some = Cells(
            cells.slot[part], cells.start_us[part], cells.count[part], cells.low[part], cells.high[part],
            cells.sums[part],
        )  # fmt: skip
        given = cells_given(slots, some, rows.expected[part], rows.closed[part])
        changed += session.run(f"flush_{TABLES[grid]}", given)
    return changed


def cells_given(
    slots: Slots, cells: Cells, expected: NDArray[np.int64], closed: NDArray[np.bool_]
) -> dict[str, object]:
    """Return cells as the parameters of `rows_cell`."""
    return {
        "start": binary.Times(cells.start_us),
        "count": binary.Longs(cells.count),
        "low": binary.Longs(cells.low),
        "high": binary.Longs(cells.high),
        **{f"sum_{k}": binary.Longs(cells.sums[:, k]) for k in range(SUM_COUNT)},
        "expected": binary.Longs(expected),
        "series": binary.Ints(slots.series_id[cells.slot]),
        "revision": binary.Ints(closed.astype(np.int32)),
    }


def keys_given(slots: Slots, keys: Keys) -> dict[str, object]:
    """Return keys as the parameters of `rows_key`."""
    return {"start": binary.Times(keys.start_us), "series": binary.Ints(slots.series_id[keys.slot])}


def close(session: Session, grid: Grid, from_us: int, to_us: int) -> None:
    """Close the open windows that start in a stretch of time, and their results, inside the caller's transaction.

    Raises:
        StoreUnavailable, StoreError
    """
    limits = {"low": Timestamp(from_us), "high": Timestamp(to_us)}
    session.run(f"close_{TABLES[grid]}", limits)
    if grid is not Grid.MINUTE:
        session.run("close_indicator_value", {"window": grid.name.lower(), **limits})


def load_cells_at(
    session: Session, slots: Slots, grid: Grid, slot: NDArray[np.int32], start_us: NDArray[np.int64]
) -> StoredCells:
    """Return the stored cells among the given ones, sorted by slot and start.

    Raises:
        StoreUnavailable, StoreError
    """
    if not slot.size:
        return stored_cells(slots, b"")
    name, series = f"load_{TABLES[grid]}_at", slots.series_id[slot]
    parts = []
    for limits in stretches(start_us, CELL_US[grid]):
        at = (start_us >= limits["low"].us) & (start_us <= limits["high"].us)
        keys = {"start": binary.Times(start_us[at]), "series": binary.Ints(series[at])}
        parts += [packed for (packed,) in session.rows(name, {**limits, **keys}) if packed is not None]
    return stored_cells(slots, b"".join(parts))


def load_cells_between(session: Session, slots: Slots, grid: Grid, from_us: int, to_us: int, fetch: int) -> StoredCells:
    """Return the stored cells that start in a stretch of time, sorted by slot and start.

    Raises:
        StoreUnavailable, StoreError
    """
    limits = {"low": Timestamp(from_us), "high": Timestamp(to_us)}
    parts = [packed for (packed,) in session.stream(f"load_{TABLES[grid]}", limits, fetch)]
    return stored_cells(slots, b"".join(parts))


def load_cells_of(
    session: Session, slots: Slots, grid: Grid, among: NDArray[np.int32], from_us: int, to_us: int
) -> StoredCells:
    """Return the stored cells of some slots that start in a stretch of time, sorted by slot and start.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"series": slots.series_id[among].tolist(), "low": Timestamp(from_us), "high": Timestamp(to_us)}
    return stored_cells(slots, b"".join(packed for (packed,) in session.rows(f"load_{TABLES[grid]}_of", params)))


def load_events_between(session: Session, slots: Slots, from_us: int, to_us: int) -> list[CounterEvent]:
    """Return the counter events of a stretch of time of registered series.

    Raises:
        StoreUnavailable, StoreError
    """
    rows = session.rows("load_event", {"low": Timestamp(from_us), "high": Timestamp(to_us)})
    slot = slots.of(np.array([row[0] for row in rows], np.int32)).tolist()
    return [CounterEvent(at, *row[1:]) for at, row in zip(slot, rows, strict=True) if at >= 0]


def remove_cells(session: Session, slots: Slots, grid: Grid, keys: Keys) -> int:
    """Remove cells inside the caller's transaction; return how many there were.

    Raises:
        StoreUnavailable, StoreError
    """
    if not len(keys):
        return 0
    limits = {"low": Timestamp(int(keys.start_us.min())), "high": Timestamp(int(keys.start_us.max()))}
    return session.run(f"remove_{TABLES[grid]}", {**limits, **keys_given(slots, keys)})


def extent(session: Session) -> Extent | None:
    """Return between which times anything may be stored; None where nothing is.

    Raises:
        StoreUnavailable, StoreError
    """
    edges = {name: (low, high) for name, low, high in session.rows("extent")}
    if not edges:
        return None
    minutes_us = edges.get(TABLES[Grid.MINUTE], (TIME_MIN_US, 0))[0]
    return Extent(min(low for low, _ in edges.values()), max(high for _, high in edges.values()), minutes_us)


def stored_cells(slots: Slots, packed: bytes) -> StoredCells:
    """Return cells as queries pack them, sorted by slot and start; those of series not registered are left out."""
    series, start_us, count, low, high, *rest = binary.unpack_columns(packed, _LAYOUT)
    *sums, expected, revision = rest
    slot = slots.of(series)
    order = np.lexsort((start_us, slot))
    order = order[slot[order] >= 0]
    table = np.stack(sums, axis=1)
    cells = Cells(slot[order], start_us[order], count[order], low[order], high[order], table[order])
    return StoredCells(cells, expected[order], revision[order])


def write_events(
    session: Session, slots: Slots, events: Sequence[CounterEvent], decided: Spans | None, computed_us: int
) -> None:
    """Write counter events inside the caller's transaction; those in decided spans that are no longer true leave.

    Raises:
        StoreUnavailable, StoreError
    """
    given = {
        "event_series": binary.Ints(slots.series_id[np.array([event.slot for event in events], np.int32)]),
        "event_time": binary.Times(np.array([event.time_us for event in events], np.int64)),
        "event_kind": [event.kind for event in events],
        "event_before": binary.Longs(np.array([event.before for event in events], np.int64)),
        "event_after": binary.Longs(np.array([event.after for event in events], np.int64)),
    }
    if decided is not None and len(decided):
        session.run("flush_event_gone", {**given, **spans_asked(slots, decided)})
    if events:
        session.run("flush_event", {**given, "computed": Timestamp(computed_us)})


def spans_asked(slots: Slots, spans: Spans, label: NDArray[np.int32] | None = None) -> dict[str, object]:
    """Return spans as parameters of a query.

    Args:
        slots, spans: as named.
        label: int32 by span, what the query returns as its slot; the slot itself when left out.
    """
    return {
        "from": binary.Times(spans.from_us),
        "to": binary.Times(spans.to_us),
        "series": binary.Ints(slots.series_id[spans.slot]),
        "label": binary.Ints(spans.slot if label is None else label),
    }


def read_checkpoint(session: Session, partition: int) -> Checkpoint | None:
    """Return how far the engine's figures reach, or None when it never wrote any.

    Raises:
        StoreUnavailable, StoreError
    """
    rows = session.rows("checkpoint_read", {"partition": partition})
    return Checkpoint(*rows[0]) if rows else None


def read_pending(session: Session, slots: Slots, partition: int) -> Pending:
    """Return what late readings changed behind the mark and nobody restated yet, by commit.

    Raises:
        StoreUnavailable, StoreError
    """
    ((packed,),) = session.rows("pending_read", {"partition": partition})
    commit_id, series, hour_us = binary.unpack_columns(packed or b"", ("i8", "i4", "time"))
    return Pending(commit_id, slots.of(series), hour_us)
