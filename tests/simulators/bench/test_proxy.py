"""The proxy forwards faithfully until told otherwise, and each misbehaviour is what it is called."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from simulators.bench import Proxy, wait_until

WAIT_S = 120.0
PAYLOAD = bytes(range(256)) * 8_000
"""Two megabytes: more than any socket holds, so that the proxy has to wait for the reader."""


@contextmanager
def echo() -> Iterator[int]:
    """A server that sends back what it gets, and ends its side when the other ends its own; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1 << 16):
                    connection.sendall(data)
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with echo() as port, Proxy(port) as running:
        yield running


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=WAIT_S)


def received(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := connection.recv(1 << 16)):
        data += more
    return data


def test_every_byte_passes_in_order_and_an_end_is_passed_on(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        sender = threading.Thread(
            target=lambda: (connection.sendall(PAYLOAD), connection.shutdown(socket.SHUT_WR)), daemon=True
        )
        sender.start()
        # One byte more than was sent: returns only because the other side ended.
        assert received(connection, len(PAYLOAD) + 1) == PAYLOAD
        sender.join()


def test_a_cut_resets_every_connection_and_new_ones_are_taken(proxy: Proxy) -> None:
    with connected(proxy) as first, connected(proxy) as second:
        for connection in (first, second):
            connection.sendall(b"x")
            assert received(connection, 1) == b"x"
        assert proxy.cut() == 2
        for connection in (first, second):
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
    with connected(proxy) as third:
        third.sendall(b"y")
        assert received(third, 1) == b"y"
    assert proxy.connections == 3


def test_a_refusing_proxy_ends_what_comes_until_it_is_restored(proxy: Proxy) -> None:
    with connected(proxy) as before:
        before.sendall(b"x")
        assert received(before, 1) == b"x"
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            before.recv(1)
    with connected(proxy) as refused:
        assert refused.recv(1) == b""
    proxy.restore()
    with connected(proxy) as after:
        after.sendall(b"y")
        assert received(after, 1) == b"y"


def test_a_stalled_line_says_nothing_and_loses_nothing(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        connection.sendall(b"x")
        assert received(connection, 1) == b"x"
        proxy.stall()
        connection.sendall(b"held")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(WAIT_S)
        proxy.restore()
        assert received(connection, 4) == b"held"


def test_a_slow_line_takes_its_time_and_keeps_the_bytes(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        proxy.slow(20_000)
        began = time.monotonic()
        connection.sendall(PAYLOAD[:10_000])
        assert received(connection, 10_000) == PAYLOAD[:10_000]
        assert time.monotonic() - began > 0.4  # 10,000 bytes at 20,000 a second
        proxy.restore()
        threading.Thread(target=connection.sendall, args=(PAYLOAD,), daemon=True).start()
        assert received(connection, len(PAYLOAD)) == PAYLOAD


def test_a_target_that_is_away_ends_the_connection_and_may_come_back_elsewhere(proxy: Proxy) -> None:
    home = proxy.target_port
    with socket.create_server(("127.0.0.1", 0)) as taken:
        proxy.target_port = taken.getsockname()[1]
    with connected(proxy) as nobody:
        assert nobody.recv(1) == b""
    proxy.target_port = home
    with connected(proxy) as connection:
        connection.sendall(b"x")
        assert received(connection, 1) == b"x"


def test_damage_changes_only_what_the_target_sends(proxy: Proxy) -> None:
    proxy.damage = bytes.upper
    with connected(proxy) as connection:
        connection.sendall(b"abc")
        assert received(connection, 3) == b"ABC"
    wait_until(lambda: proxy.damaged == 1, WAIT_S, "the piece is counted")
