"""Sparkplug B edge nodes: births tell what an alias means, sequence numbers whether a message was lost.

Knows nodes, their births and their devices; knows neither the session nor the store. What is remembered is memory
alone. A birth kept over a restart would do harm: a node that was born anew meanwhile may mean something else by the
same alias, and nobody would notice. So after a start every node is asked for its birth when its first message comes,
and what came before it is quarantined as `no_birth`, kept for a while, and read again once the birth says what it was.

After a few lost messages known aliases still hold: they change by a birth alone, and a new connection of a node begins
with a death, which the broker itself publishes and delivers. A birth is asked for all the same, for the lost message
may have been one of a device. Where more are lost, as while we ourselves were away, a birth may be among them that gave
the aliases another meaning: then they mean nothing until the next one.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from devices.carriers.base import Carried
from devices.codecs.base import READINGS_MAX, Decoded, Reading
from devices.codecs.sparkplug.edge import BD_SEQ, SEQUENCE, rebirth_request
from devices.codecs.sparkplug.reading import CODEC, Named, read, wanted
from devices.codecs.sparkplug.schema import Metric, Payload, parse
from devices.codecs.sparkplug.values import needs_type
from devices.errors import PayloadError, quoted
from devices.models import DeviceModel
from devices.registry import Registry
from devices.topics import SPARKPLUG, SparkplugTopic, sparkplug_topic

LOST_MAX: Final = 15
"""More messages lost at once may hide a birth. As few may come late: a number so little behind is no loss of 240."""
ASK_US: Final = 10_000_000
"""A node is asked for a birth at most once in so long."""
HELD_US_MAX: Final = 600_000_000
"""What waits for a birth longer than this waits in the quarantine alone."""
HELD_METRICS_MAX, HELD_BYTES_MAX = 2_000, 262_144
"""Of one node so much is held at most; the rest is in the quarantine alone."""


@dataclass(slots=True)
class _Birth:
    """What a birth says of the node's own metrics or of one device's."""

    alias: dict[int, str]
    """Alias to name."""
    type: dict[str, int]
    """Name to data type."""

    @classmethod
    def of(cls, metrics: Iterable[Metric]) -> _Birth:
        named = [metric for metric in metrics if metric.name]
        return cls(
            {metric.alias: metric.name for metric in named if metric.alias is not None},
            {metric.name: metric.datatype for metric in named},
        )

    def named(self, metric: Metric) -> Named | None:
        """Return the metric with its name and type; None where this birth does not say what it is."""
        name = metric.name
        if not name and metric.alias is not None:
            name = self.alias.get(metric.alias, "")
        datatype = metric.datatype or self.type.get(name, 0)
        return Named(name, datatype, metric) if name and (datatype or not needs_type(metric)) else None


_UNBORN: Final = _Birth({}, {})


class _Held(NamedTuple):
    """Metrics of a device that no birth explained yet."""

    payload: Payload
    received_us: int
    size: int


class _Waiting:
    """What waits for a birth, by device and digest of its message, in order of arrival and within bounds."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, int], _Held] = {}
        self._metrics = self._bytes = 0

    def put(self, device: str, digest: int, held: _Held) -> None:
        """Keep it, unless it is kept already or there is no room."""
        metrics, size = self._metrics + len(held.payload.metrics), self._bytes + held.size
        if (device, digest) not in self._held and metrics <= HELD_METRICS_MAX and size <= HELD_BYTES_MAX:
            self._held[device, digest] = held
            self._metrics, self._bytes = metrics, size

    def expire(self, now_us: int) -> None:
        """Give up what has waited too long."""
        while self._held:
            first = next(iter(self._held))
            if now_us - self._held[first].received_us <= HELD_US_MAX:
                return
            self._drop(first)

    def take(self, device: str) -> list[_Held]:
        """Return and forget what waits for a device's birth."""
        return [self._drop(key) for key in list(self._held) if key[0] == device]

    def _drop(self, key: tuple[str, int]) -> _Held:
        held = self._held.pop(key)
        self._metrics -= len(held.payload.metrics)
        self._bytes -= held.size
        return held


class _Device(NamedTuple):
    """A registered device, or the node itself where it is one."""

    position: int
    model: DeviceModel
    wanted: Counter[str]


