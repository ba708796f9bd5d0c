"""Joining stretches of time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Decisions, Spans
from tests.examples import examples

stretches = st.lists(st.tuples(st.integers(0, 3), st.integers(-20, 20), st.integers(1, 8)), max_size=25)


@settings(max_examples=examples(200), deadline=None)
@given(stretches)
def test_joined_spans_hold_the_same_instants_and_neither_touch_nor_overlap(found: list[tuple[int, int, int]]) -> None:
    spans = Spans.of([s for s, _, _ in found], [a for _, a, _ in found], [a + n for _, a, n in found]).merged()
    rows = list(zip(spans.slot.tolist(), spans.from_us.tolist(), spans.to_us.tolist(), strict=True))
    assert {(s, t) for s, a, b in rows for t in range(a, b)} == {(s, t) for s, a, n in found for t in range(a, a + n)}
    assert rows == sorted(rows)
    assert all(one[0] != two[0] or one[2] < two[1] for one, two in pairwise(rows))


@settings(max_examples=examples(200), deadline=None)
@given(stretches, st.lists(st.tuples(st.integers(0, 3), st.integers(-20, 20)), max_size=25, unique=True))
def test_decisions_in_a_span_decided_anew_are_dropped_and_no_others(
    found: list[tuple[int, int, int]], made: list[tuple[int, int]]
) -> None:
    spans = Spans.of([s for s, _, _ in found], [a for _, a, _ in found], [a + n for _, a, n in found])
    times = np.array([t for _, t in made], np.int64)
    decisions = Decisions(np.array([s for s, _ in made], np.int32), times, times.astype(np.int8), times, times, times)
    left = decisions.outside(spans)
    assert list(zip(left.slot.tolist(), left.time_us.tolist(), strict=True)) == [
        (slot, at) for slot, at in made if not any(s == slot and a <= at < a + n for s, a, n in found)
    ]
    assert left.rise.tolist() == left.after.tolist() == left.before.tolist() == left.time_us.tolist()
