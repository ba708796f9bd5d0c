"""Sends indicator values out over MQTT: retained, QoS 1, the newest per topic.

Runs in a thread of its own behind a bounded buffer, so that a slow or absent broker can never hold up the engine. Knows
paho and topics; knows neither formulas nor the store.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from console.errors import MisuseError
from console.settings import ResultsSettings
from devices import rfc3339
from ingest.settings import BrokerSettings

log = logging.getLogger("console.publisher")

UNDER_WAY_MAX = 512
"""Messages handed to the client library and not yet acknowledged; it would hold any number of them."""
CONNECT_S_MAX = 1.0
"""How long closing waits for a connection when results wait for it."""
CLOSE_S_MAX = 5.0
"""How long closing waits for what is under way."""


@dataclass(frozen=True, slots=True)
class Result:
    """One indicator value on its way out.

    Attributes:
        indicator: code of the indicator.
        scope: `city`, or the kind and code of a zone or station with `:` between, e.g. `zone:riverside`.
        window: `hour` or `day`.
        start_us: start of the window.
        value: decimal text; None where the window has no figure.
        unit: UCUM code.
        band: name of the band, or None.
        coverage: share of the expected readings that came, or None.
        closed: whether the window is closed; an open one's figure is provisional.
        status: `valid`, `open`, `incomplete` or `none`.
    """

    indicator: str
    scope: str
    window: str
    start_us: int
    value: str | None
    unit: str
    band: str | None
    coverage: float | None
    closed: bool
    status: str

    def payload(self) -> bytes:
        """Return the result as one JSON object with stable keys."""
        return json.dumps(
            {
                "indicator": self.indicator,
                "scope": self.scope,
                "window": self.window,
                "start": rfc3339(self.start_us),
                "value": self.value,
                "unit": self.unit,
                "band": self.band,
                "coverage": None if self.coverage is None else round(self.coverage, 4),
                "closed": self.closed,
                "status": self.status,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()


class Message(Protocol):
    """What is sent."""

    def payload(self) -> bytes:
        """Return it as it goes over the wire."""


class Offered(NamedTuple):
    """A result that may be sent: most are superseded before, so each is made only when its turn has come."""

    topic: str
    start_us: int
    made: Callable[[], Message]


def result_topic(city: str, indicator: str, window: str, scope: str) -> str:
    """Return where a result goes: `cityvitals/<city>/kpi/<indicator>-<window>/<scope>`.

    Hour and day figures of one indicator are different things, so they are different retained messages.
    """
    return f"cityvitals/{city}/kpi/{indicator}-{window}/{scope}"


def overlap(filter_a: str, filter_b: str) -> bool:
    """Say whether some topic matches both MQTT filters."""
    levels_a, levels_b = filter_a.split("/"), filter_b.split("/")
    for a, b in zip(levels_a, levels_b, strict=False):
        if "#" in (a, b):
            return True
        if a != b and "+" not in (a, b):
            return False
    if len(levels_a) == len(levels_b):
        return True
    longer, shorter = sorted((levels_a, levels_b), key=len, reverse=True)
    # `a/#` also matches `a` itself.
    return longer[len(shorter)] == "#" and len(longer) == len(shorter) + 1


def refuse_loops(city: str, subscriptions: Sequence[str], branch: str = "kpi", key: str = "results.publish") -> None:
    """Raise when the gateway would receive what we publish.

    Args:
        city: code of the city.
        subscriptions: of the gateway.
        branch: of the topics, `kpi` or `alert`.
        key: the setting that ends the publishing.

    Raises:
        MisuseError: naming the subscription.
    """
    results = f"cityvitals/{city}/{branch}/+/+"
    for subscription in subscriptions:
        if overlap(subscription, results):
            raise MisuseError(
                f"the gateway subscribes to {subscription}, which also matches its own results on {results}",
                f"narrow the topic of that device model, or set {key} = false",
            )


class Publisher:
    """Publishes the newest result of each topic.

    Args:
        broker, settings: where, and how.
        what: what it publishes, for the log.

    Attributes:
        published: results the broker acknowledged.
        superseded: results that a newer one of their topic made needless before they were sent.
        dropped: results given up because `topics_max` others were waiting.
    """

    def __init__(self, broker: BrokerSettings, settings: ResultsSettings, what: str = "results") -> None:
        self._settings, self._what = settings, what
        self._waiting: dict[str, Callable[[], Message]] = {}
        self._newest: dict[str, int] = {}  # as many as there are indicators and scopes
        self._changed = threading.Condition()
        self._under_way = 0
        self._stopping = False
        self.published = 0
        self.superseded = 0
        self.dropped = 0
        self._client = _client(broker, settings)
        self._client.on_publish = self._acknowledged
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._away
        self._client.on_disconnect = self._disconnected
        self._address = broker.address
        self._keepalive_s = broker.keepalive_s
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    @property
    def waiting(self) -> int:
        """How many topics have a result that was not handed to the broker yet."""
        return len(self._waiting)

    @property
    def topics_max(self) -> int:
        """How many results may wait."""
        return self._settings.topics_max

    @property
    def connected(self) -> bool:
        """Whether the connection to the broker stands."""
        return self._client.is_connected()

    def start(self) -> None:
        """Connect in the background and begin to publish; an absent broker is tried again and again."""
        self._client.connect_async(*self._address, keepalive=self._keepalive_s)
        self._client.loop_start()
        self._thread.start()

    def offer(self, results: Iterable[Offered]) -> None:
        """Take results to be sent; never waits for the broker. Thread-safe."""
        with self._changed:
            for topic, start_us, made in results:
                if self._newest.get(topic, start_us) > start_us:
                    # The retained message is the current figure; a late revision of an older window is in the store.
                    self.superseded += 1
                    continue
                self._newest[topic] = start_us
                if topic in self._waiting:
                    self.superseded += 1
                elif len(self._waiting) >= self._settings.topics_max:
                    del self._waiting[next(iter(self._waiting))]
                    self.dropped += 1
                self._waiting[topic] = made
            self._changed.notify_all()

    def close(self) -> None:
        """Send what waits, as far as `CLOSE_S_MAX` allows, and disconnect."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_S_MAX)
        self._client.disconnect()
        self._client.loop_stop()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or (self._waiting and self.connected), timeout=1.0)
                if self._stopping:
                    # A connection that was only just asked for gets the chance to stand.
                    self._changed.wait_for(lambda: not self._waiting or self.connected, timeout=CONNECT_S_MAX)
                    if not self._waiting or not self.connected:
                        break
                batch = self._take()
            for topic, made in batch:
                self._client.publish(topic, made().payload(), qos=1, retain=True)
            with self._changed:
                if self._stopping:
                    self._changed.wait_for(lambda: self._under_way < UNDER_WAY_MAX, timeout=CLOSE_S_MAX)
                elif batch:
                    # The pause lets a burst of updates of one figure become one message.
                    self._changed.wait_for(lambda: self._stopping, timeout=self._settings.period_s)
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way or not self.connected, timeout=CLOSE_S_MAX / 2)

    def _take(self) -> list[tuple[str, Callable[[], Message]]]:
        """Take what the broker may have under way, oldest first; the lock is held."""
        if not self.connected:
            return []
        topics = list(self._waiting)[: max(0, UNDER_WAY_MAX - self._under_way)]
        self._under_way += len(topics)
        return [(topic, self._waiting.pop(topic)) for topic in topics]

    def _acknowledged(self, *_: Any) -> None:
        with self._changed:
            self._under_way -= 1
            self.published += 1
            self._changed.notify_all()

    def _connected(self, _client: Client, _data: object, _flags: object, reason: Any, *_: Any) -> None:
        if reason.is_failure:
            log.warning("%s: the broker refuses the connection: %s", self._what, reason)
        with self._changed:
            self._changed.notify_all()

    def _disconnected(self, _client: Client, _data: object, _flags: object, reason: Any, *_: Any) -> None:
        if not self._stopping:
            log.warning("%s: the connection to the broker is lost (%s); trying again", self._what, reason)

    def _away(self, *_: Any) -> None:
        log.debug("%s: no connection to the broker yet; trying again", self._what)


def _client(broker: BrokerSettings, settings: ResultsSettings) -> Client:
    client = client_of(broker, settings.client_id or f"{broker.client_id}-results")
    client.max_inflight_messages_set(UNDER_WAY_MAX)
    return client


def client_of(broker: BrokerSettings, client_id: str) -> Client:
    """Return a client of the broker, not connected yet; an empty id has the broker give it one."""
    version = MQTTProtocolVersion.MQTTv5 if broker.protocol == "5" else MQTTProtocolVersion.MQTTv311
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=version)
    client.reconnect_delay_set(1, max(1, round(broker.reconnect_delay_s_max)))
    username, password = broker.credentials
    if username is not None:
        client.username_pw_set(username, password)
    if broker.tls:
        client.tls_set(
            ca_certs=None if broker.ca_file is None else str(broker.ca_file),
            certfile=None if broker.certificate_file is None else str(broker.certificate_file),
            keyfile=None if broker.key_file is None else str(broker.key_file),
        )
    return client
