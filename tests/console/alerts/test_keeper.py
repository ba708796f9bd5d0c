"""The keeper and the sender on a real database, each look and round by hand: nothing twice, nothing lost, one owner."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from console.alerts import AlertRule, AlertRules, Kind, Places, Severity, StormLimits
from console.alerts import keeper as keeper_module
from console.alerts.keeper import AlertKeeper, Keeping
from console.alerts.metrics import AlertCollector
from console.alerts.outlets import Alertmanager, DeliveryError, Outlet, Parcel, Webhook
from console.alerts.rules import KpiBand, Silent
from console.alerts.sender import Sender
from console.alerts.service import Watch
from console.drift import DriftBook
from devices.series import TIME_MAX_US
from engine.indicators import INDICATORS
from engine.store import Duty, Flush, Registered, SilenceRow, Store, Watched, alert_outbox, alerts
from engine.store.alerts import Alert
from engine.store.session import Session
from tests.console.alerts.make import HOUR_US, MINUTE_US, T0, ZONE, drift, high, rule, silent
from tests.console.alerts.receivers import http_receiver
from tests.databases import Databases
from tests.engine.store.town import append, refused, town, values

TOWN = town()
PM_PLACE = next(at for at, one in enumerate(INDICATORS) if (one.code, one.window.name) == ("pm2_5_mean", "HOUR"))


@dataclass
class Bed:
    """A database, and what a test does to it.

    Attributes:
        url: of the database.
        store: writes figures and silences, as an engine would.
        now_us: the present.
        published: what keepers published last, by rule and scope.
    """

    url: str
    store: Store
    registered: Registered
    now_us: int = T0 + HOUR_US
    published: dict[tuple[str, str], Alert] = field(default_factory=dict)
    woken: int = 0
    senders: list[Sender] = field(default_factory=list)
    drift: DriftBook = field(default_factory=DriftBook)

    def figure(self, value: int, hour: int = 0) -> None:
        """Write PM2.5 of an hour of the zone north, in µg/m³."""
        scope = self.registered.zone_scope[0]
        rows = values(
            self.registered.indicator_id[PM_PLACE], [scope], [T0 + hour * HOUR_US], [value * 1000], closed=True
        )
        self.store.flush(Flush(computed_us=self.now_us, values=rows))

    def silences(self, *rows: SilenceRow) -> None:
        """Write silences, and that the engine listens."""
        self.store.write_watch(Watched(self.now_us, 0, False, rows, None, self.now_us, 0))

    def publish(self, found: Iterable[Alert], _now_us: int) -> None:
        self.published |= {one.key: one for one in sorted(found, key=lambda one: one.alert_id)}

    def wake(self) -> None:
        self.woken += 1

    def connect(self) -> Session:
        return alerts.open_session(self.url, "test")

    @contextmanager
    def keeper(self, *rules: AlertRule, **more: object) -> Iterator[AlertKeeper]:
        """A keeper of some rules, ended at the end."""
        ready = AlertRules(rules, Places.of(TOWN), ZONE, StormLimits(2, 10 * MINUTE_US))
        keeping = Keeping("town", channels=("webhook-1",), escalation=("escalation",), **more)  # type: ignore[arg-type]
        found = AlertKeeper(
            self.connect, ready, keeping, publish=self.publish, wake=self.wake, clock_us=lambda: self.now_us,
            owned=threading.Event(), drift=self.drift,
        )  # fmt: skip
        try:
            yield found
        finally:
            stop = threading.Event()
            stop.set()
            found.run(stop)

    def sender(self, outlets: dict[str, Outlet], manager: Alertmanager | None = None) -> Sender:
        owned = threading.Event()
        owned.set()
        hour_us = 60 * MINUTE_US
        made = Sender(self.connect, owned, outlets, manager, give_up_us=hour_us, clock_us=lambda: self.now_us)
        self.senders.append(made)
        return made

    def waiting(self) -> list[tuple[str, str]]:
        with alerts.connected(self.url, "test") as session:
            return [(one.channel, one.body) for one in alert_outbox.due(session, self.now_us + 10**15, 1000)]

    def standing(self) -> list[Alert]:
        with alerts.connected(self.url, "test") as session:
            return alerts.read(session, self.now_us, state=alerts.STANDING)

    def events(self, alert: Alert) -> list[str]:
        with alerts.connected(self.url, "test") as session:
            return [one.event for one in alerts.events(session, alert.alert_id)]


@pytest.fixture
def bed(databases: Databases) -> Iterator[Bed]:
    with databases.migrated() as url, Store.connect(url) as store:
        store.own(0, Duty.FLUSH)
        made = Bed(url, store, store.register(TOWN, INDICATORS))
        yield made
        ended = threading.Event()
        ended.set()
        for sender in made.senders:
            sender.run(ended)


def test_a_figure_raises_an_alert_once_and_clears_it_and_each_is_told(bed: Bed) -> None:
    bed.figure(40)
    with bed.keeper(high()) as keeper:
        keeper.look()
        keeper.look()
        (standing,) = bed.standing()
        assert (standing.detail, standing.scope) == ("40 µg/m³, above 35", "zone:north")
        assert bed.published["high", "zone:north"] == standing
        bed.figure(20)
        keeper.look()
        assert bed.standing() == []
        assert bed.published["high", "zone:north"].state(bed.now_us) == "cleared"
        assert bed.events(standing) == ["opened", "cleared"]
        status = keeper.status()
    assert (status["changes"], status["failures"], status["owned"]) == ({"opened": 1, "cleared": 1}, 0, True)
    assert bed.woken == 2
    ((channel, body),) = bed.waiting()
    assert (channel, '"event": "opened"' in body) == ("webhook-1", True), "the second waits behind the first"


def test_drift_in_the_store_is_an_alert_and_metrics_of_who_keeps_the_alerts(bed: Bed) -> None:
    now_s = 0.0
    bed.drift = DriftBook(lambda: now_s)
    with bed.keeper(drift(fresh_us=2 * HOUR_US)) as keeper:
        watch = Watch(keeper, bed.sender({}), None, bed.drift)
        assert not any(name.startswith("cityvitals_drift") for name, _ in sampled(watch)), "nobody looked yet"
        keeper.look()
        assert sampled(watch)["cityvitals_drift_findings", "bad_unit"] == 0
        bed.store.own(0, Duty.APPEND)
        rows = [refused(reason="bad_unit", device=device, readings=2) for device in ("d0", "d3")]
        bed.store.append(append([], [], [], refused=rows))
        keeper.look()
        assert bed.standing() == [], "it is looked for seldom"
        now_s = 60.0
        keeper.look()
        (standing,) = bed.standing()
        assert (standing.scope, standing.detail) == ("model:water_meter", "wrong unit on 1 device: d0")
        assert sampled(watch)["cityvitals_drift_findings", "bad_unit"] == 2
        keeper.owned.clear()
        assert ("cityvitals_drift_findings", "bad_unit") not in sampled(watch), "another one keeps them"


def sampled(watch: Watch) -> dict[tuple[str, str], float]:
    """What is on the page of a console, by metric and label."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in AlertCollector(watch.status).collect()
        for sample in family.samples
    }


