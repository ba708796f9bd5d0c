"""Recordings of real places assessed as one city's year: each figure is what others compute, to the last digit.

The recordings are of several years and places: those of other years are moved by whole days into the assessed one, by
which neither program knows anything of it. Air is whole; of meters there are weeks, of outages what was reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest

from tests.console.command import cityvitals
from tests.databases import Databases
from tests.independent import beijing_means, meter_registers, outage_indices
from tests.independent.road import OUTAGE_LOG, Given, device, register, road

pytestmark = pytest.mark.timeout(300)

YEAR: Final = 2016
DAYS: Final = 366
INHABITANTS: Final = 7
AIR: Final = "EN: EN: AQ: 1C"
WATER, POWER, HEAT = "EN: EN: WS: 2C", "EN: E: E: 2C", "EN: E: E: 3C"
SAIFI, CAIDI = "EC: I: ES: 1C", "EC: I: ES: 2C"
OUTAGES: Final = outage_indices.STATES[0]
"""Florida in 2004, a leap year as well."""
MOVED: Final = {
    "outages": timedelta(days=12 * 365 + 3),
    "house": timedelta(days=2 * 365 + 1),
    "heat": -timedelta(days=2 * 365),
}
SERVICE: Final = {"water": ("2016-09-29", "2016-11-02"), "house": ("2016-03-07", "2016-03-15")}
"""First day of it, and the day after it, of meters that a recording begins and ends with. The heat meter is in service
all year, and its three months are too few for a figure."""
LITRE: Final = Decimal("0.001")
WATT_HOUR: Final = Decimal(1)
HOURS: Final = 24 * DAYS
EVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Year:
    """What the commands said.

    Attributes:
        points: by key, each data point of `assess --json`.
        verdict: the last line of `verify --json`.
        lines: its lines of data points, by key.
    """

    points: dict[str, dict[str, Any]]
    verdict: dict[str, Any]
    lines: dict[str, str]


def given() -> Iterator[Given]:
    """Give every row of the recordings."""
    for station, local, cells in beijing_means.rows(beijing_means.CSV):
        at = local.astimezone(UTC)
        yield from ((station, pollutant, at, f"{value:f}", "ug/m3") for pollutant, value in cells)
    for meter, shown in meter_registers.alicante().items():
        yield from ((meter, "volume", at, str(litres), "l") for at, litres in shown)
    for at, value in house():
        yield "house", "energy", at + MOVED["house"], str(value), "Wh"
    for at, value in meter_registers.denmark():
        yield "heat", "energy", at + MOVED["heat"], f"{value:f}", "kWh"
    for one in outage_indices.events(*OUTAGES):
        start, end = one.start + MOVED["outages"], one.end + MOVED["outages"]
        yield f"outage-{one.number}", "interrupted", start, str(one.customers), ""
        yield f"outage-{one.number}", "interrupted_time", end, str(one.customers * one.minutes), ""


def house() -> meter_registers.Register:
    return meter_registers.canada(meter_registers.CANADA_POWER, "Pt")


@contextmanager
def without_indicators() -> Iterator[None]:
    """Let the engine compute windows alone: live figures have no part in a year, and take nearly all of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.figures.INDICATORS", ())
        yield


