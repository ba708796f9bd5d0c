"""Storing commits: every reading is accounted for, and none is stored twice."""

from __future__ import annotations

import uuid
from dataclasses import replace

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import PAYLOAD_BYTES_MAX, ObservationBatch
from devices.series import TIME_MIN_US
from engine.cells import Grid
from engine.store import Duty, Flush, NotOwned, Outcome, Registered, Store, StoreError, StoreLimits
from tests.engine.store.conftest import Query, empty
from tests.engine.store.oracle_append import SlowStore
from tests.engine.store.town import HOUR_US, INDICATORS, MINUTE_US, T0, append, cells, refused, town
from tests.examples import examples

ACCEPTED, DUPLICATE, CONFLICT = Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.CONFLICT
CLAIMED = ("d1", "", "a device that only a message knows")
SUMS = "SELECT sum(received), sum(accepted), sum(duplicate), sum(quarantined) FROM ledger"


@pytest.mark.usefixtures("registered")
def test_new_readings_are_stored_under_their_series(store: Store, query: Query, registered: Registered) -> None:
    done = store.append(append([2, 0, 2], [T0 + 2, T0, T0 + 1], [7, -8, 2**63 - 1]))
    assert done.outcome.tolist() == [ACCEPTED] * 3
    ids = registered.series_id.tolist()
    rows = query("SELECT series_id, extract(epoch FROM time) * 1000000, ticks, flags FROM observation ORDER BY 1, 2")
    assert rows == [(ids[0], T0, -8, 0), (ids[2], T0 + 1, 2**63 - 1, 0), (ids[2], T0 + 2, 7, 0)]


@pytest.mark.usefixtures("registered")
def test_a_commit_has_one_row_in_the_ledger_that_balances(store: Store, query: Query) -> None:
    store.append(append([0], [T0], [1]))
    wanted = append([0, 0, 0, 1], [T0, T0, T0 + 1, T0], [1, 2, 3, 4], refused=[refused(readings=3)], messages=5)
    done = store.append(wanted)
    assert done.outcome.tolist() == [DUPLICATE, CONFLICT, ACCEPTED, ACCEPTED]
    row = query(
        "SELECT commit_id, commit_key, messages, received, accepted, duplicate, quarantined, looked_up, client"
        " FROM ledger ORDER BY commit_id DESC LIMIT 1"
    )
    assert row == [(done.commit_id, wanted.key, 5, 7, 2, 1, 4, 1, "gateway-1")]
    assert (done.accepted, done.duplicate, done.conflict, done.refused) == (2, 1, 1, 3)


@pytest.mark.usefixtures("registered")
def test_a_commit_of_nothing_but_faults_is_accounted_for(store: Store, query: Query) -> None:
    store.append(append([], [], [], refused=[refused("a"), refused("b", readings=2)]))
    assert query(SUMS) == [(3, 0, 0, 3)]
    assert query("SELECT detail, readings FROM quarantine ORDER BY quarantine_id") == [("a", 1), ("b", 2)]


@pytest.mark.usefixtures("registered")
def test_the_account_of_a_device_is_what_was_counted_accepted_and_what_was_not(store: Store, query: Query) -> None:
    store.append(append([0, 0, 0], [T0, T0, T0 + 1], [1, 2, 3], refused=[refused(readings=4, device="d9")]))
    store.append(append([0, 0], [T0, T0], [1, 1], refused=[refused(readings=2, device="d0")]))
    assert query("SELECT * FROM v_ledger_device ORDER BY device") == [("", 4, 0, 0, 4), ("d0", 5, 0, 2, 3)]
    store.own(duty=Duty.FLUSH)
    days = {Grid.DAY: cells([0, 1], [T0, T0], [2, 7])}
    store.flush(Flush(T0, days))
    assert query("SELECT * FROM v_ledger_device ORDER BY device") == [
        ("", 4, 0, 0, 4), ("d0", 7, 2, 2, 3), ("d1", 7, 7, 0, 0),
    ]  # fmt: skip


@pytest.mark.usefixtures("registered")
def test_the_first_of_two_twins_in_one_batch_stays(store: Store, query: Query) -> None:
    done = store.append(append([0, 0, 0], [T0, T0, T0], [5, 6, 5]))
    assert done.outcome.tolist() == [ACCEPTED, CONFLICT, DUPLICATE]
    assert query("SELECT ticks FROM observation") == [(5,)]


@pytest.mark.usefixtures("registered")
def test_twins_are_judged_by_what_is_stored_not_by_each_other(store: Store) -> None:
    store.append(append([0], [T0], [5]))
    done = store.append(append([0, 0], [T0, T0], [7, 5]))
    assert done.outcome.tolist() == [CONFLICT, DUPLICATE]


@pytest.mark.usefixtures("registered")
def test_a_conflict_is_quarantined_with_what_the_caller_says_of_it(store: Store, query: Query) -> None:
    store.append(append([0, 1], [T0, T0], [5, 6]))
    store.append(append([1, 0], [T0, T0], [9, 8]))
    found = query("SELECT reason, detail FROM quarantine ORDER BY quarantine_id")
    assert found == [("conflict", "row 0: 6 stands"), ("conflict", "row 1: 5 stands")]


