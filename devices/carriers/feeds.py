"""Feeds: one message that speaks of many devices, such as the stations of a hire system or of an air network.

Knows which object of a message is which device; what stands in it is `devices.codecs.documents` to know. It keeps no
state.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from devices.carriers.base import Carried
from devices.codecs import codec
from devices.codecs.base import FAULTS_TOLD_MAX, READINGS_MAX, Decoded
from devices.codecs.documents import Document, DocumentCodec, decode_item, encode_feed, items_at
from devices.codecs.members import tell_unknown
from devices.errors import PayloadError, quoted
from devices.models import DeviceModel, Feed
from devices.paths import said
from devices.registry import Registry, feed_key


class _Shared(NamedTuple):
    """Devices of one model that share a topic."""

    model: DeviceModel
    feed: Feed
    codec: DocumentCodec
    positions: Mapping[str, int]
    """Key in the message to position in the registry."""


class Feeds:
    """The carrier of all feeds of a registry."""

    filters: tuple[str, ...] = ()

    def __init__(self, shared: Mapping[str, Sequence[_Shared]]) -> None:
        self._shared = shared
        self._devices = frozenset(at for group in shared.values() for each in group for at in each.positions.values())

    @property
    def devices(self) -> Collection[int]:
        """See `Carrier.devices`."""
        return self._devices

    @property
    def topics(self) -> Sequence[str]:
        """See `Carrier.topics`."""
        return tuple(self._shared)

    def decode(self, topic: str, payload: bytes, received_us: int) -> list[Carried]:
        """Return what a message says of each registered device it names; see `Carrier.decode`.

        Objects of devices that are not registered are read past: a city has few of a country's stations.
        """
        carried: list[Carried] = []
        strangers: list[object] = []
        for shared in self._shared[topic]:
            document = shared.codec.read(payload, shared.model, received_us)
            objects = items_at(shared.feed.path, document)
            keys = [said(shared.feed.key.find(item, document.root)) for item in objects]
            found = ((shared.positions.get(key or ""), item) for key, item in zip(keys, objects, strict=True))
            ours = [(position, item) for position, item in found if position is not None]
            if (len(carried) + len(ours)) * len(shared.model.fields) > READINGS_MAX:
                raise PayloadError("too_many", f"expected at most {READINGS_MAX} readings, got {len(ours)} devices")
            strangers += keys
            told = [_carried(position, item, document, shared.model, received_us) for position, item in ours]
            if told:  # a member that is new is new in every object; the first device stands for all
                known = shared.codec.known(shared.model)
                tell_unknown(known, (item for _, item in ours), told[0].decoded)
            carried += told
        if not strangers:
            raise PayloadError("empty", "the feed names no device")
        if not carried:
            raise PayloadError(
                "unknown_device",
                f"none of {len(strangers)} objects is a registered device; the first is {quoted(str(strangers[0]))}",
            )
        return _told_in_part(carried)

    def commands(self) -> list[tuple[str, bytes]]:
        """See `Carrier.commands`."""
        return []


def feeds(registry: Registry) -> Feeds | None:
    """Return the carrier of a registry's feeds, or None where it has none."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for position, device in enumerate(registry.devices):
        model = registry.model_of(device)
        if model.feed is not None and position not in registry.earlier:
            found.setdefault(device.topic, {}).setdefault(model.code, {})[feed_key(device, model)] = position
    if not found:
        return None
    return Feeds(
        {
            topic: tuple(_shared(registry.models[code], positions) for code, positions in by_model.items())
            for topic, by_model in found.items()
        }
    )


def _shared(model: DeviceModel, positions: Mapping[str, int]) -> _Shared:
    chosen = codec(model.codec)
    # A model with a feed has paths, and every format with paths is a form of documents.
    assert isinstance(chosen, DocumentCodec)  # noqa: S101
    assert model.feed is not None  # noqa: S101
    return _Shared(model, model.feed, chosen, positions)


def _carried(position: int, item: object, document: Document, model: DeviceModel, received_us: int) -> Carried:
    decoded = Decoded()
    decode_item(item, document, model, received_us, "", decoded)
    return Carried(position, decoded)


def _told_in_part(carried: list[Carried]) -> list[Carried]:
    """Return the same with at most so many faults told one by one as of one device's message: each that is told keeps
    the whole message in the quarantine. The others are added up with those of the last device that is told."""
    told, last = 0, None
    for each in carried:
        faults = each.decoded.faults
        if last is None or told + len(faults) <= FAULTS_TOLD_MAX:
            told += len(faults)
            last = each.decoded if faults else last
            continue
        for fault in faults:
            _add_up(last, fault.reason, fault.detail, fault.readings)
        faults.clear()
    return carried


def _add_up(decoded: Decoded, reason: str, detail: str, readings: int) -> None:
    for at, fault in enumerate(decoded.faults):
        if fault.reason == reason:
            decoded.faults[at] = fault._replace(readings=fault.readings + readings)
            return
    decoded.refuse(reason, detail, readings)


def listed(model: DeviceModel, payload: bytes, received_us: int, decoded_max: int) -> list[tuple[str, Decoded | None]]:
    """Return the key of each object of a message, and of the first what it says, whoever is registered.

    Raises:
        PayloadError: it is no message of this feed.
    """
    shared = _shared(model, {})
    document = shared.codec.read(payload, model, received_us)
    found: list[tuple[str, Decoded | None]] = []
    for item in items_at(shared.feed.path, document):
        key = said(shared.feed.key.find(item, document.root))
        if key:
            some = len(found) < decoded_max
            found.append((key, _carried(0, item, document, model, received_us).decoded if some else None))
    return found


def encode(model: DeviceModel, stations: Mapping[str, Sequence[tuple[str, int, int]]]) -> bytes:
    """Return one message with the readings of several devices, by their keys.

    Raises:
        ValueError: as `Codec.encode`.
    """
    shared = _shared(model, {})
    body, time_us = encode_feed(model, stations)
    return shared.codec.form.write(Document(body, body, time_us), model)
