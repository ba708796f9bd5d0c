"""The city's folder: what a fleet's city, zones and devices are, written as the files any city has.

Knows a fleet's specification and the files `city.toml`, `zones.geojson` and `devices.csv`; makes no reading.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np

from devices import Register, load_columns
from simulators.fleet.chance import below, key, words_at
from simulators.fleet.errors import FleetError
from simulators.fleet.spec import CitySpec, FleetSpec, GroupSpec

ZONE_MICRODEGREES = 20_000
"""A zone is a square of so many millionths of a degree."""
COLUMNS_OF_ZONES = 10
_TWO = np.arange(2, dtype=np.int64)
HEADER = "device,model,zone,latitude,longitude,interval_s,gateway,title"


def device_code(group: GroupSpec, zone: str, number: int) -> str:
    """Return the code of a group's nth device in a zone, counted from 1."""
    return f"{group.prefix}-{zone}-{number:0{max(3, len(str(group.count)))}d}"


def device_codes(group: GroupSpec) -> Iterator[tuple[str, str]]:
    """Yield (code, zone) of every device of a group, in the order of `devices.csv`."""
    for zone in group.zones:
        for number in range(1, group.count + 1):
            yield device_code(group, zone, number), zone


def write_city(spec: FleetSpec, folder: Path) -> None:
    """Write the city's folder, and the device models of the fleet's own.

    Raises:
        FleetError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "city.toml").write_text(_city(spec), encoding="utf-8")
        (folder / "zones.geojson").write_text(json.dumps(_zones(spec.city), ensure_ascii=False) + "\n", "utf-8")
        (folder / "devices.csv").write_text("\n".join(_devices(spec)) + "\n", encoding="utf-8")
        own = spec.path.parent / "models"
        if own.is_dir():
            shutil.copytree(own, folder / "models", dirs_exist_ok=True)
    except OSError as error:
        raise FleetError(f"{folder}: the city cannot be written: {error.strerror}") from error


def _city(spec: FleetSpec) -> str:
    city = spec.city
    lines = [
        f"# Made from the fleet file {spec.path.name} with seed {spec.seed}; an invented place.",
        f"code = {json.dumps(city.code)}",
        f"name = {json.dumps(city.name, ensure_ascii=False)}",
        f"time_zone = {json.dumps(city.time_zone.key)}",
    ]
    entries = [("", entry) for entry in _heads(city, spec.start)]
    entries += [(zone, entry) for zone, registers in city.registers.items() for entry in registers]
    for zone, entry in entries:
        lines += ["", "[[register]]", *_register(zone, entry)]
    return "\n".join(lines) + "\n"


def _heads(city: CitySpec, start: date) -> Iterator[Register]:
    """Yield the register entries of the inhabitants and households that the fleet file states for the city."""
    for code, value, unit in (("population", city.population, "inhabitants"), ("households", city.households, "1")):
        if value:
            yield Register(code, Fraction(value), unit, start, "invented")


def _register(zone: str, entry: Register) -> Iterator[str]:
    yield f"code = {json.dumps(entry.code)}"
    if zone:
        yield f'zone = "{zone}"'
    yield f"value = {entry.value}" if entry.value.denominator == 1 else f'value = "{entry.value}"'
    yield f"unit = {json.dumps(entry.unit, ensure_ascii=False)}"
    yield f'from = "{entry.valid_from.isoformat()}"'
    yield f"source = {json.dumps(entry.source, ensure_ascii=False)}"
    if entry.quality:
        yield f'quality = "{entry.quality}"'


def _corner(city: CitySpec, position: int) -> tuple[int, int]:
    """Return (longitude, latitude) of a zone's south-western corner, in millionths of a degree."""
    row, column = divmod(position, COLUMNS_OF_ZONES)
    rows, columns = -(-len(city.zones) // COLUMNS_OF_ZONES), min(len(city.zones), COLUMNS_OF_ZONES)
    west = int(city.longitude * 1_000_000) + (2 * column - columns) * ZONE_MICRODEGREES // 2
    south = int(city.latitude * 1_000_000) + (2 * row - rows) * ZONE_MICRODEGREES // 2
    return west, south


def _zones(city: CitySpec) -> dict[str, object]:
    features = []
    for position, zone in enumerate(city.zones):
        west, south = _corner(city, position)
        corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
        ring = [[(west + x * ZONE_MICRODEGREES) / 1e6, (south + y * ZONE_MICRODEGREES) / 1e6] for x, y in corners]
        features.append(
            {
                "type": "Feature",
                "properties": {"code": zone.code, "title": zone.title},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    return {"type": "FeatureCollection", "features": features}


def _devices(spec: FleetSpec) -> Iterator[str]:
    filled = dict.fromkeys(code for group in spec.groups for code in group.columns)
    columns = [code for code in {**load_columns(), **filled} if code in filled]
    yield ",".join([HEADER, *columns])
    corners = {zone.code: _corner(spec.city, position) for position, zone in enumerate(spec.city.zones)}
    titles = {zone.code: zone.title for zone in spec.city.zones}
    for group in spec.groups:
        for code, zone in device_codes(group):
            words = words_at(key(spec.seed, "place", code), _TWO)
            east, north = below(words, ZONE_MICRODEGREES).tolist()
            longitude, latitude = corners[zone][0] + east, corners[zone][1] + north
            title = f"{group.model.title.split(',')[0]} {code.rpartition('-')[2]}, {titles[zone]}".replace('"', "'")
            number = (int(code.rpartition("-")[2]) - 1) // (group.gateway_devices or group.count) + 1
            gateway = _filled(group.gateway, {"{zone}": zone, "{number}": str(number)})
            names = {"{device}": code, "{zone}": zone}
            more = "".join(f",{_filled(group.columns.get(column, ''), names)}" for column in columns)
            yield (
                f"{code},{group.model.code},{zone},{_degrees(latitude)},{_degrees(longitude)},"
                f'{group.interval_s},{gateway},"{title}"{more}'
            )


def _filled(pattern: str, names: Mapping[str, str]) -> str:
    for placeholder, name in names.items():
        pattern = pattern.replace(placeholder, name)
    return pattern


def _degrees(millionths: int) -> str:
    whole, part = divmod(abs(millionths), 1_000_000)
    return f"{'-' if millionths < 0 else ''}{whole}.{part:06d}"
