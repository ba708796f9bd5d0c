"""The registry as GeoJSON: what goes out comes back the same."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.geography import csv_of_geojson, geojson, same_devices

# Blanks around a cell are nobody's; within, anything may stand.
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8).map(str.strip) | st.sampled_from(
    ['공원, "북쪽"', "a\r\nb", "a\rb", '"', ",", "1e5", "null", "\\u0041", "=1+1", "x\u2028x"]
)
DEGREES = st.one_of(
    st.just(("", "")),
    st.tuples(*[st.decimals(min_value=-89, max_value=89, places=7).map(lambda one: format(one, "f"))] * 2),
    st.sampled_from([("38.350", "-0.480"), ("0", "0.0"), ("7", "-7.00000000000000000000")]),
)


def cells(content: bytes) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return [{name: value for name, value in row.items() if value} for row in rows]


@given(st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), CELL, DEGREES), max_size=4))
def test_what_is_written_as_geojson_is_read_back_as_the_same_devices(
    drawn: list[tuple[str, str, tuple[str, str]]],
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(["device", "title", "latitude", "longitude"])
    writer.writerows((code, title, *place) for code, title, place in drawn)
    content = out.getvalue().encode()
    text = geojson(content)
    back = csv_of_geojson(text)
    assert cells(back) == cells(content)
    assert same_devices(back, content)
    assert geojson(back) == text
    assert csv_of_geojson(geojson(back)) == back
    json.loads(text)


def test_files_that_hold_other_devices_are_not_the_same() -> None:
    assert not same_devices(b"device,title\na,x\n", b"device,title\na,y\n")
    assert not same_devices(b"device\na\nb\n", b"device\nb\na\n")


def test_a_sign_and_zeros_before_a_number_are_left_out_for_json_has_none() -> None:
    assert '"coordinates": [0.5, 7.10]' in geojson(b"device,latitude,longitude\na,+007.10,+0.5\n")


def test_a_device_without_a_place_has_no_geometry_and_longitude_comes_first() -> None:
    text = geojson(b"device,latitude,longitude\na,38.35,-0.48\nb,,\n")
    first, second = json.loads(text)["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [-0.48, 38.35]}
    assert (first["properties"], second["geometry"]) == ({"device": "a"}, None)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000, "[]", "{}", '{"type": "FeatureCollection"}', '{"type": "FeatureCollection", "features": [1]}',
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
