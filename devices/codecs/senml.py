"""SenML in JSON (RFC 8428), the payload of native devices.

Knows the format and the fields of a model; a record's field is its name after the last `/` or `:`, because the topic
already names the device. Decimal text goes to ticks exactly; base values are added before the rounding, not after.

Where the RFC leaves room: sums (`s`, `bs`) and update times (`ut`) are not kept, a record of base fields alone is a
header, and a record without a unit is taken to be in the unit of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from devices.batch import FLAG_TIME_FROM_ARRIVAL
from devices.codecs.base import (
    READINGS_MAX,
    TIME_MAX_US,
    TIME_MIN_US,
    Decoded,
    Reading,
    state_text,
    ticks_from_text,
)
from devices.codecs.jsontext import NumberText, dump_json, parse_json
from devices.errors import PayloadError, ValueRefusedError, nearest, quoted
from devices.models import DeviceModel, Field
from devices.ticks import ZERO, Number, number_from_ticks, parse_number, scale_number, text_from_number
from devices.times import SECONDS

VERSION_DEFAULT = 10
VERSIONS_KNOWN = frozenset(range(1, 11)) | {26}
"""Up to 10 is RFC 8428; 26 adds the secondary units of RFC 8798 (feature bit 4 of RFC 9100), which we understand."""
ABSOLUTE_FROM_US = 2**28 * 1_000_000
"""RFC 8428, section 4.5.3: smaller times count from the moment of arrival."""

_BASE = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
_TEXTS = ("bn", "bu", "n", "u", "vs", "vd")
_NUMBERS = ("bt", "bv", "bs", "bver", "v", "s", "t", "ut")
_VALUES = ("v", "vs", "vb", "vd")


class _Base(NamedTuple):
    """The base fields in force (RFC 8428, section 4.1)."""

    name: str = ""
    time: Number = ZERO
    unit: str | None = None
    value: Number = ZERO


class SenmlJson:
    """The codec; it keeps no state."""

    name = "senml-json"

    def decode(self, payload: bytes, model: DeviceModel, received_us: int) -> Decoded:
        """Return the readings of a pack; see `Codec.decode`."""
        pack = parse_json(payload)
        if not isinstance(pack, list):
            raise PayloadError("malformed", "expected a SenML pack: an array of records")
        if len(pack) > READINGS_MAX:
            raise PayloadError("too_many", f"expected at most {READINGS_MAX} records, got {len(pack)}")
        for number, record in enumerate(pack, 1):
            _check_record(record, number)
        _check_version(pack)
        decoded = Decoded()
        fields = {field.name: position for position, field in enumerate(model.fields)}
        base = _Base()
        for number, record in enumerate(pack, 1):
            base = _based(base, record, number)
            if record.keys() <= _BASE:
                continue
            try:
                decoded.readings.append(_reading(record, base, model, fields, received_us))
            except ValueRefusedError as error:
                hint = ""
                if error.reason == "unknown_field" and not decoded.is_full():
                    hint = nearest(_field_name(record, base)[:64], fields)
                decoded.refuse(error.reason, f"record {number}: {error.detail}{hint}")
        if not decoded.readings and not decoded.faults:
            decoded.refuse("empty", "the pack holds no record with a value")
        return decoded

    def encode(self, model: DeviceModel, readings: Sequence[tuple[str, int, int]]) -> bytes:
        """Return a pack with the first reading's time as base time; see `Codec.encode`."""
        pack: list[dict[str, object]] = []
        start_us = readings[0][1] if readings else 0
        for name, time_us, ticks in readings:
            if time_us < ABSOLUTE_FROM_US:
                raise ValueError(f"SenML cannot write times before 1978-07-04 as absolute, got {time_us} us")
            field = model.fields[_position(model, name)]
            record: dict[str, object] = {} if pack else {"bt": _seconds(start_us)}
            record["n"] = name
            if field.unit:
                record["u"] = field.unit
            record.update(_value_of(field, ticks))
            if time_us != start_us:
                record["t"] = _seconds(time_us - start_us)
            pack.append(record)
        return dump_json(pack)


SENML_JSON = SenmlJson()


def _check_record(record: object, number: int) -> None:
    """Refuse the pack when a record is no record: the base fields of the following ones could not be trusted.

    Raises:
        PayloadError: `malformed`.
    """
    if not isinstance(record, dict):
        raise PayloadError("malformed", f"record {number}: expected an object")
    for label in record:
        if label.endswith("_"):
            raise PayloadError(
                "malformed", f"record {number}: label {quoted(label)} must be understood, and is not known"
            )
    for label in _TEXTS:
        if label in record and (not isinstance(record[label], str) or isinstance(record[label], NumberText)):
            raise PayloadError("malformed", f"record {number}: expected a text as {label}")
    for label in _NUMBERS:
        if label in record and not isinstance(record[label], NumberText):
            raise PayloadError("malformed", f"record {number}: expected a number as {label}")
    if "vb" in record and not isinstance(record["vb"], bool):
        raise PayloadError("malformed", f"record {number}: expected true or false as vb")


