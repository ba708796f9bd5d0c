"""The newest observation of each series is kept with every commit, and is what the log says, whatever came when."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import Registry
from engine.store import Store, newest
from engine.store.archive import Left
from engine.store.migrate import FOLDER
from engine.store.newest import Newest, joined, latest
from engine.store.queries import query as statement
from engine.store.reader import Reader
from tests.engine.store.conftest import Query, empty
from tests.engine.store.town import HOUR_US, T0, append, town
from tests.examples import examples

SLOTS = len(town().series())
DAY_US = 24 * HOUR_US
LOG = """
SELECT DISTINCT ON (series_id) series_id, (extract(epoch FROM time) * 1000000)::bigint, ticks
FROM observation
ORDER BY series_id, time DESC
"""
"""The slow twin: the log itself."""

Rows = list[tuple[int, int, int]]


def rows(found: Newest) -> Rows:
    return list(zip(*(column.tolist() for column in found), strict=True))


def told(url: str, series: list[int]) -> Rows:
    with Reader.open(url) as reader:
        return rows(newest.newest(reader.session, series))


READING = st.tuples(st.integers(-5, 5), st.integers(-5, 5), st.integers(-9, 9))


@given(parts=st.lists(st.lists(READING, max_size=6), min_size=1, max_size=4))
def test_the_latest_reading_of_each_series_is_what_a_dictionary_keeps(parts: list[list[tuple[int, int, int]]]) -> None:
    slow: dict[int, tuple[int, int]] = {}
    of_time: dict[tuple[int, int], int] = {}  # a series has one value at one time
    columns = []
    for part in parts:
        part = [(s, t, of_time.setdefault((s, t), ticks)) for s, t, ticks in part]
        for series_id, time_us, ticks in part:
            slow[series_id] = max(slow.get(series_id, (time_us, ticks)), (time_us, ticks))
        table = np.array(part, np.int64).reshape(-1, 3)
        columns.append(Newest(table[:, 0].astype(np.int32), table[:, 1], table[:, 2]))
    assert rows(latest(joined(columns))) == [(s, *slow[s]) for s in sorted(slow)]


COMMIT = st.lists(st.tuples(st.integers(0, SLOTS - 1), st.integers(0, 11), st.integers(0, 2)), max_size=8)


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    commits=st.lists(COMMIT, max_size=7),
    restart=st.integers(0, 7),
    fold=st.integers(1, 3),
    size=st.integers(1, 3),
    data=st.data(),
)
def test_whatever_comes_when_the_newest_are_those_of_the_log(
    database: str, monkeypatch: pytest.MonkeyPatch, commits: list[object], restart: int, fold: int, size: int,
    data: st.DataObject,
) -> None:  # fmt: skip
    """In any order, late, twice, in conflict, across a restart and over chunks; folded often, into small parts."""
    monkeypatch.setattr(newest, "FOLD_PARTS", fold)
    monkeypatch.setattr(newest, "PART_READINGS", size)
    empty(database)
    store = Store.connect(database)
    try:
        ids = store.register(town()).series_id.tolist()
        store.own()
        for number, readings in enumerate(commits):
            if number == restart:
                store.close()
                store = Store.connect(database)
                store.register(town())
                store.own()
            slots, times, ticks = zip(*readings, strict=True) if readings else ((), (), ())  # type: ignore[call-overload]
            store.append(append(list(slots), [T0 + at * 40 * HOUR_US for at in times], list(ticks)))
    finally:
        store.close()
    some = data.draw(st.lists(st.sampled_from([*ids, 10**9]), unique=True))
    kept = told(database, some)
    assert kept == [row for row in log_of(database) if row[0] in some]


def log_of(url: str) -> Rows:
    with psycopg.connect(url, options="-c search_path=cityvitals,public") as connection:
        return list(connection.execute(LOG).fetchall())


@pytest.mark.usefixtures("registered")
def test_parts_are_folded_before_they_are_many(
    store: Store, url: str, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "FOLD_PARTS", 4)
    most = 0
    for number in range(12):
        store.append(append([number % SLOTS], [T0 + number], [number]))
        most = max(most, query("SELECT count(*) FROM newest_part")[0][0])
    assert most == 5
    monkeypatch.setattr(newest, "FOLD_READINGS_MIN", 2 * SLOTS)
    everything = list(range(SLOTS))
    for number in range(8):
        store.append(append(everything, [T0 + HOUR_US + number] * SLOTS, everything))
        most = max(most, query("SELECT sum(length(packed)) / 20 FROM newest_part")[0][0])
    assert SLOTS < most <= 3 * SLOTS
    assert told(url, [row[0] for row in log_of(url)]) == log_of(url)


def test_a_late_reading_adds_nothing(store: Store, registry: Registry, query: Query) -> None:
    store.register(registry)
    store.append(append([0, 1], [T0, T0], [1, 2]))
    before = query("SELECT * FROM newest_part")
    store.append(append([0, 1], [T0 - 1, T0], [3, 2]))
    assert query("SELECT * FROM newest_part") == before


def test_a_gateway_that_comes_back_does_not_bring_back_what_it_knew(url: str) -> None:
    """The marks of the one that was away are behind those of the one that took its place."""
    registry = town()
    with Store.connect(url) as one, Store.connect(url) as other:
        ids = one.register(registry).series_id.tolist()
        other.register(registry)
        one.own()
        one.append(append([0], [T0], [1]))
        one.reconnect()
        other.own()
        other.append(append([0, 1], [T0 + 9, T0], [2, 3]))
        other.close()
        one.own()
        one.append(append([0, 1], [T0 + 5, T0 + 1], [4, 5]))
    assert told(url, ids) == log_of(url) == [(ids[0], T0 + 9, 2), (ids[1], T0 + 1, 5)]


def test_what_left_for_an_archive_is_not_told(store: Store, registry: Registry, url: str) -> None:
    ids = store.register(registry).series_id.tolist()
    store.append(append([0, 1], [T0, T0], [1, 2]))
    store.append(append([0], [T0 + 30 * DAY_US], [3]))
    (_, edge_us), *_ = store.archive.chunks()
    assert store.archive.leave(Left(edge_us, edge_us, "somewhere")) == 1
    assert told(url, ids) == log_of(url) == [(ids[0], T0 + 30 * DAY_US, 3)]


def test_databases_from_before_are_filled_as_if_it_had_been_kept(
    store: Store, registry: Registry, url: str, query: Query
) -> None:
    ids = store.register(registry).series_id.tolist()
    times = [T0, T0 + 20 * DAY_US, T0 + DAY_US]
    store.append(append([0, 0, 1], times, [1, 2, 3]))
    rebuilt = statement("newest_rebuilt").decode()
    assert rebuilt.split("\n", 1)[1].strip().replace("%(partition)s", "0") in (FOLDER / "0022_newest.sql").read_text()
    query("TRUNCATE newest_part")
    assert told(url, ids) == []
    query(rebuilt.replace("%(partition)s", "0"))
    assert told(url, ids) == log_of(url)
    store.append(append([0], [T0 + 21 * DAY_US], [4]))
    assert told(url, ids) == log_of(url)