@pytest.mark.usefixtures("registered")
def test_late_readings_are_stored_and_looked_up(store: Store) -> None:
    first = store.append(append([0, 1], [T0, T0], [1, 1]))
    late = store.append(append([0, 0, 1], [T0 - MINUTE_US, T0 - 30 * 86_400_000_000, T0 + 1], [2, 3, 4]))
    assert (first.looked_up, late.looked_up, late.accepted) == (0, 2, 3)


@pytest.mark.usefixtures("registered")
def test_late_readings_behind_the_mark_are_noted_by_series_and_hour(
    store: Store, query: Query, registered: Registered
) -> None:
    times = [T0, T0 + 1, T0 + HOUR_US, T0 + 2 * HOUR_US, T0 - HOUR_US - 1]
    done = store.append(append([0, 0, 0, 0, 1], times, [1, 2, 3, 4, 5], mark_us=T0 + 2 * HOUR_US))
    again = store.append(append([0], [T0], [1], mark_us=T0 + 2 * HOUR_US))
    assert (done.restated, again.restated) == (3, 0)
    pending = store.pending()
    assert pending.commit_id.tolist() == [done.commit_id] * 3
    assert sorted(zip(pending.slot.tolist(), pending.hour_us.tolist(), strict=True)) == [
        (0, T0),
        (0, T0 + HOUR_US),
        (1, T0 - 2 * HOUR_US),
    ]


def test_a_mark_that_another_gateway_overtook_is_noticed_and_the_commit_done_again(url: str) -> None:
    registry = town()
    with Store.connect(url) as one, Store.connect(url) as other:
        one.register(registry)
        other.register(registry)
        one.own()
        one.append(append([0], [T0], [1]))
        one.close()
        other.own()
        other.append(append([0], [T0 + 1], [2]))  # the marks are now in memory
        with psycopg.connect(url, autocommit=True) as stranger:
            stranger.execute(
                "INSERT INTO cityvitals.observation"
                " SELECT time + interval '9 us', 3, series_id, 0 FROM cityvitals.observation"
            )
        done = other.append(append([0, 0, 1], [T0 + 10, T0 + 11, T0], [3, 4, 5]))
        assert done.redone
        assert done.outcome.tolist() == [DUPLICATE, ACCEPTED, ACCEPTED]
        assert not other.append(append([0], [T0 + 12], [6])).redone


def test_what_was_stored_before_a_restart_is_known_after_it(url: str) -> None:
    for expected in (ACCEPTED, DUPLICATE):
        with Store.connect(url) as store:
            store.register(town())
            store.own()
            assert store.append(append([3, 4], [T0, T0 + 1], [1, 2])).outcome.tolist() == [expected] * 2


def test_appending_without_owning_the_partition_is_refused(url: str) -> None:
    with Store.connect(url) as store:
        store.register(town())
        with pytest.raises(NotOwned, match="own"):
            store.append(append([0], [T0], [1]))


def test_appending_before_registering_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match=r"register\(\)"):
        store.append(append([0], [T0], [1]))


def test_the_quarantine_keeps_the_newest_rows_and_the_ledger_counts_the_others(url: str, query: Query) -> None:
    with Store.connect(url, limits=StoreLimits(quarantine_rows_max=3)) as store:
        store.register(town())
        store.own()
        for first in (0, 2, 4):
            store.append(append([], [], [], refused=[refused(str(first)), refused(str(first + 1))]))
        done = store.append(append([], [], [], refused=[refused(str(k)) for k in range(6, 11)]))
    assert query("SELECT detail FROM quarantine ORDER BY quarantine_id") == [("8",), ("9",), ("10",)]
    assert done.trimmed == 5
    assert query("SELECT sum(quarantined), sum(trimmed) FROM ledger") == [(11, 8)]


@pytest.mark.usefixtures("registered")
def test_rows_that_are_taken_up_again_leave_with_the_commit_and_only_once(store: Store, query: Query) -> None:
    store.append(append([], [], [], refused=[refused("a", readings=2), refused("b"), refused("c")]))
    again = replace(append([0], [T0], [1], refused=[refused("still")]), replayed=[1, 3])
    assert store.append(again).replayed == 3
    assert query("SELECT detail FROM quarantine ORDER BY quarantine_id") == [("b",), ("still",)]
    assert query("SELECT sum(quarantined) - sum(replayed), sum(received) FROM ledger") == [(2, 6)]
    with pytest.raises(StoreError, match="have left the quarantine"):
        store.append(replace(append([0], [T0 + 1], [1]), replayed=[2, 3]))
    assert query("SELECT count(*) FROM quarantine") == [(2,)]
    assert query("SELECT count(*) FROM observation") == [(1,)]


