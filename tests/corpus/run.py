"""Decodes every message of the corpus and compares it with what its source says.

Knows the files of this folder; knows of formats only how a bare payload of a LoRaWAN device becomes a message. Values
are compared exactly: what the source says, converted to ticks by the unit that the source or `corpus.toml` states.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from devices import (
    DeviceModel,
    Kind,
    PayloadError,
    ValueRefusedError,
    carriers,
    codec,
    conversion,
    load_measurands,
    load_models,
    load_registry,
)
from devices.codecs.base import Decoded, Reading
from devices.codecs.trial import try_vectors
from devices.models import Field, read_models
from devices.payloads import enveloped
from devices.tables import Problems
from devices.ticks import Number, Scale, parse_number, scale_number
from devices.times import time_us_from_rfc3339
from tests.devices.cities import write_city
from tests.devices.make import RECEIVED_US

HERE: Final = Path(__file__).parent
MESSAGES: Final = HERE / "messages"
BARE: Final = ("lorawan-codec", "cayenne-lpp")
"""Formats whose messages are what the device sent, without a network's envelope."""
UNITS: Final = {
    "degC": "Cel", "°C": "Cel", "℃": "Cel", "m^3": "m3", "m^3/h": "m3/h", "l": "L",
    "LTR": "L", "GQ": "ug/m3", "GP": "mg/m3", "C": "Cel", "%RH": "%",
    "W⋅m⁻²": "W/m2", "m⋅s⁻¹": "m/s", "°": "deg", "µS⋅cm⁻¹": "uS/cm", "µg⋅m⁻³": "ug/m3",
}  # fmt: skip
"""Units as the sources write them."""
YES: Final = (True, 1, 255, "1", "trigger")
"""What sources say for the second of two states: occupied, open, wet, tampered."""
NO_READING: Final = ("NoSensor", "No Sensor")
"""What sources say where there is none."""


@dataclass
class Found:
    """What became of one message."""

    name: str
    model: str
    documented: int = 0
    """Values that its source states."""
    compared: int = 0
    without: tuple[tuple[str, str], ...] = ()
    """(quantity of the source that no field has, why: a kind of `corpus.toml`)"""
    differences: list[tuple[str, str]] = field(default_factory=list)
    """(quantity, what was said and understood)"""
    faults: list[str] = field(default_factory=list)
    """What must not be: a message that is not read, readings out of range, a list that is not true."""
    ours: bool = False
    """The recorded message may not be copied; vectors of the model stand for it."""
    silent: str = ""
    """Why a message that is understood gives no reading."""
    shown: tuple[str, ...] = ()
    """Quantities of which the source shows fewer digits than the message has."""
    undocumented: tuple[str, ...] = ()
    """Readings, where the source states no value."""

    @property
    def format(self) -> str:
        """The folder of the message."""
        return self.name.partition("/")[0]


@cache
def models() -> dict[str, DeviceModel]:
    """Return the package's models, and those of this folder."""
    problems = Problems()
    known = dict(load_models())
    own = read_models(HERE / "models", problems, known)
    problems.raise_if_any()
    return {**known, **own}


@cache
def listed() -> dict[str, Any]:
    """Return what `corpus.toml` says."""
    return tomllib.loads((HERE / "corpus.toml").read_text(encoding="utf-8"))


def run() -> list[Found]:
    """Decode and compare everything, by the name of the message."""
    found: list[Found] = []
    for entry in listed()["model"]:
        found += [_message(name, entry, decoded) for name, decoded in _decoded(entry)]
    for entry in listed()["ours"]:
        model = models()[entry["model"]]
        faults = [f"{where}: {what}" for where, what in try_vectors(model, codec)]
        compared = sum(len(vector.expected) for vector in model.vectors)
        for at, name in enumerate(entry["instead_of"]):
            found.append(Found(name, model.code, ours=True, faults=faults, compared=0 if at else compared))
    known: dict[str, set[str]] = {}
    for entry in listed()["differs"]:
        known.setdefault(entry["message"], set()).add(entry["quantity"])
    for one in found:
        told, allowed = {quantity for quantity, _ in one.differences}, known.pop(one.name, set())
        if "*" in allowed:
            allowed = told or {"anything"}
        one.faults += [f"{quantity}: {what}" for quantity, what in one.differences if quantity not in allowed]
        one.faults += [f"{quantity}: is listed to differ, and does not" for quantity in sorted(allowed - told)]
    found[0].faults += [f"{pattern}: is listed as without a field, and nothing is" for pattern in _idle(found)]
    return sorted(found, key=lambda one: one.name)


