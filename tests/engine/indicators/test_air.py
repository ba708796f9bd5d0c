"""The rules around the tables: NowCast, C24E, bonuses, missing pollutants and hours; and all of it against the twin."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.indicators import Figure, Hours, air
from engine.indicators.concentrations import Ratio, nowcast, predicted
from tests.engine.indicators import oracle_indicators as oracle
from tests.examples import examples


def hours(*values: float | str | Fraction | None) -> Hours:
    """Return hours with exactly these means, oldest first."""
    exact = [None if value is None else Fraction(value) for value in values]
    down = 1
    for value in exact:
        down *= 1 if value is None else value.denominator
    return Hours([0 if v is None else int(v * down) for v in exact], [0 if v is None else 1 for v in exact], 1, down)


def exact(found: Ratio | None) -> Fraction | None:
    return None if found is None else Fraction(*found)


def gas(pollutant: str, unit: str, *values: str | None) -> Hours:
    """Return hours with these concentrations in a table's unit."""
    return hours(*(None if v is None else oracle.from_unit(pollutant, unit, Fraction(v)) for v in values))


class TestNowcast:
    def test_a_constant_series_is_itself(self) -> None:
        assert exact(nowcast(hours(*["17.3"] * 12))) == Fraction("17.3")

    def test_all_zero_is_zero(self) -> None:
        assert exact(nowcast(hours(*[0] * 12))) == 0

    def test_the_weight_is_the_least_over_the_greatest(self) -> None:
        # w = 30 / 40 = 3/4: (40 + 30 * 3/4) / (1 + 3/4) = 62.5 / 1.75 = 250 / 7
        assert exact(nowcast(hours(*[None] * 10, 30, 40))) == Fraction(250, 7)

    def test_the_weight_is_never_below_a_half(self) -> None:
        # least over greatest is 1/10, so w = 1/2: (100 + 10 / 2 + 10 / 4) / (1 + 1/2 + 1/4) = 107.5 / 1.75 = 430 / 7
        assert exact(nowcast(hours(*[None] * 9, 10, 10, 100))) == Fraction(430, 7)

    def test_exactly_a_half_is_a_half(self) -> None:
        # (20 + 10 / 2) / (1 + 1/2) = 50 / 3
        assert exact(nowcast(hours(*[None] * 10, 10, 20))) == Fraction(50, 3)

    def test_missing_hours_drop_out_and_the_others_keep_their_age(self) -> None:
        # ages 0, 2 and 11 with w = 1/2: (8 + 16 / 4 + 4 / 2048) / (1 + 1/4 + 1/2048)
        values = [4, *[None] * 8, 16, None, 8]
        wanted = (8 + Fraction(16, 4) + Fraction(4, 2048)) / (1 + Fraction(1, 4) + Fraction(1, 2048))
        assert exact(nowcast(hours(*values))) == wanted

    @pytest.mark.parametrize(
        ("newest", "valid"),
        [
            ((1, 1, 1), True), ((None, 1, 1), True), ((1, None, 1), True), ((1, 1, None), True),
            ((None, None, 1), False), ((1, None, None), False), ((None, 1, None), False), ((None, None, None), False),
        ],
    )  # fmt: skip
    def test_two_of_the_newest_three_hours_are_needed(self, newest: tuple[int | None, ...], valid: bool) -> None:
        assert (nowcast(hours(*[1] * 9, *newest)) is not None) is valid

    def test_the_thirteenth_hour_does_not_count(self) -> None:
        assert exact(nowcast(hours(900, *[5] * 12))) == 5

    def test_a_negative_hour_counts_as_zero(self) -> None:
        # w = 0 / 6 -> 1/2: (6 + 0) / 1.5 = 4
        assert exact(nowcast(hours(*[None] * 10, "-3", 6))) == 4

    def test_hours_of_unequal_counts_keep_their_exact_means(self) -> None:
        # means 10/3 and 5: w = 2/3: (5 + 10/3 * 2/3) / (5/3) = (65/9) / (5/3) = 13/3
        found = nowcast(Hours([0] * 10 + [10, 35], [0] * 10 + [3, 7], 1, 1))
        assert exact(found) == Fraction(13, 3)

    def test_a_nowcast_on_a_breakpoint_is_not_pushed_off_it(self) -> None:
        # 35.5 exactly, from twelve hours whose means have awkward counts
        counts = [59, 60, 58, 57, 60, 59, 53, 60, 41, 60, 59, 7]
        series = Hours([35_500 * count for count in counts], counts, 1, 1000)
        found = air.us_aqi_nowcast({"pm2_5": series}, 1)
        assert found == Figure(101, 0)
        almost = Hours([35_500 * count - (i == 11) for i, count in enumerate(counts)], counts, 1, 1000)
        assert air.us_aqi_nowcast({"pm2_5": almost}, 1) == Figure(100, 0)


