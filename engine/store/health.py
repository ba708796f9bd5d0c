"""What people ask about silence: every device's standing, who is or was silent, until when we listened.

Knows the views' facts as typed records; needs no registry.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from engine.store.session import Session


class HealthRow(NamedTuple):
    """How it stands with one device; None where nothing is known."""

    device: str
    model: str
    title: str
    zone: str
    gateway: str
    state: str
    """never, ok, late, silent, or not in service."""
    heard_us: int | None
    reading_us: int | None
    interval_s: Decimal | None
    """As declared."""
    learned_interval_s: Decimal | None
    jitter_s: Decimal | None
    silent_since_us: int | None
    silence: str
    """Whether it is silent alone (device) or with its gateway; empty when it is not."""
    clock_offset_s: Decimal | None
    clock: str
    """ok, fast or slow; empty where unknown."""


class SilenceEntry(NamedTuple):
    """One silence."""

    kind: str
    who: str
    started_us: int
    ended_us: int | None
    """None while it lasts."""
    reading_us: int | None
    interval_s: Decimal | None
    allowed_s: Decimal | None
    devices: int
    noticed_us: int
    detail: str


class ListeningRow(NamedTuple):
    """Until when the engine listened."""

    heard_to_us: int | None
    """None: it never ran."""
    stopped: bool
    trimmed: int


def health_rows(session: Session) -> list[HealthRow]:
    """Return every listed device, the worst first.

    Raises:
        StoreUnavailable, StoreError
    """
    return [HealthRow(*row) for row in session.rows("health_rows")]


def silence_rows(session: Session, kind: str | None, lasting: bool, limit: int) -> list[SilenceEntry]:
    """Return silences, those that last first, then the newest.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"kind": kind, "lasting": lasting, "limit": limit}
    return [SilenceEntry(*row) for row in session.rows("silence_rows", params)]


def listening(session: Session) -> ListeningRow:
    """Return until when all partitions' engines listened.

    Raises:
        StoreUnavailable, StoreError
    """
    ((heard_to_us, stopped, trimmed),) = session.rows("health_listening")
    return ListeningRow(heard_to_us, bool(stopped), int(trimmed or 0))