def recorded(name: str) -> dict[str, Any]:
    """Return a message with what its source says, numbers as they are written."""
    text = (MESSAGES / f"{name}.json").read_text(encoding="utf-8")
    value: dict[str, Any] = json.loads(text, parse_float=str)
    return value


def payload(name: str) -> bytes:
    """Return the bytes of a message as they come by MQTT."""
    text = (MESSAGES / f"{name}.json").read_text(encoding="utf-8")
    said = json.loads(text)
    if "payload_text" in said:
        return str(said["payload_text"]).encode()
    if "payload_json" in said:
        return json.dumps(said["payload_json"], ensure_ascii=False).encode()
    data = bytes.fromhex(said["payload_hex"]) if "payload_hex" in said else b""
    return enveloped(data, said.get("f_port") or 1) if said["format"] in BARE else data


def _message(name: str, entry: dict[str, Any], decoded: Decoded) -> Found:
    """Compare what a message was understood as with what its source says."""
    model, said = models()[entry["code"]], recorded(name)
    expected = _numbered(said["expected"])
    named = entry.get("fields", {})
    rest = sorted({q for q, n, _ in expected if _field_of(q, n, named) is None})
    found = Found(name, model.code, len(expected), without=tuple((one, _why(model.code, one)) for one in rest))
    found.faults += [f"{one}: is neither a field's nor of a kind without one" for one, why in found.without if not why]
    by_field: dict[str, list[Reading]] = {}
    for reading in decoded.readings:
        by_field.setdefault(model.fields[reading.field].name, []).append(reading)
    _check_refused(found, decoded, {one["message"]: one for one in entry.get("refused", [])}.get(name))
    if not expected:
        found.undocumented = tuple(by_field)
        found.faults += _implausible(model, decoded)
    shown = {one["quantity"] for one in listed()["shown"] if one["message"] == name}
    taken: Counter[str] = Counter()
    for quantity, number, value in expected:
        field_name = _field_of(quantity, number, named)
        if field_name is None or (value["value"] in NO_READING and field_name not in by_field):
            found.compared += field_name is not None
            continue
        readings, at = by_field.get(field_name, []), taken[field_name]
        taken[field_name] += 1
        if not readings and found.silent:
            continue
        found.compared += 1
        one = model.fields[model.field_index(field_name)]
        stated = entry.get("units", {}).get(quantity, "")
        told = f"the source says {value['value']} {stated or value['unit'] or one.unit}"
        if at >= len(readings):
            found.differences.append((quantity, f"{told}, and nothing was understood"))
        elif _same(value, stated, one, readings[at]):
            continue
        elif quantity in shown and _same(value, stated, one, readings[at], as_shown=True):
            found.shown += (quantity,)
        else:
            found.differences.append((quantity, f"{told} at {value['time']}, understood {readings[at]}"))
    found.faults += [f"{quantity}: is listed as shown with fewer digits" for quantity in shown - {*found.shown}]
    return found


def _check_refused(found: Found, decoded: Decoded, refused: Mapping[str, Any] | None) -> None:
    """Note whether a message was refused for what `corpus.toml` says, and what it is without a reading."""
    reasons = [fault.reason for fault in decoded.faults]
    if reasons != (refused["reasons"] if refused else []):
        found.faults.append(f"refused for {reasons}: {[fault.detail for fault in decoded.faults]}")
    if not decoded.readings:
        found.silent = refused["why"] if refused else ""
        if not found.silent:
            found.faults.append("gives no reading, and nobody says why")


@cache
def _why(code: str, quantity: str) -> str:
    """Return the kind of a quantity that a model has no field for; empty where none is listed."""
    name = f"{code}/{quantity}"
    return next((kind["kind"] for kind in listed()["without"] for one in kind["of"] if fnmatchcase(name, one)), "")


