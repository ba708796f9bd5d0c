"""A city as SensorThings has it: things, locations, datastreams, sensors, observed properties, and their relations.

Made of the registry once; observations are elsewhere, for they are many. Knows entities and conditions on them; knows
neither requests nor the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from console.web.odata import And, Compare, Condition, Contains, Not, ODataError, Or, Order, Value
from devices import Device, Kind, Measurand, Registry
from devices.series import TIME_MAX_US, TIME_MIN_US
from devices.times import rfc3339

OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"
RELATIONS: Mapping[str, Mapping[str, str]] = {
    "Things": {"Datastreams": "Datastreams", "Locations": "Locations"},
    "Locations": {"Things": "Things"},
    "Datastreams": {
        "Thing": "Things", "Sensor": "Sensors", "ObservedProperty": "ObservedProperties",
        "Observations": "Observations",
    },
    "Sensors": {"Datastreams": "Datastreams"},
    "ObservedProperties": {"Datastreams": "Datastreams"},
    "Observations": {"Datastream": "Datastreams"},
}  # fmt: skip
"""By set of entities, what each leads to. A name without the plural leads to one entity."""
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "Things": ("name", "description", "properties"),
    "Locations": ("name", "description", "encodingType", "location", "properties"),
    "Datastreams": ("name", "description", "observationType", "unitOfMeasurement", "properties"),
    "Sensors": ("name", "description", "encodingType", "metadata", "properties"),
    "ObservedProperties": ("name", "definition", "description", "properties"),
    "Observations": ("phenomenonTime", "resultTime", "result"),
}
IDS = ("id", "@iot.id")


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity.

    Attributes:
        kind: name of its set.
        id: key within the set.
        properties: by name, in the order in which they are given.
        related: ids of the entities that each relation leads to; `Observations` is not among them.
    """

    kind: str
    id: str
    properties: Mapping[str, Any]
    related: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """What the observations of a datastream are of."""

    device: str
    field: str
    measurand: Measurand


def is_many(relation: str) -> bool:
    """Say whether a relation leads to a collection."""
    return relation in RELATIONS


class City:
    """All entities of a city but its observations."""

    def __init__(self, registry: Registry) -> None:
        """Make the entities of a registry."""
        self.sets: dict[str, dict[str, Entity]] = {name: {} for name in RELATIONS if name != "Observations"}
        self.streams: dict[str, Stream] = {}
        belongs: dict[str, dict[str, list[str]]] = {"Sensors": {}, "ObservedProperties": {}}
        for device in registry.devices:
            model = registry.model_of(device)
            ids = []
            for one in model.fields:
                measurand = registry.catalogue.by_code[one.measurand]
                stream = f"{device.code}:{one.name}"
                ids.append(stream)
                self.streams[stream] = Stream(device.code, one.name, measurand)
                self._put(_datastream(stream, device, measurand))
                belongs["Sensors"].setdefault(model.code, []).append(stream)
                belongs["ObservedProperties"].setdefault(measurand.code, []).append(stream)
            self._put(_thing(device, model.title, ids))
            if _is_placed(device):
                self._put(_location(device))
        for code, ids in belongs["Sensors"].items():
            self._put(_sensor(registry, code, ids))
        for code, ids in belongs["ObservedProperties"].items():
            self._put(_observed(registry.catalogue.by_code[code], ids))

    def _put(self, entity: Entity) -> None:
        self.sets[entity.kind][entity.id] = entity

    def related(self, entity: Entity, relation: str) -> list[Entity]:
        """Return what a relation leads to."""
        kind = RELATIONS[entity.kind][relation]
        return [self.sets[kind][one] for one in entity.related.get(relation, ())]

    def fits(self, entity: Entity, condition: Condition | None) -> bool:
        """Say whether an entity is meant; call `check` before."""
        match condition:
            case None:
                return True
            case And(parts):
                return all(self.fits(entity, part) for part in parts)
            case Or(parts):
                return any(self.fits(entity, part) for part in parts)
            case Not(part):
                return not self.fits(entity, part)
            case Contains(function, path, text):
                found = [value for value in self.values(entity, path) if isinstance(value, str)]
                return any(_contains(function, value, text) for value in found)
            case Compare(path, operator, value):
                return any(compared(found, operator, value) for found in self.values(entity, path))

    def ordered(self, entities: Sequence[Entity], order: Sequence[Order]) -> list[Entity]:
        """Return entities as they are wanted; by their ids where nothing else says."""
        found = sorted(entities, key=lambda entity: entity.id)
        for one in reversed(order):
            found.sort(key=partial(self._rank, path=one.path), reverse=one.descending)
        return found

    def _rank(self, entity: Entity, path: Sequence[str]) -> tuple[int, Any]:
        value = next(self.values(entity, path), None)
        number = isinstance(value, Decimal | int | float) and not isinstance(value, bool)
        return (1, value) if number else (2, str(value)) if value is not None else (0, "")

    def values(self, entity: Entity, path: Sequence[str]) -> Iterator[Any]:
        """Return what a path leads to, which is several values where it passes through a collection."""
        name, *rest = path
        if name in IDS:
            yield entity.id
        elif name in PROPERTIES[entity.kind]:
            yield _inner(entity.properties.get(name), rest)
        else:
            for other in self.related(entity, name):
                yield from self.values(other, rest)