@dataclass(slots=True)
class _Node:
    """What is known of one edge node.

    Attributes:
        devices: registered ones by their id in topics; the node's own metrics are those of the empty id.
        births: those that hold, by device id.
        bd_seq: of the birth that holds; None where there is none, or it stated none.
        born: digest of the node's birth that holds; None where none does.
        expected: the next sequence number; None before a birth.
        seen: digest of the last message of each sequence number since the birth.
        last: digest of the last message.
        asking: a birth is needed.
        asked_us: when it was asked for last.
        waiting: what no birth explained yet. taken: what the last message, a birth, explained of it.
    """

    group: str
    code: str
    devices: dict[str, _Device] = field(default_factory=dict)
    births: dict[str, _Birth] = field(default_factory=dict)
    bd_seq: int | None = None
    born: int | None = None
    expected: int | None = None
    seen: dict[int, int] = field(default_factory=dict)
    last: int | None = None
    asking: bool = False
    asked_us: int | None = None
    waiting: _Waiting = field(default_factory=_Waiting)
    taken: list[_Held] = field(default_factory=list)

    def begin(self, digest: int, received_us: int) -> None:
        """Forget what the last message explained, unless it comes again, and what has waited too long."""
        if digest != self.last:
            self.taken = []
        self.last = digest
        self.waiting.expire(received_us)

    def follow(self, seq: int | None, digest: int) -> bool:
        """Note a message's sequence number; return whether the message came before and comes again.

        A number other than the expected one means that messages were lost, and a birth is needed. Writers made by
        proto3 leave a zero out; elsewhere a message without a number says nothing of those before it.
        Many lost messages end what births said.
        """
        if seq is None:
            if self.expected != 0:
                return False
            seq = 0
        if self.seen.get(seq % SEQUENCE) == digest and seq != self.expected:
            return True
        if self.expected is None:
            self.asking = True
            return False
        lost = (seq - self.expected) % SEQUENCE
        self.asking = self.asking or lost > 0
        if LOST_MAX < lost < SEQUENCE - LOST_MAX:
            self.births = {}
        self.expected = (seq + 1) % SEQUENCE
        self.seen[seq % SEQUENCE] = digest
        return False

    def bear(self, message: Payload, digest: int) -> None:
        """Take a birth of the node: it ends everything that was before, also what its devices' births said."""
        if digest == self.born and not self.asking:
            return  # the same message once more: sequence and devices go on
        self.births, self.born, self.asking = {"": _Birth.of(message.metrics)}, digest, False
        self.expected, self.seen = ((message.seq or 0) + 1) % SEQUENCE, {}
        self.bd_seq = _bd_seq(message)

    def die(self, message: Payload) -> None:
        """Take a death of the node, unless it is of an earlier connection, whose end the broker noticed late."""
        of = _bd_seq(message)
        if None not in (of, self.bd_seq) and of != self.bd_seq:
            return
        self.births, self.born, self.expected, self.bd_seq, self.seen = {}, None, None, None, {}
        self.waiting, self.taken = _Waiting(), []

    def explain(self, device: str) -> list[_Held]:
        """Return what a birth of a device may explain; the same when the birth comes again at once."""
        self.taken += self.waiting.take(device)
        return self.taken


def _bd_seq(message: Payload) -> int | None:
    """Return the number of the connection that a birth or death of a node belongs to."""
    found = (metric.value for metric in message.metrics if metric.name == BD_SEQ)
    value = next(found, None)
    return value if isinstance(value, int) else None