def _idle(found: Sequence[Found]) -> list[str]:
    """Return the patterns of quantities without a field that no quantity fits."""
    names = {f"{one.model}/{quantity}" for one in found for quantity, _ in one.without}
    patterns = [pattern for kind in listed()["without"] for pattern in kind["of"]]
    return [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)]


def _numbered(expected: list[dict[str, Any]]) -> list[tuple[str, int, dict[str, Any]]]:
    """Return what a source says as (quantity, which of those it names alike, all of it)."""
    counts: Counter[str] = Counter()
    rows = []
    for value in expected:
        quantity = str(value["quantity"])
        counts[quantity] += 1
        rows.append((quantity, counts[quantity], value))
    return rows


def _field_of(quantity: str, number: int, named: dict[str, str]) -> str | None:
    return named.get(f"{quantity}#{number}", named.get(quantity))


def _decoded(entry: Mapping[str, Any]) -> Iterator[tuple[str, Decoded]]:
    """Give the messages of a model and what they are understood as."""
    model = models()[entry["code"]]
    if model.codec == "sparkplug-b":
        yield from _session(model, entry["messages"])
        return
    for name in entry["messages"]:
        try:
            yield name, codec(model.codec).decode(payload(name), model, RECEIVED_US)
        except PayloadError as error:
            decoded = Decoded()
            decoded.refuse(error.reason, error.detail)
            yield name, decoded


def _session(model: DeviceModel, names: Sequence[str]) -> Iterator[tuple[str, Decoded]]:
    """Give the messages of one edge node in their order, as a gateway reads them: a birth says what aliases mean."""
    own = (HERE / "models" / f"{model.code}.toml").read_text(encoding="utf-8")
    rows = (
        f"device,model,zone,topic\nnode,{model.code},north,{recorded(names[0])['topic'].replace('NBIRTH', 'NDATA')}\n"
    )
    with TemporaryDirectory() as folder:
        registry = load_registry(write_city(Path(folder) / "city", devices=rows, models={model.code: own}))
    (host,) = carriers(registry)
    for name in names:
        carried = host.decode(recorded(name)["topic"], payload(name), RECEIVED_US)
        yield name, carried[0].decoded if carried else Decoded()


def _implausible(model: DeviceModel, decoded: Decoded) -> list[str]:
    """Return which readings lie outside the plausible range of their measurand."""
    measurands = load_measurands().by_code
    wrong = []
    for reading in decoded.readings:
        measurand = measurands[model.fields[reading.field].measurand]
        if not measurand.low_ticks <= reading.ticks <= measurand.high_ticks:
            wrong.append(f"{measurand.code}: {reading.ticks} ticks are out of range")
    return wrong


def _same(value: dict[str, Any], stated: str, one: Field, reading: Reading, *, as_shown: bool = False) -> bool:
    """Return whether a reading is what the source says, and when.

    Args:
        value: what the source says.
        stated: the unit that `corpus.toml` says.
        one: the field that was read.
        reading: what was understood.
        as_shown: less than one unit of the last digit that the source shows may be between them.
    """
    said, unit = value["value"], stated or value["unit"] or ""
    if one.kind is Kind.STATE:
        return reading.ticks == (said in YES) and _same_time(value["time"], reading.time_us)
    try:
        number = parse_number(str(said))
    except ValueRefusedError:
        return False
    scale = one.scale
    # How a part per billion, or what a layout leaves as sent, becomes a unit is the model's to say.
    if stated or (unit and not one.convention):
        canonical = load_measurands().by_code[one.measurand].unit
        scale = Scale.of(*conversion(UNITS.get(unit, unit), canonical), one.decimals)
    digit = Number(1, number.exponent)
    about = [scale_number(number.plus(by), scale) for by in (Number(-1, digit.exponent), digit)]
    near = min(about) < reading.ticks < max(about) if as_shown else scale_number(number, scale) == reading.ticks
    return near and _same_time(value["time"], reading.time_us)


def _same_time(text: str | None, time_us: int) -> bool:
    """Return whether a time is what a source writes, which may cut it to milliseconds; one without an offset is not
    compared, for nobody knows whose clock it is."""
    if text is None:
        return True
    try:
        said_us = time_us_from_rfc3339(text)
    except ValueRefusedError:
        return True
    return said_us == time_us or (said_us % 1000 == 0 and said_us == time_us // 1000 * 1000)
