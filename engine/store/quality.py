"""Flags of observations, what figures leave out because of them, and which hours are still to be looked at.

Knows these tables; knows no rule and no formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cells import Cells
from engine.quality import Flags
from engine.spans import Keys, Spans
from engine.store import binary
from engine.store.binary import Timestamp
from engine.store.session import Session
from engine.store.slots import Slots
from engine.store.windows import cells_given, keys_given, spans_asked, stored_cells


class Due(NamedTuple):
    """Hours whose flags are to be looked at, the longest waiting first."""

    serials: NDArray[np.int64]
    keys: Keys
    """Aligned with the serials; slot NONE for a series that is no longer registered."""


class Changed(NamedTuple):
    """Hours of which something else is excluded than before, the longest waiting first."""

    changes: NDArray[np.int64]
    keys: Keys
    """As in `Due`."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one look at some hours found; all of it is written in one transaction.

    Attributes:
        gone, new: flags that no longer hold, and those that do now.
        excluded: what is left out of hours, where that is something else than before; low and high are of what is left.
        nothing: hours of which nothing is left out any more.
        serials: what of `Due` this settles.
    """

    gone: Flags
    new: Flags
    excluded: Cells
    nothing: Keys
    serials: NDArray[np.int64]

    def changed(self) -> Keys:
        """Return the hours whose figures are to be computed anew."""
        return Keys(
            np.concatenate((self.excluded.slot, self.nothing.slot)),
            np.concatenate((self.excluded.start_us, self.nothing.start_us)),
        )


class FlagCount(NamedTuple):
    """Flags of one rule of one series."""

    device: str
    field: str
    measurand: str
    rule: int
    flags: int
    excluded: int
    first_us: int
    last_us: int


def add_due(session: Session, slots: Slots, keys: Keys) -> None:
    """Note hours as to be looked at, inside the caller's transaction.

    Raises:
        StoreUnavailable, StoreError
    """
    if len(keys):
        session.run("quality_due_add", keys_given(slots, keys))


def due(session: Session, slots: Slots, limit: int) -> Due:
    """Return the hours that wait the longest.

    Raises:
        StoreUnavailable, StoreError
    """
    return Due(*_hours(session, slots, "quality_due", limit))


def due_count(session: Session) -> int:
    """Return how many hours wait.

    Raises:
        StoreUnavailable, StoreError
    """
    ((count,),) = session.rows("quality_due_count")
    return int(count)


def unsettled(session: Session) -> int:
    """Return how many hours wait to be looked at, or for the figures that follow.

    Raises:
        StoreUnavailable, StoreError
    """
    ((count,),) = session.rows("quality_unsettled")
    return int(count)


def changed(session: Session, slots: Slots, limit: int) -> Changed:
    """Return the hours whose figures wait the longest.

    Raises:
        StoreUnavailable, StoreError
    """
    return Changed(*_hours(session, slots, "quality_changed", limit))


def begin(session: Session, slots: Slots, partition: int, digest: str, holding: NDArray[np.int32]) -> bool:
    """Make everything due if the rules are others than last time; say whether they are.

    Flags of rules that no longer hold for their series leave at once.

    Args:
        session, slots: where, and for which series.
        partition: whose rules these are.
        digest: of the rules; empty where there are none.
        holding: pairs of slot and rule, shape (n, 2).

    Raises:
        StoreUnavailable, StoreError
    """
    rows = session.rows("quality_rules", {"partition": partition})
    if (rows[0][0] if rows else "") == digest:
        return False
    series = slots.series_id[holding[:, 0]]
    params = {
        "known": slots.series_id.tolist(), "judged": np.unique(series).tolist(), "series": series.tolist(),
        "rules": holding[:, 1].tolist(),
    }  # fmt: skip
    with session.transaction():
        session.run("quality_unjudged_changed", params)
        session.run("quality_unjudged_flags", params)
        session.run("quality_all_due", params)
        session.run("quality_rules_set", {"partition": partition, "digest": digest})
    return True


def any_flags(session: Session) -> bool:
    """Say whether anything is flagged or left out at all.

    Raises:
        StoreUnavailable, StoreError
    """
    ((found,),) = session.rows("flags_any")
    return bool(found)


def flags_of(session: Session, slots: Slots, spans: Spans) -> Flags:
    """Return the stored flags of spans, by slot, time and rule.

    Raises:
        StoreUnavailable, StoreError
    """
    if not len(spans):
        return Flags.concat([])
    ((packed,),) = session.rows("flags_of", spans_asked(slots, spans))
    slot, time_us, rule, excluded = binary.unpack_columns(packed or b"", ("i4", "time", "i4", "i4"))
    return Flags.concat([Flags(slot, time_us, rule.astype(np.int16), excluded.astype(np.bool_))])


def excluded_between(session: Session, slots: Slots, among: NDArray[np.int32], from_us: int, to_us: int) -> Cells:
    """Return what is left out of the hours of some slots that start in a stretch of time, sorted by slot and start.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"series": slots.series_id[among].tolist(), "low": Timestamp(from_us), "high": Timestamp(to_us)}
    ((packed,),) = session.rows("excluded_between", params)
    return stored_cells(slots, packed or b"").cells


def write(session: Session, slots: Slots, found: Judged) -> None:
    """Write what a look found, and note which figures are to be computed anew.

    Raises:
        StoreUnavailable, StoreError
    """
    with session.transaction():
        for flags, query in ((found.gone, "flag_gone"), (found.new, "flag_new")):
            if len(flags):
                session.run(query, _flags_given(slots, flags))
        if len(found.nothing):
            session.run("excluded_gone", keys_given(slots, found.nothing))
        if len(found.excluded):
            none = np.zeros(len(found.excluded), np.int64)
            session.run("excluded_new", cells_given(slots, found.excluded, none, none.astype(np.bool_)))
        session.step("flags written")
        hours = found.changed()
        if len(hours):
            session.run("quality_changed_add", keys_given(slots, hours))
        session.run("quality_due_done", {"serials": found.serials.tolist()})
    session.step("judged")


def counts(session: Session) -> list[FlagCount]:
    """Return how many flags every series has by rule, by device and field.

    Raises:
        StoreUnavailable, StoreError
    """
    return [FlagCount(*row) for row in session.rows("flag_counts")]


def _hours(session: Session, slots: Slots, query: str, limit: int) -> tuple[NDArray[np.int64], Keys]:
    rows: Sequence[tuple[int, int, int]] = [(a, b, c) for a, b, c in session.rows(query, {"limit": limit})]
    table = np.array(rows, np.int64).reshape(-1, 3)
    return table[:, 0].copy(), Keys(slots.of(table[:, 1].astype(np.int32)), table[:, 2].copy())


def _flags_given(slots: Slots, flags: Flags) -> dict[str, object]:
    """Return flags as the parameters of `rows_flag`."""
    return {
        "time": binary.Times(flags.time_us),
        "series": binary.Ints(slots.series_id[flags.slot]),
        "rule": binary.Ints(flags.rule.astype(np.int32)),
        "excluded": binary.Ints(flags.excluded.astype(np.int32)),
    }
