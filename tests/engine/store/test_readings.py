"""Reading observations back: complete, in order, with the neighbours that counters need."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import ObservationBatch
from devices.series import TIME_MIN_US
from engine.store import Registered, Spans, Store
from engine.store.binary import TIME_HIGH_US, TIME_LOW_US, Ints
from tests.engine.store.town import T0, append, town, without_device
from tests.examples import examples

DAY_US = 86_400_000_000
Row = tuple[int, int, int]


class Written(NamedTuple):
    """A store and all that was written to it, by slot and time."""

    store: Store
    rows: list[Row]


def rows_of(batch: ObservationBatch) -> list[Row]:
    return list(zip(batch.slot.tolist(), batch.time_us.tolist(), batch.ticks.tolist(), strict=True))


@pytest.fixture
def written(store: Store, registered: Registered) -> Written:
    """Series whose observations lie in several chunks: dense, sparse, one alone, none."""
    rows: list[Row] = [(0, T0 + k * DAY_US, k) for k in range(30)]
    rows += [(1, T0 + k * DAY_US, -k) for k in (0, 9, 29)]
    rows += [(2, T0 + 14 * DAY_US, 7)]
    store.append(append(*(list(column) for column in zip(*rows, strict=True))))
    return Written(store, sorted(rows))


def test_a_stretch_of_time_is_read_from_start_included_to_end_excluded(written: Written) -> None:
    low, high = T0 + 3 * DAY_US, T0 + 14 * DAY_US
    found = written.store.observations_between(low, high)
    assert rows_of(found) == [row for row in written.rows if low <= row[1] < high]
    assert found.slot.dtype == np.int32
    assert rows_of(written.store.observations_between(TIME_MIN_US, 2**62)) == written.rows
    assert rows_of(written.store.observations_between(0, T0)) == []


def test_flags_come_back(store: Store, registered: Registered) -> None:
    wanted = append([0], [T0], [1])
    wanted.batch.flags[:] = 1
    store.append(wanted)
    assert store.observations_between(T0, T0 + 1).flags.tolist() == [1]
    assert store.observations(Spans.of([0], [T0 + 1], [T0 + 2]), neighbours=True).flags.tolist() == [1]


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 32), st.integers(0, 9)), max_size=5),
    neighbours=st.booleans(),
    odd=st.integers(-1, 1),
)
def test_spans_bring_what_lies_inside_and_their_neighbours(
    written: Written, asked: list[tuple[int, int, int]], neighbours: bool, odd: int
) -> None:
    spans = [(slot, T0 + low * DAY_US + odd, T0 + (low + length) * DAY_US) for slot, low, length in asked]
    expected = set()
    for slot, low, high in spans:
        own = [row for row in written.rows if row[0] == slot]
        expected |= {row for row in own if low <= row[1] < high}
        if neighbours:
            expected |= set([row for row in own if row[1] < low][-1:])
            expected |= set([row for row in own if row[1] >= high][:1])
    columns = zip(*spans, strict=True) if spans else ([], [], [])
    assert rows_of(written.store.observations(Spans.of(*columns), neighbours=neighbours)) == sorted(expected)


def test_spans_may_reach_beyond_all_times(written: Written) -> None:
    found = written.store.observations(
        Spans.of([2, 1], [-(2**62), TIME_LOW_US - 1], [2**62, 2**63 - 1]), neighbours=True
    )
    assert rows_of(found) == [row for row in written.rows if row[0] in (1, 2)]


def test_the_newest_of_every_series_is_found_wherever_it_lies(written: Written) -> None:
    last = written.store.last_readings()
    count = len(written.store.slots)
    assert last.time_us[:3].tolist() == [T0 + 29 * DAY_US, T0 + 29 * DAY_US, T0 + 14 * DAY_US]
    assert last.ticks[:3].tolist() == [29, -29, 7]
    assert last.time_us[3:].tolist() == [TIME_MIN_US] * (count - 3)
    assert written.store.first_time_us() == T0


@pytest.mark.parametrize("numbers", [[], [0], [-(2**31), 2**31 - 1, 7, 7]])
def test_numbers_reach_the_database_as_they_are(store: Store, numbers: list[int]) -> None:
    asked = store._session.connection.execute("SELECT %s::int[]", [Ints(np.array(numbers, np.int32))])
    assert asked.fetchone() == (numbers,)


def test_an_empty_table_has_no_first_and_no_last(store: Store, registered: Registered) -> None:
    assert store.first_time_us() is None
    assert set(store.last_readings().time_us.tolist()) == {TIME_MIN_US}
    assert len(store.observations_between(0, TIME_HIGH_US)) == 0


def test_series_that_are_no_longer_registered_are_left_out(written: Written) -> None:
    registry = without_device(town(), 0)
    written.store.register(registry)
    assert rows_of(written.store.observations_between(0, 2**62)) == [
        (slot - 1, time_us, ticks) for slot, time_us, ticks in written.rows if slot > 0
    ]
    assert written.store.last_readings().ticks[:2].tolist() == [-29, 7]
