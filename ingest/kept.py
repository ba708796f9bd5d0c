"""Messages as the quarantine keeps them: several rows may be of one message, and not all can be read again.

Knows rows of the quarantine; knows neither formats nor what becomes of a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from devices import TIME_MIN_US
from devices.topics import matches
from engine.store import QuarantineEntry

PAGE_ROWS = 2_000
"""Rows that are read at once; a commit that has more is read whole."""


class Shelves(Protocol):
    """Where rows are read from; a `Store` is one."""

    def quarantine_after(self, after: int, through: int, limit: int) -> list[QuarantineEntry]:
        """Return the next rows above an id, oldest first."""

    def quarantine_last(self) -> int:
        """Return the id of the newest row."""


@dataclass(slots=True)
class KeptMessage:
    """One message and all rows about it."""

    received_us: int
    topic: str
    payload: bytes
    rows: list[QuarantineEntry] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether every byte of it was kept."""
        first = self.rows[0]
        return first.payload_bytes == len(self.payload) and not self.of_reason("oversized")

    def of_reason(self, *reasons: str) -> bool:
        """Say whether one of these reasons stands against any of it."""
        return any(row.reason in reasons for row in self.rows)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which messages are meant; what is left open, all.

    Attributes:
        reasons: one of these stands against any of it.
        since_us: arrived at or after.
        topic: MQTT filter of plain and `+` levels.
        device, model: whose it is by what is registered now.
    """

    reasons: tuple[str, ...] = ()
    since_us: int = TIME_MIN_US
    topic: str = ""
    device: str = ""
    model: str = ""

    def takes(self, message: KeptMessage) -> bool:
        """Say whether a message is meant, as far as it can be told before it is decoded."""
        return (
            message.received_us >= self.since_us
            and (not self.reasons or message.of_reason(*self.reasons))
            and (not self.topic or matches(self.topic, message.topic))
        )


def kept_messages(shelves: Shelves, page_rows: int = PAGE_ROWS) -> Iterator[list[KeptMessage]]:
    """Give the messages of the quarantine in groups, each in order of arrival; what comes meanwhile is left out.

    Rows of one message are of one commit, and a commit's rows are given together.
    """
    through, after, limit = shelves.quarantine_last(), 0, page_rows
    while True:
        rows = shelves.quarantine_after(after, through, limit)
        if len(rows) == limit:
            # The last commit may go on in the next page.
            whole = [row for row in rows if row.commit_id != rows[-1].commit_id]
            if not whole:
                limit *= 2
                continue
            rows = whole
        if not rows:
            return
        after, limit = rows[-1].quarantine_id, page_rows
        yield _grouped(rows)


def _grouped(rows: list[QuarantineEntry]) -> list[KeptMessage]:
    found: dict[tuple[int, int, str, bytes], KeptMessage] = {}
    for row in rows:
        key = row.commit_id, row.received_us, row.topic, row.payload
        found.setdefault(key, KeptMessage(row.received_us, row.topic, row.payload)).rows.append(row)
    return sorted(found.values(), key=lambda message: message.received_us)
