"""Formats whose messages become one document, of which a device model names the values by paths.

Knows paths, times and fields of a model; knows no bytes: what a message's bytes say as a document is the format's to
know. A member that is absent, or a mark that says so, is no reading (the coverage of its series shows it); one that is
there and cannot be read is a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from devices.batch import FLAG_TIME_FROM_ARRIVAL
from devices.codecs.base import READINGS_MAX, TIME_MAX_US, TIME_MIN_US, Decoded, Frame, Reading
from devices.codecs.measured import Measured
from devices.codecs.members import Known, known_members, tell_unknown
from devices.codecs.values import is_missing, kind_of, meets, ticks_of, value_of
from devices.errors import PayloadError, ValueRefusedError
from devices.models import Condition, DeviceModel, Field, TimeSpec
from devices.paths import ABSENT, EVERY, JsonPath, meant
from devices.timeformats import read_time, write_time
from devices.times import CLOCK_SET_US, rfc3339


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
    frame: Frame | None = None
    """See `Decoded.frame`."""


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
        says_all: whether a model itself says all that its documents hold, so that none of it can be unknown.
    """

    def __init__(
        self, form: Format, *, measured: bool = False, says_all: Callable[[DeviceModel], bool] = lambda _: False
    ) -> None:
        self.form = form
        self.name = form.name
        self._measured = measured
        self._says_all = says_all

    def read(self, payload: bytes, model: DeviceModel, received_us: int) -> Document:
        """Return what a payload says; see `Format.read`."""
        return self.form.read(payload, model, received_us)

    def decode(self, payload: bytes, model: DeviceModel, received_us: int) -> Decoded:
        """Return the readings of an object, or of each object of an array; see `Codec.decode`."""
        document = self.read(payload, model, received_us)
        return decode_document(document, model, received_us, known=self.known(model))

    def known(self, model: DeviceModel) -> Known | None:
        """Return the members that a model's devices are known to send; None where anything may come."""
        if self.name not in model.worked_out:
            items = () if self._says_all(model) else self._shown(model)
            model.worked_out[self.name] = known_members(model, items)
        found: Known | None = model.worked_out[self.name]
        return found

    def _shown(self, model: DeviceModel) -> Iterator[object]:
        """Give the objects of the test messages of a model, but of those that show what is not known."""
        for vector in model.vectors:
            if "unknown_field" not in vector.refused:
                try:
                    yield from items_of(self.read(vector.payload, model, vector.received_us), model)
                except PayloadError:
                    continue  # it shows what is refused, or its trial will tell

    def encode(self, model: DeviceModel, readings: Sequence[tuple[str, int, int]]) -> bytes:
        """Return one message; an object for every time where the model has `each`. See `Codec.encode`.

        Raises:
            ValueError: several times, or several values of one field and time, and the model has one object; or a
                model whose messages carry no time is given several. Readings that carry their own may differ in it.
        """
        body, time_us = encode_document(model, readings, measured=self._measured)
        return self.form.write(Document(body, body, time_us), model)


def decode_document(document: Document, model: DeviceModel, received_us: int, *, known: Known | None = None) -> Decoded:
    """Return the readings of a document; of a feed those of all its devices, one after the other.

    Args:
        document: what a message says.
        model: of the device.
        received_us: the gateway's clock at arrival.
        known: members that its devices are known to send, so that others are faults; None where anything may come.

    Raises:
        PayloadError: it has no array where the model expects one, or too many readings.
    """
    items, several = items_of(document, model), model.each is not None or model.feed is not None
    if len(items) * len(model.fields) > READINGS_MAX:
        raise PayloadError("too_many", f"expected at most {READINGS_MAX} readings, got {len(items)} objects")
    decoded = Decoded(frame=document.frame)
    for number, item in enumerate(items, 1):
        decode_item(item, document, model, received_us, f"item {number}: " if several else "", decoded)
    tell_unknown(known, items, decoded)
    if not decoded.readings and not decoded.faults:
        decoded.refuse("empty", "the message holds none of the model's fields")
    return decoded