class SparkplugCarrier:
    """The carrier of every Sparkplug B device of a registry; see `Carrier`."""

    def __init__(self, registry: Registry) -> None:
        self._nodes: dict[tuple[str, str], _Node] = {}
        self._commands: list[tuple[str, bytes]] = []
        positions = []
        for position, device in enumerate(registry.devices):
            model, topic = registry.model_of(device), sparkplug_topic(device.topic)
            if model.codec != CODEC or topic is None or position in registry.earlier:
                continue
            key = topic.group, topic.node
            node = self._nodes.setdefault(key, _Node(*key))
            node.devices[topic.device] = _Device(position, model, wanted(model))
            positions.append(position)
        self.devices = tuple(positions)
        self.topics = tuple(topic for node in self._nodes.values() for topic in _topics(node))
        groups = dict.fromkeys(group for group, _ in self._nodes)
        self.filters = tuple(
            f"{SPARKPLUG}/{group}/{kind}/+" + ("/+" if kind[0] == "D" else "")
            for group in groups
            for kind in ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH")
        )

    def decode(self, topic: str, payload: bytes, received_us: int) -> list[Carried]:
        """Return what a message of an edge node says of registered devices; see `Carrier.decode`."""
        parts = sparkplug_topic(topic)
        node = self._nodes.get((parts.group, parts.node)) if parts is not None else None
        if parts is None or node is None:
            raise PayloadError("unknown_device", f"no registered device belongs to the edge node of {quoted(topic)}")
        device = node.devices.get(parts.device)
        try:
            decoded = self._taken(node, parts, payload, received_us, device)
        except PayloadError as error:
            if device is None:
                raise
            decoded = Decoded()
            decoded.refuse(error.reason, error.detail)
        finally:
            self._ask(node, received_us)
        if decoded is None or device is None:
            if parts.device and device is None and parts.kind != "DDEATH":
                raise PayloadError("unknown_device", f"no registered device has the topic {quoted(topic)}")
            return []
        return [Carried(device.position, decoded)]

    def commands(self) -> list[tuple[str, bytes]]:
        """Return requests for births, as (topic, payload)."""
        wanted, self._commands = self._commands, []
        return wanted

    def _taken(
        self, node: _Node, topic: SparkplugTopic, payload: bytes, received_us: int, device: _Device | None
    ) -> Decoded | None:
        """Let a message change what is known of its node; return what it says of a device, None where it is a death."""
        message = parse(payload)
        digest = zlib.crc32(payload, zlib.crc32(topic.kind.encode() + topic.device.encode()))
        node.begin(digest, received_us)
        if topic.kind == "NDEATH":
            node.die(message)
            return None
        if topic.kind == "NBIRTH":
            node.bear(message, digest)
        else:
            again = node.follow(message.seq, digest)
            if topic.kind == "DDEATH":
                if not again:
                    node.births.pop(topic.device, None)
                return None
            if topic.kind == "DBIRTH" and device is not None:
                node.births[topic.device] = _Birth.of(message.metrics)
        return _said(node, topic, message, len(payload), received_us, device) if device is not None else None

    def _ask(self, node: _Node, received_us: int) -> None:
        """Ask a node for its births where they are needed, and not too often."""
        if not node.asking or (node.asked_us is not None and received_us - node.asked_us < ASK_US):
            return
        node.asked_us = received_us
        self._commands.append(rebirth_request(node.group, node.code, received_us))


def _said(
    node: _Node, topic: SparkplugTopic, message: Payload, size: int, received_us: int, device: _Device
) -> Decoded:
    """Return what a birth or data says of a device, and what a birth explains of messages before it."""
    birth = node.births.get(topic.device, _UNBORN)
    known, unknown = _sorted(birth, message.metrics)
    decoded = read(known, message.time_ms, device.model, device.wanted, received_us)
    if unknown:
        if topic.kind[1:] == "DATA":
            node.asking = True
            held = _Held(message._replace(metrics=tuple(unknown)), received_us, size)
            node.waiting.put(topic.device, node.last or 0, held)
        decoded.refuse("no_birth", f"{len(unknown)} metrics whose names no birth told yet", len(unknown))
    if topic.kind[1:] == "BIRTH":
        decoded.readings[:0] = _explained(node.explain(topic.device), birth, device, len(decoded.readings))
    return decoded


def _explained(before: Iterable[_Held], birth: _Birth, device: _Device, count: int) -> list[Reading]:
    """Return the readings of what waited for a birth, as far as one message may have more than `count`.

    Their faults are told already, with the bytes that they are about.
    """
    found: list[Reading] = []
    for held in before:
        known, _ = _sorted(birth, held.payload.metrics)
        try:
            decoded = read(known, held.payload.time_ms, device.model, device.wanted, held.received_us)
        except PayloadError:
            continue  # it stays in the quarantine
        if count + len(found) + len(decoded.readings) <= READINGS_MAX:
            found += decoded.readings
    return found


def _sorted(birth: _Birth, metrics: Iterable[Metric]) -> tuple[list[Named], list[Metric]]:
    """Return the metrics that a birth explains, and those that it does not."""
    known, unknown = [], []
    for metric in metrics:
        named = birth.named(metric)
        if named is None:
            unknown.append(metric)
        else:
            known.append(named)
    return known, unknown


def _topics(node: _Node) -> list[str]:
    """Return the topics of a node and of its registered devices."""
    own = [f"{SPARKPLUG}/{node.group}/{kind}/{node.code}" for kind in ("NBIRTH", "NDATA", "NDEATH")]
    return own + [
        f"{SPARKPLUG}/{node.group}/{kind}/{node.code}/{device}"
        for device in node.devices
        if device
        for kind in ("DBIRTH", "DDATA", "DDEATH")
    ]


def sparkplug(registry: Registry) -> SparkplugCarrier | None:
    """Return the carrier of a registry's Sparkplug B devices; None where it has none."""
    carrier = SparkplugCarrier(registry)
    return carrier if carrier.devices else None
