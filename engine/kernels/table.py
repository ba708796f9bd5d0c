"""Cells in memory, compiled: rows found by slot and start.

Knows rows of integers; knows no kinds and no zone.

A cell is one row of eight int64, one cache line: key, count, low, high and four sums. As separate columns a reading
touched seven lines in each of the three grids; as rows it touches one. Rows are found through an open-addressed index
with linear probing; `recent` remembers the row each slot used last, which spares the index for readings in order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

KEY, COUNT, LOW, HIGH, SUM = 0, 1, 2, 3, 4
ROW_WIDTH = 8
"""Columns of a row: KEY, COUNT, LOW, HIGH and four sums."""

CLEAN, DIRTY = 0, 1

SECOND_US = 1_000_000

KEY_SECONDS_BITS = 34
"""A key is the slot above the start in whole seconds; 34 bits reach the year 2514."""
KEY_SECONDS_MASK = (1 << KEY_SECONDS_BITS) - 1
SLOT_COUNT_MAX = 1 << (63 - KEY_SECONDS_BITS)
"""Slots that a key can tell apart."""


class Table(NamedTuple):
    """Cells of one grid.

    rows (capacity, 8); flags (capacity,): CLEAN or DIRTY; place (a power of two, at least twice the capacity): row, -1
    where free; size (1,): rows in use; recent (slot_count,): the row each slot used last, -1 where none.
    """

    rows: NDArray[np.int64]
    flags: NDArray[np.uint8]
    place: NDArray[np.int32]
    size: NDArray[np.int64]
    recent: NDArray[np.int32]


@njit(nogil=True, cache=True)
def key_of(slot: int, start_us: int) -> int:
    """Return the key of a cell: its slot above its start in seconds."""
    return (int(slot) << KEY_SECONDS_BITS) | (start_us // SECOND_US)


@njit(nogil=True, cache=True)
def hash_of(key: int) -> int:
    """Return where the search for a key begins; products stay below 2^63, so that plain Python agrees."""
    mixed = (key >> KEY_SECONDS_BITS) * 2654435761 + ((key & KEY_SECONDS_MASK) // 60) * 2246822519
    return mixed ^ (mixed >> 31)


@njit(nogil=True, cache=True)
def probe(table: Table, key: int) -> int:
    """Return the row of a key by the index alone, or -1."""
    mask = table.place.size - 1
    at = hash_of(key) & mask
    while table.place[at] >= 0:
        if table.rows[table.place[at], KEY] == key:
            return int(table.place[at])
        at = (at + 1) & mask
    return -1


@njit(nogil=True, cache=True)
def seen(
    rows: NDArray[np.int64], place: NDArray[np.int32], recent: NDArray[np.int32], mask: int, slot: int, key: int
) -> int:
    """Return the row of a key, by what its slot used last or by the index, or -1."""
    row = int(recent[slot])
    if row >= 0 and rows[row, KEY] == key:
        return row
    at = hash_of(key) & mask
    while place[at] >= 0:
        if rows[place[at], KEY] == key:
            return int(place[at])
        at = (at + 1) & mask
    return -1


@njit(nogil=True, cache=True)
def insert(table: Table, key: int) -> int:
    """Append an empty clean row for a key that is absent; the caller has made sure of room."""
    row = table.size[0]
    for column in range(ROW_WIDTH):
        table.rows[row, column] = 0
    table.rows[row, KEY] = key
    table.flags[row] = CLEAN
    mask = table.place.size - 1
    at = hash_of(key) & mask
    while table.place[at] >= 0:
        at = (at + 1) & mask
    table.place[at] = row
    table.size[0] = row + 1
    return row


@njit(nogil=True, cache=True)
def recalled(rows: NDArray[np.int64], recent: NDArray[np.int32], slot: int, key: int) -> bool:
    """Say whether the row a slot used last is the one of this key."""
    row = recent[slot]
    return row >= 0 and rows[row, KEY] == key


@njit(nogil=True, cache=True)
def settle_in(table: Table, slot: int, key: int) -> int:
    """Return the row of a key by the index, appended where absent, and remember it as the slot's recent one."""
    row = probe(table, key)
    if row < 0:
        row = insert(table, key)
    table.recent[slot] = row
    return row


