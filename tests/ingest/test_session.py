"""The session against a real broker: delivered, acknowledged, redelivered, subscribed again, slowed and stopped."""

from __future__ import annotations

import dataclasses
import json
import os
import signal

import pytest
from paho.mqtt.publish import single

import deploy
from devices import REASONS
from ingest import SessionTakenOver
from simulators.bench import Proxy
from tests.deploy.clients import Client
from tests.ingest.harness import SETTINGS, Running
from tests.ingest.messages import routing, small_limits, topic


def packs(count: int, first: int = 0) -> list[bytes]:
    """Payloads that are all different."""
    return [b'[{"n":"pm2_5","v":%d.5,"t":1732400000}]' % n for n in range(first, first + count)]


def publish(broker: deploy.Broker, payloads: list[bytes], qos: int = 1, to: str = "") -> None:
    client = Client(broker.url)
    try:
        client.publish(to or topic("air-1"), payloads, qos)
    finally:
        client.close()


def retain(broker: deploy.Broker, payload: bytes) -> None:
    single(topic("air-1"), payload, qos=1, retain=True, hostname="127.0.0.1", port=port(broker))


def port(broker: deploy.Broker) -> int:
    assert broker.port is not None
    return broker.port


PROTOCOLS = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


@PROTOCOLS
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_arrive_once_in_order_and_the_broker_is_told(broker: deploy.Broker, protocol: str, qos: int) -> None:
    payloads = packs(2000)
    with Running(broker.url, protocol=protocol) as running:
        running.ready()
        publish(broker, payloads, qos)
        got = running.messages(2000)
        assert [m.payload for m in got] == payloads
        assert {(m.topic, m.readings, m.dup) for m in got} == {(topic("air-1"), 1, False)}
        # QoS 2 comes down to the QoS of the subscription; QoS 0 is raised by the stack's broker.
        assert {m.qos for m in got} == {1}
        running.wait(lambda: running.session.under_way == 0, "all acknowledgements")
        counters = running.session.counters
        assert (counters.messages, counters.readings, counters.acknowledged) == (2000, 2000, 2000)
        assert (counters.slow_road, counters.stale_acknowledgements, counters.redelivered) == (0, 0, 0)
    with Running(broker.url, protocol=protocol) as again:
        again.ready()
        publish(broker, packs(1, 9000))
        assert [m.payload for m in again.messages(1)] == packs(1, 9000)


@PROTOCOLS
def test_what_is_not_acknowledged_comes_again_after_the_connection_is_lost(
    broker: deploy.Broker, protocol: str
) -> None:
    payloads = packs(300)
    with (
        Proxy(port(broker)) as proxy,
        Running(f"mqtt://127.0.0.1:{proxy.port}", protocol=protocol, acknowledging=False) as running,
    ):
        running.ready()
        publish(broker, payloads)
        running.messages(300)
        proxy.cut()
        got = running.messages(600)
        assert [m.payload for m in got] == payloads * 2
        assert [(m.epoch, m.dup) for m in got] == [(1, False)] * 300 + [(2, True)] * 300
        counters = running.session.counters
        assert (counters.reconnects, counters.redelivered, counters.sessions_lost) == (1, 300, 0)
        # Acknowledgements of the first connection must confirm nothing on the second, where ids mean other messages.
        stale = [pair for pair in running.unacknowledged if pair[0] == 1]
        for pair in stale:
            running.session.acknowledge(*pair)
        running.wait(lambda: counters.stale_acknowledgements == 300, "the stale acknowledgements")
        assert (counters.acknowledged, running.session.under_way) == (0, 300)
        proxy.cut()
        assert [m.payload for m in running.messages(900)[600:]] == payloads
        running.acknowledge()
        running.wait(lambda: running.session.under_way == 0, "the acknowledgements")
        assert counters.acknowledged == 300


def test_acknowledging_twice_confirms_nothing_new(broker: deploy.Broker) -> None:
    with Running(broker.url, acknowledging=False) as running:
        running.ready()
        publish(broker, packs(10))
        running.messages(10)
        pairs = list(running.unacknowledged)
        running.acknowledge()
        running.wait(lambda: running.session.under_way == 0, "the acknowledgements")
        for pair in pairs:
            running.session.acknowledge(*pair)
        running.wait(lambda: running.session.counters.stale_acknowledgements == 10, "the second ones")
        assert running.session.counters.acknowledged == 10


def test_messages_queue_at_the_broker_while_the_gateway_is_away(broker: deploy.Broker) -> None:
    with Running(broker.url) as running:
        running.ready()
    publish(broker, packs(5000))
    with Running(broker.url) as running:
        assert [m.payload for m in running.messages(5000)] == packs(5000)
        assert not any(m.dup for m in running.received)


