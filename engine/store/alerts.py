"""Alerts as they are kept: raising, changing and clearing them, what people do with them, and their audit trail.

Knows the tables of alerts and of their trail; knows no rule. Whoever changes an alert writes its trail in the same
transaction, so that there is no change without a row that says who made it and when.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, NamedTuple

from engine.store.binary import Timestamp
from engine.store.errors import StoreError
from engine.store.opening import opened
from engine.store.session import LOCK_CLASS, Session
from engine.store.texts import fit_text

CITY: Final = "city"
"""Scope of the whole city; every other is a kind and a code with `:` between, e.g. `zone:harbour`."""
KEEPER_KEY: Final = -5
"""Second key of the advisory lock of the one who raises alerts; no partition has it, nor has any other writer."""
STATEMENT_MS_MAX: Final = 30_000
TEXT_CHARS_MAX: Final = 1_000
WHO_CHARS_MAX: Final = 100
TRIM_ROWS: Final = 1_000
"""Old alerts that leave at a time."""
EVENTS: Final = (
    "opened", "updated", "cleared", "escalated", "acknowledged", "shelved", "unshelved", "commented", "undelivered",
)  # fmt: skip
STATES: Final = ("open", "acknowledged", "shelved", "cleared")
STANDING: Final = "standing"
"""Asks for alerts that are not cleared, in whatever state."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    Attributes:
        rule: code of the rule.
        kind: what sort of rule it is.
        scope: whom it concerns; see `CITY`.
        severity: info, warning or critical.
        title: what a person calls it.
        detail: what was found, in words.
        opened_us: when it was raised.
        updated_us: when its figures were last brought up to date.
        subject: what was judged; empty for silence.
        start_us: start of the window judged, or of the silence; None where there is none.
        value, limit: in the unit; None where there is no number.
        unit: UCUM code; empty where there is no number.
        grouped: it stands for a storm in its scope.
        members: how many scopes it stands for.
        examples: of a group, some of them.
        cleared_us: None while it stands.
        cause: why it was cleared; empty while it stands.
        acknowledged_us, acknowledged_by: None and empty where nobody took note.
        escalated_us: None where it was not.
        shelved_until_us, shelved_by: None and empty where it is not shelved.
        alert_id: 0 until it is written.
    """

    rule: str
    kind: str
    scope: str
    severity: str
    title: str
    detail: str
    opened_us: int
    updated_us: int
    subject: str = ""
    start_us: int | None = None
    value: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""
    grouped: bool = False
    members: int = 1
    examples: tuple[str, ...] = ()
    cleared_us: int | None = None
    cause: str = ""
    acknowledged_us: int | None = None
    acknowledged_by: str = ""
    escalated_us: int | None = None
    shelved_until_us: int | None = None
    shelved_by: str = ""
    alert_id: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Rule and scope: of these at most one alert stands."""
        return self.rule, self.scope

    @property
    def stands(self) -> bool:
        """Whether its reason is not known to be gone."""
        return self.cleared_us is None

    def shelved(self, now_us: int) -> bool:
        """Say whether nobody is to be told of it now."""
        return self.shelved_until_us is not None and self.shelved_until_us > now_us

    def state(self, now_us: int) -> str:
        """Return in a word how it stands, one of `STATES`."""
        if not self.stands:
            return "cleared"
        if self.shelved(now_us):
            return "shelved"
        return "open" if self.acknowledged_us is None else "acknowledged"


class AlertEvent(NamedTuple):
    """One row of an audit trail."""

    event_id: int
    alert_id: int
    at_us: int
    event: str
    """One of `EVENTS`."""
    who: str
    """Empty for the system itself; a channel for what was not delivered."""
    severity: str
    members: int
    value: Decimal | None
    detail: str


class Window(NamedTuple):
    """One window of an indicator, as rules look at it."""

    indicator: str
    window: str
    scope: str
    start_us: int
    value: Decimal | None
    unit: str
    received: int
    expected: int
    revision: int


class Asked(NamedTuple):
    """Which windows are asked for: the newest so many of an indicator, of every scope of a kind."""

    indicator: str
    window: str
    scope_kind: str
    depth: int


def open_session(url: str, application_name: str, city: str | None = None) -> Session:
    """Return a session on a database whose tables are of this version; whoever asked closes it.

    Args:
        url, application_name: see `Store.connect`.
        city: code of the city whose database this must be; None for any.

    Raises:
        SchemaOutdated, StoreUnavailable
        StoreError: also where it holds another city.
    """

    def checked(session: Session) -> Session:
        _require_city(session, city)
        return session

    return opened(url, application_name, STATEMENT_MS_MAX, checked)


def _require_city(session: Session, city: str | None) -> None:
    stored = next((code for code, _ in session.rows("city_stored")), None)
    if city is not None and stored not in (None, city):
        raise StoreError(f"the database holds city {stored!r}, not {city!r}: give the database of {city!r}")


