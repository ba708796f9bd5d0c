"""Recordings of real places by the real road into a real database: stored is what others compute, to the last digit."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.kpi import reference_year, to_date
from tests.databases import Databases
from tests.independent import air_annual_means, meter_registers, noise_levels, outage_indices
from tests.independent.road import OUTAGE_LOG, Given, device, exact, register, road

pytestmark = pytest.mark.timeout(300)

SAIFI, CAIDI = "EC: I: ES: 1C", "EC: I: ES: 2C"
AIR = "EN: EN: AQ: 1C"
WATER, POWER, HEAT = "EN: EN: WS: 2C", "EN: E: E: 2C", "EN: E: E: 3C"
HOUR_US = 3_600_000_000
LITRE = Decimal("0.001")
"""The step of water meters, a millionth of a cubic metre, in litres."""
FALLS = {"1de2cf65": 3, "219ffd09": 7, "b744c766": 0}
"""Of the meters of Alicante, as their extract's README says."""


@pytest.mark.parametrize(("state", "year"), outage_indices.STATES)
def test_saifi_and_caidi_of_a_year_of_outages(databases: Databases, tmp_path: Path, state: str, year: int) -> None:
    events = list(outage_indices.events(state, year))
    rows: list[Given] = []
    for one in events:
        # Each event is told by a reporter of its own: two of them began in one minute.
        rows.append((f"outage-{one.number}", "interrupted", one.start, str(one.customers), ""))
        rows.append((f"outage-{one.number}", "interrupted_time", one.end, str(one.customers * one.minutes), ""))
    reporters = [device(f"outage-{one.number}", "outage_log", 3600) for one in events]
    served = [register("electricity_customers", events[0].served, "customers")]
    wanted = outage_indices.indices(state, year)
    with road(
        databases, tmp_path, zone="America/New_York", devices=reporters, rows=rows, registers=served,
        models={"outage_log": OUTAGE_LOG},
    ) as town:  # fmt: skip
        found = town.kpis(lambda calendar: reference_year(calendar, year))
    assert exact(found[SAIFI]) == wanted.saifi
    assert exact(found[CAIDI]) == wanted.caidi
    assert found[CAIDI].numerator == str(wanted.customer_minutes)


@pytest.mark.parametrize(
    ("city", "zone", "first", "after"),
    [
        ("london", "Europe/London", date(2002, 3, 1), date(2002, 4, 15)),
        ("seoul", "Asia/Seoul", date(2019, 11, 1), date(2019, 12, 15)),
        pytest.param("london", "Europe/London", date(2002, 1, 1), date(2003, 1, 1), marks=pytest.mark.slow),
        pytest.param("seoul", "Asia/Seoul", date(2019, 1, 1), date(2020, 1, 1), marks=pytest.mark.slow),
    ],
    ids=["weeks of London", "weeks of Seoul", "a year of London", "a year of Seoul"],
)
def test_means_of_a_year_or_of_its_part(
    databases: Databases, tmp_path: Path, city: str, zone: str, first: date, after: date
) -> None:
    begin, end = (datetime.combine(day, time(), ZoneInfo(zone)) for day in (first, after))
    every = air_annual_means.london() if city == "london" else air_annual_means.seoul()
    readings = [one for one in every if begin <= one.start < end]
    rows = ((city, one.pollutant, one.start, f"{one.value:f}", "ug/m3") for one in readings)
    wanted = air_annual_means.annual(iter(readings))
    whole = (end - begin).days >= 365
    with road(databases, tmp_path, zone=zone, devices=[device(city, "air_station", 3600)], rows=rows) as town:
        found = town.kpis(
            lambda calendar: reference_year(calendar, first.year) if whole else to_date(calendar, us(end), us(begin))
        )
    assert set(wanted) == {"pm2_5", "pm10", "no2", "so2", "o3"}
    for pollutant, (hours, mean) in wanted.items():
        figure = found[f"{AIR}/{pollutant}"]
        assert exact(figure) == mean, pollutant
        owed = (us(end) - us(begin)) // HOUR_US
        # 75 % and 90 % are the limits; of less than a year a figure is never more than indicative.
        assert (figure.received, figure.expected) == (hours, owed)
        assert figure.validity == ("valid" if whole and 10 * hours >= 9 * owed else "indicative")


