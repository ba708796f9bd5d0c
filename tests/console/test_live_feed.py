"""Which figure the page shows, and how a store's row becomes a line."""

from __future__ import annotations

import threading
from decimal import Decimal

from console.live_feed import HISTORY, line_of
from console.page import IndicatorLine, Page
from console.screen import Feed
from console.worth import LENGTH_US, newest_that_counts, status
from engine.cells import Grid
from engine.indicators import INDICATORS, by_code
from engine.store import IndicatorReading

HOUR = LENGTH_US["hour"]
AT = by_code(INDICATORS)
EAQI, WATER = INDICATORS[AT["eaqi", Grid.HOUR]], INDICATORS[AT["water", Grid.HOUR]]


def row(
    code: str, hour: int, value: str | None, received: int = 60, expected: int = 60, revision: int = 1, band: int = 0
) -> IndicatorReading:
    return IndicatorReading(
        code, "hour", "zone", "air", hour * HOUR, None if value is None else Decimal(value), "1", band,
        EAQI.bands[band - 1].name if band else "", "no2" if band else "", received, expected, revision, 0,
    )  # fmt: skip


def test_the_newest_hour_with_enough_readings_is_shown() -> None:
    windows = [row("eaqi", 1, "2"), row("eaqi", 2, "3"), row("eaqi", 3, "4", received=10, revision=0)]
    assert newest_that_counts(windows).start_us == 2 * HOUR


def test_an_open_hour_with_enough_readings_is_shown_for_a_mean_but_not_for_a_sum() -> None:
    assert newest_that_counts([row("eaqi", 1, "2"), row("eaqi", 2, "3", revision=0)]).start_us == 2 * HOUR
    assert newest_that_counts([row("water", 1, "2"), row("water", 2, "0.1", revision=0)]).start_us == HOUR


def test_where_no_hour_has_enough_readings_the_newest_figure_is_shown() -> None:
    windows = [row("eaqi", 1, "2", received=1), row("eaqi", 2, "3", received=1), row("eaqi", 3, None, received=0)]
    assert newest_that_counts(windows).start_us == 2 * HOUR
    assert newest_that_counts([row("eaqi", 1, None), row("eaqi", 2, None)]).start_us == 2 * HOUR


def test_a_line_has_band_colour_coverage_age_and_the_hours_in_their_places() -> None:
    windows = [row("eaqi", 5, "1"), row("eaqi", 8, None), row("eaqi", 9, "5", received=30, revision=0, band=5)]
    line = line_of("Air", windows[-1], windows, EAQI, now_us=9 * HOUR + HOUR // 2)
    assert (line.value, line.band, line.colour) == ("5", EAQI.bands[4].name, EAQI.bands[4].colour)
    assert (line.coverage, line.age_s, line.provisional, line.valid) == (0.5, 0.0, True, False)
    assert line.history == (None,) * (HISTORY - 5) + (1.0, None, None, None, 5.0)
    later = line_of("Air", windows[0], windows[:1], EAQI, now_us=10 * HOUR)
    assert later.age_s == 4 * 3600


def test_a_state_in_one_word() -> None:
    assert status(EAQI, 60, 60, known=False, closed=True) == "none"
    assert status(EAQI, 1, 60, known=True, closed=False) == "open"
    assert status(EAQI, 44, 60, known=True, closed=True) == "incomplete"
    assert status(EAQI, 45, 60, known=True, closed=True) == "valid"


def test_trouble_is_shown_and_the_last_figures_stay() -> None:
    good = Page("City", lines=(IndicatorLine("Air", "AQI", "aqi", "1", ""),))
    calls: list[str] = []
    troubled = threading.Event()

    def read(window: str) -> Page:
        calls.append(window)
        if len(calls) == 1:
            return good
        troubled.set()
        raise OSError("the database is away\nmore")

    feed = Feed(Page("City"), read, lambda error: str(error) if isinstance(error, OSError) else None)
    with feed:
        while not calls:
            troubled.wait(0.01)
        feed.switch()
        assert troubled.wait(120)
    assert calls[-1] == "day"
    assert feed.page.lines == good.lines
    assert feed.page.trouble == "the database is away"
    assert feed.error is None


def test_a_fault_of_the_program_ends_the_feed_and_is_not_hidden() -> None:
    def read(window: str) -> Page:
        raise ZeroDivisionError

    with Feed(Page("City"), read, lambda error: None) as feed:
        feed._thread.join(120)
    assert isinstance(feed.error, ZeroDivisionError)
