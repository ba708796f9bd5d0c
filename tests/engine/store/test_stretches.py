"""Stretches hold every time once, keep to the chunks, and are few."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.store.stretches import STRETCHES_MAX, stretches

CHUNK_US = 1000


@given(st.lists(st.integers(-5_000_000, 5_000_000), max_size=300))
def test_every_time_lies_in_one_stretch_and_every_stretch_in_few_chunks(times: list[int]) -> None:
    time_us = np.array(times, np.int64)
    made = [(limits["low"].us, limits["high"].us) for limits in stretches(time_us, CHUNK_US)]
    assert all(sum(low <= one <= high for low, high in made) == 1 for one in times)
    assert all(any(low <= one <= high for one in times) for low, high in made)
    chunks = {one // CHUNK_US for one in times}
    assert len(made) == min(len(chunks), STRETCHES_MAX)
    if len(chunks) <= STRETCHES_MAX:
        assert all(low // CHUNK_US == high // CHUNK_US for low, high in made)
