"""Words of the database to whoever waits: that figures were written, or that something became of alerts.

Knows the channels; knows no table. A word is told when what it speaks of is committed, and says nothing itself: whoever
hears it looks. Where nobody listened it is lost, so whoever waits looks now and then all the same.
"""

from __future__ import annotations

from enum import StrEnum

from engine.store.session import Session, our_errors


class Word(StrEnum):
    """What can be told, by the statement that listens for it."""

    WRITTEN = "listen_written"
    """Figures, silences or how far we listened were written."""
    ALERTS = "listen_alerts"
    """Something became of an alert."""


def listen(session: Session, *words: Word) -> None:
    """Be told from now on, until the connection ends.

    Raises:
        StoreUnavailable, StoreError
    """
    for word in words:
        session.run(word)


def wait(session: Session, seconds_max: float) -> bool:
    """Wait for a word since the last call; False when nothing was told for so long.

    Raises:
        StoreUnavailable
    """
    with our_errors():
        return bool(list(session.connection.notifies(timeout=seconds_max, stop_after=1)))
