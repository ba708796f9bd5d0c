"""The keeper of KPIs: what it is told, what it remembers, and that nothing it meets ends the gateway."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from engine import kpi_keeper
from engine.kpi import KpiPeriod, reference_year
from engine.kpi_book import KpiBook
from engine.kpi_keeper import Changes, KpiKeeper
from engine.store import KpisWritten, Store, StoreUnavailable
from tests.engine.kpi.test_figures import CALENDAR

HOUR_US = 3_600_000_000
YEARS = [reference_year(CALENDAR, year) for year in (2022, 2023)]
NOW_US = YEARS[1].end_us + HOUR_US


class Book:
    """A book of two years that are over, which notes what it is to compute."""

    def __init__(self) -> None:
        self.brought: list[int] = []
        self.failure: Exception | None = None

    def since_us(self) -> int:
        return YEARS[0].start_us

    def floor_us(self) -> int | None:
        return None

    def years(self, _since_us: int, _until_us: int) -> list[KpiPeriod]:
        return YEARS

    def estimates(self, _since_us: int, _until_us: int) -> list[KpiPeriod]:
        return []

    def declare(self, _computed_us: int) -> int:
        return 0

    def stated_years(self, _years: Sequence[KpiPeriod]) -> list[KpiPeriod]:
        return []

    def bring_stated(self, _years: Sequence[KpiPeriod], _until_us: int, _computed_us: int) -> int:
        return 0

    def closed(self, _period: KpiPeriod, _until_us: int) -> bool:
        return True

    def reaches_from_us(self, period: KpiPeriod) -> int:
        return period.start_us

    def bring(self, periods: Sequence[KpiPeriod], _until_us: int, _computed_us: int) -> KpisWritten:
        if self.failure is not None:
            raise self.failure
        self.brought += [period.year for period in periods]
        return KpisWritten(len(periods), 0)


class Connection:
    """A connection that counts how often it was made anew."""

    reconnected = 0

    def reconnect(self) -> None:
        self.reconnected += 1


def keeping(book: Book, connection: Connection | None = None) -> KpiKeeper:
    return KpiKeeper(
        cast(Store, connection or Connection()), cast(KpiBook, book), clock_us=lambda: NOW_US, until_us=lambda: NOW_US,
        every_s=0.001,
    )  # fmt: skip


def hours(*at_us: int) -> np.ndarray:
    return np.array(at_us, np.int64)


def test_the_first_look_computes_every_year_and_the_next_only_what_changed() -> None:
    book = Book()
    keeper = keeping(book)
    keeper.round()
    keeper.round()
    assert book.brought == [2022, 2023]
    keeper.changes.note(hours(YEARS[0].end_us - HOUR_US), True)
    keeper.round()
    assert book.brought == [2022, 2023, 2022]
    keeper.changes.note(hours(NOW_US), True)
    keeper.round()
    assert book.brought == [2022, 2023, 2022]


def test_hours_wait_until_their_days_are_written() -> None:
    changes = Changes()
    changes.note(hours(5, 3), False)
    assert changes.take() == ([], False)
    changes.note(hours(7), True)
    assert changes.take() == ([3, 5, 7], False)
    assert changes.take() == ([], False)


def test_more_hours_than_are_remembered_mean_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kpi_keeper, "HOURS_MAX", 10)
    book = Book()
    keeper = keeping(book)
    keeper.round()
    book.brought.clear()
    keeper.changes.note(np.arange(11, dtype=np.int64), True)
    keeper.round()
    assert book.brought == [2022, 2023]


def test_what_a_failed_look_had_to_do_is_done_by_the_next_one_on_a_new_connection() -> None:
    book, connection = Book(), Connection()
    keeper = keeping(book, connection)
    keeper.round()
    book.brought.clear()
    keeper.changes.note(hours(YEARS[1].start_us), True)
    book.failure = StoreUnavailable("the server is away")
    keeper.round()
    assert (book.brought, keeper.counts.failures, connection.reconnected) == ([], 1, 0)
    assert "the server is away" in str(keeper.status()["error"])
    book.failure = None
    keeper.round()
    assert (book.brought, keeper.counts.failures, connection.reconnected) == ([2023], 1, 1)
    assert keeper.status()["error"] == ""


def test_a_definition_that_cannot_be_computed_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    book = Book()
    book.failure = ArithmeticError("nobody thought of this")
    keeper = keeping(book)
    stop = threading.Event()
    stop.set()
    keeper.run(stop)
    assert keeper.counts.failures == 1
    assert "nobody thought of this" in caplog.text


def test_it_looks_once_more_when_everything_has_ended() -> None:
    book = Book()
    keeper = keeping(book)
    stop = threading.Event()
    stop.set()
    keeper.run(stop)
    assert book.brought == [2022, 2023]
