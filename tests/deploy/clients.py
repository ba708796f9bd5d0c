"""MQTT clients and waiting, for the tests of the stack: paho, so that nothing of ours judges the broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

WAIT_SECONDS_MAX = 120.0
BURST = 500
"""Messages published at a time: paho goes through all that are under way at each acknowledgement."""


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_SECONDS_MAX} s for {what}"
        time.sleep(0.01)


class Client:
    """A subscriber or publisher; with a name it has a session that outlives the connection."""

    def __init__(self, url: str, name: str = "", *, subscribe: str | None = None) -> None:
        self.received: list[tuple[bytes, int]] = []
        self.had_session = False
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.max_inflight_messages_set(BURST)
        self._client.on_message = lambda _c, _u, message: self.received.append((bytes(message.payload), message.qos))
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        if name:
            properties.SessionExpiryInterval = 3600
        properties.ReceiveMaximum = 5000
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._ready = threading.Event()
        self._client.connect(parts.hostname, parts.port, clean_start=not name, properties=properties)
        self._client.loop_start()
        assert self._ready.wait(WAIT_SECONDS_MAX)
        if subscribe is not None:
            self._client.subscribe(subscribe, qos=1)
            assert self._subscribed.wait(WAIT_SECONDS_MAX)

    def _connected(self, _client: object, _data: object, flags: mqtt.ConnectFlags, *_: object) -> None:
        self.had_session = flags.session_present
        self._ready.set()

    def publish(self, topic: str, payloads: list[bytes], qos: int = 1) -> None:
        """Publish and wait until the broker has taken every message."""
        for start in range(0, len(payloads), BURST):
            for sent in [self._client.publish(topic, payload, qos) for payload in payloads[start : start + BURST]]:
                sent.wait_for_publish(WAIT_SECONDS_MAX)
                assert sent.is_published()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def cut(self) -> None:
        """Stop the network thread of a client whose broker is gone."""
        self._client.loop_stop()
