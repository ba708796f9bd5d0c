"""SenML (RFC 8428), the payload of native devices, and the form of it in JSON: `senml-json`.

Knows records and the fields of a model; a record's field is its name after the last `/` or `:`, because the topic
already names the device. Decimal text goes to ticks exactly; base values are added before the rounding, not after.
Knows no bytes: a pack is an array of records with the labels of JSON, whatever it was written in.

A pack is one device's. What has a field's name under another prefix than a record before is another thing: two devices
of one gateway would become one, so it is refused.

Where the RFC leaves room: a sum (`s`, `bs`) is the reading of a field with `sum_of` and is not kept where the model has
none, update times (`ut`) are not kept, a record of base fields alone is a header, and a record without a unit is taken
to be in the unit of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    ticks_of_number,
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
    value: Number | None = None
    sum: Number | None = None


class _Names(NamedTuple):
    """Positions of a model's fields by the name of their records."""

    values: dict[str, int]
    sums: dict[str, int]


class Senml:
    """The codec of SenML in one form; it keeps no state."""

    def __init__(self, name: str, read: Callable[[bytes], object], write: Callable[[object], bytes]) -> None:
        """Make a codec.

        Args:
            name: the name device models use.
            read: what bytes say, with the labels and types of JSON, numbers as NumberText; raises `PayloadError`.
            write: bytes that read as this.
        """
        self.name = name
        self._read = read
        self._write = write

    def decode(self, payload: bytes, model: DeviceModel, received_us: int) -> Decoded:
        """Return the readings of a pack; see `Codec.decode`."""
        pack = self._read(payload)
        if not isinstance(pack, list):
            raise PayloadError("malformed", "expected a SenML pack: an array of records")
        names = _names(model)
        if len(pack) * (2 if names.sums else 1) > READINGS_MAX:
            raise PayloadError("too_many", f"expected at most {READINGS_MAX} readings, got {len(pack)} records")
        for number, record in enumerate(pack, 1):
            _check_record(record, number)
        _check_version(pack)
        decoded = Decoded()
        prefixes: dict[str, str] = {}
        base = _Base()
        for number, record in enumerate(pack, 1):
            base = _based(base, record, number)
            if record.keys() <= _BASE:
                continue
            try:
                wanted = _wanted(record, base, model, names)
            except ValueRefusedError as error:
                known = () if decoded.is_full() else {*names.values, *names.sums}
                hint = nearest(_field_name(record, base)[:64], known)
                decoded.refuse(error.reason, f"record {number}: {error.detail}{hint}")
                continue
            stranger = _stranger(prefixes, base.name + record.get("n", ""))
            if stranger:
                decoded.refuse("unknown_field", f"record {number}: {stranger}", len(wanted))
                continue
            for position in wanted:
                try:
                    decoded.readings.append(_reading(record, base, position, model, names, received_us))
                except ValueRefusedError as error:
                    decoded.refuse(error.reason, f"record {number}: {error.detail}")
        if not decoded.readings and not decoded.faults:
            decoded.refuse("empty", "the pack holds no record with a value")
        return decoded

    def encode(self, model: DeviceModel, readings: Sequence[tuple[str, int, int]]) -> bytes:
        """Return a pack with the first reading's time as base time; see `Codec.encode`."""
        pack: list[dict[str, object]] = []
        names = _names(model)
        start_us = readings[0][1] if readings else 0
        for name, time_us, ticks in readings:
            if time_us < ABSOLUTE_FROM_US:
                raise ValueError(f"SenML cannot write times before 1978-07-04 as absolute, got {time_us} us")
            position = _position(model, name)
            field = model.fields[position]
            record: dict[str, object] = {} if pack else {"bt": _seconds(start_us)}
            record["n"] = field.sum_of or name
            if unit := _stated_unit(position, model, names):
                record["u"] = unit
            record.update(_value_of(field, ticks))
            if time_us != start_us:
                record["t"] = _seconds(time_us - start_us)
            pack.append(record)
        return self._write(pack)


SENML_JSON = Senml("senml-json", parse_json, dump_json)


