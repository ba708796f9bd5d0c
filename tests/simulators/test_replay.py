"""Replay over a real broker: what arrives is the recording, whatever happens to the connection on the way."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from pathlib import Path

import pytest

import deploy
import simulators
from simulators import BrokerError, Choice, ReplayProgress
from simulators.bench import Proxy
from simulators.publisher import BrokerAddress
from tests.simulators.material import WAIT_S, Listener, decoded, write_city, write_recording


def expected(source: str, choice: Choice | None = None) -> list[tuple[str, bytes]]:
    return [(m.topic, m.payload) for m in simulators.prepare([source], choice=choice).messages()]


@pytest.mark.parametrize("source", ["traffic-i94", "parking-bath", "air-london-marylebone", "heat-meter-denmark"])
def test_what_arrives_is_the_recording_row_by_row(broker: deploy.Broker, source: str) -> None:
    with Listener(broker.url) as listener:
        summary = simulators.replay([source], broker.url)
        arrived = listener.everything()
    schedule = simulators.prepare([source])
    recording = schedule.recordings[0]
    rows = recording.rows
    order = sorted(range(len(rows)), key=lambda i: (int(rows.send_us[i]), int(rows.device[i])))
    assert len(arrived) == len(order) == summary.messages == summary.acknowledged
    for i, (topic, payload) in zip(order, arrived, strict=True):
        assert topic == f"cityvitals/demo/{recording.devices[rows.device[i]]}/telemetry"
        time_us = int(rows.time_us[i])
        row = zip(recording.fields, rows.ticks[i].tolist(), rows.present[i].tolist(), strict=True)
        assert sorted(decoded(recording, (topic, payload))) == sorted((f, time_us, t) for f, t, there in row if there)
    assert summary.readings == int(rows.present.sum())
    assert summary.bytes == sum(len(payload) for _, payload in arrived)
    assert not summary.interrupted


def test_two_replays_with_one_seed_arrive_alike_and_shuffled_is_the_same_multiset(broker: deploy.Broker) -> None:
    runs = []
    for choice in (Choice(), Choice(shuffle=True, seed=4), Choice(shuffle=True, seed=4)):
        with Listener(broker.url) as listener:
            simulators.replay(["traffic-i94"], broker.url, choice=choice)
            runs.append(list(listener.everything()))
    plain, first, second = runs
    assert first == second
    assert first != plain
    assert Counter(first) == Counter(plain)


def test_a_pace_is_kept_without_losing_the_connection(broker: deploy.Broker) -> None:
    # Three days of five-minute rows in half a second.
    seen: list[ReplayProgress] = []
    summary = simulators.replay(["traffic-cologne"], broker.url, speed=3 * 86_400 / 0.5, progress=seen.append)
    assert summary.seconds >= 0.49
    assert summary.acknowledged == summary.messages == 5_862
    assert seen[-1].acknowledged == seen[-1].published == seen[-1].total == 5_862
    assert [p.published for p in seen] == sorted(p.published for p in seen)


def test_the_window_bounds_what_is_not_acknowledged(broker: deploy.Broker) -> None:
    most = 0

    def watch(now: ReplayProgress) -> None:
        nonlocal most
        most = max(most, now.published - now.acknowledged)

    summary = simulators.replay(["traffic-i94"], broker.url, window=20, progress=watch)
    assert summary.acknowledged == 4_516
    assert most <= 20


@pytest.mark.parametrize("qos", [0, 2])
def test_other_qualities_of_service_deliver_too(broker: deploy.Broker, qos: int) -> None:
    sent, complete = expected("heat-meter-denmark"), threading.Event()
    with Listener(broker.url, on_count=(len(sent), complete.set)) as listener:
        simulators.replay(["heat-meter-denmark"], broker.url, qos=qos)
        assert complete.wait(WAIT_S), "nothing acknowledges QoS 0, so the end of a replay is not the end of arrivals"
        assert listener.everything() == sent


def test_a_connection_cut_on_the_way_loses_nothing(broker: deploy.Broker) -> None:
    assert broker.port
    with Proxy(broker.port) as proxy, Listener(broker.url) as listener:
        cuts = [1_000, 2_500, 4_000]

        def cut(now: ReplayProgress) -> None:
            if cuts and now.published > cuts[0]:
                cuts.pop(0)
                proxy.cut()

        # Slowed, so that each connection is there to be cut before the last message was sent.
        summary = simulators.replay(
            ["traffic-cologne"], f"mqtt://127.0.0.1:{proxy.port}", speed=3 * 86_400 / 3.0, progress=cut
        )
        arrived = Counter(listener.everything())
    assert cuts == []
    assert summary.reconnects == 3
    assert summary.acknowledged == summary.messages == 5_862
    # Sent again where the acknowledgement was lost: more copies, never fewer.
    sent = Counter(expected("traffic-cologne"))
    assert arrived >= sent
    assert arrived.keys() == sent.keys()


def test_a_broker_restarted_on_the_way_is_found_again(broker: deploy.Broker) -> None:
    ended = threading.Event()

    def restart() -> None:
        broker.stop()
        broker.start()
        ended.wait(60.0)  # a broker dies with the thread that started it

    restarts: list[threading.Thread] = []

    def once(now: ReplayProgress) -> None:
        if now.published > 100 and not restarts:
            restarts.append(threading.Thread(target=restart))
            restarts[0].start()

    try:
        summary = simulators.replay(
            ["traffic-cologne"], broker.url, speed=3 * 86_400 / 2.0, progress=once, away_s_max=60.0
        )
    finally:
        ended.set()
        restarts[0].join()
    assert summary.acknowledged == summary.messages == 5_862
    assert summary.reconnects >= 1


def test_a_broker_that_stays_away_ends_the_replay_with_what_is_unacknowledged(broker: deploy.Broker) -> None:
    def stop(now: ReplayProgress) -> None:
        if now.published > 100:
            broker.stop()

    with pytest.raises(BrokerError, match=r"away for 0 s .* gave up after \d+ attempts") as caught:
        simulators.replay(["traffic-cologne"], broker.url, speed=3 * 86_400 / 3.0, progress=stop, away_s_max=0.3)
    assert caught.value.unacknowledged >= 0


def test_nobody_at_the_address_says_so_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(
        BrokerError, match=rf"broker 127\.0\.0\.1:{port}: .*refused.*is it running, and is the address right"
    ):
        simulators.replay(["traffic-i94"], f"mqtt://127.0.0.1:{port}")


def test_a_port_that_hangs_up_is_no_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(BrokerError, match="is it running, and is the address right"):
            simulators.replay(["traffic-i94"], f"mqtt://127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def test_a_refusal_is_not_retried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse() -> None:
            connection, _ = server.accept()
            connection.recv(1_000)
            connection.sendall(b"\x20\x02\x00\x05")  # CONNACK: not authorised
            connection.recv(1_000)
            connection.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(BrokerError, match="refused us: Not authorized; check user and password"):
            simulators.replay(["traffic-i94"], f"mqtt://me:secret@127.0.0.1:{server.getsockname()[1]}")
        thread.join()


def test_a_wish_to_stop_ends_a_replay_with_everything_sent_acknowledged(broker: deploy.Broker) -> None:
    stop = threading.Event()

    def enough(now: ReplayProgress) -> None:
        if now.published > 200:
            stop.set()

    with Listener(broker.url) as listener:
        summary = simulators.replay(
            ["traffic-i94"], broker.url, speed=1_000_000, progress=enough, stop=stop, choice=Choice(loop=True)
        )
        arrived = listener.everything()
    assert summary.interrupted
    assert 200 < summary.messages < 4_516
    assert summary.acknowledged == summary.messages == len(arrived)


def test_an_endless_replay_goes_on_with_the_next_lap(broker: deploy.Broker, tmp_path: Path) -> None:
    path, city = write_recording(tmp_path / "recording"), write_city(tmp_path / "city")
    stop = threading.Event()
    with Listener(broker.url, on_count=(12, stop.set)) as listener:
        summary = simulators.replay([path], broker.url, city=city, choice=Choice(loop=True), stop=stop)
        arrived = listener.everything()
    assert summary.messages >= 12
    recording = simulators.prepare([path], city=city).recordings[0]
    times = [decoded(recording, message)[0][1] for message in arrived[:12]]
    assert [t - u for t, u in zip(times[4:], times, strict=False)] == [86_400_000_000] * 8


@pytest.mark.parametrize("url", ["http://broker", "mqtt://", "mqtt://broker:port", "mqtt://a:secret@broker/path", ""])
def test_an_address_that_is_none_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected mqtt://\[user:password@\]host") as caught:
        BrokerAddress.parse(url)
    assert "secret" not in str(caught.value)


def test_an_address_names_everything_but_shows_no_secret() -> None:
    address = BrokerAddress.parse("mqtts://me:s%40cret@broker.example")
    assert (address.host, address.port, address.tls, address.user, address.password) == (
        "broker.example", 8883, True, "me", "s@cret",
    )  # fmt: skip
    assert str(address) == "broker.example:8883"
    assert BrokerAddress.parse("broker:1884") == BrokerAddress("broker", 1884)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_that_goes_nowhere_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="expected a number above 0"):
        simulators.replay(["traffic-i94"], "mqtt://127.0.0.1", speed=speed)
