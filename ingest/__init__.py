"""Ingest: from the broker's bytes to admitted observations, acknowledged once they are stored.

Knows MQTT and the way of a message to the store; formulas and people are elsewhere.
"""

from __future__ import annotations

from ingest.counters import Counters
from ingest.decode import Decoder
from ingest.errors import ConnectionLost, IngestError, ProtocolError, SessionRefused, SessionTakenOver
from ingest.framing import Control, Framer, warm
from ingest.intake import Intake, IntakeFault, Relay
from ingest.routes import Routing, build_routing
from ingest.session import Session
from ingest.settings import BrokerSettings, IntakeLimits

__all__ = [
    "BrokerSettings", "ConnectionLost", "Control", "Counters", "Decoder", "Framer", "IngestError", "Intake",
    "IntakeFault", "IntakeLimits", "ProtocolError", "Relay", "Routing", "Session", "SessionRefused",
    "SessionTakenOver", "build_routing", "warm",
]  # fmt: skip
