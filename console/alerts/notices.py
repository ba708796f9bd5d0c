"""An alert as it goes out: one JSON object with stable keys, its topic, and the message about what became of it.

Knows alerts and their words; knows no channel.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from console.alerts.transitions import Transition
from devices import rfc3339
from engine.store.alerts import Alert, AlertEvent


def alert_topic(city: str, rule: str, scope: str) -> str:
    """Return where an alert's state goes: `cityvitals/<city>/alert/<rule>/<scope>`.

    What would mean something in a topic is written as in an address: a gateway may have any name.
    """
    return f"cityvitals/{city}/alert/{rule}/{quote(scope, safe=':._-')}"


def alert_record(alert: Alert, now_us: int) -> dict[str, Any]:
    """Return an alert for programs; keys are stable, numbers exact texts, times RFC 3339."""
    return {
        "id": alert.alert_id,
        "rule": alert.rule,
        "kind": alert.kind,
        "scope": alert.scope,
        "severity": alert.severity,
        "state": alert.state(now_us),
        "title": alert.title,
        "detail": alert.detail,
        "subject": alert.subject or None,
        "start": _time(alert.start_us),
        "value": None if alert.value is None else f"{alert.value:f}",
        "limit": None if alert.limit is None else f"{alert.limit:f}",
        "unit": alert.unit or None,
        "grouped": alert.grouped,
        "members": alert.members,
        "examples": list(alert.examples),
        "opened": rfc3339(alert.opened_us),
        "updated": rfc3339(alert.updated_us),
        "cleared": _time(alert.cleared_us),
        "cause": alert.cause or None,
        "acknowledged": _time(alert.acknowledged_us),
        "acknowledged_by": alert.acknowledged_by or None,
        "escalated": _time(alert.escalated_us),
        "shelved_until": _time(alert.shelved_until_us),
        "shelved_by": alert.shelved_by or None,
    }


def event_record(event: AlertEvent) -> dict[str, Any]:
    """Return a row of an alert's trail for programs."""
    return {
        "at": rfc3339(event.at_us),
        "event": event.event,
        "who": event.who or None,
        "severity": event.severity,
        "members": event.members,
        "value": None if event.value is None else f"{event.value:f}",
        "detail": event.detail,
    }


def payload(alert: Alert, now_us: int) -> bytes:
    """Return an alert's state as it is published."""
    return json.dumps(alert_record(alert, now_us), ensure_ascii=False, separators=(",", ":")).encode()


def message(city: str, change: Transition, now_us: int) -> str:
    """Return the message about what became of an alert, as it waits to be sent."""
    record = {
        "event": str(change.change),
        "at": rfc3339(now_us),
        "city": city,
        "text": change.detail,
        "alert": alert_record(change.alert, now_us),
    }
    return json.dumps(record, ensure_ascii=False)


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else rfc3339(time_us)