def check(kind: str, condition: Condition | None, order: Sequence[Order] = ()) -> None:
    """Refuse names that entities of a set do not have.

    Raises:
        ODataError: with the names that they have.
    """
    for one in order:
        _check_path(kind, one.path, one.place)
    match condition:
        case And(parts) | Or(parts):
            for part in parts:
                check(kind, part)
        case Not(part):
            check(kind, part)
        case Contains() | Compare():
            _check_path(kind, condition.path, condition.place)


def comparisons_in(condition: Condition | None) -> int:
    """Return how many comparisons a condition makes of each entity, at most."""
    match condition:
        case None:
            return 0
        case And(parts) | Or(parts):
            return sum(map(comparisons_in, parts))
        case Not(part):
            return comparisons_in(part)
    return 1


def _check_path(kind: str, path: Sequence[str], place: int) -> None:
    name, *rest = path
    if (name in IDS and not rest) or name in PROPERTIES[kind]:
        return
    led = {relation: to for relation, to in RELATIONS[kind].items() if to != "Observations"}
    if name in led and rest:
        _check_path(led[name], rest, place)
        return
    raise ODataError(place, f"one of {', '.join(('id', *PROPERTIES[kind], *(f'{r}/...' for r in led)))}")


def compared(found: Any, operator: str, value: Value) -> bool:
    """Compare what was found with a value; things of two kinds are never the same, and none is greater."""
    if isinstance(found, float):
        found = Decimal(repr(found))
    if found is None or value is None:
        return {"eq": found is value, "ne": found is not value}.get(operator, False)
    if isinstance(found, bool) != isinstance(value, bool) or isinstance(found, str) != isinstance(value, str):
        return operator == "ne"
    return bool(
        {
            "eq": found == value, "ne": found != value, "gt": found > value, "ge": found >= value, "lt": found < value,
            "le": found <= value,
        }[operator]
    )  # fmt: skip


def _contains(function: str, value: str, text: str) -> bool:
    if function == "startswith":
        return value.startswith(text)
    return value.endswith(text) if function == "endswith" else text in value


def _inner(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return None if isinstance(value, Mapping | list) else value


def _is_placed(device: Device) -> bool:
    return device.latitude is not None and device.longitude is not None


def _thing(device: Device, model: str, streams: list[str]) -> Entity:
    since = None if device.service_from_us <= TIME_MIN_US else rfc3339(device.service_from_us)
    until = None if device.service_to_us >= TIME_MAX_US else rfc3339(device.service_to_us)
    about = {
        "zone": device.zone, "model": device.model, "gateway": device.gateway,
        "in_service_from": since, "in_service_to": until,
    }  # fmt: skip
    placed = (device.code,) if _is_placed(device) else ()
    properties = {"name": device.title or device.code, "description": model, "properties": about}
    return Entity("Things", device.code, properties, {"Datastreams": tuple(streams), "Locations": placed})


def _location(device: Device) -> Entity:
    properties = {
        "name": device.title or device.code,
        "description": f"Where {device.code} stands",
        "encodingType": "application/geo+json",
        "location": {"type": "Point", "coordinates": [device.longitude, device.latitude]},
        "properties": {"zone": device.zone},
    }
    return Entity("Locations", device.code, properties, {"Things": (device.code,)})


def _datastream(stream: str, device: Device, measurand: Measurand) -> Entity:
    kind = "OM_CategoryObservation" if measurand.kind is Kind.STATE else "OM_Measurement"
    properties = {
        "name": f"{measurand.title}, {device.title or device.code}",
        "description": f"{measurand.title} of {device.code}",
        "observationType": OM + kind,
        "unitOfMeasurement": {
            "name": measurand.unit, "symbol": measurand.symbol or measurand.unit,
            "definition": f"ucum:{measurand.unit}",
        },
        "properties": {"zone": device.zone, "interval_s": device.interval_us / 1_000_000},
    }  # fmt: skip
    related = {"Thing": (device.code,), "Sensor": (device.model,), "ObservedProperty": (measurand.code,)}
    return Entity("Datastreams", stream, properties, related)


def _sensor(registry: Registry, code: str, streams: list[str]) -> Entity:
    model = registry.models[code]
    properties = {
        "name": model.title,
        "description": f"Device model {code}, payload format {model.codec}",
        "encodingType": "text/plain",
        "metadata": model.source,
        "properties": {"codec": model.codec, "interval_s": model.interval_s},
    }
    return Entity("Sensors", code, properties, {"Datastreams": tuple(streams)})


def _observed(measurand: Measurand, streams: list[str]) -> Entity:
    properties = {
        "name": measurand.title,
        "definition": f"urn:cityvitals:measurand:{measurand.code}",
        "description": measurand.source,
        "properties": {"unit": measurand.unit, "kind": measurand.kind.name.lower(), "decimals": measurand.decimals},
    }
    return Entity("ObservedProperties", measurand.code, properties, {"Datastreams": tuple(streams)})
