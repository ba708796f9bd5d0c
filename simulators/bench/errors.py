"""What a bench finds wrong, as an error a test fails with; knows nothing of what was tested."""

from __future__ import annotations

from simulators.errors import SimulatorError


class BenchError(SimulatorError):
    """What was tested does not do what it should, or the bench cannot work here; the message says which and where."""
