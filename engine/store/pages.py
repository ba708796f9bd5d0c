"""Long lists in pages: figures over time, what was replaced, quarantine, ledger, devices.

Knows where a page begins by the key of the last row before it, so that a list that grows meanwhile neither skips nor
repeats; knows no cursor as clients see it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from engine.store.binary import Timestamp
from engine.store.health import SilenceEntry
from engine.store.quality import FlagCount
from engine.store.reports import IndicatorReading, IndicatorRevision, LedgerRow, QuarantineEntry
from engine.store.session import Session


class Asked(NamedTuple):
    """Which figures are meant.

    Attributes:
        indicator, window: which.
        kind: of the scopes.
        code: of the one that is meant; None for all of the kind.
        from_us, to_us: windows that start from (included) to (excluded).
    """

    indicator: str
    window: str
    kind: str
    code: str | None
    from_us: int
    to_us: int


class After(NamedTuple):
    """Key of the last row of the page before; the least key stands for none."""

    start_us: int
    code: str = ""
    revision: int = 0


class ReasonCount(NamedTuple):
    """What is in the quarantine of one reason."""

    reason: str
    readings: int
    rows: int
    newest_id: int
    newest_us: int


class DeviceHealth(NamedTuple):
    """A listed device and how it stands with it; None where nothing is known."""

    device: str
    model: str
    title: str
    zone: str
    gateway: str
    latitude: Decimal | None
    longitude: Decimal | None
    state: str
    """ok, late, silent, gateway_silent (with its gateway), never, or not_in_service."""
    heard_us: int | None
    reading_us: int | None
    interval_s: Decimal | None
    learned_interval_s: Decimal | None
    jitter_s: Decimal | None
    silent_since_us: int | None
    clock_offset_s: Decimal | None
    clock: str | None
    """ok, fast or slow."""


class Standing(NamedTuple):
    """How many devices of a gateway are in a state."""

    gateway: str
    state: str
    devices: int


def values(session: Session, asked: Asked, after: After, limit: int) -> list[IndicatorReading]:
    """Return the next results of one indicator, by start and scope.

    Raises:
        StoreUnavailable, StoreError
    """
    return [IndicatorReading(*row) for row in session.rows("values_page", _params(asked, after, limit))]


def values_known(session: Session, known_us: int, asked: Asked, after: After, limit: int) -> list[IndicatorReading]:
    """Return the next results of one indicator as they were known at a time; see `reports.known_at`.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {**_params(asked, after, limit), "known": Timestamp(known_us)}
    return [IndicatorReading(*row) for row in session.rows("values_known_page", params)]


def revisions(session: Session, asked: Asked, after: After, limit: int) -> list[IndicatorRevision]:
    """Return the next replaced results of one indicator, by start, scope and revision.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {**_params(asked, after, limit), "after_revision": after.revision}
    width = len(IndicatorReading._fields)
    return [
        IndicatorRevision(IndicatorReading(*row[:width]), *row[width:])
        for row in session.rows("revisions_page", params)
    ]


def _params(asked: Asked, after: After, limit: int) -> dict[str, object]:
    return {
        "indicator": asked.indicator, "window": asked.window, "kind": asked.kind, "code": asked.code,
        # The key's index is used by the start alone.
        "low": Timestamp(max(asked.from_us, after.start_us)), "high": Timestamp(asked.to_us),
        "after_start": Timestamp(after.start_us), "after_code": after.code, "limit": limit,
    }  # fmt: skip


def quarantine(
    session: Session, reason: str | None, device: str | None, before_id: int, limit: int
) -> list[QuarantineEntry]:
    """Return the next rows of the quarantine below an id, newest first.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"reason": reason, "device": device, "before": before_id, "limit": limit}
    return [QuarantineEntry(*row) for row in session.rows("quarantine_page", params)]


def quarantine_one(session: Session, quarantine_id: int) -> QuarantineEntry | None:
    """Return one row of the quarantine; None where it is not there, or no more.

    Raises:
        StoreUnavailable, StoreError
    """
    return next((QuarantineEntry(*row) for row in session.rows("quarantine_one", {"id": quarantine_id})), None)


def quarantine_reasons(session: Session) -> list[ReasonCount]:
    """Return what is in the quarantine by reason, most first.

    Raises:
        StoreUnavailable, StoreError
    """
    return [ReasonCount(*row) for row in session.rows("quarantine_reasons")]


def ledger(session: Session, before_id: int, limit: int) -> list[LedgerRow]:
    """Return the next commits below an id, newest first.

    Raises:
        StoreUnavailable, StoreError
    """
    return [LedgerRow(*row) for row in session.rows("ledger_page", {"before": before_id, "limit": limit})]


def devices(
    session: Session,
    *,
    device: str | None = None,
    zone: str | None = None,
    model: str | None = None,
    state: str | None = None,
    words: str | None = None,
    after: str = "",
    limit: int,
) -> list[DeviceHealth]:
    """Return the next listed devices after a code, by code.

    Args:
        session: where to ask.
        device, zone, model, state: only of this one.
        words: only those whose code or title has this in it, whatever its case.
        after: code of the last one of the page before.
        limit: at most so many.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {
        "device": device, "zone": zone, "model": model, "state": state, "words": words, "after": after, "limit": limit,
    }  # fmt: skip
    return [DeviceHealth(*row) for row in session.rows("devices_page", params)]


def standings(session: Session) -> list[Standing]:
    """Return how many devices of each gateway are in each state.

    Raises:
        StoreUnavailable, StoreError
    """
    return [Standing(*row) for row in session.rows("devices_standing")]


def silences_of(session: Session, kind: str, who: str, limit: int) -> list[SilenceEntry]:
    """Return the silences of one device or gateway, one that lasts first, then the newest.

    Raises:
        StoreUnavailable, StoreError
    """
    return [SilenceEntry(*row) for row in session.rows("silences_of", {"kind": kind, "who": who, "limit": limit})]


def flag_counts_of(session: Session, device: str) -> list[FlagCount]:
    """Return how many readings of a device are flagged, by series and rule.

    Raises:
        StoreUnavailable, StoreError
    """
    return [FlagCount(*row) for row in session.rows("flag_counts_of", {"device": device})]
