"""Alerts on a real database: raised once, changed with a trail, worked on by people, and kept for so long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.store import Flush, Registered, Store, StoreError, alert_outbox, alerts
from engine.store.alerts import Alert, Asked, Window
from engine.store.session import Session
from tests.engine.store.conftest import Query
from tests.engine.store.town import HOUR_US, T0, values

NOW_US = T0 + 5 * HOUR_US
RAISED = Alert(
    "high", "threshold", "zone:north", "warning", "PM2.5 is high", "40 µg/m³, above 35", T0, T0, "pm2_5_mean-hour", T0,
    Decimal("40.125"), Decimal(35), "ug/m3",
)  # fmt: skip


@pytest.fixture
def session(url: str, registered: Registered) -> Iterator[Session]:
    """A session on the town's database."""
    with alerts.connected(url, "test") as opened:
        yield opened


def opened(session: Session, alert: Alert = RAISED) -> Alert:
    with session.transaction():
        return alerts.open_alert(session, alert)


def trail(session: Session, alert: Alert) -> list[tuple[str, str, str]]:
    return [(one.event, one.who, one.detail) for one in alerts.events(session, alert.alert_id)]


def test_an_alert_comes_back_as_it_was_written(session: Session, query: Query) -> None:
    storm = replace(
        RAISED, scope="city", grouped=True, members=12, examples=("zone:a", "zone:b"), value=None, limit=None
    )
    wanted = [opened(session, storm), opened(session)]
    assert alerts.judged(session, NOW_US) == wanted[::-1]
    assert alerts.one(session, wanted[0].alert_id) == wanted[0]
    assert query("SELECT scope_kind, scope, state, value, limit_value FROM v_alert ORDER BY alert_id") == [
        ("city", "town", "open", None, None), ("zone", "north", "open", Decimal("40.125"), Decimal(35)),
    ]  # fmt: skip
    assert query("SELECT event, who, members, detail, scope FROM v_alert_event ORDER BY event_id")[0] == (
        "opened", None, 12, RAISED.detail, "town",
    )  # fmt: skip


def test_of_a_long_trail_the_newest_rows_come_the_oldest_of_them_first(session: Session) -> None:
    alert = opened(session)
    for number in range(5):
        alerts.comment(session, alert.alert_id, "kim", str(number), T0 + number)
    assert [one.detail for one in alerts.events(session, alert.alert_id, limit=3)] == ["2", "3", "4"]
    assert len(alerts.events(session, alert.alert_id)) == 6


def test_of_a_rule_and_scope_only_one_can_stand(session: Session) -> None:
    first = opened(session)
    with pytest.raises(StoreError, match="alert_standing"):
        opened(session)
    gone = replace(first, cleared_us=NOW_US, cause="31 µg/m³")
    with session.transaction():
        alerts.change_alert(session, gone, "cleared", gone.cause, NOW_US)
    assert opened(session).alert_id > first.alert_id


def test_whatever_people_do_stands_in_the_trail_and_the_system_does_not_undo_it(session: Session) -> None:
    first = opened(session)
    number = first.alert_id
    noted = alerts.acknowledge(session, number, "kim", "on my way", T0 + 1)
    assert noted is not None
    assert (noted.state(T0 + 2), noted.acknowledged_by, noted.acknowledged_us) == ("acknowledged", "kim", T0 + 1)
    assert alerts.acknowledge(session, number, "lee", "", T0 + 2) == noted, "the first one stays"
    shelved = alerts.shelve(session, number, "kim", "works in the street", NOW_US, T0 + 3)
    assert shelved is not None
    assert (shelved.state(T0 + 4), shelved.state(NOW_US)) == ("shelved", "acknowledged")
    assert alerts.comment(session, number, "lee", "a \x1b[2J remark", T0 + 4) == shelved
    with session.transaction():
        alerts.change_alert(session, replace(shelved, value=Decimal(50)), "updated", "50 µg/m³", T0 + 5)
    after = alerts.unshelve(session, number, "lee", "", T0 + 6)
    assert after == replace(noted, value=Decimal(50))
    assert alerts.unshelve(session, number, "lee", "", T0 + 7) == after, "once is enough"
    assert trail(session, first) == [
        ("opened", "", RAISED.detail), ("acknowledged", "kim", "on my way"), ("shelved", "kim", "works in the street"),
        ("commented", "lee", "a \\x1b[2J remark"), ("updated", "", "50 µg/m³"), ("unshelved", "lee", ""),
    ]  # fmt: skip


def test_nothing_is_noted_of_an_alert_that_is_not_there(session: Session) -> None:
    for change in (alerts.acknowledge, alerts.comment, alerts.unshelve):
        assert change(session, 77, "kim", "x", T0) is None
    assert alerts.shelve(session, 77, "kim", "x", NOW_US, T0) is None


