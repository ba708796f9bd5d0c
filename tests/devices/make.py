"""Device models written in a test, and what a message of one decodes to."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from devices import DeviceModel, codec
from devices.models import parse_model
from devices.tables import Problems

RECEIVED_US = 1_700_000_000_000_000
_VECTOR = '[[test]]\ntext = "not a message"\nrefused = ["malformed"]\n'


def vectored(text: str) -> str:
    """Return a model's TOML text with the test vector that every model must have, where a test is not about vectors."""
    return text if "[[test]]" in text else f"{text}\n{_VECTOR}"


def model(text: str, code: str = "test", script: str = "") -> DeviceModel:
    """Return the model of a TOML text, which must be faultless, with a decoder of its name beside it."""
    problems = Problems()
    with TemporaryDirectory() as folder:
        if script:
            (Path(folder) / f"{code}.js").write_text(script, encoding="utf-8")
        found = parse_model(vectored(text).encode(), code, str(Path(folder) / f"{code}.toml"), problems)
    problems.raise_if_any()
    assert found is not None
    return found


def senml(*fields: tuple[str, str, str]) -> DeviceModel:
    """Return a SenML model of (name, measurand, unit)."""
    text = 'title = "test"\ncodec = "senml-json"\ninterval_s = 60\n'
    for name, measurand, unit in fields:
        text += f'[[field]]\nname = "{name}"\nmeasurand = "{measurand}"\nunit = "{unit}"\n'
    return model(text)


def faults_of(text: str, code: str = "test") -> list[str]:
    """Return the faults of a model's TOML text, without the file's name."""
    problems = Problems()
    parse_model(vectored(text).encode(), code, "m.toml", problems)
    return [str(problem).removeprefix("m.toml: ") for problem in problems.found]


def decoded(device_model: DeviceModel, payload: Any) -> tuple[list[tuple[str, int, int, int]], list[tuple[str, int]]]:
    """Return the readings as (field name, time_us, ticks, flags) and the faults as (reason, readings)."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    result = codec(device_model.codec).decode(data, device_model, RECEIVED_US)
    readings = [(device_model.fields[r.field].name, r.time_us, r.ticks, r.flags) for r in result.readings]
    return readings, [(f.reason, f.readings) for f in result.faults]
