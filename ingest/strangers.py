"""Messages of topics that nobody has: so many of a topic are kept singly, and then one for each group.

Knows topics and faults; knows neither formats nor the quarantine. Without a bound one busy unknown device, or a wide
filter to discover devices by, would fill the quarantine and drive out what is to be looked at there.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from ingest.intake import IntakeFault

SINGLY_MAX: Final = 200
"""Messages of a topic that are kept singly, between two starts: enough to see what the device is, and a day of most."""
TOPICS_MAX: Final = 10_000
"""Topics that are counted; of further ones, one message for each group is kept for all together."""


class Strangers:
    """Counts messages by topic. Used by one thread at a time."""

    def __init__(self) -> None:
        self._seen: Counter[int] = Counter()  # by the topic's hash: a topic may have 65,535 bytes
        self._group: list[IntakeFault] = []
        self._at: dict[str, int] = {}

    def is_new(self, topic: str) -> bool:
        """Say whether a message of a topic is the first of it, as far as topics are counted."""
        return len(self._seen) < TOPICS_MAX and hash(topic) not in self._seen

    def folded(self, topic: str, faults: list[IntakeFault]) -> bool:
        """Say whether a message is counted with an earlier one of its topic and group; else it is to be noted next.

        Args:
            topic: of the message.
            faults: of its group so far; a new list for every group.
        """
        if faults is not self._group:
            self._group, self._at = faults, {}
        name = hash(topic)
        known = name in self._seen or len(self._seen) < TOPICS_MAX
        key = topic if known else ""
        if known:
            self._seen[name] += 1
        if known and self._seen[name] <= SINGLY_MAX:
            return False
        at = self._at.get(key)
        if at is None:
            self._at[key] = len(faults)
            return False
        faults[at] = faults[at]._replace(readings=faults[at].readings + 1)
        return True
