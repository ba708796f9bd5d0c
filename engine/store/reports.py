"""What people ask of the store: newest figures, histories, readings, quarantine, ledger, devices, whole periods.

Knows the views' facts as typed records; needs no registry, so any process may ask. Values are exact decimals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from devices.series import TIME_MIN_US
from engine.cells import Grid
from engine.store.binary import Timestamp
from engine.store.readings import last_readings, newest_before
from engine.store.session import Session
from engine.store.slots import Slots
from engine.store.windows import TABLES

TIME_END_US = 2**62
"""After every time: the end of a question without one."""


class IndicatorReading(NamedTuple):
    """One result of an indicator."""

    indicator: str
    window: str
    scope_kind: str
    scope: str
    start_us: int
    value: Decimal | None
    """None where the rules give no value."""
    unit: str
    band: int
    """Number of the band, 1 for the lowest; 0 for none."""
    band_name: str
    driver: str
    """Measurand that decides; empty for none."""
    received: int
    expected: int
    revision: int
    """0 while provisional."""
    computed_us: int


class IndicatorRevision(NamedTuple):
    """A result of a closed window that a later one replaced."""

    replaced: IndicatorReading
    superseded_us: int
    """When the next result was computed."""
    reason: str
    """Why it was computed again."""
    value_now: Decimal | None
    """What stands now; None where that is no value."""
    revision_now: int
    """0 where nothing stands any more."""


class ObservationRow(NamedTuple):
    """One stored observation."""

    device: str
    field: str
    measurand: str
    time_us: int
    value: Decimal
    unit: str
    state: str
    """Name of the state, for kind STATE; else empty."""
    flags: int
    rules: Sequence[int]
    """Rules that flag it, each a `devices.Rule`."""
    excluded: bool
    """Whether figures leave it out."""


class QuarantineEntry(NamedTuple):
    """One row of the quarantine."""

    quarantine_id: int
    received_us: int
    reason: str
    topic: str
    device: str
    detail: str
    readings: int
    payload_bytes: int
    payload: bytes
    """Cut where shorter than `payload_bytes`."""
    commit_id: int


class LedgerRow(NamedTuple):
    """One commit."""

    commit_id: int
    committed_us: int
    client: str
    partition: int
    messages: int
    received: int
    accepted: int
    duplicate: int
    quarantined: int
    restated: int
    looked_up: int
    trimmed: int
    replayed: int


class LedgerSummary(NamedTuple):
    """The whole account, folded days included."""

    commits: int
    messages: int
    received: int
    accepted: int
    duplicate: int
    quarantined: int
    restated: int
    looked_up: int
    trimmed: int
    replayed: int
    """Quarantined readings whose messages were taken up again: received, and accounted for, once more."""
    last_us: int
    """Time of the newest commit; TIME_MIN_US when there was none."""

    @property
    def balance(self) -> int:
        """Readings that went nowhere: always 0."""
        return self.received - self.accepted - self.duplicate - self.quarantined


class DeviceAccount(NamedTuple):
    """What became of the readings of one device."""

    device: str
    """Its code; empty for messages of no registered device."""
    received: int
    accepted: int
    """As the day windows count them: the engine may be some seconds behind."""
    duplicate: int
    quarantined: int


class DeviceRow(NamedTuple):
    """One device and what came from it."""

    device: str
    model: str
    zone: str
    gateway: str
    title: str
    listed: bool
    series: int
    observations: int
    """In day windows, which lag behind by the engine's pace."""
    last_us: int
    """Time of its newest observation; TIME_MIN_US when there is none."""


