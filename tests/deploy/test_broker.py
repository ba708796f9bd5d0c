"""What the broker keeps for a gateway that is away, and what its settings promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy import Stack, paths, temporary
from tests.deploy.clients import Client, wait_for

COUNT = 20_000
TOPIC = "cityvitals/town/device-1/telemetry"


def away(stack: Stack, name: str) -> None:
    """Leave a session behind, as a gateway that stops."""
    Client(stack.broker.url, name, subscribe="cityvitals/#").close()


def publish(stack: Stack, count: int, qos: int = 1) -> list[bytes]:
    payloads = [b"%d" % number for number in range(count)]
    publisher = Client(stack.broker.url)
    publisher.publish(TOPIC, payloads, qos)
    publisher.close()
    return payloads


def come_back(stack: Stack, name: str, count: int) -> list[tuple[bytes, int]]:
    client = Client(stack.broker.url, name)
    wait_for(lambda: len(client.received) >= count, f"{count} messages; {len(client.received)} came")
    assert client.had_session
    client.close()
    return client.received


@pytest.mark.parametrize("end", ["stop", "kill after a save"])
def test_a_queue_of_20000_outlives_the_broker(tmp_path: Path, end: str) -> None:
    """A clean stop keeps everything by itself. A kill keeps what the last save holds: every 5 s, or when asked."""
    with temporary(tmp_path / "stack") as stack:
        away(stack, "gateway")
        payloads = publish(stack, COUNT)
        if end == "stop":
            stack.broker.stop()
        else:
            saved = stack.broker.state / "mosquitto.db"
            before = saved.stat().st_mtime_ns if saved.exists() else 0
            stack.broker.save()
            wait_for(lambda: saved.exists() and saved.stat().st_mtime_ns > before, "the save")
            stack.broker.kill()
        stack.up()
        assert [payload for payload, _ in come_back(stack, "gateway", COUNT)] == payloads


def test_the_broker_saves_by_itself_within_seconds(stack: Stack) -> None:
    """Nobody asks it to: this is the bound on what a killed broker can lose."""
    away(stack, "patient")
    publish(stack, 1000)
    saved = stack.broker.state / "mosquitto.db"
    wait_for(lambda: saved.exists() and saved.stat().st_size > 1000 * len(TOPIC), "a save with the queue")
    come_back(stack, "patient", 1000)


def test_a_reading_sent_with_qos_0_is_kept_for_the_gateway(stack: Stack) -> None:
    away(stack, "gateway-0")
    payloads = publish(stack, 100, qos=0)
    assert come_back(stack, "gateway-0", 100) == [(payload, 1) for payload in payloads]


def test_nothing_was_dropped(stack: Stack) -> None:
    away(stack, "slow")
    publish(stack, 5000)
    # The figure is sent when it changes, so wait for two rounds of one that always does.
    clock = Client(stack.broker.url, subscribe="$SYS/broker/uptime")
    watcher = Client(stack.broker.url, subscribe="$SYS/broker/publish/messages/dropped")
    wait_for(lambda: len(clock.received) > 2 and len(watcher.received) > 0, "the broker's figures")
    clock.close()
    watcher.close()
    assert {payload for payload, _ in watcher.received} == {b"0"}
    come_back(stack, "slow", 5000)


def test_every_setting_of_the_broker_says_why() -> None:
    lines = (paths.SETTINGS / "broker/settings.conf").read_text().splitlines()
    blocks = "\n".join(lines).split("\n\n")
    assert all(block.startswith(("#", "log_dest")) for block in blocks)
    names = [line.split()[0] for line in lines if line and not line.startswith(("#", "log_type"))]
    assert len(names) == len(set(names))


def test_compose_takes_the_same_settings() -> None:
    """One source for both: the files are mounted, not copied, and nothing in them is said again."""
    compose = (paths.SETTINGS / "compose.yaml").read_text()
    mounted = re.findall(r"- \./(\S+):(\S+):ro", compose)
    assert mounted[:2] == [("postgresql.conf", "/settings/postgresql.conf"), ("broker", "/settings/broker")]
    assert all((paths.SETTINGS / source).exists() for source, _ in mounted)
    assert "include_dir /settings/broker" in compose
    assert re.findall(r"- (?:\")?(\d[\d.]*):\$", compose) == ["127.0.0.1", "127.0.0.1"]
    settings = (paths.SETTINGS / "broker/settings.conf").read_text()
    for name in re.findall(r"^(\w+) ", settings, flags=re.MULTILINE):
        assert not re.search(rf"\b{name}\b", compose), name
