"""Fleet files written for a test."""

from __future__ import annotations

from pathlib import Path

from simulators.fleet import Fleet, build

NOW_US = 1_790_000_000_000_000
"""A gateway's clock, well after every fleet here."""

TOWN = """\
seed = 7
start = "2025-03-29"
days = 2

[city]
code = "town"
name = "Town"
time_zone = "Europe/Berlin"

[[zone]]
code = "east"

[[zone]]
code = "west"
"""

GROUPS = """
[[group]]
model = "air_station"
prefix = "air"
count = 1
interval_s = 3600
gateway = "air-{zone}"

[[group]]
model = "weather_station"
prefix = "sky"
count = 1
interval_s = 1800
pack = 3

[[group]]
model = "water_meter"
prefix = "water"
count = 2
interval_s = 1800
pack = 4
gateway = "meters-{zone}"

[[group]]
model = "traffic_segment"
prefix = "street"
count = 1
interval_s = 3600
pack = 2

[[group]]
model = "bike_dock"
prefix = "bike"
count = 1
interval_s = 3600

[[group]]
model = "outage_reporter"
prefix = "grid"
count = 1
interval_s = 7200
[group.signal.interrupted]
every_days = 1
hours = 2
"""


def write_fleet(folder: Path, faults: str = "", *, groups: str = GROUPS, town: str = TOWN) -> Path:
    """Write a fleet file and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "fleet.toml"
    path.write_text(f"{town}{groups}{faults}", encoding="utf-8")
    return path


def made(folder: Path, faults: str = "", *, groups: str = GROUPS, town: str = TOWN) -> Fleet:
    """Return a fleet of such a file."""
    return build(write_fleet(folder, faults, groups=groups, town=town), folder / "city")