def items_of(document: Document, model: DeviceModel) -> list[object]:
    """Return the objects of a document that each carry the fields of a model.

    Raises:
        PayloadError: it has no array where the model expects one.
    """
    each = model.each if model.feed is None else model.feed.path
    return [document.body] if each is None else items_at(each, document)


def items_at(each: JsonPath, document: Document) -> list[object]:
    """Return the objects that each carry the fields: of the array at the path, or of all arrays one after the other
    where the path has a wildcard; what the wildcard itself finds, where it is the last step."""
    arrays = each.find_all(document.body, document.root)
    if each.steps[-1:] == (EVERY,):
        return arrays
    items: list[object] = []
    for array in arrays:
        if array is not None and not isinstance(array, list):
            raise PayloadError("malformed", f"expected an array at {each.text}")
        items += array or ()
    return items


def decode_item(
    item: object, document: Document, model: DeviceModel, received_us: int, where: str, decoded: Decoded
) -> None:
    """Add the readings and faults of one object."""
    root = document.root
    present = []
    for position, field in enumerate(model.fields):
        value = _found(field, item, root)
        if value is ABSENT:
            if field.required and (field.when is None or meets(field.when, item, root)):
                decoded.refuse("not_a_number", f"{where}{field.name}: expected in every message, got nothing")
            continue
        if field.missing and is_missing(field, _bare(value)):
            continue
        if field.when is None or meets(field.when, item, root):
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
            at = shared if own is None else (_checked(read_time(_text(own, field.name), "rfc3339")), 0)
            if at is None:
                continue  # told above
            bare = value.bare(field) if isinstance(value, Measured) else value
            decoded.readings.append(Reading(position, at[0], ticks_of(field, bare), at[1]))
        except ValueRefusedError as error:
            named = "" if error.detail.startswith(f"{field.name}: ") else f"{field.name}: "
            decoded.refuse(error.reason, where + named + error.detail)


def _found(field: Field, item: object, root: object) -> object:
    """Return what stands at the first of a field's places that has anything but null."""
    value: object = field.path.find(item, root) if field.path is not None else ABSENT
    for path in field.also:
        if value is not ABSENT and value is not None:
            break
        other = path.find(item, root)
        value = value if other is ABSENT else other
    return value


def _own_time(value: object) -> object:
    """Return the time that a reading itself carries; None where it has the one it shares with the others."""
    return value.own_time() if isinstance(value, Measured) else None


def _bare(value: object) -> object:
    """Return a value without the unit and time that it may carry."""
    return value.get("value") if isinstance(value, Measured) else value


def _time(item: object, document: Document, spec: TimeSpec | None, received_us: int) -> tuple[int, int]:
    """Return (time_us, flags) of an object: the time the model names, else the format's, else that of arrival.

    A clock that was never set says nothing. Where the model does without a time, the others stand in for it; where it
    does not, the reading keeps that time, and admission refuses it.

    Raises:
        ValueRefusedError: `bad_time`.
    """
    other = (received_us, FLAG_TIME_FROM_ARRIVAL) if document.time_us is None else (document.time_us, 0)
    if spec is None:
        return other
    text = ""
    for path in (spec.path, spec.clock_path):
        value = ABSENT if path is None else _bare(path.find(item, document.root))
        if path is None or (not spec.required and value in (ABSENT, None, "")):
            continue
        part = _text(value, path.text)
        text = f"{text} {part}" if text else part
    if not text and not spec.required:
        return other
    time_us = read_time(text, spec.format, spec.zone)
    if time_us < CLOCK_SET_US and not spec.required:
        return other
    return _checked(time_us - spec.period_us), 0


