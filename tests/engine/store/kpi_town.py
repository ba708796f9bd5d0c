"""A town whose KPIs a person can work out by hand: daily readings at midnight of its own clock.

Its devices began on the first of December 2023. Two electricity meters rise by 10 and 20 kWh a day. Two customers take
300 and 500 m3 of water a day, of 1,000 supplied. One home takes 5 kWh of heat a day, a factory 50. On the fifth 600 of
2,000 customers lost power for 60 minutes, on the ninth 400 for 135. Population: 1,000, from July on 1,500. A road takes
60 seconds at midnight, and at 8 and 18 o'clock 90 from Monday to Friday, else 900. Of two public hotspots one is heard.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np

from devices import Device, ObservationBatch, Register, Registry, load_models
from devices.series import TIME_MAX_US
from engine.calendar import Calendar
from tests.devices.make import vectored
from tests.engine.store.town import town

YEAR = 2023
FIRST = date(YEAR, 12, 1)
DAYS = 31
DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24
SUPPLY = """
title = "Supply meter"
codec = "senml-json"
interval_s = 86400
[[field]]
name = "volume"
measurand = "water_supplied"
unit = "m3"
"""
ROAD = """
title = "Travel time over a road"
codec = "senml-json"
interval_s = 86400
[[field]]
name = "seconds"
measurand = "travel_time"
unit = "s"
"""
HOTSPOT = {"purpose": "public_wifi"}
PER_DAY = {
    "power-1": ("electricity_meter", "north", "energy", 10, {}),
    "power-2": ("electricity_meter", "south", "energy", 20, {}),
    "water-1": ("water_meter", "north", "volume", 300, {}),
    "water-2": ("water_meter", "south", "volume", 500, {}),
    "works": ("supply", "north", "volume", 1000, {}),
    "home": ("heat_meter", "north", "energy", 5, {"purpose": "residential"}),
    "factory": ("heat_meter", "south", "energy", 50, {"purpose": "industrial"}),
}
"""Device → its model, zone, the field that counts, how much a day in the measurand's unit, and its columns."""
REPORTER = "substation"
OUTAGES = ((date(YEAR, 12, 5), 600, 60), (date(YEAR, 12, 9), 400, 135))
"""Day, customers, minutes."""


def registers(*changes: Register) -> tuple[Register, ...]:
    """Return the town's denominators, those of `changes` instead of the same code and day."""
    known = [
        Register("population", Fraction(1000), "1", date(2020, 1, 1), "the town"),
        Register("population", Fraction(1500), "1", date(YEAR, 7, 1), "the town"),
        Register("electricity_customers", Fraction(2000), "1", date(2020, 1, 1), "the town"),
    ]
    keys = {(one.code, one.valid_from) for one in changes}
    kept = [one for one in known if (one.code, one.valid_from) not in keys]
    return tuple(sorted((*kept, *changes), key=lambda one: (one.code, one.valid_from)))


def kpi_town(folder: Path) -> Registry:
    """Return the town; `folder` is for its own device model."""
    (folder / "supply.toml").write_text(vectored(SUPPLY))
    (folder / "road.toml").write_text(vectored(ROAD))
    plain = town()
    began_us = Calendar(plain.city.zone_info, YEAR, YEAR).day_bounds(FIRST)[0]
    models = load_models(folder)
    rows = {
        **{code: row[:2] + row[4:] for code, row in PER_DAY.items()},
        REPORTER: ("outage_reporter", "north", {}),
        "ring-road": ("road", "south", {}),
        "hotspot-1": ("noise_monitor", "north", HOTSPOT),
        "hotspot-2": ("noise_monitor", "south", HOTSPOT),
    }
    devices = tuple(
        Device(
            code, model, zone, None, None, began_us, TIME_MAX_US, DAY_US, "direct", code,
            f"cityvitals/town/{code}/telemetry", MappingProxyType(columns),
        )
        for code, (model, zone, columns) in rows.items()
    )  # fmt: skip
    city = replace(plain.city, registers=registers(), population=0, households=0, area_km2=Fraction(0))
    return replace(plain, city=city, models=models, devices=devices)


def midnights(registry: Registry) -> list[int]:
    """Return the start of every civil day of service in the year, and of the one after it."""
    calendar = Calendar(registry.city.zone_info, YEAR, YEAR + 1)
    days = (FIRST + timedelta(days=k) for k in range(DAYS + 1))
    return [calendar.day_bounds(day)[0] for day in days]


def year_of_readings(registry: Registry) -> ObservationBatch:
    """Return everything that came in the year, in order of time."""
    rows: list[tuple[int, int, int]] = []
    series, starts = registry.series(), midnights(registry)
    for code, (_, _, field, per_day, _) in PER_DAY.items():
        slot = registry.slot(code, field)
        unit = 10 ** registry.catalogue.measurands[int(series.measurand[slot])].decimals
        rows += [(slot, start, k * per_day * unit) for k, start in enumerate(starts)]
    alive = registry.slot(REPORTER, "alive")
    rows += [(alive, start, 1) for start in starts[:-1]]
    for day, customers, minutes in OUTAGES:
        at = starts[(day - FIRST).days] + DAY_US // 2
        rows.append((registry.slot(REPORTER, "interrupted"), at, customers))
        rows.append((registry.slot(REPORTER, "interrupted_time"), at + minutes * 60_000_000, customers * minutes))
    road, heard = registry.slot("ring-road", "seconds"), registry.slot("hotspot-1", "sound_level")
    for k, start in enumerate(starts[:-1]):
        peak = 90_000 if (FIRST + timedelta(days=k)).isoweekday() <= 5 else 900_000
        rows += [(road, start, 60_000), (road, start + 8 * HOUR_US, peak), (road, start + 18 * HOUR_US, peak)]
        rows.append((heard, start, 500))
    rows.sort(key=lambda row: row[1])
    return ObservationBatch.of(*np.array(rows, np.int64).T)
