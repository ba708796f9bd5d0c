"""Waiting for a condition instead of for a time; knows nothing of what is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

from simulators.bench.errors import BenchError

POLL_S = 0.03
POLL_S_MAX = 0.3
PATIENCE = 20
"""The longer it took already the longer is a pause, so that a wait is prolonged by one part in so many at most. Most
conditions ask a database, and thirty questions a second take a tenth of a core."""


def wait_until(
    condition: Callable[[], bool], timeout_s: float, what: str | Callable[[], str], *, poll_s: float = POLL_S
) -> None:
    """Poll until the condition holds.

    Args:
        condition: asked again and again.
        timeout_s: after so long it is given up.
        what: what was waited for, for the message; called only then.
        poll_s: shortest pause between two questions, for those that cost something.

    Raises:
        BenchError: it never held.
    """
    began = time.monotonic()
    while not condition():
        waited_s = time.monotonic() - began
        if waited_s > timeout_s:
            raise BenchError(f"waited {timeout_s:.0f} s in vain for: {what if isinstance(what, str) else what()}")
        time.sleep(max(poll_s, min(waited_s / PATIENCE, POLL_S_MAX)))
