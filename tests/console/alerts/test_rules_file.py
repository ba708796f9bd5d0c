"""Rules as data: what a city has without a file, what a file adds and changes, and how a wrong one is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from console.alerts import AlertRule, AlertRules, AlertRulesError, Kind, Places, load_rules, metrics
from console.alerts.rules import DEFINITIONS, Drift, Forecast, Limit, Silent, Threshold
from console.drift import KINDS
from devices import Registry
from engine.kpi import shipped
from tests.engine.store.town import town

MINUTE_US = 60_000_000
EVERY_KIND = """\
shipped = false

[[alert]]
code = "pm2_5_high"
kind = "threshold"
severity = "warning"
indicator = "pm2_5_mean"
above = 35
clear = 30
minutes = 120
zones = ["north"]

[[alert]]
code = "noise_low"
kind = "threshold"
severity = "info"
indicator = "lnight"
window = "day"
below = "40.5"
scope = "station"

[[alert]]
code = "pm2_5_jump"
kind = "rate"
severity = "warning"
indicator = "pm2_5_mean"
rise = 20
windows = 2

[[alert]]
code = "soon"
kind = "forecast"
severity = "info"
indicator = "us_aqi_nowcast"
band = "Unhealthy"
within_minutes = 90
covered_by = ["pm2_5_high"]

[[alert]]
code = "none"
kind = "missing"
severity = "warning"
indicator = "water"
window = "day"
minutes = 2880
scope = "city"

[[alert]]
code = "thin"
kind = "coverage"
severity = "info"
indicator = "pm2_5_mean"
below = 75
clear = 90

[[alert]]
code = "kpi"
kind = "kpi_band"
severity = "warning"
data_point = "EN: E: E: 2C"
band = 1

[[alert]]
code = "meters"
kind = "silent_device"
severity = "info"
models = ["water_meter"]
minutes = 60

[[alert]]
code = "gateway"
kind = "silent_gateway"
severity = "warning"
gateways = ["direct"]

[[alert]]
code = "deaf"
kind = "not_listening"
severity = "critical"
minutes = 5
escalate_minutes = 10

[[alert]]
code = "changed"
kind = "drift"
severity = "warning"
findings = ["vanished", "bad_unit"]
models = ["water_meter"]
scope = "zone"
zones = ["north"]
"""
DOCUMENT = Path(__file__).parents[3] / "docs" / "alerts.md"


def load(folder: Path, text: str, registry: Registry | None = None) -> dict[str, AlertRule]:
    (folder / "alerts.toml").write_text(text)
    return {one.code: one for one in load_rules(folder, registry or town(), shipped())}


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(AlertRulesError) as refused:
        load(folder, text)
    return [str(fault).removeprefix(f"{folder}/") for fault in refused.value.faults]


def test_a_city_without_a_file_has_the_shipped_rules_made_from_the_bands_of_its_index(tmp_path: Path) -> None:
    rules = {one.code: one for one in load_rules(tmp_path, town(), shipped())}
    assert list(rules) == [
        "eaqi_very_bad", "eaqi_bad", "eaqi_soon", "eaqi_missing", "not_listening", "silent_gateway", "silent_device",
        "drift", "drift_unknown",
    ]  # fmt: skip
    bands = DEFINITIONS["eaqi", "hour"].bands
    bad, worse = rules["eaqi_bad"].check, rules["eaqi_very_bad"].check
    assert isinstance(bad, Threshold)
    assert isinstance(worse, Threshold)
    assert (bands[3].name, bad.limit) == ("Poor", Limit(Fraction(3), Fraction(3), above=True))
    assert rules["eaqi_bad"].covered_by == ("eaqi_very_bad",)
    assert (rules["eaqi_very_bad"].escalate_us, rules["eaqi_bad"].scope) == (30 * MINUTE_US, "zone")
    watched = [rules[code].check.findings for code in ("drift", "drift_unknown")]  # type: ignore[union-attr]
    assert sorted(watched[0] + watched[1]) == sorted(KINDS), "each finding is told by one of them"
    assert {rules[code].scope for code in ("drift", "drift_unknown")} == {"model"}
    assert rules["drift_unknown"].title_ko
    AlertRules(rules.values(), Places.of(town()), town().city.zone_info)


@pytest.mark.parametrize(
    ("time_zone", "index", "warns", "clears"),
    [("Asia/Seoul", "cai", 100, 96), ("America/Chicago", "us_aqi_nowcast", 150, 144), ("Europe/Madrid", "eaqi", 3, 3)],
)
def test_the_index_is_that_of_the_place(tmp_path: Path, time_zone: str, index: str, warns: int, clears: int) -> None:
    registry = town()
    there = replace(registry, city=replace(registry.city, time_zone=time_zone))
    rules = {one.code: one for one in load_rules(tmp_path, there, shipped())}
    check = rules[f"{index}_bad"].check
    assert isinstance(check, Threshold)
    assert (check.limit.at, check.limit.clear) == (warns, clears)


def test_a_city_without_zones_is_looked_at_as_a_whole(tmp_path: Path) -> None:
    registry = town()
    bare = replace(registry, city=replace(registry.city, zones=()), devices=())
    assert {one.scope for one in load_rules(tmp_path, bare, shipped())} == {"city", "gateway", "station", "model"}


def test_a_file_adds_rules_of_every_kind(tmp_path: Path) -> None:
    rules = load(tmp_path, EVERY_KIND)
    assert {one.kind for one in rules.values()} == set(Kind)
    assert rules["pm2_5_high"].only == {"zone:north"}
    assert rules["pm2_5_high"].title == "PM2.5 mean: above 35 µg/m³"
    assert [one.title for one in rules.values() if not one.title_ko] == [], "each has a title in Korean"
    soon = rules["soon"].check
    assert isinstance(soon, Forecast)
    assert (soon.limit.at, soon.windows, soon.within_us) == (150, 6, 90 * MINUTE_US)
    assert rules["meters"].check == Silent(60 * MINUTE_US, ("water_meter",))
    assert rules["changed"].check == Drift(("vanished", "bad_unit"), 2880 * MINUTE_US, 1, ("water_meter",))
    assert rules["changed"].only == {"zone:north"}
    assert {code: one.scope for code, one in rules.items()}["noise_low"] == "station"
    assert rules["gateway"].only == {"gateway:direct"}


def test_a_file_changes_a_shipped_rule_where_it_says_why(tmp_path: Path) -> None:
    rules = load(
        tmp_path,
        """
