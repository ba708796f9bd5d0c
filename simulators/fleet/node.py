"""A Sparkplug B edge node on a connection of its own: births, data by alias, a death that the broker tells.

Knows paho, one node and what it said; knows no plan. It has the face of the other links of a pool. Two things differ
from what hardware does, so that the truth can be exact: data go out at QoS 1 (the specification says 0), so that a node
knows what arrived; and births say names, aliases and types but no values, so that one birth more changes no count.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final, cast

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from devices import DeviceModel, PayloadError, Registry
from devices.codecs.sparkplug.edge import SEQUENCE, EdgeNode
from devices.codecs.sparkplug.schema import parse
from devices.topics import sparkplug_topic
from simulators.errors import BrokerError
from simulators.fleet.link import CONNECT_S_MAX, KEEPALIVE_S, SILENT_S_MAX, Entry, Link
from simulators.fleet.senders import senders_of
from simulators.publisher import WAIT_S_MAX, BrokerAddress

MEMORY: Final = 6
"""A node with a buffer remembers so many times as long as a device: who asks it for births may have lost more than a
broker that was killed."""
HELD_BACK_MS: Final = 600_000
"""What is so much older than the node's newest is told as historical."""
FAREWELL_S_MAX: Final = 5.0


class NodeLink(Link):
    """One node; see `Link`.

    Args:
        address, resend_s: as of a link.
        group, code: its names in topics.
        models: of its devices, by their names in topics.

    Attributes:
        births: how often it was born. asked: how often it was asked for that.
    """

    def __init__(
        self, address: BrokerAddress, resend_s: float, group: str, code: str, models: Mapping[str, DeviceModel],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        super().__init__(address, f"{group}-{code}", resend_s * MEMORY, clock_s)
        self._made_of = group, code, models
        self.births = self.asked = 0
        self._newest_ms = 0
        self._rebirth = False
        self._answered: set[str] = set()
        self._node = EdgeNode(group, code, models)
        self._client = self._next_client()

    def _next_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self.name, protocol=mqtt.MQTTv311, clean_session=True,
            reconnect_on_failure=False,
        )  # fmt: skip
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(0)
        client.connect_timeout = CONNECT_S_MAX
        topic, payload = self._node.death()
        client.will_set(topic, payload, 1)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._answered.add("subscribed")
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        if self.address.user is not None:
            client.username_pw_set(self.address.user, self.address.password)
        if self.address.tls:
            client.tls_set(ca_certs=str(self.address.ca_file) if self.address.ca_file else None)
        return client

    # ---- messages ------------------------------------------------------------------------------------------------

    @property
    def waiting_bytes(self) -> int:
        """Return whether anything waits for the socket."""
        return int(self.socket is not None and self._client.want_write())

    def lose_on_the_way(self, count: int) -> None:
        """Number so many messages that nobody will get: whoever follows the numbers asks for births."""
        self._node.lose(count)

    def _send(self, entry: Entry) -> None:
        """Say by alias what the entry says by name; what cannot be read goes out as it is, without a number."""
        topic, payload = entry.head.decode("utf-8"), entry.body
        try:
            time_ms = parse(payload).time_ms or 0
            held_back = time_ms < self._newest_ms - HELD_BACK_MS
            if time_ms <= time.time_ns() // 1_000_000:
                self._newest_ms = max(self._newest_ms, time_ms)
            topic, payload = self._node.relayed(topic, payload, historical=held_back or entry.counted)
        except PayloadError:
            pass
        if not self._under_way:
            self._heard_s = self._clock_s()
        self._under_way[self._client.publish(topic, payload, 1).mid] = entry

    def _entry(self, topic: str, payload: bytes, _retain: bool) -> Entry:
        return Entry(topic.encode("utf-8"), payload)

    def _bear(self) -> None:
        self.births += 1
        for topic, payload in self._node.births(time.time_ns() // 1000, {}):
            self._client.publish(topic, payload, 1)

    def _say_again(self) -> None:
        """Send what is remembered once more, as data from before; when it is trusted, what was not acknowledged."""
        for entry in list(self._kept):
            if not (self.trusting and entry.acknowledged_s):
                self.resent += 1
                entry.acknowledged_s = 0.0
                self._send(entry)
        self.trusting = False

    # ---- what the broker says ------------------------------------------------------------------------------------

    def _on_connect(self, _c: mqtt.Client, _u: object, _f: object, reason: ReasonCode, _p: object) -> None:
        if reason.is_failure:
            raise BrokerError(str(self.address), f"refused us: {reason}; check user and password")
        self._answered.add("connected")

    def _on_message(self, _c: mqtt.Client, _u: object, message: mqtt.MQTTMessage) -> None:
        self._rebirth = self._rebirth or self._node.is_asked(message.topic, bytes(message.payload))

    def _on_publish(self, _c: mqtt.Client, _u: object, mid: int, _r: object, _p: object) -> None:
        entry = self._under_way.pop(mid, None)  # births have none
        if entry is not None:
            self.acknowledged += not entry.counted
            entry.counted, entry.acknowledged_s = True, self._clock_s()

    # ---- the connection ------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connect, listen to commands, be born, and say again what needs it; see `Link.connect`."""
        again = bool(self.attempts)
        self.attempts += 1
        if again:
            # Births and death bear the number of the connection.
            self._node = EdgeNode(*self._made_of, bd_seq=(self._node.bd_seq + 1) % SEQUENCE)
            self._client = self._next_client()
        self._rebirth = False
        self._answered.clear()
        until_s = self._clock_s() + CONNECT_S_MAX
        self._client.connect(self.address.host, self.address.port, KEEPALIVE_S)
        self._await("connected", until_s)
        self._client.subscribe(self._node.topic("NCMD"), 1)
        self._await("subscribed", until_s)
        self.socket = cast(socket.socket, self._client.socket())
        self._heard_s = self._spoke_s = self._clock_s()
        self.reconnects += again
        self._bear()
        self._say_again()

    def _await(self, answer: str, until_s: float) -> None:
        while answer not in self._answered:
            connection = self._client.socket()
            if connection is None:
                raise ConnectionError("closed the connection before it said hello")
            if self._clock_s() > until_s:
                raise TimeoutError(errno.ETIMEDOUT, f"said nothing for {CONNECT_S_MAX:.0f} s")
            select.select([connection], [connection] if self._client.want_write() else [], [], WAIT_S_MAX)
            self._client.loop_write()
            self._client.loop_read()

    def write(self) -> None:
        """See `Link.write`."""
        if self.socket is not None and self._client.want_write():
            self._client.loop_write()
            self._notice()

    def read(self) -> None:
        """Take what the broker says, and answer a request for births; see `Link.read`."""
        self._client.loop_read()
        self._notice()
        self._heard_s = self._clock_s()
        if self._rebirth:
            self._rebirth, self.asked = False, self.asked + 1
            self._bear()
            if self.resend_s:
                self._say_again()
        self._forget()

    def tend(self, now_s: float) -> None:
        """See `Link.tend`; word from the broker comes as it confirms a subscription that it has."""
        if self._under_way and now_s - self._heard_s > SILENT_S_MAX:
            raise TimeoutError(errno.ETIMEDOUT, f"no acknowledgement for {SILENT_S_MAX:.0f} s")
        if self._kept and not self._under_way:
            self._client.subscribe(self._node.topic("NCMD"), 1)
        self._client.loop_misc()
        self._notice()

    def _notice(self) -> None:
        """Raise OSError where paho found the connection lost."""
        if self._client.socket() is None:
            raise ConnectionResetError(errno.ECONNRESET, "the broker closed the connection")

    def close(self) -> None:
        """Die as a node does that is switched off, and say goodbye."""
        if self.socket is not None and self._client.socket() is not None:
            farewell = self._client.publish(*self._node.death(), 1)
            until_s = self._clock_s() + FAREWELL_S_MAX
            while not farewell.is_published() and self._client.socket() is not None and self._clock_s() < until_s:
                select.select([self.socket], [], [], WAIT_S_MAX)
                self._client.loop_write()
                self._client.loop_read()
            self._client.disconnect()
        self.socket = None


def nodes_of(registry: Registry, address: BrokerAddress, resend_s: float) -> list[NodeLink]:
    """Return a link for each edge node of a registry, in the order of `Senders.nodes`."""
    senders = senders_of(registry)
    models: list[dict[str, DeviceModel]] = [{} for _ in senders.nodes]
    for at, node in enumerate(senders.node.tolist()):
        parts = sparkplug_topic(registry.devices[at].topic)
        if node >= 0 and parts is not None:
            models[node][parts.device] = registry.model_of(registry.devices[at])
    return [NodeLink(address, resend_s, *name, of) for name, of in zip(senders.nodes, models, strict=True)]
