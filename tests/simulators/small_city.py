"""A small city in memory with series of every kind, and readings of a few days in it, for what is compared."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from devices import TIME_MAX_US, TIME_MIN_US, City, Device, Kind, ObservationBatch, Registry, Zone, load_measurands
from tests.devices.make import model, senml

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NIGHTS = {
    # When the clock changes on the second day: an hour twice, one left out, half an hour, a day left out, at 00:01.
    "Europe/Madrid": datetime(2016, 10, 29, tzinfo=UTC),
    "America/New_York": datetime(2021, 3, 13, 5, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2021, 4, 3, tzinfo=UTC),
    "Pacific/Apia": datetime(2011, 12, 29, 10, tzinfo=UTC),
    "America/St_Johns": datetime(2009, 10, 31, tzinfo=UTC),
    "Asia/Seoul": datetime(2024, 5, 1, tzinfo=UTC),
}
POLLUTANTS = ("pm2_5", "pm10", "no2", "so2", "o3", "co")
AIR = tuple((code, code, "ug/m3") for code in POLLUTANTS)
SCALE = {"pm2_5": 30, "pm10": 60, "no2": 90, "so2": 120, "o3": 130, "co": 4000}
"""µg/m³ around which the pollutants of a random city lie."""
METER = """\
title = "meter"
codec = "senml-json"
interval_s = 600
[[field]]
name = "energy"
measurand = "electricity_import"
unit = "kW.h"
modulus = 1000
rate_max = 40
[[field]]
name = "water"
measurand = "water_volume"
unit = "m3"
modulus = 100
[[field]]
name = "heat"
measurand = "heat_energy"
unit = "kW.h"
rate_max = 30
[[field]]
name = "inlet"
measurand = "water_supplied"
unit = "m3"
modulus = 10000
"""
COUNTER_REACH = {"energy": 1000 * 10**3, "water": 100 * 10**6, "heat": 5000 * 10**3, "inlet": 10_000 * 10**3}
MODELS = {
    "air": senml(*AIR),
    "twin": senml(AIR[0], ("dust", "pm2_5", "ug/m3"), *AIR[2:5]),  # two series of one measurand count together
    "ozone": senml(AIR[4]),
    "meter": model(METER, "meter"),
    "mast": senml(
        ("wind", "wind_direction", "deg"), ("speed", "wind_speed", "m/s"), ("noise", "sound_level", "dB[A]"),
        ("temperature", "temperature", "Cel"),
    ),
    "road": senml(
        ("load", "traffic_load", "1"), ("cars", "vehicle_count", "1"), ("parked", "parking_occupancy", "1"),
    ),
}  # fmt: skip
# Codes in the order of bytes are not in the order of the registry, nor of people: Z before a, a-1 before a.1.
DEVICES = (
    ("b", "air", "south", ""), ("a", "twin", "North", "traffic"), ("Z", "ozone", "North", ""),
    ("a.1", "air", "North", ""), ("a-1", "air", "south", "traffic"), ("m1", "meter", "south", ""),
    ("m0", "meter", "North", ""),
    ("w2", "mast", "North", ""), ("w1", "mast", "North", ""), ("w3", "mast", "south", ""), ("r1", "road", "south", ""),
    ("r0", "road", "empty", ""),
)  # fmt: skip


@cache
def registry(zone: str) -> Registry:
    """Return the city with its clock in a time zone."""
    start_us = first_us(zone)
    zones = tuple(Zone(code, code, ()) for code in ("south", "North", "empty", "nobody"))
    city = City("town", "Town", zone, ZoneInfo(zone), 0, 0, Fraction(0), zones, ())
    devices = []
    for number, (code, kind, where, site) in enumerate(DEVICES):
        # Every third is in service from the middle of an hour on, every fourth not to the end.
        from_us = start_us + 5 * HOUR_US + 17 * MINUTE_US if number % 3 == 2 else TIME_MIN_US
        to_us = start_us + 30 * HOUR_US + 1 if number % 4 == 3 else TIME_MAX_US
        interval_us = (HOUR_US, 7 * MINUTE_US, 10 * MINUTE_US, 90 * MINUTE_US)[number % 4]
        attributes = {"site": site} if site else {}
        devices.append(
            Device(code, kind, where, None, None, from_us, to_us, interval_us, "direct", code, code, attributes)
        )
    return Registry(city, load_measurands(), MODELS, tuple(devices), ("direct",))


def first_us(zone: str) -> int:
    """Return the instant at which the readings begin."""
    return int((NIGHTS[zone] - EPOCH).total_seconds()) * 1_000_000


def readings(zone: str, seed: int, days: int = 3) -> ObservationBatch:
    """Return seeded readings of some of the series over some days, in the order of time, each (slot, time) once."""
    dice = random.Random(seed)  # noqa: S311  # a reproducible scene, no secret
    found: dict[tuple[int, int], int] = {}
    city, start_us = registry(zone), first_us(zone)
    span_us = days * DAY_US
    for position, device in enumerate(city.devices):
        times = _times(dice, start_us, span_us)
        for slot, field in zip(city.slots(position), city.model_of(device).fields, strict=True):
            measurand = city.catalogue.by_code[field.measurand]
            own = [at for at in times if dice.random() < 0.9] if dice.random() < 0.9 else []
            values = _values(dice, len(own), field.name, measurand.code, measurand.kind)
            for at, value in zip(own, values, strict=True):
                found[slot, at] = min(max(value, measurand.low_ticks), measurand.high_ticks)
    keys = sorted(found, key=lambda key: (key[1], key[0]))
    flags = [dice.randrange(2) for _ in keys]
    return ObservationBatch.of([k[0] for k in keys], [k[1] for k in keys], [found[k] for k in keys], flags)


def _times(dice: random.Random, start_us: int, span_us: int) -> list[int]:
    """Return times of one device: by the hour or half hour with gaps, or anywhere, or on and beside edges."""
    step_us = dice.choice((HOUR_US, HOUR_US // 2))
    regular = [at for at in range(start_us, start_us + span_us, step_us) if dice.random() < 0.93]
    if dice.random() < 0.5:
        begin = dice.randrange(len(regular))
        del regular[begin : begin + dice.randrange(1, 20)]  # a silence of some hours
    odd = [start_us + dice.randrange(span_us) for _ in range(dice.randrange(20))]
    beside = [start_us + dice.randrange(span_us // HOUR_US) * HOUR_US + dice.choice((-1, 0, 1)) for _ in range(5)]
    return sorted({*(regular if dice.random() < 0.8 else []), *odd, *(at for at in beside if at >= start_us)})


def _values(dice: random.Random, count: int, field: str, code: str, kind: Kind) -> list[int]:
    if code in POLLUTANTS:
        level = SCALE[code] * dice.choice((0.2, 1, 3))
        spikes = [-3, 0, level, 20 * level]
        wide = [dice.gauss(level, level / 2) if dice.random() < 0.97 else dice.choice(spikes) for _ in range(count)]
        return [int(round(value, dice.choice((0, 3))) * 1000) for value in wide]
    if kind is Kind.COUNTER:
        return _register(dice, count, COUNTER_REACH[field])
    if kind is Kind.ANGLE:
        around = dice.randrange(360)
        return [(around + dice.choice((0, 1, 2, 180, dice.randrange(360)))) % 360 * 10 for _ in range(count)]
    if kind is Kind.LEVEL:
        return [dice.choice((5000, 6000, dice.randrange(0, 12000))) for _ in range(count)]
    if kind is Kind.STATE:
        return [dice.randrange(3) for _ in range(count)]
    return [dice.randrange(-300, 3000) for _ in range(count)]


def _register(dice: random.Random, count: int, reach: int) -> list[int]:
    """Return a register that rises, rests, runs over its end, runs backwards and is reset."""
    at, found = dice.randrange(reach), []
    for _ in range(count):
        found.append(at)
        chance = dice.random()
        if chance < 0.6:
            at += dice.randrange(reach // 200)
        elif chance < 0.7:
            at -= dice.randrange(reach // 100)
        elif chance < 0.73:
            at = dice.randrange(reach // 50)
        elif chance < 0.75:
            at += reach // 3
        at %= reach
    return found


def shuffled(batch: ObservationBatch, seed: int) -> ObservationBatch:
    """Return the same readings in another order."""
    return batch.take(np.random.default_rng(seed).permutation(len(batch)))