@njit(nogil=True, cache=True)
def claim(table: Table, slot: int, start_us: int) -> int:
    """Return the row of a cell, appended where absent; the caller has made sure of room for one."""
    key = key_of(slot, start_us)
    row = int(table.recent[slot])
    if row >= 0 and table.rows[row, KEY] == key:
        return row
    return settle_in(table, slot, key)


@njit(nogil=True, cache=True)
def reindex(table: Table) -> int:
    """Build the index anew from the rows; returns how many there are."""
    table.place[:] = -1
    mask = table.place.size - 1
    for row in range(table.size[0]):
        at = hash_of(table.rows[row, KEY]) & mask
        while table.place[at] >= 0:
            at = (at + 1) & mask
        table.place[at] = row
    return table.size[0]


@njit(nogil=True, cache=True)
def add(rows: NDArray[np.int64], flags: NDArray[np.uint8], row: int, ticks: int, one: int, two: int) -> int:
    """Count a reading in a row, and add to its first two sums; returns the count before."""
    before = rows[row, COUNT]
    rows[row, COUNT] = before + 1
    if before == 0:
        rows[row, LOW] = ticks
        rows[row, HIGH] = ticks
    else:
        rows[row, LOW] = min(rows[row, LOW], ticks)
        rows[row, HIGH] = max(rows[row, HIGH], ticks)
    rows[row, SUM] += one
    rows[row, SUM + 1] += two
    flags[row] = DIRTY
    return before


@njit(nogil=True, cache=True)
def find(keys: NDArray[np.int64], table: Table, found: NDArray[np.int64]) -> int:
    """Fill `found` with the row of each key, -1 where absent; returns how many are absent."""
    absent = 0
    for i in range(keys.size):
        found[i] = probe(table, keys[i])
        absent += found[i] < 0
    return absent


@njit(nogil=True, cache=True)
def unknown(
    slot: NDArray[np.int32], start_us: NDArray[np.int64], length_us: int, floor_us: int, began_us: NDArray[np.int64],
    last_us: NDArray[np.int64], table: Table, absent: NDArray[np.bool_],
) -> int:  # fmt: skip
    """Mark the cells that have no row, start before the floor and meet what a slot's first and last reading enclose.

    Returns how many there are. Arrays are taken out of the table once: handing the tuple on costs more than a search.
    """
    rows, place, recent = table.rows, table.place, table.recent
    mask, number = place.size - 1, 0
    for i in range(slot.size):
        s, t = slot[i], start_us[i]
        absent[i] = t < floor_us and t <= last_us[s] and t + length_us > began_us[s]
        if absent[i]:
            absent[i] = seen(rows, place, recent, mask, s, key_of(s, t)) < 0
            number += absent[i]
    return number


@njit(nogil=True, cache=True)
def fetch(
    slot: NDArray[np.int32], start_us: NDArray[np.int64], table: Table, count: NDArray[np.int64],
    low: NDArray[np.int64], high: NDArray[np.int64], sums: NDArray[np.int64],
) -> int:  # fmt: skip
    """Copy the cells that have a row into columns, and leave the others as they are; returns how many have one."""
    rows, place, recent = table.rows, table.place, table.recent
    mask, number = place.size - 1, 0
    for i in range(slot.size):
        row = seen(rows, place, recent, mask, slot[i], key_of(slot[i], start_us[i]))
        if row >= 0:
            count[i], low[i], high[i] = rows[row, COUNT], rows[row, LOW], rows[row, HIGH]
            for column in range(sums.shape[1]):
                sums[i, column] = rows[row, SUM + column]
            number += 1
    return number


@njit(nogil=True, cache=True)
def put(first: int, cells: NDArray[np.int64], table: Table, dirty: bool) -> int:
    """Set rows (n, 8) from position `first`; returns the position it came to, less than n where there is no room.

    Dirty rows replace what is there. Clean ones come from the store, so they never replace a row that is in memory.
    """
    for i in range(first, cells.shape[0]):
        row = probe(table, cells[i, KEY])
        if row >= 0 and not dirty:
            continue
        if row < 0:
            if table.size[0] >= table.flags.size:
                return i
            row = insert(table, cells[i, KEY])
        for column in range(1, ROW_WIDTH):
            table.rows[row, column] = cells[i, column]
        table.flags[row] = DIRTY if dirty else CLEAN
    return cells.shape[0]