class TestPredictedAverage:
    def test_low_hours_are_not_adjusted(self) -> None:
        assert exact(predicted(hours(*[29] * 12), "pm2_5")) == 29
        assert exact(predicted(hours(*[69] * 12), "pm10")) == 69

    def test_from_the_limit_on_the_newest_four_count_three_quarters(self) -> None:
        # (30 + 0.75 * 30) / 2
        assert exact(predicted(hours(*[30] * 12), "pm2_5")) == Fraction("26.25")
        assert exact(predicted(hours(*[70] * 12), "pm10")) == Fraction("61.25")

    def test_an_hour_below_nine_tenths_of_the_mean_is_not_adjusted(self) -> None:
        # C12 = (11 * 110 + c) / 12; with c = 90 it is 1300 / 12, and 90 / C12 = 0.83 < 0.9: kept.
        # C4 = (3 * 0.75 * 110 + 90) / 4 = 337.5 / 4
        wanted = (Fraction(1300, 12) + Fraction("337.5") / 4) / 2
        assert exact(predicted(hours(*[110] * 11, 90), "pm10")) == wanted

    def test_exactly_nine_tenths_of_the_mean_is_adjusted(self) -> None:
        # mean 100, newest hour 90: eleven hours of 1110 / 11
        values = [Fraction(1110, 11)] * 11 + [Fraction(90)]
        c4 = (3 * Fraction(3, 4) * Fraction(1110, 11) + Fraction(3, 4) * 90) / 4
        assert exact(predicted(hours(*values), "pm10")) == (100 + c4) / 2

    def test_an_hour_above_seventeen_tenths_of_the_mean_is_not_adjusted(self) -> None:
        # C12 = (11 * 100 + 400) / 12 = 125; 400 / 125 = 3.2 > 1.7: kept; the other three are 100 / 125 = 0.8: kept too
        wanted = (125 + Fraction(700, 4)) / 2
        assert exact(predicted(hours(*[100] * 11, 400), "pm10")) == wanted

    def test_exactly_seventeen_tenths_of_the_mean_is_adjusted(self) -> None:
        # mean 100, newest hour 170: eleven hours of 1030 / 11 = 93.6, adjusted too
        values = [Fraction(1030, 11)] * 11 + [Fraction(170)]
        c4 = Fraction(3, 4) * (3 * Fraction(1030, 11) + 170) / 4
        assert exact(predicted(hours(*values), "pm10")) == (100 + c4) / 2

    def test_nine_of_twelve_and_three_of_four_hours_are_needed(self) -> None:
        assert exact(predicted(hours(*[None] * 3, *[10] * 9), "pm10")) == 10
        assert predicted(hours(*[None] * 4, *[10] * 8), "pm10") is None
        assert exact(predicted(hours(*[10] * 11, None), "pm10")) == 10
        assert predicted(hours(*[10] * 10, None, None), "pm10") is None


class TestCai:
    def station(self, **changed: Hours | None) -> dict[str, Hours]:
        found = {code: hours(*[0] * 12) for code in air.CAI_INPUTS}
        found |= {code: series for code, series in changed.items() if series is not None}
        return {code: series for code, series in found.items() if changed.get(code, series) is not None}

    @pytest.mark.parametrize("missing", ["pm10", "pm2_5", "no2", "o3"])
    def test_a_required_pollutant_missing_gives_no_index(self, missing: str) -> None:
        assert air.cai(self.station(), 1) == Figure(0, 0)
        assert air.cai(self.station(**{missing: None}), 1) is None
        assert air.cai(self.station(**{missing: hours(*[None] * 12)}), 1) is None

    @pytest.mark.parametrize("missing", ["so2", "co"])
    def test_the_other_pollutants_may_be_missing(self, missing: str) -> None:
        assert air.cai(self.station(**{missing: None}), 1) == Figure(0, 0)

    def test_one_unhealthy_pollutant_adds_nothing(self) -> None:
        # O3 0.120 ppm: 149 / 0.059 * 0.029 + 101 = 174.2
        assert air.cai(self.station(o3=gas("o3", "ppm", "0.120")), 1) == Figure(174, 3)

    def test_two_unhealthy_pollutants_add_fifty_to_the_higher(self) -> None:
        # NO2 0.061 ppm is 101
        found = air.cai(self.station(o3=gas("o3", "ppm", "0.120"), no2=gas("no2", "ppm", "0.061")), 1)
        assert found == Figure(174 + 50, 3)

    def test_three_unhealthy_pollutants_add_seventy_five(self) -> None:
        changed = {
            "o3": gas("o3", "ppm", "0.120"),
            "no2": gas("no2", "ppm", "0.061"),
            "so2": gas("so2", "ppm", "0.051"),
        }
        assert air.cai(self.station(**changed), 1) == Figure(174 + 75, 3)
        changed["co"] = gas("co", "ppm", "9.01")
        assert air.cai(self.station(**changed), 1) == Figure(174 + 75, 3)

    def test_a_hundred_is_not_yet_unhealthy(self) -> None:
        found = air.cai(self.station(o3=gas("o3", "ppm", "0.120"), no2=gas("no2", "ppm", "0.060")), 1)
        assert found == Figure(174, 3)