def _text(value: object, where: str) -> str:
    """Return a value of a document that states a time, or a part of one.

    Raises:
        ValueRefusedError: `bad_time`.
    """
    if value is ABSENT or value is None:
        raise ValueRefusedError("bad_time", f"expected a time at {where}")
    if not isinstance(value, str):  # NumberText is one
        raise ValueRefusedError("bad_time", f"expected a time at {where}, got {kind_of(value)}")
    return value


def _checked(time_us: int) -> int:
    """Return a time that can be written as a date.

    Raises:
        ValueRefusedError: `bad_time`.
    """
    if not TIME_MIN_US <= time_us <= TIME_MAX_US:
        raise ValueRefusedError("bad_time", f"{time_us} us is outside the years 1 to 9999")
    return time_us


def encode_document(
    model: DeviceModel, readings: Sequence[tuple[str, int, int]], *, measured: bool = False
) -> tuple[object, int | None]:
    """Return a document that decodes to these (field name, time_us, ticks), and its time.

    Raises:
        ValueError: as `DocumentCodec.encode`.
    """
    return encode_feed(model, {"": readings}, measured=measured)


def encode_feed(
    model: DeviceModel, stations: Mapping[str, Sequence[tuple[str, int, int]]], *, measured: bool = False
) -> tuple[object, int | None]:
    """Return a document that decodes to the readings of several devices of a feed, by their keys, and its time.

    Raises:
        ValueError: as `DocumentCodec.encode`.
    """
    each = model.each if model.feed is None else model.feed.path
    groups: dict[tuple[str, int, Condition | None], list[tuple[Field, int]]] = {}
    for station, readings in stations.items():
        for name, time_us, ticks in readings:
            try:
                field = model.fields[model.field_index(name)]
            except KeyError as error:
                raise ValueError(error.args[0]) from error
            # Fields that are sent under one condition stand in one object, others in another.
            group = groups.setdefault((station, time_us, field.when if each is not None else None), [])
            group.append((field, ticks))
    times = dict.fromkeys(time_us for _, time_us, _ in groups)
    shared_time = each is None or model.time is None or model.time.path.rooted
    if len(times) > 1 and shared_time and not measured:
        raise ValueError(f"a message of model {model.code!r} carries one time, got {len(times)}")
    body = _fresh(each or model.fields[0].path)
    items: list[object] = []
    for (station, time_us, _), values in groups.items():
        item = _fresh(model.fields[0].path) if each is not None else body
        if station and model.feed is not None:
            model.feed.key.put(item, body, station)
        if model.time is not None and not (measured and shared_time and items):
            _put_time(model.time, item, body, time_us)
        for field, ticks in values:
            value = value_of(field, ticks)
            if measured:
                value = Measured(value=value, unit=field.unit, time=rfc3339(time_us))
            if field.path is not None and not field.path.steps:
                body = value  # the whole message is one bare value
            elif field.path is not None:
                field.path.put(item, body, value)
            if field.when is not None:
                field.when.path.put(item, body, meant(field.when.values[0]))
        items.append(item)
    if each is not None:
        body = _with_items(each, body, items)
    return body, next(iter(times), None)


def _fresh(path: JsonPath | None) -> object:
    """Return what a path begins at, empty."""
    return {} if path is None or not path.steps or isinstance(path.steps[0], str) else []


def _with_items(each: JsonPath, body: object, items: list[object]) -> object:
    """Return the message with its objects in it."""
    steps = each.steps[:-1] if each.steps[-1:] == (EVERY,) else each.steps
    if not steps:
        return items
    each._replace(steps=steps).put(body, body, items)
    return body


def _put_time(spec: TimeSpec, item: object, body: object, time_us: int) -> None:
    """Write a time as the model's devices send it, exactly."""
    text = write_time(time_us + spec.period_us, spec.format, spec.zone)
    if spec.clock_path is None:
        spec.path.put(item, body, text)
        return
    day, _, clock = text.replace("T", " ").partition(" ")
    spec.path.put(item, body, day)
    spec.clock_path.put(item, body, clock)
