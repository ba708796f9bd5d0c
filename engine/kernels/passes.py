"""Passes over many readings, compiled: into cells, in any order where order does not matter.

Knows columns of readings and facts per slot; knows no series table and no store.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.clock import Clock
from engine.kernels.clock import HOUR_US, hour_end, hour_start, seek, windows_bound
from engine.kernels.pairs import decide, spread
from engine.kernels.table import (
    COUNT,
    DIRTY,
    HIGH,
    KEY,
    LOW,
    ROW_WIDTH,
    SUM,
    Table,
    add,
    claim,
    insert,
    key_of,
    probe,
    recalled,
    same,
    settle_in,
    span_of,
)

CALLED = "bdbfe6b3f48912e0"
"""Digest of the files whose kernels are called here; see `pairs`."""

GAUGE, COUNTER, LEVEL, ANGLE, STATE, EVENT = 0, 1, 2, 3, 4, 5
"""As `devices.Kind`; kernels see plain integers."""

OUTSIDE, CROWDED, LATE, DECIDED, AHEAD = 0, 1, 2, 3, 4
TALLY_WIDTH = 5
"""Positions in a tally: readings outside range or calendar; readings added to a cell that holds as many as can be added
without overflow; late readings; decisions; readings newer than any that was absorbed."""

MINUTE_US = 60_000_000


class Facts(NamedTuple):
    """What each slot is, one row per slot, and the integer tables.

    kind, low, high, modulus, rate: as in the series table. hold_us: how long a state is believed. table_at: where tick
    0 lies in `weight` (LEVEL, ANGLE); table_span: from a tick's cosine to its sine. count_max: readings whose sum
    cannot overflow. weight: energies, cosines and sines.
    """

    kind: NDArray[np.int8]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    modulus: NDArray[np.int64]
    rate: NDArray[np.int64]
    hold_us: NDArray[np.int64]
    table_at: NDArray[np.int64]
    table_span: NDArray[np.int64]
    count_max: NDArray[np.int64]
    weight: NDArray[np.int64]


class Last(NamedTuple):
    """Time and ticks of the newest reading per slot."""

    time_us: NDArray[np.int64]
    ticks: NDArray[np.int64]


class Notes(NamedTuple):
    """What a pass found besides cells.

    late: positions of late readings; decision (n, 6): slot, time, kind, before, after, rise; tally (TALLY_WIDTH,): how
    many of each.
    """

    late: NDArray[np.int64]
    decision: NDArray[np.int64]
    tally: NDArray[np.int64]


@njit(nogil=True, cache=True)
def admit(facts: Facts, clock: Clock, slot: int, time_us: int, ticks: int) -> bool:
    """Say whether a reading lies in its series' range and in the calendar; all others are left out of every figure."""
    return (facts.low[slot] <= ticks <= facts.high[slot]) and (clock.change_us[0] <= time_us < clock.change_us[-1])


@njit(nogil=True, cache=True)
def visit(
    slot: int, time_us: int, ticks: int, segment: int, civil: int, facts: Facts, clock: Clock, minute: Table,
    hour: Table, day: Table, with_days: bool, tally: NDArray[np.int64],
) -> int:  # fmt: skip
    """Count one reading in its cells, and add its sums where the kind has no order; returns 1.

    segment, civil: where the time lies among the clock's changes and days.
    """
    kind = facts.kind[slot]
    one, two = np.int64(ticks), np.int64(0)
    if kind in (LEVEL, ANGLE):
        one = facts.weight[facts.table_at[slot] + ticks]
        if kind == ANGLE:
            two = facts.weight[facts.table_at[slot] + facts.table_span[slot] + ticks]
    elif kind in (COUNTER, STATE):
        one = np.int64(0)
    row = claim(minute, slot, time_us - time_us % MINUTE_US)
    add(minute.rows, minute.flags, row, ticks, one, two)
    row = claim(hour, slot, hour_start(clock, segment, time_us))
    crowd = add(hour.rows, hour.flags, row, ticks, one, two)
    if with_days:
        row = claim(day, slot, clock.day_us[civil])
        crowd = add(day.rows, day.flags, row, ticks, one, two)
    if crowd >= facts.count_max[slot]:
        tally[CROWDED] += 1
    return 1


