"""Waiting for a condition instead of for a time; knows nothing of what is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

from simulators.bench.errors import BenchError

POLL_S = 0.03


def wait_until(
    condition: Callable[[], bool], timeout_s: float, what: str | Callable[[], str], *, poll_s: float = POLL_S
) -> None:
    """Poll until the condition holds.

    Args:
        condition: asked again and again.
        timeout_s: after so long it is given up.
        what: what was waited for, for the message; called only then.
        poll_s: pause between two questions, for those that cost something.

    Raises:
        BenchError: it never held.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(f"waited {timeout_s:.0f} s in vain for: {what if isinstance(what, str) else what()}")
        time.sleep(poll_s)