air_index = "us_aqi_nowcast"

[[alert]]
code = "silent_device"
changes = "meters here report when they like"
minutes = 1440
severity = "warning"

[[alert]]
code = "us_aqi_nowcast_bad"
changes = "earlier than the shipped one"
above = 100

[[alert]]
code = "us_aqi_nowcast_soon"
changes = "not wanted"
enabled = false
""",
    )
    assert "us_aqi_nowcast_soon" not in rules
    changed, bad = rules["silent_device"], rules["us_aqi_nowcast_bad"].check
    assert (changed.check, changed.severity, changed.changed) == (
        Silent(1440 * MINUTE_US), "warning", "meters here report when they like",
    )  # fmt: skip
    assert changed.covered_by == ("not_listening", "silent_gateway"), "what it does not say stays"
    assert isinstance(bad, Threshold)
    assert bad.limit == Limit(Fraction(100), Fraction(100), above=True), "another limit clears elsewhere"


def test_the_example_of_the_document_is_a_file_that_works(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    rules = load(tmp_path, example)
    assert {one.kind for one in rules.values()} == set(Kind)
    assert rules["silent_device"].changed
    text = DOCUMENT.read_text()
    assert [kind for kind in Kind if f"| `{kind}` |" not in text] == []
    assert [one.name for one in metrics.DEFINITIONS if f"`{one.name}" not in text] == []


def test_every_fault_is_told_at_once_with_file_line_and_the_nearest_name(tmp_path: Path) -> None:
    text = """\
air_indx = "cai"

[[alert]]
code = "one"
kind = "treshold"
severity = "warning"

[[alert]]
code = "two"
kind = "threshold"
severity = "alarming"
indicator = "pm25_mean"
above = 35
clear = 40
zones = ["noth"]
minuts = 5

[[alert]]
code = "two"
kind = "rate"

[[alert]]
code = "three"
kind = "rate"
severity = "info"
indicator = "wind_direction"
rise = 5
fall = 6
covered_by = ["thre"]

[[alert]]
code = "silent_device"
kind = "silent_device"
severity = "info"

