"""What is rebuilt from observations equals what the live engine wrote; what was tampered with is found and mended."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from devices import TIME_MAX_US, TIME_MIN_US, ObservationBatch, Registry
from engine import recompute
from engine.calendar import Calendar
from engine.cells import Grid
from engine.indicators import INDICATORS
from engine.plain_check import plain_check
from engine.recompute import Recomputation
from engine.store import FORMS, Difference, Registered, Store, newest
from engine.store.reader import Reader
from engine.stretch import Stretches
from tests.databases import Furnish
from tests.engine.store.conftest import EMPTY, Query, owned
from tests.engine.store.live import AUTUMN_US, HOUR_US, Live, all_kinds, readings

DAY_US = 24 * HOUR_US
NOW_US = AUTUMN_US + 40 * DAY_US
DERIVED = ("bucket_minute", "window_hour", "window_day", "counter_event", "indicator_value")


@pytest.fixture
def town(tmp_path: Path) -> Registry:
    return all_kinds(tmp_path)


def taken(url: str) -> None:
    """Let an engine take random readings of all kinds in five commits."""
    with tempfile.TemporaryDirectory() as folder, owned(url) as store:
        town = all_kinds(Path(folder))
        running = Live(store, town, NOW_US)
        whole = readings(town, seed=1)
        for part in np.array_split(np.arange(len(whole)), 5):
            running.take(whole.take(part))


@pytest.fixture
def furnish() -> Furnish:
    return taken


@dataclass(frozen=True)
class Written:
    """What an engine left that has ended."""

    store: Store
    registered: Registered


@pytest.fixture
def written(store: Store, town: Registry) -> Written:
    """What those commits left."""
    return Written(store, store.register(town, INDICATORS))


@pytest.fixture
def live(store: Store, town: Registry) -> Live:
    """An engine that goes on after those commits."""
    return Live(store, town, NOW_US)


def differences(
    live: Live | Written,
    town: Registry,
    from_us: int = TIME_MIN_US,
    to_us: int = TIME_MAX_US,
    *,
    mend: bool = False,
    minute_days: int = 0,
) -> list[tuple[str, Difference]]:
    """What a recomputation finds."""
    stretches = Stretches(live.store, Calendar(town.city.zone_info), minute_days=minute_days)
    work = Recomputation(live.store, town, live.registered, stretches, now_us=NOW_US + 1, mend=mend)
    span = stretches.whole(from_us, to_us)
    assert span is not None
    return [one for step in work.run(*span, lambda done: None) for one in step.differences]


def by_sql(live: Live | Written, town: Registry, minute_days: int = 0) -> list[tuple[str, Difference]]:
    """What plain SQL finds."""
    stretches = Stretches(live.store, Calendar(town.city.zone_info), minute_days=minute_days)
    span = stretches.whole(TIME_MIN_US, TIME_MAX_US)
    assert span is not None
    series = town.series()
    steps = plain_check(live.store, series, stretches, *span, progress=lambda done: None, pause=lambda: None)
    found = list(steps)
    assert sum(step.rows.get("window_day", 0) for step in found) > 10
    return [one for step in found for one in step.differences]


def tables(store: Store) -> dict[str, list[bytes]]:
    return {name: list(store.table_lines(name)) for name in DERIVED}


def test_what_the_live_engine_wrote_is_what_follows_from_the_observations(written: Written, town: Registry) -> None:
    before = tables(written.store)
    assert all(before.values())
    assert differences(written, town) == []
    assert by_sql(written, town) == []
    assert tables(written.store) == before


@pytest.mark.parametrize("limit", ["SLOTS_MAX", "DAYS_MAX"])
def test_small_pieces_give_the_same(
    written: Written, town: Registry, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recompute, limit, 1)
    assert differences(written, town, AUTUMN_US, AUTUMN_US + 4 * DAY_US) == []


def kept_newest(url: str) -> list[list[int]]:
    with Reader.open(url) as reader:
        return [column.tolist() for column in newest.newest(reader.session, range(1_000))]


def test_everything_is_rebuilt_from_the_observations_alone(
    written: Written, town: Registry, query: Query, url: str
) -> None:
    before = tables(written.store)
    kept = kept_newest(url)
    for table in (*DERIVED, "newest_part"):
        query(f"TRUNCATE {table}")
    found = differences(written, town, mend=True)
    assert tables(written.store) == before
    assert kept_newest(url) == kept
    assert {(table, one.kind) for table, one in found} == {(table, "missing") for table in (*DERIVED, "newest_part")}
    rows = {table: len(rows) for table, rows in before.items()}
    assert Counter(table for table, _ in found) == {**rows, "newest_part": len(kept[0])}
    assert differences(written, town) == []


def test_a_newest_reading_that_is_kept_wrongly_is_named_and_mended(
    written: Written, town: Registry, query: Query, url: str
) -> None:
    kept = kept_newest(url)
    query("UPDATE newest_part SET packed = set_byte(packed, 19, get_byte(packed, 19) # 1)")  # the first one's ticks
    parts = query("SELECT count(*) FROM newest_part")[0][0]
    ((table, one), *others) = differences(written, town, AUTUMN_US, AUTUMN_US + DAY_US)
    assert (table, one.kind, len(others) < parts) == ("newest_part", "differs", True)
    field, time_us, ticks = one.wanted.rsplit("\t", 2)
    assert one.found == f"{field}\t{time_us}\t{int(ticks) ^ 1}"
    differences(written, town, mend=True)
    assert kept_newest(url) == kept
    assert differences(written, town) == []


@pytest.mark.parametrize("table", DERIVED)
def test_rows_that_were_changed_removed_or_added_are_named_and_mended(
    written: Written, town: Registry, query: Query, table: str
) -> None:
    before = tables(written.store)
    time = "time" if table == "counter_event" else "start"
    figure = {"counter_event": "after_ticks", "indicator_value": "ticks"}.get(table, "sum_0")
    key = "indicator_id, scope_id" if table == "indicator_value" else "series_id"
    rows = query(f"SELECT {key}, {time} FROM {table} WHERE {figure} IS NOT NULL ORDER BY {key}, {time} LIMIT 2")
    names = [*key.split(", "), time]
    changed, removed = (
        " AND ".join(f"{name} = '{value}'" for name, value in zip(names, row, strict=True)) for row in rows
    )
    query(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('{time}',"
        f" t.{time} + INTERVAL '400 days'))).* FROM {table} t WHERE {changed}"
    )
    query(f"UPDATE {table} SET {figure} = {figure} + 1 WHERE {changed}")
    query(f"DELETE FROM {table} WHERE {removed}")
    found = differences(written, town)
    assert sorted((name, one.kind) for name, one in found) == [
        (table, kind) for kind in ("differs", "extra", "missing")
    ]
    wanted = {one.kind: one for _, one in found}
    lines = [line.decode().rstrip("\n") for line in before[table]]
    assert wanted["differs"].wanted in lines
    assert wanted["missing"].wanted in lines
    assert len(wanted["extra"].found.split("\t")) == len(FORMS[table].columns)
    if table != "indicator_value":
        assert sorted(by_sql(written, town)) == sorted(found)
    assert sorted(differences(written, town, mend=True)) == sorted(found)
    assert tables(written.store) == before


def test_a_stretch_leaves_everything_else_alone(written: Written, town: Registry, query: Query) -> None:
    query("UPDATE window_hour SET sum_0 = sum_0 + 1")
    from_us, to_us = AUTUMN_US + DAY_US, AUTUMN_US + DAY_US + 25 * HOUR_US
    found = differences(written, town, from_us + 2 * HOUR_US, from_us + 3 * HOUR_US, mend=True)
    assert {start_us(one) for one in found} == {*range(from_us, to_us, HOUR_US)}
    left = differences(written, town)
    assert left != []
    assert all(not from_us <= start_us(one) < to_us for one in left)


def start_us(found: tuple[str, Difference]) -> int:
    return int(found[1].wanted.split("\t")[2])


def test_a_replaced_result_of_a_closed_window_stays_known(live: Live, town: Registry, query: Query) -> None:
    # Nothing is heard for long: the watermark follows the clock, and everything closes.
    live.now_us += DAY_US
    live.work()
    query("UPDATE indicator_value SET ticks = ticks + 1000 WHERE ticks IS NOT NULL AND revision > 0")
    ((count,),) = query("SELECT count(*) FROM indicator_value WHERE ticks IS NOT NULL AND revision > 0")
    assert count > 100
    assert len(differences(live, town, mend=True)) == count
    kept = query("SELECT reason, count(*) FROM indicator_revision WHERE superseded_at > computed_at GROUP BY reason")
    assert ("recomputed", count) in kept


def test_minutes_that_are_no_longer_kept_are_no_difference(written: Written, town: Registry, query: Query) -> None:
    query("SELECT drop_chunks('bucket_minute', older_than => TIMESTAMPTZ '2023-10-31T00:00:00Z')")
    assert differences(written, town) == []


def test_old_minutes_that_came_again_do_not_make_those_that_were_let_go_a_difference(
    live: Live, town: Registry, query: Query
) -> None:
    air = town.slot("d3", "pm2_5")
    live.take(ObservationBatch.of([air], [AUTUMN_US + 30 * DAY_US], [5]))
    query("SELECT drop_chunks('bucket_minute', older_than => TIMESTAMPTZ '2023-11-03T00:00:00Z')")
    # Late by a month: its minute is the only one of those weeks.
    live.take(ObservationBatch.of([air], [AUTUMN_US - 30 * DAY_US], [5]))
    assert {table for table, _ in differences(live, town)} == {"bucket_minute"}
    assert {table for table, _ in by_sql(live, town)} == {"bucket_minute"}
    assert differences(live, town, minute_days=10) == []
    assert by_sql(live, town, minute_days=10) == []


def test_what_the_engine_has_not_written_yet_is_left_out(live: Live, town: Registry) -> None:
    stretches = Stretches(live.store, Calendar(town.city.zone_info))
    assert stretches.written_to(TIME_MAX_US) == TIME_MAX_US
    live.take(ObservationBatch.of([0], [AUTUMN_US + 5], [7]), computed=False)
    assert stretches.written_to(TIME_MAX_US) < NOW_US
    assert differences(live, town) != []
    live = Live(live.store, town, NOW_US)
    assert differences(live, town) == []


@EMPTY
def test_a_counter_that_was_silent_across_the_mark_is_whole_after_a_crash(store: Store, town: Registry) -> None:
    meter, air = town.slot("d2", town.field_of(town.slots(2).start, 2).name), town.slot("d3", "pm2_5")
    live = Live(store, town, NOW_US)
    live.take(ObservationBatch.of([meter], [AUTUMN_US + 10 * HOUR_US], [1_000]))
    for hour in range(10, 72):
        live.take(ObservationBatch.of([air], [AUTUMN_US + hour * HOUR_US], [5]))
    point = store.checkpoint()
    assert point is not None
    assert point.mark_us > AUTUMN_US + 60 * HOUR_US
    live.take(ObservationBatch.of([meter], [AUTUMN_US + 80 * HOUR_US], [71_000]), computed=False)
    assert differences(Live(store, town, NOW_US), town) == []
    days = store.load_cells_between(Grid.DAY, TIME_MIN_US, TIME_MAX_US).cells
    assert days.sums[days.slot == meter, 0].sum() == 70_000


@EMPTY
def test_plain_sql_knows_the_energy_of_every_level_and_the_direction_of_every_angle(
    store: Store, town: Registry
) -> None:
    live = Live(store, town, NOW_US)
    series = town.series()
    for slot in (town.slot("d0", "wind"), town.slot("d4", "sound_level")):
        ticks = np.arange(series.low_ticks[slot], series.high_ticks[slot] + 1)
        assert ticks.size > 1_000
        # Each in a minute of its own, so that no error can hide behind another.
        live.take(ObservationBatch.of(np.full(ticks.size, slot), AUTUMN_US + np.arange(ticks.size) * 60_000_000, ticks))
    assert by_sql(live, town) == []
