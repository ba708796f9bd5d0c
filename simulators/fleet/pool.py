"""Many connections in one thread: devices pinned to them, windows kept, lost ones opened again.

Knows links and when they may be retried; knows neither fleets nor payloads.
"""

from __future__ import annotations

import random
import resource
import selectors
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType

from simulators.errors import BrokerError
from simulators.fleet.link import Link
from simulators.publisher import AWAY_S_MAX, PAUSE_S_MAX, PAUSE_S_MIN, WAIT_S_MAX, BrokerAddress

WINDOW_MESSAGES_MAX = 1_000
"""Messages of all connections together that are not acknowledged; each connection has its share."""
WINDOW_MESSAGES_MIN = 4
"""A connection's share is at least this."""
WAITING_BYTES_MAX = 262_144
"""Bytes of one connection that wait for its socket; publishing waits beyond it."""
TEND_S = 1.0
FILES_BESIDE = 100
"""Files that the rest of the process has open."""


def _allow_files(count: int) -> None:
    """Raise our own limit of open files, where the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count if hard < 0 else min(count, hard), hard))


class Pool:
    """Connections to one broker. Use as a context manager.

    Args:
        address: of the broker.
        connections: how many.
        resend_s: see `Link`.
        away_s_max: a broker that is away for so long is given up.
        stopping: says that everything shall end soon.
        nodes: connections beside, of senders that have one of their own.
    """

    def __init__(
        self,
        address: BrokerAddress,
        connections: int,
        *,
        resend_s: float = 0.0,
        away_s_max: float = AWAY_S_MAX,
        window: int = WINDOW_MESSAGES_MAX,
        stopping: Callable[[], bool] = lambda: False,
        nodes: Sequence[Link] = (),
    ) -> None:
        self._jitter = random.Random()  # noqa: S311  spreads reconnects, hides nothing
        mark = f"{self._jitter.getrandbits(40):010x}"
        self._lanes = [Link(address, f"fleet-{mark}-{number}", resend_s) for number in range(connections)]
        self.links = [*self._lanes, *nodes]
        self._window = max(WINDOW_MESSAGES_MIN, window // connections)
        self._address, self._away_s_max, self._stopping = address, away_s_max, stopping
        self._selector = selectors.DefaultSelector()
        self._writing: set[Link] = set()
        self._lost: set[Link] = set()
        self._away_since_s: dict[Link, float] = {}
        self._tended_s = 0.0

    def __enter__(self) -> Pool:
        _allow_files(len(self.links) + FILES_BESIDE)
        for link in self.links:
            try:
                link.connect()
            except OSError as error:
                self.close()
                raise BrokerError(str(self._address), f"{error}; is it running, and is the address right?") from error
            self._watch(link)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye on every connection."""
        for link in self.links:
            link.close()
        self._selector.close()

    # ---- figures -------------------------------------------------------------------------------------------------

    @property
    def published(self) -> int:
        """Return how many messages were handed over."""
        return sum(link.published for link in self.links)

    @property
    def acknowledged(self) -> int:
        """Return how many of them the broker took over."""
        return sum(link.acknowledged for link in self.links)

    @property
    def resent(self) -> int:
        """Return how many were sent again after a reconnect."""
        return sum(link.resent for link in self.links)

    @property
    def reconnects(self) -> int:
        """Return how many connections were opened after the first ones."""
        return sum(link.reconnects for link in self.links)

    # ---- work ----------------------------------------------------------------------------------------------------

    def publish(self, lane: int | Link, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Publish over the lane's connection, or over one of `nodes`; wait while its window is full or it is lost.

        Return False, with nothing published, when told to stop meanwhile. Raises BrokerError as `serve` does.
        """
        link = lane if isinstance(lane, Link) else self._lanes[lane % len(self._lanes)]
        while link.socket is None or link.under_way >= self._window or link.waiting_bytes > WAITING_BYTES_MAX:
            if self._stopping():
                return False
            self.serve(WAIT_S_MAX)
        link.publish(topic, payload, retain=retain)
        self._writing.add(link)
        return True

    def serve(self, wait_s: float = 0.0) -> None:
        """Read and write what can be, waiting at most `wait_s` for any; open lost connections again when it is time.

        Raises:
            BrokerError: the broker stayed away for `away_s_max`, or refuses us now.
        """
        for link in list(self._writing):
            self._attempt(link, link.write)
            if not link.waiting_bytes:
                self._writing.discard(link)
        now_s = time.monotonic()
        if self._lost:
            self._revive(now_s)
            wait_s = min(wait_s, max(0.0, min((link.retry_s for link in self._lost), default=now_s) - now_s))
        if self._writing:
            wait_s = min(wait_s, 0.005)
        if not self._selector.get_map():
            time.sleep(wait_s)
        else:
            for event, _ in self._selector.select(wait_s):
                self._attempt(event.data, event.data.read)
                if event.data.waiting_bytes:
                    self._writing.add(event.data)
        if now_s - self._tended_s > TEND_S:
            self._tended_s = now_s
            for link in self.links:
                if link.socket is not None:
                    self._attempt(link, partial(link.tend, now_s))
                    self._writing.add(link)

    def drained(self) -> bool:
        """Return whether everything is acknowledged."""
        return not self._lost and all(not link.under_way for link in self.links)

    def is_safe(self) -> bool:
        """Return whether everything has been acknowledged for so long that a killed broker has saved it."""
        return not self._lost and all(link.is_safe for link in self.links)

    def storm(self) -> None:
        """Lose every connection at once and open all of them again in the same moment."""
        for link in self.links:
            link.trusting = True
            self._lose(link, pause_s=0.0)
        self.serve()

    # ---- lost and found ------------------------------------------------------------------------------------------

    def _watch(self, link: Link) -> None:
        assert link.socket is not None  # noqa: S101  # it has just connected
        self._selector.register(link.socket, selectors.EVENT_READ, link)
        self._writing.add(link)

    def _attempt(self, link: Link, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError:
            self._lose(link, pause_s=self._jitter.uniform(0.0, PAUSE_S_MIN))

    def _lose(self, link: Link, pause_s: float) -> None:
        if link in self._lost:
            return
        if link.socket is not None:
            self._selector.unregister(link.socket)
        link.lose()
        self._writing.discard(link)
        self._lost.add(link)
        now_s = time.monotonic()
        link.retry_s, link.attempts = now_s + pause_s, 1
        self._away_since_s[link] = now_s

    def _revive(self, now_s: float) -> None:
        for link in [link for link in self._lost if link.retry_s <= now_s]:
            attempt = link.attempts
            try:
                link.connect()
            except OSError as error:
                link.trusting = False
                if time.monotonic() - self._away_since_s[link] > self._away_s_max:
                    said = f"away for {self._away_s_max:.0f} s ({error}); gave up after {attempt} attempts"
                    raise BrokerError(str(self._address), said, self.published - self.acknowledged) from error
                pause_s = self._jitter.uniform(0.0, min(PAUSE_S_MAX, PAUSE_S_MIN * 2**attempt))
                link.retry_s = time.monotonic() + pause_s
                if self._stopping():
                    return
                continue
            self._lost.discard(link)
            self._watch(link)
