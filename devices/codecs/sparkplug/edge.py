"""What a Sparkplug B edge node publishes: births, data by alias, deaths, numbered as the specification has it.

Knows models of its devices and the numbers it has given; knows neither broker nor clock. It is for simulated nodes and
tests: what hardware would say, for `devices.carriers.sparkplug` to understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from devices.codecs.sparkplug.codec import metrics_of
from devices.codecs.sparkplug.reading import MS_US, wanted
from devices.codecs.sparkplug.schema import Metric, parse, serialize
from devices.codecs.sparkplug.values import BOOLEAN, DOUBLE, UINT64
from devices.errors import PayloadError
from devices.models import DeviceModel
from devices.topics import SPARKPLUG, sparkplug_topic

BD_SEQ = "bdSeq"
REBIRTH = "Node Control/Rebirth"
SEQUENCE = 256
"""Sequence numbers go round: after 255 comes 0."""

Readings = Sequence[tuple[str, int, int]]
"""(field name, time_us, ticks), as `Codec.encode` takes them."""
Message = tuple[str, bytes]
"""Topic and payload."""


def rebirth_request(group: str, node: str, time_us: int) -> Message:
    """Return the command that asks a node for its births."""
    time_ms = time_us // MS_US
    metric = Metric(REBIRTH, time_ms=time_ms, datatype=BOOLEAN, kind="boolean_value", value=True)
    return f"{SPARKPLUG}/{group}/NCMD/{node}", serialize(time_ms, None, [metric])


class EdgeNode:
    """One edge node and its devices.

    Args:
        group, code: its names in topics.
        models: models of its devices by their names in topics; of its own metrics by the empty name.
        alias_first: the alias of the first metric; the others count up.
        bd_seq: number of its connection to the broker.
    """

    def __init__(
        self, group: str, code: str, models: Mapping[str, DeviceModel], *, alias_first: int = 1, bd_seq: int = 0
    ) -> None:
        self.group, self.code, self.bd_seq = group, code, bd_seq
        self._models = models
        names = [(device, name) for device, model in models.items() for name in wanted(model)]
        self._alias = {each: alias_first + at for at, each in enumerate(names)}
        self._type: dict[tuple[str, str], int] = {}
        self._seq = 0

    def topic(self, kind: str, device: str = "") -> str:
        """Return the topic of a kind of message, such as `NBIRTH`."""
        return f"{SPARKPLUG}/{self.group}/{kind}/{self.code}" + (f"/{device}" if device else "")

    def births(self, time_us: int, readings: Mapping[str, Readings]) -> list[Message]:
        """Return the births of the node and of its devices; metrics without a reading are null."""
        self._seq = 0
        time_ms = time_us // MS_US
        own = [
            Metric(BD_SEQ, time_ms=time_ms, datatype=UINT64, kind="long_value", value=self.bd_seq),
            Metric(REBIRTH, time_ms=time_ms, datatype=BOOLEAN, kind="boolean_value", value=False),
        ]
        born = self.topic("NBIRTH"), self._numbered(time_ms, [*own, *self._born("", time_ms, readings)])
        return [born, *(self.device_birth(device, time_us, readings) for device in self._models if device)]

    def device_birth(self, device: str, time_us: int, readings: Mapping[str, Readings]) -> Message:
        """Return the birth of one device."""
        time_ms = time_us // MS_US
        return self.topic("DBIRTH", device), self._numbered(time_ms, self._born(device, time_ms, readings))

    def data(self, device: str, time_us: int, readings: Readings, *, historical: bool = False) -> Message:
        """Return data of a device, or of the node itself: aliases, and types only where they are not the birth's."""
        metrics = self._by_alias(device, metrics_of(self._models[device], readings), historical)
        return self.topic("DDATA" if device else "NDATA", device), self._numbered(time_us // MS_US, metrics)

    def relayed(self, topic: str, payload: bytes, *, historical: bool = False) -> Message:
        """Return what a device said by names, as `SparkplugB.encode` writes it, by aliases and with the next number.

        Metrics of a device that the births do not name keep their names.

        Raises:
            PayloadError: the payload is none.
        """
        said, parts = parse(payload), sparkplug_topic(topic)
        metrics = self._by_alias(parts.device if parts is not None else "", said.metrics, historical)
        return topic, self._numbered(said.time_ms, metrics)

    def lose(self, count: int) -> None:
        """Use up the numbers of so many messages that are lost on their way."""
        self._seq = (self._seq + count) % SEQUENCE

    def device_death(self, device: str, time_us: int) -> Message:
        """Return the death of one device."""
        return self.topic("DDEATH", device), self._numbered(time_us // MS_US, [])

    def death(self) -> Message:
        """Return the node's death, which it leaves with the broker as its will."""
        metric = Metric(BD_SEQ, datatype=UINT64, kind="long_value", value=self.bd_seq)
        return self.topic("NDEATH"), serialize(None, None, [metric])

    def is_asked(self, topic: str, payload: bytes) -> bool:
        """Return whether a message asks this node for its births."""
        if topic != self.topic("NCMD"):
            return False
        try:
            metrics = parse(payload).metrics
        except PayloadError:
            return False
        return any(metric.name == REBIRTH and metric.value is True for metric in metrics)

    def _born(self, device: str, time_ms: int, readings: Mapping[str, Readings]) -> list[Metric]:
        """Return what a birth says of each metric: name, alias, type and value."""
        if device not in self._models:
            return []
        made = {metric.name: metric for metric in metrics_of(self._models[device], readings.get(device, ()))}
        found = []
        for name in wanted(self._models[device]):
            metric = made.get(name, Metric(name, time_ms=time_ms, datatype=DOUBLE, is_null=True))
            self._type[device, name] = metric.datatype
            found.append(metric._replace(alias=self._alias[device, name]))
        return found

    def _by_alias(self, device: str, metrics: Iterable[Metric], historical: bool) -> list[Metric]:
        found = []
        for metric in metrics:
            key = device, metric.name
            if key in self._alias:
                datatype = 0 if self._type.get(key) == metric.datatype else metric.datatype
                metric = metric._replace(name="", alias=self._alias[key], datatype=datatype)
            found.append(metric._replace(is_historical=historical))
        return found

    def _numbered(self, time_ms: int | None, metrics: Sequence[Metric]) -> bytes:
        payload = serialize(time_ms, self._seq, metrics)
        self._seq = (self._seq + 1) % SEQUENCE
        return payload
