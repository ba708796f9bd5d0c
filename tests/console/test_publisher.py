"""Results over MQTT: retained, the newest per topic, never in the way of the engine."""

from __future__ import annotations

import json
import threading
from functools import partial

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

import deploy
from console.errors import MisuseError
from console.publisher import Offered, Publisher, Result, overlap, refuse_loops, result_topic
from console.settings import ResultsSettings
from ingest.settings import BrokerSettings

HOUR_US = 3_600_000_000


def result(value: str | None = "35.2", hour: int = 0, scope: str = "zone:harbour", closed: bool = False) -> Result:
    return Result("pm2_5_mean", scope, "hour", hour * HOUR_US, value, "ug/m3", None, 1.0, closed, "valid")


def publisher(url: str, **settings: object) -> Publisher:
    return Publisher(BrokerSettings(url=url), ResultsSettings(period_s=0.01, **settings))  # type: ignore[arg-type]


def offered(*args: object, **kwargs: object) -> Offered:
    made = result(*args, **kwargs)  # type: ignore[arg-type]
    return Offered(result_topic("demo", made.indicator, made.window, made.scope), made.start_us, lambda: made)


class Listener:
    """An independent client that keeps every message on the results' topics."""

    def __init__(self, host: str, port: int) -> None:
        self.messages: list[tuple[str, dict[str, object], bool, int]] = []
        self._arrived = threading.Condition()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._take
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect(host, port)
        self._client.loop_start()
        self._client.subscribe("cityvitals/demo/kpi/#", qos=1)
        assert self._subscribed.wait(120)

    def _take(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        with self._arrived:
            self.messages.append((message.topic, json.loads(message.payload), message.retain, message.qos))
            self._arrived.notify_all()

    def wait(self, count: int) -> list[tuple[str, dict[str, object], bool, int]]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.messages) >= count, timeout=120)
            return list(self.messages)

    def wait_topic(self, topic: str) -> tuple[dict[str, object], bool]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: any(topic == found for found, *_ in self.messages), timeout=120)
            return next((body, retain) for found, body, retain, _ in self.messages if found == topic)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_a_result_is_one_json_object_with_the_value_as_decimal_text() -> None:
    assert json.loads(result().payload()) == {
        "indicator": "pm2_5_mean",
        "scope": "zone:harbour",
        "window": "hour",
        "start": "1970-01-01T00:00:00.000000Z",
        "value": "35.2",
        "unit": "ug/m3",
        "band": None,
        "coverage": 1.0,
        "closed": False,
        "status": "valid",
    }


def test_the_broker_keeps_the_newest_result_for_whoever_comes_later(broker: deploy.Broker) -> None:
    sender = publisher(broker.url)
    sender.start()
    sender.offer([offered("1.0", hour=1), offered("2.0", scope="city")])
    sender.offer([offered("3.0", hour=2)])
    sender.close()
    late = Listener("127.0.0.1", broker.port or 0)
    found = {topic: (body["value"], retain) for topic, body, retain, _ in late.wait(2)}
    late.close()
    assert found == {
        "cityvitals/demo/kpi/pm2_5_mean-hour/zone:harbour": ("3.0", True),
        "cityvitals/demo/kpi/pm2_5_mean-hour/city": ("2.0", True),
    }
    assert sender.superseded == 1
    assert sender.published == 2


def test_results_go_out_at_qos_1_while_somebody_listens(broker: deploy.Broker) -> None:
    listener = Listener("127.0.0.1", broker.port or 0)
    sender = publisher(broker.url)
    sender.start()
    sender.offer([offered()])
    (_, _, _, qos), *_ = listener.wait(1)
    sender.close()
    listener.close()
    assert qos == 1


def test_a_late_revision_of_an_older_window_does_not_replace_the_current_figure() -> None:
    sender = publisher("mqtt://127.0.0.1:1")
    sender.offer([offered("5.0", hour=5)])
    sender.offer([offered("4.0", hour=4, closed=True)])
    assert sender.waiting == 1
    assert sender.superseded == 1
    assert next(iter(sender._waiting.values()))().value == "5.0"


def test_a_revision_of_the_current_window_replaces_what_waits() -> None:
    sender = publisher("mqtt://127.0.0.1:1")
    sender.offer([offered("5.0", hour=5), offered("5.5", hour=5, closed=True)])
    assert next(iter(sender._waiting.values()))().value == "5.5"
    assert sender.superseded == 1


def test_a_result_that_is_superseded_is_never_made(broker: deploy.Broker) -> None:
    made = []
    one = offered()

    def make(value: str) -> Result:
        made.append(value)
        return result(value)

    sender = publisher(broker.url)
    sender.offer([one._replace(made=partial(make, value)) for value in ("1.0", "2.0", "3.0")])
    sender.start()
    sender.close()
    assert sender.published == 1
    assert made == ["3.0"]


def test_without_a_broker_offering_returns_at_once_and_memory_is_bounded() -> None:
    sender = publisher("mqtt://127.0.0.1:1", topics_max=10)
    sender.start()
    for number in range(1000):
        sender.offer([offered(scope=f"station:{number}")])
    assert sender.waiting == 10
    assert sender.dropped == 990
    assert not sender.connected
    sender.close()
    assert sender.published == 0


def test_what_waits_is_sent_when_the_broker_comes_back(broker: deploy.Broker) -> None:
    sender = publisher(broker.url)
    broker.stop()
    sender.start()
    sender.offer([offered("7.0")])
    broker.start()
    listener = Listener("127.0.0.1", broker.port or 0)
    _, body, _, _ = listener.wait(1)[0]
    sender.close()
    listener.close()
    assert body["value"] == "7.0"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("cityvitals/x/+/telemetry", "cityvitals/x/kpi/+/+", False),
        ("cityvitals/x/#", "cityvitals/x/kpi/+/+", True),
        ("+/+/+/+/+", "cityvitals/x/kpi/+/+", True),
        ("v3/+/devices/+/up", "cityvitals/x/kpi/+/+", False),
        ("a/b/#", "a/b", True),
        ("a/b/c/#", "a/b", False),
        ("#", "a/b", True),
        ("a/b", "a/b/c", False),
    ],
)
def test_filters_overlap_when_some_topic_matches_both(a: str, b: str, expected: bool) -> None:
    assert overlap(a, b) is expected
    assert overlap(b, a) is expected


def test_a_gateway_that_would_hear_its_own_results_is_refused() -> None:
    refuse_loops("demo", ["cityvitals/demo/+/telemetry", "v3/+/devices/+/up"])
    with pytest.raises(MisuseError, match=r"cityvitals/demo/#.*cityvitals/demo/kpi/\+/\+"):
        refuse_loops("demo", ["cityvitals/demo/#"])
    assert not overlap("cityvitals/demo/+/telemetry", result_topic("demo", "pm2_5_mean", "hour", "city"))
