"""When the gateway listened, and when it could not: told by session and committer, asked by the engine.

Knows times; knows neither sockets nor devices. Every method may be called from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from devices.series import TIME_MIN_US
from engine.listening import BROKER, PROCESS, Away, Report

STILL_US_MAX = 2_000_000
"""The session turns several times a second. A longer pause means that the process, or the machine, stood still."""


class Presence:
    """The gateway's account of its own listening.

    That bytes come is the only proof that the broker would give us a message: time is taken as listened up to the last
    of them. Where nobody sends, the answers to the session's probes are bytes as well.

    Args:
        clock_us: the present time, microseconds UTC.
    """

    def __init__(self, clock_us: Callable[[], int]) -> None:
        self._clock_us = clock_us
        self._lock = threading.Lock()
        self._joined = self._stopped = False
        self._alive_us = self._turned_us = self._still_us = TIME_MIN_US
        self._gone_us, self._why = clock_us(), ""
        self._ended = [Away(PROCESS, TIME_MIN_US, self._gone_us)]
        self._paused_us = 0

    def joined(self) -> None:
        """Note that the broker has taken our subscription."""
        now_us = self._clock_us()
        with self._lock:
            if not self._joined:
                self._ended.append(Away(BROKER, self._gone_us, now_us, self._why))
            self._joined = True
            self._alive_us = self._turned_us = now_us

    def alive(self) -> None:
        """Note that bytes came from the broker."""
        now_us = self._clock_us()
        with self._lock:
            self._turn(now_us)
            if self._joined:
                self._alive_us = max(self._alive_us, now_us)

    def turned(self, *, paused: bool) -> None:
        """Note that the session's loop went round; `paused` while it does not read because nobody takes what it has."""
        now_us = self._clock_us()
        with self._lock:
            before_us = self._turned_us
            self._turn(now_us)
            if paused and before_us > TIME_MIN_US:
                self._paused_us += max(0, now_us - before_us)

    def left(self, why: str, *, stopped: bool) -> None:
        """Note that the connection is gone; with `stopped` because we were told to end."""
        now_us = self._clock_us()
        with self._lock:
            self._turn(now_us)
            if self._joined and not stopped:
                # Not since now: the broker may have been gone for long when the probe was not answered. Unless it gave
                # us up because we stood still.
                self._gone_us = max(self._alive_us, self._still_us)
            self._joined, self._why = False, why
            self._stopped = self._stopped or stopped

    def away(self, away: Away) -> None:
        """Note a period in which messages came to us and could not be stored."""
        with self._lock:
            self._ended.append(away)

    def report(self, uncommitted_us: int) -> Report:
        """Return how far everything is heard; given when the first message not yet committed arrived."""
        with self._lock:
            ended, self._ended = tuple(self._ended), []
            paused_us, self._paused_us = self._paused_us, 0
            lasts = () if self._joined or self._stopped else (Away(BROKER, self._gone_us, detail=self._why),)
            return Report(min(self._alive_us, uncommitted_us), (*ended, *lasts), paused_us)

    def _turn(self, now_us: int) -> None:
        if self._joined and now_us - self._turned_us > STILL_US_MAX:
            still_s = (now_us - self._turned_us) / 1_000_000
            self._ended.append(Away(PROCESS, self._turned_us, now_us, f"stood still for {still_s:.1f} s"))
            self._still_us = now_us
        self._turned_us = now_us
