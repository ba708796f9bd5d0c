"""Devices that publish their fields to topics of their own, such as one bare value a topic.

Knows which fields a topic carries; how they are written in it is the model's codec to know. Keeps no state.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from devices.carriers.base import Carried
from devices.codecs import Codec, codec
from devices.codecs.base import Decoded
from devices.errors import PayloadError, quoted
from devices.models import DeviceModel
from devices.registry import Registry
from devices.topics import subscriptions, widened


class _Part(NamedTuple):
    """What a model sends by one topic."""

    model: DeviceModel
    """With these fields only."""
    fields: tuple[int, ...]
    """Where they stand in the whole model."""
    codec: Codec


class Parts:
    """The carrier of all devices of a registry whose fields have topics of their own."""

    def __init__(self, parts: Mapping[str, tuple[int, _Part]], filters: tuple[str, ...]) -> None:
        self.filters = filters
        self._parts = parts
        self._devices = frozenset(position for position, _ in parts.values())

    @property
    def devices(self) -> Collection[int]:
        """See `Carrier.devices`."""
        return self._devices

    @property
    def topics(self) -> Sequence[str]:
        """See `Carrier.topics`."""
        return tuple(self._parts)

    def decode(self, topic: str, payload: bytes, received_us: int) -> list[Carried]:
        """Return what a message says of its device, also that it cannot be read; see `Carrier.decode`."""
        if topic not in self._parts:
            raise PayloadError("unknown_device", f"no registered device has the topic {quoted(topic)}")
        position, part = self._parts[topic]
        try:
            decoded = part.codec.decode(payload, part.model, received_us)
        except PayloadError as error:
            decoded = Decoded()
            decoded.refuse(error.reason, error.detail)
        readings = [reading._replace(field=part.fields[reading.field]) for reading in decoded.readings]
        return [Carried(position, replace(decoded, readings=readings))]

    def commands(self) -> list[tuple[str, bytes]]:
        """See `Carrier.commands`."""
        return []


def parts(registry: Registry) -> Parts | None:
    """Return the carrier of a registry's devices with topics of fields, or None where it has none."""
    split = {code for code, model in registry.models.items() if any(field.topic for field in model.fields)}
    made: dict[tuple[str, str], _Part] = {}
    found: dict[str, tuple[int, _Part]] = {}
    by_filter: dict[str, list[str]] = {}
    for position, device in enumerate(registry.devices):
        if device.model not in split or position in registry.earlier:
            continue
        model = registry.model_of(device)
        for field, topic in zip(model.fields, registry.field_topics(device), strict=True):
            if not topic or topic in found:
                continue
            if (model.code, field.topic) not in made:
                made[model.code, field.topic] = _Part(*model.part(field.topic), codec(model.codec))
            found[topic] = (position, made[model.code, field.topic])
            pattern = (field.topic or "{topic}").replace("{topic}", registry.pattern(device))
            by_filter.setdefault(_filter(pattern, registry.city.code), []).append(topic)
    return Parts(found, subscriptions(by_filter)) if found else None


def _filter(pattern: str, city: str) -> str:
    """Return the filter that takes the topics of a pattern, of which some levels are filters already."""
    levels = widened(pattern, {"city": city}).split("/")
    return "/".join("+" if "+" in level else level for level in levels)
