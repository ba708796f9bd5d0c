"""The thread that follows the database: when it reads, what it says, and that it comes back."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from console.web import watcher as module
from console.web.road import item
from console.web.watcher import News, Watcher
from engine.store import Account, IndicatorReading, LiveFacts, StoreUnavailable

HOUR_US = 3_600_000_000
WAIT_S_MAX = 60.0


def row(hour: int, value: str | None = "10", zone: str = "north", revision: int = 1) -> IndicatorReading:
    known = None if value is None else Decimal(value)
    return IndicatorReading(
        "pm2_5_mean", "hour", "zone", zone, hour * HOUR_US, known, "ug/m3", 0, "", "", 60, 60, revision, hour * HOUR_US
    )


@dataclass
class Database:
    """What a reader would find, and how it behaves; the watcher's thread and the test's share it."""

    rows: list[IndicatorReading] = field(default_factory=list)
    facts: LiveFacts = field(default_factory=lambda: LiveFacts(None, Account()))
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

    def facts(self) -> LiveFacts:
        return self.database.facts

    def recount(self) -> None:
        self.database.recounts += 1

    def close(self) -> None:
        self.database.closed += 1


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
    running = Run(database, said, Watcher(database.reader, item, said.put))
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
    run.database.facts = LiveFacts(HOUR_US, Account(5, 4, 1, 0))
    run.watcher.start()
    news = run.next()
    assert values(news) == {"zone/north/pm2_5_mean/hour": "10"}
    assert news.state is not None
    state = json.loads(news.state)
    assert state["database"] == "ok"
    assert state["data_to"] == "1970-01-01T01:00:00.000000Z"
    assert state["ledger"] == {"received": 5, "accepted": 4, "duplicate": 1, "quarantined": 0}
    assert state["lag_s"] > 1e9


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


def test_a_database_that_goes_away_is_told_and_followed_again(run: Run) -> None:
    run.watcher.start()
    assert run.next_state()["database"] == "ok"
    run.database.away = 3
    run.database.written.put("break")
    away = run.next()
    assert away.values is None
    assert away.state is not None
    assert json.loads(away.state) == {"database": "away", "data_to": None, "ledger": None, "lag_s": None}
    while run.next_state()["database"] == "away":
        pass
    assert run.watcher.counts.away == 4
    assert run.database.closed == 1


def test_it_ends_when_nobody_wants_to_hear_more() -> None:
    def tell(_: News) -> None:
        raise RuntimeError("the loop is closed")

    database = Database([row(0)])
    watcher = Watcher(database.reader, item, tell)
    watcher.start()
    watcher._thread.join(WAIT_S_MAX)
    assert not watcher._thread.is_alive()
    assert database.closed == 1


def test_one_that_never_began_ends_at_once() -> None:
    database = Database()
    watcher = Watcher(database.reader, item, lambda _: None)
    watcher.close()
    assert not watcher._thread.is_alive()
    assert database.closed == 0, "nothing was ever opened"