class TestUsAqi:
    def test_the_example_of_the_standard(self) -> None:
        # O3 8 h 0.07853333 ppm -> 126, PM2.5 35.9 -> 102, CO 8.4 ppm -> 90: the AQI is 126, ozone decides.
        day = {
            "o3": gas("o3", "ppm", *["0.07853333"] * 31),
            "pm2_5": hours(*["35.9"] * 31),
            "co": gas("co", "ppm", *["8.4"] * 31),
        }
        assert air.us_aqi_day(day, 24) == Figure(126, 2)
        assert air.us_aqi_nowcast(day, 1) == Figure(126, 2)

    def test_a_high_hour_of_ozone_counts_where_it_gives_more(self) -> None:
        # One hour of 0.165 ppm is 151; the 8-hour mean with seven hours of 0.030 is 0.046 -> 43.
        day = gas("o3", "ppm", *["0.030"] * 15, "0.165", *["0.030"] * 15)
        assert air.us_aqi_day({"o3": day}, 24) == Figure(151, 2)
        hour = gas("o3", "ppm", *["0.030"] * 11, "0.165")
        assert air.us_aqi_nowcast({"o3": hour}, 1) == Figure(151, 2)

    def test_a_high_hour_of_ozone_counts_beside_eight_hours_never_in_their_place(self) -> None:
        # Else a later reading of the same hour, bringing it below 0.125 ppm, would take a published index away.
        five = gas("o3", "ppm", *[None] * 7, *["0.165"] * 5)
        assert air.us_aqi_nowcast({"o3": five}, 1) is None
        six = gas("o3", "ppm", *[None] * 6, *["0.030"] * 5, "0.165")
        assert air.us_aqi_nowcast({"o3": six}, 1) == Figure(151, 2)
        # 18 hours of the day, but no more than 13 running means of 24.
        late = gas("o3", "ppm", *[None] * 13, *["0.165"] * 18)
        assert air.us_aqi_day({"o3": late}, 24) is None

    def test_ozone_above_the_eight_hour_table_is_read_from_the_one_hour_table(self) -> None:
        assert air.us_aqi_day({"o3": gas("o3", "ppm", *["0.405"] * 31)}, 24) == Figure(301, 2)

    def test_the_day_takes_the_highest_eight_hours_that_end_in_it(self) -> None:
        # Eight hours of 0.071 ppm, seven of them before midnight: one running mean of the day is 0.071 -> 101.
        day = gas("o3", "ppm", *["0.071"] * 8, *["0.000"] * 23)
        assert air.us_aqi_day({"o3": day}, 24) == Figure(101, 2)
        # One hour earlier that mean ends before the day: 7 of 8 hours, 0.062 (cut) -> 49 / 15 * 7 + 51 = 73.9
        earlier = gas("o3", "ppm", *["0.071"] * 7, *["0.000"] * 24)
        assert air.us_aqi_day({"o3": earlier}, 24) == Figure(74, 2)

    def test_six_of_eight_hours_make_a_running_mean(self) -> None:
        assert air.us_aqi_nowcast({"co": gas("co", "ppm", *[None] * 6, *["4.5"] * 6)}, 1) == Figure(51, 5)
        assert air.us_aqi_nowcast({"co": gas("co", "ppm", *[None] * 7, *["4.5"] * 5)}, 1) is None

    @pytest.mark.parametrize(("own", "needed"), [(23, 18), (24, 18), (25, 19)])
    def test_a_day_needs_three_quarters_of_its_hours(self, own: int, needed: int) -> None:
        def day(present: int) -> dict[str, Hours]:
            return {"pm10": hours(*[None] * 7, *[54] * present, *[None] * (own - present))}

        assert air.us_aqi_day(day(needed), own) == Figure(50, 1)
        assert air.us_aqi_day(day(needed - 1), own) is None

    def test_sulphur_dioxide_above_the_hourly_table_needs_its_daily_mean(self) -> None:
        # Highest hour 400 ppb, daily mean below 305: 200.
        calm = gas("so2", "ppb", *["10"] * 30, "400")
        assert air.us_aqi_day({"so2": calm}, 24) == Figure(200, 4)
        # Daily mean 305: 201.
        assert air.us_aqi_day({"so2": gas("so2", "ppb", *["305"] * 31)}, 24) == Figure(201, 4)
        # Every hour 304.9: cut to 304, 200.
        assert air.us_aqi_day({"so2": gas("so2", "ppb", *["304.9"] * 31)}, 24) == Figure(200, 4)

    def test_the_hourly_index_of_sulphur_dioxide_ends_at_two_hundred(self) -> None:
        assert air.us_aqi_nowcast({"so2": gas("so2", "ppb", *["900"] * 12)}, 1) == Figure(200, 4)

    def test_nothing_measured_is_no_index(self) -> None:
        assert air.us_aqi_nowcast({"pm2_5": hours(*[None] * 12)}, 1) is None
        assert air.us_aqi_day({"no2": hours(*[None] * 31)}, 24) is None

    def test_the_first_pollutant_wins_a_tie(self) -> None:
        assert air.us_aqi_nowcast({"pm2_5": hours(*[9] * 12), "pm10": hours(*[54] * 12)}, 1) == Figure(50, 0)