def test_what_does_not_matter_enough_is_kept_and_not_sent(bed: Bed) -> None:
    bed.figure(40)
    with bed.keeper(high(severity=Severity.INFO)) as keeper:
        keeper.look()
    assert len(bed.standing()) == 1
    assert bed.waiting() == []


def test_a_restart_raises_nothing_again_and_publishes_what_stands(bed: Bed) -> None:
    bed.figure(40)
    with bed.keeper(high()) as keeper:
        keeper.look()
    (before,) = bed.standing()
    bed.published.clear()
    with bed.keeper(high()) as keeper:
        keeper.look()
        assert bed.standing() == [before]
        assert list(bed.published) == [before.key]
        assert keeper.status()["changes"] == {}


def test_one_keeper_at_a_time_writes_and_another_takes_over(bed: Bed) -> None:
    bed.figure(40)
    with bed.keeper(high()) as second:
        with bed.keeper(high()) as first:
            first.look()
            second.look()
            assert [one.status()["owned"] for one in (first, second)] == [True, False]
            bed.figure(20)
            second.look()
            assert len(bed.standing()) == 1, "who does not own writes nothing"
        while not second.status()["owned"]:
            second.look()
        assert bed.standing() == []


def test_a_keeper_whose_connection_was_cut_goes_on(bed: Bed) -> None:
    bed.figure(40)
    with bed.keeper(high()) as keeper:
        keeper.look()
        assert keeper._session is not None
        with alerts.connected(bed.url, "test") as session:
            session.rows("own_end_ghost", {"pid": keeper._session.pid, "wait_ms": 10_000})
        bed.figure(20)
        keeper.look()
        assert (keeper.status()["owned"], keeper.counts.failures) == (False, 1)
        while not keeper.status()["owned"]:
            keeper.look()
        assert bed.standing() == []


