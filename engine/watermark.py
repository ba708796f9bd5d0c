"""How far time has come: the watermark of one worker over its gateways.

Knows times that readings carry and the present time it is given; knows no windows. It asks no clock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from devices.series import TIME_MIN_US

NOBODY = -1
"""`holder` when no gateway holds the watermark."""


class Watermark:
    """The time up to which readings are believed complete; it never moves back.

    It is the least, over the gateways that are not idle, of the newest time each has shown. A newest time is taken as
    at most the present, so that one fast clock does not make everybody else late. Until some gateway has been heard,
    nothing is complete.

    Args:
        gateway_count: gateways are numbered from 0.
        idle_us: a gateway silent for longer leaves; its return takes it in again, and moves nothing back.

    Attributes:
        capped: readings whose time lay after the present.
    """

    def __init__(self, gateway_count: int, idle_us: int) -> None:
        if gateway_count < 1 or idle_us < 1:
            raise ValueError(f"{gateway_count} gateways idle after {idle_us} µs: both must be at least 1")
        self._idle_us = idle_us
        self._newest_us = np.full(gateway_count, TIME_MIN_US, np.int64)
        self._heard_us = np.full(gateway_count, TIME_MIN_US, np.int64)
        self._value_us = TIME_MIN_US
        self.capped = 0

    def observe(self, gateway: NDArray[np.int32], time_us: NDArray[np.int64], now_us: int) -> None:
        """Take in that readings of these times came through these gateways, at the present time."""
        if not gateway.size:
            return
        self.capped += int(np.count_nonzero(time_us > now_us))
        np.maximum.at(self._newest_us, gateway, np.minimum(time_us, now_us))
        heard = np.bincount(gateway, minlength=self._heard_us.size) > 0
        self._heard_us[heard] = np.maximum(self._heard_us[heard], now_us)

    def value(self, now_us: int) -> int:
        """Return the watermark, in microseconds; TIME_MIN_US before any gateway was heard."""
        active = self._active(now_us)
        if active.any():
            reached = int(self._newest_us[active].min())
        elif (self._heard_us > TIME_MIN_US).any():
            reached = now_us - self._idle_us
        else:
            reached = TIME_MIN_US
        self._value_us = max(self._value_us, reached)
        return self._value_us

    def holder(self, now_us: int) -> int:
        """Return the gateway whose newest time holds the watermark back, or NOBODY when all are idle."""
        active = np.flatnonzero(self._active(now_us))
        return int(active[np.argmin(self._newest_us[active])]) if active.size else NOBODY

    def newest_us(self) -> NDArray[np.int64]:
        """Return the newest time each gateway has shown, TIME_MIN_US where none; a copy."""
        return self._newest_us.copy()

    def _active(self, now_us: int) -> NDArray[np.bool_]:
        heard: NDArray[np.bool_] = self._heard_us > TIME_MIN_US
        return heard & (now_us - self._heard_us <= self._idle_us)


def closed(
    end_us: NDArray[np.int64], watermark_us: int | NDArray[np.int64], lateness_us: int
) -> NDArray[np.bool_]:  # fmt: skip
    """Return which windows are closed: the watermark has reached their end and the allowed lateness."""
    return np.asarray(end_us + lateness_us <= watermark_us)
