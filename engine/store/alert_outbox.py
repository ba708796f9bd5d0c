"""Messages about alerts that wait to be sent: written with what they tell, kept over a restart, given up in the open.

Knows the table; knows no channel and no network.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from engine.store.binary import Timestamp
from engine.store.session import Session
from engine.store.texts import fit_text

ERROR_CHARS_MAX = 300


class Waiting(NamedTuple):
    """One message that waits."""

    outbox_id: int
    alert_id: int
    channel: str
    body: str
    attempts: int
    """How often it was tried in vain."""
    made_us: int


def queue(session: Session, alert_id: int, channel: str, body: str, now_us: int) -> None:
    """Let a message wait, inside the transaction that writes what it tells.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"alert_id": alert_id, "channel": channel, "body": body, "now": Timestamp(now_us)}
    session.run("alert_queue", params)


def trim(session: Session, rows_max: int, now_us: int) -> int:
    """Give up the oldest messages beyond a limit, which the trails of their alerts say; return how many.

    Raises:
        StoreUnavailable, StoreError
    """
    detail = f"more than {rows_max} messages waited"
    return session.run("alert_outbox_trim", {"rows_max": rows_max, "now": Timestamp(now_us), "detail": detail})


def due(session: Session, now_us: int, limit: int, *, without: Collection[str] = ()) -> list[Waiting]:
    """Return messages whose time has come, at most one of each channel and alert, of all channels but some.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"now": Timestamp(now_us), "limit": limit, "without": list(without)}
    return [Waiting(*row) for row in session.rows("alert_outbox_due", params)]


def sent(session: Session, outbox_id: int) -> None:
    """Remove a message that was delivered.

    Raises:
        StoreUnavailable, StoreError
    """
    session.run("alert_outbox_sent", {"outbox_id": outbox_id})


def later(session: Session, outbox_id: int, error: str, due_us: int) -> None:
    """Let a message that could not be delivered wait for its next attempt.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"outbox_id": outbox_id, "error": fit_text(error, ERROR_CHARS_MAX), "due": Timestamp(due_us)}
    session.run("alert_outbox_later", params)


def give_up(session: Session, waiting: Waiting, error: str, now_us: int) -> None:
    """Remove a message that cannot be delivered, and say so in the trail of its alert.

    Raises:
        StoreUnavailable, StoreError
    """
    note = {"event": "undelivered", "who": waiting.channel, "detail": fit_text(error, ERROR_CHARS_MAX)}
    with session.transaction():
        session.run("alert_note", {"alert_id": waiting.alert_id, "at": Timestamp(now_us), **note})
        sent(session, waiting.outbox_id)


def waiting_count(session: Session) -> tuple[int, int | None]:
    """Return how many messages wait, and when the oldest was written.

    Raises:
        StoreUnavailable, StoreError
    """
    ((count, oldest_us),) = session.rows("alert_outbox_count")
    return int(count), oldest_us
