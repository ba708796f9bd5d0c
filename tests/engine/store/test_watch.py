"""What is kept of silence: written twice it stands once, found again after a restart, never written by two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devices.series import TIME_MAX_US, TIME_MIN_US
from engine.store import (
    NOTHING,
    HealthRows,
    NotOwned,
    Registered,
    SilenceRow,
    Store,
    StoreLimits,
    Watched,
)
from engine.store.session import Duty
from tests.engine.store.conftest import Query
from tests.engine.store.town import HOUR_US, T0, town, without_device

DAY_US = 86_400_000_000
LASTING = TIME_MAX_US


def device(who: str, started_us: int, ended_us: int = LASTING, **more: object) -> SilenceRow:
    row = SilenceRow("device", who, started_us, ended_us, T0 - 5, 60_000_000, 180_000_000, 1)
    return row._replace(**more)


def watched(*silences: SilenceRow, heard_to_us: int = T0, **more: object) -> Watched:
    written = Watched(heard_to_us, 7_000_000, False, silences, None, T0 + 1, TIME_MIN_US)
    return replace(written, **more)  # type: ignore[arg-type]


def health(store: Store, *states: int, heard_us: int = T0, clock: int = 1) -> HealthRows:
    facts = store.read_watch(0, T0).devices
    ids = np.array([facts[f"d{i}"].device_id for i in range(len(states))], np.int32)

    def column(value: int, kind: type[np.generic] = np.int64) -> np.ndarray:
        return np.full(ids.size, value, kind)

    return HealthRows(
        ids, column(heard_us), column(NOTHING), column(42), column(60_000_000), column(3), column(-90_000_000),
        np.array(states, np.int16), column(clock, np.int16),
    )  # fmt: skip


@pytest.mark.usefixtures("registered")
def test_a_silence_written_twice_stands_once_and_ends_where_it_began(store: Store, query: Query) -> None:
    store.write_watch(watched(device("d0", T0)))
    store.write_watch(watched(device("d0", T0)))
    (row,) = store.silence_rows()
    assert (row.kind, row.who, row.started_us, row.ended_us, row.noticed_us) == ("device", "d0", T0, None, T0 + 1)
    store.write_watch(watched(device("d0", T0, T0 + 9, detail="heard again"), noticed_us=T0 + 10))
    (row,) = store.silence_rows()
    assert (row.started_us, row.ended_us, row.noticed_us, row.detail) == (T0, T0 + 9, T0 + 1, "heard again")
    assert query("SELECT seconds, interval_s, allowed_s, zone FROM v_silence")[0][1:] == (60, 180, "north")


@pytest.mark.usefixtures("registered")
def test_one_silence_may_end_and_the_next_begin_in_one_write(store: Store) -> None:
    store.write_watch(watched(device("d0", T0)))
    store.write_watch(watched(device("d0", T0, T0 + 5), device("d0", T0 + 6)))
    assert [(r.started_us, r.ended_us) for r in store.silence_rows()] == [(T0 + 6, None), (T0, T0 + 5)]
    assert [r.started_us for r in store.silence_rows(lasting=True)] == [T0 + 6]


@pytest.mark.usefixtures("registered")
def test_devices_of_a_silent_gateway_leave_the_table_for_it(store: Store, query: Query) -> None:
    store.write_watch(watched(device("d0", T0), device("d1", T0 + 1), device("d2", T0 - DAY_US)))
    gateway = SilenceRow("gateway", "direct", T0 + 2, LASTING, devices=2)
    store.write_watch(watched(gateway, *(device(f"d{i}", T0 + i, absorbed=True) for i in range(2))))
    assert {(r.kind, r.who) for r in store.silence_rows()} == {("gateway", "direct"), ("device", "d2")}
    store.write_watch(watched(health=health(store, 3, 3, 3)))
    shown = query(
        "SELECT device, silence, silent_since = (SELECT min(started_at) FROM silence) FROM v_health ORDER BY 1"
    )
    assert shown == [("d0", "gateway", False), ("d1", "gateway", False), ("d2", "device", True)]


@pytest.mark.usefixtures("registered")
def test_how_it_stands_with_a_device_is_shown_in_seconds_worst_first(store: Store) -> None:
    store.write_watch(watched(health=health(store, 1, 2)))
    late, never, well = store.health_rows()
    assert [(r.device, r.state) for r in (late, never, well)] == [("d1", "late"), ("d2", "never"), ("d0", "ok")]
    assert (never.heard_us, never.clock, never.learned_interval_s) == (None, "", None)
    assert (well.heard_us, well.reading_us, well.learned_interval_s, well.clock_offset_s, well.clock) == (
        T0, None, 60, -90, "ok",
    )  # fmt: skip
    store.write_watch(watched(health=health(store, 3, heard_us=T0 + HOUR_US, clock=3)))
    worst = store.health_rows()[0]
    assert (worst.device, worst.state, worst.heard_us, worst.clock) == ("d0", "silent", T0 + HOUR_US, "slow")


def test_a_restart_finds_what_was_known(store: Store, registered: Registered, url: str) -> None:
    assert store.read_watch(0, T0).heard_to_us is None
    store.write_watch(watched(device("d0", T0 - 9), health=health(store, 3, 1), heard_to_us=T0 + 3))
    store.close()
    with Store.connect(url) as again:
        again.own(0, Duty.FLUSH)
        state = again.read_watch(0, T0 + DAY_US)
    assert (state.heard_to_us, state.listened_us, state.stopped) == (T0 + 3, 7_000_000, False)
    assert state.lasting == [("device", "d0", T0 - 9)]
    assert state.devices["d1"]._replace(device_id=0) == (0, T0, None, 42, 60_000_000, 3, -90_000_000, 1)
    assert state.devices["d2"].state is None
    assert len(registered.station_scope) == 3


@pytest.mark.usefixtures("registered")
def test_what_no_run_will_find_again_is_ended_by_the_next(store: Store) -> None:
    absence = SilenceRow("system", "broker", T0 - 50, LASTING, detail="refused")
    store.write_watch(watched(device("d0", T0), device("d2", T0), absence, heard_to_us=T0 - 20))
    store.register(without_device(town(), 2))
    state = store.read_watch(0, T0 + 100)
    assert state.lasting == [("device", "d0", T0)]
    ended = {(r.kind, r.who): (r.ended_us, r.detail) for r in store.silence_rows() if r.ended_us is not None}
    assert ended == {("device", "d2"): (T0 + 100, "left the list"), ("system", "broker"): (T0 - 20, "refused")}


@pytest.mark.usefixtures("registered")
def test_old_silences_leave_and_are_counted_and_those_that_last_stay(url: str, query: Query) -> None:
    with Store.connect(url, limits=StoreLimits(silence_rows_max=3)) as small:
        small.own(1, Duty.FLUSH)
        rows = [device("d0", T0 - 30 * DAY_US), device("d1", T0 - 20 * DAY_US, T0 - 19 * DAY_US)]
        assert small.write_watch(watched(*rows, partition=1)) == 0
        assert small.write_watch(watched(device("d1", T0), forget_us=T0 - 10 * DAY_US, partition=1)) == 1
        more = [device("d2", T0 + i * 10, T0 + i * 10 + 5) for i in range(5)]
        assert small.write_watch(watched(*more, partition=1)) == 2
        assert small.listening().trimmed == 3
    assert query("SELECT who FROM silence WHERE ended_at IS NULL ORDER BY 1") == [("d0",), ("d1",)]
    assert query("SELECT count(*) FROM silence WHERE who = 'd2'") == [(3,)]


@pytest.mark.usefixtures("registered")
def test_only_the_owner_writes_and_reads(url: str) -> None:
    with Store.connect(url) as other:
        with pytest.raises(NotOwned):
            other.write_watch(watched())
        with pytest.raises(NotOwned):
            other.read_watch(0, T0)


class BrokenError(Exception):
    """Stands for the crash."""


@pytest.mark.parametrize("at", ["silences written", "watch written"])
def test_a_crash_in_the_middle_leaves_all_of_it_or_nothing(url: str, at: str) -> None:
    def step(name: str) -> None:
        if name == at:
            raise BrokenError

    with Store.connect(url, step=step) as breaking:
        breaking.register(town())
        breaking.own(0, Duty.FLUSH)
        with pytest.raises(BrokenError):
            breaking.write_watch(watched(device("d0", T0), health=health(breaking, 3)))
    with Store.connect(url) as after:
        assert after.silence_rows() == []
        assert after.listening().heard_to_us is None
        assert {r.state for r in after.health_rows()} == {"never"}
