"""Who is silent, on real servers: a device, a gateway, or we ourselves, and none of them taken for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

import deploy
from simulators.bench import wait_until
from tests.system.conftest import Start
from tests.system.pipeline import Pipeline
from tests.system.wire import city_of, publish, senml

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

INTERVAL_S = 3
SILENT_S = 3 * INTERVAL_S
SEND_S = 0.5
EAST = ("east-1", "east-2", "east-3")
DEVICES = (*EAST, "post-1", "post-2")
BRISK = {"CITYVITALS_SILENCE_HEARTBEAT_S": "0.5", "CITYVITALS_MQTT_KEEPALIVE_S": "2"}


class Street:
    """Devices that send twice a second, each until it is told to be silent.

    Attributes:
        last_s: when each device's newest message was handed to the broker, epoch seconds.
    """

    def __init__(self, url: str) -> None:
        self.last_s: dict[str, float] = {}
        self._sending = set(DEVICES)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(1, 1)
        parts = urlsplit(url)
        self._client.connect(str(parts.hostname), int(parts.port or 0))
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="street")

    def __enter__(self) -> Street:
        self._client.loop_start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def silence(self, *names: str) -> None:
        """Let these devices send nothing more."""
        with self._lock:
            self._sending -= set(names)

    def wake(self, *names: str) -> None:
        """Let these devices send again."""
        with self._lock:
            self._sending |= set(names)

    def _run(self) -> None:
        while not self._stop.wait(SEND_S):
            with self._lock:
                for name in sorted(self._sending):
                    now_us = time.time_ns() // 1000
                    at = f"{now_us // 1_000_000}.{now_us % 1_000_000:06}"
                    topic, payload = senml(name, "sound_level", "dB", (at, "50"))  # type: ignore[arg-type]
                    self._client.publish(topic, payload, qos=1)
                    self.last_s[name] = now_us / 1_000_000


def town(folder: Path) -> Path:
    """A city of five noise monitors, three of them behind the gateway `east`."""
    city = city_of(folder / "city", *DEVICES)
    lines = ["device,model,zone,gateway,interval_s"]
    lines += [f"{name},noise_monitor,all,{'east' if name in EAST else 'west'},{INTERVAL_S}" for name in DEVICES]
    (city / "devices.csv").write_text("\n".join([*lines, ""]))
    return city


@pytest.fixture
def street(broker: deploy.Broker) -> Iterator[Street]:
    """Five devices that send."""
    with Street(broker.url) as sending:
        yield sending


def silences(pipeline: Pipeline, kind: str) -> list[dict[str, Any]]:
    """Rows of a kind, oldest first."""
    columns = ("who", "started_at", "ended_at", "devices", "detail", "last_reading_at")
    rows = pipeline.query(
        f"SELECT {', '.join(columns)} FROM cityvitals.silence WHERE kind = %s ORDER BY started_at", kind
    )
    return [dict(zip(columns, row, strict=True)) for row in rows]


def states(pipeline: Pipeline) -> dict[str, str]:
    return dict(pipeline.query("SELECT device, state FROM cityvitals.v_health"))


def all_arrived(pipeline: Pipeline, street: Street, *names: str) -> datetime:
    """Wait until the last message of these devices, which send no more, was taken; return a time when it was."""
    last = {name: round(street.last_s[name] * 1_000_000) for name in names}

    def taken() -> bool:
        rows = pipeline.query("SELECT device, last_reading_at FROM cityvitals.v_health")
        at = {device: round(read.timestamp() * 1_000_000) for device, read in rows if read is not None}
        return all(at.get(name) == last[name] for name in names)

    wait_until(taken, 120, "the last message to be taken")
    return datetime.now(UTC)


def heard_to(pipeline: Pipeline) -> datetime:
    """Until when the engine says that it listened."""
    ((at,),) = pipeline.query("SELECT max(heard_to) FROM cityvitals.listening")
    return at if at is not None else moment(0)


def moment(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def all_heard(pipeline: Pipeline) -> None:
    """Wait until every device is known to be well."""
    wait_until(lambda: set(states(pipeline).values()) == {"ok"}, 120, lambda: f"all to be ok: {states(pipeline)}")


def test_a_device_and_a_gateway_fall_silent_and_come_back(start: Start, street: Street, tmp_path: Path) -> None:
    pipeline = start(town(tmp_path), **BRISK)
    all_heard(pipeline)

    street.silence("post-1")
    arrived = all_arrived(pipeline, street, "post-1")
    wait_until(lambda: bool(silences(pipeline, "device")), 120, "the device to be noticed")
    (row,) = silences(pipeline, "device")
    last = moment(street.last_s["post-1"])
    assert row["who"] == "post-1"
    assert row["ended_at"] is None
    assert last <= row["started_at"] <= arrived
    assert abs((row["last_reading_at"] - last).total_seconds()) < 0.001
    wait_until(lambda: states(pipeline)["post-1"] == "silent", 120, "the device to be shown silent")
    shown = pipeline.command("devices", "--silent")
    assert [(r["device"], r["silence"]) for r in shown if r["row"] == "device"] == [("post-1", "device")]
    assert shown[-1]["silent"] == 1
    assert shown[-1]["ok"] == len(DEVICES) - 1
    back = datetime.now(UTC)
    street.wake("post-1")
    wait_until(lambda: silences(pipeline, "device")[0]["ended_at"] is not None, 120, "the device to be back")
    assert back < silences(pipeline, "device")[0]["ended_at"] < datetime.now(UTC)

    street.silence(*EAST)
    arrived = all_arrived(pipeline, street, *EAST)
    wait_until(lambda: bool(silences(pipeline, "gateway")), 120, "the gateway to be noticed")
    (row,) = silences(pipeline, "gateway")
    assert (row["who"], row["ended_at"], row["devices"]) == ("east", None, 3)
    assert moment(max(street.last_s[name] for name in EAST)) <= row["started_at"] <= arrived
    wait_until(lambda: all(states(pipeline)[name] == "silent" for name in EAST), 120, "its devices to be shown silent")
    assert states(pipeline)["post-2"] == "ok"
    shown = pipeline.command("devices", "--health")
    assert {(r["device"], r["silence"]) for r in shown if r["row"] == "device" and r["silence"]} == {
        (name, "gateway") for name in EAST
    }
    assert [r["gateway"] for r in shown if r["row"] == "gateway"] == ["east"]
    street.wake(*EAST)
    wait_until(lambda: silences(pipeline, "gateway")[0]["ended_at"] is not None, 120, "the gateway to be back")
    all_heard(pipeline)
    assert [r["who"] for r in silences(pipeline, "device")] == ["post-1"], "no row for a device of the gateway"
    # A machine that has no time for it makes the gateway stand still for real, and that is what is recorded then.
    assert [r for r in silences(pipeline, "system") if not r["detail"].startswith("stood still")] == []


def nobody_is_blamed(pipeline: Pipeline, street: Street, absence: Callable[[], datetime], cause: str) -> dict[str, Any]:
    """Have us away while nobody sends either, for longer than devices may be silent; return the row of our absence.

    Args:
        pipeline, street: who listens, and who sends.
        absence: has us away, and returns a time when we still were.
        cause: that must be recorded.
    """
    all_heard(pipeline)
    began_s = time.time()
    away = absence()
    back = datetime.now(UTC)
    assert time.time() - began_s > SILENT_S
    # Judged once more before anybody sends: by arrival alone all of them would be silent now.
    wait_until(lambda: heard_to(pipeline) > back, 120, "a judgement after the absence")
    assert silences(pipeline, "device") + silences(pipeline, "gateway") == []
    street.wake(*DEVICES)
    all_heard(pipeline)
    assert silences(pipeline, "device") + silences(pipeline, "gateway") == []
    rows = [row for row in silences(pipeline, "system") if row["who"] == cause]
    assert [row for row in rows if row["ended_at"] is None] == []
    # A machine that has no time for it makes the gateway stand still at other times too, for real.
    (row,) = [row for row in rows if row["started_at"] <= away <= row["ended_at"]]
    assert (row["ended_at"] - row["started_at"]).total_seconds() > SILENT_S - 1
    return row


def long_enough() -> None:
    """Let pass what devices may be silent for."""
    began_s = time.monotonic()
    wait_until(lambda: time.monotonic() - began_s > SILENT_S + 1, SILENT_S + 30, "time to pass")


def test_a_killed_gateway_was_down_and_no_device_was_silent(start: Start, street: Street, tmp_path: Path) -> None:
    pipeline = start(town(tmp_path), **BRISK)

    def absence() -> datetime:
        pipeline.kill()
        street.silence(*DEVICES)
        long_enough()
        away = datetime.now(UTC)
        pipeline.start()
        pipeline.ready()
        return away

    row = nobody_is_blamed(pipeline, street, absence, "process")
    assert row["detail"] == "ended without a word"


def test_a_process_that_stood_still_was_down_and_no_device_was_silent(
    start: Start, street: Street, tmp_path: Path
) -> None:
    pipeline = start(town(tmp_path), **BRISK)

    def absence() -> datetime:
        pipeline.pause()
        street.silence(*DEVICES)
        long_enough()
        away = datetime.now(UTC)
        pipeline.resume()
        return away

    row = nobody_is_blamed(pipeline, street, absence, "process")
    assert "stood still" in row["detail"]


def test_a_broker_that_was_away_makes_no_device_silent(
    start: Start, street: Street, broker: deploy.Broker, tmp_path: Path
) -> None:
    pipeline = start(town(tmp_path), **BRISK)

    def absence() -> datetime:
        broker.stop()
        street.silence(*DEVICES)
        wait_until(
            lambda: any(r["who"] == "broker" and r["ended_at"] is None for r in silences(pipeline, "system")),
            120, "the absence to be recorded while it lasts",
        )  # fmt: skip
        long_enough()
        away = datetime.now(UTC)
        broker.start()
        return away

    nobody_is_blamed(pipeline, street, absence, "broker")


def test_a_database_that_was_away_makes_no_device_silent(start: Start, street: Street, tmp_path: Path) -> None:
    database = deploy.Database(tmp_path / "server", die_with_parent=True)
    (tmp_path / "server").mkdir()
    database.start()
    try:
        pipeline = start(town(tmp_path), database_url=database.url, **BRISK)

        def absence() -> datetime:
            database.kill()
            wait_until(lambda: "the database is away" in pipeline.said(), 120, "the gateway to notice")
            street.silence(*DEVICES)
            long_enough()
            away = datetime.now(UTC)
            database.start()
            return away

        row = nobody_is_blamed(pipeline, street, absence, "database")
        assert "did not take" in row["detail"]
        pipeline.stop()
    finally:
        database.stop()


def test_a_fast_clock_is_shown_closes_no_minute_early_and_costs_no_reading(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    pipeline = start(town(tmp_path), **BRISK)
    clocks = {"post-1": 240, "post-2": 7200, "east-1": 0, "east-2": -600}

    def send() -> None:
        # The fast ones first: what they carry must not be the present for the others.
        for name, ahead in sorted(clocks.items(), key=lambda one: -one[1]):
            publish(broker.url, [senml(name, "sound_level", "dB", (int(time.time()) + ahead, "50"))])

    send()
    # A reading that was on its way for a minute and a half: within the allowed lateness.
    publish(broker.url, [senml("east-3", "sound_level", "dB", (int(time.time()) - 90, "50"))])
    pipeline.drained(len(clocks) + 1, timeout_s=120)
    rows = pipeline.query("SELECT device, start, count, revision FROM cityvitals.v_bucket_minute")
    early = [(device, at) for device, at, _, revision in rows if revision and at > moment(time.time() - 180)]
    assert early == [], "closed before the end of the minute and the lateness had passed"
    assert sorted((device, count) for device, _, count, _ in rows) == [
        ("east-1", 1), ("east-2", 1), ("east-3", 1), ("post-1", 1),
    ]  # fmt: skip
    assert pipeline.query("SELECT device, reason, readings FROM cityvitals.quarantine") == [
        ("post-2", "future_clock", 1)
    ]
    expected = {"post-1": "fast", "post-2": "fast", "east-1": "ok", "east-2": "slow"}
    shown: dict[str, str] = {}

    def seen() -> bool:
        send()
        shown.update(pipeline.query("SELECT device, clock FROM cityvitals.v_health WHERE clock IS NOT NULL"))
        return shown == expected

    wait_until(seen, 120, lambda: f"the clocks to be shown: {shown}", poll_s=1.0)
    ((offset,),) = pipeline.query("SELECT clock_offset_s FROM cityvitals.v_health WHERE device = 'post-2'")
    assert abs(float(offset) - 7200) < 30
    pipeline.balanced()
