"""Figures of stations, zones and the city from changed cells: against the slow twin, and rule by rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from devices.series import TIME_MAX_US, TIME_MIN_US
from engine.cells import Cells, Grid
from engine.indicators import (
    INDICATORS,
    SCOPE_CITY,
    Evaluator,
    Figure,
    Hours,
    Indicator,
    PlanError,
    air,
    by_code,
    evaluate,
)
from tests.engine.indicators import oracle_indicators as oracle
from tests.engine.indicators.cities import MEASURANDS, Published, Reader, change, evaluator, series_table
from tests.engine.indicators.cities import calendar as calendar_of
from tests.engine.indicators.oracle_indicators import HOUR_US, City, Series
from tests.examples import examples

LONDON = ZoneInfo("Europe/London")
AUTUMN_US = 1_477_782_000_000_000
"""2016-10-30 00:00 in London: a day of 25 hours."""
SPRING_US = 1_459_036_800_000_000
"""2016-03-27 00:00 in London: a day of 23 hours."""
QUARTER_US = 15 * 60 * 1_000_000

POSITION = by_code(INDICATORS)


Changes = dict[tuple[int, int], tuple[int, list[int]]]


def series(device: int, zone: int, *codes: str, interval_us: int = QUARTER_US) -> list[Series]:
    return [Series(device, code, zone, interval_us, TIME_MIN_US, TIME_MAX_US) for code in codes]


def city_of(*rows: list[Series], zones: int = 2) -> City:
    return City(LONDON, zones, [row for group in rows for row in group])


def steady(city: City, slots: list[int], start: int, hours: int, ticks: int, count: int = 4) -> Changes:
    return {
        (slot, start + hour * HOUR_US): (count, [ticks * count, 0, 0, 0]) for slot in slots for hour in range(hours)
    }


AIR = oracle.AIR
KINDS = {
    "sound_level": (0, 8 * 10**13),
    "electricity_import": (-5, 10**7),
    "water_volume": (-5, 10**9),
    "water_supplied": (-5, 10**9),
    "traffic_load": (0, HOUR_US),
    "temperature": (-30_000, 50_000),
    "parking_occupancy": (0, 500),
}


@st.composite
def cities(draw: st.DrawFn) -> City:
    """Return a city of up to five devices with odd sets of series, some at traffic, some not always in service."""
    zones = draw(st.integers(1, 3))
    rows: list[Series] = []
    traffic = set()
    first = draw(st.sampled_from([AUTUMN_US, SPRING_US]))
    for device in range(draw(st.integers(1, 4))):
        zone = draw(st.integers(0, zones - 1))
        codes = (
            list(AIR)
            if draw(st.booleans())
            else draw(st.lists(st.sampled_from([*AIR, *KINDS]), min_size=1, max_size=5))
        )
        start = draw(st.sampled_from([TIME_MIN_US, first + 5 * HOUR_US + 7]))
        end = draw(st.sampled_from([TIME_MAX_US, first + 20 * HOUR_US + 13]))
        interval = draw(st.sampled_from([QUARTER_US, 60_000_000, 7 * 60_000_000 + 1, 2 * HOUR_US]))
        rows += [Series(device, code, zone, interval, start, end) for code in codes]
        if draw(st.booleans()):
            traffic.add(device)
    return City(LONDON, zones, rows, traffic)


@st.composite
def cells_of(draw: st.DrawFn, city: City) -> list[tuple[tuple[int, int], tuple[int, list[int]]]]:
    """Return hour cells around a change of the clocks, values often at breakpoints, dense enough for every index."""
    first = draw(st.sampled_from([AUTUMN_US, SPRING_US])) - draw(st.integers(0, 9)) * HOUR_US
    hours = draw(st.integers(1, 28))
    gaps = draw(st.sampled_from([0.0, 0.1, 0.5]))
    random = Random(draw(st.integers(0, 2**32)))  # noqa: S311  # drawing each value would be too much data
    scale = draw(st.sampled_from([20_000, 100_000, 700_000]))
    found = []
    for slot, one in enumerate(city.series):
        for hour in range(hours):
            if random.random() < gaps:
                continue
            count = random.choice([1, 1, 4, 59, 60])
            if one.measurand in KINDS:
                low, high = KINDS[one.measurand]
                sums = [random.randint(low, high) for _ in range(3)] + [0]
                if one.measurand != "traffic_load":
                    sums[0] *= count
                if random.random() < 0.1 and one.measurand.endswith(("import", "volume", "load")):
                    count = 0
            else:
                value = random.choice([0, random.randint(-15_000, scale), random.randint(0, scale // 1000) * 1000])
                sums = [value * count + random.choice([0, 0, 1, count // 2]), 0, 0, 0]
            found.append(((slot, first + hour * HOUR_US), (count, sums)))
    random.shuffle(found)
    return found


@settings(
    max_examples=examples(40), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(st.data())
def test_every_figure_equals_the_slow_twins_whatever_the_order_of_the_cells(data: st.DataObject) -> None:
    city = data.draw(cities())
    cells = data.draw(cells_of(city))
    made = evaluator(city, known_windows_max=data.draw(st.sampled_from([0, 3, 512])))
    published = Published()
    at = 0
    with pytest.MonkeyPatch.context() as patch:
        # The indices of these few stations in columns, or station by station.
        patch.setattr(evaluate, "COLUMNS_STATIONS_MIN", data.draw(st.sampled_from([1, 8])))
        while at < len(cells):
            size = data.draw(st.integers(20, 400))
            batch, next_ones = cells[at : at + size], cells[at + size : at + size + 3]
            # Sometimes a cell is seen half full first, and completed by a later batch.
            early = [(key, (1, [v // 2 for v in sums])) for key, (count, sums) in next_ones if count]
            change(city, made, published, dict([*early, *batch]))
            at += size
        wanted = oracle.figures(city)
        assert published.rows == wanted
        # All at once by an evaluator that knows nothing yet: the same.
        again = Published()
        if city.cells:
            change(city, evaluator(city), again, dict(city.cells))
        assert again.rows == wanted


def test_many_stations_are_computed_in_columns_and_those_on_a_breakpoint_by_the_formula() -> None:
    asked: list[float] = []

    def counted(hours: Mapping[str, Hours], own: int) -> Figure | None:
        asked.append(hours["pm10"].sums[-1] / hours["pm10"].counts[-1])
        return air.us_aqi_nowcast(hours, own)

    first = INDICATORS[POSITION["us_aqi_nowcast", Grid.HOUR]]
    city = city_of(*(series(device, 0, "pm10") for device in range(10)))
    # 54.0 is the last count of Good, and 55 the first of Moderate: one station lies on it.
    cells = {
        (slot, AUTUMN_US + hour * HOUR_US): (4, [4 * (54_600 + 100 * slot), 0, 0, 0])
        for slot in range(10)
        for hour in (0, 1)
    }
    for catalogue, wanted in [
        ((dataclasses.replace(first, index=counted),), [55_000.0]),
        ((dataclasses.replace(first, index=counted, columns=None),), [54_600.0 + 100 * slot for slot in range(10)]),
    ]:
        asked.clear()
        published = Published(catalogue)
        change(city, evaluator(city, catalogue), published, cells)
        assert sorted(set(asked)) == wanted
        found = [published.rows["us_aqi_nowcast", "hour", 3 + device, AUTUMN_US + HOUR_US][0] for device in range(10)]
        assert found == [50] * 4 + [51] * 6


def test_a_silent_station_lowers_the_coverage_of_its_zone_and_city() -> None:
    city = city_of(series(0, 0, "pm10"), series(1, 0, "pm10"), series(2, 1, "pm10"))
    published = Published()
    change(
        city,
        evaluator(city),
        published,
        steady(city, [0], AUTUMN_US, 1, 40_000) | steady(city, [2], AUTUMN_US, 1, 20_001),
    )
    rows = published.rows
    assert rows["pm10_mean", "hour", 1 + 2 + 0, AUTUMN_US] == (40_000, 0, None, 4, 4)
    assert ("pm10_mean", "hour", 1 + 2 + 1, AUTUMN_US) not in rows
    assert rows["pm10_mean", "hour", 1, AUTUMN_US] == (40_000, 0, None, 4, 8)
    assert rows["pm10_mean", "hour", 2, AUTUMN_US] == (20_001, 0, None, 4, 4)
    # (40.000 + 20.001) / 2 = 30.0005, a tie: to the even 30.000
    assert rows["pm10_mean", "hour", SCOPE_CITY, AUTUMN_US] == (30_000, 0, None, 8, 12)


def test_a_station_out_of_service_is_not_missed() -> None:
    city = city_of(series(0, 0, "pm10"))
    city.series.append(Series(1, "pm10", 0, QUARTER_US, TIME_MIN_US, AUTUMN_US))
    published = Published()
    change(city, evaluator(city), published, steady(city, [0], AUTUMN_US, 1, 40_000))
    assert published.rows["pm10_mean", "hour", 1, AUTUMN_US] == (40_000, 0, None, 4, 4)


def test_days_of_25_and_of_23_hours_expect_their_own_readings() -> None:
    city = city_of(series(0, 0, "pm10"))
    published = Published()
    cells = steady(city, [0], AUTUMN_US, 25, 30_000) | steady(city, [0], SPRING_US, 23, 30_000)
    change(city, evaluator(city), published, cells)
    assert published.rows["pm10_mean", "day", 0, AUTUMN_US] == (30_000, 0, None, 100, 100)
    assert published.rows["pm10_mean", "day", 0, SPRING_US] == (30_000, 0, None, 92, 92)


def test_the_worst_station_decides_an_index_and_names_the_driver() -> None:
    # PM10 20: 50 * 20 / 30 = 33.3 -> 33, the highest of the first station. NO2 of 0.03 ppm is 50.
    no2 = round(oracle.from_unit("no2", "ppm", Fraction(3, 100)) * 1000)
    city = city_of(series(0, 0, *AIR), series(1, 0, *AIR), series(2, 1, *AIR))
    cells = steady(city, list(range(18)), AUTUMN_US, 12, 0)
    cells |= steady(city, [1], AUTUMN_US, 12, 20_000) | steady(city, [8], AUTUMN_US, 12, no2)
    published = Published()
    change(city, evaluator(city), published, cells)
    last = AUTUMN_US + 11 * HOUR_US
    assert published.rows["cai", "hour", 3 + 0, last] == (33, 1, "pm10", 24, 24)
    assert published.rows["cai", "hour", 3 + 1, last] == (50, 1, "no2", 24, 24)
    assert published.rows["cai", "hour", 1, last] == (50, 1, "no2", 48, 48)
    assert published.rows["cai", "hour", 2, last] == (0, 1, "pm10", 24, 24)
    assert published.rows["cai", "hour", 0, last] == (50, 1, "no2", 72, 72)


def test_of_two_equally_bad_stations_the_first_names_the_driver() -> None:
    city = city_of(series(0, 0, "pm10"), series(1, 0, "pm2_5"))
    published = Published()
    cells = steady(city, [0], AUTUMN_US, 3, 54_000) | steady(city, [1], AUTUMN_US, 3, 9_000)
    change(city, evaluator(city), published, cells)
    last = AUTUMN_US + 2 * HOUR_US
    assert published.rows["us_aqi_nowcast", "hour", 4, last][:3] == (50, 1, "pm2_5")
    assert published.rows["us_aqi_nowcast", "hour", 0, last][:3] == (50, 1, "pm10")


def test_a_late_hour_changes_the_hours_that_look_back_to_it_and_no_others() -> None:
    city = city_of(series(0, 0, "pm2_5"))
    made, published = evaluator(city), Published()
    change(city, made, published, steady(city, [0], AUTUMN_US, 30, 10_000))
    late = {(0, AUTUMN_US + 10 * HOUR_US): (4, [80_000, 0, 0, 0])}
    results = change(city, made, published, late)
    position = POSITION["us_aqi_nowcast", Grid.HOUR]
    starts = set(results.start_us[results.indicator == position].tolist())
    assert starts == {AUTUMN_US + hour * HOUR_US for hour in range(10, 22)}
    position = POSITION["pm2_5_mean", Grid.HOUR]
    assert set(results.start_us[results.indicator == position].tolist()) == {AUTUMN_US + 10 * HOUR_US}


def test_a_look_back_does_not_reach_beyond_the_newest_hour() -> None:
    city = city_of(series(0, 0, "pm2_5"))
    made = evaluator(city)
    work = made.affected(np.zeros(1, np.int32), np.array([AUTUMN_US]), latest_us=AUTUMN_US + 2 * HOUR_US)
    position = POSITION["us_aqi_nowcast", Grid.HOUR]
    found = [item.start_us for item in work.items if item.definition == position]
    assert found == [AUTUMN_US, AUTUMN_US + HOUR_US, AUTUMN_US + 2 * HOUR_US]


def test_the_last_hours_of_a_day_touch_the_next_days_index() -> None:
    city = city_of(series(0, 0, "o3"))
    made = evaluator(city)
    position = POSITION["us_aqi", Grid.DAY]
    midnight = AUTUMN_US + 25 * HOUR_US
    for hour, days in ((17, [AUTUMN_US]), (18, [AUTUMN_US, midnight]), (24, [AUTUMN_US, midnight])):
        work = made.affected(
            np.zeros(1, np.int32), np.array([AUTUMN_US + hour * HOUR_US]), latest_us=midnight + 20 * HOUR_US
        )
        assert [item.start_us for item in work.items if item.definition == position] == days


def test_work_names_each_window_once_and_can_be_done_in_parts() -> None:
    city = city_of(series(0, 0, *AIR), series(1, 1, *AIR))
    cells = steady(city, list(range(12)), AUTUMN_US, 30, 25_000)
    city.cells.update(cells)
    slots = np.array([slot for slot, _ in cells] * 2, np.int32)
    starts = np.array([start for _, start in cells] * 2, np.int64)
    made = evaluator(city)
    work = made.affected(slots, starts, latest_us=AUTUMN_US + 29 * HOUR_US)
    names = [(item.definition, item.start_us) for item in work.items]
    assert names == sorted(set(names))
    published = Published()
    parts = list(work.parts(7))
    assert max(len(part) for part in parts) == 7
    for part in parts:
        published.store(made.evaluate(part, Reader(city)))
    assert published.rows == oracle.figures(city)


def test_results_are_ordered_and_each_key_comes_once() -> None:
    city = city_of(series(0, 0, *AIR), series(1, 1, *AIR))
    results = change(city, evaluator(city), Published(), steady(city, list(range(12)), AUTUMN_US, 5, 25_000))
    keys = list(zip(results.indicator.tolist(), results.start_us.tolist(), results.scope.tolist(), strict=True))
    assert keys == sorted(set(keys))


def test_only_stations_that_changed_and_their_zones_are_published_again() -> None:
    city = city_of(series(0, 0, "pm10"), series(1, 1, "pm10"))
    made = evaluator(city)
    change(city, made, Published(), steady(city, [0, 1], AUTUMN_US, 1, 25_000))
    results = change(city, made, Published(), steady(city, [1], AUTUMN_US, 1, 26_000))
    assert set(results.scope.tolist()) == {SCOPE_CITY, 2, 3 + 1}


@pytest.mark.parametrize("known_windows_max", [0, 512])
def test_a_station_that_did_not_change_still_counts_in_the_indices_of_its_zone(known_windows_max: int) -> None:
    city = city_of(series(0, 0, *AIR), series(1, 0, *AIR), series(2, 1, *AIR))
    made, published = evaluator(city, known_windows_max=known_windows_max), Published()
    change(city, made, published, steady(city, list(range(12)), AUTUMN_US, 30, 20_000))
    change(city, made, published, steady(city, [0], AUTUMN_US + 29 * HOUR_US, 1, 12_000))
    change(city, made, published, steady(city, [12, 17], AUTUMN_US + 20 * HOUR_US, 10, 90_000))
    change(city, made, published, steady(city, [8], AUTUMN_US + 25 * HOUR_US, 2, 500_000))
    assert published.rows == oracle.figures(city)
    # 20 µg/m3 of PM2.5: 49 / 19 * 4 + 51 = 61.3
    assert published.rows["cai", "hour", 1, AUTUMN_US + 29 * HOUR_US] == (61, 2, "pm2_5", 48, 48)


def test_a_station_that_lost_a_required_reading_counts_no_longer_in_its_zone() -> None:
    city = city_of(series(0, 0, *AIR), series(1, 0, *AIR))
    made, published = evaluator(city), Published()
    change(city, made, published, steady(city, list(range(12)), AUTUMN_US, 12, 10_000))
    last = AUTUMN_US + 11 * HOUR_US
    change(city, made, published, steady(city, [1], last, 1, 600_000))
    assert published.rows["cai", "hour", 1, last][0] > 100
    change(city, made, published, {(2, last): (0, [0, 0, 0, 0])})  # a correction takes its NO2 away
    assert published.rows["cai", "hour", 1, last] == oracle.figures(city)["cai", "hour", 1, last]
    assert published.rows["cai", "hour", 1, last][0] == 33
    results = change(city, made, published, {(8, last): (0, [0, 0, 0, 0])})
    assert POSITION["cai", Grid.HOUR] not in results.indicator


def test_work_that_failed_half_way_can_be_done_again() -> None:
    city = city_of(series(0, 0, *AIR), series(1, 0, *AIR))
    made, published = evaluator(city), Published()
    cells = steady(city, list(range(12)), AUTUMN_US, 13, 10_000)
    change(city, made, published, cells)
    city.cells.update(steady(city, [0, 4], AUTUMN_US + 5 * HOUR_US, 1, 90_000))

    class Broken(Reader):
        calls = 0

        def gather(self, grid: Grid, slots: NDArray[np.int32], start_us: NDArray[np.int64]) -> Cells:
            self.calls += 1
            if self.calls > 3:
                raise ConnectionError
            return super().gather(grid, slots, start_us)

    hour = np.array([AUTUMN_US + 5 * HOUR_US] * 2)
    work = made.affected(np.array([0, 4], np.int32), hour, latest_us=AUTUMN_US + 12 * HOUR_US)
    with pytest.raises(ConnectionError):
        made.evaluate(work, Broken(city))
    published.store(made.evaluate(work, Reader(city)))
    assert published.rows == oracle.figures(city)


def test_remembered_windows_are_bounded_and_counted() -> None:
    city = city_of(series(0, 0, "pm2_5"))
    made = evaluator(city, known_windows_max=4)
    published = Published()
    for hour in range(20):
        change(city, made, published, steady(city, [0], AUTUMN_US + hour * HOUR_US, 1, 1000 * hour))
    assert made.forgotten > 0
    assert published.rows == oracle.figures(city)


def test_work_that_was_followed_by_another_is_refused() -> None:
    city = city_of(series(0, 0, "pm2_5"))
    made = evaluator(city)
    slot, start = np.zeros(1, np.int32), np.array([AUTUMN_US])
    old = made.affected(slot, start, latest_us=AUTUMN_US)
    made.affected(slot, start, latest_us=AUTUMN_US)
    with pytest.raises(ValueError, match="followed by another"):
        made.evaluate(old, Reader(city))


def test_too_many_dirty_cells_are_refused_with_advice() -> None:
    city = city_of(series(0, 0, "pm2_5"))
    with pytest.raises(ValueError, match="give them in pieces"):
        evaluator(city).affected(np.zeros(1_000_001, np.int32), np.zeros(1_000_001, np.int64), latest_us=0)


def test_nothing_dirty_is_no_work() -> None:
    city = city_of(series(0, 0, "pm2_5"))
    made = evaluator(city)
    work = made.affected(np.empty(0, np.int32), np.empty(0, np.int64), latest_us=0)
    assert len(work) == 0
    assert list(made.required(work)) == []
    assert len(made.evaluate(work, Reader(city))) == 0


def test_a_share_that_a_late_reading_takes_away_is_withdrawn() -> None:
    city = city_of(series(0, 0, "electricity_import"))
    made, published = evaluator(city), Published()
    change(city, made, published, {(0, AUTUMN_US): (0, [500, 0, 0, 0])})
    assert published.rows["electricity", "hour", 0, AUTUMN_US] == (500, 0, None, 0, 4)
    results = change(city, made, published, {(0, AUTUMN_US): (0, [0, 0, 0, 0])})
    assert not results.known.any()
    assert ("electricity", "hour", 0, AUTUMN_US) not in published.rows


def test_two_series_of_one_measurand_in_one_device_count_together() -> None:
    city = city_of(series(0, 0, "pm10", "pm10"))
    published = Published()
    cells = {(0, AUTUMN_US): (1, [10_000, 0, 0, 0]), (1, AUTUMN_US): (3, [90_000, 0, 0, 0])}
    change(city, evaluator(city), published, cells)
    assert published.rows["pm10_mean", "hour", 3, AUTUMN_US] == (25_000, 0, None, 4, 8)


def test_a_european_index_needs_ozone_but_at_traffic() -> None:
    city = city_of(series(0, 0, "pm10", "no2"), series(1, 0, "pm10", "no2"), series(2, 1, "pm10", "no2", "o3"))
    city.traffic = {1}
    published = Published()
    change(city, evaluator(city), published, steady(city, list(range(6)), AUTUMN_US, 1, 10_000))
    assert ("eaqi", "hour", 3, AUTUMN_US) not in published.rows
    assert published.rows["eaqi", "hour", 4, AUTUMN_US][0] == 1
    # The third station measures ozone but has none this hour.
    assert ("eaqi", "hour", 5, AUTUMN_US) not in published.rows
    # A station that can never have the index is not missed in its coverage.
    assert published.rows["eaqi", "hour", 1, AUTUMN_US] == (1, 1, "pm10", 8, 8)
    assert published.rows["eaqi", "hour", 0, AUTUMN_US] == (1, 1, "pm10", 16, 20)


def test_a_city_without_any_station_of_an_indicator_works() -> None:
    city = city_of(series(0, 0, "battery"))
    made = evaluator(city)
    assert len(made.affected(np.zeros(1, np.int32), np.array([AUTUMN_US]), latest_us=AUTUMN_US)) == 0


def test_an_unknown_input_or_a_wrong_unit_is_refused_at_start() -> None:
    city = city_of(series(0, 0, "pm2_5"))
    first = INDICATORS[0]

    def start(definition: Indicator) -> Evaluator:
        return Evaluator(
            series_table(city), MEASURANDS, zone_count=1, device_count=1, calendar=calendar_of(LONDON, 2015, 2018),
            catalogue=(definition,),
        )  # fmt: skip

    with pytest.raises(PlanError, match="no measurand is called pm3"):
        start(dataclasses.replace(first, inputs=("pm3",)))
    with pytest.raises(PlanError, match=r"is in mg/m3, pm2_5 in ug/m3"):
        start(dataclasses.replace(first, unit="mg/m3"))
    with pytest.raises(PlanError, match="is a counter, expected gauge"):
        start(dataclasses.replace(first, inputs=("water_volume",)))
    flow = INDICATORS[POSITION["night_flow", Grid.DAY]]
    with pytest.raises(PlanError, match="is a level, expected counter"):
        start(dataclasses.replace(flow, inputs=("sound_level",)))
    with pytest.raises(PlanError, match=r"is in m3, water_supplied in m3"):
        start(dataclasses.replace(flow, unit="m3"))


def test_a_load_that_a_late_reading_moves_to_another_day_takes_its_factor_with_it() -> None:
    city = city_of(series(0, 0, "electricity_import"), series(1, 0, "electricity_import"))
    made, published = evaluator(city), Published()
    change(city, made, published, steady(city, [0, 1], AUTUMN_US, 25, 0) | {(0, AUTUMN_US): (4, [100, 0, 0, 0])})
    # The one hour with a load is the highest of 25: a mean of 1/25.
    assert published.rows["load_factor", "day", 3, AUTUMN_US][:2] == (40, 0)
    assert published.rows["load_factor", "day", 1, AUTUMN_US][0] == 40
    assert ("load_factor", "day", 4, AUTUMN_US) not in published.rows
    results = change(city, made, published, {(0, AUTUMN_US): (4, [0, 0, 0, 0])})
    assert ("load_factor", "day", 3, AUTUMN_US) not in published.rows
    assert not results.known[results.indicator == POSITION["load_factor", Grid.DAY]].any()


def test_too_little_of_a_day_is_no_figure_and_none_is_told() -> None:
    city = city_of(series(0, 0, "electricity_import"))
    results = change(city, evaluator(city), Published(), steady(city, [0], AUTUMN_US, 18, 5))
    assert POSITION["load_factor", Grid.DAY] not in results.indicator
