"""Hours of a series with too few of its readings take no part, on a real database: worked out by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

import numpy as np
import pytest

from devices import TIME_MAX_US, TIME_MIN_US, Registry
from engine.kpi import Capture, KpiPeriod, Pack, civil_day, civil_month, reference_year, shipped
from engine.kpi_book import KpiBook
from engine.kpi_evidence import Evidence
from engine.store import Store
from tests.engine.store.flagged_town import (
    HOUR_US,
    PER_DAY,
    STEP_US,
    YEAR,
    Judged,
    begin_us,
    flagged_town,
    readings,
    slot_of,
)

INPUT, DATA_POINT = "pm2_5_mean", "EN: EN: AQ: 1C/pm2_5"
SECOND = date(YEAR, 11, 7)
WHOLE_DAY = (Fraction(21), PER_DAY)


@pytest.fixture
def city(store: Store) -> Registry:
    """The town with its flags, once two readings of 20 are missing of `calm`'s fourth hour of the second day."""
    city = flagged_town()
    batch = readings(city)
    hour_us = begin_us(city, 1) + 3 * HOUR_US
    missing = np.isin(batch.time_us, [hour_us, hour_us + HOUR_US // 3]) & (batch.slot == slot_of(city, "calm"))
    Judged.on(store, city, begin_us(city, 5) + HOUR_US).take(batch.take(~missing))
    return city


def asking(hour_percent_min: int) -> Pack:
    pack = shipped()
    one = pack.inputs[INPUT]
    how = replace(one.how, capture=Capture(hour_percent_min=hour_percent_min))  # type: ignore[type-var]
    return replace(pack, inputs={**pack.inputs, INPUT: replace(one, how=how)})


def book_of(store: Store, city: Registry, pack: Pack) -> KpiBook:
    return KpiBook(store, city, store.register(city), pack, 0)


def second_day(book: KpiBook) -> KpiPeriod:
    return civil_day(book.calendar, SECOND, TIME_MAX_US // 2, 0)


def stations(book: KpiBook, city: Registry, period: KpiPeriod) -> dict[str, tuple[Fraction | None, int]]:
    """Return value and readings received of the stations that count."""
    found = book.inputs(period).stations(INPUT)
    return {city.devices[one.device].code: (one.value, one.received) for one in found if one.counts}


def test_an_hour_takes_part_with_its_share_of_readings_after_what_is_excluded(store: Store, city: Registry) -> None:
    calm = (Fraction(144 * 21 - 40, 142), 142)  # 4 of 6 readings in one hour
    spiking = (Fraction(144 * 21 - 22, 143), 143)  # 5 of 6 in one hour, for a spike is excluded
    full = (Fraction(21), 23 * 6)
    for percent, wanted in ((0, (calm, spiking)), (66, (calm, spiking)), (67, (full, spiking)), (84, (full, full))):
        book = book_of(store, city, asking(percent))
        found = stations(book, city, second_day(book))
        assert (found["calm"], found["spiking"]) == wanted, percent
        # Three hours of `stuck` are excluded altogether, and `other` lacks nothing.
        assert (found["stuck"], found["other"]) == ((Fraction(21), 21 * 6), WHOLE_DAY)
        assert "drifting" not in found


def test_a_station_that_lacks_nothing_keeps_every_hour_whatever_its_interval(store: Store) -> None:
    plain = flagged_town(())
    every = {
        "calm": 4,
        "other": 12,
    }  # of readings ten minutes apart: 40 minutes do not divide an hour, two hours do not fit
    devices = tuple(replace(one, interval_us=every.get(one.code, 1) * STEP_US) for one in plain.devices)
    city = replace(plain, devices=devices)
    batch = readings(city)
    number = (batch.time_us - begin_us(city)) // STEP_US
    steps = np.ones(len(batch), np.int64)
    for code, step in every.items():
        steps[batch.slot == slot_of(city, code)] = step
    Judged.on(store, city, begin_us(city, 5) + HOUR_US).take(batch.take(number % steps == 0))
    book = book_of(store, city, asking(100))
    found = stations(book, city, second_day(book))
    assert (found["calm"], found["other"]) == ((Fraction(20), PER_DAY // 4), (Fraction(20), PER_DAY // 12))


def test_the_official_year_and_every_other_period_leave_out_the_same_hours(store: Store, city: Registry) -> None:
    book = book_of(store, city, asking(75))
    calendar = book.calendar
    month = civil_month(calendar, YEAR, 11, TIME_MAX_US // 2, 0)
    for period in (reference_year(calendar, YEAR), month):
        assert stations(book, city, period)["calm"] == (Fraction(21), 5 * PER_DAY - 6)
    spread = asking(75)
    how = replace(spread.inputs[INPUT].how, capture=Capture(4, 99, 75))  # type: ignore[type-var]
    spread = replace(spread, inputs={**spread.inputs, INPUT: replace(spread.inputs[INPUT], how=how)})
    counting = stations(book_of(store, city, spread), city, reference_year(calendar, YEAR))
    assert set(counting) == {"calm", "spiking", "other"}, "714, 719 and 720 of 720 readings of the last quarter"


def test_what_is_shown_behind_a_figure_are_the_hours_that_take_part(store: Store, city: Registry) -> None:
    pack = asking(84)
    book = book_of(store, city, pack)
    behind = Evidence(store, city, book, pack, pack.data_point(DATA_POINT), second_day(book), None)
    by_day: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in behind.days(TIME_MIN_US, TIME_MAX_US, 10**6).rows:
        by_day[one.series.device][0] += one.sums[0]
        by_day[one.series.device][1] += one.readings
    for limit in (7, 10**6):
        by_reading: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for ticks, device in observed(behind, limit):
            by_reading[device][0] += ticks
            by_reading[device][1] += 1
        assert by_reading == {device: found for device, found in by_day.items() if found[1]}
    for station in behind.stations():
        if station.value is not None:
            total, number = by_day[station.device]
            assert (Fraction(total, 1000 * number), number) == (station.value, station.received)


def observed(behind: Evidence, limit: int) -> Sequence[tuple[int, str]]:
    """Return ticks and device of every observation, page by page."""
    found: list[tuple[int, str]] = []
    from_us: int | None = TIME_MIN_US
    while from_us is not None:
        page = behind.observations(from_us, TIME_MAX_US, limit)
        found += [(one.ticks, one.series.device) for one in page.rows]
        from_us = page.next_us
    return found