@njit(nogil=True, cache=True)
def accumulate(
    first: int, slot: NDArray[np.int32], time_us: NDArray[np.int64], ticks: NDArray[np.int64], facts: Facts,
    clock: Clock, minute: Table, hour: Table, day: Table, last: Last, tally: NDArray[np.int64],
) -> int:  # fmt: skip
    """Add readings of the kinds that have no order, from position `first`; counters and states are left to `join`.

    Returns the position it came to: less than the number of readings where a table has no room for one more row.

    The same as `visit` for each reading, five times as fast (18 against 3.3 million readings a second): arrays are
    taken out of their tuples once, since handing tuples on costs more than the sums do, and the edges of the hour and
    day of the reading before are kept.
    """
    kind_of, low_of, high_of, most_of = facts.kind, facts.low, facts.high, facts.count_max
    table_at, table_span, weight = facts.table_at, facts.table_span, facts.weight
    change_us, offset_us, day_us = clock.change_us, clock.offset_us, clock.day_us
    minute_rows, minute_flags, minute_recent, minute_size = minute.rows, minute.flags, minute.recent, minute.size
    hour_rows, hour_flags, hour_recent, hour_size = hour.rows, hour.flags, hour.recent, hour.size
    day_rows, day_flags, day_recent, day_size = day.rows, day.flags, day.recent, day.size
    last_us, last_ticks = last.time_us, last.ticks
    begin_us, end_us = change_us[0], change_us[-1]
    hour_from, hour_to, day_from = begin_us, begin_us, begin_us
    for i in range(first, slot.size):
        s, t, v = slot[i], time_us[i], ticks[i]
        kind = kind_of[s]
        if kind in (COUNTER, STATE):
            continue
        if v < low_of[s] or v > high_of[s] or t < begin_us or t >= end_us:
            tally[OUTSIDE] += 1
            continue
        if minute_size[0] >= minute_flags.size or hour_size[0] >= hour_flags.size or day_size[0] >= day_flags.size:
            return i
        if t < hour_from or t >= hour_to:
            segment = seek(change_us, t, 0)
            whole = t - (t + offset_us[segment]) % HOUR_US
            hour_from, hour_to = max(whole, change_us[segment]), min(whole + HOUR_US, change_us[segment + 1])
            day_from = day_us[seek(day_us, t, 0)]  # every hour lies in one day
        one, two = v, 0
        if kind in (LEVEL, ANGLE):
            one = weight[table_at[s] + v]
            if kind == ANGLE:
                two = weight[table_at[s] + table_span[s] + v]
        key = key_of(s, t - t % MINUTE_US)
        row = minute_recent[s]
        if row < 0 or minute_rows[row, KEY] != key:
            row = settle_in(minute, s, key)
        add(minute_rows, minute_flags, row, v, one, two)
        key = key_of(s, hour_from)
        row = hour_recent[s]
        if row < 0 or hour_rows[row, KEY] != key:
            row = settle_in(hour, s, key)
        add(hour_rows, hour_flags, row, v, one, two)
        key = key_of(s, day_from)
        row = day_recent[s]
        if row < 0 or day_rows[row, KEY] != key:
            row = settle_in(day, s, key)
        if add(day_rows, day_flags, row, v, one, two) >= most_of[s]:
            tally[CROWDED] += 1
        if t > last_us[s]:
            last_us[s] = t
            last_ticks[s] = v
    return slot.size