def test_what_people_do_is_seen_and_ends_the_escalation(bed: Bed) -> None:
    bed.figure(40)
    with bed.keeper(high(escalate_us=30 * MINUTE_US), severity_min=Severity.CRITICAL) as keeper:
        keeper.look()
        (one,) = bed.standing()
        bed.now_us += 31 * MINUTE_US
        keeper.look()
        assert [channel for channel, _ in bed.waiting()] == ["escalation"]
        with alerts.connected(bed.url, "test") as session:
            alerts.acknowledge(session, one.alert_id, "kim", "", bed.now_us)
        keeper.look()
    assert bed.published[one.key].state(bed.now_us) == "acknowledged"
    assert bed.events(one) == ["opened", "escalated", "acknowledged"]


def test_silences_scores_and_listening_are_read_from_the_store(bed: Bed) -> None:
    deaf = rule(Silent(5 * MINUTE_US), "deaf", kind=Kind.NOT_LISTENING, scope="city")
    gateway = rule(Silent(0), "gateway", kind=Kind.SILENT_GATEWAY, scope="gateway")
    score = rule(KpiBand("EN: E: E: 2C", "rolling", 1), "score", scope="city")
    bed.silences(
        SilenceRow("device", "d0", T0, TIME_MAX_US, devices=1),
        SilenceRow("gateway", "direct", T0, TIME_MAX_US, devices=3),
    )
    with bed.keeper(deaf, gateway, score, silent()) as keeper:
        keeper.look()
        assert {one.key for one in bed.standing()} == {("gateway", "gateway:direct"), ("silent", "station:d0")}
        bed.now_us += 10 * MINUTE_US
        keeper.look()
        assert ("deaf", "city") in {one.key for one in bed.standing()}
        assert keeper.counts.failures == 0


def test_too_many_messages_give_up_the_oldest_and_say_so(bed: Bed) -> None:
    with bed.keeper(high(), outbox_max=2) as keeper:
        for at in range(6):
            bed.figure(40 if at % 2 == 0 else 20)
            keeper.look()
        assert keeper.counts.overflowed == 4
    with alerts.connected(bed.url, "test") as session:
        found = alerts.read(session, bed.now_us)
        assert alert_outbox.waiting_count(session)[0] == 2
    assert [bed.events(one) for one in found] == [
        ["opened", "cleared"], ["opened", "cleared", "undelivered", "undelivered"],
        ["opened", "cleared", "undelivered", "undelivered"],
    ]  # fmt: skip


@dataclass
class Moody:
    """An outlet that fails as often as it is told."""

    failures: int = 0
    got: list[Parcel] = field(default_factory=list)

    def send(self, parcel: Parcel) -> None:
        if self.failures:
            self.failures -= 1
            raise DeliveryError("not today")
        self.got.append(parcel)


GOING = threading.Event()


def test_what_fails_is_sent_later_in_order_and_nothing_is_lost_over_a_restart(bed: Bed) -> None:
    outlet = Moody(failures=2)
    with bed.keeper(high()) as keeper:
        bed.figure(40)
        keeper.look()
        bed.figure(20)
        keeper.look()
    first = bed.sender({"webhook-1": outlet})
    first.round(GOING)
    first.round(GOING)
    assert (first.counts.failed["webhook-1"], outlet.got) == (1, []), "it waits before it tries again"
    bed.now_us += 3_000_000
    second = bed.sender({"webhook-1": outlet})
    second.round(GOING)
    bed.now_us += 3_000_000
    second.round(GOING)
    assert outlet.got == [], "the pause has grown"
    bed.now_us += 3_000_000
    second.round(GOING)
    assert ['"event": "opened"' in outlet.got[0].body, '"event": "cleared"' in outlet.got[1].body] == [True, True]
    assert second.status()["waiting"] == 0


