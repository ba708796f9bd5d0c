"""Seeded fleets: devices that speak their real format, what goes wrong with them, and what must come of it.

Knows the `devices` room and the wire; knows nothing of what receives the messages.
"""

from simulators.fleet.errors import FleetError
from simulators.fleet.fault import KINDS, FaultSpec
from simulators.fleet.fleet import Fleet, Sent, build
from simulators.fleet.order import WAYS
from simulators.fleet.plan import Dress, Plan
from simulators.fleet.send import SendProgress, SendSummary, leave_retained, send
from simulators.fleet.spec import FleetSpec, load_fleet
from simulators.fleet.verdict import Tally

__all__ = [
    "KINDS",
    "WAYS",
    "Dress",
    "FaultSpec",
    "Fleet",
    "FleetError",
    "FleetSpec",
    "Plan",
    "SendProgress",
    "SendSummary",
    "Sent",
    "Tally",
    "build",
    "leave_retained",
    "load_fleet",
    "send",
]
