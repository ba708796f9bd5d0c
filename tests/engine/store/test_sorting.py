"""The plan of a commit equals what a dictionary would say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from devices import ObservationBatch
from engine.store import NONE, Outcome
from engine.store.slots import Slots
from engine.store.sorting import HOUR_US, late_hours, plan, settle

READING = st.tuples(st.integers(0, 4), st.integers(-5, 5), st.integers(0, 2))


@given(
    readings=st.lists(READING),
    ids=st.permutations([3, 9, 1, 70, 5]),
    marks=st.lists(st.integers(-6, 6), min_size=5, max_size=5),
)
def test_a_plan_puts_every_reading_with_the_first_of_its_key(
    readings: list[tuple[int, int, int]], ids: list[int], marks: list[int]
) -> None:
    batch = ObservationBatch.of(*(zip(*readings, strict=True) if readings else ([], [], [])))
    made = plan(batch, np.array(ids, np.int32), np.array(marks, np.int64))
    first: dict[tuple[int, int], int] = {}
    for row, (slot, time_us, _) in enumerate(readings):
        first.setdefault((ids[slot], time_us), row)
    assert made.leader.tolist() == [first[key] for key in sorted(first)], "keys are sorted by series, then time"
    assert [int(made.leader[key]) for key in made.key] == [first[ids[slot], t] for slot, t, _ in readings]
    assert made.fast.tolist() == [readings[row][1] > marks[readings[row][0]] for row in made.leader.tolist()]


@given(readings=st.lists(READING, min_size=1), data=st.data())
def test_outcomes_follow_from_what_is_held(readings: list[tuple[int, int, int]], data: st.DataObject) -> None:
    batch = ObservationBatch.of(*zip(*readings, strict=True))
    made = plan(batch, np.arange(5, dtype=np.int32), np.full(5, 9, np.int64))
    count = made.leader.size
    stored = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)), np.bool_)
    held = np.array(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)), np.int64)
    held[stored] = batch.ticks[made.leader[stored]]
    expected = []
    for row, (_, _, ticks) in enumerate(readings):
        key = int(made.key[row])
        if stored[key] and int(made.leader[key]) == row:
            expected.append(Outcome.ACCEPTED)
        else:
            expected.append(Outcome.DUPLICATE if ticks == held[key] else Outcome.CONFLICT)
    assert settle(batch, made, stored, held).tolist() == expected


@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(-3 * HOUR_US, 3 * HOUR_US))), mark=st.integers(-4, 4))
def test_late_hours_are_the_distinct_ones_behind_the_mark(rows: list[tuple[int, int]], mark: int) -> None:
    series, times = np.array([r[0] for r in rows], np.int32), np.array([r[1] for r in rows], np.int64)
    found, hours = late_hours(series, times, mark * HOUR_US)
    expected = sorted({(s, t // HOUR_US * HOUR_US) for s, t in rows if t < mark * HOUR_US})
    assert list(zip(found.tolist(), hours.tolist(), strict=True)) == expected


@given(ids=st.lists(st.integers(1, 50), unique=True), asked=st.lists(st.integers(0, 60)))
def test_slots_are_found_by_series_and_unknown_series_have_none(ids: list[int], asked: list[int]) -> None:
    slots = Slots(np.array(ids, np.int32))
    expected = [ids.index(series) if series in ids else NONE for series in asked]
    assert slots.of(np.array(asked, np.int32)).tolist() == expected