[[alert]]
code = "silent_divice"
changes = "typed badly"
"""
    found = faults(tmp_path, text)
    assert found == [
        "alerts.toml:1: air_indx: unknown key; did you mean 'air_index'?",
        "alerts.toml:5: alert[1].kind: expected one of threshold, rate, forecast, missing, coverage, kpi_band, "
        "silent_device, silent_gateway, not_listening, drift, got 'treshold'; did you mean 'threshold'?",
        "alerts.toml:11: alert[2].severity: expected one of info, warning, critical, got 'alarming'; did you "
        "mean 'warning'?",
        "alerts.toml:12: alert[2].indicator: unknown indicator 'pm25_mean'; did you mean 'pm2_5_mean'?",
        "alerts.toml:14: alert[2].clear: expected at most the limit, 35, got 40",
        "alerts.toml:15: alert[2].zones: unknown zone 'noth'; did you mean 'north'?",
        "alerts.toml:16: alert[2].minuts: unknown key; did you mean 'minutes'?",
        "alerts.toml:19: alert[3].code: alert[2] is a rule 'two' already",
        "alerts.toml:22: alert[4].change: expected one of rise, fall, change, got rise and fall",
        "alerts.toml:26: alert[4].indicator: wind_direction is a direction: it neither rises nor falls",
        "alerts.toml:29: alert[4].covered_by: unknown rule 'thre'; did you mean 'three'?",
        "alerts.toml:32: alert[5].code: 'silent_device' is a shipped rule; to change it, say why: changes = \"…\"",
        "alerts.toml:37: alert[6].code: there is no shipped rule 'silent_divice' to change; did you mean "
        "'silent_device'?; without `changes` it is a new one",
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('kind = "threshold"\nindicator = "pm2_5_mean"', "expected one of above, below and band, got none"),
        ('kind = "threshold"\nindicator = "eaqi"\nband = 1', "expected 2 to 6 or a band's name, got 1"),
        ('kind = "threshold"\nindicator = "eaqi"\nband = "Por"', "got 'Por'; did you mean 'Poor'?"),
        ('kind = "threshold"\nindicator = "pm10_mean"\nband = 2', "pm10_mean has no bands; give above or below"),
        ('kind = "threshold"\nindicator = "lnight"\nabove = 5', "lnight is computed for each day, not for each hour"),
        ('kind = "threshold"\nindicator = "pm10_mean"\nabove = 5\nminutes = 9999', "expected at most 2700 minutes"),
        ('kind = "rate"\nindicator = "pm10_mean"\nrise = -1', "expected a number above 0, got -1"),
        ('kind = "coverage"\nindicator = "pm10_mean"\nbelow = 101', "expected a number of per cent above 0 and up to"),
        ('kind = "kpi_band"\ndata_point = "EN: E: E: 2D"\nband = 1', "unknown data point 'EN: E: E: 2D'; did you mean"),
        (
            'kind = "silent_device"\nmodels = ["water_metre"]',
            "unknown model 'water_metre'; did you mean 'water_meter'?",
        ),
        ('kind = "silent_device"\nscope = "zone"', "unknown key"),
        ('kind = "not_listening"', "minutes: is missing"),
        ('kind = "drift"\nfindings = ["vanishd"]', "got 'vanishd'; did you mean 'vanished'?"),
        ('kind = "drift"\nfindings = []', "expected at least one; leave it out for all"),
        ('kind = "drift"\nscope = "city"', "expected one of model, zone, station, got 'city'"),
        ('kind = "drift"\nminutes = 10081', "minutes"),
        ('kind = "drift"\nmodels = ["water_metre"]', "did you mean 'water_meter'?"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(tmp_path: Path, body: str, reason: str) -> None:
    found = faults(tmp_path, f'[[alert]]\ncode = "x"\nseverity = "info"\n{body}\n')
    assert any(reason in fault for fault in found), found


def test_rules_that_cover_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    rule = 'kind = "silent_gateway"\nseverity = "info"\n'
    text = f'[[alert]]\ncode = "a"\ncovered_by = ["b"]\n{rule}[[alert]]\ncode = "b"\ncovered_by = ["a"]\n{rule}'
    assert faults(tmp_path, text) == [
        "alerts.toml:3: alert[1].covered_by: a covers itself, by way of b",
        "alerts.toml:8: alert[2].covered_by: b covers itself, by way of a",
    ]


def test_a_file_that_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, "shipped = true\n[[alert]\n")
    assert found.startswith("alerts.toml:2: not valid TOML")
