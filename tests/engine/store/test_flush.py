"""Writing figures: absolute, idempotent, with a revision for every change of what was closed."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cells import Grid
from engine.store import (
    NO_TICKS,
    NONE,
    CellRows,
    CounterEvent,
    Duty,
    Flush,
    Flushed,
    NotOwned,
    Registered,
    Spans,
    Store,
    StoreError,
    StoreLimits,
)
from tests.engine.store.conftest import Query, empty
from tests.engine.store.oracle_flush import SlowTable
from tests.engine.store.town import HOUR_US, INDICATORS, T0, append, cells, town, values
from tests.examples import examples


def flush(**parts: Any) -> Flush:
    return Flush(**{"computed_us": T0, **parts})


def hours(slot: object, start_us: object, count: object, *, closed: object = False) -> Flush:
    return flush(cells={Grid.HOUR: cells(slot, start_us, count, closed=closed)})


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("grid", list(Grid))
def test_cells_come_back_as_they_were_written(store: Store, grid: Grid) -> None:
    wanted = cells([2, 0, 2], [T0, T0, T0 - HOUR_US], [3, 2**62 // 4, 1], closed=[True, False, False])
    assert store.flush(flush(cells={grid: wanted})) == Flushed(3, 0, 0)
    got = store.load_cells_between(grid, T0 - HOUR_US, T0 + 1)
    assert got.cells.slot.tolist() == [0, 2, 2]
    assert got.cells.start_us.tolist() == [T0, T0 - HOUR_US, T0]
    order = [1, 2, 0]
    for name in ("count", "low", "high", "sums"):
        assert np.array_equal(getattr(got.cells, name), getattr(wanted.cells, name)[order]), name
    assert got.expected.tolist() == [60] * 3
    assert got.revision.tolist() == [0, 0, 1]
    assert len(store.load_cells_between(grid, T0 - HOUR_US, T0).cells) == 1
    some = store.load_cells(grid, np.array([2, 0, 1], np.int32), np.array([T0, T0 - HOUR_US, T0]))
    assert (some.cells.slot.tolist(), some.cells.count.tolist()) == ([2], [3])


@pytest.mark.usefixtures("registered")
def test_a_revision_is_0_while_open_1_when_closed_and_rises_with_every_later_change(store: Store) -> None:
    seen = []
    for count, closed in [(1, False), (2, False), (2, True), (2, True), (3, True), (3, False), (4, False), (4, True)]:
        changed = store.flush(hours([0], [T0], [count], closed=closed)).cells
        got = store.load_cells_between(Grid.HOUR, T0, T0 + 1)
        seen.append((changed, int(got.cells.count[0]), int(got.revision[0])))
    assert seen == [(1, 1, 0), (1, 2, 0), (1, 2, 1), (0, 2, 1), (1, 3, 2), (0, 3, 2), (1, 4, 3), (0, 4, 3)]


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("column", ["count", "low", "high", "sum_0", "sum_1", "sum_2", "sum_3", "expected"])
@pytest.mark.parametrize("grid", list(Grid))
def test_a_change_of_any_figure_is_a_new_revision(store: Store, query: Query, grid: Grid, column: str) -> None:
    wanted = flush(cells={grid: cells([0, 1], [T0, T0], [5, 5], closed=True)})
    store.flush(wanted)
    table = {Grid.MINUTE: "bucket_minute", Grid.HOUR: "window_hour", Grid.DAY: "window_day"}[grid]
    query(f"UPDATE {table} SET {column} = {column} + 1 WHERE series_id = (SELECT min(series_id) FROM {table})")
    assert store.flush(wanted).cells == 1
    assert store.load_cells_between(grid, T0, T0 + 1).revision.tolist() == [2, 1]


@pytest.mark.usefixtures("registered")
def test_unchanged_rows_are_not_written_again(store: Store, query: Query, registered: Registered) -> None:
    wanted = flush(
        cells={grid: cells([0, 1], [T0, T0], [5, 6], closed=[True, False]) for grid in Grid},
        values=values(registered.indicator_id[0], registered.zone_scope, [T0, T0], 3, closed=[True, False]),
    )
    assert store.flush(wanted) == Flushed(6, 2, 0)
    versions = "SELECT xmin::text FROM window_hour UNION ALL SELECT xmin::text FROM indicator_value"
    before = query(versions)
    assert store.flush(wanted) == Flushed(0, 0, 0)
    assert query(versions) == before


@pytest.mark.usefixtures("registered")
def test_closing_a_stretch_closes_all_that_starts_inside_and_nothing_else(
    store: Store, query: Query, registered: Registered
) -> None:
    starts = [T0, T0 + HOUR_US, T0 + 2 * HOUR_US]
    store.flush(
        flush(
            cells={grid: cells([0, 0, 1], starts, [1, 1, 1]) for grid in Grid},
            values=values(registered.indicator_id[0], registered.city_scope, starts, 4),
        )
    )
    done = store.flush(flush(close={Grid.HOUR: (T0 + HOUR_US, T0 + 2 * HOUR_US)}))
    assert done == Flushed(0, 0, 0)
    closed = {grid: store.load_cells_between(grid, T0, T0 + 3 * HOUR_US).revision.tolist() for grid in Grid}
    assert closed == {Grid.MINUTE: [0, 0, 0], Grid.HOUR: [0, 1, 0], Grid.DAY: [0, 0, 0]}
    assert query("SELECT revision FROM indicator_value ORDER BY start") == [(0,), (1,), (0,)]
    store.flush(flush(close={Grid.DAY: (T0, T0 + HOUR_US)}))
    assert query("SELECT revision FROM indicator_value ORDER BY start") == [(0,), (1,), (0,)], "these are hours"


@pytest.mark.usefixtures("registered")
def test_a_replaced_result_of_a_closed_window_is_kept_with_the_reason(
    store: Store, query: Query, registered: Registered
) -> None:
    one, scope, driver = registered.indicator_id[0], registered.city_scope, int(registered.measurand_id[3])

    def write(ticks: int, closed: bool, at: int, **more: object) -> Flushed:
        rows = values(one, scope, [T0], ticks, closed=closed, **more)  # type: ignore[arg-type]
        return store.flush(Flush(computed_us=at, values=rows, reason="a late reading"))

    write(10, False, T0 + 1)
    assert write(20, True, T0 + 2) == Flushed(0, 1, 0), "an open result is simply replaced"
    assert write(30, True, T0 + 3, band=2, driver=driver) == Flushed(0, 1, 1)
    assert write(NO_TICKS, True, T0 + 4, band=0) == Flushed(0, 1, 1)
    assert write(NO_TICKS, True, T0 + 5, band=0) == Flushed(0, 0, 0)
    at = "(extract(epoch FROM {}) * 1000000)::bigint - " + str(T0)
    old = query(
        f"SELECT revision, ticks, band, driver, reason, {at.format('computed_at')}, {at.format('superseded_at')}"
        " FROM indicator_revision ORDER BY revision"
    )
    assert old == [(1, 20, 1, None, "a late reading", 2, 3), (2, 30, 2, driver, "a late reading", 3, 4)]
    new = query(f"SELECT revision, ticks, band, driver, {at.format('computed_at')} FROM indicator_value")
    assert new == [(3, None, None, None, 4)]


@pytest.mark.usefixtures("registered")
def test_counter_events_are_written_once_and_replaced_where_decided_anew(store: Store, query: Query) -> None:
    reset, dip = CounterEvent(0, T0, "reset", 900, 3), CounterEvent(0, T0 + 5, "dip", 50, 49)
    other = CounterEvent(1, T0, "rollover", 9999, 2)
    for _ in range(2):
        store.flush(flush(events=[reset, dip, other]))
    rows = (
        "SELECT s.device, e.kind, before_ticks, after_ticks FROM counter_event e JOIN v_series s USING (series_id)"
        " ORDER BY 1, time"
    )
    assert query(rows) == [("d0", "reset", 900, 3), ("d0", "dip", 50, 49), ("d1", "rollover", 9999, 2)]
    # A reading came in between: the reset was a dip, and the dip is none.
    store.flush(flush(events=[reset._replace(kind="dip")], decided=Spans.of([0], [T0 - 9], [T0 + 6])))
    assert query(rows) == [("d0", "dip", 900, 3), ("d1", "rollover", 9999, 2)]
    store.flush(flush(decided=Spans.of([0, 1], [-(2**62), T0 + 1], [2**62, T0 + 2])))
    assert query(rows) == [("d1", "rollover", 9999, 2)]


def test_the_checkpoint_and_pending_hours_survive_and_are_cleared(
    store: Store, registered: Registered, url: str
) -> None:
    assert store.checkpoint() is None
    assert store.last_commit() == 0
    first = store.append(append([0, 1], [T0, T0], [1, 1], mark_us=T0 + 1))
    second = store.append(append([0], [T0 - HOUR_US], [1], mark_us=T0 + 1))
    store.flush(flush(mark_us=T0 + 7, through_commit=first.commit_id))
    assert store.checkpoint() == (T0 + 7, first.commit_id)
    assert store.checkpoint(1) is None
    assert store.last_commit() == second.commit_id
    with Store.connect(url) as reader:
        reader.adopt(town(), registered)
        pending = reader.pending()
    assert (pending.commit_id.tolist(), pending.slot.tolist()) == ([second.commit_id], [0])
    assert pending.hour_us.tolist() == [T0 - HOUR_US]
    store.flush(flush(through_commit=second.commit_id))
    assert store.checkpoint() == (T0 + 7, first.commit_id), "a flush without a mark leaves the checkpoint"
    assert len(store.pending()) == 0
    store.flush(flush(mark_us=T0 + 8))
    assert store.checkpoint() == (T0 + 8, first.commit_id)


def test_pending_hours_of_another_partition_are_left_alone(store: Store, registered: Registered) -> None:
    done = store.append(append([0], [T0], [1], mark_us=T0 + 1))
    store.own(1, Duty.FLUSH)
    store.flush(flush(partition=1, mark_us=T0, through_commit=done.commit_id))
    assert len(store.pending(0)) == 1


@pytest.mark.usefixtures("registered")
def test_a_flush_that_cannot_be_written_leaves_nothing(store: Store, query: Query) -> None:
    good = cells([0], [T0], [1])
    twice = cells([1, 1], [T0, T0], [1, 2])
    with pytest.raises(StoreError, match="second time"):
        store.flush(flush(cells={Grid.HOUR: good, Grid.DAY: twice}, mark_us=T0))
    uneven = CellRows(good.cells, good.expected, np.zeros(2, np.bool_))
    with pytest.raises(StoreError, match="unequal"):
        store.flush(flush(cells={Grid.HOUR: uneven}))
    assert query("SELECT (SELECT count(*) FROM window_hour), (SELECT count(*) FROM checkpoint)") == [(0, 0)]


@pytest.mark.usefixtures("registered")
def test_who_listens_hears_of_each_flush_once_it_is_written(store: Store, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as ear:
        ear.execute("LISTEN cityvitals_written")
        store.flush(hours([0], [T0], [1]))
        assert len(list(ear.notifies(timeout=10, stop_after=1))) == 1
        with pytest.raises(StoreError):
            store.flush(hours([0, 0], [T0 + HOUR_US] * 2, [1, 1]))
        assert not list(ear.notifies(timeout=0.2)), "nothing was written"


def test_flushing_needs_the_duty_and_keeps_to_the_limit(url: str) -> None:
    with Store.connect(url, limits=StoreLimits(rows_max=1)) as store:
        store.register(town())
        store.own(0, Duty.APPEND)
        with pytest.raises(NotOwned, match="flush"):
            store.flush(hours([0], [T0], [1]))
        store.own(0, Duty.FLUSH)
        store.flush(hours([0], [T0], [1]))
        with pytest.raises(StoreError, match="at most 1"):
            store.flush(hours([0, 1], [T0, T0], [1, 1]))


@pytest.mark.usefixtures("registered")
def test_more_cells_than_are_staged_at_once_are_all_written(
    store: Store, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.windows.SLICE_ROWS", 3)
    wanted = hours([0] * 7, T0 + np.arange(7) * HOUR_US, np.arange(7))
    assert store.flush(wanted).cells == 7
    assert query("SELECT count FROM window_hour ORDER BY start") == [(k,) for k in range(7)]


CELL = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.booleans())
RESULT = st.tuples(st.integers(0, 1), st.integers(0, 2), st.sampled_from([0, 1, NO_TICKS]), st.booleans())
ROUND = st.tuples(
    st.lists(CELL, max_size=6, unique_by=lambda c: c[:2]),
    st.lists(RESULT, max_size=4, unique_by=lambda r: r[:2]),
    st.one_of(st.none(), st.tuples(st.integers(0, 3), st.integers(0, 3))),
)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(ROUND, max_size=6))
def test_any_flushes_do_what_dictionaries_do(database: str, rounds: list[Any]) -> None:
    empty(database)
    slow_cells, slow_values = SlowTable(), SlowTable()
    with Store.connect(database) as store:
        ids = store.register(town(), INDICATORS)
        store.own(0, Duty.FLUSH)
        for found, results, closing in rounds:
            slots, starts, counts, closed = (list(c) for c in zip(*found, strict=True)) if found else ([],) * 4
            scopes, windows, ticks, settled = (list(c) for c in zip(*results, strict=True)) if results else ([],) * 4
            changed = sum(slow_cells.write((s, w), (n,), c) for s, w, n, c in found)
            replaced = len(slow_values.superseded)
            renewed = sum(slow_values.write((s, w), (t,), c) for s, w, t, c in results)
            close = {} if closing is None else {Grid.HOUR: (T0 + closing[0] * HOUR_US, T0 + closing[1] * HOUR_US)}
            done = store.flush(
                flush(
                    cells={Grid.HOUR: cells(slots, [T0 + w * HOUR_US for w in starts], counts, closed=closed)},
                    values=values(
                        ids.indicator_id[0], ids.zone_scope[scopes], [T0 + w * HOUR_US for w in windows], ticks,
                        closed=settled, driver=NONE,
                    ),
                    close=close,
                )
            )  # fmt: skip
            if closing is not None:
                slow_cells.close(*closing, start=1)
                slow_values.close(*closing, start=1)
            assert done == Flushed(changed, renewed, len(slow_values.superseded) - replaced)
        got = store.load_cells_between(Grid.HOUR, T0, T0 + 9 * HOUR_US)
        columns = (got.cells.slot, (got.cells.start_us - T0) // HOUR_US, got.cells.count, got.revision)
        assert {(s, w): ((n,), r) for s, w, n, r in zip(*(c.tolist() for c in columns), strict=True)} == slow_cells.rows
        readings = store.indicator_history(scope_kind="zone")
        zones = {"north": 0, "south": 1}
        assert {
            (zones[r.scope], (r.start_us - T0) // HOUR_US): (
                (NO_TICKS if r.value is None else int(r.value),),
                r.revision,
            )
            for r in readings
        } == slow_values.rows


def known(store: Store, at_us: int) -> list[tuple[str, int, int, int]]:
    """Scope, hour after T0, value and revision of the hourly index as known at a time."""
    rows = store.known_at(at_us, indicator="cai")
    return [(r.scope, (r.start_us - T0) // HOUR_US, int(r.value or -1), r.revision) for r in rows]


def test_what_was_known_at_a_time_is_answered_for_open_and_for_closed_windows(
    store: Store, registered: Registered
) -> None:
    cai, city, station = registered.indicator_id[0], registered.city_scope, int(registered.station_scope[0])
    minute = 60_000_000

    def computed(at_us: int, scope: int, ticks: int, *, closed: bool = False) -> None:
        store.flush(flush(computed_us=at_us, values=values([cai], [scope], [T0], [ticks], closed=closed)))

    computed(T0 + minute, city, 10)
    computed(T0 + minute + 5, city, 11)  # replaced within its minute: nobody can have relied on 10
    computed(T0 + 3 * minute, city, 12)
    computed(T0 + 60 * minute, city, 12, closed=True)  # the same figure, now closed: it has stood since minute 3
    computed(T0 + 90 * minute, city, 13, closed=True)
    computed(T0 + minute, station, 20)
    computed(T0 + 3 * minute, station, 21, closed=True)
    assert known(store, T0) == []
    assert known(store, T0 + 2 * minute) == [("town", 0, 11, 0)]
    assert known(store, T0 + 3 * minute) == [("town", 0, 12, 1), ("d0", 0, 21, 1)]
    assert known(store, T0 + 89 * minute) == [("town", 0, 12, 1), ("d0", 0, 21, 1)]
    assert known(store, T0 + 90 * minute) == [("town", 0, 13, 2), ("d0", 0, 21, 1)]


def test_provisional_results_are_let_go_by_the_day(store: Store, registered: Registered, query: Query) -> None:
    cai, city, day = registered.indicator_id[0], registered.city_scope, 24 * HOUR_US
    for at, ticks in ((0, 1), (1, 2), (3, 3)):
        store.flush(flush(computed_us=T0 + at * day, values=values([cai], [city], [T0], [ticks])))
    assert query("SELECT ticks FROM indicator_seen ORDER BY 1") == [(1,), (2,)]
    assert store.forget_seen(T0 + 5 * day // 2) == 1
    assert query("SELECT ticks FROM indicator_seen") == [(2,)]