def test_what_cannot_be_delivered_is_given_up_in_the_open(bed: Bed) -> None:
    with bed.keeper(high()) as keeper:
        bed.figure(40)
        keeper.look()
    (one,) = bed.standing()
    sender = bed.sender({"webhook-1": Moody(failures=99)})
    sender.round(GOING)
    bed.now_us += HOUR_US
    sender.round(GOING)
    assert bed.events(one) == ["opened", "undelivered"]
    assert (sender.counts.given_up["webhook-1"], bed.waiting()) == (1, [])


def test_a_channel_that_is_no_longer_there_does_not_hold_up_the_others(bed: Bed) -> None:
    with bed.keeper(high()) as keeper:
        bed.figure(40)
        keeper.look()
    (one,) = bed.standing()
    bed.sender({}).round(GOING)
    assert bed.events(one) == ["opened", "undelivered"]


@dataclass
class Broken:
    """A receiver that meets a fault of ours."""

    tried: int = 0

    def send(self, parcel: Parcel) -> None:
        self.tried += 1
        raise RuntimeError(parcel.number)


@pytest.mark.parametrize("broken", [Moody(failures=99), Broken()])
def test_a_receiver_that_is_away_or_breaks_us_holds_up_no_other_one(bed: Bed, broken: Outlet) -> None:
    mail = Moody(failures=0)
    with alerts.connected(bed.url, "test") as session, session.transaction():
        for at in range(3):
            raised = Alert("high", "threshold", f"zone:z{at}", "warning", "PM2.5", "40", bed.now_us, bed.now_us)
            one = alerts.open_alert(session, raised)
            for channel in ("webhook-1", "mail"):
                alert_outbox.queue(session, one.alert_id, channel, "{}", bed.now_us)
    sender = bed.sender({"webhook-1": broken, "mail": mail})
    sender.round(GOING)
    assert (sender.counts.failed["webhook-1"], len(mail.got)) == (1, 3), "tried once a round, however many wait"
    sender.round(GOING)
    assert sender.counts.failed["webhook-1"] == 2, "the next one of the channel is tried: the first may be at fault"
    assert sender.status()["waiting"] == 3


def test_figures_are_looked_at_when_they_are_written_long_before_it_is_time(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "LOOK_S_MIN", 0.001)
    stop = threading.Event()
    with bed.keeper(high(), look_s=3600) as keeper:
        thread = threading.Thread(target=keeper.run, args=(stop,))
        thread.start()
        until(lambda: keeper.counts.looks > 0, thread)
        bed.figure(40)
        until(lambda: bool(bed.standing()), thread)
        assert keeper._session is not None
        with alerts.connected(bed.url, "test") as session:
            session.rows("own_end_ghost", {"pid": keeper._session.pid, "wait_ms": 10_000})
        until(lambda: keeper.counts.failures > 0, thread)
        bed.figure(20)
        until(lambda: not bed.standing(), thread)
        stop.set()
        thread.join()
    assert keeper.counts.told >= 1, "that the first figure was written was told"


def until(true: Callable[[], bool], thread: threading.Thread) -> None:
    """Wait for something while a thread is at work."""
    while not true():
        assert thread.is_alive()
        time.sleep(0.01)


def test_webhook_and_alertmanager_get_what_happened(bed: Bed) -> None:
    with http_receiver() as hook, http_receiver() as manager, bed.keeper(high()) as keeper:
        sender = bed.sender({"webhook-1": Webhook(hook.url)}, Alertmanager(manager.url, "town"))
        bed.figure(40)
        keeper.look()
        sender.round(GOING)
        bed.figure(20)
        keeper.look()
        sender.round(GOING)
        sender.round(GOING, news=False)
        assert len(manager.got) == 2, "no news, and no minute has passed"
        bed.now_us += 16 * MINUTE_US
        sender.round(GOING, news=False)
    assert [one.json["event"] for one in hook.got] == ["opened", "cleared"]
    ends = [one.json[0]["endsAt"] for one in manager.got]
    assert len(manager.got) == 2, "after a while nothing is told of what is over"
    assert ends[0] > ends[1]


def test_old_alerts_leave(bed: Bed) -> None:
    with bed.keeper(high(), days_max=1) as keeper:
        bed.figure(40)
        keeper.look()
        bed.figure(20)
        keeper.look()
        bed.now_us += 49 * HOUR_US
        keeper.look()
        assert keeper.counts.trimmed == 1
