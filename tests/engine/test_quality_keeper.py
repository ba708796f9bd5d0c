"""The keeper of flags: it works off what is due, tells of what changed, and nothing it meets ends the gateway."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import cast

import pytest

from devices import Rule
from engine.quality_book import HOURS_PER_LOOK, Looked, QualityBook
from engine.quality_keeper import QualityKeeper
from engine.store import Store, StoreUnavailable

NOTHING = Looked(0, dict.fromkeys(Rule, 0), 0, 0)
FULL = Looked(HOURS_PER_LOOK, {Rule.STUCK: 3}, 1, 2)
LAST = Looked(5, {Rule.STUCK: 1, Rule.SPIKE: 1}, 0, 0)


class Book:
    """A book whose looks are known beforehand; after them nothing is due."""

    def __init__(self, looks: Sequence[Looked] = ()) -> None:
        self.looks = list(looks)
        self.failure: Exception | None = None

    def look(self) -> Looked:
        if self.failure is not None:
            raise self.failure
        return self.looks.pop(0) if self.looks else NOTHING


class Connection:
    """A connection that counts how often it was made anew."""

    reconnected = 0

    def reconnect(self) -> None:
        self.reconnected += 1

    def due_hours_count(self) -> int:
        return 7


class Kept:
    """A keeper of a book, and how often it told of changes."""

    def __init__(self, book: Book) -> None:
        self.book, self.connection, self.told = book, Connection(), 0
        self.keeper = QualityKeeper(
            cast(Store, self.connection), cast(QualityBook, book), changed=self.tell, every_s=0.001
        )

    def tell(self) -> None:
        self.told += 1


def test_a_round_works_off_all_that_is_due_and_tells_of_what_changed() -> None:
    kept = Kept(Book([FULL, FULL, LAST, FULL]))
    kept.keeper.round()
    assert (len(kept.book.looks), kept.told) == (1, 2)
    counts = kept.keeper.counts
    assert (counts.hours, counts.unflagged, counts.changed) == (2 * HOURS_PER_LOOK + 5, 2, 4)
    status = kept.keeper.status()
    assert status["flagged"] == {"stuck": 7, "spike": 1, "rate": 0, "drift": 0}
    assert status["waiting"] == 7


def test_it_stops_between_two_portions_and_looks_once_more_at_the_end() -> None:
    kept = Kept(Book([FULL] * 3))
    stop = threading.Event()
    stop.set()
    kept.keeper.round(stop)
    assert len(kept.book.looks) == 2
    kept.keeper.run(stop)
    assert kept.book.looks == []


def test_a_failed_round_is_done_by_the_next_one_on_a_new_connection() -> None:
    kept = Kept(Book([LAST]))
    kept.book.failure = StoreUnavailable("the server is away")
    kept.keeper.round()
    assert (kept.keeper.counts.failures, kept.connection.reconnected) == (1, 0)
    assert "the server is away" in str(kept.keeper.status()["error"])
    kept.book.failure = None
    kept.keeper.round()
    assert (kept.keeper.counts.hours, kept.connection.reconnected) == (5, 1)
    assert kept.keeper.status()["error"] == ""


def test_a_rule_that_cannot_be_computed_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(Book())
    kept.book.failure = ArithmeticError("nobody thought of this")
    stop = threading.Event()
    stop.set()
    kept.keeper.run(stop)
    assert kept.keeper.counts.failures == 1
    assert "nobody thought of this" in caplog.text