@dataclass(frozen=True, slots=True)
class PeriodFigure:
    """Whole windows of one series merged over a period.

    Attributes:
        device, field, measurand, kind, unit, decimals: the series.
        windows: windows merged.
        count, expected: observations in these windows. A window in which nothing came does not exist, and nothing is
            expected of it here: what the whole period owes is `due`.
        low_ticks, high_ticks: least and greatest tick; 0 where count is 0.
        sums: exact sums, as `engine.cells` defines them for the kind.
        interval_us: between two readings; 0 where there is no such interval.
        service_from_us, service_to_us: the device was in service from (included) to (excluded).
    """

    device: str
    field: str
    measurand: str
    kind: str
    unit: str
    decimals: int
    windows: int
    count: int
    expected: int
    low_ticks: int
    high_ticks: int
    sums: tuple[int, int, int, int]
    interval_us: int
    service_from_us: int
    service_to_us: int

    def due(self, from_us: int, to_us: int) -> int:
        """Return how many readings are owed from (included) to (excluded), as `engine.calendar.expected` counts."""
        begin_us, end_us = max(from_us, self.service_from_us), min(to_us, self.service_to_us)
        return -((begin_us - end_us) // self.interval_us) if self.interval_us and begin_us < end_us else 0

    @property
    def mean(self) -> Fraction | None:
        """The exact mean in the unit, for a gauge; None without observations."""
        return Fraction(self.sums[0], self.count * 10**self.decimals) if self.count and self.kind == "gauge" else None


def latest_indicators(session: Session, scope_kinds: Sequence[str], since_us: int) -> list[IndicatorReading]:
    """Return the newest result of every listed indicator and scope of these kinds, by indicator, window and scope.

    Args:
        session: where to ask.
        scope_kinds: of city, zone, station.
        since_us: windows that start earlier are not looked at; with many stations, a recent time keeps this fast.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"kinds": list(scope_kinds), "since": Timestamp(since_us)}
    return [IndicatorReading(*row) for row in session.rows("latest_indicators", params)]


def indicator_history(
    session: Session,
    from_us: int,
    to_us: int,
    indicator: str | None,
    window: str | None,
    scope_kind: str | None,
    scope: str | None,
) -> list[IndicatorReading]:
    """Return the newest results of windows that start in a stretch of time, by indicator, window, scope and start.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {
        "low": Timestamp(from_us), "high": Timestamp(to_us), "indicator": indicator, "window": window,
        "scope_kind": scope_kind, "scope": scope,
    }  # fmt: skip
    return [IndicatorReading(*row) for row in session.rows("indicator_history", params)]


def indicator_revisions(
    session: Session,
    from_us: int,
    to_us: int,
    indicator: str | None,
    window: str | None,
    scope_kind: str | None,
    scope: str | None,
) -> list[IndicatorRevision]:
    """Return replaced results of windows that start in a stretch of time, in the order of the history, oldest first.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {
        "low": Timestamp(from_us), "high": Timestamp(to_us), "indicator": indicator, "window": window,
        "scope_kind": scope_kind, "scope": scope,
    }  # fmt: skip
    width = len(IndicatorReading._fields)
    return [
        IndicatorRevision(IndicatorReading(*row[:width]), *row[width:])
        for row in session.rows("indicator_revisions", params)
    ]


def known_at(
    session: Session,
    known_us: int,
    from_us: int,
    to_us: int,
    indicator: str | None,
    window: str | None,
    scope_kind: str | None,
    scope: str | None,
) -> list[IndicatorReading]:
    """Return what was known at a time of windows that start in a stretch of time.

    Exact for closed windows. Open ones are kept for the city and its zones, as they stood at the end of each minute of
    the clock, as long as `indicator_seen` reaches back; for stations an open window's replaced results are not kept.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {
        "known": Timestamp(known_us), "low": Timestamp(from_us), "high": Timestamp(to_us), "indicator": indicator,
        "window": window, "scope_kind": scope_kind, "scope": scope,
    }  # fmt: skip
    return [IndicatorReading(*row) for row in session.rows("known_at", params)]


