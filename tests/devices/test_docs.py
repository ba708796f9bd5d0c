"""The examples of `docs/devices.md` do what the page says."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from devices import (
    CODECS,
    QUALITIES,
    REASON_TITLES,
    DeviceModel,
    codec,
    load_columns,
    load_measurands,
    load_registry,
    rfc3339,
    text_from_ticks,
)
from devices.codecs.trial import try_vectors
from devices.columns import COLUMN_KEYS
from devices.models import parse_model
from devices.tables import Problems, Table
from tests.devices.cities import write_city
from tests.devices.make import RECEIVED_US, model

PAGE = (Path(__file__).parents[2] / "docs" / "devices.md").read_text(encoding="utf-8")
BLOCKS = {
    (kind, name): text
    for kind, name, text in re.findall(r"<!-- (\w+)(?:: (\w+))? -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)
}
MODELS = sorted(name for kind, name in BLOCKS if kind == "model")


def shown(name: str) -> DeviceModel:
    """Return the model of an example, beside it the decoder that the page shows."""
    return model(BLOCKS["model", name], name, BLOCKS.get(("script", name), ""))


def test_the_page_shows_every_format() -> None:
    assert {shown(name).codec for name in MODELS} == {chosen.name for chosen in CODECS}


def message(name: str) -> bytes:
    """Return the message of an example, which is a text or the digits of its bytes."""
    text = BLOCKS.get(("message", name))
    return text.encode() if text is not None else bytes.fromhex(BLOCKS["hex", name])


@pytest.mark.parametrize("name", MODELS)
def test_the_message_of_an_example_decodes_to_the_readings_beside_it(name: str) -> None:
    device_model, _ = shown(name).part(BLOCKS.get(("topic", name), "").strip())
    decoded = codec(device_model.codec).decode(message(name), device_model, RECEIVED_US)
    measurands = load_measurands().by_code
    readings = []
    for reading in decoded.readings:
        measurand = measurands[device_model.fields[reading.field].measurand]
        value = text_from_ticks(reading.ticks, measurand.decimals)
        readings.append(
            {"measurand": measurand.code, "time": rfc3339(reading.time_us), "value": value, "unit": measurand.unit}
        )
    assert readings == [json.loads(line) for line in BLOCKS["readings", name].splitlines()]
    assert decoded.faults == []
    assert "[[test]]" not in BLOCKS["model", name] or try_vectors(device_model, codec) == []


def test_the_devices_of_the_page_make_a_registry(tmp_path: Path) -> None:
    models = {name: BLOCKS["model", name] for name in MODELS}
    models |= {f"{name}.js": text for (kind, name), text in BLOCKS.items() if kind == "script"}
    registry = load_registry(
        write_city(tmp_path, city=BLOCKS["city", ""], devices=BLOCKS["devices", ""], models=models)
    )
    assert [device.topic for device in registry.devices] == [
        "cityvitals/testville/gauge-7/telemetry",
        "boxes/roof-west/box-1/up",
    ]
    assert registry.subscriptions() == ("boxes/+/+/up", "cityvitals/testville/+/telemetry")
    assert [dict(device.attributes) for device in registry.devices] == [
        {"network": "drainage", "monitored_km": "3.2", "owner": "water_board"},
        {"owner": "city"},
    ]
    north = registry.city.register("population", date(2025, 6, 1), "north")
    assert north is not None
    assert (north.value, north.quality, registry.city.population) == (121_500, "higher_level", 345_000)


def test_the_page_lists_every_column_and_every_quality() -> None:
    columns = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", _after("columns"), re.MULTILINE)
    holds = {
        c.code: f"a number in {c.unit}" if c.unit else ", ".join(f"`{value}`" for value in c.values)
        for c in load_columns().values()
    }
    assert columns == [(c.code, holds[c.code], c.title) for c in load_columns().values()]
    qualities = re.findall(r"^\| `(\w+)` \| (.+) \|$", _after("qualities"), re.MULTILINE)
    assert qualities == list(QUALITIES.items())
    about = _after("qualities")
    assert [key for key in COLUMN_KEYS if f"`{key}`" not in about] == []


def _after(mark: str) -> str:
    """Return the part of the page from a mark to the next mark or heading."""
    return re.split(r"<!--|^#", PAGE.partition(f"<!-- {mark} -->")[2], flags=re.MULTILINE)[0]


def test_the_page_lists_every_reason() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.partition("<!-- reasons -->")[2], re.MULTILINE)
    assert rows == list(REASON_TITLES.items())


def test_the_page_names_every_key_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    take = Table._take

    def spy(table: Table, key: str, expected: str, required: bool) -> object:
        asked.add(key)
        return take(table, key, expected, required)

    monkeypatch.setattr(Table, "_take", spy)
    for name in MODELS:
        parse_model(BLOCKS["model", name].encode(), name, "m.toml", Problems())
    keys = PAGE.partition("## Keys of a model")[2].partition("\n## ")[0]
    assert len(asked) > 15
    told = ("path", "format", "required", "field", "time", "key", "column")  # by the examples of their tables
    assert {key for key in asked if f"`{key}`" not in keys and key not in told} == set()
    assert "`[[field]]`" in keys
    assert "`[time]`" in keys
