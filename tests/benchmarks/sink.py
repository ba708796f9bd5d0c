"""A subscriber that only drains: takes and decodes what the broker sends, stores nothing, acknowledges at once.

The limit of every gateway on this machine. Run as `python -m tests.benchmarks.sink URL CITY MESSAGES`: prints
"ready", then the seconds from the first message to the last.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from devices import load_registry
from ingest.intake import Relay
from ingest.routes import build_routing
from ingest.session import Session
from ingest.settings import BrokerSettings, IntakeLimits


def main() -> None:
    """Drain so many messages."""
    url, messages = sys.argv[1], int(sys.argv[3])
    limits = IntakeLimits()
    relay = Relay(limits)
    routing = build_routing(load_registry(Path(sys.argv[2])))
    broker = BrokerSettings(url=url, client_id=f"sink-{time.time_ns()}", session_expiry_s=0)
    session = Session(broker, limits, routing, relay)
    stop = threading.Event()
    thread = threading.Thread(target=session.run, args=(stop,), name="session")
    thread.start()
    session.ready.wait(30)
    _say("ready")
    taken, began, ended = 0, 0.0, 0.0
    while taken < messages:
        intake = relay.next(1.0)
        if intake is None:
            continue
        began = began or time.monotonic()
        taken += intake.message_count
        session.acknowledge(intake.epoch, intake.packet_ids())
        relay.release(intake)
        ended = time.monotonic()
    _say(str(ended - began))
    stop.set()
    session.wake()
    thread.join()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