def test_alerts_are_listed_by_state_and_read_on(session: Session) -> None:
    numbers = [opened(session, replace(RAISED, scope=f"station:d{at}")).alert_id for at in range(4)]
    alerts.acknowledge(session, numbers[1], "kim", "", T0)
    alerts.shelve(session, numbers[2], "kim", "", NOW_US + 1, T0)
    with session.transaction():
        gone = replace(RAISED, alert_id=numbers[3], cleared_us=T0 + 9, cause="over")
        alerts.change_alert(session, gone, "cleared", "over", T0 + 9)

    def listed(**asked: object) -> list[int]:
        return [one.alert_id for one in alerts.read(session, NOW_US, **asked)]  # type: ignore[arg-type]

    assert listed() == numbers[::-1]
    by_state = {state: listed(state=state) for state in (*alerts.STATES, alerts.STANDING)}
    assert by_state == {
        "open": [numbers[0]], "acknowledged": [numbers[1]], "shelved": [numbers[2]], "cleared": [numbers[3]],
        "standing": numbers[2::-1],
    }  # fmt: skip
    assert listed(limit=2) == numbers[:1:-1]
    assert listed(limit=2, before_id=numbers[2]) == numbers[1::-1]
    assert listed(scope="station:d1", severity="warning", rule="high") == [numbers[1]]
    assert listed(severity="critical") == listed(rule="other") == listed(scope="station:d9") == []
    assert alerts.counts(session, NOW_US) == {"warning": 2}, "what is shelved is not counted"
    assert [one.alert_id for one in alerts.newest(session, T0 + 9, 10)] == numbers[::-1]
    assert [one.alert_id for one in alerts.newest(session, T0 + 10, 2)] == numbers[2:0:-1]


def test_what_is_cleared_and_still_shelved_is_judged_as_well(session: Session) -> None:
    first = opened(session)
    alerts.shelve(session, first.alert_id, "kim", "", NOW_US, T0)
    gone = replace(first, cleared_us=T0 + 1, cause="over", shelved_until_us=NOW_US, shelved_by="kim")
    with session.transaction():
        alerts.change_alert(session, gone, "cleared", "over", T0 + 1)
        assert [one.alert_id for one in alerts.judged(session, NOW_US - 1)] == [first.alert_id]
        assert alerts.judged(session, NOW_US) == []


def test_one_at_a_time_raises_alerts_and_another_takes_over(url: str, session: Session) -> None:
    with alerts.connected(url, "second") as second:
        assert alerts.take(session)
        assert not alerts.take(second)
        session.reconnect()
        while not alerts.take(second):
            pass
        assert not alerts.take(session)


def test_old_alerts_leave_with_their_trail(session: Session, query: Query) -> None:
    first, second = opened(session), opened(session, replace(RAISED, scope="zone:south"))
    with session.transaction():
        alerts.change_alert(session, replace(first, cleared_us=T0, cause="over"), "cleared", "over", T0)
    assert alerts.trim(session, T0) == 0
    assert alerts.trim(session, T0 + 1) == 1
    assert query("SELECT DISTINCT alert_id FROM alert_event") == [(second.alert_id,)]


def test_the_newest_windows_are_given_as_many_as_a_rule_looks_at(
    store: Store, registered: Registered, session: Session
) -> None:
    starts = [T0 + at * HOUR_US for at in range(4)]
    for indicator in registered.indicator_id:
        for scope in (registered.city_scope, registered.zone_scope[0]):
            rows = values([indicator] * 4, [scope] * 4, starts, [10, 20, 30, 40], closed=True)
            store.flush(Flush(computed_us=T0, values=rows))
    found = alerts.windows(session, [Asked("laeq", "hour", "zone", 2), Asked("cai", "hour", "city", 1)], T0)
    assert found == [
        Window("cai", "hour", "city", starts[3], Decimal(40), "1", 10, 12, 1),
        Window("laeq", "hour", "zone:north", starts[2], Decimal("3.0"), "dB[SPL]", 10, 12, 1),
        Window("laeq", "hour", "zone:north", starts[3], Decimal("4.0"), "dB[SPL]", 10, 12, 1),
    ]
    assert alerts.windows(session, [Asked("laeq", "hour", "zone", 9)], starts[3]) == found[2:]
    assert alerts.windows(session, [], T0) == []


def test_messages_of_one_alert_are_sent_in_order_and_others_pass_them(session: Session) -> None:
    first, second = opened(session), opened(session, replace(RAISED, scope="zone:south"))
    with session.transaction():
        for alert, body in ((first, "1"), (first, "2"), (second, "3")):
            alert_outbox.queue(session, alert.alert_id, "webhook-1", body, T0)
        alert_outbox.queue(session, first.alert_id, "mail", "4", T0)

    def bodies(now_us: int) -> list[str]:
        return [one.body for one in alert_outbox.due(session, now_us, 10)]

    assert bodies(T0 - 1) == []
    assert bodies(T0) == ["1", "3", "4"]
    head = alert_outbox.due(session, T0, 1)[0]
    alert_outbox.later(session, head.outbox_id, "refused", T0 + 60)
    assert bodies(T0) == ["3", "4"], "the second must not overtake the first"
    again = next(one for one in alert_outbox.due(session, T0 + 60, 10) if one.body == "1")
    assert again.attempts == 1
    alert_outbox.sent(session, again.outbox_id)
    assert bodies(T0 + 60) == ["2", "3", "4"]
    assert alert_outbox.waiting_count(session) == (3, T0)


def test_what_is_given_up_stands_in_the_trail(session: Session) -> None:
    first = opened(session)
    with session.transaction():
        for body in "123":
            alert_outbox.queue(session, first.alert_id, "mail", body, T0)
        assert alert_outbox.trim(session, 2, T0 + 1) == 1
    assert [one.body for one in alert_outbox.due(session, T0, 10)] == ["2"]
    alert_outbox.give_up(session, alert_outbox.due(session, T0, 10)[0], "nobody there", T0 + 2)
    assert trail(session, first)[1:] == [
        ("undelivered", "mail", "more than 2 messages waited"), ("undelivered", "mail", "nobody there"),
    ]  # fmt: skip
    assert alert_outbox.waiting_count(session) == (1, T0)
