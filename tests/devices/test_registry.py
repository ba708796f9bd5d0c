"""The registry of a city: series, topics and subscriptions, and every fault with its place."""

from __future__ import annotations

import copy
import pickle
import re
from dataclasses import fields, replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices import (
    TIME_MAX_US,
    TIME_MIN_US,
    ConfigError,
    Kind,
    Registry,
    city_columns,
    load_city,
    load_columns,
    load_registry,
    time_us_from_rfc3339,
)
from devices.topics import LEVELS_MAX, covers, filters_of, matches, overlap, subscriptions
from tests.devices.cities import CITY, DEVICES, ZONES, write_city
from tests.devices.test_models import GOOD


def problems(folder: Path) -> list[str]:
    """Return the faults of a city's folder, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load_registry(folder)
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).splitlines()]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return load_registry(write_city(tmp_path))


def test_slots_run_through_devices_in_the_files_order_and_fields_in_the_models(registry: Registry) -> None:
    assert [d.code for d in registry.devices] == ["air-1", "air-2", "meter-1", "own"]
    expected = [
        registry.slot(device.code, field.name)
        for device in registry.devices
        for field in registry.model_of(device).fields
    ]
    assert expected == list(range(registry.slot_count())) == list(range(21))
    assert [registry.slots(i) for i in range(4)] == [range(12), range(12, 18), range(18, 19), range(19, 21)]
    with pytest.raises(KeyError, match="did you mean 'meter-1'"):
        registry.slot("meter1", "volume")
    with pytest.raises(KeyError, match="did you mean 'volume'"):
        registry.slot("meter-1", "volum")


def test_the_series_table_says_what_each_slot_is(registry: Registry) -> None:
    series = registry.series()
    slot = registry.slot("meter-1", "volume")
    measurand = registry.catalogue.measurands[series.measurand[slot]]
    assert (measurand.code, series.kind[slot]) == ("water_volume", Kind.COUNTER)
    assert (series.low_ticks[slot], series.high_ticks[slot]) == (measurand.low_ticks, measurand.high_ticks)
    assert (series.modulus_ticks[slot], series.rate_ticks_max[slot]) == (10**12, 20_000_000)
    assert (series.service_from_us[slot], series.service_to_us[slot]) == (TIME_MIN_US, TIME_MAX_US)
    assert registry.city.zones[series.zone[slot]].code == "south"
    assert registry.gateways == ("direct", "roof")
    assert registry.gateways[series.gateway[slot]] == "roof"
    slot = registry.slot("air-2", "no2")
    assert series.interval_us[slot] == 1_800_000_000
    assert series.interval_us[registry.slot("air-1", "no2")] == 3_600_000_000
    assert series.service_from_us[slot] == time_us_from_rfc3339("2024-03-30T23:00:00Z")
    assert series.service_to_us[slot] == time_us_from_rfc3339("2024-10-26T22:00:00Z")
    assert len(series) == registry.slot_count()
    assert {str(getattr(series, name).dtype) for name in ("device", "measurand", "zone", "gateway")} == {"int32"}
    assert series.kind.dtype == "int8"


def test_every_row_of_the_series_table_is_its_own_device_and_field(registry: Registry) -> None:
    series, catalogue = registry.series(), registry.catalogue
    zones = [zone.code for zone in registry.city.zones]
    rows = [
        (
            position, at := catalogue.index(field.measurand), field.kind, zones.index(device.zone),
            registry.gateways.index(device.gateway), device.interval_us, device.service_from_us, device.service_to_us,
            catalogue.measurands[at].low_ticks, catalogue.measurands[at].high_ticks,
            field.modulus_ticks, field.rate_ticks_max,
        )
        for position, device in enumerate(registry.devices)
        for field in registry.model_of(device).fields
    ]  # fmt: skip
    columns = [getattr(series, column.name).tolist() for column in fields(series)]
    assert list(zip(*columns, strict=True)) == rows
    assert registry.series() is series


def test_without_devices_there_are_no_rows_in_the_series_table(registry: Registry) -> None:
    series = replace(registry, devices=()).series()
    assert (len(series), series.measurand.dtype, series.kind.dtype) == (0, np.int32, np.int8)


def test_subscriptions_take_every_topic_exactly_once(registry: Registry) -> None:
    filters = registry.subscriptions()
    assert filters == ("cityvitals/testville/+/telemetry", "parking/own/state")
    for device in registry.devices:
        assert sum(matches(f, registry.topic(device)) for f in filters) == 1


LEVELS = st.sampled_from(["a", "b", "+"])
TOPICS = st.lists(st.sampled_from(["a", "b"]), min_size=2, max_size=3).map("/".join)


@given(TOPICS, st.lists(LEVELS, min_size=2, max_size=3).map("/".join))
def test_a_filter_takes_a_topic_where_it_is_one_of_those_that_do(topic: str, one: str) -> None:
    assert (one in filters_of(topic)) == matches(one, topic)
    assert len(filters_of("/".join("a" * LEVELS_MAX))) == 2**LEVELS_MAX
    assert filters_of("/".join("a" * (LEVELS_MAX + 1))) == ()


@given(
    st.dictionaries(st.lists(LEVELS, min_size=2, max_size=3).map("/".join), st.lists(TOPICS, max_size=4), max_size=6)
)
@example(raw={"a/b/+": [], "a/+/b": [], "a/a/b": ["a/a/b"]})
def test_subscriptions_cover_all_and_never_overlap(raw: dict[str, list[str]]) -> None:
    by_filter = {f: [t for t in topics if matches(f, t)] for f, topics in raw.items()}
    chosen = subscriptions(by_filter)
    for one in chosen:
        assert not [other for other in chosen if other != one and (overlap(one, other) or covers(one, other))]
    for topics in by_filter.values():
        for topic in topics:
            assert sum(matches(f, topic) for f in chosen) == 1


@given(
    st.dictionaries(st.lists(LEVELS, min_size=2, max_size=3).map("/".join), st.lists(TOPICS, max_size=4), max_size=6)
)
@example(raw={"a/a": [], "a/+/a": [], "+/b/+": []})
def test_a_filter_to_discover_by_is_taken_whole_and_nothing_twice(raw: dict[str, list[str]]) -> None:
    by_filter = {f: [t for t in topics if matches(f, t)] for f, topics in raw.items()}
    wide = ("a/+", "+/b/a")
    chosen = subscriptions(by_filter, wide)
    for one in wide:
        assert any(covers(taken, one) for taken in chosen)
    for topic in ("a/a", "a/b", "b/b/a", *(topic for topics in by_filter.values() for topic in topics)):
        assert sum(matches(f, topic) for f in chosen) == 1


def test_a_citys_registers_are_dated_and_the_newest_is_its_population(registry: Registry) -> None:
    city = registry.city
    assert (city.code, city.population, city.area_km2, str(city.zone_info)) == (
        "testville",
        345_000,
        Fraction(403, 2),
        "Europe/Madrid",
    )
    entry = city.register("population", date(2024, 12, 31))
    assert entry is not None
    assert entry.value == 340_000
    assert city.register("population", date(2023, 12, 31)) is None
    assert city.zone_index("south") == 1
    assert city.zones[0].polygons[0][0][0] == (-0.5, 38.3)


ZONE_REGISTERS = """
[[register]]
code = "population"
zone = "north"
value = 100000
from = "2024-01-01"
source = "census tracts"
quality = "higher_level"