@contextmanager
def connected(url: str, application_name: str, city: str | None = None) -> Iterator[Session]:
    """Give a session for the length of a `with` block; see `open_session`.

    Raises:
        SchemaOutdated, StoreUnavailable, StoreError
    """
    session = open_session(url, application_name, city)
    try:
        yield session
    finally:
        session.close()


# ---- for the one who raises them -------------------------------------------------------------------------------------


def take(session: Session) -> bool:
    """Take the sole right to raise alerts, for as long as this connection lasts; False where another has it.

    Call it once per connection.

    Raises:
        StoreUnavailable, StoreError
    """
    ((taken,),) = session.rows("own_take", {"class": LOCK_CLASS, "key": KEEPER_KEY})
    return bool(taken)


def judged(session: Session, now_us: int) -> list[Alert]:
    """Return the alerts that stand, and those that are gone and still shelved; nobody else changes them meanwhile.

    Inside the caller's transaction.

    Raises:
        StoreUnavailable, StoreError
    """
    ids = [alert_id for (alert_id,) in session.rows("alert_judged", {"now": Timestamp(now_us)})]
    return _of(session, ids)


def newest(session: Session, since_us: int, limit: int) -> list[Alert]:
    """Return the newest alert of each rule and scope, of those that stand or were cleared since a time.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"since": Timestamp(since_us), "limit": limit}
    return _of(session, [alert_id for (alert_id,) in session.rows("alert_newest", params)])


def lately(session: Session, since_us: int, limit: int) -> list[Alert]:
    """Return the newest of all alerts that stand or were cleared since a time, the newest first.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"since": Timestamp(since_us), "limit": limit}
    return _of(session, [alert_id for (alert_id,) in session.rows("alert_lately", params)])


def open_alert(session: Session, alert: Alert) -> Alert:
    """Write a new alert with the first row of its trail, inside the caller's transaction; return it with its id.

    Raises:
        StoreUnavailable, StoreError
    """
    kind, _, code = alert.scope.partition(":")
    params = {**_changing(alert), "rule": alert.rule, "kind": alert.kind, "scope_kind": kind, "scope": code}
    params |= {"grouped": alert.grouped, "opened": Timestamp(alert.opened_us)}
    ((alert_id,),) = session.rows("alert_open", params)
    _note(session, alert_id, "opened", "", alert.detail, alert.updated_us)
    return replace(alert, alert_id=alert_id)


def change_alert(session: Session, alert: Alert, event: str, detail: str, at_us: int) -> None:
    """Write what the system changed of an alert and the row of its trail, inside the caller's transaction.

    Raises:
        StoreUnavailable, StoreError
    """
    session.run("alert_change", {**_changing(alert), "alert_id": alert.alert_id})
    _note(session, alert.alert_id, event, "", detail, at_us)


def trim(session: Session, before_us: int) -> int:
    """Let some alerts go that were cleared before a time, with their trails; return how many.

    Raises:
        StoreUnavailable, StoreError
    """
    return session.run("alert_trim", {"before": Timestamp(before_us), "limit": TRIM_ROWS})


def windows(session: Session, asked: Sequence[Asked], since_us: int) -> list[Window]:
    """Return the windows that rules look at, by indicator, window, scope and start.

    Raises:
        StoreUnavailable, StoreError
    """
    if not asked:
        return []
    columns = [list(column) for column in zip(*asked, strict=True)]
    params = dict(zip(("indicators", "windows", "kinds", "depths"), columns, strict=True))
    return [Window(*row) for row in session.rows("alert_windows", {**params, "since": Timestamp(since_us)})]


# ---- for people ------------------------------------------------------------------------------------------------------


def acknowledge(session: Session, alert_id: int, who: str, comment: str, at_us: int) -> Alert | None:
    """Note that a person took note of an alert that stands; return it as it is now, or None where there is none.

    An alert that is cleared, or that somebody took note of before, stays as it is.

    Raises:
        StoreUnavailable, StoreError
    """
    with session.transaction():
        params = {"alert_id": alert_id, "who": fit_text(who, WHO_CHARS_MAX), "at": Timestamp(at_us)}
        if session.run("alert_take_note", params):
            _note(session, alert_id, "acknowledged", who, comment, at_us)
        return one(session, alert_id)


def shelve(session: Session, alert_id: int, who: str, comment: str, until_us: int, at_us: int) -> Alert | None:
    """Tell nobody of an alert's rule and scope until a time; return it as it is now, or None where there is none.

    Raises:
        StoreUnavailable, StoreError
    """
    with session.transaction():
        params = {"alert_id": alert_id, "who": fit_text(who, WHO_CHARS_MAX), "until": Timestamp(until_us)}
        if session.run("alert_shelve", params):
            _note(session, alert_id, "shelved", who, comment, at_us)
        return one(session, alert_id)


