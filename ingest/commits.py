"""The way of readings into one commit, wherever they came from: what is admitted, what is refused, and why.

Knows admission and what the store takes; knows neither messages nor files: who brings readings also says how a refused
one is to be told. The live gateway and the taking in of history share it.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from devices import REASONS, ObservationBatch, Registry, rfc3339, text_from_ticks
from engine.store import Append, Appended, Outcome, QuarantineRow
from ingest.admission import ADMITTED, AdmissionLimits, admit
from ingest.intake import IntakeFault

COMMIT_SECONDS_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Arrivals(Protocol):
    """Readings on their way to one commit, and what is refused of them already.

    Attributes:
        message_count: messages they came in.
        faults: what cannot be read.
        reading_message: int32, the message of each reading.
    """

    message_count: int
    faults: list[IntakeFault]
    reading_message: NDArray[np.int32]

    def batch(self) -> ObservationBatch:
        """Return the readings, in order of arrival."""

    def reading_received_us(self) -> NDArray[np.int64]:
        """Return, per reading, when it was received."""


RowOf = Callable[[int, int, str, str, int], QuarantineRow]
"""From message, device (-1 where unknown), reason, detail and number of readings to the row for the quarantine."""


@dataclass(slots=True)
class CommitCounts:
    """Totals of this process; they only rise. The store's ledger holds those of all time.

    Attributes:
        commits: transactions that stored something.
        messages, received, accepted, duplicate, quarantined: as in the ledger.
        quarantined_by_reason: readings by reason.
        retries: attempts that the database's absence made necessary.
        looked_up: readings at or before their series' newest, which had to be looked up.
        commit_seconds: sum of the time from taking an intake to its commit.
        commit_seconds_bucket: commits by upper bound, as `COMMIT_SECONDS_BOUNDS` and above.
    """

    commits: int = 0
    messages: int = 0
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    quarantined_by_reason: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    looked_up: int = 0
    commit_seconds: float = 0.0
    commit_seconds_bucket: list[int] = field(default_factory=lambda: [0] * (len(COMMIT_SECONDS_BOUNDS) + 1))

    def add(self, wanted: Append, done: Appended, seconds: float) -> None:
        """Count one commit."""
        self.commits += 1
        self.messages += wanted.messages
        self.accepted += done.accepted
        self.duplicate += done.duplicate
        self.quarantined += done.refused + done.conflict
        self.received += done.accepted + done.duplicate + done.refused + done.conflict
        self.looked_up += done.looked_up
        for row in wanted.refused:
            self.quarantined_by_reason[row.reason] += row.readings
        if done.conflict:
            self.quarantined_by_reason["conflict"] += done.conflict
        self.commit_seconds += seconds
        self.commit_seconds_bucket[bisect_left(COMMIT_SECONDS_BOUNDS, seconds)] += 1


class Commits:
    """Turns arrivals into what the store is asked to do.

    Args:
        registry: the city and its devices.
        limits: what is believed of a device's clock.
        client: who stores, for the ledger.
        partition: whose series these are.
    """

    def __init__(self, registry: Registry, limits: AdmissionLimits, client: str, partition: int) -> None:
        self._measurands = registry.catalogue.measurands
        self._series = registry.series()
        self._limits, self._client, self._partition = limits, client, partition
        self._kept_from_us: NDArray[np.int64] | None = None

    def keep_from(self, kept_from_us: NDArray[np.int64] | None) -> None:
        """Refuse what is earlier, by slot: its observations left the store, which says so; see `admission.admit`."""
        self._kept_from_us = kept_from_us

    def wanted(self, arrivals: Arrivals, row_of: RowOf, mark_us: int, key: uuid.UUID | None = None) -> Append:
        """Return the commit of these arrivals.

        Args:
            arrivals: must stay as they are until the commit is done.
            row_of: how a refused reading is told.
            mark_us: the engine's; see `Append`.
            key: of the commit, where it has one already.
        """
        batch = arrivals.batch()
        verdict = admit(
            batch.slot, batch.time_us, batch.ticks, arrivals.reading_received_us(), self._series, self._limits,
            self._kept_from_us,
        )  # fmt: skip
        kept = verdict == ADMITTED
        message = arrivals.reading_message[: len(batch)]
        refused = [row_of(f.message, f.device, REASONS[f.reason], f.detail, f.readings) for f in arrivals.faults]
        for at in np.flatnonzero(~kept).tolist():
            reason, device = REASONS[verdict[at]], int(self._series.device[batch.slot[at]])
            refused.append(row_of(int(message[at]), device, reason, self._explained(batch, at, reason), 1))
        admitted, of_message = batch.take(kept), message[kept].copy()
        return Append(
            key=key or uuid.uuid4(),
            batch=admitted,
            messages=arrivals.message_count,
            refused=refused,
            conflict_row=lambda at, stands: row_of(
                int(of_message[at]),
                int(self._series.device[admitted.slot[at]]),
                "conflict",
                self._conflicting(admitted, at, stands),
                1,
            ),
            mark_us=mark_us,
            client=self._client,
            partition=self._partition,
        )

    def _explained(self, batch: ObservationBatch, at: int, reason: str) -> str:
        """Say of one refused reading what was expected and what came."""
        measurand = self._measurands[self._series.measurand[int(batch.slot[at])]]
        value = f"{measurand.code} {text_from_ticks(int(batch.ticks[at]), measurand.decimals)} {measurand.unit}"
        when = rfc3339(int(batch.time_us[at]))
        if reason != "out_of_range":
            return f"{value} at {when}"
        low, high = (text_from_ticks(t, measurand.decimals) for t in (measurand.low_ticks, measurand.high_ticks))
        return f"{value} at {when}; expected {low} to {high}"

    def _conflicting(self, batch: ObservationBatch, at: int, stands: int) -> str:
        measurand = self._measurands[self._series.measurand[int(batch.slot[at])]]
        before = text_from_ticks(stands, measurand.decimals)
        return f"{self._explained(batch, at, 'conflict')}; stored before: {before}"


def accepted(wanted: Append, done: Appended) -> ObservationBatch:
    """Return the observations that a commit stored."""
    return wanted.batch.take(done.outcome == Outcome.ACCEPTED)
