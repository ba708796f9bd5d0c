"""The hub of live events: what stands, what changed, and what each client has still to be told.

Knows records by key and their bytes; knows neither clock nor socket nor thread nor what the records mean. One thread at
a time may use it.

Every event has a number. A client that comes again with the number of the last event it had is given those that it
missed, as long as the ring holds them; any other is given all that stands. Either way it ends with what stands now.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

TAKE_BYTES = 256 * 1024
"""A client that missed much is given about so much at a time: nobody holds a second copy of the ring."""


@dataclass(frozen=True, slots=True)
class HubLimits:
    """Where the hub stops.

    Attributes:
        ring: events kept for those who come again; the oldest leave first.
        ring_bytes: the same in bytes.
        queue: events that wait for one client; one more, and the client is given up: it will come again.
        clients: clients at a time; one more is refused.
    """

    ring: int = 10_000
    ring_bytes: int = 32 * 1024 * 1024
    queue: int = 256
    clients: int = 1_000


@dataclass(slots=True)
class HubCounts:
    """Totals since the start.

    Attributes:
        events: numbered events.
        fresh: clients that were given all that stands.
        resumed: clients that were given what they had missed.
        given_up: clients that did not take what waited for them.
        refused: clients for whom there was no place.
    """

    events: int = 0
    fresh: int = 0
    resumed: int = 0
    given_up: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """Records by key that clients follow.

    Attributes:
        whole: name of the event with every record.
        changed: name of the event with those that changed.
    """

    whole: str
    changed: str


class HubFullError(Exception):
    """There is no place for another client; it should come again later."""


class Client:
    """One listener: what it has still to be told, and whether it was given up or the hub closed."""

    def __init__(self, first: Iterator[bytes], queue_max: int, wake: Callable[[], None]) -> None:
        self._waiting = deque(first)
        self._first = len(self._waiting)
        self._queue_max, self._wake = queue_max, wake
        self.given_up = False
        self.closed = False

    def take(self) -> bytes:
        """Return what waits, or the first `TAKE_BYTES` of it; empty when nothing does."""
        taken: list[bytes] = []
        size = 0
        while self._waiting and size < TAKE_BYTES:
            taken.append(self._waiting.popleft())
            size += len(taken[-1])
        self._first = max(0, self._first - len(taken))
        return b"".join(taken)

    def offer(self, event: bytes) -> bool:
        """Add an event; False when there is no room, and then this client is given up."""
        # What a client missed before it came does not count: it may be the whole ring.
        if len(self._waiting) - self._first >= self._queue_max:
            self.end(given_up=True)
            return False
        self._waiting.append(event)
        self._wake()
        return True

    def end(self, *, given_up: bool) -> None:
        """Let it go; without `given_up` what waits may still be taken."""
        self.given_up, self.closed = given_up, True
        if given_up:
            self._waiting.clear()
        self._wake()


@dataclass(frozen=True, slots=True)
class _Fresh:
    """What a new client is given, made once for all that come before the next event."""

    number: int = -1
    events: tuple[bytes, ...] = ()


class Hub:
    """Latest records of all feeds, numbered events, and clients."""

    def __init__(self, boot: str, feeds: tuple[Feed, ...], limits: HubLimits | None = None) -> None:
        """Begin without records.

        Args:
            boot: of this run alone, letters and digits: numbers of another run mean nothing here.
            feeds: what can be followed, in the order in which a new client is told.
            limits: where to stop.
        """
        self.limits, self.counts = limits or HubLimits(), HubCounts()
        self._boot = boot
        self._known_id = re.compile(rf"{re.escape(boot)}-([0-9]{{1,18}})\Z")
        self._standing: dict[Feed, dict[str, bytes] | None] = dict.fromkeys(feeds)
        self._remarks: dict[str, bytes] = {}
        self._number = 0
        self._ring: deque[bytes] = deque()
        self._ring_bytes = 0
        self._fresh = _Fresh()
        self._clients: set[Client] = set()

    @property
    def clients(self) -> int:
        """How many listen."""
        return len(self._clients)

    def update(self, feed: Feed, found: Mapping[str, bytes]) -> bool:
        """Make the records of a feed those that were found, tell everybody what changed, and say whether anything did.

        Args:
            feed: one of the hub's.
            found: every record by key, each a JSON object.
        """
        before = self._standing[feed]
        if before is None or not before.keys() <= found.keys():
            # The first time, or something is gone, for which there is no other word.
            self._standing[feed] = dict(found)
            self._publish(feed.whole, _items(found))
            return True
        changed = {key: record for key, record in found.items() if before.get(key) != record}
        if changed:
            before.update(changed)
            self._publish(feed.changed, _items(changed))
        return bool(changed)

    def remark(self, event: str, body: bytes) -> bool:
        """Tell everybody a JSON object of which only the newest counts, unless it is the same; say whether it was."""
        if self._remarks.get(event) == body:
            return False
        self._remarks[event] = body
        self._publish(event, body)
        return True

    def tell(self, event: str, body: bytes) -> None:
        """Tell everybody a JSON object that counts once: who comes later is not told."""
        self._publish(event, body)

    def join(self, last_id: str | None, wake: Callable[[], None]) -> Client:
        """Return a new client, to whom everything is told from now on.

        Args:
            last_id: id of the last event that it had, as it says itself; None where it had none.
            wake: called whenever there is something to take, or it was let go.

        Raises:
            HubFullError
        """
        if len(self._clients) >= self.limits.clients:
            self.counts.refused += 1
            raise HubFullError
        missed = self._missed(last_id)
        if missed is None:
            self.counts.fresh += 1
            client = Client(iter(self._all_that_stands()), self.limits.queue, wake)
        else:
            self.counts.resumed += 1
            client = Client(missed, self.limits.queue, wake)
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Forget a client; one that was let go already is no mistake."""
        self._clients.discard(client)

    def close(self) -> None:
        """Let every client go."""
        for client in self._clients:
            client.end(given_up=False)
        self._clients.clear()

    def _publish(self, event: str, body: bytes) -> None:
        self._number += 1
        self.counts.events += 1
        frame = self._frame(event, body, self._number)
        self._ring.append(frame)
        self._ring_bytes += len(frame)
        while len(self._ring) > self.limits.ring or (self._ring_bytes > self.limits.ring_bytes and len(self._ring) > 1):
            self._ring_bytes -= len(self._ring.popleft())
        late = [client for client in self._clients if not client.offer(frame)]
        self.counts.given_up += len(late)
        self._clients.difference_update(late)

    def _missed(self, last_id: str | None) -> Iterator[bytes] | None:
        """Return the events after this one; None where they are not all known."""
        known = self._known_id.match(last_id or "")
        if known is None:
            return None
        behind = self._number - int(known[1])
        if not 0 <= behind <= len(self._ring):
            return None
        return islice(self._ring, len(self._ring) - behind, None)

    def _all_that_stands(self) -> tuple[bytes, ...]:
        if self._fresh.number != self._number:
            told = [(feed.whole, _items(records)) for feed, records in self._standing.items() if records is not None]
            told += self._remarks.items()
            # Only the last one has the number: a client that is cut off before it has not heard everything.
            last = len(told) - 1
            events = [self._frame(e, body, self._number if i == last else None) for i, (e, body) in enumerate(told)]
            self._fresh = _Fresh(self._number, tuple(events))
        return self._fresh.events

    def _frame(self, event: str, body: bytes, number: int | None) -> bytes:
        """Return an event as it goes over the wire; the body is one line, as JSON is without indents."""
        identity = b"" if number is None else b"id: %s-%d\n" % (self._boot.encode(), number)
        return b"%sevent: %s\ndata: %s\n\n" % (identity, event.encode(), body)


def _items(records: Mapping[str, bytes]) -> bytes:
    return b'{"items":[' + b",".join(records.values()) + b"]}"