@PROTOCOLS
def test_a_message_kept_by_the_broker_is_refused_but_a_live_one_is_not(broker: deploy.Broker, protocol: str) -> None:
    retain(broker, packs(1)[0])
    with Running(broker.url, protocol=protocol) as running:
        running.ready()
        running.messages(1)
        retain(broker, packs(1, 7)[0])
        got = running.messages(2)
        assert [(m.payload, m.readings) for m in got] == [(packs(1)[0], 0), (packs(1, 7)[0], 1)]
        assert [(f.message, REASONS[f.reason], f.readings) for f in running.faults] == [(0, "retained", 1)]
        running.wait(lambda: running.session.under_way == 0, "the acknowledgement of both")


def test_a_restarted_session_does_not_bring_retained_messages_again(broker: deploy.Broker) -> None:
    retain(broker, packs(1)[0])
    with Running(broker.url) as running:
        running.messages(1)
    with Running(broker.url) as running:
        running.ready()
        publish(broker, packs(1, 5))
        assert [m.payload for m in running.messages(1)] == packs(1, 5)


def test_a_session_that_the_broker_lost_is_subscribed_again(broker: deploy.Broker) -> None:
    with Running(broker.url) as running:
        running.ready()
        broker.kill()
        for saved in broker.state.glob("mosquitto.db*"):
            saved.unlink()
        broker.start()
        running.wait(lambda: running.session.epoch == 2 and running.session.ready.is_set(), "the new connection")
        publish(broker, packs(3))
        assert [m.payload for m in running.messages(3)] == packs(3)
        assert running.session.counters.sessions_lost == 1


def test_a_session_that_the_broker_kept_is_continued_without_a_new_subscription(broker: deploy.Broker) -> None:
    with Running(broker.url) as running:
        running.ready()
        broker.stop()
        broker.start()
        running.wait(lambda: running.session.epoch == 2 and running.session.ready.is_set(), "the new connection")
        publish(broker, packs(3))
        assert [m.payload for m in running.messages(3)] == packs(3)
        assert running.session.counters.sessions_lost == 0


def test_the_broker_may_come_after_the_gateway(broker: deploy.Broker) -> None:
    broker.stop()
    with Running(broker.url) as running:
        running.wait(lambda: running.session.counters.connection_errors >= 2, "two vain attempts")
        assert not running.session.ready.is_set()
        assert "refused" in running.session.last_error
        broker.start()
        running.ready()


def test_another_client_with_our_name_ends_the_session_instead_of_a_war(broker: deploy.Broker) -> None:
    with Running(broker.url) as running:
        running.ready()
        rival = Client(broker.url, SETTINGS.client_id)
        error = running.refused()
        rival.close()
        assert isinstance(error, SessionTakenOver)
        assert "client_id" in str(error)
        assert running.session.counters.connections == 1


@PROTOCOLS
def test_a_committer_that_stops_taking_slows_the_broker_and_loses_nothing(broker: deploy.Broker, protocol: str) -> None:
    limits = small_limits(messages_max=50)
    with Running(broker.url, protocol=protocol, limits=limits, taking=False) as running:
        running.ready()
        publish(broker, packs(1000))
        counters = running.session.counters
        running.wait(lambda: counters.backpressure_pauses == 1, "the pause")
        # One intake is handed over and one is full; nothing more is read.
        assert counters.messages <= 100
        running.take()
        assert [m.payload for m in running.messages(1000)] == packs(1000)
        running.wait(lambda: running.session.under_way == 0, "the acknowledgements")
        assert (counters.reconnects, counters.redelivered) == (0, 0)


def test_a_pause_longer_than_the_keep_alive_keeps_the_connection(broker: deploy.Broker) -> None:
    limits = small_limits(messages_max=10)
    with Running(broker.url, limits=limits, taking=False, keepalive_s=1) as running:
        running.ready()
        publish(broker, packs(100))
        # Five probes at three quarters of a second: the broker would have given us up after one and a half.
        running.wait(lambda: running.session.counters.pings >= 5, "five probes")
        running.take()
        running.messages(100)
        assert running.session.counters.reconnects == 0


def test_a_lost_connection_does_not_lose_what_the_committer_could_not_take_yet(broker: deploy.Broker) -> None:
    with (
        Proxy(port(broker)) as proxy,
        Running(f"mqtt://127.0.0.1:{proxy.port}", taking=False, limits=small_limits(messages_max=40)) as running,
    ):
        running.ready()
        publish(broker, packs(100))
        running.wait(lambda: running.session.counters.messages >= 80, "two full intakes")
        proxy.cut()
        running.wait(lambda: running.session.epoch == 2, "the new connection")
        running.take()
        got = running.messages(180)
        assert [(m.epoch, m.payload) for m in got[:80]] == [(1, p) for p in packs(80)]
        assert [(m.epoch, m.payload) for m in got[80:180]] == [(2, p) for p in packs(100)]
        running.wait(lambda: running.session.under_way == 0, "the acknowledgements")