def _check_version(pack: list[dict[str, str]]) -> None:
    """Refuse a version we do not know, and packs whose records disagree about it (RFC 8428, section 4.4).

    Raises:
        PayloadError: `malformed`.
    """
    stated = [record["bver"] for record in pack if "bver" in record]
    versions = set(stated)
    if pack and stated and "bver" not in pack[0]:
        versions.add(str(VERSION_DEFAULT))
    if len(versions) > 1:
        raise PayloadError("malformed", "the records of a pack must have one version")
    for version in versions:
        try:
            number = parse_number(version)
        except ValueRefusedError as error:
            raise PayloadError("malformed", f"bver: {error.detail}") from error
        if number not in {Number(known, 0) for known in VERSIONS_KNOWN}:
            raise PayloadError(
                "malformed", f"expected a version up to {VERSION_DEFAULT} (or 26), got {quoted(version)}"
            )


def _based(base: _Base, record: dict[str, str], number: int) -> _Base:
    """Return the base fields in force from this record on.

    Raises:
        PayloadError: one cannot be read; all that follows would be wrong.
    """
    if record.keys().isdisjoint(_BASE):
        return base
    try:
        return _Base(
            name=record.get("bn", base.name),
            time=parse_number(record["bt"]) if "bt" in record else base.time,
            unit=record.get("bu", base.unit),
            value=parse_number(record["bv"]) if "bv" in record else base.value,
        )
    except ValueRefusedError as error:
        raise PayloadError("malformed", f"record {number}: base field: {error.detail}") from error


def _reading(
    record: dict[str, str], base: _Base, model: DeviceModel, fields: dict[str, int], received_us: int
) -> Reading:
    """Return the reading of one record.

    Raises:
        ValueRefusedError: naming what stands against it: the field, then the unit, the time, the value.
    """
    name = _field_name(record, base)
    position = fields.get(name)
    if position is None:
        raise ValueRefusedError("unknown_field", f"model {model.code} has no field {quoted(name)}")
    field = model.fields[position]
    unit = record.get("u", base.unit)
    if unit and field.unit and unit != field.unit:
        raise ValueRefusedError("bad_unit", f"{field.name}: expected {quoted(field.unit)}, got {quoted(unit)}")
    time_us, flags = _time(record, base, received_us)
    return Reading(position, time_us, _ticks(field, record, base), flags)


def _field_name(record: dict[str, str], base: _Base) -> str:
    """Return the name of the field a record is of."""
    name = base.name + record.get("n", "")
    return name[max(name.rfind("/"), name.rfind(":")) + 1 :]


def _time(record: dict[str, str], base: _Base, received_us: int) -> tuple[int, int]:
    """Return (time_us, flags) of a record."""
    time = base.time
    try:
        if "t" in record:
            time = time.plus(parse_number(record["t"]))
        time_us = scale_number(time, SECONDS)
    except ValueRefusedError as error:
        raise ValueRefusedError("bad_time", error.detail) from error
    flags = 0
    if time_us < ABSOLUTE_FROM_US:
        time_us += received_us
        flags = FLAG_TIME_FROM_ARRIVAL
    if not TIME_MIN_US <= time_us <= TIME_MAX_US:
        raise ValueRefusedError("bad_time", f"{time_us} us is outside the years 1 to 9999")
    return time_us, flags


def _ticks(field: Field, record: dict[str, str], base: _Base) -> int:
    """Return the ticks of a record's one value."""
    labels = [label for label in _VALUES if label in record]
    if not labels and "s" in record:
        raise ValueRefusedError("empty", f"{field.name}: the record holds a sum only, and sums are not kept")
    if len(labels) != 1:
        found = " and ".join(labels) or "none"
        raise ValueRefusedError("malformed", f"{field.name}: expected one value, got {found}")
    label = labels[0]
    if label == "v":
        number = parse_number(record["v"]).plus(base.value)
        if field.states:
            return ticks_from_text(text_from_number(number), field)
        return scale_number(number, field.scale)
    if label == "vb" and field.states:
        return ticks_from_text("true" if record["vb"] else "false", field)
    if label == "vs" and field.states:
        return ticks_from_text(record["vs"], field)
    raise ValueRefusedError("not_a_number", f"{field.name}: expected a number as v, got {label}")


def _position(model: DeviceModel, name: str) -> int:
    try:
        return model.field_index(name)
    except KeyError as error:
        raise ValueError(error.args[0]) from error


def _seconds(time_us: int) -> NumberText:
    return NumberText(text_from_number(Number(time_us, -6)))


def _value_of(field: Field, ticks: int) -> dict[str, object]:
    """Return the value label and value of a reading."""
    if field.states:
        text = state_text(field, ticks)
        if text in ("true", "false"):
            return {"vb": text == "true"}
        try:
            plain = text_from_number(parse_number(text)) == text
        except ValueRefusedError:
            plain = False
        return {"v": NumberText(text)} if plain else {"vs": text}
    return {"v": NumberText(text_from_number(number_from_ticks(ticks, field.scale)))}
