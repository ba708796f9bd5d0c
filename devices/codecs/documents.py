"""Formats whose messages become one document, of which a device model names the values by paths.

Knows paths, times and fields of a model; knows no bytes: what a message's bytes say as a document is the format's to
know. A member that is absent is no reading (the coverage of its series shows it); one that is there and cannot be read
is a fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

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
from devices.codecs.cbor import Opaque
from devices.codecs.jsontext import NumberText
from devices.codecs.measured import Measured
from devices.errors import PayloadError, ValueRefusedError, quoted
from devices.models import DeviceModel, Field, TimeSpec
from devices.paths import ABSENT
from devices.ticks import Number, number_from_ticks, parse_number, text_from_number
from devices.times import rfc3339, time_us_from_text

_EPOCH_EXPONENTS = {"epoch_s": -6, "epoch_ms": -3, "epoch_us": 0}


class Document(NamedTuple):
    """What a message says, as objects, arrays, texts, NumberText, true, false and null.

    Bytes and Opaque may stand among them, and are no value.
    """

    body: object
    """What paths begin at: the device's own part of the message."""
    root: object
    """What paths that begin with `$` begin at: the whole message, with the envelope it came in."""
    time_us: int | None = None
    """The time that the format itself carries, for models that name none; None where it carries none."""


class Format(Protocol):
    """How bytes say a document."""

    @property
    def name(self) -> str:
        """The name device models use."""

    def read(self, payload: bytes, model: DeviceModel, received_us: int) -> Document:
        """Return what a payload says.

        Raises:
            PayloadError: it does not follow the format. Nothing else is ever raised.
        """

    def write(self, document: Document, model: DeviceModel) -> bytes:
        """Return a payload that reads as this document, whose time the format carries if it carries one.

        Raises:
            ValueError: the format cannot carry it.
        """


class DocumentCodec:
    """The codec of a format; it keeps no state.

    Args:
        form: how bytes say a document.
        measured: the readings of its documents are `Measured`, and so are those it is given to write.
    """

    def __init__(self, form: Format, *, measured: bool = False) -> None:
        self.form = form
        self.name = form.name
        self._measured = measured

    def decode(self, payload: bytes, model: DeviceModel, received_us: int) -> Decoded:
        """Return the readings of an object, or of each object of an array; see `Codec.decode`."""
        document = self.form.read(payload, model, received_us)
        body, root = document.body, document.root
        items = [body]
        if model.each is not None:
            found = model.each.find(body, root)
            if found is ABSENT or found is None:
                found = []
            if not isinstance(found, list):
                raise PayloadError("malformed", f"expected an array at {model.each.text}")
            items = found
        if len(items) * len(model.fields) > READINGS_MAX:
            raise PayloadError("too_many", f"expected at most {READINGS_MAX} readings, got {len(items)} objects")
        decoded = Decoded()
        for number, item in enumerate(items, 1):
            _decode_item(item, document, model, received_us, f"item {number}: " if model.each else "", decoded)
        if not decoded.readings and not decoded.faults:
            decoded.refuse("empty", "the message holds none of the model's fields")
        return decoded

    def encode(self, model: DeviceModel, readings: Sequence[tuple[str, int, int]]) -> bytes:
        """Return one message; an object for every time where the model has `each`. See `Codec.encode`.

        Raises:
            ValueError: several times, or several values of one field and time, and the model has one object; or a
                model whose messages carry no time is given several. Readings that carry their own may differ in it.
        """
        groups: dict[int, list[tuple[Field, int]]] = {}
        for name, time_us, ticks in readings:
            try:
                field = model.fields[model.field_index(name)]
            except KeyError as error:
                raise ValueError(error.args[0]) from error
            groups.setdefault(time_us, []).append((field, ticks))
        shared_time = model.each is None or model.time is None or model.time.path.rooted
        if len(groups) > 1 and shared_time and not self._measured:
            raise ValueError(f"a message of model {model.code!r} carries one time, got {len(groups)}")
        body: object = {}
        items: list[object] = []
        for time_us, values in groups.items():
            item: object = {} if model.each is not None else body
            if model.time is not None and not (self._measured and shared_time and items):
                model.time.path.put(item, body, _time_value(model.time, time_us))
            for field, ticks in values:
                value = _value_of(field, ticks)
                if self._measured:
                    value = Measured(value=value, unit=field.unit, time=rfc3339(time_us))
                if field.path is not None and not field.path.steps:
                    body = value  # the whole message is one bare value
                elif field.path is not None:
                    field.path.put(item, body, value)
            items.append(item)
        if model.each is not None and not model.each.steps:
            body = items
        elif model.each is not None:
            model.each.put(body, body, items)
        return self.form.write(Document(body, body, next(iter(groups), None)), model)


def _decode_item(
    item: object, document: Document, model: DeviceModel, received_us: int, where: str, decoded: Decoded
) -> None:
    """Add the readings and faults of one object."""
    present = []
    for position, field in enumerate(model.fields):
        value = field.path.find(item, document.root) if field.path is not None else ABSENT
        if value is not ABSENT:
            present.append((position, field, value))
    if not present:
        return
    lacking = sum(_own_time(value) is None for _, _, value in present)
    shared = None
    if lacking:
        try:
            shared = _time(item, document, model.time, received_us)
        except ValueRefusedError as error:
            decoded.refuse(error.reason, where + error.detail, lacking)
    for position, field, value in present:
        try:
            own = _own_time(value)
            at = shared if own is None else (_time_us(own, "rfc3339", field.name), 0)
            if at is None:
                continue  # told above
            bare = value.bare(field) if isinstance(value, Measured) else value
            decoded.readings.append(Reading(position, at[0], _ticks(field, bare), at[1]))
        except ValueRefusedError as error:
            decoded.refuse(error.reason, where + error.detail)


def _own_time(value: object) -> object:
    """Return the time that a reading itself carries; None where it has the one it shares with the others."""
    return value.own_time() if isinstance(value, Measured) else None


def _time(item: object, document: Document, spec: TimeSpec | None, received_us: int) -> tuple[int, int]:
    """Return (time_us, flags) of an object: the time the model names, else the format's, else that of arrival.

    Raises:
        ValueRefusedError: `bad_time`.
    """
    other = (received_us, FLAG_TIME_FROM_ARRIVAL) if document.time_us is None else (document.time_us, 0)
    if spec is None:
        return other
    value = spec.path.find(item, document.root)
    if isinstance(value, Measured):
        value = value.get("value")
    if value is ABSENT or value is None:
        if spec.required:
            raise ValueRefusedError("bad_time", f"expected a time at {spec.path.text}")
        return other
    return _time_us(value, spec.format, spec.path.text), 0


def _time_us(value: object, time_format: str, where: str) -> int:
    """Return the time a value of a document states.

    Raises:
        ValueRefusedError: `bad_time`.
    """
    if not isinstance(value, str):  # NumberText is one
        raise ValueRefusedError("bad_time", f"expected a time at {where}, got {_kind_of(value)}")
    time_us = time_us_from_text(value, time_format)
    if not TIME_MIN_US <= time_us <= TIME_MAX_US:
        raise ValueRefusedError("bad_time", f"{quoted(value)} is outside the years 1 to 9999")
    return time_us


def _ticks(field: Field, value: object) -> int:
    """Return the ticks of a value: a number, a text that holds one, or a state.

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
    """Return what a message calls a value that is neither number nor text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Opaque):
        return value.kind
    if isinstance(value, bytes):
        return "a byte string"
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
