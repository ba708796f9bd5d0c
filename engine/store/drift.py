"""Where devices say something else than their models expect: fields that vanished, appeared, or cannot be read.

Knows what is stored: newest readings, day windows, the quarantine. So looking costs no message anything, whichever road
it came by, and nothing is forgotten by a restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from engine.store import binary
from engine.store.binary import Timestamp
from engine.store.newest import newest
from engine.store.session import Session

VANISHED: Final = "vanished"
INTERVALS: Final = 10
"""A field has vanished when so many of its intervals went by in which its device sent others."""
REASONS: Final = ("unknown_field", "not_a_number", "bad_unit", "malformed", "empty")
"""Reasons of the quarantine that say that a message is not as its model describes it."""
NAMED: Final = ("unknown_field", "not_a_number", "bad_unit")
"""Of these, the reasons that are about one field or member."""
FIELDS_MAX: Final = 32
"""Fields of one device that are told one by one for a reason; those that come least are told together."""
_DAY_US: Final = 86_400_000_000


class DriftRow(NamedTuple):
    """One finding on a device."""

    device: str
    kind: str
    """VANISHED, or the reason of the quarantine."""
    field: str
    """That vanished, or is not what it was: its name, or the place of a member that the model does not know. Empty
    where it is about a whole message, or about more than FIELDS_MAX of them."""
    since_us: int
    """The last reading of a field that vanished; the first message that could not be read."""
    last_us: int
    """The newest reading of the device; the newest message that could not be read."""
    readings: int
    """That could not be read; 0 for a field that vanished."""
    example: int | None
    """Row of the quarantine with a message that shows it."""


class Standing(NamedTuple):
    """A series and its newest reading."""

    series_id: int
    device: str
    field: str
    interval_us: int
    time_us: int


def drift_rows(session: Session, since_us: int) -> list[DriftRow]:
    """Return every finding, by device; of the quarantine what arrived since.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {
        "reasons": list(REASONS), "named": list(NAMED), "fields_max": FIELDS_MAX, "since": Timestamp(since_us),
    }  # fmt: skip
    found = [
        DriftRow(device, reason, field, first_us, last_us, readings, example)
        for device, reason, field, readings, first_us, last_us, example in session.rows("drift_refused", params)
    ]
    found += vanished(*_late(session))
    return sorted(found, key=lambda one: (one.device, one.kind, one.field))


def vanished(late: Sequence[tuple[Standing, int]], best_day: Mapping[int, int]) -> list[DriftRow]:
    """Return those that are later than their own rhythm allows: some fields are sent once a day by design.

    Args:
        late: series that are behind their devices, and their devices' newest readings.
        best_day: by series, readings on its best day of late; without one its interval alone counts.
    """
    return [
        DriftRow(one.device, VANISHED, one.field, one.time_us, newest_us, 0, None)
        for one, newest_us in late
        if newest_us - one.time_us > INTERVALS * max(one.interval_us, _rhythm_us(best_day.get(one.series_id, 0)))
    ]


def _rhythm_us(readings: int) -> int:
    """Return how often a series had a reading on a day with so many."""
    return _DAY_US // readings if readings else 0


def behind(standing: Sequence[Standing]) -> list[tuple[Standing, int]]:
    """Return the series that are many intervals behind the newest reading of their device, with that."""
    newest_us: dict[str, int] = {}
    for one in standing:
        newest_us[one.device] = max(newest_us.get(one.device, one.time_us), one.time_us)
    return [
        (one, newest_us[one.device])
        for one in standing
        if newest_us[one.device] - one.time_us > INTERVALS * one.interval_us
    ]


def _late(session: Session) -> tuple[list[tuple[Standing, int]], dict[int, int]]:
    series = {row[0]: row for row in session.rows("drift_series")}
    found = newest(session, list(series))
    standing = [
        Standing._make((*series[series_id], time_us))
        for series_id, time_us in zip(found.series_id.tolist(), found.time_us.tolist(), strict=True)
    ]
    late = behind(standing)
    if not late:
        return [], {}
    asked = {
        "series": binary.Ints(np.array([one.series_id for one, _ in late], np.int32)),
        "last": binary.Times(np.array([one.time_us for one, _ in late], np.int64)),
    }
    return late, dict(session.rows("drift_rhythm", asked))
