"""Knows the MQTT broker of the local stack: Mosquitto in the userland."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Sequence

from deploy.process import LOOPBACK, Server
from deploy.userland import STATE

# MQTT 5: CONNECT with a clean start, keep-alive 5 s, an empty client id; and DISCONNECT.
_CONNECT = b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x05\x00\x00\x00"
_DISCONNECT = b"\xe0\x00"
_CONNACK = 0x20

_LISTENER = """\
# Written at each start; what matters is in the settings it includes.
include_dir /settings/broker
persistence_location /state/
listener {port} {address}
"""


class Broker(Server):
    """Mosquitto, on the loopback only."""

    name = "broker"
    port_taken = "Address already in use"
    stop_signal = signal.SIGTERM  # writes its queues before it exits

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"mqtt://{LOOPBACK}:{self.port}"

    def save(self) -> None:
        """Ask the broker to write its queues now (it does so by itself at an interval)."""
        if (pid := self.pid) is not None:
            os.kill(pid, signal.SIGUSR1)

    def prepare(self, port: int) -> Sequence[str]:
        """Write the listener; a half-written save of a killed broker is never read and would only lie about."""
        (self.state / "mosquitto.db.new").unlink(missing_ok=True)
        (self.state / "broker.conf").write_text(_LISTENER.format(port=port, address=LOOPBACK))
        return ["mosquitto", "-c", f"{STATE}/broker.conf"]

    def ready(self) -> bool:
        """Tell whether it answers a connection as MQTT 5 wants; an open port alone would not say that."""
        try:
            with socket.create_connection((LOOPBACK, self.port or 0), timeout=1.0) as connection:
                connection.sendall(_CONNECT)
                answer = connection.recv(1)
                connection.sendall(_DISCONNECT)
        except OSError:
            return False
        return answer == bytes([_CONNACK])