def test_water_of_homes_with_backflow_two_meters_under_one_key_and_an_hour_twice(
    databases: Databases, tmp_path: Path
) -> None:
    meters = meter_registers.alicante()
    rows = [(meter, "volume", at, str(litres), "l") for meter, shown in meters.items() for at, litres in shown]
    first_us, end = us(min(shown[0][0] for shown in meters.values())), datetime(2016, 10, 31, 12, tzinfo=UTC)
    with road(
        databases, tmp_path, zone="Europe/Madrid", rows=rows,
        devices=[device(meter, "water_meter", 3600, "2016-09-29", "2016-11-01") for meter in meters],
        registers=[register("population", 7, "inhabitants")],
    ) as town:  # fmt: skip
        found = town.kpis(lambda calendar: to_date(calendar, us(end), first_us))
        decisions = town.decisions()
    litres = meter_registers.per_head(meters, end, LITRE, 7)
    # From midnight of 29 September to 13 o'clock of 31 October: the day of 25 hours is a day as well.
    assert exact(found[WATER]) == litres / (32 + Fraction(13, 24))
    # Every fall is told, and none is taken for a reset.
    assert {meter: len(falls(shown)) for meter, shown in meters.items()} == FALLS
    assert decisions == {"dip": sum(FALLS.values())}
    # In the hour that came twice each meter was read twice.
    twice = {at.hour for at, _ in meters["1de2cf65"] if at.date() == date(2016, 10, 30) and at.hour < 2}
    assert twice == {0, 1}


@pytest.mark.parametrize(
    ("key", "zone", "year", "model", "field", "unit", "interval_s", "per"),
    [
        (HEAT, "Europe/Copenhagen", 2018, "heat_meter", "energy", "kWh", 3600, meter_registers.GJ_PER_KWH),
        (WATER, "America/Vancouver", 2012, "water_meter", "volume", "l", 60, Fraction(1, 366)),
        (POWER, "America/Vancouver", 2014, "electricity_meter", "energy", "Wh", 60, Fraction(1, 1000)),
    ],
    ids=["heat of a house in Denmark", "water of a house in Canada", "electricity of a house in Canada"],
)
def test_what_a_house_uses_by_head(
    databases: Databases, tmp_path: Path, key: str, zone: str, year: int, model: str, field: str, unit: str,
    interval_s: int, per: Fraction,
) -> None:  # fmt: skip
    shown = {
        HEAT: meter_registers.denmark,
        WATER: lambda: meter_registers.canada(meter_registers.CANADA_WATER, "counter"),
        POWER: lambda: meter_registers.canada(meter_registers.CANADA_POWER, "Pt"),
    }[key]()
    first, last = shown[0][0].astimezone(ZoneInfo(zone)).date(), shown[-1][0].astimezone(ZoneInfo(zone)).date()
    house = device("house", model, interval_s, f"{first}", f"{last + timedelta(days=1)}", "residential")
    with road(
        databases, tmp_path, zone=zone, devices=[house], registers=[register("population", 4, "inhabitants")],
        rows=(("house", field, at, f"{value:f}", unit) for at, value in shown),
    ) as town:  # fmt: skip
        found = town.kpis(lambda calendar: reference_year(calendar, year))
    step = {HEAT: Decimal("0.001"), WATER: LITRE, POWER: Decimal(1)}[key]
    assert exact(found[key]) == meter_registers.per_head({"house": shown}, shown[-1][0], step, 4) * per


@pytest.mark.parametrize(
    "months", [(3,), pytest.param(tuple(range(1, 13)), marks=pytest.mark.slow)], ids=["March", "a year"]
)
def test_noise_by_hour_day_evening_and_night(databases: Databases, tmp_path: Path, months: tuple[int, ...]) -> None:
    monitors = [device(code, "noise_monitor", 3600) for code in noise_levels.DEVICES.values()]
    # The clock goes forward on 31 March.
    readings = [one for one in noise_levels.readings() if one[1].astimezone(noise_levels.DUBLIN).month in months]
    rows = ((code, "sound_level", at, text, "dB") for code, at, text in readings)
    with road(databases, tmp_path, zone="Europe/Dublin", devices=monitors, rows=rows) as town:
        found = town.levels(("laeq", "lden", "lnight"))
    assert found == noise_levels.levels(readings)


def us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def falls(shown: meter_registers.Register) -> list[Decimal]:
    """Return by how much a register fell, each time it did."""
    return [before - after for (_, before), (_, after) in pairwise(shown) if after < before]
