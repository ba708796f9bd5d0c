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
        devices: duplicate and quarantined by device code; empty for what no registered device sent.
        device_of: device code by slot.
    """

    rows: dict[tuple[int, int], int] = field(default_factory=dict)
    pending: set[tuple[int, int, int]] = field(default_factory=set)
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    device_of: list[str] = field(default_factory=list)
    devices: dict[str, list[int]] = field(default_factory=dict)

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
        for slot, outcome in zip(batch.slot.tolist(), outcomes, strict=True):
            if outcome is not Outcome.ACCEPTED:
                self.devices.setdefault(self.device_of[slot], [0, 0])[outcome is Outcome.CONFLICT] += 1
        for row in wanted.refused:
            known = row.device if row.device in self.device_of else ""
            self.devices.setdefault(known, [0, 0])[1] += row.readings
        self.received += len(outcomes) + sum(row.readings for row in wanted.refused)
        self.accepted += outcomes.count(Outcome.ACCEPTED)
        self.duplicate += outcomes.count(Outcome.DUPLICATE)
        self.quarantined += outcomes.count(Outcome.CONFLICT) + sum(row.readings for row in wanted.refused)
        return outcomes
