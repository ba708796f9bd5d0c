"""Noise by parts of the day, night flow, load factor, worked by hand: weights, changes of the clock, missing hours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from engine.cells import Grid
from engine.indicators import INDICATORS, Column, by_code
from engine.indicators.definition import Profile
from tests.engine.indicators.cities import CODES, MEASURANDS

POSITION = by_code(INDICATORS)
EVENING_BEFORE = (22, 23)
DAY = tuple(range(24))
AUTUMN = (0, 1, 1, *range(2, 24))
SPRING = (0, *range(2, 24))
LEVELS = ("lden", "lnight")


def figure(
    code: str, hours: Sequence[float | None], own: Sequence[int] = DAY, minutes: Sequence[int] | None = None
) -> Column:
    """Return the figure of one station: decibels or counts of a meter per hour, None where nothing was heard.

    Levels begin two hours before the day, meters with it.
    """
    clock = (*EVENING_BEFORE, *own) if code in LEVELS else tuple(own)
    assert len(hours) == len(clock)
    sums = [0 if h is None else 4 * round(8 * 10 ** (h / 10)) if code in LEVELS else h for h in hours]
    indicator = INDICATORS[POSITION[code, Grid.DAY]]
    profile = Profile(
        np.array([[0 if h is None else 4 for h in hours]], np.int64), np.array([sums], np.int64),
        np.array(clock, np.int64), np.array(minutes or [60] * len(clock), np.int64), len(own),
        MEASURANDS[CODES.index(indicator.inputs[0])],
    )  # fmt: skip
    assert indicator.profile is not None
    return indicator.profile(profile, indicator)


def value(code: str, hours: Sequence[float | None], own: Sequence[int] = DAY) -> int | None:
    found = figure(code, hours, own)
    return int(found.ticks[0]) if found.known[0] else None


def at(length: int, level: float, **others: float | None) -> list[float | None]:
    """Return so many hours of one level, but for those named by position, `h9`."""
    hours: list[float | None] = [level] * length
    for name, other in others.items():
        hours[int(name[1:])] = other
    return hours


class TestNoise:
    def test_evening_and_night_are_made_worse_by_five_and_ten_decibels(self) -> None:
        # 60 dB all day: (12 + 4 * 10^0.5 + 8 * 10) / 24 = 4.36 times the energy, 6.4 dB more.
        assert value("lden", at(26, 60)) == 664
        assert value("lnight", at(26, 60)) == 600

    def test_each_part_of_the_day_has_its_own_level(self) -> None:
        night, day, evening = [50.0] * 8, [60.0] * 12, [55.0] * 4
        # (12 * 10^6 + 4 * 10^6 + 8 * 10^6) / 24: with their weights all three are 60 dB.
        assert value("lden", [70.0, *night, *day, *evening, 99.0]) == 600
        assert value("lnight", [70.0, *night, *day, *evening, 99.0]) == 500

    def test_the_night_is_the_one_that_ends_in_the_day(self) -> None:
        loud = 10 * np.log10((7 * 1e5 + 1e9) / 8)
        assert value("lnight", at(26, 50, h1=90)) == round(loud * 10)
        assert value("lnight", at(26, 50, h0=90)) == 500  # 22 to 23 is evening, of the day before
        assert value("lnight", at(26, 50, h25=90)) == 500  # 23 to 24 belongs to the next day

    def test_a_change_of_the_clock_makes_the_night_longer_or_shorter(self) -> None:
        # 9 hours of night: (12 + 12.649 + 90) / 25 is 6.61 dB; 7 hours: (12 + 12.649 + 70) / 23 is 6.14 dB.
        assert value("lden", at(27, 60), AUTUMN) == 666
        assert value("lden", at(25, 60), SPRING) == 661
        # A loud hour that comes twice counts twice: (2 * 10^9 + 7 * 10^5) / 9.
        assert value("lnight", at(27, 50, h3=90, h4=90), AUTUMN) == round(100 * np.log10((2e9 + 7e5) / 9))

    def test_an_hour_in_which_the_clock_changes_counts_by_its_minutes(self) -> None:
        # Lord Howe in autumn: 1:30 to 2:00 comes twice, as a window of half an hour.
        own = (0, 1, 1, *range(2, 24))
        hours = at(27, 50, h4=90)
        found = figure("lnight", hours, own, [60] * 4 + [30] + [60] * 22)
        assert found.ticks[0] == round(100 * np.log10((0.5e9 + 8e5) / 8.5))

    @pytest.mark.parametrize(
        ("part", "hours", "needed"),
        [("night", range(1, 9), 6), ("day", range(9, 21), 9), ("evening", range(21, 25), 3)],
    )
    def test_each_part_needs_three_quarters_of_its_hours(self, part: str, hours: range, needed: int) -> None:
        enough = at(26, 60, **{f"h{hour}": None for hour in list(hours)[needed:]})
        short = at(26, 60, **{f"h{hour}": None for hour in list(hours)[needed - 1 :]})
        assert value("lden", enough) == 664
        assert value("lden", short) is None
        assert value("lnight", short) == (None if part == "night" else 600)

    def test_missing_hours_are_as_loud_as_the_others_of_their_part(self) -> None:
        assert value("lden", at(26, 60, h9=None, h10=None, h21=None, h1=None)) == 664

    def test_hours_of_unequal_counts_weigh_the_same(self) -> None:
        indicator = INDICATORS[POSITION["lnight", Grid.DAY]]
        count, energy = [1] * 4 + [60] * 4, [8 * 10**5] * 4 + [60 * 8 * 10**6] * 4
        profile = Profile(
            np.array([count]), np.array([energy]), np.array([23, *range(7)]), np.full(8, 60), 7,
            MEASURANDS[CODES.index("sound_level")],
        )  # fmt: skip
        assert indicator.profile is not None
        assert indicator.profile(profile, indicator).ticks[0] == round(100 * np.log10((1e5 + 1e6) / 2))


class TestNightFlow:
    def test_it_is_the_mean_and_the_least_of_two_hours(self) -> None:
        hours = at(24, 9000, h2=1200, h3=800)
        assert value("night_flow", hours) == 1000
        assert value("night_flow_lowest", hours) == 800
        assert value("night_use", at(24, 9000, h2=5, h3=4)) == 4  # 4.5 to the even one

    def test_the_hours_are_those_of_the_clock(self) -> None:
        # In spring Berlin has no hour from 2; in autumn, had it none but those of its clock, it comes twice.
        spring = [1, *range(3, 24)]
        assert value("night_flow", at(22, 9000, h1=700), spring) == 700
        autumn = (0, 1, 2, 2, *range(3, 24))
        assert value("night_flow", at(25, 9000, h2=100, h3=200, h4=600), autumn) == 300
        assert value("night_flow_lowest", at(25, 9000, h2=100, h3=200, h4=600), autumn) == 100

    def test_half_an_hour_is_a_flow_by_its_minutes(self) -> None:
        own = (0, 1, 2, *range(3, 24))
        minutes = [60, 60, 30, *[60] * 21]
        found = figure("night_flow", at(24, 9000, h2=100, h3=500), own, minutes)
        assert found.ticks[0] == 400  # 600 in 90 minutes
        assert figure("night_flow_lowest", at(24, 9000, h2=100, h3=500), own, minutes).ticks[0] == 200

    @pytest.mark.parametrize("missing", ["h2", "h3"])
    def test_both_hours_are_needed(self, missing: str) -> None:
        for code in ("night_flow", "night_flow_lowest", "night_use"):
            assert value(code, at(24, 9000, **{missing: None})) is None

    def test_backflow_is_a_flow(self) -> None:
        assert value("night_flow", at(24, 0, h2=-2)) == -1
        assert value("night_flow_lowest", at(24, 0, h2=-2)) == -2


class TestLoadFactor:
    def test_it_is_the_mean_over_the_highest_hour(self) -> None:
        # 23 hours of 1 kWh and one of 2: 25/24 of 2 kWh is 52.08 %.
        assert value("load_factor", at(24, 1000, h18=2000)) == 521
        assert value("load_factor", at(24, 1000)) == 1000

    def test_the_days_own_hours_count(self) -> None:
        assert value("load_factor", at(25, 1000, h18=2000), AUTUMN) == 520  # 26/25 of 2
        assert value("load_factor", at(23, 1000, h18=2000), SPRING) == 522  # 24/23 of 2

    def test_three_quarters_of_the_hours_are_needed(self) -> None:
        missing: dict[str, float | None] = {f"h{hour}": None for hour in range(6)}
        assert value("load_factor", at(24, 1000, **missing)) == 1000
        found = figure("load_factor", at(24, 1000, h6=None, **missing))
        assert not found.known[0]
        assert found.told is not None
        assert not found.told[0]

    def test_without_a_load_there_is_none_and_that_is_told(self) -> None:
        found = figure("load_factor", at(24, 0))
        assert not found.known[0]
        assert found.told is not None
        assert found.told[0]
