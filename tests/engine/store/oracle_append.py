"""The slow twin of appending: a dictionary, one reading at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.store import Append, Outcome

HOUR_US = 3_600_000_000


@dataclass
class SlowStore:
    """What the tables must hold.

    Attributes:
        rows: ticks by (slot, time).
        pending: (commit, slot, hour) to be restated.
        received, accepted, duplicate, quarantined: the account.
    """

    rows: dict[tuple[int, int], int] = field(default_factory=dict)
    pending: set[tuple[int, int, int]] = field(default_factory=set)
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0

    def append(self, wanted: Append, commit_id: int) -> list[Outcome]:
        """Take in a commit; return what became of each reading."""
        outcomes = []
        batch = wanted.batch
        columns = (batch.slot.tolist(), batch.time_us.tolist(), batch.ticks.tolist())
        for slot, time_us, ticks in zip(*columns, strict=True):
            held = self.rows.setdefault((slot, time_us), ticks) if (slot, time_us) in self.rows else None
            if held is None:
                self.rows[slot, time_us] = ticks
                outcomes.append(Outcome.ACCEPTED)
                if time_us < wanted.mark_us:
                    self.pending.add((commit_id, slot, time_us // HOUR_US * HOUR_US))
            else:
                outcomes.append(Outcome.DUPLICATE if held == ticks else Outcome.CONFLICT)
        self.received += len(outcomes) + sum(row.readings for row in wanted.refused)
        self.accepted += outcomes.count(Outcome.ACCEPTED)
        self.duplicate += outcomes.count(Outcome.DUPLICATE)
        self.quarantined += outcomes.count(Outcome.CONFLICT) + sum(row.readings for row in wanted.refused)
        return outcomes
