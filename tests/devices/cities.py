"""A small city written to a folder, whole or with one thing wrong."""

from __future__ import annotations

import json
from pathlib import Path

from tests.devices.make import vectored

CITY = """\
code = "testville"
name = "Testville"
time_zone = "Europe/Madrid"
area_km2 = 201.5

[[register]]
code = "population"
value = 340000
from = "2024-01-01"
source = "census"

[[register]]
code = "population"
value = 345000
from = "2025-01-01"
source = "census"
"""

DEVICES = """\
device,model,zone,latitude,longitude,in_service_from,in_service_to,interval_s,gateway,title,topic
air-1,air_station,north,38.35,-0.48,2024-01-01,,,,Air at the park,
air-2,air_station_ppb,south,38.34,-0.49,2024-03-31,2024-10-27,1800,roof,,
meter-1,water_meter,south,,,,,,roof,,
own,car_park,north,,,,,,,,parking/own/state
"""


def square(code: str, west: float) -> dict[str, object]:
    """Return a zone of one square."""
    ring = [[west, 38.3], [west + 0.1, 38.3], [west + 0.1, 38.4], [west, 38.4], [west, 38.3]]
    return {
        "type": "Feature",
        "properties": {"code": code, "title": code.title()},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


ZONES = {"type": "FeatureCollection", "features": [square("north", -0.5), square("south", -0.6)]}


def write_city(
    folder: Path, city: str = CITY, devices: str = DEVICES, zones: object = ZONES, models: dict[str, str] | None = None
) -> Path:
    """Write a city's folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(city, encoding="utf-8")
    (folder / "devices.csv").write_text(devices, encoding="utf-8")
    (folder / "zones.geojson").write_text(json.dumps(zones), encoding="utf-8")
    for name, text in (models or {}).items():
        (folder / "models").mkdir(exist_ok=True)
        file = folder / "models" / (name if "." in name else f"{name}.toml")
        file.write_text(vectored(text) if file.suffix == ".toml" else text, encoding="utf-8")
    return folder
