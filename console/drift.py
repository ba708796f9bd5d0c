"""Where devices say something else than their models expect: looked for now and then, and kept for whoever asks.

Knows the store's findings, and how seldom they may be looked for; knows no rule, no request and no device.
"""

from __future__ import annotations

import heapq
import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from devices import REASON_TITLES
from engine.store import StoreError, drift
from engine.store.drift import DriftRow
from engine.store.session import Session

log = logging.getLogger("console")

DAYS: Final = 7
"""Of the quarantine what arrived in so many days."""
KINDS: Final = (drift.VANISHED, *drift.REASONS)
"""What a finding may be called."""
FINDINGS_MAX: Final = 10_000
"""So many are kept, those that began last; all are counted."""
LOOK_S_MIN: Final = 10.0
"""Between two looks, however many ask."""
SHARE_MAX: Final = 100
"""A look is followed by a pause at least so many times as long, whoever asks: a hundredth of a core at most."""
WORDS: Final[Mapping[str, str]] = {
    drift.VANISHED: "vanished", "unknown_field": "unknown field", "not_a_number": "not a number",
    "bad_unit": "wrong unit", "malformed": "malformed", "empty": "empty",
}  # fmt: skip
"""What a finding is called in a sentence, as on the page."""
_DAY_US: Final = 86_400_000_000
_VANISHED_TITLE: Final = "nothing comes of the field any more, while the device sends others"


def title(kind: str) -> str:
    """Return what a finding means, for people."""
    return _VANISHED_TITLE if kind == drift.VANISHED else REASON_TITLES.get(kind, "")


@dataclass(frozen=True, slots=True)
class Findings:
    """What one look found.

    Attributes:
        rows: by device, kind and field.
        counts: of every kind how many, those that are not in `rows` as well.
        devices: on how many devices.
        unlisted: how many are counted and not in `rows`, because they are too many.
        looked_us: when.
    """

    rows: tuple[DriftRow, ...]
    counts: Mapping[str, int]
    devices: int
    unlisted: int
    looked_us: int

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.rows) + self.unlisted


def gathered(rows: Sequence[DriftRow], looked_us: int, most: int = FINDINGS_MAX) -> Findings:
    """Return findings counted, and those that began last where there are more than `most`."""
    counted = Counter(row.kind for row in rows)
    kept = rows if len(rows) <= most else heapq.nlargest(most, rows, key=lambda row: (row.since_us, *key(row)))
    return Findings(
        tuple(sorted(kept, key=key)),
        {kind: counted[kind] for kind in dict.fromkeys((*KINDS, *counted))},
        len({row.device for row in rows}),
        len(rows) - len(kept),
        looked_us,
    )


def key(row: DriftRow) -> tuple[str, str, str]:
    """Return what no two findings have in common, and by which they are listed."""
    return row.device, row.kind, row.field


class DriftBook:
    """The findings of one city, for any number of threads: who asks first after the pause looks, on its own session.

    Args:
        clock_s: a clock that only rises.

    Attributes:
        looks: how often the store was looked at.
        failures: looks that the store did not answer; what was known before stays.
        seconds: how long the last look took.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.looks, self.failures, self.seconds = 0, 0, 0.0
        self._clock_s = clock_s
        self._due_s = -math.inf
        self._found: Findings | None = None
        self._looking = threading.Lock()

    def status(self) -> dict[str, object]:
        """Return what there is, for metrics; nothing before the first look."""
        found = self._found
        if found is None:
            return {}
        return {
            "findings": found.counts, "devices": found.devices, "unlisted": found.unlisted, "looks": self.looks,
            "failures": self.failures, "seconds": self.seconds,
        }  # fmt: skip

    def read(self, session: Session, now_us: int) -> Findings | None:
        """Return the findings, at most a pause old, or older ones where the store does not answer; None for none yet.

        What is wrong with the connection the caller's next question says.
        """
        if self._clock_s() < self._due_s:
            return self._found
        # Who comes while another one looks gets what was known before; where nothing was, all wait.
        if not self._looking.acquire(blocking=self._found is None):
            return self._found
        try:
            if self._clock_s() >= self._due_s:
                self._look(session, now_us)
            return self._found
        finally:
            self._looking.release()

    def _look(self, session: Session, now_us: int) -> None:
        began_s, pause_s = self._clock_s(), LOOK_S_MIN
        try:
            self._found = gathered(drift.drift_rows(session, now_us - DAYS * _DAY_US), now_us)
        except StoreError as error:
            self.failures += 1
            pause_s = 0.0
            log.warning("findings of drift stay as they were: %s", error)
        ended_s = self._clock_s()
        self.looks += 1
        self.seconds = ended_s - began_s
        self._due_s = ended_s + max(pause_s, SHARE_MAX * self.seconds)
