"""The road of what is newest: from the database to every client that listens.

Knows the watcher, the hub and the event loop in which clients are served; knows no request.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from console.web.hub import Client, Feed, Hub, HubFullError, HubLimits
from console.web.problems import busy
from console.web.values import value_item
from console.web.watcher import News, Reader, Watcher
from console.worth import newest_that_counts
from engine.store import IndicatorReading

VALUES = Feed("snapshot", "values")


def _unknown(_now_us: int) -> int | None:
    return None


def item(windows: Sequence[IndicatorReading]) -> bytes:
    """Return what clients are told of an indicator and scope: the newest window that counts."""
    return msgspec.json.encode(value_item(newest_that_counts(windows)))


class LiveRoad:
    """From the database to every live client. Used from the event loop's thread alone."""

    def __init__(
        self,
        connect: Callable[[], Reader],
        limits: HubLimits | None = None,
        watermark_us: Callable[[int], int | None] = _unknown,
    ) -> None:
        """Prepare; the database is first read when somebody listens.

        Args:
            connect: opens the database; see `Watcher`.
            limits: of the hub.
            watermark_us: up to when data are complete, given the present; see `Watcher`.
        """
        self.hub = Hub(secrets.token_hex(4), (VALUES,), limits)
        self._watcher: Watcher | None = None
        self._connect, self._watermark_us = connect, watermark_us

    @property
    def watcher(self) -> Watcher | None:
        """What reads the database; None before the first client."""
        return self._watcher

    def join(self, last_id: str | None, wake: Callable[[], None]) -> Client:
        """Return a new client of the running loop.

        Raises:
            ProblemError: there is no place for it.
        """
        if self._watcher is None:
            loop = asyncio.get_running_loop()
            tell = partial(_later, loop, self._take)
            self._watcher = Watcher(self._connect, item, tell, self._watermark_us)
            self._watcher.start()
        try:
            return self.hub.join(last_id, wake)
        except HubFullError:
            raise busy(f"{self.hub.limits.clients} clients listen, and there is no place for another one") from None

    def let_go(self) -> None:
        """Let all clients go, so that the server can end."""
        self.hub.close()

    def close(self) -> None:
        """Stop reading. For any thread, once the loop has ended."""
        if self._watcher is not None:
            self._watcher.close()

    def _take(self, news: News) -> None:
        if news.values is not None:
            self.hub.update(VALUES, news.values)
        if news.alerts is not None:
            self.hub.tell("alerts", news.alerts)
        if news.state is not None:
            self.hub.remark("state", news.state)


def _later(loop: asyncio.AbstractEventLoop, take: Callable[[News], None], news: News) -> None:
    """Hand over to the loop's thread; raises RuntimeError once it is closed."""
    loop.call_soon_threadsafe(take, news)