def _names(model: DeviceModel) -> _Names:
    """Return where the fields of a record stand in a model."""
    values = {field.name: position for position, field in enumerate(model.fields) if not field.sum_of}
    return _Names(values, {field.sum_of: position for position, field in enumerate(model.fields) if field.sum_of})


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
            sum=parse_number(record["bs"]) if "bs" in record else base.sum,
        )
    except ValueRefusedError as error:
        raise PayloadError("malformed", f"record {number}: base field: {error.detail}") from error


def _wanted(record: dict[str, str], base: _Base, model: DeviceModel, names: _Names) -> list[int]:
    """Return the positions of the fields that a record has a reading of: its value's, its sum's, or both.

    Raises:
        ValueRefusedError: `unknown_field`.
    """
    name = _field_name(record, base)
    valued = names.values.get(name)
    if valued is not None and not names.sums:
        return [valued]
    summed = names.sums.get(name) if "s" in record or base.sum is not None else None
    if valued is not None and summed is not None and record.keys().isdisjoint(_VALUES):
        valued = None  # a sum needs no value beside it
    wanted = [position for position in (valued, summed) if position is not None]
    if not wanted:
        raise ValueRefusedError("unknown_field", f"model {model.code} has no field {quoted(name)}")
    return wanted


def _stranger(prefixes: dict[str, str], name: str) -> str:
    """Note under which prefix the records of a field stand; return what is wrong where another one stood before."""
    field = _tail(name)
    before = prefixes.setdefault(field, name.removesuffix(field))
    if name == before + field:
        return ""
    return f"{quoted(name)} is not {quoted(before + field)}: a pack has records of one device"


def _reading(
    record: dict[str, str], base: _Base, position: int, model: DeviceModel, names: _Names, received_us: int
) -> Reading:
    """Return the reading of one field of a record.

    Raises:
        ValueRefusedError: naming what stands against it: the unit, then the time, the value.
    """
    field = model.fields[position]
    expected = _stated_unit(position, model, names)
    unit = record.get("u", base.unit)
    if unit and expected and unit != expected:
        raise ValueRefusedError("bad_unit", f"{field.name}: expected {quoted(expected)}, got {quoted(unit)}")
    time_us, flags = _time(record, base, received_us)
    ticks = _sum_ticks(field, record, base) if field.sum_of else _ticks(field, record, base)
    return Reading(position, time_us, ticks, flags)


def _stated_unit(position: int, model: DeviceModel, names: _Names) -> str:
    """Return the unit that records of a field state: always the value's, for a sum is in that times seconds."""
    field = model.fields[position]
    if not field.sum_of:
        return field.unit
    valued = names.values.get(field.sum_of)
    return "" if valued is None else model.fields[valued].unit


def _field_name(record: dict[str, str], base: _Base) -> str:
    """Return the name of the field a record is of."""
    return _tail(base.name + record.get("n", ""))


def _tail(name: str) -> str:
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


def _sum_ticks(field: Field, record: dict[str, str], base: _Base) -> int:
    """Return the ticks of a record's sum."""
    own = parse_number(record["s"]) if "s" in record else ZERO
    return scale_number(own.plus(base.sum or ZERO), field.scale)


def _ticks(field: Field, record: dict[str, str], base: _Base) -> int:
    """Return the ticks of a record's one value."""
    labels = [label for label in _VALUES if label in record]
    if not labels and ("s" in record or base.sum is not None):
        raise ValueRefusedError("empty", f"{field.name}: the record holds a sum only, and the model keeps none")
    if len(labels) > 1 or (not labels and base.value is None):
        found = " and ".join(labels) or "none"
        raise ValueRefusedError("malformed", f"{field.name}: expected one value, got {found}")
    label = labels[0] if labels else "v"
    if label == "v":
        # With a base value in force, a record needs none of its own (section 4.5.4).
        number = (parse_number(record["v"]) if labels else ZERO).plus(base.value or ZERO)
        if field.states:
            return ticks_from_text(text_from_number(number), field)
        return ticks_of_number(number, field)
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
    number = NumberText(text_from_number(number_from_ticks(ticks, field.scale)))
    return {"s": number} if field.sum_of else {"v": number}
