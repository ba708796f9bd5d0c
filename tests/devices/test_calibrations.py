"""Calibrations: exact, dated, and refused where they would say nothing sound."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import ConfigError, Registry, load_registry
from devices.calibrations import Calibration, Lines, line_of
from devices.ticks import TICKS_MAX
from ingest import build_routing
from tests.devices.cities import write_city
from tests.ingest.messages import framer, pour, publish, readings

DEVICES = "device,model,zone\nair-1,air_station,north\nbox-1,box,north\nmeter-1,water_meter,south\n"
BOX = """\
title = "A box"
codec = "json-paths"
interval_s = 60
[[field]]
name = "pm2_5"
measurand = "pm2_5"
path = "p"
unit = "ug/m3"
"""
HEADER = "device,field,valid_from,gain,offset,certificate,source\n"
DOCS = Path(__file__).parents[2] / "docs" / "devices.md"
DECIMALS = st.decimals(min_value="-1000", max_value="1000", places=6).map(Fraction)


def city(folder: Path, lines: str) -> Path:
    made = write_city(folder, devices=DEVICES, models={"box": BOX})
    (made / "calibrations.csv").write_text(lines)
    return made


def loaded(folder: Path, *lines: str) -> Registry:
    return load_registry(city(folder, HEADER + "\n".join(lines)))


@given(st.integers(-(10**15), 10**15), DECIMALS.filter(lambda gain: gain > 0), DECIMALS, st.integers(0, 9))
def test_ticks_are_corrected_as_fractions_are_and_rounded_once(
    ticks: int, gain: Fraction, offset: Fraction, decimals: int
) -> None:
    line = line_of(Calibration("d", "f", 0, gain, offset), decimals)
    lines = Lines(1, {0: ((0,), (line,))})
    exactly = (Fraction(ticks, 10**decimals) * gain + offset) * 10**decimals
    assert lines.corrected(0, 0, ticks) == round(exactly)  # Python rounds a Fraction half to even


def test_the_line_that_holds_is_that_of_the_readings_own_time() -> None:
    starts = (10, 20)
    twice, same = (line_of(Calibration("d", "f", 0, Fraction(gain), Fraction(0)), 3) for gain in (2, 1))
    lines = Lines(2, {1: (starts, (twice, same))})
    slot, time_us = np.array([1, 1, 1, 1, 0], np.int32), np.array([9, 10, 19, 20, 15])
    ticks = np.array([7, 7, 7, 7, 7])
    lines.apply(slot, time_us, ticks)
    assert ticks.tolist() == [7, 14, 14, 7, 7]


def test_what_64_bits_do_not_hold_stays_at_their_edge() -> None:
    line = line_of(Calibration("d", "f", 0, Fraction(10**9), Fraction(0)), 0)
    assert Lines(1, {0: ((0,), (line,))}).corrected(0, 0, 2**62) == TICKS_MAX


def test_the_compiled_road_and_the_codecs_give_the_same_corrected_readings(tmp_path: Path) -> None:
    registry = loaded(tmp_path / "a", "air-1,pm2_5,2024-01-01,1.1,-0.5,K-1,lab", "box-1,pm2_5,2024-01-01,1.1,-0.5,,")
    bare = load_registry(write_city(tmp_path / "b", devices=DEVICES, models={"box": BOX}))
    senml = json.dumps([{"n": "air-1:pm2_5", "u": "ug/m3", "v": 35.2}, {"n": "air-1:no2", "v": 4}]).encode()
    stream = publish("cityvitals/testville/air-1/telemetry", senml)
    stream += publish("cityvitals/testville/box-1/telemetry", b'{"p": 35.2}')
    found = {}
    for name, one in (("calibrated", registry), ("bare", bare)):
        made = framer(tables=build_routing(one))
        [intake] = pour(made, stream)
        assert not intake.faults
        found[name] = [row[3] for row in readings(intake)]
        assert made.counters.slow_road == 1
    assert found == {"calibrated": [38_220, 4_000, 38_220], "bare": [35_200, 4_000, 35_200]}


@pytest.mark.parametrize(
    ("line", "where", "what"),
    [
        ("nobody,pm2_5,2024-01-01,1,0,,", "column device", "unknown device"),
        ("air-1,pm25,2024-01-01,1,0,,", "column field", "did you mean 'pm2_5'"),
        ("meter-1,volume,2024-01-01,1,0,,", "column field", "is a counter"),
        ("air-1,pm2_5,yesterday,1,0,,", "column valid_from", "expected"),
        ("air-1,pm2_5,2024-01-01,0,0,,", "column gain", "above 0"),
        ("air-1,pm2_5,2024-01-01,1,nan,,", "column offset", "expected a decimal number"),
        ("air-1,pm2_5,2024-01-01,1,1e-30,,", "column offset", "at most 18 decimals"),
        ("air-1,pm2_5,2024-01-01", "line 2", "expected 7 columns"),
        ("air-1,no2,2024-01-01,,,,\nair-1,no2,2024-01-01,2,,,", "column valid_from", "another calibration"),
    ],
)
def test_a_line_that_says_nothing_sound_is_refused_with_its_place(
    tmp_path: Path, line: str, where: str, what: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, line)
    assert where in str(refused.value)
    assert what in str(refused.value)


def test_a_header_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'offset'"):
        load_registry(city(tmp_path, "device,field,valid_from,ofset\n"))
    with pytest.raises(ConfigError, match="valid_from: is missing"):
        load_registry(city(tmp_path, "device,field\n"))


def test_the_example_of_the_guide_loads(tmp_path: Path) -> None:
    example = re.search(r"<!-- calibrations -->\n```csv\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert example is not None
    text = example[1].replace("gauge-7,level", "air-1,no2")
    first, second = load_registry(city(tmp_path, text)).calibrations
    assert (first.gain, first.offset, first.certificate) == (Fraction("1.02"), Fraction("-0.015"), "K-2026-118")
    assert second.valid_from_us - first.valid_from_us > 0
