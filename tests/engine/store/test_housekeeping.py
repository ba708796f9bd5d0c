"""The store's limits act by themselves: at the start, every hour, in portions, and without disturbing anything."""

from __future__ import annotations

import threading
from dataclasses import replace

import psycopg
import pytest

from devices import TIME_MIN_US, Registry
from engine import Grid
from engine.housekeeping import DAY_US, EVERY_US, Housekeeping
from engine.inbox import Stored
from engine.indicators import INDICATORS
from engine.settings import WorkerSettings
from engine.store import Flush, Store
from engine.worker import Worker
from tests.engine.store.conftest import Query
from tests.engine.store.town import T0, append, cells

SETTINGS = WorkerSettings(ledger_days=7, minute_days=400, seen_days=35)


def commits(store: Store, query: Query, ages_days: list[float], now_us: int) -> None:
    """Make one commit per age, oldest first."""
    for at, age in enumerate(ages_days):
        done = store.append(append([0], [T0 + at], [at]))
        query(
            "UPDATE ledger SET committed_at = to_timestamp(%s / 1e6) WHERE commit_id = %s",
            now_us - round(age * DAY_US), done.commit_id,
        )  # fmt: skip


@pytest.mark.usefixtures("registered")
def test_only_commits_older_than_the_limit_are_folded_and_the_newest_stays(store: Store, query: Query) -> None:
    now_us = T0 + 100 * DAY_US
    commits(store, query, [30, 8, 7.001, 6.999, 1], now_us)
    before = store.ledger_summary()
    house = Housekeeping(store, SETTINGS)
    house.turn(now_us, lambda: T0)
    assert (house.counts.folded, [row.commit_id for row in store.ledger_rows()]) == (3, [5, 4])
    assert store.ledger_summary()[:9] == before[:9]
    house.turn(now_us + EVERY_US + 30 * DAY_US, lambda: T0)
    assert [row.commit_id for row in store.ledger_rows()] == [5], "the newest stays however old it is"
    assert store.last_commit() == 5
    assert house.counts.folded == 4


@pytest.mark.usefixtures("registered")
def test_a_turn_looks_again_after_an_hour_and_not_before(store: Store, query: Query) -> None:
    now_us = T0 + 100 * DAY_US
    house = Housekeeping(store, SETTINGS)
    house.turn(now_us, lambda: T0)
    commits(store, query, [9, 0], now_us)
    house.turn(now_us + EVERY_US - 1, lambda: T0)
    assert house.counts.folded == 0
    house.turn(now_us + EVERY_US, lambda: T0)
    assert house.counts.folded == 1


@pytest.mark.usefixtures("registered")
def test_many_commits_are_folded_in_portions_one_per_turn(
    store: Store, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.housekeeping.FOLD_ROWS_MAX", 4)
    now_us = T0 + 100 * DAY_US
    commits(store, query, [20] * 10, now_us)
    house = Housekeeping(store, SETTINGS)
    folded = []
    for _ in range(5):
        house.turn(now_us, lambda: T0)
        folded.append(house.counts.folded)
    assert folded == [4, 8, 9, 9, 9]


@pytest.mark.usefixtures("registered")
def test_minutes_age_by_the_observations_and_not_by_the_clock(store: Store, query: Query) -> None:
    both = cells([0, 0], [T0, T0 + 30 * DAY_US], [1, 1])
    store.flush(Flush(computed_us=T0, cells={Grid.MINUTE: both, Grid.HOUR: both}))
    house = Housekeeping(store, SETTINGS)
    decades_later_us = T0 + 20_000 * DAY_US
    house.turn(decades_later_us, lambda: T0 + 30 * DAY_US)
    assert query("SELECT count(*) FROM bucket_minute") == [(2,)]
    house.turn(decades_later_us + EVERY_US, lambda: T0 + 415 * DAY_US)
    assert query("SELECT (SELECT count(*) FROM bucket_minute), (SELECT count(*) FROM window_hour)") == [(1, 2)]
    assert house.counts.forgotten == 1


@pytest.mark.usefixtures("registered")
def test_nought_days_keep_everything_for_ever(store: Store, query: Query) -> None:
    store.flush(Flush(computed_us=T0, cells={Grid.MINUTE: cells([0], [T0], [1])}))
    now_us = T0 + 20_000 * DAY_US
    commits(store, query, [500, 400], now_us)
    house = Housekeeping(store, replace(SETTINGS, ledger_days=0, minute_days=0, seen_days=0))
    house.turn(now_us, lambda: now_us)
    assert query("SELECT (SELECT count(*) FROM bucket_minute), (SELECT count(*) FROM ledger)") == [(1, 2)]


@pytest.mark.usefixtures("registered")
def test_what_somebody_reads_is_dropped_an_hour_later_and_nobody_waits(store: Store, url: str, query: Query) -> None:
    store.flush(Flush(computed_us=T0, cells={Grid.MINUTE: cells([0], [T0], [1])}))
    now_us = T0 + 1000 * DAY_US
    house = Housekeeping(store, SETTINGS)
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM cityvitals.bucket_minute")  # holds its lock until the transaction's end
        house.turn(now_us, lambda: now_us)
    assert (house.counts.postponed, house.counts.forgotten) == (1, 0)
    house.turn(now_us + EVERY_US, lambda: now_us)
    assert (house.counts.postponed, house.counts.forgotten) == (1, 1)


def test_a_restart_after_folding_goes_on_where_the_last_ended(store: Store, registry: Registry, query: Query) -> None:
    """The engine folds at its start; its next start finds the newest commit, its checkpoint and nothing to restate."""
    registered = store.register(registry, INDICATORS)
    now_us = T0 + 100 * DAY_US

    def run_once(*, more: bool) -> Worker:
        worker = Worker(store, registry, registered, SETTINGS, clock_us=lambda: now_us)
        worker.recover()
        if more:
            for at in range(5):
                wanted = append([0], [T0 + at * 60_000_000], [at], mark_us=worker.mark_us)
                done = store.append(wanted)
                worker.inbox.put(Stored(wanted.batch, done.commit_id, wanted.mark_us, now_us))
        stop = threading.Event()
        engine = threading.Thread(target=worker.run, args=(stop,))
        engine.start()
        while not worker.status()["folded"] and not more:
            assert engine.is_alive()
        stop.set()
        engine.join()
        return worker

    run_once(more=True)
    query("UPDATE ledger SET committed_at = to_timestamp(%s / 1e6)", now_us - 30 * DAY_US)
    hours = query("SELECT series_id, start, count, sum_0, revision FROM window_hour ORDER BY 1, 2")
    first = run_once(more=False)
    assert first.status()["folded"] == 4
    again = Worker(store, registry, registered, SETTINGS, clock_us=lambda: now_us)
    again.recover()
    assert again.status()["commit_written"] == store.last_commit() == 5
    assert again.status()["recovered"] == first.status()["recovered"]
    point = store.checkpoint()
    assert point is not None
    assert (point.commit_id, point.mark_us > TIME_MIN_US) == (5, True)
    assert query("SELECT count(*) FROM pending_restatement") == [(0,)]
    assert query("SELECT series_id, start, count, sum_0, revision FROM window_hour ORDER BY 1, 2") == hours
    assert store.ledger_summary().balance == 0
