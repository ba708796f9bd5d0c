"""Ten thousand broken messages among good ones: nothing crashes, nothing stalls, every one is accounted for."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import deploy
from devices import REASONS, PayloadError, Registry, codec, load_registry
from simulators.bench import Proxy, wait_until
from tests.system.conftest import Start
from tests.system.pipeline import Pipeline
from tests.system.wire import Sent, city_of, moment, publish, senml, topic

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

BROKEN = 10_000
GOOD_EVERY = 20
FRAME_BYTES_MAX = 65_536
READINGS_MAX = 1_000
QUARANTINE_BYTES_MAX = 4_096
DAMAGED = 100
ENDLESS = b"\x32\xff\xff\xff\x7f\x00\x05topic\x00\x01\x00"
BEGIN_S = 1_460_000_400
ODD_SENML = (
    b"", b"[]", b"{}", b"null", b"[null]", b"[" * 5000, b"[{}]", b'[{"n":"pm2_5"}]', b"\xff\xfe\x00", b"NaN",
    b'[{"n":"pm2_5","v":1e999999999}]', b'[{"n":"pm2_5","v":NaN}]', b'[{"n":"pm2_5","u":"kWh","v":1}]',
    b'[{"n":"pm2_5","v":-40,"t":1460000400}]', b'[{"n":"pm2_5","v":"12"}]', b'[{"n":"nothing","v":1,"t":1460000400}]',
    b'[{"n":"pm2_5","v":3,"t":300000000}]', b'[{"n":"pm2_5","v":3,"t":4102444800}]', b"x" * 70_000,
    b'[{"bn":"a:","bver":99},{"n":"pm2_5","v":1}]', b'[{"n":"pm2_5","v":1,"t":1e30}]', "측정값".encode(),
    b'[{"n":"pm2_5","v":' + b"9" * 400 + b"}]", b'[{"n":"pm2_5","v":1e-400,"t":1460000401}]',
    b'[{"n":"\xed\xa0\x80","v":1}]', b'[{"n":"pm2_5","n":"pm10","v":1}]', b'[{"n":"pm2_5","v":1}]' * 2,
    b"[" + b",".join(b'{"n":"pm10","v":%d,"t":%d}' % (n, BEGIN_S + 7 * n) for n in range(1200)) + b"]",
)  # fmt: skip
"""Broken in ways that somebody thought of."""
ODD_JSON = (
    b"", b"[]", b"{}", b'{"cars": 4}', b'{"cars": 4, "counted_at": "yesterday"}', b'{"cars": "four", "counted_at": 7}',
    b'{"cars": -4, "spaces": 9, "counted_at": "2016-04-07T04:00:00Z"}', b'{"a":' * 3000, b'{"cars": {"cars": []}}',
    b'{"cars": 1e400, "counted_at": "2016-04-07T04:00:00Z"}', b'{"cars": 1, "counted_at": "1970-01-01T00:00:00Z"}',
    b'{"cars": null, "spaces": null, "counted_at": "2016-04-07T04:00:00Z"}', b'"\\ud800"', b"\x00" * 50,
)  # fmt: skip
NOBODY = ("cityvitals/testville/nobody/telemetry", "cityvitals/testville/측정소 7/telemetry")


def good(number: int) -> Sent:
    """A message with one reading, of an hour of its own; its device sends nothing else."""
    return senml("good-1", "pm2_5", "ug/m3", (BEGIN_S + 3600 * number, str(number % 500)))


def whole(chance: random.Random, number: int) -> tuple[str, bytes]:
    """A message as a device would send it, to be broken."""
    at = BEGIN_S + 1800 + 3600 * number
    if chance.random() < 0.3:
        counted = moment(at).isoformat()
        return "car-1", json.dumps(
            {"cars": chance.randrange(300), "spaces": 300, "counted_at": counted, "note": "측정"}
        ).encode()
    names = ("pm2_5", "pm10", "no2", "temperature", "wind_direction")
    records = [
        {"n": chance.choice(names), "v": chance.uniform(-10, 600), "t": at + n} for n in range(chance.randint(1, 4))
    ]
    return "air-1", json.dumps(records).encode()


def broken(seed: int) -> Iterator[Sent]:
    """Mutated, cut, random and odd messages of two formats, some under topics of nobody."""
    chance = random.Random(seed)  # noqa: S311  # repeatable, not secret
    for number in range(BROKEN):
        device, text = whole(chance, number)
        payload = bytearray(text)
        kind = chance.randrange(6)
        if kind == 0:
            for _ in range(chance.randint(1, 6)):
                payload[chance.randrange(len(payload))] = chance.randrange(256)
        elif kind == 1:
            del payload[chance.randrange(len(payload)) :]
        elif kind == 2:
            at = chance.randrange(len(payload))
            payload[at:at] = chance.randbytes(chance.randint(1, 30))
        elif kind == 3:
            payload = bytearray(chance.randbytes(chance.randint(0, 200)))
        elif kind == 4:
            # A piece of itself again: brackets, names and numbers where none belong.
            first, last = sorted(chance.randrange(len(payload)) for _ in range(2))
            at = chance.randrange(len(payload))
            payload[at:at] = payload[first:last] * chance.randint(1, 3)
        else:
            payload = bytearray(chance.choice(ODD_SENML if device == "air-1" else ODD_JSON))
        yield topic(device) if chance.random() < 0.95 else chance.choice(NOBODY), bytes(payload)


def readings_of(registry: Registry, sent: Sent) -> int:
    """How many readings a message has to count as, by the reference codec; what nobody can read counts as one."""
    at, payload = sent
    models = {registry.topic(device): registry.model_of(device) for device in registry.devices}
    if at not in models or len(payload) > FRAME_BYTES_MAX:
        return 1
    try:
        decoded = codec(models[at].codec).decode(payload, models[at], 1_700_000_000_000_000)
    except PayloadError:
        return 1
    return max(1, len(decoded.readings) + sum(fault.readings for fault in decoded.faults))


def kept(pipeline: Pipeline) -> dict[int, int]:
    """Number of a good message → its value, of those that are stored."""
    rows = pipeline.query("SELECT time, value FROM cityvitals.v_observation WHERE device = 'good-1'")
    return {(int(time.timestamp()) - BEGIN_S) // 3600: int(value) for time, value in rows}


def test_ten_thousand_broken_messages_are_all_accounted_for(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", "air-1,air_station", "car-1,car_park", "good-1,air_station")
    registry = load_registry(city)
    # Kept by the broker from before the gateway came.
    retained = [(topic("air-1"), b'[{"n":"pm2_5","v":7,"t":1459999999}]'), (topic("car-1"), b"\x00")]
    publish(broker.url, retained, retain=True)
    pipeline = start(
        city,
        CITYVITALS_INTAKE_FRAME_BYTES_MAX=str(FRAME_BYTES_MAX),
        CITYVITALS_INTAKE_MESSAGE_READINGS_MAX=str(READINGS_MAX),
        CITYVITALS_INTAKE_QUARANTINE_BYTES_MAX=str(QUARANTINE_BYTES_MAX),
    )

    messages = [*broken(5)]
    for number in reversed(range(0, BROKEN, GOOD_EVERY)):
        messages.insert(number, good(number))
    publish(broker.url, messages)
    received = len(retained) + sum(readings_of(registry, sent) for sent in messages)
    pipeline.drained(received, timeout_s=120)

    ledger = pipeline.balanced()
    assert ledger["messages"] == BROKEN + BROKEN // GOOD_EVERY + len(retained)
    assert ledger["received"] == received
    assert kept(pipeline) == {number: number % 500 for number in range(0, BROKEN, GOOD_EVERY)}
    reasons = dict(pipeline.query("SELECT reason, sum(readings)::int FROM cityvitals.quarantine GROUP BY reason"))
    # No device of this city has service dates or belongs to an edge node, and its subscriptions bring no topic of
    # another pattern; every other reason has to come up.
    assert set(reasons) == set(REASONS) - {"before_service", "after_service", "unknown_topic", "archived", "no_birth"}
    assert reasons["retained"] == len(retained)
    assert pipeline.query("SELECT max(length(payload)) FROM cityvitals.quarantine") == [(QUARANTINE_BYTES_MAX,)]
    assert pipeline.stop() == 0


def test_a_packet_that_says_it_is_endless_holds_nothing_up_for_long(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    def damage(piece: bytes) -> bytes:
        # A message at QoS 1 that claims 256 MB; the answers to the gateway's probes vanish in it as well.
        return ENDLESS + piece if piece[0] == 0x32 and not proxy.damaged else piece

    assert broker.port is not None
    with Proxy(broker.port) as proxy:
        city = city_of(tmp_path / "city", "good-1,air_station")
        pipeline = start(city, mqtt_url=f"mqtt://127.0.0.1:{proxy.port}", CITYVITALS_MQTT_KEEPALIVE_S="1")
        proxy.damage = damage
        publish(broker.url, [good(number) for number in range(100)])
        wait_until(
            lambda: pipeline.alive() and kept(pipeline) == {number: number for number in range(100)}, 120,
            "every good message to be stored",
        )  # fmt: skip
        assert proxy.damaged == 1
        assert "did not end" in pipeline.said()


def test_frames_damaged_on_the_way_end_connections_and_nothing_else(
    start: Start, broker: deploy.Broker, tmp_path: Path
) -> None:
    chance = random.Random(8)  # noqa: S311  # repeatable, not secret

    def damage(piece: bytes) -> bytes:
        if chance.random() < 0.8:
            return piece
        changed = bytearray(piece)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        if chance.random() < 0.3:
            changed += chance.randbytes(chance.randint(1, 40))
        return bytes(changed)

    assert broker.port is not None
    with Proxy(broker.port) as proxy:
        city = city_of(tmp_path / "city", "air-1,air_station", "good-1,air_station")
        pipeline = start(city, mqtt_url=f"mqtt://127.0.0.1:{proxy.port}", CITYVITALS_MQTT_KEEPALIVE_S="2")
        proxy.damage = damage
        count = 0
        while proxy.damaged < DAMAGED:
            at = BEGIN_S + 60 * count
            count += publish(broker.url, [senml("air-1", "pm10", "ug/m3", (at + n, "20")) for n in range(20)])
            pipeline.alive()
        proxy.damage = None
        # Whatever a damaged length made it wait for, it gets over it.
        publish(broker.url, [good(number) for number in range(100)])
        wait_until(
            lambda: pipeline.alive() and kept(pipeline) == {number: number for number in range(100)}, 120,
            "every good message after the damage to be stored",
        )  # fmt: skip
        wait_until(pipeline.settled, 120, "everything to be computed")
        pipeline.balanced()
        assert proxy.connections > 2, "no damage ended a connection"
