"""A publisher that costs little: QoS 1 messages encoded beforehand, written in bulk, acknowledgements only counted.

Run as a process of its own, `python -m tests.benchmarks.publisher '{...}'` with the fields of `Plan`; prints one JSON
object: messages, and seconds from the first byte to the last PUBACK.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ingest import packets

PART = 100
"""Messages handed to the socket at a time."""
PUBLISH_QOS_1 = 0x32


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send.

    Attributes:
        host, port: of the broker.
        city: code in the topics; devices are named as `cities.write` does.
        devices, messages: every device in turn.
        pack: readings of one message.
        step_s: from one reading of a device to its next.
        window: messages without acknowledgement at most.
        rate: messages a second, each with the present time; 0: as fast as the window allows, encoded beforehand.
        begin_s: time of each device's first reading; 0: such that the last reading of all is just past.
    """

    host: str
    port: int
    city: str
    devices: int
    messages: int
    pack: int = 1
    step_s: int = 1
    window: int = 20_000
    rate: float = 0.0
    begin_s: int = 0


def frame(plan: Plan, number: int, begin_s: float) -> bytes:
    """Return message `number`: a SenML pack whose first reading is of `begin_s`."""
    device, turn = number % plan.devices, number // plan.devices
    records = ",".join(
        f'{{"n":"sound_level","u":"dB","v":{40 + (device + at) % 50}.{turn % 10},"t":{begin_s + at * plan.step_s:.6f}}}'
        for at in range(plan.pack)
    )
    topic = packets.text(f"cityvitals/{plan.city}/dev{device:06d}/telemetry")
    packet_id = (number % 65_535 + 1).to_bytes(2, "big")
    return packets.packet(PUBLISH_QOS_1, topic + packet_id + f"[{records}]".encode())


def encoded(plan: Plan) -> Iterator[bytes]:
    """Give every message, each device's readings one after the other."""
    turns = -(-plan.messages // plan.devices)
    begin_s = plan.begin_s or int(time.time()) - turns * plan.pack * plan.step_s - 1
    for number in range(plan.messages):
        yield frame(plan, number, begin_s + number // plan.devices * plan.pack * plan.step_s)


def connect(plan: Plan) -> socket.socket:
    """Return a connection on which the broker has said CONNACK."""
    connection = socket.create_connection((plan.host, plan.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(packets.connect(packets.MQTT_311, f"publisher-{time.time_ns()}", 0, 0, 65_535, None, None))
    answer = b""
    while len(answer) < 4:
        answer += connection.recv(4 - len(answer))
    connection.setblocking(False)
    return connection


def send(plan: Plan) -> float:
    """Send everything and wait for every acknowledgement; returns the seconds it took."""
    frames = [] if plan.rate else list(encoded(plan))
    connection = connect(plan)
    began = time.monotonic()
    sent = acknowledged_bytes = 0
    waiting = b""
    while acknowledged_bytes < 4 * plan.messages:
        due = min(plan.messages, int((time.monotonic() - began) * plan.rate) + 1) if plan.rate else plan.messages
        room = min(PART, plan.window - (sent - acknowledged_bytes // 4), due - sent)
        if not waiting and room > 0:
            part = range(sent, sent + room)
            waiting = b"".join(frame(plan, n, time.time()) if plan.rate else frames[n] for n in part)
            sent += room
        pause_s = 0.0005 if plan.rate else 5.0
        readable, writable, _ = select.select([connection], [connection] if waiting else [], [], pause_s)
        if readable:
            data = connection.recv(1 << 16)
            if not data:
                raise ConnectionError("the broker closed the publisher's connection")
            acknowledged_bytes += len(data)
        if writable:
            waiting = waiting[connection.send(waiting) :]
    took = time.monotonic() - began
    connection.close()
    return took


def main() -> None:
    """Send what the argument says."""
    plan = Plan(**json.loads(sys.argv[1]))
    sys.stdout.write(json.dumps({"messages": plan.messages, "seconds": send(plan)}) + "\n")


if __name__ == "__main__":
    main()