@pytest.fixture(scope="module")
def year(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Year:
    folder, bundle = tmp_path_factory.mktemp("city"), tmp_path_factory.mktemp("made") / "bundle"
    events = list(outage_indices.events(*OUTAGES))
    devices = [
        *(device(code, "air_station", 3600) for code in beijing_means.STATIONS.values()),
        *(device(meter, "water_meter", 3600, *SERVICE["water"]) for meter in meter_registers.alicante()),
        device("house", "electricity_meter", 60, *SERVICE["house"], purpose="residential"),
        device("heat", "heat_meter", 3600, purpose="residential"),
        *(device(f"outage-{one.number}", "outage_log", 3600) for one in events),
    ]
    registers = [
        register("population", INHABITANTS, "inhabitants"),
        register("electricity_customers", events[0].served, "customers"),
    ]
    with without_indicators(), road(
        databases, folder, zone="Asia/Shanghai", devices=devices, rows=given(), registers=registers,
        models={"outage_log": OUTAGE_LOG},
    ) as town:  # fmt: skip
        made = cityvitals(
            "--city", str(folder), "assess", str(YEAR), "--language", "en", "--out", str(bundle), "--json",
            CITYVITALS_DATABASE_URL=town.url, CITYVITALS_ENGINE_MINUTE_DAYS="0",
        )  # fmt: skip
    assert made.code == 0, made.err
    # The database is gone.
    verified = cityvitals("verify", str(bundle), "--json", CITYVITALS_LOCAL=str(bundle.parent / "nothing"))
    assert verified.code == 0, verified.out
    lines = {row["data_point"]: row["standing"] for row in verified.rows if row.get("row") == "data_point"}
    return Year({row["data_point"]: row for row in made.rows}, verified.rows[-1], lines)


def test_air_of_beijing_in_2016(year: Year) -> None:
    wanted = beijing_means.annual()
    hours = Counter(pollutant for _, _, cells in beijing_means.rows(beijing_means.CSV) for pollutant, _ in cells)
    keys = [key for key in year.points if key.startswith(AIR)]
    assert len(keys) == 5  # the method has no figure of carbon monoxide
    for key in keys:
        pollutant = key.rpartition("/")[2]
        found = year.points[key]
        assert found["exact"] == str(wanted[pollutant]), pollutant
        assert (found["received"], found["expected"]) == (hours[pollutant], len(beijing_means.STATIONS) * HOURS)
        assert (found["validity"], found["quality"], found["basis"]) == ("valid", "measured", "measured")
        assert year.lines[key] == "agrees"


def test_water_by_head_of_the_weeks_in_which_meters_were_in_service(year: Year) -> None:
    meters = meter_registers.alicante()
    litres = sum(meter_registers.rise(shown, EVER, LITRE) for shown in meters.values())
    found = year.points[WATER]
    assert found["exact"] == str(Fraction(litres) / INHABITANTS / DAYS)
    assert (found["received"], found["expected"]) == (sum(map(len, meters.values())), len(meters) * 34 * 24)
    assert (found["validity"], found["quality"], year.lines[WATER]) == ("valid", "measured", "agrees")


def test_electricity_by_head_of_a_home_of_which_readings_lack_is_an_estimate(year: Year) -> None:
    found = year.points[POWER]
    assert found["exact"] == str(Fraction(meter_registers.rise(house(), EVER, WATT_HOUR)) / 1000 / INHABITANTS)
    assert (found["received"], found["expected"]) == (len(house()), 8 * 24 * 60)
    assert (found["validity"], found["quality"], year.lines[POWER]) == ("indicative", "estimate", "agrees")


def test_heat_of_a_quarter_of_the_year_is_no_figure(year: Year) -> None:
    found = year.points[HEAT]
    assert (found["exact"], found["measured"], found["basis"]) == (None, None, "nothing")
    assert (found["validity"], found["expected"], year.lines[HEAT]) == ("insufficient", HOURS, "not reported")
    assert f"heat, has {len(meter_registers.denmark())} of {HOURS} " in found["reason"]


def test_interruptions_of_florida(year: Year) -> None:
    wanted = outage_indices.indices(*OUTAGES)
    assert year.points[SAIFI]["exact"] == str(wanted.saifi)
    assert year.points[CAIDI]["exact"] == str(wanted.caidi)
    assert year.points[CAIDI]["numerator"] == str(wanted.customer_minutes)
    # Events are not due at intervals, so none can be missed.
    assert {year.points[key]["validity"] for key in (SAIFI, CAIDI)} == {None}
    assert {year.lines[key] for key in (SAIFI, CAIDI)} == {"agrees"}


def test_every_figure_comes_out_again_without_a_database(year: Year) -> None:
    assert (year.verdict["good"], year.verdict["differs"]) == (True, 0)
    assert len(year.lines) == len(year.points) == 112