def test_milligrams_and_micrograms_give_one_index() -> None:
    micro = gas("co", "ppm", *["4.5"] * 12)
    milli = Hours(micro.sums, micro.counts, 1000, micro.down * 1000)
    assert air.us_aqi_nowcast({"co": micro}, 1) == air.us_aqi_nowcast({"co": milli}, 1) == Figure(51, 5)


MEANS = st.one_of(
    st.none(),
    st.integers(-5_000, 700_000),
    st.sampled_from([0, 5_000, 9_000, 9_100, 15_000, 30_000, 35_400, 35_500, 54_000, 70_000, 150_000, 600_000]),
)


@st.composite
def stations(draw: st.DrawFn, length: int) -> dict[str, Hours]:
    """Return a station with odd pollutants, hours and counts; CO in mg/m3 sometimes."""
    found = {}
    for code in draw(st.lists(st.sampled_from(oracle.AIR), min_size=1, max_size=6, unique=True)):
        means = draw(st.lists(MEANS, min_size=length, max_size=length))
        counts = draw(st.lists(st.sampled_from([1, 4, 59, 60]), min_size=length, max_size=length))
        up = draw(st.sampled_from([1, 30])) if code != "co" else draw(st.sampled_from([1, 100]))
        offset = draw(st.sampled_from([0, 0, 1]))
        found[code] = Hours(
            [0 if mean is None else mean * count + offset for mean, count in zip(means, counts, strict=True)],
            [0 if mean is None else count for mean, count in zip(means, counts, strict=True)],
            up, 1000,
        )  # fmt: skip
    return found


def fractions_of(station: dict[str, Hours]) -> dict[str, list[Fraction | None]]:
    return {
        code: [
            Fraction(total * series.up, count * series.down) if count else None
            for total, count in zip(series.sums, series.counts, strict=True)
        ]
        for code, series in station.items()
    }


def same(found: Figure | None, wanted: oracle.Result | None, inputs: tuple[str, ...]) -> bool:
    if found is None or wanted is None:
        return found is None and wanted is None
    return (found.ticks, inputs[found.driver]) == wanted


@settings(max_examples=examples(150), deadline=None)
@given(st.data())
def test_every_index_equals_its_slow_twin(data: st.DataObject) -> None:
    station = data.draw(stations(12))
    values = fractions_of(station)
    assert same(air.cai(station, 1), oracle.cai(values), air.CAI_INPUTS)
    assert same(air.us_aqi_nowcast(station, 1), oracle.us_aqi_nowcast(values), air.AQI_INPUTS)
    bands = oracle.eaqi(values, False)
    if bands is not None:
        assert same(air.eaqi(station, 1), bands, air.EAQI_INPUTS)


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_the_daily_index_equals_its_slow_twin(data: st.DataObject) -> None:
    own = data.draw(st.sampled_from([23, 24, 25]))
    station = data.draw(stations(own + 7))
    assert same(air.us_aqi_day(station, own), oracle.us_aqi_day(fractions_of(station), own), air.AQI_INPUTS)
