"""Every device model of the package has test vectors in it, or a message beside it and the readings that carries."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from devices import codec, load_measurands, load_models, rfc3339, text_from_ticks
from devices.codecs.trial import try_vectors
from tests.devices.make import RECEIVED_US

FOLDER = Path(__file__).parent / "data" / "models"
PAGE = (Path(__file__).parents[2] / "docs" / "devices.md").read_text(encoding="utf-8")
MODELS = load_models()
CATALOGUE = load_measurands().by_code
BESIDE = [code for code, model in MODELS.items() if not model.vectors]
WITHIN = [code for code, model in MODELS.items() if model.vectors]


def test_every_model_has_an_example_and_every_example_a_model() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(BESIDE)
    assert {path.name.removesuffix(".readings.jsonl") for path in FOLDER.glob("*.jsonl")} == set(BESIDE)


@pytest.mark.parametrize("code", WITHIN)
def test_the_vectors_of_a_model_hold_and_show_every_field(code: str) -> None:
    model = MODELS[code]
    assert try_vectors(model, codec) == []
    assert {wanted.field for vector in model.vectors for wanted in vector.expected} == {f.name for f in model.fields}
    assert all(vector.source for vector in model.vectors)


@pytest.mark.parametrize("code", BESIDE)
def test_the_message_of_a_model_carries_the_readings_beside_it(code: str) -> None:
    model = MODELS[code]
    decoded = codec(model.codec).decode((FOLDER / f"{code}.json").read_bytes(), model, RECEIVED_US)
    assert decoded.faults == []
    found = []
    for reading in decoded.readings:
        measurand = CATALOGUE[model.fields[reading.field].measurand]
        value = text_from_ticks(reading.ticks, measurand.decimals)
        assert measurand.low_ticks <= reading.ticks <= measurand.high_ticks
        found.append(
            {"measurand": measurand.code, "time": rfc3339(reading.time_us), "value": value, "unit": measurand.unit}
        )
    lines = (FOLDER / f"{code}.readings.jsonl").read_text(encoding="utf-8").splitlines()
    assert found == [json.loads(line) for line in lines]
    assert {model.fields[reading.field].name for reading in decoded.readings} == {f.name for f in model.fields}


def test_the_page_lists_every_model_and_what_it_sends() -> None:
    table = PAGE.partition("<!-- models -->")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$", table, re.MULTILINE)
    intervals = {
        60: "minute", 300: "5 minutes", 360: "6 minutes", 600: "10 minutes", 900: "15 minutes", 1200: "20 minutes",
        3600: "hour", 86400: "day",
    }  # fmt: skip
    assert rows == [
        (code, m.title, intervals[m.interval_s], ", ".join(dict.fromkeys(f"`{f.measurand}`" for f in m.fields)))
        for code, m in sorted(MODELS.items())
    ]
