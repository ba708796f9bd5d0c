"""Brokers that no real one should be: bytes that are not MQTT, refusals, and answers to what was not asked."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from ingest import SessionRefused
from tests.ingest.harness import Running
from tests.ingest.messages import publish, topic

CONNACK = b"\x20\x03\x00\x00\x00"
SUBACK = b"\x90\x04\x00\x01\x00\x01"
PACK = b'[{"n":"pm2_5","v":1.5,"t":1732400000}]'


class Peer:
    """The broker's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = b""

    def packet(self) -> bytes:
        """The next packet of the session (all of them are short); empty at its end."""
        while len(self._buffer) < 2 or len(self._buffer) < 2 + self._buffer[1]:
            data = self.connection.recv(4096)
            if not data:
                return b""
            self._buffer += data
        size = 2 + self._buffer[1]
        packet, self._buffer = self._buffer[:size], self._buffer[size:]
        return packet

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def welcome(self) -> None:
        """Let the session connect and subscribe."""
        assert self.packet()[0] == 0x10
        self.send(CONNACK)
        assert self.packet()[0] == 0x82
        self.send(SUBACK)


@contextlib.contextmanager
def serving(script: Callable[[Peer, int], None]) -> Iterator[str]:
    """Run a script for each connection, one after the other, numbered from 1; yields the broker's url."""
    failures: list[BaseException] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        number = 0
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # the listener was shut down
            number += 1
            connection.settimeout(120)
            with connection:
                try:
                    script(Peer(connection), number)
                except (ConnectionError, BrokenPipeError):
                    continue  # the session hung up on us, as it may
                except BaseException as error:
                    failures.append(error)

    thread = threading.Thread(target=run, name="odd broker")
    thread.start()
    try:
        yield f"mqtt://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(120)
        listener.close()
    assert failures == []


def test_bytes_that_are_not_mqtt_end_the_connection_and_the_session_comes_back() -> None:
    broken = [
        b"\x32\xff\xff\xff\xff\x01", b"\x36\x05\0\1a\0\1", b"\x20\xff\xff\x7f", b"\x00\x00", b"\x40\x02\x00\x01",
        b"\x90\x04\x00\x07\x00\x01", b"\xe0\x02\x81\x7f", b"\x62\x01\x00", b"\xf0\x00", b"\x20\x03\x00\x00\x00",
    ]  # fmt: skip

    def script(peer: Peer, number: int) -> None:
        peer.welcome()
        peer.send(publish(topic("air-1"), PACK, number))
        if number <= len(broken):
            peer.send(broken[number - 1])
        while peer.packet():
            pass

    with serving(script) as url, Running(url) as running:
        # What came before the broken bytes counts, though its acknowledgement can no longer be sent.
        got = running.messages(len(broken) + 1)
        assert [m.packet_id for m in got] == list(range(1, len(broken) + 2))
        assert running.session.counters.protocol_errors == len(broken)
        assert running.session.counters.reconnects == len(broken)
        assert running.error is None


def test_garbage_instead_of_an_answer_is_an_error_and_no_stall() -> None:
    chance = random.Random(7)  # noqa: S311 - repeatable is what matters
    answers = [
        b"", b"\x20", b"\x20\xff\xff\xff\xff\xff", b"\x20\xff\xff\xff\x7f", b"\x20\x00", b"\x20\x02\x07\x07",
        b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xd0\x00", b"\x20\x03\x00\x00\x09",
        *(chance.randbytes(20) for _ in range(20)),
    ]  # fmt: skip

    def script(peer: Peer, number: int) -> None:
        if number > len(answers):
            peer.welcome()
            while peer.packet():
                pass
            return
        assert peer.packet()[0] == 0x10
        peer.send(answers[number - 1])

    with (
        serving(script) as url,
        Running(url, protocol="5", connect_timeout_s=5.0, reconnect_delay_s_max=0.02) as running,
    ):
        running.ready()
        assert running.session.counters.connection_errors == len(answers)
        assert running.session.counters.connections == 1


def test_random_bytes_after_the_subscription_never_stop_the_session() -> None:
    rounds = 60
    chance = random.Random(11)  # noqa: S311 - repeatable is what matters

    def script(peer: Peer, number: int) -> None:
        peer.welcome()
        if number <= rounds:
            good = b"".join(publish(topic("air-1"), PACK, n) for n in range(1, 4))
            data = bytearray(good + chance.randbytes(50))
            for _ in range(5):
                data[chance.randrange(len(data))] = chance.randrange(256)
            with contextlib.suppress(OSError):
                peer.send(bytes(data))
            return
        peer.send(publish(topic("air-1"), PACK, 4711))
        while peer.packet():
            pass

    with serving(script) as url, Running(url, reconnect_delay_s_max=0.02) as running:
        running.wait(lambda: any(m.packet_id == 4711 for m in running.received), "the last message")
        assert running.session.counters.connections == rounds + 1
        assert running.error is None


