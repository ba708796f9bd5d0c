"""Digests of a series and day: equal to their slow twin, whatever else lies beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.archive import DayDigests, digests, runs
from tests import oracle

INT64 = st.integers(-(2**63), 2**63 - 1)
SERIES = st.dictionaries(INT64, INT64, min_size=1, max_size=20)
"""Ticks by time."""


@given(st.lists(SERIES, max_size=8))
def test_every_slice_has_the_digest_of_its_own_readings(days: list[dict[int, int]]) -> None:
    rows = [(at, time_us, ticks) for at, day in enumerate(days) for time_us, ticks in sorted(day.items())]
    at, time_us, ticks = (np.array([row[i] for row in rows], np.int64) for i in range(3))
    found = digests(time_us, ticks, runs(at.astype(np.int32)))
    assert [bytes(one) for one in found] == [oracle.day_digest(day.items()) for day in days]


def test_a_known_digest_stands_for_ever() -> None:
    # As `sha256sum` says of the sixteen bytes.
    (found,) = digests(np.array([1]), np.array([2]), np.array([0, 1]))
    assert bytes(found).hex() == "0c730b69905c5ef7a4ca5269f72365400bde2dd2c04eaf9bbb3d1c4a265a0131"


@pytest.mark.parametrize("times", [[2, 1], [1, 1]])
def test_times_that_do_not_rise_are_refused(times: list[int]) -> None:
    with pytest.raises(ValueError, match="sort them"):
        digests(np.array(times), np.array([0, 0]), np.array([0, 2]))


def test_a_run_ends_where_any_key_changes() -> None:
    slot, day = np.array([1, 1, 1, 2, 2], np.int32), np.array([5, 5, 6, 6, 6], np.int32)
    assert runs(slot, day).tolist() == [0, 2, 3, 5]
    assert runs(slot[:0], day[:0]).tolist() == [0]


def test_parts_are_joined_by_series_and_day() -> None:
    series = (("a", "x"), ("b", "x"))
    parts = [
        DayDigests(series, np.array([1], np.int32), np.array([day], np.int32), np.array([day]), _digest(day))
        for day in (9, 7)
    ] + [DayDigests(series, np.array([0], np.int32), np.array([8], np.int32), np.array([8]), _digest(8))]
    found = DayDigests.joined(series, parts)
    assert (found.at.tolist(), found.day.tolist(), found.count.tolist()) == ([0, 1, 1], [8, 7, 9], [8, 7, 9])
    assert found.sha256[:, 0].tolist() == [8, 7, 9]
    assert len(DayDigests.joined(series, [])) == 0


def _digest(value: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((1, 32), value, np.uint8)
