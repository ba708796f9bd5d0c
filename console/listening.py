"""Messages from the broker as they come, for those who look: nothing is acknowledged for the gateway, or taken from it.

Knows paho and topics; knows no payload.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from console.children import stopped_by_signals
from console.errors import FailureError

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

    from ingest.settings import BrokerSettings

WAITING_MAX = 1_000
"""Messages that wait to be looked at; what comes beyond them is not shown."""
LOOK_S = 0.2
"""How late a signal is noticed while nothing comes."""


def heard(broker: BrokerSettings, topic_filter: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Give topic and payload of so many messages, fewer where a signal ends it. Retained ones come first.

    Raises:
        FailureError: the broker does not let us in, or refuses the filter.
    """
    from console.publisher import client_of

    waiting: queue.Queue[tuple[str, bytes] | FailureError] = queue.Queue(WAITING_MAX)

    def put(one: tuple[str, bytes] | FailureError) -> None:
        if not waiting.full():
            waiting.put_nowait(one)

    def connected(client: Client, _data: object, _flags: object, reason: Any, *_: Any) -> None:
        if reason.is_failure:
            put(FailureError(f"the broker refuses the connection: {reason}", "see [mqtt] of the settings"))
        else:
            client.subscribe(topic_filter)

    def subscribed(_client: Client, _data: object, _number: int, reasons: list[Any], *_: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            put(FailureError(f"the broker refuses {topic_filter}", "ask whoever gives its rights"))

    def came(_client: Client, _data: object, message: MQTTMessage) -> None:
        put((message.topic, bytes(message.payload)))

    client = client_of(broker, "")
    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, came
    host, port = broker.address
    try:
        client.connect(host, port, broker.keepalive_s)
    except OSError as error:
        raise FailureError(f"the broker {broker.shown_url} is away: {error}", "see [mqtt] of the settings") from None
    client.loop_start()
    try:
        with stopped_by_signals() as stop:
            while count and not stop.is_set():
                try:
                    one = waiting.get(timeout=LOOK_S)
                except queue.Empty:
                    continue
                if isinstance(one, FailureError):
                    raise one
                yield one
                count -= 1
    finally:
        client.disconnect()
        client.loop_stop()
