"""The city: its name, clock, zones, registers, columns and rules, read from `city.toml` and `zones.geojson`.

Knows the city itself; knows none of its devices.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from devices.columns import Column, load_columns, read_columns
from devices.errors import nearest
from devices.measurands import load_measurands
from devices.models import CODE
from devices.quality import QualityRule, read_quality
from devices.registers import Register, holding, read_registers
from devices.tables import FILE_BYTES_MAX, Problems, Table, parse_toml

ZONES_MAX = 10_000
POSITIONS_MAX = 1_000_000
"""Positions of all outlines together."""

Ring = tuple[tuple[float, float], ...]
Polygon = tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the city.

    Attributes:
        code, title: short and full name.
        polygons: outlines as GeoJSON has them: polygons of rings (the first is the outside, others are holes) of
            (longitude, latitude) in degrees, WGS 84, each ring closed. Empty for a zone without an outline.
        registers: its own dated denominators, by code and date.
        title_ko: full name in Korean; empty where none is given.
    """

    code: str
    title: str
    polygons: tuple[Polygon, ...]
    registers: tuple[Register, ...] = ()
    title_ko: str = ""


@dataclass(frozen=True, slots=True)
class City:
    """A city.

    Attributes:
        code: as in its topics.
        name: as people write it.
        time_zone: name in the IANA database.
        zone_info: that time zone; civil days are its days.
        population, households, area_km2: 0 where not stated. The newest register entry of the same name otherwise.
        zones: in the order of `zones.geojson`.
        registers: every dated denominator of the whole city, by code and date; those of a zone stand with it.
        columns: columns that its devices may have beyond those of every city (`load_columns`), by code.
        quality: rules by which stored observations are flagged, in the order of the file.
        name_ko: its name in Korean; empty where none is given.
    """

    code: str
    name: str
    time_zone: str
    zone_info: ZoneInfo
    population: int
    households: int
    area_km2: Fraction
    zones: tuple[Zone, ...]
    registers: tuple[Register, ...]
    columns: Mapping[str, Column] = field(default_factory=dict, hash=False)
    quality: tuple[QualityRule, ...] = ()
    name_ko: str = ""

    def zone_index(self, code: str) -> int:
        """Return the position of a zone.

        Raises:
            KeyError: no such zone; the message names the nearest.
        """
        for position, zone in enumerate(self.zones):
            if zone.code == code:
                return position
        raise KeyError(f"unknown zone {code!r}{nearest(code, [z.code for z in self.zones])}")

    def register(self, code: str, day: date, zone: str | None = None) -> Register | None:
        """Return the denominator of the city, or of one of its zones, that holds on a day; None where there is none.

        The zones' are never added up to a city's, nor a city's shared out: each is what somebody stated.

        Raises:
            KeyError: no such zone; the message names the nearest.
        """
        return holding(self.registers if zone is None else self.zones[self.zone_index(zone)].registers, code, day)


def load_city(folder: Path) -> City:
    """Return the city of a folder.

    Raises:
        ConfigError: naming every fault of both files.
    """
    problems = Problems()
    city = read_city(folder, problems)
    problems.raise_if_any()
    assert city is not None  # noqa: S101  # no fault was noted, so the file was there and was TOML
    return city


def read_city(folder: Path, problems: Problems) -> City | None:
    """Return the city of a folder; faults go to `problems`, and None is returned where there is no `city.toml`."""
    zones = _read_zones(folder / "zones.geojson", problems)
    content = read_file(folder / "city.toml", problems)
    root = None if content is None else parse_toml(content, str(folder / "city.toml"), problems)
    if root is None:
        return None
    code = root.text("code")
    if not CODE.match(code):
        root.fault("code", f"expected small letters, digits, `_` and `-` (it is part of topics), got {code!r}")
    zone_name = root.text("time_zone")
    of_zones = read_registers(root, [zone.code for zone in zones])
    registers = of_zones.get("", ())
    newest = {r.code: r.value for r in registers}
    city = City(
        code=code,
        name=root.text("name"),
        time_zone=zone_name,
        zone_info=_zone_info(root, zone_name),
        population=root.whole("population", int(newest.get("population", 0)), low=0, high=10**9),
        households=root.whole("households", int(newest.get("households", 0)), low=0, high=10**9),
        area_km2=root.number("area_km2", newest.get("area_km2", Fraction(0))) or Fraction(0),
        zones=tuple(replace(zone, registers=of_zones.get(zone.code, ())) for zone in zones),
        registers=registers,
        columns=read_columns(root, load_columns()),
        quality=read_quality(root, load_measurands()),
        name_ko=root.text("name_ko", ""),
    )
    root.done()
    return city


