"""Plain JSON objects, read by the paths a device model names.

Knows paths, times and fields of a model; knows no vendor. A member that is absent is no reading (the coverage of its
series shows it); one that is there and cannot be read is a fault.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from devices.errors import PayloadError, ValueRefusedError, quoted
from devices.models import DeviceModel, Field, TimeSpec
from devices.paths import ABSENT
from devices.ticks import Number, number_from_ticks, parse_number, text_from_number
from devices.times import rfc3339, time_us_from_text

_EPOCH_EXPONENTS = {"epoch_s": -6, "epoch_ms": -3, "epoch_us": 0}


class JsonPaths:
    """The codec; it keeps no state."""

    name = "json-paths"

    def decode(self, payload: bytes, model: DeviceModel, received_us: int) -> Decoded:
        """Return the readings of an object, or of each object of an array; see `Codec.decode`."""
        root = parse_json(payload)
        items = [root]
        if model.each is not None:
            found = model.each.find(root, root)
            if found is ABSENT or found is None:
                found = []
            if not isinstance(found, list):
                raise PayloadError("malformed", f"expected an array at {model.each.text}")
            items = found
        if len(items) * len(model.fields) > READINGS_MAX:
            raise PayloadError("too_many", f"expected at most {READINGS_MAX} readings, got {len(items)} objects")
        decoded = Decoded()
        for number, item in enumerate(items, 1):
            _decode_item(item, root, model, received_us, f"item {number}: " if model.each else "", decoded)
        if not decoded.readings and not decoded.faults:
            decoded.refuse("empty", "the message holds none of the model's fields")
        return decoded

    def encode(self, model: DeviceModel, readings: Sequence[tuple[str, int, int]]) -> bytes:
        """Return one message; an object for every time where the model has `each`. See `Codec.encode`.

        Raises:
            ValueError: several times, or several values of one field and time, and the model has one object; or a
                model whose messages carry no time is given several.
        """
        groups: dict[int, list[tuple[Field, int]]] = {}
        for name, time_us, ticks in readings:
            try:
                field = model.fields[model.field_index(name)]
            except KeyError as error:
                raise ValueError(error.args[0]) from error
            groups.setdefault(time_us, []).append((field, ticks))
        shared_time = model.each is None or model.time is None or model.time.path.rooted
        if len(groups) > 1 and shared_time:
            raise ValueError(f"a message of model {model.code!r} carries one time, got {len(groups)}")
        root: object = {}
        items: list[object] = []
        for time_us, values in groups.items():
            item: object = {} if model.each is not None else root
            if model.time is not None:
                model.time.path.put(item, root, _time_value(model.time, time_us))
            for field, ticks in values:
                if field.path is not None and not field.path.steps:
                    root = _value_of(field, ticks)  # the whole message is one bare value
                elif field.path is not None:
                    field.path.put(item, root, _value_of(field, ticks))
            items.append(item)
        if model.each is not None:
            if not model.each.steps:
                return dump_json(items)
            model.each.put(root, root, items)
        return dump_json(root)


JSON_PATHS = JsonPaths()


def _decode_item(
    item: object, root: object, model: DeviceModel, received_us: int, where: str, decoded: Decoded
) -> None:
    """Add the readings and faults of one object."""
    present = []
    for position, field in enumerate(model.fields):
        value = field.path.find(item, root) if field.path is not None else ABSENT
        if value is not ABSENT:
            present.append((position, field, value))
    if not present:
        return
    try:
        time_us, flags = _time(item, root, model.time, received_us)
    except ValueRefusedError as error:
        decoded.refuse(error.reason, where + error.detail, len(present))
        return
    for position, field, value in present:
        try:
            decoded.readings.append(Reading(position, time_us, _ticks(field, value), flags))
        except ValueRefusedError as error:
            decoded.refuse(error.reason, where + error.detail)


def _time(item: object, root: object, spec: TimeSpec | None, received_us: int) -> tuple[int, int]:
    """Return (time_us, flags) of an object.

    Raises:
        ValueRefusedError: `bad_time`.
    """
    if spec is None:
        return received_us, FLAG_TIME_FROM_ARRIVAL
    value = spec.path.find(item, root)
    if value is ABSENT or value is None:
        if spec.required:
            raise ValueRefusedError("bad_time", f"expected a time at {spec.path.text}")
        return received_us, FLAG_TIME_FROM_ARRIVAL
    if not isinstance(value, str):  # NumberText is one
        raise ValueRefusedError("bad_time", f"expected a time at {spec.path.text}, got {_kind_of(value)}")
    time_us = time_us_from_text(value, spec.format)
    if not TIME_MIN_US <= time_us <= TIME_MAX_US:
        raise ValueRefusedError("bad_time", f"{quoted(value)} is outside the years 1 to 9999")
    return time_us, 0


def _ticks(field: Field, value: object) -> int:
    """Return the ticks of a value: a JSON number, a text that holds one, or a state.

    Raises:
        ValueRefusedError: `not_a_number` or `out_of_range`.
    """
    if isinstance(value, bool) and field.states:
        return ticks_from_text("true" if value else "false", field)
    if isinstance(value, NumberText):
        return ticks_from_text(text_from_number(parse_number(value)) if field.states else value, field)
    if isinstance(value, str):
        return ticks_from_text(value.strip(" "), field)
    raise ValueRefusedError("not_a_number", f"{field.name}: expected a number, got {_kind_of(value)}")


def _kind_of(value: object) -> str:
    """Return what JSON calls a value that is neither number nor text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "an array" if isinstance(value, list) else "an object"


def _time_value(spec: TimeSpec, time_us: int) -> str:
    """Return a time as the model's devices send it, exactly."""
    if spec.format == "rfc3339":
        return rfc3339(time_us)
    return NumberText(text_from_number(Number(time_us, _EPOCH_EXPONENTS[spec.format])))


def _value_of(field: Field, ticks: int) -> object:
    """Return a value as the model's devices send it."""
    if not field.states:
        return NumberText(text_from_number(number_from_ticks(ticks, field.scale)))
    text = state_text(field, ticks)
    return text == "true" if text in ("true", "false") else text
