"""Device models are read strictly, and every fault is named."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import CODECS, ConfigError, Kind, codec, load_measurands, load_models
from devices.formats import FORMATS
from tests.devices import oracle_ticks
from tests.devices.make import faults_of, model, vectored

GOOD = """
title = "A meter"
codec = "senml-json"
interval_s = 900

[[field]]
name = "volume"
measurand = "water_volume"
unit = "l"
modulus = 10000000
rate_max = 2500.5
"""
JSON = GOOD.replace("senml-json", "json-paths") + '[time]\npath = "t"\nformat = "epoch_s"\n'


def test_every_model_of_the_package_reads_and_names_a_codec() -> None:
    models = load_models()
    assert set(FORMATS) == {codec.name for codec in CODECS}
    assert {m.codec for m in models.values()} <= set(FORMATS)
    assert {
        "access_point",
        "air_station",
        "air_station_ppb",
        "bike_dock",
        "bulk_water_meter",
        "car_park",
        "electricity_meter",
        "emergency_dispatch",
        "feeder_monitor",
        "gas_meter",
        "generation_meter",
        "heat_meter",
        "noise_monitor",
        "noise_monitor_1min",
        "outage_management",
        "outage_reporter",
        "police_records",
        "rf_monitor",
        "sewer_gauge",
        "shared_vehicles",
        "signal_controller",
        "stop_display",
        "traffic_counter",
        "traffic_segment",
        "travel_time_link",
        "wastewater_plant",
        "water_meter",
        "weather_station",
        "weighbridge",
    } <= set(models)
    for code, found in models.items():
        assert found.code == code
        assert found.feed is not None or "{device}" in found.topic


def test_a_counters_figures_are_ticks_of_the_canonical_unit() -> None:
    field = model(GOOD).fields[0]
    assert (field.kind, field.decimals, field.factor, field.offset) == (Kind.COUNTER, 6, Fraction(1, 1000), Fraction(0))
    assert (field.modulus_ticks, field.rate_ticks_max) == (10_000_000_000, 2_500_500)
    assert tuple(field.scale) == (1000, 1, 0)


def test_a_gas_in_ppb_carries_its_factor_and_convention() -> None:
    field = load_models()["air_station_ppb"].fields[2]
    assert (field.name, field.factor, field.unit) == ("no2", Fraction("1.9"), "ppb")
    assert field.convention == "U4SSC: ug/m3 = ppb * 1.9"


@given(oracle_ticks.number_texts(digits_max=9, exponent_max=3), st.integers(-(10**6), 10**6))
def test_a_gauge_that_is_turned_round_is_as_exact_as_others(text: str, height_cm: int) -> None:
    height = Fraction(height_cm, 100)
    turned = model(
        'title = "t"\ncodec = "json-paths"\ninterval_s = 60\n[[field]]\nname = "level"\nmeasurand = "water_level"\n'
        f'unit = "mm"\nfactor = -0.001\noffset = "{height}"\nconvention = "height less distance"\naccuracy = 5\n'
    )
    field = turned.fields[0]
    (reading,) = codec("json-paths").decode(f'{{"level": {text}}}'.encode(), turned, 1).readings
    assert reading.ticks == oracle_ticks.ticks(text, Fraction(-1, 1000), height, field.decimals)
    sent = codec("json-paths").encode(turned, [("level", 1, reading.ticks)])
    assert codec("json-paths").decode(sent, turned, 1).readings[0].ticks == reading.ticks
    assert field.accuracy == Fraction(5, 1000)


def test_a_gauges_factor_of_0_is_refused() -> None:
    still = GOOD.replace("water_volume", "water_level").replace(
        'unit = "l"', 'unit = "mm"\nfactor = 0\nconvention = "c"'
    )
    assert any("field[1].factor: expected a number other than 0, got 0" in fault for fault in faults_of(still))


def test_a_model_survives_the_trip_to_another_process() -> None:
    for found in load_models().values():
        assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301
        hash(found)
    catalogue = load_measurands()
    assert pickle.loads(pickle.dumps(catalogue)) == catalogue  # noqa: S301


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("interval_s", "intervall_s", "interval_s: is missing; expected a whole number from 1 to 2678400"),
        ("interval_s", "intervall_s", "intervall_s: unknown key; did you mean 'interval_s'?"),
        ("900", "0", "interval_s: expected a whole number from 1 to 2678400, got 0"),
        ("900", "true", "interval_s: expected a whole number from 1 to 2678400, got True"),
        ("senml-json", "senml_json", "codec: expected one of senml-json, "),
        (
            "water_volume",
            "water_volum",
            "field[1].measurand: unknown measurand 'water_volum'; did you mean 'water_volume'?",
        ),
        ('"l"', '"kWh"', "field[1].unit: water_volume: cannot convert 'kWh' (energy) to 'm3' (volume)"),
        ('"l"', '"litre"', "field[1].unit: water_volume: unknown unit 'litre'"),
        ('unit = "l"', "", "field[1].unit: is missing; expected a unit such as 'm3'"),
        ('unit = "l"', 'unit = "x"\nfactor = 2', "field[1].convention: is missing; say where `factor` comes from"),
        ('unit = "l"', 'unit = "l"\nconvention = "c"', "field[1].convention: says how `factor` was chosen"),
        ('unit = "l"', 'factor = -1\nconvention = "c"', "field[1].factor: expected a number above 0, got -1"),
        ('unit = "l"', 'factor = 0\nconvention = "c"', "field[1].factor: expected a number above 0, got 0"),
        ('unit = "l"', 'factor = 1e50\nconvention = "c"', "field[1].factor: expected a finite number"),
        ('unit = "l"', 'factor = inf\nconvention = "c"', "field[1].factor: expected a finite number"),
        (
            'unit = "l"',
            'factor = "1/0"\nconvention = "c"',
            "field[1].factor: expected a decimal number or a quotient of two",
        ),
        ('unit = "l"', 'offset = 3\nconvention = "c"', "field[1].offset: a counter has no offset"),
        ("10000000", "0", "field[1].modulus: expected more than 0"),
        ("10000000", "0.0001", "field[1].modulus: expected more than 0, a whole number of 10^-6 m3"),
        ("2500.5", '"fast"', "field[1].rate_max: expected a decimal number or a quotient of two, got 'fast'"),
        ('"volume"', '"vol ume"', "field[1].name: expected a SenML name of letters"),
        ('"volume"', '"urn:volume"', "field[1].name: expected a SenML name of letters"),
        ('"volume"', "5", "field[1].name: expected a text, got 5"),
        ("[[field]]", "[[fields]]", "field: is missing; expected at least one [[field]]"),
        ("[[field]]", "[field]", "field: expected at least one [[field]]"),
        ("rate_max", 'states = {a = "b"}\nrate_max', "field[1].states: water_volume has no states"),
        (
            'water_volume"\nunit = "l"',
            'water_flow"\nunit = "m3/h"',
            "field[1].modulus: only a counter has one, and water_flow is a gauge",
        ),
        ("rate_max", "factor = 2\nrate_max", "field[1].convention: is missing"),
        ('title = "A meter"', "", "title: is missing; expected a text"),
        ("[[field]]", '[time]\npath = "t"\nformat = "epoch_s"\n[[field]]', "time: senml-json carries its own times"),
        ("[[field]]", 'each = "a"\n[[field]]', "each: senml-json carries its own times"),
        ("[[field]]", 'topic = "a/+/b"\n[[field]]', "topic: a topic holds no wildcard"),
        ("[[field]]", 'topic = "a/{devise}"\n[[field]]', "topic: unknown placeholder {devise}; known: city, device"),
        ("[[field]]", 'topic = "a/{device"\n[[field]]', "topic: a brace without its pair"),
        ("[[field]]", 'topic = "$SYS/{device}"\n[[field]]', "topic: topics that begin with $ belong to the broker"),
        ("[[field]]", 'topic = "a b/{device}"\n[[field]]', "topic: a topic holds no wildcard (+ #), space"),
        ("A meter", "A\\meter", "not valid TOML"),
    ],
)
def test_a_faulty_model_is_refused_with_the_key_and_what_was_expected(old: str, new: str, fault: str) -> None:
    assert old in GOOD
    assert any(found.startswith(fault) for found in faults_of(GOOD.replace(old, new))), faults_of(
        GOOD.replace(old, new)
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('path = "t"', 'path = "a..b"', "time.path: expected a path such as data.pm25"),
        ('path = "t"', "", "time.path: is missing"),
        ("epoch_s", "epoch", "time.format: expected one of rfc3339, epoch_s"),
        ("format", "fromat", "time.fromat: unknown key; did you mean 'format'?"),
        ("[time]", '[time]\nrequired = "no"', "time.required: expected true or false, got 'no'"),
        ('name = "volume"', 'name = "volume"\npath = "a["', "field[1].path: expected a path such as"),
    ],
)
def test_a_faulty_json_model_is_refused_with_the_key(old: str, new: str, fault: str) -> None:
    assert old in JSON
    assert faults_of(JSON) == []
    assert any(found.startswith(fault) for found in faults_of(JSON.replace(old, new)))


def test_a_state_that_the_measurand_does_not_have_names_the_nearest() -> None:
    text = GOOD[: GOOD.index("[[field]]")] + '[[field]]\nname="load"\nmeasurand="traffic_load"\nstates={A="fre"}\n'
    assert faults_of(text) == ["field[1].states.A: unknown state 'fre'; did you mean 'free'?"]


def test_two_fields_of_one_name_are_refused() -> None:
    field = GOOD[GOOD.index("[[field]]") :]
    assert faults_of(GOOD + field) == ["field: two fields are named 'volume'"]


def test_every_fault_of_every_file_of_a_folder_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "meter_a.toml").write_text(vectored(GOOD.replace("900", "0").replace('"l"', '"kWh"')))
    (tmp_path / "meter_b.toml").write_text("title = ")
    (tmp_path / "water_meter.toml").write_text(vectored(GOOD))
    (tmp_path / "Bad Name.toml").write_text(vectored(GOOD))
    (tmp_path / "notes.txt").write_text("not a model")
    with pytest.raises(ConfigError) as caught:
        load_models(tmp_path)
    found = [(Path(p.file).name, p.where) for p in caught.value.problems]
    assert sorted(found) == [
        ("Bad Name.toml", ""),
        ("meter_a.toml", "field[1].unit"),
        ("meter_a.toml", "interval_s"),
        ("meter_b.toml", ""),
        ("water_meter.toml", ""),
    ]
    assert f"{tmp_path / 'water_meter.toml'}: a model 'water_meter' comes with the package" in str(caught.value)


def test_models_of_a_folder_join_those_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(vectored(GOOD))
    assert set(load_models(tmp_path)) == {*load_models(), "own"}
    with pytest.raises(ConfigError, match="expected a folder of device models"):
        load_models(tmp_path / "nowhere")


def test_one_mistake_is_one_message() -> None:
    assert len(faults_of(GOOD.replace('"l"', '"kWh"'))) == 1
    assert len(faults_of(GOOD.replace("water_volume", "water"))) == 1
