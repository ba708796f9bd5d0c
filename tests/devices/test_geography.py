"""The registry as GeoJSON: what goes out comes back the same."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.geography import csv_of_geojson, geojson

CELL = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=8)
DEGREES = st.one_of(
    st.just(("", "")),
    st.tuples(*[st.decimals(min_value=-89, max_value=89, places=7).map(lambda one: format(one, "f"))] * 2),
)


def cells(content: bytes) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return [{name: value for name, value in row.items() if value} for row in rows]


@given(st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), CELL, DEGREES), max_size=4))
def test_what_is_written_as_geojson_is_read_back_as_the_same_devices(
    drawn: list[tuple[str, str, tuple[str, str]]],
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["device", "title", "latitude", "longitude"])
    writer.writerows((code, title, *place) for code, title, place in drawn)
    content = out.getvalue().encode()
    back = cells(csv_of_geojson(geojson(content)))
    for found, wanted in zip(back, cells(content), strict=True):
        for name in ("latitude", "longitude"):
            assert float(found.pop(name, "0")) == float(wanted.pop(name, "0"))
        assert found == wanted


def test_a_device_without_a_place_has_no_geometry_and_longitude_comes_first() -> None:
    text = geojson(b"device,latitude,longitude\na,38.35,-0.48\nb,,\n")
    first, second = json.loads(text)["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [-0.48, 38.35]}
    assert (first["properties"], second["geometry"]) == ({"device": "a"}, None)


@pytest.mark.parametrize(
    "text",
    [
        "[]", "{}", '{"type": "FeatureCollection"}', '{"type": "FeatureCollection", "features": [1]}',
        '{"type": "FeatureCollection", "features": [{"properties": {"device": ["a"]}}]}',
        '{"type": "FeatureCollection", "features": [{"properties": {}, "geometry": {"type": "Polygon"}}]}',
        '{"type": "FeatureCollection", "features": [{"properties": {}, "geometry": {"type": "Point"}}]}',
        '{"type": "FeatureCollection", "features": [{"properties": {}, "geometry":'
        ' {"type": "Point", "coordinates": ["a", "b"]}}]}',
    ],
)  # fmt: skip
def test_what_is_no_collection_of_devices_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        csv_of_geojson(text)
