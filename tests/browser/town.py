"""A small town with readings up to now, as files of history: zones with outlines, a gap, a silent device, bad rows.

Knows the files of a city and of `cityvitals backfill`; knows no browser. Whoever writes one says what the time is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from devices import rfc3339

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
HOURS = 60
"""How far back the hourly readings go."""
NOISE_HOURS = 8
GAP_HOURS = range(20, 24)
"""Hours ago in which the station of the south sent nothing."""

METER_HOURS = 3
"""Hours ago of the meter's last reading. It should report every minute and did every hour: no window is complete."""
AWAY_MINUTES = range(100, 130)
"""Minutes ago in which the noise monitor was away."""

CITY = """\
code = "harbourtown"
name = "Harbourtown"
time_zone = "Asia/Seoul"
area_km2 = 40

[[register]]
code = "population"
value = 120000
from = "2001-01-01"
source = "stand-in"
"""

DEVICES = """\
device,model,zone,latitude,longitude,gateway,title,purpose
air-north,air_station,north,35.155,129.055,,Air at the park,
air-south,air_station,south,35.105,129.065,,Air at the harbour,
air-lost,air_station,south,35.115,129.075,,Never heard,
noise-west,noise_monitor_1min,west,35.125,129.015,,Noise at the crossing,
meter-east,water_meter,east,35.135,129.105,,A house,residential
"""

POLLUTANTS = {"pm2_5": 30.0, "pm10": 55.0, "no2": 40.0, "so2": 9.0, "o3": 60.0, "co": 500.0}
"""Usual values in µg/m³; the south has three times as much."""

DECLARED = """\
key,year,value,numerator,denominator,unit,quality,origin,source,note
EC: ICT: ICT: 1C,2025,,40500,45000,%,survey,household survey,statistics office,
"""

Reading = tuple[int, str, str, str, str]
"""Time, device, field, value and unit."""


def write_town(folder: Path) -> Path:
    """Write the town's folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    corners = {"north": (129.03, 35.135), "south": (129.03, 35.08), "west": (128.975, 35.1), "east": (129.085, 35.11)}
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "title": f"{code.title()} quarter"},
            "geometry": {"type": "Polygon", "coordinates": [_square(*corner)]},
        }
        for code, corner in corners.items()
    ]
    (folder / "city.toml").write_text(CITY)
    (folder / "devices.csv").write_text(DEVICES)
    (folder / "declared.csv").write_text(DECLARED)
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return folder


def readings(now_us: int) -> Iterator[Reading]:
    """Return the town's readings of the last days, up to `now_us`."""
    this_hour = now_us // HOUR_US * HOUR_US
    for hours in range(HOURS, -1, -1):
        time_us = this_hour - hours * HOUR_US
        for device, factor in (("air-north", 1.0), ("air-south", 3.0)):
            if device == "air-south" and hours in GAP_HOURS:
                continue
            for field, usual in POLLUTANTS.items():
                yield time_us, device, field, f"{usual * factor * (1 + hours % 12 / 24):.3f}", "ug/m3"
        if hours >= METER_HOURS:
            yield time_us, "meter-east", "volume", f"{1000 + (HOURS - hours) * 0.012:.3f}", "m3"
    this_minute = now_us // MINUTE_US * MINUTE_US
    for minutes in range(NOISE_HOURS * 60, 0, -1):
        if minutes not in AWAY_MINUTES:
            yield this_minute - minutes * MINUTE_US, "noise-west", "sound_level", _level(minutes), "dB"


def bad(now_us: int) -> Iterator[Reading]:
    """Return readings that cannot be taken."""
    yield now_us, "nobody", "sound_level", "50", "dB"
    yield now_us - HOUR_US, "noise-west", "sound_level", "5000", "dB"
    yield now_us - 2 * HOUR_US, "noise-west", "sound_level", "50", "kg"


def write_history(file: Path, rows: Iterable[Reading]) -> Path:
    """Write readings as a file that `backfill` takes, and return it."""
    lines = ["time,device,field,value,unit", *(",".join((rfc3339(at), *rest)) for at, *rest in rows)]
    file.write_text("\n".join(lines) + "\n")
    return file


def _level(minutes: int) -> str:
    return f"{55 + minutes % 17 / 2:.1f}"


def _square(west: float, south: float) -> list[list[float]]:
    east, north = west + 0.055, south + 0.055
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]
