"""Rules of quality: what a table of `city.toml` says, and every fault of it at once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from devices import ConfigError, Drift, QualityRule, Rate, Rule, Spike, Stuck, load_measurands, load_registry, ticks_of
from tests.devices.cities import CITY, write_city

MINUTE_US = 60_000_000
RULES = """
[[quality]]
rule = "stuck"
measurands = ["pm2_5", "no2"]
models = ["air_station"]
hours = 6
readings = 12
tolerance = "0.1"
floor = "0"
exclude = true

[[quality]]
rule = "spike"
measurands = ["pm2_5"]
above = "50.5"

[[quality]]
rule = "rate"
measurands = ["sound_level"]
above = 30
per = "minute"
minutes = 5

[[quality]]
rule = "drift"
measurands = ["pm2_5"]
above = "10"
days = 3
neighbours = 4
scope = "city"
exclude = true
"""


def rules(folder: Path, text: str = RULES) -> tuple[QualityRule, ...]:
    return load_registry(write_city(folder, CITY + text)).city.quality


def test_a_city_without_rules_has_none(tmp_path: Path) -> None:
    assert rules(tmp_path, "") == ()


def test_every_rule_is_read_with_its_limits_and_what_is_left_out(tmp_path: Path) -> None:
    stuck, spike, rate, drift = rules(tmp_path)
    assert (stuck.rule, stuck.measurands, stuck.models) == (Rule.STUCK, ("pm2_5", "no2"), ("air_station",))
    assert stuck.check == Stuck(Fraction(1, 10), 360 * MINUTE_US, 12, Fraction(0))
    assert spike.check == Spike(Fraction("50.5"), 0)
    assert rate.check == Rate(Fraction(30), MINUTE_US, 5 * MINUTE_US)
    assert drift.check == Drift(Fraction(10), 3, 4, True)
    assert [rule.exclude for rule in (stuck, spike, rate, drift)] == [True, False, False, True]


def test_a_rule_holds_for_its_measurands_and_models(tmp_path: Path) -> None:
    stuck, spike, *_ = rules(tmp_path)
    assert stuck.holds("no2", "air_station")
    assert not stuck.holds("no2", "air_station_ppb")
    assert not stuck.holds("o3", "air_station")
    assert spike.holds("pm2_5", "anything")


def test_a_limit_is_a_count_of_the_measurands_resolution() -> None:
    assert ticks_of(Fraction("50.5"), load_measurands().by_code["pm2_5"]) == 50_500


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('rule = "stuck"', 'rule = "stock"', "quality[1].rule: expected one of stuck, spike, rate, drift, got 'stock'"),
        ('"pm2_5", "no2"', '"pm25", "no2"', "quality[1].measurands: unknown measurand 'pm25'; did you mean 'pm2_5'?"),
        ('"pm2_5", "no2"', '"water_volume"', "water_volume is of kind counter; rules judge gauges and levels only"),
        ('measurands = ["pm2_5", "no2"]\n', "", "quality[1].measurands: is missing; expected a list of measurands"),
        ('"pm2_5", "no2"', '"no2", "no2"', "expected at least one measurand, none of them twice"),
        ('["air_station"]', '["air_staton"]', "quality[1].models: unknown model 'air_staton'; did you mean"),
        ("hours = 6\n", "", "quality[1].hours: is missing; expected a whole number from 1 to 744"),
        ("readings = 12", "readings = 2", "quality[1].readings: expected a whole number from 3"),
        ('"0.1"', '"0.0001"', "quality[1].tolerance: expected a multiple of pm2_5's resolution, 10^-3"),
        ('"0.1"', '"-0.1"', "quality[1].tolerance: expected a number from 0"),
        ('above = "50.5"\n', "", "quality[2].above: is missing; expected a number"),
        ('"50.5"', '"0"', "quality[2].above: expected a number above 0"),
        ('"50.5"', '"1000000"', "quality[2].above: expected at most the width of pm2_5's plausible range"),
        ('per = "minute"', 'per = "second"', "quality[3].per: expected one of minute, hour, got 'second'"),
        ("minutes = 5", "minutes = 0", "quality[3].minutes: expected a whole number from 1 to 1440"),
        ("neighbours = 4", "neighbours = 2", "quality[4].neighbours: expected a whole number from 3"),
        ('scope = "city"', 'scope = "town"', "quality[4].scope: expected one of zone, city, got 'town'"),
        ("exclude = true\n\n", "excluded = true\n\n", "quality[1].excluded: unknown key; did you mean 'exclude'?"),
        ('rule = "rate"', 'rule = "spike"', "quality[3].per: unknown key"),
    ],
)
def test_a_fault_is_told_with_file_and_key(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert RULES.count(old) >= 1
    with pytest.raises(ConfigError) as caught:
        rules(tmp_path, RULES.replace(old, new, 1))
    assert any(fault in str(problem) and "city.toml" in problem.file for problem in caught.value.problems)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = RULES.replace("hours = 6", "hours = 0").replace('"50.5"', '"-1"').replace("days = 3", "days = 0")
    with pytest.raises(ConfigError) as caught:
        rules(tmp_path, text)
    assert [problem.where for problem in caught.value.problems] == [
        "quality[1].hours", "quality[2].above", "quality[4].days",
    ]  # fmt: skip


def test_two_rules_of_one_kind_for_one_series_are_refused(tmp_path: Path) -> None:
    again = '\n[[quality]]\nrule = "spike"\nmeasurands = ["no2", "pm2_5"]\nmodels = ["air_station"]\nabove = 5\n'
    with pytest.raises(ConfigError, match=r"quality\[2\] is a rule spike for pm2_5 already"):
        rules(tmp_path, RULES + again)
    apart = '\n[[quality]]\nrule = "stuck"\nmeasurands = ["pm2_5"]\nmodels = ["air_station_ppb"]\nhours = 5\n'
    assert len(rules(tmp_path, RULES + apart)) == 5
