"""Waiting for a word of the database, without missing the end.

Knows an event and a wait that somebody else does; knows neither the database nor what follows from a word.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

SLICE_S = 0.5
"""The end is noticed at least so soon."""


def told(word: Callable[[float], bool], stop: threading.Event, seconds_max: float) -> bool:
    """Wait for a word, for the end, or until it is time to look without one; say whether there was a word.

    Args:
        word: waits so many seconds at most, and says whether there was one.
        stop: set at the end.
        seconds_max: when it is time to look.
    """
    end_s = time.monotonic() + seconds_max
    while not stop.is_set() and (left_s := end_s - time.monotonic()) > 0:
        if word(min(left_s, SLICE_S)):
            return True
    return False
