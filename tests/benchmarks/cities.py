"""Cities made for measuring: noise monitors all in one zone, or a mixture over many."""

from __future__ import annotations

import json
from pathlib import Path

CODE = "bench"
_CITY = f'code = "{CODE}"\nname = "Benchmark"\ntime_zone = "UTC"\n'
_MIXTURE = (
    ("air_station", 2_000),
    ("electricity_meter", 10_000),
    ("water_meter", 21_000),
    ("noise_monitor_1min", 12_500),
    ("traffic_segment", 12_500),
)
"""Device model and how many of it make a city of 100,000 series: 12 of each air station, 3 of each meter of power."""

_ASSESSED = (
    ("electricity_meter", 4_000),
    ("water_meter", 4_500),
    ("gas_meter", 500),
    ("heat_meter", 300),
    ("air_station", 120),
    ("travel_time_link", 100),
)
"""Of an electricity or heat meter KPIs ask for one series, of an air station for five; of the others for their one."""


def write(folder: Path, devices: int, interval_s: int, model: str = "noise_monitor_1min") -> Path:
    """Write a city of devices of one kind, all in one zone, and return its folder."""
    return _written(folder, [(model, devices)], ["all"], interval_s)


def assessed(folder: Path, *, zones: int, part: int = 1) -> Path:
    """Write a city in which KPIs ask for 10,000 series over `part`, each reporting every hour; return its folder."""
    kinds = [(model, count // part) for model, count in _ASSESSED]
    return _written(folder, kinds, [f"zone{n:02d}" for n in range(zones)], 3600)


def mixed(folder: Path, *, zones: int, part: int = 1) -> Path:
    """Write a city of 100,000 series over `part`, every one reporting each minute; return its folder."""
    kinds = [(model, count // part) for model, count in _MIXTURE]
    return _written(folder, kinds, [f"zone{n:02d}" for n in range(zones)], 60)


def _written(folder: Path, kinds: list[tuple[str, int]], zones: list[str], interval_s: int) -> Path:
    folder.mkdir()
    (folder / "city.toml").write_text(_CITY)
    features = [
        {"type": "Feature", "properties": {"code": zone, "title": zone.capitalize()}, "geometry": None}
        for zone in zones
    ]
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    models = [model for model, count in kinds for _ in range(count)]
    rows = (f"dev{n:06d},{model},{zones[n % len(zones)]},{interval_s}\n" for n, model in enumerate(models))
    (folder / "devices.csv").write_text("device,model,zone,interval_s\n" + "".join(rows))
    return folder