def read_file(path: Path, problems: Problems) -> bytes | None:
    """Return the content of a file; None and a fault when it cannot be read or is too large."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            problems.add(str(path), "", f"expected at most {FILE_BYTES_MAX} bytes, got {path.stat().st_size}")
            return None
        return path.read_bytes()
    except FileNotFoundError:
        problems.add(str(path), "", "no such file; a city's folder holds city.toml, zones.geojson and devices.csv")
    except OSError as error:
        problems.add(str(path), "", f"cannot be read: {error.strerror}")
    return None


def _zone_info(root: Table, name: str) -> ZoneInfo:
    """Return the time zone of a name, or UTC and a fault."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # what zoneinfo raises for odd names, folders and unknown zones
        if root.has("time_zone"):
            root.fault("time_zone", f"expected a name of the IANA time zone database such as Asia/Seoul, got {name!r}")
        return ZoneInfo("UTC")


def _read_zones(path: Path, problems: Problems) -> tuple[Zone, ...]:
    """Return the zones of a GeoJSON FeatureCollection."""
    content = read_file(path, problems)
    if content is None:
        return ()
    try:
        root = json.loads(content)
    except (ValueError, RecursionError) as error:
        problems.add(str(path), "", f"not valid JSON: {error}")
        return ()
    features = root.get("features") if isinstance(root, dict) else None
    if not isinstance(features, list) or not 1 <= len(features) <= ZONES_MAX:
        problems.add(str(path), "", f"expected a GeoJSON FeatureCollection of 1 to {ZONES_MAX} features")
        return ()
    zones: dict[str, Zone] = {}
    budget = POSITIONS_MAX
    for number, feature in enumerate(features, 1):
        where = f"feature {number}"
        properties = feature.get("properties") if isinstance(feature, dict) else None
        code = properties.get("code") if isinstance(properties, dict) else None
        if not isinstance(properties, dict) or not isinstance(code, str) or not CODE.match(code):
            problems.add(
                str(path), where, f"expected properties.code of small letters, digits, `_` and `-`, got {code!r}"
            )
            continue
        title, title_ko = properties.get("title", code), properties.get("title_ko", "")
        for key, text in (("title", title), ("title_ko", title_ko)):
            if not isinstance(text, str):
                problems.add(str(path), f"{where} ({code})", f"expected a text as properties.{key}, got {text!r}")
        try:
            polygons, budget = _polygons(feature.get("geometry"), budget)
        except (ValueError, TypeError) as error:
            problems.add(str(path), f"{where} ({code})", str(error))
            polygons = ()
        if code in zones:
            problems.add(str(path), where, f"a second zone {code!r}")
        zones[code] = Zone(code, str(title), polygons, title_ko=str(title_ko))
    return tuple(zones.values())


def _polygons(geometry: object, budget: int) -> tuple[tuple[Polygon, ...], int]:
    """Return the outlines of a geometry, and the positions left of the budget.

    Raises:
        ValueError, TypeError: what was expected.
    """
    if geometry is None:
        return (), budget
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"expected a geometry of type Polygon or MultiPolygon (or null), got {kind!r}")
    rings_of = geometry.get("coordinates")
    if kind == "Polygon":
        rings_of = [rings_of]
    if not isinstance(rings_of, list) or not all(isinstance(rings, list) and rings for rings in rings_of):
        raise ValueError("expected coordinates as arrays of rings of [longitude, latitude]")
    polygons = []
    for rings in rings_of:
        polygon = []
        for ring in rings:
            if not isinstance(ring, list) or len(ring) < 4 or ring[0] != ring[-1]:
                raise ValueError("expected closed rings of at least 4 positions (RFC 7946, section 3.1.6)")
            budget -= len(ring)
            if budget < 0:
                raise ValueError(f"expected at most {POSITIONS_MAX} positions in all; simplify the outlines")
            polygon.append(tuple(_position(position) for position in ring))
        polygons.append(tuple(polygon))
    return tuple(polygons), budget


def _position(position: object) -> tuple[float, float]:
    """Return (longitude, latitude) of one position."""
    if not isinstance(position, list) or len(position) < 2:
        raise ValueError(f"expected [longitude, latitude], got {str(position)[:40]}")
    longitude, latitude = position[:2]
    for value, reach, name in ((longitude, 180, "longitude"), (latitude, 90, "latitude")):
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or abs(value) > reach
        ):
            raise ValueError(f"expected a {name} from -{reach} to {reach}, got {value!r}")
    return float(longitude), float(latitude)
