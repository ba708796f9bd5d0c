"""A fleet over a real broker, and over one that misbehaves on purpose: nothing is lost, nothing overtakes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from threading import Event

import numpy as np
import pytest

import deploy
from simulators.bench import Proxy
from simulators.errors import BrokerError
from simulators.fleet import Fleet, FleetError, SendProgress, leave_retained, send
from simulators.fleet.link import Link, publish_head
from simulators.fleet.pool import Pool
from simulators.publisher import BrokerAddress
from tests.simulators.fleet.broker import WAIT_S, Obedient
from tests.simulators.fleet.make import TOWN, made
from tests.simulators.fleet.test_faults import fault
from tests.simulators.material import Listener

BODIES = [b"%d" % number for number in range(20)]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return made(tmp_path, fault("conflict") + fault("unknown_device") + fault("storm") + fault("retained"))


def by_topic(messages: list[tuple[str, bytes]]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for topic, payload in messages:
        found.setdefault(topic, []).append(payload)
    return found


@pytest.mark.parametrize(("way", "connections"), [("faults", 3), ("faults-shuffled", 40), ("twice", 1)])
def test_each_devices_messages_arrive_in_the_order_of_sending(
    fleet: Fleet, broker: deploy.Broker, way: str, connections: int
) -> None:
    sent = [(m.topic, m.payload) for m in fleet.messages(way, 9)]
    with Listener(broker.url) as listener:
        # A storm is no reason to send again what the broker has, whatever the devices' buffers.
        summary = send(fleet, broker.url, way=way, seed=9, connections=connections, resend_s=1.0)
        arrived = listener.everything()
    assert by_topic(arrived) == by_topic(sent)
    assert summary.messages == summary.acknowledged == len(sent)
    assert summary.bytes == sum(len(payload) for _, payload in sent)
    assert summary.readings == sum(m.readings for m in fleet.messages(way, 9))
    storms = 1 if way.startswith("faults") else 0
    assert (summary.storms, summary.reconnects, summary.resent) == (storms, storms * connections, 0)


def test_cut_connections_are_opened_again_and_what_was_under_way_goes_out_again_in_order(
    fleet: Fleet, broker: deploy.Broker
) -> None:
    sent = [(m.topic, m.payload) for m in fleet.messages("twice", 2)]
    assert broker.port
    with Proxy(broker.port) as proxy, Listener(broker.url) as listener:
        cuts = 0

        def watch(now: SendProgress) -> None:
            nonlocal cuts
            if cuts < 3 and now.published >= (cuts + 1) * len(sent) // 5:
                cuts += 1
                proxy.cut()

        summary = send(
            fleet, f"mqtt://127.0.0.1:{proxy.port}", way="twice", seed=2, connections=4, progress=watch,
            speed=2 * 86_400 / 3,
        )  # fmt: skip
        arrived = by_topic(listener.everything())
    assert cuts == 3
    assert summary.reconnects >= 4
    for topic, payloads in by_topic(sent).items():
        assert set(arrived[topic]) == set(payloads)
        # First arrivals keep the order of sending, whatever came again.
        assert list(dict.fromkeys(arrived[topic])) == list(dict.fromkeys(payloads))


def test_a_broker_restarted_on_the_way_is_found_again(fleet: Fleet, broker: deploy.Broker) -> None:
    restarted = False

    def watch(now: SendProgress) -> None:
        nonlocal restarted
        if not restarted and now.published > 100:
            restarted = True
            broker.stop()
            broker.start()

    summary = send(fleet, broker.url, connections=5, progress=watch, speed=2 * 86_400 / 2)
    assert restarted
    assert summary.messages == summary.acknowledged == len(fleet.sequence())
    assert summary.reconnects >= 5


def published(broker: Obedient, resend_s: float) -> Pool:
    """A pool of one connection after BODIES went over it and everything is acknowledged."""
    with Pool(BrokerAddress.parse(broker.url), 1, resend_s=resend_s) as pool:
        for body in BODIES:
            assert pool.publish(0, "topic", body)
            pool.serve(0.05)
        while not pool.drained():
            pool.serve(0.05)
    return pool


def test_without_resend_only_what_was_not_acknowledged_goes_out_again() -> None:
    with Obedient(8) as broker:
        pool = published(broker, 0.0)
    first, second = broker.heard
    assert first == BODIES[:9]
    assert second == BODIES[8:]
    assert (pool.acknowledged, pool.published, pool.resent >= 1) == (20, 20, True)


def test_with_resend_what_was_acknowledged_shortly_before_goes_out_again_before_the_rest() -> None:
    with Obedient(8, 3) as broker:
        pool = published(broker, 60.0)
    first, second, third = broker.heard
    assert first == BODIES[:9]
    assert second == BODIES[:4]
    assert third == BODIES, "a message sent again and not acknowledged again is still owed"
    assert (pool.acknowledged, pool.published) == (20, 20)


def heard(link: Link, now_s: float) -> None:
    """Send what waits and read until the broker was heard at this moment."""
    assert link.socket is not None
    link.socket.setblocking(True)
    link.write()
    link._heard_s = 0.0
    while link._heard_s != now_s:
        link.socket.settimeout(WAIT_S)
        link.read()
    link.socket.setblocking(False)


def test_everything_is_safe_only_after_the_time_of_resending() -> None:
    now = 1000.0
    with Obedient() as broker:
        link = Link(BrokerAddress.parse(broker.url), "one", resend_s=10.0, clock_s=lambda: now)
        link.connect()
        link.publish("topic", b"1")
        for moment, safe in ((1000.0, False), (1009.0, False), (1010.0, True)):
            now = moment
            link.tend(now)
            heard(link, now)
            assert link.is_safe is safe
        link.close()


def test_a_message_sent_again_is_owed_until_it_is_acknowledged_again() -> None:
    now = 1000.0
    with Obedient(1, 0) as broker:
        link = Link(BrokerAddress.parse(broker.url), "one", resend_s=10.0, clock_s=lambda: now)
        link.connect()
        link.publish("topic", b"1")
        heard(link, now)
        link.lose()
        now = 1100.0  # long after the first acknowledgement
        link.connect()
        link._in += b"\xd0\x00"  # a word of the broker, but not about this message
        link._heard_s = now
        link._take()
        assert not link.is_safe
        link.lose()
        link.connect()
        heard(link, now)
        link.close()
    assert broker.heard[2] == [b"1"]


def test_nobody_there_and_a_refusal_are_told_in_words(tmp_path: Path) -> None:
    fleet = made(tmp_path)
    with pytest.raises(BrokerError, match="is it running, and is the address right"):
        send(fleet, "mqtt://127.0.0.1:1")
    with Obedient(refuses=5) as broker, pytest.raises(BrokerError, match="does not let us in; check user and password"):
        send(fleet, broker.url)
    with pytest.raises(ValueError, match="connections is 0; expected 1 to 20000"):
        send(fleet, "mqtt://127.0.0.1:1", connections=0)
    with pytest.raises(ValueError, match="speed is -1; expected a number above 0"):
        send(fleet, "mqtt://127.0.0.1:1", speed=-1)


def test_a_fleet_of_days_to_come_is_not_sent(tmp_path: Path) -> None:
    fleet = made(tmp_path, town=TOWN.replace("2025-03-29", "2099-03-28"))
    with pytest.raises(FleetError, match="the fleet's days are not over"):
        send(fleet, "mqtt://127.0.0.1:1")


def test_a_wish_to_stop_ends_it_and_says_so(fleet: Fleet, broker: deploy.Broker) -> None:
    stop = Event()
    summary = send(
        fleet, broker.url, speed=3600.0, stop=stop, progress=lambda now: stop.set() if now.published > 50 else None
    )
    assert summary.interrupted
    assert 50 < summary.messages < len(fleet.sequence())
    assert summary.acknowledged == summary.messages


def test_retained_messages_reach_who_subscribes_later(fleet: Fleet, broker: deploy.Broker) -> None:
    assert leave_retained(fleet, broker.url) == len(fleet.retained()) > 0
    with Listener(broker.url) as listener:
        assert Counter(listener.everything()) == Counter(fleet.retained())


@pytest.mark.parametrize("size", [0, 1, 100, 128, 16_383, 70_000])
def test_the_head_of_a_message_states_its_length(size: int) -> None:
    head = publish_head("a/b", size)
    length, shift, at = 0, 0, 1
    while True:
        length |= (head[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if head[at - 1] < 128:
            break
    assert head[at:] == b"\x00\x03a/b"
    assert length == len(head) - at + 2 + size


def test_a_faults_clock_runs_ahead_of_the_moment_of_sending(tmp_path: Path, broker: deploy.Broker) -> None:
    fleet = made(tmp_path, fault("future_clock"))
    meant = {payload for _, payload in ((m.topic, m.payload) for m in fleet.messages("faults", now_us=0))}
    with Listener(broker.url) as listener:
        send(fleet, broker.url, way="faults")
        arrived = [payload for _, payload in listener.everything()]
    ahead = int(np.count_nonzero(fleet.plan("faults").argument))
    assert len(set(arrived) - meant) >= ahead * 9 // 10 > 0
