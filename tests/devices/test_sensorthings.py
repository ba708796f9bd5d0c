"""Observations of SensorThings hold when they say, in data arrays too; a time that is misspelt is no time of now."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import FLAG_TIME_FROM_ARRIVAL, PayloadError, codec
from devices.codecs.base import TIME_MAX_US, TIME_MIN_US
from devices.times import time_us_from_rfc3339
from tests.devices.make import RECEIVED_US, decoded, model
from tests.examples import examples

HEAD = 'title = "test"\ncodec = "sensorthings"\ninterval_s = 60\n'
RESULT = '[[field]]\nname = "temp"\npath = "result"\nmeasurand = "temperature"\nunit = "Cel"\n'
ONE = model(HEAD + RESULT)
SEVERAL = model(HEAD + 'each = "observations"\n' + RESULT)
PARTS = model(
    HEAD
    + '[[field]]\nname = "pm"\npath = "result.pm25"\nmeasurand = "pm2_5"\nunit = "ug/m3"\n'
    + '[[field]]\nname = "no2"\npath = "result.gases[1]"\nmeasurand = "no2"\nunit = "ug/m3"\n'
)
T = "2024-03-09T16:00:00Z"
LATER = "2024-03-09T16:15:00Z"


def us(text: str) -> int:
    return time_us_from_rfc3339(text)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"phenomenonTime": T, "resultTime": LATER}, T),
        ({"phenomenonTime": f"{T}/{LATER}"}, T),  # an interval counts from its begin
        ({"phenomenonTime": "2024-03-09T17:00:00.000+01:00", "resultTime": None}, T),
        ({"resultTime": LATER}, LATER),
        ({"phenomenonTime": None, "resultTime": LATER}, LATER),
    ],
)
def test_an_observation_holds_when_its_phenomenon_did(said: dict[str, Any], meant: str) -> None:
    assert decoded(ONE, {"result": 11.25, **said}) == ([("temp", us(meant), 11_250, 0)], [])


def test_without_any_time_it_is_of_its_arrival_and_marked_so() -> None:
    message = {"result": 11.25, "parameters": {"n": 1}, "@iot.id": 3}
    assert decoded(ONE, message)[0] == [("temp", RECEIVED_US, 11_250, FLAG_TIME_FROM_ARRIVAL)]


@pytest.mark.parametrize("name", ["phenonmenonTime", "phenomenontime", "PhenomenonTime", "phenomenon_time"])
def test_a_misspelt_time_is_not_taken_for_now(name: str) -> None:
    assert decoded(ONE, {"result": 72, name: "2015-02-05T17:00:00Z", "resultTime": LATER}) == ([], [("bad_time", 1)])


def test_the_names_of_a_data_array_are_compared_once_however_many_rows_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    monkeypatch.setattr(difflib, "get_close_matches", lambda *given: compared.append(given) or [])
    members = ["result", "phenomenonWeather", "rows of this test"]
    array = {"components": members, "dataArray": [[11.25, at, at] for at in range(1000)]}
    assert len(decoded(SEVERAL, [array])[0]) == 1000
    assert len(compared) == 1


@pytest.mark.parametrize("time", ["soon", 17, {"a": 1}, "", "/", f"/{T}"])
def test_a_time_that_cannot_be_read_is_refused(time: Any) -> None:
    assert decoded(ONE, {"result": 72, "phenomenonTime": time}) == ([], [("bad_time", 1)])


def test_parts_of_a_result_hold_together() -> None:
    message = {"phenomenonTime": T, "result": {"pm25": 12.5, "gases": [1, 40]}}
    assert decoded(PARTS, message)[0] == [("pm", us(T), 12_500, 0), ("no2", us(T), 40_000, 0)]


def rows(*values: list[Any], components: Any = ("phenomenonTime", "result")) -> dict[str, Any]:
    """Return a data array."""
    shared = {"Datastream": {"@iot.id": 1}, "dataArray@iot.count": len(values)}
    return {**shared, "components": list(components), "dataArray": list(values)}


@pytest.mark.parametrize(
    "message",
    [
        [rows([T, 1.5], [LATER, 2.5])],
        rows([T, 1.5], [LATER, 2.5]),
        [rows([T, 1.5]), rows([2.5, LATER], components=("result", "phenomenonTime"))],
        [{"phenomenonTime": T, "result": 1.5}, {"phenomenonTime": LATER, "result": 2.5}],
        {"value": [{"phenomenonTime": T, "result": 1.5}, {"phenomenonTime": LATER, "result": 2.5}]},
    ],
)
def test_several_observations_are_read_one_by_one_where_the_model_says_so(message: Any) -> None:
    assert decoded(SEVERAL, json.dumps(message).encode())[0] == [("temp", us(T), 1500, 0), ("temp", us(LATER), 2500, 0)]
    assert decoded(ONE, json.dumps(message).encode()) == ([], [("empty", 1)])


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (5, "expected an Observation"),
        ([5], "expected an Observation"),
        (rows([T]), "rows of 2 values"),
        (rows([T, 1], components=({}, [])), "components"),
        ({"dataArray": []}, "components"),
        ({**rows(), "dataArray": {}}, "components"),
        (rows(*[[]] * 20_000, components=()), "at most 10000"),
        ([{"result": 1}] * 10_001, "at most 10000"),
    ],
)
def test_what_is_no_observation_is_refused_and_told_why(message: Any, told: str) -> None:
    with pytest.raises(PayloadError, match=told):
        codec("sensorthings").decode(json.dumps(message).encode(), ONE, RECEIVED_US)


TIMES = st.integers(TIME_MIN_US, TIME_MAX_US)


@settings(max_examples=examples(200))
@given(time=TIMES, ticks=st.integers(-(10**15), 10**15))
def test_what_is_encoded_decodes_to_the_same(time: int, ticks: int) -> None:
    for chosen, readings in ((ONE, [("temp", time, ticks)]), (PARTS, [("pm", time, ticks), ("no2", time, 1)])):
        found = decoded(chosen, codec("sensorthings").encode(chosen, readings))
        assert found == ([(*reading, 0) for reading in readings], [])


@settings(max_examples=examples(100))
@given(times=st.lists(TIMES, min_size=1, max_size=4, unique=True))
def test_several_are_encoded_as_an_array(times: list[int]) -> None:
    readings = [("temp", time, 7) for time in times]
    assert decoded(SEVERAL, codec("sensorthings").encode(SEVERAL, readings))[0] == [(*r, 0) for r in readings]


@pytest.mark.parametrize("readings", [[("pm", 1, 1), ("no2", 2, 1)], []])
def test_what_an_observation_cannot_say_is_not_encoded(readings: list[tuple[str, int, int]]) -> None:
    with pytest.raises(ValueError, match=r"one time|a reading"):
        codec("sensorthings").encode(PARTS, readings)
