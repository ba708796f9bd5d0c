"""The thread that follows the database: when it reads, what it says, and that it comes back."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from console.web import watcher as module
from console.web.road import item
from console.web.watcher import News, Watcher
from engine.store import Account, IndicatorReading, StoreUnavailable
from engine.store.alerts import Alert

HOUR_US = 3_600_000_000
WAIT_S_MAX = 60.0
ALERT = Alert("silent", "silent_device", "station:a", "info", "Device silent", "silent since 12:00", 0, 0, alert_id=1)


def row(hour: int, value: str | None = "10", zone: str = "north", revision: int = 1) -> IndicatorReading:
    known = None if value is None else Decimal(value)
    return IndicatorReading(
        "pm2_5_mean", "hour", "zone", zone, hour * HOUR_US, known, "ug/m3", 0, "", "", 60, 60, revision, hour * HOUR_US
    )


@dataclass
class Database:
    """What a reader would find, and how it behaves; the watcher's thread and the test's share it."""

    rows: list[IndicatorReading] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    alerts: list[Alert] = field(default_factory=list)
    mark_us: int | None = None
    written: queue.Queue[str] = field(default_factory=queue.Queue)
    waits: queue.Queue[float] = field(default_factory=queue.Queue)
    away: int = 0
    recounts: int = 0
    closed: int = 0

    def reader(self) -> Connection:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("it restarts")
        return Connection(self)


@dataclass
class Connection:
    """A reader whose waiting ends when the test says why."""

    database: Database

    def wait_written(self, seconds_max: float) -> bool:
        self.database.waits.put(seconds_max)
        word = self.database.written.get(timeout=WAIT_S_MAX)
        if word == "break":
            raise StoreUnavailable("the connection broke")
        return word == "notify"

    def windows(self, scope_kinds: Sequence[str]) -> list[IndicatorReading]:
        assert tuple(scope_kinds) == ("city", "zone")
        return list(self.database.rows)

    def alerts(self, since_us: int, limit: int) -> list[Alert]:
        return [one for one in self.database.alerts if one.stands or (one.cleared_us or 0) >= since_us][:limit]

    def alerts_open(self, now_us: int) -> dict[str, int]:
        return dict(Counter(one.severity for one in self.database.alerts if one.state(now_us) == "open"))

    def account(self) -> Account:
        return self.database.account

    def recount(self) -> None:
        self.database.recounts += 1

    def close(self) -> None:
        self.database.closed += 1


def watching(database: Database, tell: Callable[[News], None]) -> Watcher:
    return Watcher(database.reader, item, tell, lambda _now_us: database.mark_us)


@dataclass
class Run:
    """A running watcher and what it said."""

    database: Database
    said: queue.Queue[News]
    watcher: Watcher

    def next(self) -> News:
        return self.said.get(timeout=WAIT_S_MAX)

    def next_state(self) -> dict[str, Any]:
        while (news := self.next()).state is None:
            pass
        found: dict[str, Any] = json.loads(news.state)
        return found


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    for name in ("READ_S_MIN", "PAUSE_S_MIN", "PAUSE_S_MAX", "LOOK_TOLD_S"):
        monkeypatch.setattr(module, name, 0.001)
    database, said = Database([row(0)]), queue.Queue[News]()
    running = Run(database, said, watching(database, said.put))
    yield running
    stop = threading.Thread(target=running.watcher.close)
    stop.start()
    while stop.is_alive():
        database.written.put("silence")
        stop.join(0.01)


def values(news: News) -> dict[str, Any]:
    assert news.values is not None
    return {key: json.loads(body)["value"] for key, body in news.values.items()}


def test_it_says_at_once_what_is_newest_and_how_far_it_reaches(run: Run) -> None:
    run.database.account, run.database.mark_us = Account(5, 3, 1, 1, 1), HOUR_US
    run.database.alerts = [ALERT, replace(ALERT, severity="warning", acknowledged_us=1)]
    run.watcher.start()
    news = run.next()
    assert values(news) == {"zone/north/pm2_5_mean/hour": "10"}
    assert news.state is not None
    state = json.loads(news.state)
    assert state["database"] == "ok"
    assert state["data_to"] == "1970-01-01T01:00:00.000000Z"
    assert state["ledger"] == {"received": 5, "accepted": 3, "duplicate": 1, "quarantined": 1, "replayed": 1}
    assert state["lag_s"] > 1e9
    assert state["alerts_open"] == {"info": 1, "warning": 0, "critical": 0}
    assert news.alerts is None, "a page asks for those that stand when it comes"


def test_it_reads_after_every_word_of_the_database(run: Run) -> None:
    run.watcher.start()
    run.next()
    for value in ("11", "12"):
        run.database.rows = [row(0, value)]
        run.database.written.put("notify")
        assert values(run.next()) == {"zone/north/pm2_5_mean/hour": value}
    assert run.watcher.counts.told == 2


def test_an_hour_that_has_only_begun_hides_no_whole_one(run: Run) -> None:
    run.database.rows = [row(0, "10"), row(1, None, revision=0)]
    run.watcher.start()
    assert values(run.next()) == {"zone/north/pm2_5_mean/hour": "10"}


def test_what_stands_still_is_not_made_again(run: Run) -> None:
    run.database.rows = [row(0, zone="north"), row(0, zone="south")]
    run.watcher.start()
    first = run.next().values
    run.database.rows = [row(0, zone="north"), row(0, "11", zone="south")]
    run.database.written.put("notify")
    second = run.next().values
    assert first is not None
    assert second is not None
    north, south = "zone/north/pm2_5_mean/hour", "zone/south/pm2_5_mean/hour"
    assert second[north] is first[north]
    assert second[south] != first[south]


def test_it_looks_often_until_the_database_tells_and_again_once_something_comes_without_a_word(run: Run) -> None:
    run.watcher.start()
    run.next()
    assert run.database.waits.get(timeout=WAIT_S_MAX) == pytest.approx(module.LOOK_S, abs=0.4)
    assert not run.watcher._is_told
    run.database.written.put("notify")
    run.next()
    assert run.watcher._is_told
    run.database.rows = [row(0, "12")]
    while not run.said.qsize():
        run.database.written.put("silence")
        run.database.waits.get(timeout=WAIT_S_MAX)
    run.next()
    assert not run.watcher._is_told


def next_alerts(run: Run) -> dict[str, Any]:
    """Let it read again and again, until it says something of alerts."""
    while (news := run.next()).alerts is None:
        run.database.written.put("notify")
    found: dict[str, Any] = json.loads(news.alerts)
    return found


def test_alerts_that_change_are_told_and_no_others_to_the_last_that_was_cleared(run: Run) -> None:
    other = replace(ALERT, scope="station:b", alert_id=2)
    run.database.alerts = [other, ALERT]
    run.watcher.start()
    assert run.next().alerts is None
    run.database.written.put("notify")
    assert run.next().alerts is None, "nothing changed"
    now_us = time.time_ns() // 1000
    gone = replace(ALERT, cleared_us=now_us, cause="heard again")
    for found, due in (
        ([replace(ALERT, scope="station:c", alert_id=3), other, ALERT], [(3, "open")]),
        ([other, gone], [(1, "cleared")]),
        ([replace(other, acknowledged_us=1, acknowledged_by="kim"), gone], [(2, "acknowledged")]),
    ):
        run.database.alerts = found
        run.database.written.put("notify")
        told = next_alerts(run)
        assert [(one["id"], one["state"]) for one in told["items"]] == due
        assert not told["more"]


def test_of_a_flood_of_alerts_the_newest_are_told_and_that_there_are_more(run: Run) -> None:
    run.watcher.start()
    run.next()
    run.database.alerts = [
        replace(ALERT, scope=f"station:{n}", alert_id=n) for n in range(module.ALERTS_MAX + 1, 0, -1)
    ]
    run.database.written.put("notify")
    told = next_alerts(run)
    assert [one["id"] for one in told["items"]] == list(range(module.ALERTS_MAX + 1, 1, -1))
    assert told["more"]


def test_a_database_that_goes_away_is_told_and_followed_again(run: Run) -> None:
    run.watcher.start()
    assert run.next_state()["database"] == "ok"
    run.database.away = 3
    run.database.written.put("break")
    away = run.next()
    assert away.values is None
    assert away.state is not None
    told = json.loads(away.state)
    assert told == {"database": "away", "data_to": None, "ledger": None, "lag_s": None, "alerts_open": None}
    while run.next_state()["database"] == "away":
        pass
    assert run.watcher.counts.away == 4
    assert run.database.closed == 1


def test_it_ends_when_nobody_wants_to_hear_more() -> None:
    def tell(_: News) -> None:
        raise RuntimeError("the loop is closed")

    database = Database([row(0)])
    watcher = watching(database, tell)
    watcher.start()
    watcher._thread.join(WAIT_S_MAX)
    assert not watcher._thread.is_alive()
    assert database.closed == 1


def test_one_that_never_began_ends_at_once() -> None:
    database = Database()
    watcher = watching(database, lambda _: None)
    watcher.close()
    assert not watcher._thread.is_alive()
    assert database.closed == 0, "nothing was ever opened"