@njit(nogil=True, cache=True)
def pair(
    slot: int, t0: int, v0: int, t1: int, v1: int, from_us: int, to_us: int, facts: Facts, clock: Clock,
    minute: Table, hour: Table, day: Table, with_days: bool, notes: Notes,
) -> int:  # fmt: skip
    """Add what lies between two neighbouring readings, within [from, to); returns how many windows were touched.

    The minute in which the pair ends gets the whole rise of a counter, undivided, and nothing of a state.
    """
    if facts.kind[slot] == STATE:
        until = min(t1, t0 + facts.hold_us[slot])
        return spread(clock, hour, day, with_days, slot, SUM + v0, until - t0, t0, until, from_us, to_us)
    rise, decision = decide(v0, v1, facts.modulus[slot], facts.rate[slot], t1 - t0)
    if from_us <= t1 < to_us:
        row = claim(minute, slot, t1 - t1 % MINUTE_US)
        minute.rows[row, SUM] += rise
        minute.flags[row] = DIRTY
        if decision > 0:
            note = notes.decision[notes.tally[DECIDED]]
            note[0], note[1], note[2], note[3], note[4], note[5] = slot, t1, decision, v0, v1, rise
            notes.tally[DECIDED] += 1
    return spread(clock, hour, day, with_days, slot, SUM, rise, t0, t1, from_us, to_us)


@njit(nogil=True, cache=True)
def join_within(
    first: int, slot: NDArray[np.int32], time_us: NDArray[np.int64], ticks: NDArray[np.int64],
    kind_of: NDArray[np.int8], low_of: NDArray[np.int64], high_of: NDArray[np.int64], modulus_of: NDArray[np.int64],
    rate_of: NDArray[np.int64], hold_of: NDArray[np.int64], most_of: NDArray[np.int64], hour_from: int, hour_to: int,
    day_from: int, minute: Table, hour: Table, day: Table, last_us: NDArray[np.int64], last_ticks: NDArray[np.int64],
    notes: Notes,
) -> int:  # fmt: skip
    """Add readings from position `first` as long as each of them, and the one before it, lie within one hour.

    Returns the position it came to: of the first reading that is for `join`. The same as `visit` and `pair` for each,
    several times as fast: what rose or lasted within one hour is not shared out, and arrays are taken out of their
    tuples once.

    Args:
        first: position.
        slot, time_us, ticks: the readings.
        kind_of, low_of, high_of, modulus_of, rate_of, hold_of, most_of: of the facts, by slot.
        hour_from, hour_to, day_from: the hour, which lies within the calendar, and the day that it is of.
        minute, hour, day, last_us, last_ticks, notes: as for `join`.
    """
    minute_rows, minute_flags, minute_recent, minute_size = minute.rows, minute.flags, minute.recent, minute.size
    hour_rows, hour_flags, hour_recent, hour_size = hour.rows, hour.flags, hour.recent, hour.size
    day_rows, day_flags, day_recent, day_size = day.rows, day.flags, day.recent, day.size
    tally = notes.tally
    for i in range(first, slot.size):
        s, t, v = slot[i], time_us[i], ticks[i]
        before, held, kind = last_us[s], last_ticks[s], kind_of[s]
        if before < hour_from or t <= before or t >= hour_to:
            return i
        if min(v, held) < low_of[s] or max(v, held) > high_of[s]:
            return i
        if minute_size[0] >= minute_flags.size or hour_size[0] >= hour_flags.size or day_size[0] >= day_flags.size:
            return i
        key = key_of(s, t - t % MINUTE_US)
        at_minute = minute_recent[s]
        if at_minute < 0 or minute_rows[at_minute, KEY] != key:
            at_minute = settle_in(minute, s, key)
        key = key_of(s, hour_from)
        at_hour = hour_recent[s]
        if at_hour < 0 or hour_rows[at_hour, KEY] != key:
            at_hour = settle_in(hour, s, key)
        key = key_of(s, day_from)
        at_day = day_recent[s]
        if at_day < 0 or day_rows[at_day, KEY] != key:
            at_day = settle_in(day, s, key)
        column, rise = SUM, np.int64(0)
        if kind == STATE:
            column, rise = SUM + held, min(t, before + hold_of[s]) - before
            add(minute_rows, minute_flags, at_minute, v, 0, 0)
        else:
            rise, decision = decide(held, v, modulus_of[s], rate_of[s], t - before)
            add(minute_rows, minute_flags, at_minute, v, rise, 0)
            if decision > 0:
                note = notes.decision[tally[DECIDED]]
                note[0], note[1], note[2], note[3], note[4], note[5] = s, t, decision, held, v, rise
                tally[DECIDED] += 1
        add(hour_rows, hour_flags, at_hour, v, 0, 0)
        hour_rows[at_hour, column] += rise
        if add(day_rows, day_flags, at_day, v, 0, 0) >= most_of[s]:
            tally[CROWDED] += 1
        day_rows[at_day, column] += rise
        last_us[s], last_ticks[s] = t, v
    return slot.size