[[register]]
code = "population"
zone = "north"
value = 101000
from = "2025-01-01"
"""


def test_a_zone_has_registers_of_its_own_and_the_citys_stay_what_they_are(tmp_path: Path) -> None:
    city = load_registry(write_city(tmp_path, city=CITY + ZONE_REGISTERS)).city

    def value(day: date, zone: str | None = None) -> Fraction | None:
        entry = city.register("population", day, zone)
        return None if entry is None else entry.value

    assert [value(date(year, 7, 1), "north") for year in (2023, 2024, 2025)] == [None, 100_000, 101_000]
    assert [value(date(year, 7, 1)) for year in (2024, 2025)] == [340_000, 345_000]
    assert value(date(2025, 7, 1), "south") is None
    assert city.population == 345_000
    assert [r.quality for r in city.zones[0].registers] == ["higher_level", ""]
    with pytest.raises(KeyError, match="did you mean 'north'"):
        city.register("population", date(2025, 1, 1), "nort")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('zone = "north"', 'zone = "nort"', "register[3].zone: unknown zone 'nort'; did you mean 'north'?"),
        ('"2025-01-01"', '"2024-01-01"', "register[4].from: a second 'population' from 2024-01-01 of 'north'"),
        ("value = 100000", 'value = "1/3"', "register[3].value: expected a decimal number, which 1/3 is not"),
        ('"higher_level"', '"high"', "register[3].quality: expected one of measured, survey, higher_level"),
    ],
)
def test_a_faulty_register_of_a_zone_is_refused_with_its_key(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in ZONE_REGISTERS
    found = problems(write_city(tmp_path, city=CITY + ZONE_REGISTERS.replace(old, new, 1)))
    assert len(found) == 1
    assert found[0].startswith(f"city.toml: {fault}"), found


def test_a_registry_survives_the_trip_to_another_process(registry: Registry) -> None:
    assert pickle.loads(pickle.dumps(registry)) == registry  # noqa: S301


def test_a_citys_own_models_are_read_from_its_folder(tmp_path: Path) -> None:
    devices = DEVICES + "m-2,own_meter,north,,,,,,,,\n"
    folder = write_city(tmp_path, devices=devices, models={"own_meter": GOOD})
    assert load_registry(folder).slot("m-2", "volume") == 21


def test_a_models_own_columns_are_kept_for_its_devices_alone(tmp_path: Path) -> None:
    own = 'columns = ["floor"]\n' + GOOD.lstrip()
    text = "device,model,zone,floor\nm-1,own_meter,north,3\nm-2,water_meter,north,\n"
    registry = load_registry(write_city(tmp_path, devices=text, models={"own_meter": own}))
    assert [d.attributes for d in registry.devices] == [{"floor": "3"}, {}]
    write_city(tmp_path, devices=text.replace("north,\n", "north,4\n"))
    assert problems(tmp_path) == ["devices.csv: line 3, column floor: model 'water_meter' has no such column"]


COLUMNS = """device,model,zone,network,monitored_km,purpose
m-1,water_meter,north,water,12.5,residential
m-2,heat_meter,south,,,
"""
OWN_COLUMN = '\n[[column]]\ncode = "owner"\ntitle = "who answers for it"\nvalues = ["city", "board"]\n'


def test_columns_of_any_device_are_kept_whatever_its_model(tmp_path: Path) -> None:
    registry = load_registry(write_city(tmp_path, devices=COLUMNS))
    assert [d.attributes for d in registry.devices] == [
        {"network": "water", "monitored_km": "12.5", "purpose": "residential"}, {},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("12.5", "-1", "line 2, column monitored_km: expected a number in km such as 12 or 12.5, got '-1'"),
        ("12.5", "1e3", "line 2, column monitored_km: expected a number in km"),
        ("12.5", "٣", "line 2, column monitored_km: expected a number in km"),
        ("12.5", "1/3", "line 2, column monitored_km: expected a number in km"),
        ("north,water,", "north,watr,", "got 'watr'; did you mean 'water'?"),
        ("network", "netwrk", "line 1, column netwrk: unknown column; did you mean 'network'?"),
    ],
)
def test_a_cell_of_such_a_column_is_checked_with_its_place(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in COLUMNS
    found = problems(write_city(tmp_path, devices=COLUMNS.replace(old, new, 1)))
    assert len(found) == 1
    assert fault in found[0], found


def test_a_city_has_columns_of_its_own_and_they_are_checked_too(tmp_path: Path) -> None:
    devices = "device,model,zone,owner\nm-1,water_meter,north,board\nm-2,car_park,north,\n"
    registry = load_registry(write_city(tmp_path, city=CITY + OWN_COLUMN, devices=devices))
    assert [d.attributes for d in registry.devices] == [{"owner": "board"}, {}]
    assert registry.city.columns["owner"].values == ("city", "board")
    assert city_columns(tmp_path) == {**load_columns(), **registry.city.columns}
    write_city(tmp_path, city=CITY + OWN_COLUMN, devices=devices.replace("board", "bord"))
    assert problems(tmp_path) == [
        "devices.csv: line 2, column owner: expected one of city, board, got 'bord'; did you mean 'board'?"
    ]
    assert city_columns(tmp_path / "nowhere") == load_columns()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"owner"', '"zone"', "column[1].code: there is a column 'zone' already"),
        ('"owner"', '"network"', "column[1].code: there is a column 'network' already"),
        ('"owner"', '"Owner"', "column[1].code: expected small letters"),
        ("values = [", 'unit = "km"\nvalues = [', "column[1].values: a column is a number with a `unit` or a text"),
        ('values = ["city", "board"]', 'unit = "kms"', "column[1].unit: unknown unit 'kms'"),
        ('"board"', '"city"', "column[1].values: expected at most 200 different texts"),
        ("values", "value", "column[1].value: unknown key; did you mean 'values'?"),
    ],
)
def test_a_faulty_column_of_a_city_is_refused_with_its_key(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in OWN_COLUMN
    folder = write_city(tmp_path, city=CITY + OWN_COLUMN.replace(old, new, 1))
    assert any(line.startswith(f"city.toml: {fault}") for line in problems(folder)), problems(folder)
    with pytest.raises(ConfigError, match=re.escape(fault)):
        city_columns(folder)


ROW = "air-1,air_station,north,38.35,-0.48,2024-01-01,,,,Air at the park,"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("air-2,", "air-1,", "line 3, column device: device 'air-1' stands in line 2 already"),
        (
            "air_station,north",
            "air_statoin,north",
            "line 2, column model: unknown model 'air_statoin'; did you mean 'air_station'?",
        ),
        ("air_station,north", "air_station,nort", "line 2, column zone: unknown zone 'nort'; did you mean 'north'?"),
        ("38.35", "138.35", "line 2, column latitude: expected degrees from -90 to 90, got '138.35'"),
        ("-0.48", "-180.48", "line 2, column longitude: expected degrees from -180 to 180, got '-180.48'"),
        ("38.35", "nan", "line 2, column latitude: expected degrees from -90 to 90, got 'nan'"),
        ("38.35", "", "line 2, column longitude: expected both latitude and longitude, or neither"),
        ("2024-01-01,,", "2024-13-01,,", "line 2, column in_service_from: expected a date (2024-01-31)"),
        ("2024-10-27", "2024-03-31", "line 3, column in_service_to: expected a time after in_service_from"),
        ("1800", "0", "line 3, column interval_s: expected whole seconds from 1 to 2678400, got '0'"),
        ("1800", "3600.5", "line 3, column interval_s: expected whole seconds"),
        ("1800", "٦٠", "line 3, column interval_s: expected whole seconds"),
        ("air-1,", "air/1,", "line 2, column device: expected letters, digits"),
        ("air-1,", "air+1,", "line 2, column device: expected letters, digits"),
        ("air-1,", "air#1,", "line 2, column device: expected letters, digits"),
        ("air-1,", "air 1,", "line 2, column device: expected letters, digits"),
        ("air-1,", ",", "line 2, column device: expected letters, digits"),
        (
            "meter-1,water_meter,south,,,,,,roof",
            "meter-1,water_meter,south,,,,,,the roof",
            "line 4, column gateway: expected",
        ),
        ("parking/own/state", "parking/#", "line 5, column topic: a topic holds no wildcard"),
        (
            "parking/own/state",
            "cityvitals/testville/air-1/telemetry",
            "line 5, column topic: 'own' and 'air-1' publish to the same",
        ),
        ("interval_s", "intervals", "line 1, column intervals: unknown column; did you mean 'interval_s'?"),
        ("zone,lat", "zones,lat", "line 1: column zone is missing; expected device,model,zone"),
        ("title,topic", "title,title", "line 1, column title: stands twice"),
        ("Air at the park,", "Air at the park", "line 2: expected 11 columns, got 10"),
        ("Air at the park", '"Air', "line 5: not valid CSV"),
    ],
)
def test_a_faulty_row_is_refused_with_line_and_column(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in DEVICES
    found = problems(write_city(tmp_path, devices=DEVICES.replace(old, new, 1)))
    assert any(line.startswith(f"devices.csv: {fault}") for line in found), found


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Europe/Madrid", "Europe/Madird", "time_zone: expected a name of the IANA time zone database"),
        ("Europe/Madrid", "../etc", "time_zone: expected a name of the IANA time zone database"),
        ('code = "testville"', 'code = "Test/ville"', "code: expected small letters"),
        ('name = "Testville"', "", "name: is missing; expected a text"),
        ("area_km2", "area_km", "area_km: unknown key; did you mean 'area_km2'?"),
        ("value = 340000", "value = -1", "register[1].value: expected a number from 0"),
        ('"2025-01-01"', '"2024-01-01"', "register[2].from: a second 'population' from 2024-01-01"),
        ('"2025-01-01"', '"2025-02-30"', "register[2].from: expected a date such as 2024-01-01"),
    ],
)
def test_a_faulty_city_is_refused_with_its_key(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in CITY
    found = problems(write_city(tmp_path, city=CITY.replace(old, new, 1)))
    assert any(line.startswith(f"city.toml: {fault}") for line in found), found


def broken(path: list[str | int], value: object) -> object:
    """Return the zones with one thing replaced."""
    zones: object = copy.deepcopy(ZONES)
    at = zones
    for step in path[:-1]:
        at = at[step]  # type: ignore[index]
    at[path[-1]] = value  # type: ignore[index]
    return zones


@pytest.mark.parametrize(
    ("zones", "fault"),
    [
        ([], "expected a GeoJSON FeatureCollection"),
        (broken(["features"], []), "expected a GeoJSON FeatureCollection of 1 to 10000 features"),
        (
            broken(["features", 0, "properties", "code"], "No rth"),
            "feature 1: expected properties.code of small letters",
        ),
        (broken(["features", 0, "properties"], None), "feature 1: expected properties.code"),
        (broken(["features", 1, "properties", "code"], "north"), "feature 2: a second zone 'north'"),
        (broken(["features", 0, "properties", "title"], 5), "feature 1 (north): expected a text as properties.title"),
        (
            broken(["features", 0, "properties", "title_ko"], 5),
            "feature 1 (north): expected a text as properties.title_ko",
        ),
        (
            broken(["features", 0, "geometry", "type"], "Point"),
            "feature 1 (north): expected a geometry of type Polygon",
        ),
        (
            broken(["features", 0, "geometry", "coordinates"], [[[0, 0], [1, 1], [0, 0]]]),
            "feature 1 (north): expected closed",
        ),
        (
            broken(["features", 0, "geometry", "coordinates", 0, 1], [200, 0]),
            "feature 1 (north): expected a longitude from",
        ),
        (
            broken(["features", 0, "geometry", "coordinates", 0, 1], ["x", 0]),
            "feature 1 (north): expected a longitude from",
        ),
        (
            broken(["features", 0, "geometry", "coordinates", 0, 1], 7),
            "feature 1 (north): expected [longitude, latitude]",
        ),
        (
            broken(["features", 0, "geometry", "coordinates", 0, 4], [-0.5, 38.35]),
            "feature 1 (north): expected closed rings",
        ),
        (broken(["features", 0, "geometry", "coordinates"], 7), "feature 1 (north): expected coordinates as arrays"),
    ],
)
def test_faulty_zones_are_refused_with_their_feature(tmp_path: Path, zones: object, fault: str) -> None:
    found = problems(write_city(tmp_path, zones=zones))
    assert any(line.startswith(f"zones.geojson: {fault}") for line in found), found


def test_every_fault_of_every_file_is_reported_at_once(tmp_path: Path) -> None:
    found = problems(
        write_city(
            tmp_path,
            city=CITY.replace("Europe/Madrid", "Nowhere"),
            devices=DEVICES.replace("air_station,north", "air_station,nord").replace("1800", "x"),
            zones=broken(["features", 1, "geometry", "type"], "Line"),
            models={"own": GOOD.replace('"l"', '"kWh"')},
        )
    )
    places = [line.split(": ")[0:2] for line in found]
    assert places == [
        ["zones.geojson", "feature 2 (south)"],
        ["city.toml", "time_zone"],
        ["models/own.toml", "field[1].unit"],
        ["devices.csv", "line 2, column zone"],
        ["devices.csv", "line 3, column interval_s"],
    ]


def test_missing_files_are_named_together(tmp_path: Path) -> None:
    assert [line.split(": ")[0] for line in problems(tmp_path)] == ["zones.geojson", "city.toml", "devices.csv"]
    with pytest.raises(ConfigError, match="no such file"):
        load_city(tmp_path / "nowhere")


def test_a_spreadsheets_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    folder = write_city(tmp_path)
    (folder / "devices.csv").write_bytes(
        b"\xef\xbb\xbf" + DEVICES.replace("\n", "\r\n").encode() + b"\r\n,,,,,,,,,,\r\n"
    )
    assert len(load_registry(folder).devices) == 4


def test_a_file_that_is_no_utf_8_or_has_no_device_is_refused(tmp_path: Path) -> None:
    folder = write_city(tmp_path)
    (folder / "devices.csv").write_bytes(b"device,model,zone\n\xff")
    assert problems(folder) == ["devices.csv: byte 18: expected UTF-8 text"]
    (folder / "devices.csv").write_bytes(b"device,model,zone\n")
    assert problems(folder) == ["devices.csv: expected at least one device"]
