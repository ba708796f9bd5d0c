"""A verifier's checks: each finds what is over its limit and lets pass what is at it."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from devices import City, load_city
from engine.kpi import (
    CHECKS,
    Count,
    Finding,
    NotReported,
    Severity,
    Stated,
    Submission,
    Value,
    counts_of,
    evaluate,
    findings,
    shipped,
    stated_registers,
)
from tests.devices.cities import CITY, write_city

PACK = shipped()
PAGE = (Path(__file__).parents[3] / "docs" / "kpis.md").read_text(encoding="utf-8")
STAGES = [f"EN: EN: WS: 4C/{stage}" for stage in ("primary", "secondary", "tertiary")]
MODES = [f"EC: I: T: 4A/{mode}" for mode in ("private", "public", "walking", "cycling", "para")]
ROUTES = [f"EN: EN: WA: 1C/{way}" for way in ("landfill", "burnt", "incinerated", "open_dump", "recycled", "other")]
BASIC, POTABLE = "EC: I: WS: 1C", "EC: I: WS: 2C"
INTERNET, BROADBAND = "EC: ICT: ICT: 1C", "EC: ICT: ICT: 2C"
WATER_METERS, POWER_METERS = "EC: ICT: WS: 1C", "EC: ICT: ES: 1C"
SANITATION, ELECTRICITY = "EC: I: WS: 5C", "EC: I: ES: 3C"
PLAN = "SC: SH: SA: 3A"
RD = "EC: P: IN: 1C"
DECLARED = Stated("the providers", "measured", declared=True)

Figures = dict[str, int | str]
Told = dict[str, Stated]
Case = tuple[str, Figures, Told]


def submission(figures: Figures, stated: Told, counts: tuple[Count, ...] = (), currency: str = "") -> Submission:
    """Return a submission of these figures alone; inputs among them make the figures that rest on them."""
    inputs: dict[str, Value] = {code: Fraction(value) for code, value in figures.items() if code in PACK.inputs}
    values = evaluate(PACK, inputs)
    return Submission(PACK, {**values, **{k: Fraction(v) for k, v in figures.items()}}, stated, counts, currency)


def found(rule: str, one: Submission) -> list[Finding]:
    return [finding for finding in findings(one) if finding.rule == rule]


def shares(keys: list[str], *values: int | str) -> Figures:
    return dict(zip(keys, values, strict=True))


def enough(missing: int) -> Figures:
    """Return a figure for one data point of every KPI but so many."""
    return {kpi.data_points[0].key: 1 for kpi in PACK.kpis[missing:]}


def table(households: int | str, of: int | str, said: Stated = DECLARED) -> tuple[Figures, Told]:
    return {"households_with_internet": households, "households": of}, {"households_with_internet": said}


BEYOND: list[Case] = [
    ("wastewater_order", shares(STAGES, 90, "90.001", 60), {}),
    ("wastewater_order", shares(STAGES, 90, 80, 81), {}),
    ("mode_share_sum", shares(MODES, 50, 20, 20, 10, "2.001"), {}),
    ("mode_share_sum", shares(MODES, 50, 20, 20, "7.999", 0), {}),
    ("mode_share_sum", shares(MODES[:4], 50, 20, 20, "7.999"), {}),
    ("mode_share_sum", shares(MODES[:2], 70, "32.001"), {}),
    ("waste_sum", shares(ROUTES, 50, 0, 40, 0, 10, "2.001"), {}),
    ("waste_sum", shares(ROUTES, 50, 0, 40, 0, "7.999", 0), {}),
    ("waste_sum", shares(ROUTES[:2], 70, "32.001"), {}),
    ("potable_water", shares([POTABLE, BASIC], "97.001", 97), {}),
    ("impossible", {INTERNET: "100.001"}, {}),
    ("impossible", {"EC: I: WS: 3C": "-0.001"}, {}),
    ("impossible", {PLAN: 2}, {}),
    ("household_size", {"population": 100, "households": 101, "households_electricity": 95}, {}),
    ("household_size", {"population": 1001, "households": 100, "households_electricity": 95}, {}),
    ("broadband", shares([BROADBAND, INTERNET], 80, 80), {}),
    ("smart_meters", shares([WATER_METERS, POWER_METERS], 80, 80), {}),
    ("access", {SANITATION: "89.999"}, {}),
    ("access", {ELECTRICITY: "89.999"}, {}),
    ("emf", {"EN: EN: EQ: 1C": "99.999"}, {}),
    ("emf", {"EN: EN: EQ: 1C": "0.001"}, {}),
    ("gas_in_ppm", {"EN: EN: AQ: 1C/no2": "0.199"}, {}),
    ("final_value", *table(100, 1000)),
    ("final_value", *table("96.5", 900)),
    ("final_value", {"households_with_internet": 97}, {"households_with_internet": DECLARED}),
    ("missing", enough(19), {}),
    ("unsure", *table(900, 1000, Stated("x", "personal", declared=True))),
    ("unsure", *table(900, 1000, Stated("x", "unknown", declared=True))),
    ("source", *table(900, 1000, Stated("", "measured"))),
    ("quality", *table(900, 1000, Stated("x"))),
    ("basis", {"resilience_plan_implemented": 1}, {"resilience_plan_implemented": DECLARED}),
]
WITHIN: list[Case] = [
    ("wastewater_order", shares(STAGES, 90, 90, 90), {}),
    ("wastewater_order", shares(STAGES[1:], 80, 80), {}),
    ("mode_share_sum", shares(MODES, 50, 20, 20, 10, 2), {}),
    ("mode_share_sum", shares(MODES, 50, 20, 20, 8, 0), {}),
    ("mode_share_sum", shares(MODES[:4], 50, 20, 20, 8), {}),
    ("mode_share_sum", shares(MODES[:2], 70, 20), {}),
    ("waste_sum", shares(ROUTES, 50, 0, 40, 0, 10, 2), {}),
    ("waste_sum", shares(ROUTES, 50, 0, 40, 0, 8, 0), {}),
    ("waste_sum", shares(ROUTES[:5], 50, 0, 20, 0, 8), {}),
    ("potable_water", shares([POTABLE, BASIC], 97, 97), {}),
    ("impossible", {INTERNET: 100, "EC: I: WS: 3C": 0, PLAN: 0, ELECTRICITY: 100}, {}),
    ("impossible", {"SC: EH: ED: 2C": 104, "SC: SH: SI: 5A": 120}, {}),
    ("household_size", {"population": 100, "households": 100}, {}),
    ("household_size", {"population": 1000, "households": 100}, {}),
    ("household_size", {"population": 1000, "households": 0}, {}),
    ("broadband", shares([BROADBAND, INTERNET], "79.999", 80), {}),
    ("smart_meters", shares([WATER_METERS, POWER_METERS], "79.999", 80), {}),
    ("access", {SANITATION: 90, ELECTRICITY: 90}, {}),
    ("emf", {"EN: EN: EQ: 1C": 100}, {}),
    ("emf", {"EN: EN: EQ: 1C": 0}, {}),
    ("gas_in_ppm", {"EN: EN: AQ: 1C/no2": "0.2", "EN: EN: AQ: 1C/o3": 0}, {}),
    ("final_value", *table(101, 1000)),
    ("final_value", *table(100, 999)),
    ("final_value", *table(100, 1000, Stated("x", "measured"))),
    ("final_value", {"population_poverty": 60, "population": 5000}, {"population_poverty": DECLARED}),
    ("final_value", {"firefighters_fte": "60.5", "population": 5000}, {"firefighters_fte": DECLARED}),
    ("missing", enough(18), {}),
    ("unsure", *table(900, 1000, Stated("x", "estimate", declared=True))),
    ("source", table(900, 1000)[0], {"households_with_internet": DECLARED, "households": Stated("the register")}),
    ("source", {}, {"households": Stated()}),
    ("quality", *table(900, 1000)),
    ("basis", {"resilience_plan_implemented": 1}, {"resilience_plan_implemented": Stated("x", basis="plan of 2024")}),
    ("basis", {"resilience_plan_implemented": 0}, {}),
]


@pytest.mark.parametrize(("rule", "figures", "stated"), BEYOND)
def test_what_is_beyond_a_limit_is_found_with_its_figures(rule: str, figures: Figures, stated: Told) -> None:
    hits = found(rule, submission(figures, stated))
    assert hits
    assert all(
        hit.text and hit.data_points and set(hit.data_points) <= {p.key for p in PACK.data_points} for hit in hits
    )


@pytest.mark.parametrize(("rule", "figures", "stated"), WITHIN)
def test_what_is_at_a_limit_passes(rule: str, figures: Figures, stated: Told) -> None:
    assert found(rule, submission(figures, stated)) == []


@pytest.mark.parametrize(
    ("code", "first", "other", "differs"),
    [
        ("population", 100_000, 105_000, False),
        ("population", 100_000, 105_001, True),
        ("population", 100_000, 95_000, False),
        ("population", 100_000, 94_999, True),
        ("households", 40_000, 42_000, False),
        ("households", 40_000, 42_001, True),
        ("area_km2", 40, 40, False),
        ("area_km2", 40, "40.001", True),
    ],
)
def test_one_quantity_is_stated_once(code: str, first: int, other: int | str, differs: bool) -> None:
    counts = (Count(code, Fraction(first), "register"), Count(code, Fraction(other), "declared"))
    hits = found("counts_differ", submission({code: first, "protected_area_km2": 5}, {}, counts))
    assert bool(hits) == differs
    if differs and code == "area_km2":
        assert hits[0].data_points == ("EN: EN: PSN: 3A",)
        assert hits[0].text == "area_km2: 40 (register) and 40.001 (declared) differ"


def test_money_needs_a_currency() -> None:
    money: Figures = {"rd_expenditure": 3, "city_gdp": 100}
    (hit,) = found("currency", submission(money, {}))
    assert hit.data_points == (RD,)
    assert found("currency", submission(money, {}, currency="EUR")) == []
    assert found("currency", submission({"city_gdp": 100}, {})) == [], "nothing that is reported rests on it"


def test_every_check_is_tried_on_both_sides_of_its_limit() -> None:
    alone = {"counts_differ", "currency", "declared_differs"}  # the last with what a city declares
    codes = {check.code for check in CHECKS}
    assert {case[0] for case in BEYOND} | alone == {case[0] for case in WITHIN} | alone == codes
    assert len(codes) == len(CHECKS)


def test_nothing_reported_is_much_missing_and_nothing_else() -> None:
    assert [(one.rule, len(one.data_points)) for one in findings(submission({}, {}))] == [
        ("missing", len(PACK.data_points))
    ]
    (missing,) = findings(Submission(PACK, {p.key: NotReported(("x",)) for p in PACK.data_points}, {}))
    assert missing.text.startswith(f"{len(PACK.kpis)} of {len(PACK.kpis)} KPIs are not reported")


def test_errors_come_first_and_what_is_lacking_last() -> None:
    one = submission({**shares(STAGES, 90, 95, 96), PLAN: 1, "EN: EN: EQ: 1C": 50}, {})
    severities = [finding.severity for finding in findings(one)]
    assert severities == sorted(severities, key=list(Severity).index)
    assert set(severities) == set(Severity)
    assert findings(one)[0] == Finding(
        "wastewater_order", (STAGES[2], STAGES[1]),
        "EN: EN: WS: 4C/tertiary (Wastewater Treatment, Tertiary) = 96 % is above "
        "EN: EN: WS: 4C/secondary (Wastewater Treatment, Secondary) = 95 %", Severity.ERROR,
    )  # fmt: skip


ZONES = """
[[register]]
code = "population"
zone = "{zone}"
value = {value}
unit = "inhabitants"
from = "2024-01-01"
"""


@pytest.fixture
def city(tmp_path: Path) -> City:
    zones = ZONES.format(zone="north", value=100_000) + ZONES.format(zone="south", value=200_000)
    return load_city(write_city(tmp_path, city=CITY + zones))


def test_statements_of_a_city_are_its_registers_and_its_zones_added_up(city: City) -> None:
    counts = counts_of(city, date(2025, 1, 1), date(2025, 12, 31))
    assert counts == (
        Count("population", Fraction(345_000), "register from 2025-01-01"),
        Count("population", Fraction(300_000), "the 2 zones added up"),
        Count("area_km2", Fraction("201.5"), "area_km2 in city.toml"),
    )
    (hit,) = found("counts_differ", submission({"population": 345_000}, {}, counts))
    assert hit.text.endswith("differ by more than 5 %")
    earlier = [count.origin for count in counts_of(city, date(2024, 7, 1), date(2025, 6, 30))]
    assert earlier[:2] == ["register from 2025-01-01", "register from 2024-01-01"]


def test_zones_of_which_one_says_nothing_are_not_added_up(tmp_path: Path) -> None:
    city = load_city(write_city(tmp_path, city=CITY + ZONES.format(zone="north", value=100_000)))
    assert [count.origin for count in counts_of(city, date(2025, 1, 1), date(2025, 12, 31))] == [
        "register from 2025-01-01",
        "area_km2 in city.toml",
    ]


def test_what_a_city_says_of_its_registers_goes_to_the_inputs_that_name_them(city: City) -> None:
    assert stated_registers(PACK, city, date(2025, 1, 1)) == {"population": Stated("census", "", "", False)}


def test_the_page_lists_every_check() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (\w+) \|$", PAGE.partition("<!-- checks -->")[2], re.MULTILINE)
    assert rows == [(check.code, check.title, str(check.severity)) for check in CHECKS]