def test_a_message_under_way_with_qos_2_is_received_released_and_completed() -> None:
    answers: list[bytes] = []
    committed = threading.Event()

    def script(peer: Peer, number: int) -> None:
        peer.welcome()
        peer.send(publish(topic("air-1"), PACK, 300, qos=2) + publish(topic("air-1"), PACK, 301))
        answers.append(peer.packet())
        assert committed.is_set()
        answers.append(peer.packet())
        peer.send(b"\x62\x02\x01\x2c")
        answers.append(peer.packet())
        while peer.packet():
            pass

    with serving(script) as url, Running(url, acknowledging=False) as running:
        running.messages(2)
        committed.set()
        running.acknowledge()
        running.wait(lambda: len(answers) == 3, "the exchange")
    assert answers == [b"\x50\x02\x01\x2c", b"\x40\x02\x01\x2d", b"\x70\x02\x01\x2c"]


@pytest.mark.parametrize(
    ("code", "words"), [(0x87, "not authorized"), (0x8F, "topic filter invalid"), (0x00, "only QoS 0 granted")]
)
def test_a_refused_subscription_names_the_filter_and_ends_the_session(code: int, words: str) -> None:
    def script(peer: Peer, number: int) -> None:
        assert peer.packet()[0] == 0x10
        peer.send(CONNACK)
        assert peer.packet()[0] == 0x82
        peer.send(b"\x90\x04\x00\x01\x00" + bytes([code]))
        peer.packet()

    with serving(script) as url, Running(url) as running:
        error = running.refused()
    assert isinstance(error, SessionRefused)
    assert "cityvitals/testville/+/telemetry" in str(error)
    assert words in str(error)


def test_a_broker_that_grants_only_qos_0_is_refused() -> None:
    def script(peer: Peer, number: int) -> None:
        peer.packet()
        peer.send(b"\x20\x05\x00\x00\x02\x24\x00")
        peer.packet()

    with serving(script) as url, Running(url) as running:
        error = running.refused()
    assert isinstance(error, SessionRefused)
    assert "QoS 0" in str(error)


def test_a_farewell_is_told_in_words_and_the_session_comes_back() -> None:
    def script(peer: Peer, number: int) -> None:
        peer.welcome()
        if number == 1:
            peer.send(b"\xe0\x08\x8b\x06\x1f\x00\x03bye")
        while peer.packet():
            pass

    with serving(script) as url, Running(url) as running:
        running.wait(lambda: running.session.counters.connections == 2, "the second connection")
        assert "server shutting down (bye)" in running.session.last_error


def test_a_busy_broker_is_tried_again_even_the_first_time() -> None:
    def script(peer: Peer, number: int) -> None:
        if number == 1:
            peer.packet()
            peer.send(b"\x20\x03\x00\x89\x00")
            return
        peer.welcome()
        while peer.packet():
            pass

    with serving(script) as url, Running(url) as running:
        running.ready()
        assert running.session.counters.connection_errors == 1


def test_a_subscription_that_is_never_answered_is_given_up() -> None:
    def script(peer: Peer, number: int) -> None:
        if number > 1:
            peer.welcome()
        else:
            peer.packet()
            peer.send(CONNACK)
        while peer.packet():
            pass

    with serving(script) as url, Running(url, connect_timeout_s=0.2) as running:
        running.ready()
        assert running.session.epoch == 2


def test_the_brokers_own_keep_alive_is_kept() -> None:
    pings: list[bytes] = []

    def script(peer: Peer, number: int) -> None:
        assert peer.packet()[0] == 0x10
        peer.send(b"\x20\x06\x00\x00\x03\x13\x00\x01")
        assert peer.packet()[0] == 0x82
        peer.send(SUBACK)
        while packet := peer.packet():
            if packet[0] == 0xC0:
                pings.append(packet)
                peer.send(b"\xd0\x00")

    with serving(script) as url, Running(url, keepalive_s=600) as running:
        running.wait(lambda: len(pings) >= 2, "two probes")


def test_reconnecting_waits_longer_each_time_and_never_longer_than_the_limit() -> None:
    waits: list[float] = []

    def script(peer: Peer, number: int) -> None:
        peer.packet()

    with serving(script) as url, Running(url, protocol="5") as running:
        idle = running.session._idle

        def noted(seconds: float, stop: threading.Event) -> None:
            waits.append(seconds)
            idle(seconds / 100, stop)

        running.session._idle = noted  # type: ignore[method-assign]
        running.session._jitter = lambda: 1.0
        running.wait(lambda: len(waits) > 8, "eight attempts")
    tail = waits[-3:]
    assert tail == [0.2, 0.2, 0.2]
    assert waits == sorted(waits)