@njit(nogil=True, cache=True)
def join(
    first: int, slot: NDArray[np.int32], time_us: NDArray[np.int64], ticks: NDArray[np.int64], facts: Facts,
    clock: Clock, minute: Table, hour: Table, day: Table, last: Last, notes: Notes,
) -> int:  # fmt: skip
    """Add readings of counters and states, sorted by slot and time, to the readings before them.

    A reading not after its slot's last one is late: it is noted, not added. Returns the position it came to, less than
    the number of readings where a table has no room.

    Most pairs lie within one hour, the one of the pair before: `join_within` adds those.
    """
    change_us, day_us = clock.change_us, clock.day_us
    hour_from, hour_to, day_from, segment, civil = change_us[0], change_us[0], change_us[0], 0, 0
    i = first
    while i < slot.size:
        i = join_within(
            i, slot, time_us, ticks, facts.kind, facts.low, facts.high, facts.modulus, facts.rate, facts.hold_us,
            facts.count_max, hour_from, hour_to, day_from, minute, hour, day, last.time_us, last.ticks, notes,
        )  # fmt: skip
        if i >= slot.size:
            break
        s, t, v = slot[i], time_us[i], ticks[i]
        i += 1
        before, held = last.time_us[s], last.ticks[s]
        if not admit(facts, clock, s, t, v):
            notes.tally[OUTSIDE] += 1
            continue
        if t <= before:
            notes.late[notes.tally[LATE]] = i - 1
            notes.tally[LATE] += 1
            continue
        known = admit(facts, clock, s, before, held)
        until = min(t, before + facts.hold_us[s]) if facts.kind[s] == STATE else t
        need = windows_bound(clock, before, until) + 1 if known else 1
        if (
            minute.size[0] >= minute.flags.size
            or hour.size[0] + need > hour.flags.size
            or day.size[0] + need // 23 + 2 > day.flags.size
        ):
            return i - 1
        segment, civil = seek(change_us, t, segment), seek(day_us, t, civil)
        hour_from, hour_to, day_from = hour_start(clock, segment, t), hour_end(clock, segment, t), day_us[civil]
        visit(s, t, v, segment, civil, facts, clock, minute, hour, day, True, notes.tally)
        if known:
            pair(s, before, held, t, v, change_us[0], change_us[-1], facts, clock, minute, hour, day, True, notes)
        last.time_us[s] = t
        last.ticks[s] = v
    return slot.size


@njit(nogil=True, cache=True)
def lower_bound(slot: NDArray[np.int32], time_us: NDArray[np.int64], s: int, t: int) -> int:
    """Return the first position, in columns sorted by slot and time, at or after (s, t)."""
    low, high = 0, slot.size
    while low < high:
        middle = (low + high) // 2
        if slot[middle] < s or (slot[middle] == s and time_us[middle] < t):
            low = middle + 1
        else:
            high = middle
    return low


