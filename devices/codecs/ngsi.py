"""Entities of FIWARE context brokers: `ngsi-ld` (ETSI GS CIM 009) and `ngsi-v2`, with their notifications.

Knows attributes in each representation (normalised, concise, key-values), their time and unit; knows no data model.
An attribute is a reading, whichever way the broker was asked to write it, so that one model reads them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeGuard

from devices.codecs.documents import Document, DocumentCodec
from devices.codecs.jsontext import NumberText, dump_json, parse_json
from devices.codecs.measured import Measured
from devices.errors import PayloadError
from devices.models import DeviceModel
from devices.units import common_codes

ENTITIES: Final = "data"
"""The member that holds a message's entities, of a notification and in the document."""
_NOT_ATTRIBUTES: Final = ("id", "type", "@context", "@id", "@type", "scope")
_VALUES: Final = ("value", "object", "languageMap", "vocab", "json", "valueList", "objectList")
_TIMES: Final = ("TimeInstant", "observedAt", "timestamp")
"""Metadata by which NGSI v2 says when an attribute was observed: the IoT agents' first."""
_DELETED: Final = "urn:ngsi-ld:null"


class NgsiLd:
    """The format of NGSI-LD."""

    name = "ngsi-ld"

    def read(self, payload: bytes, model: DeviceModel, _received_us: int) -> Document:
        """Return the entity, or all of them as `data`; see `Format.read`."""
        return _document(payload, model, _entity_ld)

    def write(self, document: Document, model: DeviceModel) -> bytes:
        """Return an entity, or a notification of several where the model has `each`; see `Format.write`."""
        return _written(document, model, _attribute_ld)


class NgsiV2:
    """The format of NGSI v2."""

    name = "ngsi-v2"

    def read(self, payload: bytes, model: DeviceModel, _received_us: int) -> Document:
        """Return the entity, or all of them as `data`; see `Format.read`."""
        return _document(payload, model, _entity_v2)

    def write(self, document: Document, model: DeviceModel) -> bytes:
        """Return an entity, or a notification of several where the model has `each`; see `Format.write`."""
        return _written(document, model, _attribute_v2)


def _document(payload: bytes, model: DeviceModel, entity: Callable[[dict[str, object]], dict[str, object]]) -> Document:
    """Return a message's entities.

    A message of several is one device's only where the model says so with `each`, and several devices' where it is a
    feed: else its readings would be mixed.
    """
    message = parse_json(payload)
    root: dict[str, object] = {}
    found: object = message
    if _is_notification(message):
        root = {key: value for key, value in message.items() if key != ENTITIES}
        found = message[ENTITIES]
    entities = found if isinstance(found, list) else [found]
    said = []
    for one in entities:
        if not isinstance(one, dict):
            raise PayloadError("malformed", "expected an entity, an array of them, or a notification")
        said.append(entity(one))
    root[ENTITIES] = said
    return Document(root if _holds_several(model) or len(said) != 1 else said[0], root)


def _holds_several(model: DeviceModel) -> bool:
    """Return whether the model goes through the entities of a message."""
    return model.each is not None or model.feed is not None


def _is_notification(message: object) -> TypeGuard[dict[str, object]]:
    """Return whether a message wraps entities: an entity may have an attribute with the name `data` itself."""
    if not isinstance(message, dict) or not isinstance(message.get(ENTITIES), list):
        return False
    return "subscriptionId" in message or message.get("type") == "Notification" or "id" not in message


def _entity_ld(entity: dict[str, object]) -> dict[str, object]:
    """Return an entity of NGSI-LD with its attributes as readings."""
    said: dict[str, object] = {}
    for name, attribute in entity.items():
        if name in _NOT_ATTRIBUTES:
            said[name] = attribute
            continue
        # An attribute may have several instances; the one without a datasetId is the attribute itself.
        for instance in _instances(attribute):
            reading = _reading_ld(instance)
            dataset = instance.get("datasetId") if isinstance(instance, dict) else None
            if reading is not None:
                said[f"{name}:{dataset}" if isinstance(dataset, str) else name] = reading
    return said


def _instances(attribute: object) -> list[object]:
    """Return the instances of an attribute: itself, or those of an array that has named ones."""
    if isinstance(attribute, list) and any(isinstance(one, dict) and "datasetId" in one for one in attribute):
        return attribute
    return [attribute]


def _reading_ld(attribute: object) -> Measured | None:
    """Return an attribute in any representation; None for one that was deleted."""
    reading = Measured(value=attribute)
    if isinstance(attribute, dict):
        member = next((member for member in _VALUES if member in attribute), None)
        if member is not None:
            reading = Measured(attribute, value=attribute[member])
            _add(reading, attribute.get("observedAt"), attribute.get("unitCode"))
    value = reading["value"]
    if isinstance(value, dict) and "@value" in value:
        reading["value"] = value["@value"]
    return None if reading["value"] == _DELETED else reading


