"""What a system test puts on the wire by hand: a small city, its messages, and a publisher."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.simulators.material import write_city

WAIT_S_MAX = 120.0
BURST = 500
"""Messages handed to paho at a time: it goes through all that are under way at each acknowledgement."""
HOUR_S = 3600

Sent = tuple[str, bytes]
"""Topic and payload."""


def city_of(folder: Path, *devices: str) -> Path:
    """Write the city `testville`, clock UTC, of such devices (`device,model`); return its folder."""
    return write_city(folder, *devices, time_zone="UTC")


def topic(device: str) -> str:
    """Where a device of testville publishes."""
    return f"cityvitals/testville/{device}/telemetry"


def senml(device: str, field: str, unit: str, *readings: tuple[int, str]) -> Sent:
    """A SenML message with readings of one field: (epoch seconds, value as decimal text)."""
    records = ", ".join(
        f'{{"n": {json.dumps(field)}, "u": {json.dumps(unit)}, "t": {at}, "v": {value}}}' for at, value in readings
    )
    return topic(device), f"[{records}]".encode()


def moment(epoch_s: int) -> datetime:
    """The instant of epoch seconds, as the database gives it."""
    return datetime.fromtimestamp(epoch_s, UTC)


def publish(url: str, messages: Iterable[Sent], *, retain: bool = False) -> int:
    """Publish at QoS 1 in this order, and wait until the broker has taken everything; return how many."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(BURST)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    client.connect(parts.hostname, parts.port)
    client.loop_start()
    count = 0
    try:
        assert connected.wait(WAIT_S_MAX)
        waiting: list[mqtt.MQTTMessageInfo] = []
        for name, payload in messages:
            waiting.append(client.publish(name, payload, qos=1, retain=retain))
            count += 1
            if len(waiting) == BURST:
                _taken(waiting)
        _taken(waiting)
        client.disconnect()
    finally:
        client.loop_stop()
    return count


def _taken(waiting: list[mqtt.MQTTMessageInfo]) -> None:
    for one in waiting:
        one.wait_for_publish(WAIT_S_MAX)
        assert one.is_published(), "the broker did not take a message"
    waiting.clear()
