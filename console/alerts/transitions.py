"""What an evaluation returns: alerts that changed, how, and whether somebody is to be told.

Knows alerts; knows no rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.store.alerts import Alert


class Change(StrEnum):
    """What became of an alert; the words are those of the audit trail."""

    OPENED = "opened"
    UPDATED = "updated"
    CLEARED = "cleared"
    ESCALATED = "escalated"
    UNSHELVED = "unshelved"
    """Its shelf came to its end, and it still stands."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of one alert.

    Attributes:
        change: what became of it.
        alert: as it is afterwards.
        notify: whether messages are to be sent.
        detail: what the trail says.
    """

    change: Change
    alert: Alert
    notify: bool
    detail: str
