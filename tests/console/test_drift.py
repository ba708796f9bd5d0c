"""Findings of drift as everybody shares them: looked for seldom, all counted, the newest kept, waited for once only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from console import drift
from console.commands.drift import DAYS_DEFAULT
from console.drift import DriftBook, Findings, gathered
from console.web.drift import Finding
from engine.store import StoreUnavailable
from engine.store.drift import DriftRow
from engine.store.session import Session

SESSION = cast("Session", None)


def row(device: str, since_us: int = 0, kind: str = "vanished", field: str = "flow") -> DriftRow:
    return DriftRow(device, kind, field, since_us, since_us + 1, 0, None)


def nothing() -> None:
    """Let a look go on."""


def away() -> None:
    """Let a look fail."""
    raise StoreUnavailable("it took too long")


class Looked:
    """Stands for the store, and for the clock by which a look takes its time.

    Attributes:
        rows: that it gives.
        now_s, takes_s: the clock, and how far a look moves it.
        since_us: what it was asked for last.
        meanwhile: called by each look.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[DriftRow] = [row("a")]
        self.now_s, self.takes_s, self.since_us = 0.0, 0.0, 0
        self.meanwhile: Callable[[], None] = nothing
        monkeypatch.setattr(drift.drift, "drift_rows", self._look)

    def _look(self, _session: Session, since_us: int) -> Sequence[DriftRow]:
        self.now_s += self.takes_s
        self.since_us = since_us
        self.meanwhile()
        return list(self.rows)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Looked:
    return Looked(monkeypatch)


def read(book: DriftBook, now_us: int = 0) -> Findings:
    found = book.read(SESSION, now_us)
    assert found is not None
    return found


def test_however_many_ask_it_is_looked_once_in_ten_seconds(looked: Looked) -> None:
    book = DriftBook(lambda: looked.now_s)
    first = read(book, 1_000_000)
    assert looked.since_us == 1_000_000 - drift.DAYS * 86_400_000_000
    looked.rows, looked.now_s = [], 9.9
    assert read(book) is first
    looked.now_s = 10.0
    assert (read(book).total, book.looks) == (0, 2)


def test_a_look_that_takes_long_is_followed_by_a_pause_a_hundred_times_as_long(looked: Looked) -> None:
    book = DriftBook(lambda: looked.now_s)
    looked.takes_s = 2.0
    read(book)
    looked.now_s = 201.9
    read(book)
    assert (book.looks, book.seconds) == (1, 2.0)
    looked.now_s = 202.0
    read(book)
    assert book.looks == 2


def test_who_comes_while_another_one_looks_gets_what_was_known_before(looked: Looked) -> None:
    book = DriftBook(lambda: looked.now_s)
    before = read(book)
    looked.now_s, looking, go_on = 10.0, threading.Event(), threading.Event()

    def slow() -> None:
        looking.set()
        go_on.wait(60)

    looked.meanwhile = slow
    other = threading.Thread(target=book.read, args=(SESSION, 0))
    other.start()
    assert looking.wait(60)
    assert read(book) is before
    go_on.set()
    other.join()
    assert read(book) is not before


def test_where_the_store_does_not_answer_what_was_known_stays_and_it_is_not_asked_at_once(looked: Looked) -> None:
    book = DriftBook(lambda: looked.now_s)
    before = read(book)
    looked.now_s, looked.takes_s, looked.meanwhile = 10.0, 15.0, away
    assert read(book) is read(book) is before
    assert (book.failures, book.looks) == (1, 2)
    looked.now_s, looked.meanwhile = 10.0 + 15.0 + drift.SHARE_MAX * 15.0, nothing
    assert read(book) is not before


def test_before_anything_is_known_nothing_is_said_and_whoever_asks_next_looks(looked: Looked) -> None:
    book = DriftBook(lambda: looked.now_s)
    looked.meanwhile = away
    assert book.read(SESSION, 0) is None
    looked.meanwhile = nothing
    assert read(book).total == 1


def test_too_many_are_all_counted_and_those_that_began_last_are_kept_in_order() -> None:
    rows = [row("c", 1), row("b", 3), row("a", 2), row("a", 2, "bad_unit")]
    found = gathered(rows, 5, 2)
    assert [(one.device, one.kind) for one in found.rows] == [("a", "vanished"), ("b", "vanished")]
    assert (found.total, found.unlisted, found.devices) == (4, 2, 3)
    assert {kind: count for kind, count in found.counts.items() if count} == {"vanished": 3, "bad_unit": 1}
    assert found.counts.keys() == set(drift.KINDS), "a kind of which there is none is told as well"
    assert gathered(rows[::-1], 5, 2) == found


def test_what_a_finding_may_be_called_is_the_same_everywhere() -> None:
    assert tuple(Finding) == drift.KINDS
    assert drift.WORDS.keys() == set(drift.KINDS)
    assert all(map(drift.title, drift.KINDS))
    assert DAYS_DEFAULT == drift.DAYS