def _entity_v2(entity: dict[str, object]) -> dict[str, object]:
    """Return an entity of NGSI v2 with its attributes as readings.

    Where an attribute has no time of its own, the entity's TimeInstant is: IoT agents write there when it measured.
    """
    said: dict[str, object] = {}
    for name, attribute in entity.items():
        said[name] = attribute if name in _NOT_ATTRIBUTES else _reading_v2(attribute)
    instant = said.get(_TIMES[0])
    time = instant.get("value") if isinstance(instant, Measured) else None
    if time is not None:
        for reading in said.values():
            if isinstance(reading, Measured):
                reading.setdefault("time", _begin(time))
    return said


def _reading_v2(attribute: object) -> Measured:
    if not isinstance(attribute, dict) or "value" not in attribute:
        return Measured(value=attribute)
    reading = Measured(attribute)
    metadata = attribute.get("metadata")
    said: dict[str, object] = {}
    for name, one in (metadata if isinstance(metadata, dict) else {}).items():
        said[name] = one.get("value") if isinstance(one, dict) else one
    time = next((said[name] for name in _TIMES if said.get(name) is not None), None)
    _add(reading, time, said.get("unitCode"))
    if attribute.get("type") in ("DateTime", "ISO8601"):
        reading["value"] = _begin(attribute["value"])
    return reading


def _add(reading: Measured, time: object, code: object) -> None:
    """Give a reading its time and unit.

    Members that only happen to have these names are none: a reading has the time and unit that the standard gives it.
    """
    for member, value in (("time", _begin(time)), ("unit", common_codes().get(str(code), code))):
        reading.pop(member, None)
        if value is not None:
            reading[member] = value


def _begin(time: object) -> object:
    """Return the begin of an interval, `begin/end`; of anything else itself.

    What was measured from 11 to 12 belongs to the hour from 11 on, as windows have their begin and not their end.
    """
    return time.partition("/")[0] if isinstance(time, str) else time


def _written(document: Document, model: DeviceModel, attribute: Callable[[Measured], object]) -> bytes:
    """Return the message of a document.

    Raises:
        ValueError: a field is no whole attribute.
    """
    body = document.body
    several = isinstance(body, dict) and _holds_several(model) and isinstance(body.get(ENTITIES), list)
    items = body[ENTITIES] if several and isinstance(body, dict) else [body]
    entities = []
    for number, item in enumerate(items if isinstance(items, list) else []):
        entity: dict[str, object] = {"id": f"urn:ngsi-ld:{model.code}:{number}", "type": model.code}
        for name, value in item.items() if isinstance(item, dict) else ():
            if isinstance(value, dict) and not isinstance(value, Measured):
                raise ValueError(f"expected a whole attribute, got a part of {name!r}")  # noqa: TRY004
            if name in _NOT_ATTRIBUTES:
                entity[name] = value
                continue
            entity[name] = attribute(value if isinstance(value, Measured) else Measured(value=value))
        entities.append(entity)
    if several:
        return dump_json({"type": "Notification", ENTITIES: entities})
    return dump_json(entities[0])


def _attribute_ld(reading: Measured) -> object:
    """Return an attribute as NGSI-LD normalises it."""
    said: dict[str, object] = {"type": "Property", "value": reading["value"]}
    if "time" not in reading and not isinstance(reading["value"], NumberText):
        said["value"] = {"@type": "DateTime", "@value": reading["value"]}
    if "time" in reading:
        said["observedAt"] = reading["time"]
    code = _code(reading)
    return {**said, "unitCode": code} if code else said


def _attribute_v2(reading: Measured) -> object:
    """Return an attribute as NGSI v2 normalises it."""
    value = reading["value"]
    kind = "Number" if isinstance(value, NumberText) else "Text" if "time" in reading else "DateTime"
    metadata: dict[str, object] = {}
    if "time" in reading:
        metadata[_TIMES[0]] = {"type": "DateTime", "value": reading["time"]}
    code = _code(reading)
    if code:
        metadata["unitCode"] = {"type": "Text", "value": code}
    return {"type": kind, "value": value, "metadata": metadata}


def _code(reading: Measured) -> str | None:
    """Return the common code of a reading's unit, or None where it has none."""
    unit = reading.get("unit")
    return next((code for code, named in common_codes().items() if named == unit), None)


NGSI_LD = DocumentCodec(NgsiLd(), measured=True)
NGSI_V2 = DocumentCodec(NgsiV2(), measured=True)