def observation_rows(
    session: Session, from_us: int, to_us: int, device: str | None, measurand: str | None, limit: int
) -> list[ObservationRow]:
    """Return the newest observations of a stretch of time, newest first.

    The table has no index by time alone, which every commit would have to pay for. But the `limit` newest observations
    are all of the `limit` series whose own newest one is newest, and none is older than the least of those.

    Raises:
        StoreUnavailable, StoreError
    """
    found = session.rows("observation_series", {"device": device, "measurand": measurand})
    slots = Slots(np.array([series_id for (series_id,) in found], np.int32))
    newest = newest_before(session, slots, to_us)
    newest = newest.take(newest.time_us >= from_us)
    newest = newest.take(np.argsort(-newest.time_us, kind="stable")[:limit])
    low_us = int(newest.time_us[-1]) if len(newest) == limit and limit else from_us
    series = slots.series_id[newest.slot].tolist()
    params = {"series": series, "low": Timestamp(low_us), "high": Timestamp(to_us), "limit": limit}
    return [ObservationRow(*row) for row in session.rows("observation_rows", params)]


def quarantine_rows(session: Session, reason: str | None, device: str | None, limit: int) -> list[QuarantineEntry]:
    """Return rows of the quarantine, newest first.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"reason": reason, "device": device, "limit": limit}
    return [QuarantineEntry(*row) for row in session.rows("quarantine_rows", params)]


def quarantine_after(session: Session, after: int, through: int, limit: int) -> list[QuarantineEntry]:
    """Return rows of the quarantine with ids above `after` up to `through`, oldest first.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"after": after, "through": through, "limit": limit}
    return [QuarantineEntry(*row) for row in session.rows("replay_rows", params)]


def quarantine_last(session: Session) -> int:
    """Return the id of the newest row of the quarantine; 0 where it is empty.

    Raises:
        StoreUnavailable, StoreError
    """
    ((last,),) = session.rows("replay_through")
    return int(last)


def quarantine_counts(session: Session) -> Mapping[str, int]:
    """Return readings in the quarantine by reason, most first. What was trimmed is no longer among them.

    Raises:
        StoreUnavailable, StoreError
    """
    return dict(session.rows("quarantine_counts"))


def ledger_rows(session: Session, limit: int) -> list[LedgerRow]:
    """Return commits, newest first.

    Raises:
        StoreUnavailable, StoreError
    """
    return [LedgerRow(*row) for row in session.rows("ledger_rows", {"limit": limit})]


def ledger_summary(session: Session) -> LedgerSummary:
    """Return the whole account.

    Raises:
        StoreUnavailable, StoreError
    """
    (row,) = session.rows("ledger_summary")
    *sums, last_us = row
    return LedgerSummary._make((*map(int, sums), TIME_MIN_US if last_us is None else last_us))


def ledger_devices(session: Session) -> list[DeviceAccount]:
    """Return the account of every device that was heard, by code.

    Raises:
        StoreUnavailable, StoreError
    """
    return [DeviceAccount._make(row) for row in session.rows("ledger_devices")]


def device_rows(session: Session) -> list[DeviceRow]:
    """Return every device, by code, with what came from it.

    Raises:
        StoreUnavailable, StoreError
    """
    series = session.rows("device_series")
    last = last_readings(session, Slots(np.array([row[0] for row in series], np.int32)))
    newest: dict[str, int] = {}
    for (_, device), time_us in zip(series, last.time_us.tolist(), strict=True):
        newest[device] = max(newest.get(device, TIME_MIN_US), time_us)
    return [DeviceRow._make((*row, newest.get(row[0], TIME_MIN_US))) for row in session.rows("device_rows")]


def period(session: Session, grid: Grid, from_us: int, to_us: int) -> list[PeriodFigure]:
    """Return every series' windows that start in a period, merged exactly, by device and field.

    Hours are merged without what is excluded of them; minutes and days are the sums of everything.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"low": Timestamp(from_us), "high": Timestamp(to_us)}
    figures = []
    for *facts, low, high, a, b, c, d, interval, begin, end in session.rows(f"period_{TABLES[grid]}", params):
        device, field, measurand, kind, unit, decimals, windows, count, expected = facts
        sums = (int(a), int(b), int(c), int(d))
        numbers = (int(windows), int(count), int(expected), int(low), int(high))
        service = (TIME_MIN_US if begin is None else begin, TIME_END_US if end is None else end)
        figures.append(
            PeriodFigure(device, field, measurand, kind, unit, decimals, *numbers, sums, int(interval), *service)
        )
    return figures
