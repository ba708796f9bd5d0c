"""A registry as GeoJSON: every cell of `devices.csv` as a property, and where a device stands as a point.

Knows cells as text, so that what goes out comes back the same; whether they make sense is `devices.registry`'s to say.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from devices.listing import written

LATITUDE, LONGITUDE = "latitude", "longitude"
FIRST = ("device", "model", "zone", LATITUDE, LONGITUDE)
"""Columns that come first where nothing says in which order they stood."""


def geojson(content: bytes) -> str:
    """Return the devices of a file of devices, one feature a line in the file's order; without a place, null.

    Raises:
        ValueError: it is no CSV in UTF-8.
    """
    features = [_feature(row) for row in _rows(content)]
    return '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n"


def csv_of_geojson(text: str) -> bytes:
    """Return a file of devices as the features of a collection say it; columns in the order in which they come.

    Raises:
        ValueError: it is no collection of features with properties and points.
    """
    # Numbers stay as they are written: what was 38.350 is 38.350.
    try:
        found = json.loads(text, parse_float=str, parse_int=str)
    except RecursionError:
        raise ValueError("expected a FeatureCollection, got one thing within another without an end") from None
    if not isinstance(found, dict) or found.get("type") != "FeatureCollection":
        raise ValueError("expected a FeatureCollection")
    features = found.get("features")
    if not isinstance(features, list):
        raise ValueError("expected an array of features")  # noqa: TRY004
    rows = [_row(number, feature) for number, feature in enumerate(features, 1)]
    columns = list(dict.fromkeys([*FIRST, *(name for row in rows for name in row)]))
    lines = [columns, *([row.get(name, "") for name in columns] for row in rows)]
    return "".join(written(line) + "\n" for line in lines).encode("utf-8")


def same_devices(one: bytes, other: bytes) -> bool:
    """Say whether two files of devices hold the same cells in the same order, however they are written.

    Raises:
        ValueError: as `geojson`.
    """
    return [_filled(row) for row in _rows(one)] == [_filled(row) for row in _rows(other)]


def _filled(row: Mapping[str, str]) -> dict[str, str]:
    return {name: cell for name, cell in row.items() if cell}


def _rows(content: bytes) -> list[dict[str, str]]:
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"not valid CSV: {error}") from None
    header: Sequence[str] = [name.strip() for name in lines[0]] if lines else []
    return [dict(zip(header, map(str.strip, line), strict=False)) for line in lines[1:] if any(line)]


def _feature(row: Mapping[str, str]) -> str:
    place = [row.get(LONGITUDE, ""), row.get(LATITUDE, "")]
    # A number is written as it stands, zeros at its end too; JSON knows no sign before others.
    point = ", ".join(format(Decimal(one), "f") for one in place if one)
    geometry = f'{{"type": "Point", "coordinates": [{point}]}}' if all(place) else "null"
    cells = {name: value for name, value in _filled(row).items() if name not in (LATITUDE, LONGITUDE)}
    properties = json.dumps(cells, ensure_ascii=False)
    return f'{{"type": "Feature", "geometry": {geometry}, "properties": {properties}}}'


def _row(number: int, feature: object) -> dict[str, str]:
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        raise ValueError(f"feature {number}: expected an object with properties")  # noqa: TRY004
    row = {}
    for name, value in feature["properties"].items():
        if not isinstance(value, str) and value is not None:
            raise ValueError(f"feature {number}: expected a text or a number as {name}, got {value!r}")
        row[str(name)] = value or ""
    geometry = feature.get("geometry")
    if geometry is None:
        return row
    place = geometry.get("coordinates") if isinstance(geometry, dict) and geometry.get("type") == "Point" else None
    if not isinstance(place, list) or len(place) < 2 or not all(isinstance(one, str) for one in place[:2]):
        raise ValueError(f"feature {number}: expected a Point, or null")
    try:
        longitude, latitude = (format(Decimal(one), "f") for one in place[:2])
    except InvalidOperation:
        raise ValueError(f"feature {number}: expected degrees, got {place}") from None
    return {**row, LATITUDE: latitude, LONGITUDE: longitude}