def test_a_stopping_session_waits_for_the_commit_of_what_it_took(broker: deploy.Broker) -> None:
    with Running(broker.url, acknowledging=False, drain_s_max=30.0) as running:
        running.ready()
        publish(broker, packs(20))
        running.messages(20)
        running.ask_to_stop()
        assert running.session.under_way == 20
        running.acknowledge()
    assert running.session.counters.acknowledged == 20
    with Running(broker.url) as again:
        again.ready()
        publish(broker, packs(1, 50))
        assert [m.payload for m in again.messages(1)] == packs(1, 50)


def test_a_stop_without_a_commit_ends_in_time_and_the_messages_come_again(broker: deploy.Broker) -> None:
    with Running(broker.url, acknowledging=False, drain_s_max=0.1) as running:
        running.ready()
        publish(broker, packs(20))
        running.messages(20)
    with Running(broker.url) as again:
        assert [m.payload for m in again.messages(20)] == packs(20)


def test_a_silent_broker_is_probed_and_given_up(broker: deploy.Broker) -> None:
    with Running(broker.url, keepalive_s=1, connect_timeout_s=0.5) as running:
        running.ready()
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            running.wait(lambda: "silent" in running.session.last_error, "the broker to be given up")
            assert running.session.counters.pings >= 1
            assert not running.session.ready.is_set()
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        running.wait(running.session.ready.is_set, "the connection to come back")
        publish(broker, packs(2))
        running.messages(2)


def test_a_quiet_connection_is_kept_alive(broker: deploy.Broker) -> None:
    with Running(broker.url, keepalive_s=1) as running:
        running.ready()
        running.wait(lambda: running.session.counters.pings >= 3, "three probes")
        assert running.session.counters.reconnects == 0


def test_an_oversized_message_is_quarantined_acknowledged_and_in_nobodys_way(broker: deploy.Broker) -> None:
    with Running(broker.url) as running:
        running.ready()
        big = json.dumps({"junk": "x" * 700_000}).encode()
        publish(broker, [*packs(1), big, *packs(1, 2)])
        got = running.messages(3)
        assert [m.payload for m in got] == [packs(1)[0], big[:100], packs(1, 2)[0]]
        assert [REASONS[f.reason] for f in running.faults] == ["oversized"]
        running.wait(lambda: running.session.under_way == 0, "all acknowledgements")


def test_messages_of_nobody_are_quarantined_and_acknowledged(broker: deploy.Broker) -> None:
    filters = dataclasses.replace(routing(), subscriptions=("cityvitals/#",))
    with Running(broker.url, tables=filters) as running:
        running.ready()
        publish(broker, packs(1), to="cityvitals/testville/stranger/telemetry")
        publish(broker, packs(1), to="cityvitals/elsewhere")
        running.messages(2)
        assert [REASONS[f.reason] for f in running.faults] == ["unknown_device", "unknown_topic"]
        running.wait(lambda: running.session.under_way == 0, "both acknowledgements")


@PROTOCOLS
def test_a_subscription_of_an_earlier_run_ends_with_the_first_message_that_nobody_wants(
    broker: deploy.Broker, protocol: str
) -> None:
    wide = dataclasses.replace(routing(), subscriptions=(*routing().subscriptions, "old/+/up"))
    with Running(broker.url, protocol=protocol, tables=wide) as before:
        before.ready()
    with Running(broker.url, protocol=protocol) as running:
        running.ready()
        publish(broker, packs(1), to="old/box/up")
        running.messages(1)
        running.wait(lambda: running.session.counters.unsubscribed == 1, "the end of the subscription")
        publish(broker, packs(1), to="old/other/up")
        publish(broker, packs(2))
        # In this order they would come: what comes first now is what was sent last.
        assert [message.topic for message in running.messages(3)] == ["old/box/up", topic("air-1"), topic("air-1")]
        assert [REASONS[f.reason] for f in running.faults] == ["unknown_topic"]
        assert running.session.counters.reconnects == 0


def test_thousands_of_filters_are_subscribed_in_several_packets(broker: deploy.Broker) -> None:
    names = (*(f"cityvitals/testville/dev-{n}/telemetry" for n in range(2500)), topic("air-1"))
    with Running(broker.url, tables=dataclasses.replace(routing(), subscriptions=names)) as running:
        running.ready()
        publish(broker, packs(1))
        running.messages(1)
