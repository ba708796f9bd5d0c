"""What can go wrong with a fleet, beside its file and the broker; knows no more than the words."""

from __future__ import annotations

from simulators.errors import SimulatorError


class FleetError(SimulatorError):
    """A fleet cannot be made, written or sent as asked; the text says what is wrong and what to do."""
