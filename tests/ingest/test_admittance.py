"""Who is let in and who is not: TLS, client certificates, passwords, access lists, protocol versions."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

import deploy
from ingest import SessionRefused
from simulators.bench import Proxy
from tests.deploy.clients import Client
from tests.ingest.guarded import GuardedBroker, write_client
from tests.ingest.harness import Running
from tests.ingest.messages import small_limits, topic

PACK = b'[{"n":"pm2_5","v":1.5,"t":1732400000}]'


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedBroker]:
    """A broker not started yet, to be given its rules."""
    broker = GuardedBroker(tmp_path / "guarded", die_with_parent=True)
    yield broker
    broker.stop()


def publish(broker: deploy.Broker, count: int, payload: bytes = PACK) -> None:
    client = Client(broker.url)
    client.publish(topic("air-1"), [payload] * count)
    client.close()


def test_tls_with_a_client_certificate_carries_everything(guarded: GuardedBroker, tmp_path: Path) -> None:
    authority = trustme.CA()
    guarded.with_tls(authority, client_certificates=True)
    guarded.start()
    ca, certificate, key = write_client(authority, tmp_path)
    with Running(
        f"mqtts://127.0.0.1:{guarded.guarded_port}", ca_file=ca, certificate_file=certificate, key_file=key
    ) as running:
        running.ready()
        # Larger than a TLS record, smaller than the limit: several records per read, several reads per message.
        publish(guarded, 300, PACK[:-1] + b" " * 7000 + b"]")
        assert {m.readings for m in running.messages(300)} == {1}
        running.wait(lambda: running.session.under_way == 0, "the acknowledgements")
        assert running.session.counters.messages == 300


def test_tls_keeps_up_when_reads_are_smaller_than_a_record(guarded: GuardedBroker, tmp_path: Path) -> None:
    authority = trustme.CA()
    guarded.with_tls(authority, client_certificates=False)
    guarded.start()
    ca, _, _ = write_client(authority, tmp_path)
    limits = small_limits(read_bytes_max=100)
    # No probe within the test: its answer would make poll look again.
    with Running(f"mqtts://127.0.0.1:{guarded.guarded_port}", ca_file=ca, limits=limits, keepalive_s=600) as running:
        running.ready()
        publish(guarded, 1, PACK[:-1] + b" " * 8000 + b"]")
        # What poll cannot see, because TLS has decrypted it already, is read all the same.
        assert running.messages(1)[0].readings == 1


def test_without_the_client_certificate_the_broker_refuses(guarded: GuardedBroker, tmp_path: Path) -> None:
    authority = trustme.CA()
    guarded.with_tls(authority, client_certificates=True)
    guarded.start()
    ca, _, _ = write_client(authority, tmp_path)
    with Running(f"mqtts://127.0.0.1:{guarded.guarded_port}", ca_file=ca) as running:
        error = running.refused()
    assert isinstance(error, SessionRefused)
    assert "certificate_file" in str(error)


def test_a_broker_of_another_authority_is_refused(guarded: GuardedBroker, tmp_path: Path) -> None:
    guarded.with_tls(trustme.CA(), client_certificates=False)
    guarded.start()
    ca, _, _ = write_client(trustme.CA(), tmp_path)
    with Running(f"mqtts://127.0.0.1:{guarded.guarded_port}", ca_file=ca) as running:
        error = running.refused()
    assert isinstance(error, SessionRefused)
    assert "ca_file" in str(error)


def test_a_certificate_for_another_host_is_refused(guarded: GuardedBroker, tmp_path: Path) -> None:
    authority = trustme.CA()
    guarded.with_tls(authority, client_certificates=False)
    guarded.start()
    ca, _, _ = write_client(authority, tmp_path)
    with Running(f"mqtts://localhost:{guarded.guarded_port}", ca_file=ca) as running:
        error = running.refused()
    assert isinstance(error, SessionRefused)
    assert "localhost" in str(error)


def test_a_file_that_is_no_certificate_is_named(broker: deploy.Broker, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with Running(broker.url.replace("mqtt:", "mqtts:"), ca_file=tmp_path / "ca.pem") as running:
        error = running.refused()
    assert isinstance(error, SessionRefused)
    assert "ca_file" in str(error)


ACCESS = "user reader\ntopic read cityvitals/#\nuser stranger\ntopic read elsewhere/#\n"
USERS = {"reader": "right", "stranger": "right"}


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_user_with_the_right_password_is_let_in(guarded: GuardedBroker, protocol: str) -> None:
    guarded.with_passwords(USERS, ACCESS)
    guarded.start()
    with Running(f"mqtt://reader:right@127.0.0.1:{guarded.guarded_port}", protocol=protocol) as running:
        running.ready()
        publish(guarded, 2)
        running.messages(2)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_wrong_password_ends_the_session_with_what_to_do(guarded: GuardedBroker, protocol: str) -> None:
    guarded.with_passwords(USERS, ACCESS)
    guarded.start()
    url = f"mqtt://reader:wrong@127.0.0.1:{guarded.guarded_port}"
    with Running(url, protocol=protocol) as running:
        error = running.refused()
    assert isinstance(error, SessionRefused)
    assert "not authorized" in str(error)
    assert "password" in str(error)
    assert "wrong" not in str(error)


def test_a_password_that_becomes_wrong_is_tried_again_until_it_is_right(guarded: GuardedBroker) -> None:
    guarded.with_passwords(USERS, ACCESS)
    guarded.start()
    with Running(f"mqtt://reader:right@127.0.0.1:{guarded.guarded_port}") as running:
        running.ready()
        port, passwords = guarded.guarded_port, (guarded.state / "passwords").read_text()
        guarded.stop()
        (guarded.state / "passwords").write_text(passwords.replace("reader", "nobody"))
        with pytest.MonkeyPatch.context() as patch:
            _fix_port(patch, guarded, port)
            guarded.start()
            running.wait(lambda: "not authorized" in running.session.last_error, "the refusal")
            assert running.error is None
            guarded.stop()
            (guarded.state / "passwords").write_text(passwords)
            guarded.start()
        running.wait(lambda: running.session.epoch == 2 and running.session.ready.is_set(), "the connection")


def _fix_port(patch: pytest.MonkeyPatch, broker: GuardedBroker, port: int) -> None:
    prepare = GuardedBroker.prepare

    def prepared(own_port: int) -> object:
        command = prepare(broker, own_port)
        conf = broker.state / "broker.conf"
        conf.write_text(conf.read_text().replace(f"listener {broker.guarded_port} ", f"listener {port} "))
        broker.guarded_port = port
        return command

    patch.setattr(broker, "prepare", prepared)


class OldBroker:
    """Refuses MQTT 5 as a broker of 3.1.1 does, and lets 3.1.1 through to a real one."""

    def __init__(self, target_port: int, answer: bytes) -> None:
        self._proxy = Proxy(target_port)
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.versions: list[int] = []
        self._thread = threading.Thread(target=self._run, name="old broker", daemon=True)

    def __enter__(self) -> OldBroker:
        self._proxy.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(120)
        self._listener.close()
        self._proxy.__exit__(None, None, None)

    def _run(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # the listener was shut down
            hello = near.recv(4096)
            self.versions.append(hello[8])
            if hello[8] == 5:
                near.sendall(self._answer)
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._proxy.port))
            far.sendall(hello)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with source, contextlib.suppress(OSError):  # either side may be gone
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(
    "answer", [b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00", b""], ids=["as 3.1.1", "as 5", "hangs up"]
)
def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(broker: deploy.Broker, answer: bytes) -> None:
    assert broker.port is not None
    with OldBroker(broker.port, answer) as old, Running(f"mqtt://127.0.0.1:{old.port}") as running:
        running.ready()
        publish(broker, 10)
        running.messages(10)
        running.wait(lambda: running.session.under_way == 0, "the acknowledgements")
        assert old.versions == [5, 4]


def test_a_broker_without_the_wanted_version_ends_the_session(broker: deploy.Broker) -> None:
    assert broker.port is not None
    with (
        OldBroker(broker.port, b"\x20\x02\x00\x01") as old,
        Running(f"mqtt://127.0.0.1:{old.port}", protocol="5") as running,
    ):
        error = running.refused()
    assert isinstance(error, SessionRefused)
    assert "unsupported protocol version" in str(error)
