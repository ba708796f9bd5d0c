"""Whose a fleet's messages are: a device's own, a feed's that many share, or those of its single fields.

Knows models and topics of a registry; knows neither readings nor bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices import Registry
from devices.topics import sparkplug_topic

SPARKPLUG_CODEC: Final = "sparkplug-b"
NO_NODE: Final = -1


@dataclass(frozen=True, slots=True)
class Senders:
    """Who sends what, of the devices and slots of one registry.

    Attributes:
        device: int32, per slot, whose it is.
        of: int32, per device, the one whose messages carry its readings: itself, or the first that shares its feed.
        part: int32, per slot, which of its device's topics carries it; 0 where there is one.
        feed: bool, per device, whether its readings stand in a feed.
        carried: bool, per device, whether by its topic alone a gateway does not know whose a message is.
        node: int32, per device, position in `nodes` of the edge node that it is behind; -1 where there is none.
        nodes: group and name of each Sparkplug B edge node.
    """

    device: NDArray[np.int32]
    of: NDArray[np.int32]
    part: NDArray[np.int32]
    feed: NDArray[np.bool_]
    carried: NDArray[np.bool_]
    node: NDArray[np.int32]
    nodes: tuple[tuple[str, str], ...]


def senders_of(registry: Registry) -> Senders:
    """Return who sends what."""
    count = len(registry.devices)
    node, nodes = np.full(count, NO_NODE, np.int32), dict[tuple[str, str], int]()
    of, feed, carried = np.arange(count, dtype=np.int32), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    first: dict[tuple[str, str], int] = {}
    part: list[int] = []
    for at, device in enumerate(registry.devices):
        model = registry.model_of(device)
        topics = list(dict.fromkeys(field.topic for field in model.fields))
        part += [topics.index(field.topic) for field in model.fields]
        feed[at], carried[at] = model.feed is not None, model.feed is not None or topics != [""]
        parts = sparkplug_topic(device.topic) if model.codec == SPARKPLUG_CODEC else None
        if parts is not None:
            node[at], carried[at] = nodes.setdefault((parts.group, parts.node), len(nodes)), True
        if feed[at]:
            of[at] = first.setdefault((device.topic, model.code), at)
    return Senders(registry.series().device, of, np.array(part, np.int32), feed, carried, node, tuple(nodes))