def unshelve(session: Session, alert_id: int, who: str, comment: str, at_us: int) -> Alert | None:
    """End a shelf before its time; return the alert as it is now, or None where there is none.

    Raises:
        StoreUnavailable, StoreError
    """
    with session.transaction():
        found = one(session, alert_id)
        if found is not None and found.shelved_until_us is not None:
            session.run("alert_shelve", {"alert_id": alert_id, "who": "", "until": None})
            _note(session, alert_id, "unshelved", who, comment, at_us)
        return one(session, alert_id)


def comment(session: Session, alert_id: int, who: str, text: str, at_us: int) -> Alert | None:
    """Add a remark to an alert's trail; return the alert, or None where there is none.

    Raises:
        StoreUnavailable, StoreError
    """
    with session.transaction():
        _note(session, alert_id, "commented", who, text, at_us)
        return one(session, alert_id)


def one(session: Session, alert_id: int) -> Alert | None:
    """Return one alert, or None where there is none.

    Raises:
        StoreUnavailable, StoreError
    """
    return next(iter(_of(session, [alert_id])), None)


def read(
    session: Session,
    now_us: int,
    *,
    state: str | None = None,
    severity: str | None = None,
    rule: str | None = None,
    scope: str | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[Alert]:
    """Return alerts, the newest first.

    Args:
        session: of the store.
        now_us: as of when they are shelved or not.
        state: one of `STATES`, or `STANDING`; all where left out.
        severity, rule, scope: only these.
        before_id: only those with a smaller id, to read on.
        limit: at most so many.

    Raises:
        StoreUnavailable, StoreError
    """
    asked = {"state": state, "severity": severity, "rule": rule, "scope": scope, "before": before_id, "limit": limit}
    return _rows(session, {**asked, "ids": None, "now": Timestamp(now_us)})


def events(session: Session, alert_id: int, *, limit: int = 1_000) -> list[AlertEvent]:
    """Return the audit trail of an alert, the oldest first; of a long one the newest rows.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"alert_id": alert_id, "limit": limit}
    return [AlertEvent(*row) for row in session.rows("alert_events", params)]


def counts(session: Session, now_us: int) -> dict[str, int]:
    """Return how many alerts stand and are not shelved, by severity.

    Raises:
        StoreUnavailable, StoreError
    """
    return {severity: int(count) for severity, count in session.rows("alert_counts", {"now": Timestamp(now_us)})}


# ---- parts -----------------------------------------------------------------------------------------------------------


def _of(session: Session, ids: Sequence[int]) -> list[Alert]:
    asked = dict.fromkeys(("state", "severity", "rule", "scope", "before"))
    return _rows(session, {**asked, "ids": list(ids), "limit": len(ids), "now": Timestamp(0)}) if ids else []


def _rows(session: Session, params: Mapping[str, object]) -> list[Alert]:
    found = []
    for (
        alert_id, rule, kind, scope, severity, title, detail, subject, start_us, value, limit, unit, grouped, members,
        examples, opened_us, updated_us, cleared_us, cause, acknowledged_us, acknowledged_by, escalated_us,
        shelved_until_us, shelved_by,
    ) in session.rows("alert_rows", params):  # fmt: skip
        found.append(
            Alert(
                rule, kind, scope, severity, title, detail, opened_us, updated_us, subject, start_us, value, limit,
                unit, grouped, members, tuple(examples), cleared_us, cause, acknowledged_us, acknowledged_by,
                escalated_us, shelved_until_us, shelved_by, alert_id,
            )
        )  # fmt: skip
    return found


def _changing(alert: Alert) -> dict[str, object]:
    """Return what the system may change of an alert, as parameters."""
    return {
        "severity": alert.severity, "title": alert.title, "detail": fit_text(alert.detail, TEXT_CHARS_MAX),
        "subject": alert.subject, "start": _time(alert.start_us), "value": alert.value, "limit": alert.limit,
        "unit": alert.unit, "members": alert.members, "examples": list(alert.examples), "cause": alert.cause,
        "updated": _time(alert.updated_us), "cleared": _time(alert.cleared_us), "escalated": _time(alert.escalated_us),
        "shelved_until": _time(alert.shelved_until_us), "shelved_by": alert.shelved_by,
    }  # fmt: skip


def _note(session: Session, alert_id: int, event: str, who: str, detail: str, at_us: int) -> None:
    texts = {"who": fit_text(who, WHO_CHARS_MAX), "detail": fit_text(detail, TEXT_CHARS_MAX)}
    session.run("alert_note", {"alert_id": alert_id, "at": Timestamp(at_us), "event": event, **texts})
    session.run("notify_alerts")


def _time(time_us: int | None) -> Timestamp | None:
    return None if time_us is None else Timestamp(time_us)
