"""Ten thousand broken messages among good ones: nothing crashes, nothing stalls, every one is accounted for."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

import deploy
import simulators
from devices import REASONS
from tests.system.conftest import Start
from tests.system.pipeline import wait_until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

BROKEN = 10_000
GOOD_EVERY = 20
DEVICE = "beijing-dongsi"
TOPIC = f"cityvitals/beijing/{DEVICE}/telemetry"
BEGIN_S = 1_460_000_400
ODD = (
    b"", b"[]", b"{}", b"null", b"[null]", b"[" * 5000, b"[{}]", b'[{"n":"pm2_5"}]', b"\xff\xfe\x00", b"NaN",
    b'[{"n":"pm2_5","v":1e999999999}]', b'[{"n":"pm2_5","v":NaN}]', b'[{"n":"pm2_5","u":"kWh","v":1}]',
    b'[{"n":"pm2_5","v":-40,"t":1460000400}]', b'[{"n":"pm2_5","v":"12"}]', b'[{"n":"nothing","v":1,"t":1460000400}]',
    b'[{"n":"pm2_5","v":3,"t":300000000}]', b'[{"n":"pm2_5","v":3,"t":4102444800}]', b"x" * 300_000,
    b'[{"bn":"a:","bver":99},{"n":"pm2_5","v":1}]', b'[{"n":"pm2_5","v":1,"t":1e30}]', "측정값".encode(),
)  # fmt: skip
"""Broken in ways that somebody thought of."""


def good(number: int) -> bytes:
    """A message with one reading, of an hour of its own."""
    return json.dumps([{"n": "pm2_5", "u": "ug/m3", "v": number % 500, "t": BEGIN_S + 3600 * number}]).encode()


def broken(seed: int) -> Iterator[tuple[str, bytes]]:
    """Mutated, cut, random and odd messages, some under topics of nobody. Times never meet those of good ones."""
    chance = random.Random(seed)  # noqa: S311  # repeatable, not secret
    names = ("pm2_5", "pm10", "no2", "temperature", "wind_direction")
    for number in range(BROKEN):
        records = [
            {"n": chance.choice(names), "v": chance.uniform(-10, 600), "t": BEGIN_S + 1800 + 3600 * number + at}
            for at in range(chance.randint(1, 4))
        ]
        payload = bytearray(json.dumps(records).encode())
        kind = chance.randrange(5)
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
        else:
            payload = bytearray(chance.choice(ODD))
        topic = TOPIC if chance.random() < 0.9 else f"cityvitals/beijing/nobody-{number % 7}/telemetry"
        yield topic, bytes(payload)


def test_ten_thousand_broken_messages_are_all_accounted_for(start: Start, broker: deploy.Broker) -> None:
    pipeline = start(simulators.beijing_city())
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="garbage")
    client.max_inflight_messages_set(500)
    client.connect("127.0.0.1", int(broker.port or 0))
    client.loop_start()
    sent = []
    for number, (topic, payload) in enumerate(broken(5)):
        sent.append(client.publish(topic, payload, qos=1))
        if number % GOOD_EVERY == 0:
            sent.append(client.publish(TOPIC, good(number), qos=1))
    for message in sent:
        message.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()

    wait_until(
        lambda: pipeline.alive() and pipeline.ledger()["messages"] >= len(sent), 120, lambda: str(pipeline.ledger())
    )
    wait_until(pipeline.settled, 60, "everything is computed")
    ledger = pipeline.balanced()
    assert ledger["messages"] == len(sent) == BROKEN + BROKEN // GOOD_EVERY
    kept = dict(
        pipeline.query(
            "SELECT (extract(epoch FROM o.time)::int8 - %s) / 3600, (o.ticks / 1000)::int FROM cityvitals.observation o"
            " JOIN cityvitals.v_series s USING (series_id) WHERE s.device = %s AND s.measurand = 'pm2_5'"
            " AND (extract(epoch FROM o.time)::int8 - %s) %% 3600 = 0",
            BEGIN_S, DEVICE, BEGIN_S,
        )
    )  # fmt: skip
    assert all(kept[number] == number % 500 for number in range(0, BROKEN, GOOD_EVERY))
    reasons = dict(pipeline.query("SELECT reason, sum(readings)::int FROM cityvitals.quarantine GROUP BY reason"))
    assert set(reasons) <= set(REASONS)
    expected = "malformed unknown_device unknown_field bad_unit out_of_range future_clock bad_time oversized empty"
    assert set(expected.split()) <= set(reasons)
    assert pipeline.query("SELECT max(length(payload)) FROM cityvitals.quarantine")[0][0] <= 4096
