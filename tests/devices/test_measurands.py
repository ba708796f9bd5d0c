"""The catalogue covers what the indicators compute from, and refuses what could overflow."""

from __future__ import annotations

import pytest

from devices import ConfigError, Kind, load_measurands
from devices.measurands import (
    LEVEL_ENERGY_SCALE,
    LEVELS_PER_DAY_MAX,
    OBSERVATIONS_PER_DAY_MAX,
    parse_measurands,
)

NEEDED = {
    "pm2_5": Kind.GAUGE,
    "pm10": Kind.GAUGE,
    "no2": Kind.GAUGE,
    "so2": Kind.GAUGE,
    "o3": Kind.GAUGE,
    "co": Kind.GAUGE,
    "temperature": Kind.GAUGE,
    "dew_point": Kind.GAUGE,
    "humidity": Kind.GAUGE,
    "pressure": Kind.GAUGE,
    "wind_speed": Kind.GAUGE,
    "wind_direction": Kind.ANGLE,
    "rainfall": Kind.EVENT,
    "sound_level": Kind.LEVEL,
    "water_volume": Kind.COUNTER,
    "water_flow": Kind.GAUGE,
    "electricity_import": Kind.COUNTER,
    "electricity_export": Kind.COUNTER,
    "power": Kind.GAUGE,
    "voltage": Kind.GAUGE,
    "heat_energy": Kind.COUNTER,
    "gas_volume": Kind.COUNTER,
    "vehicle_count": Kind.EVENT,
    "vehicle_total": Kind.COUNTER,
    "vehicle_speed": Kind.GAUGE,
    "travel_time": Kind.GAUGE,
    "parking_occupancy": Kind.GAUGE,
    "occupancy": Kind.GAUGE,
    "traffic_load": Kind.STATE,
    "bicycles_available": Kind.GAUGE,
    "vehicles_available": Kind.GAUGE,
    "fill_level": Kind.GAUGE,
    "electromagnetic_field": Kind.GAUGE,
    "turbidity": Kind.GAUGE,
    "chlorine": Kind.GAUGE,
    "ph": Kind.GAUGE,
    "conductivity": Kind.GAUGE,
    "interruption": Kind.EVENT,
    "battery": Kind.GAUGE,
    "signal_strength": Kind.GAUGE,
}
INT64_MAX = 2**63 - 1

ONE = """
[[measurand]]
code = "thing"
title = "A thing"
unit = "m3"
kind = "counter"
decimals = 3
low = 0
high = 1000
source = "test"
"""


def problems_of(text: str) -> list[str]:
    """Return the faults of a catalogue."""
    with pytest.raises(ConfigError) as caught:
        parse_measurands(text.encode(), "m.toml")
    return str(caught.value).splitlines()


def test_every_measurand_the_indicators_need_is_there_with_its_kind() -> None:
    catalogue = load_measurands()
    assert {code: catalogue.by_code[code].kind for code in NEEDED} == NEEDED


def test_a_position_in_the_catalogue_is_the_measurands_code() -> None:
    catalogue = load_measurands()
    assert all(catalogue.index(m.code) == i for i, m in enumerate(catalogue.measurands))
    with pytest.raises(KeyError, match="did you mean 'pm2_5'"):
        catalogue.index("pm25")


def test_no_day_of_any_measurand_can_overflow_64_bits() -> None:
    for m in load_measurands().measurands:
        reach = max(abs(m.low_ticks), abs(m.high_ticks))
        if m.kind is Kind.LEVEL:
            energy = LEVEL_ENERGY_SCALE * 10 ** (m.high_ticks / 10**m.decimals / 10)
            assert energy * LEVELS_PER_DAY_MAX < INT64_MAX
        elif m.kind is not Kind.STATE:
            assert reach * OBSERVATIONS_PER_DAY_MAX <= INT64_MAX, m.code
        assert m.title
        assert m.source


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "high = 1000",
            "high = 9300000000",
            "m.toml: measurand[1].high: 1000000 values of 9300000000000 ticks could overflow",
        ),
        ('kind = "counter"', 'kind = "level"', "m.toml: measurand[1].high: expected levels from 0 to 130"),
        ('kind = "counter"', 'kind = "countr"', "m.toml: measurand[1].kind: expected one of gauge, counter"),
        ('unit = "m3"', 'unit = "m4"', "m.toml: measurand[1].unit: unknown unit 'm4'"),
        ("high = 1000", "high = -1", "m.toml: measurand[1].high: expected low < high"),
        ("high = 1000", "high = 0.0005", "m.toml: measurand[1].high: expected low < high, both whole multiples"),
        ("decimals = 3", "decimals = 12", "m.toml: measurand[1].decimals: expected a whole number from 0 to 9"),
        ("decimals = 3", "decimls = 3", "m.toml: measurand[1].decimls: unknown key; did you mean 'decimals'?"),
        ('code = "thing"', 'code = "Thing"', "m.toml: measurand[1].code: expected small letters"),
        ('kind = "counter"', 'kind = "angle"', "m.toml: measurand[1].high: expected an angle from 0 to 360"),
        (
            'source = "test"',
            'source = "test"\nstates = ["a", "b"]',
            "m.toml: measurand[1].states: only a measurand of kind",
        ),
    ],
)
def test_a_faulty_measurand_is_refused_with_its_key(old: str, new: str, expected: str) -> None:
    assert any(line.startswith(expected) for line in problems_of(ONE.replace(old, new)))


def test_a_level_of_140_decibels_is_refused() -> None:
    text = ONE.replace('"counter"', '"level"').replace("high = 1000", "high = 140").replace('"m3"', '"dB[A]"')
    assert problems_of(text) == [
        "m.toml: measurand[1].high: expected levels from 0 to 130: the energy table ends there"
    ]


def test_a_code_twice_is_refused() -> None:
    assert problems_of(ONE + ONE) == ["m.toml: measurand[2].code: 'thing' stands twice in the catalogue"]


@pytest.mark.parametrize("count", [1, 5])
def test_a_state_has_two_to_four_names(count: int) -> None:
    names = [f"s{i}" for i in range(count)]
    text = f'[[measurand]]\ncode="x"\ntitle="x"\nunit="1"\nkind="state"\nsource="x"\nstates={names}\n'
    assert "expected 2 to 4 different names" in problems_of(text)[0]


def test_every_fault_of_the_file_is_reported_at_once() -> None:
    text = ONE.replace('unit = "m3"', 'unit = "m4"') + ONE.replace("thing", "other").replace("source", "sorce")
    found = problems_of(text)
    assert [line.split(": ")[1] for line in found] == ["measurand[1].unit", "measurand[2].source", "measurand[2].sorce"]


def test_a_file_that_is_not_toml_is_refused() -> None:
    assert "not valid TOML" in problems_of("[[measurand")[0]
