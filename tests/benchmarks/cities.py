"""Cities made for measuring: as many noise monitors as wanted, all in one zone."""

from __future__ import annotations

import json
from pathlib import Path

CODE = "bench"
_CITY = f'code = "{CODE}"\nname = "Benchmark"\ntime_zone = "UTC"\n'
_ZONES = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "properties": {"code": "all", "title": "Everything"}, "geometry": None}],
}


def write(folder: Path, devices: int, interval_s: int) -> Path:
    """Write a city's folder and return it."""
    folder.mkdir()
    (folder / "city.toml").write_text(_CITY)
    (folder / "zones.geojson").write_text(json.dumps(_ZONES))
    rows = (f"dev{n:06d},noise_monitor_1min,all,{interval_s}\n" for n in range(devices))
    (folder / "devices.csv").write_text("device,model,zone,interval_s\n" + "".join(rows))
    return folder
