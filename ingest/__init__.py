"""Ingest: from the broker's bytes to admitted observations, acknowledged once they are stored.

Knows MQTT and the way of a message to the store; formulas and people are elsewhere.
What needs the compiler is imported when it is first asked for: commands that only read would start a second later.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ingest.counters import Counters
from ingest.errors import ConnectionLost, IngestError, ProtocolError, SessionRefused, SessionTakenOver
from ingest.intake import Intake, IntakeFault, Relay
from ingest.settings import BrokerSettings, IntakeLimits

if TYPE_CHECKING:
    from ingest.decode import Decoder
    from ingest.framing import Control, Framer, warm
    from ingest.routes import Routing, build_routing
    from ingest.session import Session
else:
    _LATER = {
        "Decoder": "ingest.decode",
        **dict.fromkeys(("Control", "Framer", "warm"), "ingest.framing"),
        **dict.fromkeys(("Routing", "build_routing"), "ingest.routes"),
        "Session": "ingest.session",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LATER[name]), name)


__all__ = [
    "BrokerSettings", "ConnectionLost", "Control", "Counters", "Decoder", "Framer", "IngestError", "Intake",
    "IntakeFault", "IntakeLimits", "ProtocolError", "Relay", "Routing", "Session", "SessionRefused",
    "SessionTakenOver", "build_routing", "warm",
]  # fmt: skip
