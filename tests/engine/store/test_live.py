"""What a live page reads: the newest windows, an account that keeps up, and a word whenever something was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from devices import Registry
from engine.store import Account, Flush, LiveReader, Registered, Store, StoreUnavailable, alerts
from engine.store.alerts import Alert
from engine.store.live import WINDOWS
from tests.engine.store.conftest import Query
from tests.engine.store.town import HOUR_US, T0, append, values


@pytest.fixture
def reader(registered: Registered, url: str) -> Iterator[LiveReader]:
    with LiveReader.connect(url) as opened:
        yield opened


def write(store: Store, registered: Registered, indicator: int, scope: int, hours: range) -> None:
    starts = [T0 + hour * HOUR_US for hour in hours]
    rows = values(registered.indicator_id[indicator], scope, starts, list(hours))
    store.flush(Flush(computed_us=T0, values=rows))


def test_the_newest_windows_of_each_indicator_and_scope_come_in_order_and_no_more(
    store: Store, registered: Registered, reader: LiveReader
) -> None:
    write(store, registered, 0, registered.city_scope, range(WINDOWS + 6))
    write(store, registered, 1, int(registered.zone_scope[0]), range(2))
    found = reader.windows(("city", "zone"))
    cai = [row.start_us for row in found if row.indicator == "cai"]
    assert cai == [T0 + hour * HOUR_US for hour in range(6, WINDOWS + 6)]
    history = store.indicator_history(T0 + 6 * HOUR_US, indicator="cai")
    assert [row for row in found if row.indicator == "cai"] == history
    assert len(found) == WINDOWS + 2


def test_stations_are_left_out_where_they_are_not_asked_for(store: Store, reader: LiveReader) -> None:
    stations = len(reader.windows(("station",)))
    assert stations == 0


def test_the_account_is_the_ledgers_whatever_came_between(
    store: Store, registry: Registry, reader: LiveReader, query: Query
) -> None:
    assert reader.account() == Account()
    slot = registry.slot("d1", "pm10")
    for number in range(3):
        store.append(append([slot], [T0 + number], [1]))
        store.append(append([slot], [T0 + number], [1]))
        summary = store.ledger_summary()
        sums = Account(summary.received, summary.accepted, summary.duplicate, summary.quarantined, summary.replayed)
        assert reader.account() == sums == Account(2 * (number + 1), number + 1, number + 1, 0)
    # A commit that was given its number earlier and seen later: only counting all of them finds it.
    query("UPDATE ledger SET commit_id = commit_id + 10")
    store.append(append([slot], [T0 + 9], [1]))
    query("UPDATE ledger SET commit_id = 1 WHERE received = 1 AND commit_id = (SELECT max(commit_id) FROM ledger)")
    reader.recount()
    assert reader.account().received == store.ledger_summary().received


def test_alerts_that_stand_or_were_cleared_lately_come_newest_first_and_each_change_is_told(
    reader: LiveReader, url: str
) -> None:
    raised = Alert("high", "threshold", "city", "warning", "PM2.5", "40, above 35", T0, T0)
    assert reader.alerts(T0, 10) == []
    with alerts.connected(url, "test") as session:
        found = []
        for at in range(3):
            with session.transaction():
                found.append(alerts.open_alert(session, replace(raised, scope=f"zone:z{at}")))
            assert reader.wait_written(60)
        cleared = [replace(one, cleared_us=T0 + at, cause="over") for at, one in enumerate(found[:2])]
        with session.transaction():
            for one in cleared:
                alerts.change_alert(session, one, "cleared", "over", T0)
        assert reader.wait_written(60)
        assert [one.scope for one in reader.alerts(T0 + 1, 10)] == ["zone:z2", "zone:z1"]
        assert [one.scope for one in reader.alerts(T0, 2)] == ["zone:z2", "zone:z1"]
        assert reader.alerts_open(T0) == {"warning": 1}
        alerts.acknowledge(session, found[2].alert_id, "kim", "", T0)
        assert reader.wait_written(60)


def test_whoever_waits_is_told_of_a_writing_also_of_one_that_came_while_it_read(reader: LiveReader, url: str) -> None:
    assert not reader.wait_written(0.01)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("NOTIFY cityvitals_written")
        assert reader.wait_written(60)
        other.execute("NOTIFY cityvitals_written")
    reader.account()
    assert reader.wait_written(60)
    assert not reader.wait_written(0.01)


def test_a_connection_that_is_ended_while_it_waits_is_told_as_a_database_that_is_away(
    reader: LiveReader, query: Query
) -> None:
    query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cityvitals live'")
    with pytest.raises(StoreUnavailable):
        reader.wait_written(60)
