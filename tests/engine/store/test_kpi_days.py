"""Figures of a civil day or month, computed when asked from what is stored: worked out by hand, and never written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from engine.calendar import Calendar
from engine.errors import CalendarError
from engine.kpi import Horizon, KpiPeriod, civil_day, civil_month
from engine.store import KpiReading, Store
from tests.databases import Furnish
from tests.engine.store.conftest import EMPTY
from tests.engine.store.kpi_kept import Kept, year_kept, year_over
from tests.engine.store.kpi_town import FIRST, HOUR_US, YEAR, kpi_town, year_of_readings

WATER_LOSS, WATER_USE, ELECTRICITY = "EC: I: WS: 3C", "EN: EN: WS: 2C", "EN: E: E: 2C"
SAIFI, CAIDI = "EC: I: ES: 1C", "EC: I: ES: 2C"
NIGHT_OF_25_HOURS = date(YEAR, 10, 29)


@pytest.fixture
def furnish() -> Furnish:
    return year_over


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    """The town by hand, its year over and closed."""
    return year_kept(store, tmp_path)


def of_city(kept: Kept, period: KpiPeriod) -> dict[str, KpiReading]:
    found = kept.book.readings(period, kept.until_us)
    return {one.data_point: one for one in found if one.scope_kind == "city"}


def day(kept: Kept, at: date) -> KpiPeriod:
    return civil_day(kept.book.calendar, at, kept.until_us, kept.book.since_us() or 0)


def test_figures_of_one_day_are_those_worked_out_by_hand(kept: Kept) -> None:
    found = of_city(kept, day(kept, date(YEAR, 12, 5)))
    exact = {
        WATER_LOSS: Fraction(20),
        WATER_USE: Fraction(1000 * 800, 1500),
        ELECTRICITY: Fraction(30, 1500),  # of one day: nothing is scaled up to a year
        SAIFI: Fraction(600, 2000),
        CAIDI: Fraction(60),
    }
    assert {key: Fraction(str(found[key].ratio)) for key in exact} == exact
    loss = found[WATER_LOSS]
    assert (loss.numerator, loss.denominator) == ("200", "1000")
    assert (loss.horizon, loss.year, loss.revision, loss.validity) == ("day", 0, 0, "indicative")
    assert (loss.received, loss.expected) == (1, 1)
    assert Fraction(str(loss.low_ratio)) < 20 < Fraction(str(loss.high_ratio))
    other = of_city(kept, day(kept, date(YEAR, 12, 9)))
    assert (other[SAIFI].ratio, other[CAIDI].ratio) == ("1/5", "135")
    quiet = of_city(kept, day(kept, date(YEAR, 12, 6)))
    assert (quiet[SAIFI].ratio, quiet[CAIDI].ratio) == ("0", None)
    assert quiet[CAIDI].reason


def test_zones_have_their_days_too(kept: Kept) -> None:
    period = day(kept, date(YEAR, 12, 5))
    zones = [one for one in kept.book.readings(period, kept.until_us) if one.data_point == CAIDI]
    assert [(one.scope_kind, one.scope, one.ratio) for one in zones] == [
        ("city", "town", "60"), ("zone", "north", "60"),
    ]  # fmt: skip


@EMPTY
def test_a_month_so_far_is_the_year_so_far_of_a_town_that_began_with_it(store: Store, tmp_path: Path) -> None:
    registry = kpi_town(tmp_path)
    noon_us = Calendar(registry.city.zone_info).day_bounds(date(YEAR, 12, 10))[0] + 12 * HOUR_US
    kept = Kept(store, registry, noon_us + HOUR_US // 2)
    batch = year_of_readings(registry)
    kept.take(batch.take(batch.time_us <= noon_us + 12 * HOUR_US))
    calendar, since_us = kept.book.calendar, kept.book.since_us() or 0
    month = of_city(kept, civil_month(calendar, YEAR, 12, kept.until_us, since_us))
    written = {one.data_point: one for one in store.kpi_rows(scope_kind="city", horizon="to_date")}
    assert month.keys() == written.keys()
    for key, one in written.items():
        assert month[key]._replace(horizon=one.horizon, computed_us=one.computed_us, inputs="") == one._replace(
            inputs=""
        )
    today = of_city(kept, day(kept, date(YEAR, 12, 10)))[ELECTRICITY]
    # Half of the day's rise, which is shared out over its hours.
    assert (today.end_us, today.ratio) == (noon_us, "1/100")


def test_asking_writes_nothing(kept: Kept, query: Callable[..., list[tuple[object, ...]]]) -> None:
    versions = "SELECT data_point, horizon, xmin::text FROM kpi_value ORDER BY 1, 2, scope_id"
    before = query(versions)
    assert kept.book.readings(day(kept, date(YEAR, 12, 5)), kept.until_us)
    assert query(versions) == before


def test_days_are_those_of_the_citys_clock_and_end_with_the_last_whole_hour(kept: Kept) -> None:
    calendar = kept.book.calendar
    from_us = calendar.day_bounds(NIGHT_OF_25_HOURS)[0]
    whole = civil_day(calendar, NIGHT_OF_25_HOURS, from_us + 90 * HOUR_US, 0)
    assert (whole.end_us - whole.start_us, whole.days) == (25 * HOUR_US, 1)
    assert (whole.horizon, whole.first, whole.last) == (Horizon.DAY, NIGHT_OF_25_HOURS, NIGHT_OF_25_HOURS)
    so_far = civil_day(calendar, NIGHT_OF_25_HOURS, from_us + 15 * HOUR_US + 1, 0)
    assert (so_far.end_us, so_far.days) == (from_us + 15 * HOUR_US, Fraction(15, 25))
    month = civil_month(calendar, YEAR, 10, from_us + 200 * HOUR_US, 0)
    assert (month.first, month.last, month.days) == (date(YEAR, 10, 1), date(YEAR, 10, 31), 31)
    assert civil_day(calendar, NIGHT_OF_25_HOURS, from_us, 0).empty, "it has not begun"
    assert civil_day(calendar, NIGHT_OF_25_HOURS, from_us + 90 * HOUR_US, from_us + 26 * HOUR_US).empty
    begun = civil_day(calendar, NIGHT_OF_25_HOURS, from_us + 90 * HOUR_US, from_us + 2 * HOUR_US + 5)
    assert begun.start_us == from_us + 2 * HOUR_US, "the first day of an installation begins with its first hour"
    with pytest.raises(CalendarError, match="is outside"):
        civil_day(calendar, date(1000, 1, 1), from_us, 0)


def test_a_day_before_the_town_began_is_empty(kept: Kept) -> None:
    assert day(kept, FIRST.replace(month=11)).empty
