"""The truth's air quality indices at values worked out by hand from the published tables and examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest

from simulators.truth.breakpoints import NO_INDEX, american, european, korean
from simulators.truth.indices import LOOK_BACK, Hours, cai, eaqi, nowcast, predicted, us_aqi, us_aqi_nowcast

UG_M3_PER_PPM = {
    # 1000 M / 24.45 at 25 °C: what the tables' ppm are in µg/m³.
    "no2": Fraction(46005, 1000) * 1000 / Fraction("24.45"),
    "so2": Fraction(64058, 1000) * 1000 / Fraction("24.45"),
    "o3": Fraction(47997, 1000) * 1000 / Fraction("24.45"),
    "co": Fraction(28010, 1000) * 1000 / Fraction("24.45"),
}
DECIMALS = 9
"""Finer than any sensor, so that a concentration in ppm is met as closely as a test needs."""
CAI = ("pm10", "pm2_5", "no2", "o3", "so2", "co")
US = ("pm2_5", "pm10", "o3", "no2", "so2", "co")
EUROPE = ("pm2_5", "pm10", "no2", "o3", "so2")

Values = Sequence[str | None]
"""Hourly means, oldest first, in the unit of the tables (ppm for gases), None where there is none."""


def hours(code: str, values: Values) -> Hours:
    """Return one row of hours; gases are rounded up to the next 10^-9 µg/m³, so as not to fall below a limit."""
    factor = UG_M3_PER_PPM.get(code, Fraction(1))
    ticks = [0 if value is None else -int(-Fraction(value) * factor * 10**DECIMALS // 1) for value in values]
    counts = [int(value is not None) for value in values]
    return Hours.of(np.array([ticks], np.int64), np.array([counts], np.int64), DECIMALS)


def station(codes: Sequence[str], length: int, given: Mapping[str, Values]) -> dict[str, Hours]:
    """Return all inputs of one station over so many hours; what is not given was never measured."""
    return {code: hours(code, given.get(code, [None] * length)) for code in codes}


def korea(**given: str) -> list[int]:
    """Return the sub-indices after twelve equal hours."""
    found = cai(station(CAI, 12, {code: [value] * 12 for code, value in given.items()}), 1)
    return [int(one[0]) for one in found]


def us_hour(length: int = 12, **given: Values) -> dict[str, int]:
    found = us_aqi_nowcast(station(US, length, given), 1)
    return {code: int(one[0]) for code, one in zip(US, found, strict=True) if one[0] > NO_INDEX}


def us_day(own: int = 24, **given: Values) -> dict[str, int]:
    found = us_aqi(station(US, own + LOOK_BACK["us_aqi"], given), own)
    return {code: int(one[0]) for code, one in zip(US, found, strict=True) if one[0] > NO_INDEX}


class TestKorea:
    def test_each_pollutant_is_interpolated_in_its_table(self) -> None:
        # PM10 60: 49/49 * (60 - 31) + 51 = 80; PM2.5 20: 49/19 * 4 + 51 = 61.3; NO2 0.02 ppm: 50/0.03 * 0.02 = 33.3;
        # O3 0.06 ppm: 49/0.059 * 0.029 + 51 = 75.1; CO 2 ppm: 50.
        assert korea(pm10="60", pm2_5="20", no2="0.020", o3="0.060", co="2.00") == [80, 61, 33, 75, NO_INDEX, 50]

    def test_two_bad_pollutants_add_fifty_and_three_seventy_five(self) -> None:
        # O3 0.12 ppm: 149/0.059 * 0.029 + 101 = 174.2; NO2 0.061 and SO2 0.051 begin at 101.
        calm = {"pm10": "60", "pm2_5": "20", "no2": "0.020"}
        assert max(korea(**calm, o3="0.120")) == 174
        assert max(korea(**calm | {"no2": "0.061"}, o3="0.120")) == 224
        assert max(korea(**calm | {"no2": "0.061"}, o3="0.120", so2="0.051")) == 249

    @pytest.mark.parametrize("missing", ["pm10", "pm2_5", "no2", "o3"])
    def test_without_one_of_four_there_is_none(self, missing: str) -> None:
        given = {"pm10": "60", "pm2_5": "20", "no2": "0.020", "o3": "0.060", "so2": "0.001", "co": "1.00"}
        del given[missing]
        assert set(korea(**given)) == {NO_INDEX}

    def test_c24e_takes_three_quarters_of_what_is_high_and_near_the_mean(self) -> None:
        # Twelve hours of 80: C12 is 80, C4 is 60, C24E 70. Twelve of 69.9, below 70, stay.
        steady = predicted(hours("pm10", ["80"] * 12), 70)
        assert Fraction(steady.above[0], steady.below[0]) == 70
        low = predicted(hours("pm10", ["69.9"] * 12), 70)
        assert Fraction(low.above[0], low.below[0]) == Fraction("69.9")
        # 100 after eleven hours of 10: C12 17.5, 100 is above 1.7 of it and stays: C4 32.5, C24E 25.
        jump = predicted(hours("pm10", ["10"] * 11 + ["100"]), 70)
        assert Fraction(jump.above[0], jump.below[0]) == 25

    @pytest.mark.parametrize(
        ("others", "newest", "c24e"),
        [
            # 187 is 1.7 of its C12 of 110 and not above it: three quarters, as the others: (110 + 93) / 2.
            ("103", "187", "101.5"),
            # 154 is 1.75 of 88 and stays, 82 is adjusted to 61.5: (88 + 84.625) / 2.
            ("82", "154", "86.3125"),
            # 99 is 0.9 of 110 and not below it: (110 + 81) / 2.
            ("111", "99", "95.5"),
        ],
    )
    def test_c24e_adjusts_what_lies_on_its_limits(self, others: str, newest: str, c24e: str) -> None:
        found = predicted(hours("pm10", [others] * 11 + [newest]), 70)
        assert Fraction(found.above[0], found.below[0]) == Fraction(c24e)

    def test_c24e_needs_nine_of_twelve_and_three_of_four(self) -> None:
        assert predicted(hours("pm10", [None] * 3 + ["80"] * 9), 70).known[0]
        assert not predicted(hours("pm10", [None] * 4 + ["80"] * 8), 70).known[0]
        assert predicted(hours("pm10", ["80"] * 11 + [None]), 70).known[0]
        assert not predicted(hours("pm10", ["80"] * 10 + [None] * 2), 70).known[0]


class TestUnitedStates:
    def test_the_example_of_the_standard(self) -> None:
        # O3 8 h 0.07853333 ppm -> 126, PM2.5 35.9 -> 102, CO 8.4 ppm -> 90.
        given = {"o3": ["0.07853333"] * 31, "pm2_5": ["35.9"] * 31, "co": ["8.4"] * 31}
        assert us_day(**given) == {"o3": 126, "pm2_5": 102, "co": 90}
        assert us_hour(**{code: values[:12] for code, values in given.items()}) == {"o3": 126, "pm2_5": 102, "co": 90}

    def test_nowcast_weighs_by_age(self) -> None:
        # The standard's example: least over greatest 10/90, so w = 1/2; 263133.75 / 4095 = 64.257 -> cut 64.2 -> 157.
        values = ["13", "16", "10", "21", "74", "64", "53", "82", "90", "75", "80", "50"]
        found = nowcast(hours("pm2_5", values))
        weights = [Fraction(1, 2) ** age for age in range(12)]
        by_hand = sum(w * int(v) for w, v in zip(weights, reversed(values), strict=True)) / sum(weights)
        assert Fraction(found.above[0], found.below[0]) == by_hand
        assert round(float(by_hand), 3) == 64.257
        assert us_hour(pm2_5=values) == {"pm2_5": 157}

    def test_nowcast_keeps_the_age_of_hours_and_takes_a_calm_weight(self) -> None:
        # 8 two hours ago, 10 now: w = 4/5; (10 + 16/25 * 8) / (1 + 16/25).
        found = nowcast(hours("pm10", [None] * 9 + ["8", None, "10"]))
        assert Fraction(found.above[0], found.below[0]) == Fraction(378, 41)
        assert not nowcast(hours("pm10", ["8"] * 9 + ["8", None, None])).known[0]
        zero = nowcast(hours("pm10", ["-3"] * 12))  # below zero is zero
        assert (zero.known[0], zero.above[0]) == (True, 0)

    def test_concentrations_are_cut_off(self) -> None:
        assert us_hour(pm2_5=["9.09"] * 12)["pm2_5"] == 50
        assert us_hour(pm2_5=["9.1"] * 12)["pm2_5"] == 51
        assert us_hour(no2=["0.0539"] * 12)["no2"] == 50

    def test_an_hour_of_ozone_counts_beside_eight_never_alone(self) -> None:
        assert us_hour(o3=["0.030"] * 11 + ["0.165"]) == {"o3": 151}
        assert us_hour(o3=[None] * 7 + ["0.165"] * 5) == {}
        assert us_day(o3=["0.030"] * 15 + ["0.165"] + ["0.030"] * 15) == {"o3": 151}
        assert us_day(o3=[None] * 13 + ["0.165"] * 18) == {}  # 18 hours, 13 running means

    def test_a_running_mean_belongs_to_the_day_in_which_it_ends(self) -> None:
        assert us_day(co=["9.5"] * 8 + ["0"] * 23) == {"co": 101}
        assert us_day(co=["9.5"] * 7 + ["0"] * 24) == {"co": 89}  # 7/8 of 9.5 is 8.3: 49/4.9 * 3.8 + 51

    @pytest.mark.parametrize(("own", "needed"), [(23, 18), (24, 18), (25, 19)])
    def test_three_quarters_of_a_day_are_enough(self, own: int, needed: int) -> None:
        for present, expected in ((needed, {"pm10": 50}), (needed - 1, {})):
            values = [*[None] * 7, *["54"] * present, *[None] * (own - present)]
            assert us_day(own, pm10=values) == expected

    def test_sulphur_dioxide_above_its_hours_is_judged_by_the_day(self) -> None:
        assert us_day(so2=["0.010"] * 30 + ["0.400"]) == {"so2": 200}
        assert us_day(so2=["0.400"] * 31) == {"so2": 232}  # 99/299 * (400 - 305) + 201
        assert us_hour(so2=["0.400"] * 12) == {"so2": 200}

    def test_above_a_table_stays_its_last_value(self) -> None:
        assert us_hour(pm2_5=["900"] * 12, o3=["0.300"] * 12) == {"pm2_5": 500, "o3": 300}
        assert us_hour(o3=["0.700"] * 12) == {"o3": 500}


class TestEurope:
    @pytest.mark.parametrize(("no2", "band"), [("10", 1), ("10.000000001", 2), ("150", 5), ("151", 6), ("-5", 1)])
    def test_an_upper_limit_belongs_to_its_band(self, no2: str, band: int) -> None:
        values = np.array([[round(Fraction(no2) * 10**DECIMALS)]], np.int64)
        given = station(EUROPE, 1, {}) | {"no2": Hours.of(values, np.array([[1]], np.int64), DECIMALS)}
        assert [int(one[0]) for one in eaqi(given, 1)] == [NO_INDEX, NO_INDEX, band, NO_INDEX, NO_INDEX]


class TestTables:
    def test_limits_are_whole_numbers_of_their_precision(self) -> None:
        assert american("pm2_5", "24h").c_high.tolist() == [90, 354, 554, 1254, 2254, 3254]
        assert korean("co").c_low.tolist() == [0, 201, 901, 1501]
        assert european("o3") == (60, 100, 120, 160, 180)

    def test_segments_join_in_one_step(self) -> None:
        tables = [korean(code) for code in CAI]
        tables += [american(code, "24h") for code in ("pm2_5", "pm10", "so2")]
        tables += [american(*one) for one in (("o3", "8h"), ("o3", "1h"), ("co", "8h"), ("no2", "1h"), ("so2", "1h"))]
        for table in tables:
            assert (table.c_low[1:] == table.c_high[:-1] + 1).all()
            assert (table.i_low[1:] == table.i_high[:-1] + 1).all()