@njit(nogil=True, cache=True)
def rebuild(
    span_slot: NDArray[np.int32], span_from_us: NDArray[np.int64], span_to_us: NDArray[np.int64],
    slot: NDArray[np.int32], time_us: NDArray[np.int64], ticks: NDArray[np.int64], facts: Facts, clock: Clock,
    minute: Table, hour: Table, last: Last, notes: Notes,
) -> int:  # fmt: skip
    """Build minute and hour cells of spans of whole hours from all readings in them and one neighbour on either side.

    Readings are sorted by slot and time. Of counters and states, readings newer than the slot's last are left to
    `join`. Returns how many spans it finished: less than all where a table has no room.
    """
    for k in range(span_slot.size):
        s, begin, end = span_slot[k], span_from_us[k], span_to_us[k]
        ordered = facts.kind[s] in (COUNTER, STATE)
        at = lower_bound(slot, time_us, s, begin)
        previous = at - 1
        while previous >= 0 and slot[previous] == s and not admit(facts, clock, s, time_us[previous], ticks[previous]):
            previous -= 1
        if not ordered or previous < 0 or slot[previous] != s:
            previous = -1
        while at < slot.size and slot[at] == s and (ordered or time_us[at] < end):
            t, v = time_us[at], ticks[at]
            if not admit(facts, clock, s, t, v):
                notes.tally[OUTSIDE] += begin <= t < end
                at += 1
                continue
            if ordered and t > last.time_us[s]:
                notes.tally[AHEAD] += t < end
                break
            since = begin if previous < 0 else max(begin, time_us[previous])
            need = windows_bound(clock, since, min(t, end - 1)) + 1
            if minute.size[0] >= minute.flags.size or hour.size[0] + need > hour.flags.size:
                return k
            if t < end:
                segment = seek(clock.change_us, t, 0)
                visit(s, t, v, segment, 0, facts, clock, minute, hour, hour, False, notes.tally)
            if previous >= 0:
                pair(
                    s, time_us[previous], ticks[previous], t, v, begin, end,
                    facts, clock, minute, hour, hour, False, notes,
                )  # fmt: skip
            if t >= end:
                break
            if ordered:
                previous = at
            at += 1
    return span_slot.size


@njit(nogil=True, cache=True)
def fold(rows: NDArray[np.int64], row: int, total: NDArray[np.int64]) -> int:
    """Merge a row into a total of the same shape; returns 1."""
    if rows[row, COUNT] > 0:
        if total[0, COUNT] == 0:
            total[0, LOW], total[0, HIGH] = rows[row, LOW], rows[row, HIGH]
        else:
            total[0, LOW] = min(total[0, LOW], rows[row, LOW])
            total[0, HIGH] = max(total[0, HIGH], rows[row, HIGH])
        total[0, COUNT] += rows[row, COUNT]
    for column in range(SUM, ROW_WIDTH):
        total[0, column] += rows[row, column]
    return 1


@njit(nogil=True, cache=True)
def rebuild_days(
    first: int, day_slot: NDArray[np.int32], day_start_us: NDArray[np.int64], stored: Table, clock: Clock, hour: Table,
    day: Table, total: NDArray[np.int64],
) -> int:  # fmt: skip
    """Merge all hours of each day named, from memory, else from `stored`; dirty becomes what is new or differs.

    total: (1, 8), overwritten. Returns the position it came to, less than all where the table has no room.
    """
    for i in range(first, day_slot.size):
        s, start_us = day_slot[i], day_start_us[i]
        civil = seek(clock.day_us, start_us, 0)
        end_us = clock.day_us[civil + 1]
        total[:] = 0
        hours = 0
        at = start_us
        segment = 0
        while at < end_us:
            segment = seek(clock.change_us, at, segment)
            key = key_of(s, at)
            row = probe(hour, key)
            if row >= 0:
                hours += fold(hour.rows, row, total)
            else:
                row = probe(stored, key)
                if row >= 0:
                    hours += fold(stored.rows, row, total)
            at = hour_end(clock, segment, at)
        row = probe(day, key_of(s, start_us))
        if row < 0 and hours == 0:
            continue
        if row < 0:
            if day.size[0] >= day.flags.size:
                return i
            row = insert(day, key_of(s, start_us))
        elif same(day.rows, row, total, 0):
            continue
        total[0, KEY] = day.rows[row, KEY]
        for column in range(1, ROW_WIDTH):
            day.rows[row, column] = total[0, column]
        day.flags[row] = DIRTY
    return day_slot.size