def test_a_payload_is_cut_at_the_limit_and_its_size_kept(url: str, query: Query) -> None:
    with Store.connect(url, limits=StoreLimits(payload_bytes_max=4, text_chars_max=6)) as store:
        store.register(town())
        store.own()
        rows = [refused("much too long", payload=b"\0\xff23456"), refused(payload=b"ab")._replace(payload_bytes=900)]
        store.append(append([], [], [], refused=rows))
    found = query("SELECT payload, payload_bytes, detail FROM quarantine ORDER BY quarantine_id")
    assert found == [(b"\0\xff23", 7, "much …"), (b"ab", 900, "")]


@pytest.mark.usefixtures("registered")
def test_a_payload_is_kept_whole_as_far_as_a_gateway_may_be_told_to_keep_it(store: Store, query: Query) -> None:
    payload = bytes(range(256)) * (PAYLOAD_BYTES_MAX // 256)
    store.append(append([], [], [], refused=[refused(payload=payload)]))
    assert query("SELECT payload, payload_bytes FROM quarantine") == [(payload, PAYLOAD_BYTES_MAX)]


@pytest.mark.usefixtures("registered")
def test_a_commit_beyond_the_limits_is_refused_whole(url: str, store: Store, query: Query) -> None:
    with pytest.raises(StoreError, match="cannot hold"):
        store.append(append([0, 1], [T0, -(2**62)], [1, 2]))
    uneven = replace(append([0, 1], [T0, T0], [1, 2]), batch=ObservationBatch.of([0, 1], [T0, T0], [1]))
    with pytest.raises(StoreError, match="unequal"):
        store.append(uneven)
    assert query("SELECT count(*) FROM observation") == [(0,)]
    store.close()
    with Store.connect(url, limits=StoreLimits(rows_max=2)) as small:
        small.register(town())
        small.own()
        with pytest.raises(StoreError, match="at most 2"):
            small.append(append([0] * 3, [T0, T0 + 1, T0 + 2], [1, 2, 3]))


@pytest.mark.usefixtures("registered")
def test_a_key_belongs_to_one_commit(store: Store) -> None:
    key = uuid.uuid4()
    store.append(append([0], [T0], [1], key=key))
    with pytest.raises(StoreError, match="commit_key"):
        store.append(append([0], [T0 + 1], [1], key=key))


def test_the_ledger_refuses_what_does_not_balance(url: str) -> None:
    with (
        psycopg.connect(url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="balances"),
    ):
        connection.execute(
            "INSERT INTO cityvitals.ledger (commit_key, messages, received, accepted, duplicate, quarantined, restated,"
            " looked_up, trimmed, partition, client) VALUES (gen_random_uuid(), 1, 3, 1, 0, 1, 0, 0, 0, 0, '')"
        )


READING = st.tuples(st.integers(0, 3), st.integers(0, 7), st.integers(0, 2))
COMMIT = st.tuples(st.lists(READING, max_size=12), st.integers(0, 9), st.integers(0, 3))


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commits=st.lists(COMMIT, max_size=5), restart=st.integers(0, 5))
def test_any_commits_do_what_a_dictionary_does(database: str, commits: list[object], restart: int) -> None:
    empty(database)
    registry = town()
    codes = [device.code for device in registry.devices]
    slow = SlowStore(device_of=[codes[at] for at in registry.series().device.tolist()])
    store = Store.connect(database)
    try:
        ids = store.register(registry, INDICATORS).series_id
        store.own()
        for number, (readings, mark, faults) in enumerate(commits):  # type: ignore[misc]
            if number == restart:
                store.close()
                store = Store.connect(database)
                store.register(registry, INDICATORS)
                store.own()
            # Times of three chunks, so that late readings reach back over a chunk's edge.
            columns = [[r[0] for r in readings], [T0 + r[1] * 40 * HOUR_US for r in readings], [r[2] for r in readings]]
            bad = [refused(readings=k + 1, device=CLAIMED[k % len(CLAIMED)]) for k in range(faults)]
            wanted = append(*columns, mark_us=T0 + mark * 40 * HOUR_US, refused=bad)
            done = store.append(wanted)
            assert done.outcome.tolist() == slow.append(wanted, done.commit_id)
        slot_of = {int(series): slot for slot, series in enumerate(ids)}
        everything = store.observations_between(TIME_MIN_US, T0 * 2)
        assert (
            dict(
                zip(
                    zip(everything.slot.tolist(), everything.time_us.tolist(), strict=True),
                    everything.ticks.tolist(),
                    strict=True,
                )
            )
            == slow.rows
        )
        pending = store.pending()
        assert (
            set(zip(pending.commit_id.tolist(), pending.slot.tolist(), pending.hour_us.tolist(), strict=True))
            == slow.pending
        )
        summary = store.ledger_summary()
        assert (summary.received, summary.accepted, summary.duplicate, summary.quarantined, summary.balance) == (
            slow.received, slow.accepted, slow.duplicate, slow.quarantined, 0,
        )  # fmt: skip
        assert len(slot_of) == len(np.unique(ids))
        assert {row.device: [row.duplicate, row.quarantined] for row in store.ledger_devices()} == slow.devices
    finally:
        store.close()