@njit(nogil=True, cache=True)
def same(rows: NDArray[np.int64], row: int, others: NDArray[np.int64], other: int) -> bool:
    """Say whether two rows hold the same figures."""
    for column in range(1, ROW_WIDTH):  # noqa: SIM110 - numba compiles no generator
        if rows[row, column] != others[other, column]:
            return False
    return True


@njit(nogil=True, cache=True)
def adopt(first: int, scratch: Table, table: Table) -> int:
    """Take over the rows of a scratch table from position `first`; dirty becomes what is new or differs.

    Returns the position it came to, less than the scratch table's size where there is no room.
    """
    for i in range(first, scratch.size[0]):
        row = probe(table, scratch.rows[i, KEY])
        if row < 0:
            if table.size[0] >= table.flags.size:
                return i
            row = insert(table, scratch.rows[i, KEY])
        elif same(table.rows, row, scratch.rows, i):
            continue
        for column in range(1, ROW_WIDTH):
            table.rows[row, column] = scratch.rows[i, column]
        table.flags[row] = DIRTY
    return scratch.size[0]


@njit(nogil=True, cache=True)
def span_of(
    span_slot: NDArray[np.int32], span_from_us: NDArray[np.int64], span_to_us: NDArray[np.int64], slot: int,
    time_us: int,
) -> int:  # fmt: skip
    """Return which span (sorted by slot and start, none overlapping) holds a time of a slot, or -1."""
    low, high = 0, span_slot.size
    while low < high:
        middle = (low + high) // 2
        if span_slot[middle] < slot or (span_slot[middle] == slot and span_from_us[middle] <= time_us):
            low = middle + 1
        else:
            high = middle
    at = low - 1
    if at >= 0 and span_slot[at] == slot and time_us < span_to_us[at]:
        return at
    return -1


@njit(nogil=True, cache=True)
def blank(
    span_slot: NDArray[np.int32], span_from_us: NDArray[np.int64], span_to_us: NDArray[np.int64], scratch: Table,
    table: Table,
) -> int:  # fmt: skip
    """Empty the rows that lie in a span (sorted by slot and start) and that scratch lacks; returns how many changed."""
    changed = 0
    for row in range(table.size[0]):
        key = table.rows[row, KEY]
        slot, start_us = key >> KEY_SECONDS_BITS, (key & KEY_SECONDS_MASK) * SECOND_US
        if span_of(span_slot, span_from_us, span_to_us, slot, start_us) < 0 or probe(scratch, key) >= 0:
            continue
        empty = True
        for column in range(1, ROW_WIDTH):
            empty = empty and table.rows[row, column] == 0  # each column by itself: sums may cancel out
            table.rows[row, column] = 0
        if not empty:
            table.flags[row] = DIRTY
            changed += 1
    return changed


@njit(nogil=True, cache=True)
def settle(cells: NDArray[np.int64], table: Table) -> int:
    """Mark clean the rows that still hold what `cells` (n, 8) say was written down; returns how many."""
    settled = 0
    for i in range(cells.shape[0]):
        row = probe(table, cells[i, KEY])
        if row >= 0 and table.flags[row] == DIRTY and same(table.rows, row, cells, i):
            table.flags[row] = CLEAN
            settled += 1
    return settled


@njit(nogil=True, cache=True)
def compact(before_us: int, keep_us: NDArray[np.int64], table: Table) -> int:
    """Drop clean rows that start before a time less their slot's `keep_us`, close the gaps, and index anew.

    Returns how many left.
    """
    kept = 0
    size = table.size[0]
    for row in range(size):
        start_us = (table.rows[row, KEY] & KEY_SECONDS_MASK) * SECOND_US
        slot = table.rows[row, KEY] >> KEY_SECONDS_BITS
        if start_us < before_us - keep_us[slot] and table.flags[row] == CLEAN:
            continue
        if kept < row:
            for column in range(ROW_WIDTH):
                table.rows[kept, column] = table.rows[row, column]
            table.flags[kept] = table.flags[row]
        kept += 1
    if kept < size:
        table.size[0] = kept
        table.recent[:] = -1
        reindex(table)
    return size - kept