@njit(nogil=True, cache=True)
def touch(
    slot: NDArray[np.int32], time_us: NDArray[np.int64], ticks: NDArray[np.int64], facts: Facts, clock: Clock,
    last: Last, floor_us: NDArray[np.int64], minute: Table, hour: Table, day: Table, keys: NDArray[np.int64],
    count: NDArray[np.int64],
) -> int:  # fmt: skip
    """Name the cells that readings will change, that are not in memory and that the store may hold.

    The store may hold what starts below its grid's floor and not after the slot's last reading. keys (3, 2 n) and
    count (3,) are filled; a key may come more than once. Late readings of counters and states change nothing here.
    Returns the sum of the counts.
    """
    kind_of, low_of, high_of = facts.kind, facts.low, facts.high
    change_us, offset_us, day_us = clock.change_us, clock.offset_us, clock.day_us
    last_us = last.time_us
    begin_us, end_us = change_us[0], change_us[-1]
    minute_rows, minute_recent = minute.rows, minute.recent
    hour_rows, hour_recent = hour.rows, hour.recent
    day_rows, day_recent = day.rows, day.recent
    hour_from, hour_to, day_from = begin_us, begin_us, begin_us
    for i in range(slot.size):
        s, t, v = slot[i], time_us[i], ticks[i]
        newest = last_us[s]
        if v < low_of[s] or v > high_of[s] or t < begin_us or t >= end_us:
            continue
        ordered = kind_of[s] in (COUNTER, STATE)
        if ordered and t <= newest:
            continue
        both = ordered and admit(facts, clock, s, newest, last.ticks[s])
        for turn in range(2 if both else 1):
            at = t if turn == 0 else newest  # a pair also changes the hour and day of the reading before it
            if at < hour_from or at >= hour_to:
                segment = seek(change_us, at, 0)
                whole = at - (at + offset_us[segment]) % HOUR_US
                hour_from, hour_to = max(whole, change_us[segment]), min(whole + HOUR_US, change_us[segment + 1])
                day_from = day_us[seek(day_us, at, 0)]
            minute_from = at - at % MINUTE_US
            if turn == 0 and minute_from < floor_us[0] and minute_from <= newest:
                key = key_of(s, minute_from)
                if not recalled(minute_rows, minute_recent, s, key) and probe(minute, key) < 0:
                    keys[0, count[0]] = key
                    count[0] += 1
            if hour_from < floor_us[1] and hour_from <= newest:
                key = key_of(s, hour_from)
                if not recalled(hour_rows, hour_recent, s, key) and probe(hour, key) < 0:
                    keys[1, count[1]] = key
                    count[1] += 1
            if day_from < floor_us[2] and day_from <= newest:
                key = key_of(s, day_from)
                if not recalled(day_rows, day_recent, s, key) and probe(day, key) < 0:
                    keys[2, count[2]] = key
                    count[2] += 1
    return count[0] + count[1] + count[2]


@njit(nogil=True, cache=True)
def hours_beside(
    day_slot: NDArray[np.int32], day_start_us: NDArray[np.int64], span_slot: NDArray[np.int32],
    span_from_us: NDArray[np.int64], span_to_us: NDArray[np.int64], clock: Clock, last: Last, floor_us: int,
    hour: Table, keys: NDArray[np.int64],
) -> int:  # fmt: skip
    """Name the hours of each day that no span holds, that are not in memory and that the store may hold.

    keys has room for all hours of all days. Returns how many were named.
    """
    count = 0
    for i in range(day_slot.size):
        s, at = day_slot[i], day_start_us[i]
        end_us = clock.day_us[seek(clock.day_us, at, 0) + 1]
        segment = 0
        while at < end_us and at < floor_us and at <= last.time_us[s]:
            segment = seek(clock.change_us, at, segment)
            key = key_of(s, at)
            if span_of(span_slot, span_from_us, span_to_us, s, at) < 0 and probe(hour, key) < 0:
                keys[count] = key
                count += 1
            at = hour_end(clock, segment, at)
    return count
