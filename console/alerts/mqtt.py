"""Alerts over MQTT: the state of each rule and scope, retained on a topic of its own; what is over says that it is.

Knows topics and what was published; how messages reach a broker is the publisher's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from console.alerts.notices import alert_topic, payload
from console.publisher import Offered, Publisher
from engine.store.alerts import Alert


@dataclass(frozen=True, slots=True)
class _Ready:
    """A message that is made already."""

    body: bytes

    def payload(self) -> bytes:
        """Return it."""
        return self.body


class AlertPublisher:
    """Publishes what changed of the alerts it is shown.

    Args:
        publisher: keeps the newest message of each topic until the broker has it.
        city: code of the city.
    """

    def __init__(self, publisher: Publisher, city: str) -> None:
        self._publisher, self._city = publisher, city
        self._published: dict[str, bytes] = {}

    def __call__(self, alerts: Iterable[Alert], now_us: int) -> None:
        """Publish the newest alert of each rule and scope, where it is not what was published last."""
        newest: dict[str, Alert] = {}
        for one in sorted(alerts, key=lambda one: one.alert_id):
            newest[alert_topic(self._city, one.rule, one.scope)] = one
        offered = []
        for topic, one in newest.items():
            body = payload(one, now_us)
            if self._published.get(topic) != body:
                self._published[topic] = body
                offered.append(Offered(topic, now_us, partial(_Ready, body)))
        self._publisher.offer(offered)
