"""`/alerts`: what the rules of the city raised, everything that happened to it, and what people do with it.

Knows requests; alerts are the store's. Reading goes the way of all readers. What changes an alert is a request with a
JSON body: no page from elsewhere can send one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from console.alerts.korean import korean_detail, korean_title
from console.alerts.notices import alert_record, event_record
from console.alerts.people import SHELF_MINUTES_MAX, shelf_us
from console.alerts.rules import MINUTE_US, SEVERITIES
from console.web.asked import CODE_CHARS_MAX, listed_words
from console.web.formats import Page, listed, whole
from console.web.guard.grants import change_of
from console.web.paging import INT64_MAX, LIMIT_DEFAULT, Cursor, Limit, cursor_of, parts_of
from console.web.problems import absent
from console.web.site import Site, SiteOf
from engine.store import alerts
from engine.store.access import note
from engine.store.alerts import Alert, AlertEvent
from engine.store.session import Session

COMMENT_CHARS_MAX = 1_000
WHO_CHARS_MAX = 100
SOMEBODY = "console"
"""Who did what nobody signed."""
EVENTS_MAX = 1_000
RULE = r"^[a-z0-9][a-z0-9_-]*$"
SCOPE = r"^(city|(zone|station|gateway|model):[^\x00]+)$"

router = APIRouter(prefix="/alerts", tags=["alerts"])

Number = Annotated[int, Path(alias="id", ge=1, le=INT64_MAX, description="Of the alert.")]


@dataclass(frozen=True, slots=True)
class AlertItem:
    """What a rule raised for one scope.

    Attributes:
        id: rises with time.
        rule: code of the rule.
        kind: what sort of rule it is.
        scope: `city`, `zone:CODE`, `station:CODE`, `gateway:NAME`, `model:CODE` or `model:CODE/FIELD`.
        severity: `info`, `warning` or `critical`.
        state: `open`, `acknowledged`, `shelved` or `cleared`.
        title: what a person calls it.
        title_ko: the same in Korean; null where the rule has none.
        detail: what was found, in words.
        detail_ko: the same in Korean; null where there is none.
        subject: what was judged; null for silence and drift.
        start: of the window judged, or of the silence.
        value, limit: exact decimals; null where there is no number.
        unit: UCUM code of them.
        grouped: whether it stands for a storm.
        members: how many scopes it stands for.
        examples: of a storm, some of them.
        opened: when it was raised.
        updated: when its figures were last brought up to date.
        cleared: when its reason was gone; null while it stands.
        cause: why it was cleared.
        cause_ko: the same in Korean; null where there is none.
        acknowledged, acknowledged_by: when somebody took note, and who.
        escalated: when it was told to others because nobody had.
        shelved_until, shelved_by: until when nobody is told of it, and who wanted that.
    """

    id: int
    rule: str
    kind: str
    scope: str
    severity: str
    state: str
    title: str
    title_ko: str | None
    detail: str
    detail_ko: str | None
    subject: str | None
    start: str | None
    value: str | None
    limit: str | None
    unit: str | None
    grouped: bool
    members: int
    examples: tuple[str, ...]
    opened: str
    updated: str
    cleared: str | None
    cause: str | None
    cause_ko: str | None
    acknowledged: str | None
    acknowledged_by: str | None
    escalated: str | None
    shelved_until: str | None
    shelved_by: str | None


@dataclass(frozen=True, slots=True)
class EventItem:
    """One thing that happened to an alert.

    Attributes:
        at: when.
        event: what.
        who: did it; null for the system itself.
        severity, members, value: as of then.
        detail: in words.
        detail_ko: the same in Korean; null for what a person wrote.
    """

    at: str
    event: str
    who: str | None
    severity: str
    members: int
    value: str | None
    detail: str
    detail_ko: str | None


@dataclass(frozen=True, slots=True)
class AlertDetail(AlertItem):
    """An alert with its trail.

    Attributes:
        events: what happened to it, the oldest first.
    """

    events: tuple[EventItem, ...]


def _seen(text: str) -> str:
    """Refuse words that nobody would see."""
    if not text.strip():
        raise PydanticCustomError("unseen", "expected words, not only blanks")
    return text


class Handling(BaseModel):
    """What a person says when handling an alert."""

    model_config = ConfigDict(extra="forbid", strict=True)

    comment: str = Field("", max_length=COMMENT_CHARS_MAX, description="Stands in its trail.")
    who: Annotated[str, AfterValidator(_seen)] = Field(
        SOMEBODY, min_length=1, max_length=WHO_CHARS_MAX, description="Who does it, where nobody signs in."
    )


class Shelving(Handling):
    """The same, with a time."""

    minutes: int = Field(ge=1, le=SHELF_MINUTES_MAX, description="For how long nobody is told.")


class Comment(Handling):
    """The same, with words that must be there."""

    comment: Annotated[str, AfterValidator(_seen)] = Field(
        min_length=1, max_length=COMMENT_CHARS_MAX, description="Stands in its trail."
    )


@router.get("", response_model=Page[AlertItem])
def get_alerts(
    request: Request,
    site: SiteOf,
    state: Annotated[
        str | None, Query(description="standing, open, acknowledged, shelved or cleared; all where left out.")
    ] = None,
    severity: Annotated[str | None, Query(description="info, warning or critical.")] = None,
    rule: Annotated[str | None, Query(max_length=CODE_CHARS_MAX, pattern=RULE, description="Code of a rule.")] = None,
    scope: Annotated[
        str | None, Query(max_length=CODE_CHARS_MAX, pattern=SCOPE, description="As alerts have it.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Response:
    """Alerts, the newest first."""
    if state is not None:
        (state, *_) = listed_words("state", state, (alerts.STANDING, *alerts.STATES))
    if severity is not None:
        (severity, *_) = listed_words("severity", severity, tuple(map(str, SEVERITIES)))
    before = None if cursor is None else parts_of(cursor, int)[0]
    asked: dict[str, Any] = {"state": state, "severity": severity, "rule": rule, "scope": scope, "before_id": before}
    now_us = site.now_us()
    found = site.stores.ask(lambda store: alerts.read(store.session, now_us, limit=limit + 1, **asked))
    following = cursor_of(found[limit - 1].alert_id) if len(found) > limit else None
    return listed(request, AlertItem, [_item(site, one, now_us) for one in found[:limit]], following)


@router.get("/{id}", response_model=AlertDetail)
def get_alert(site: SiteOf, number: Number) -> Response:
    """One alert with everything that happened to it."""
    return site.stores.ask(lambda store: _detail(store.session, site, number))


@router.post("/{id}/acknowledge", response_model=AlertDetail)
def acknowledge_alert(request: Request, site: SiteOf, number: Number, said: Handling) -> Response:
    """Take note of an alert: it is no longer escalated. The first one who does stands in it."""
    return _done(request, site, number, said, alerts.acknowledge)


@router.post("/{id}/shelve", response_model=AlertDetail)
def shelve_alert(request: Request, site: SiteOf, number: Number, said: Shelving) -> Response:
    """Tell nobody of an alert's rule and scope for some time, also if it is cleared and raised again."""

    def shelve(session: Session, alert_id: int, who: str, comment: str, now_us: int) -> Alert | None:
        until_us = shelf_us(now_us, said.minutes * MINUTE_US)
        return alerts.shelve(session, alert_id, who, comment, until_us, now_us)

    return _done(request, site, number, said, shelve)


@router.post("/{id}/unshelve", response_model=AlertDetail)
def unshelve_alert(request: Request, site: SiteOf, number: Number, said: Handling) -> Response:
    """End a shelf before its time."""
    return _done(request, site, number, said, alerts.unshelve)


@router.post("/{id}/comment", response_model=AlertDetail)
def comment_alert(request: Request, site: SiteOf, number: Number, said: Comment) -> Response:
    """Add a remark to an alert's trail."""
    return _done(request, site, number, said, alerts.comment)


def _done(
    request: Request,
    site: Site,
    number: int,
    said: Handling,
    change: Callable[[Session, int, str, str, int], Alert | None],
) -> Response:
    """Let a person do something with an alert, on a connection that may write, and return it as it is then.

    What is done and its entry in the audit stand or fall together.
    """
    noted = change_of(request)
    who = noted.grant.who or said.who  # whoever signed in does it himself, whatever is said
    with site.handling() as session:
        with session.transaction():
            if change(session, number, who, said.comment, site.now_us()) is None:
                raise _absent(number)
            note(session, noted.entry(HTTPStatus.OK))
        noted.noted = True
        return _detail(session, site, number)


def _detail(session: Session, site: Site, number: int) -> Response:
    one = alerts.one(session, number)
    if one is None:
        raise _absent(number)
    events = tuple(_event(event) for event in alerts.events(session, number, limit=EVENTS_MAX))
    return whole(AlertDetail(**_record(site, one, site.now_us()), events=events))


def _absent(number: int) -> Exception:
    return absent("id", f"there is no alert {number}")


def _item(site: Site, one: Alert, now_us: int) -> AlertItem:
    return AlertItem(**_record(site, one, now_us))


def _event(one: AlertEvent) -> EventItem:
    return EventItem(**event_record(one), detail_ko=None if one.who else korean_detail(one.detail))


def _record(site: Site, one: Alert, now_us: int) -> dict[str, Any]:
    """Return an alert with its texts in Korean; a rule that was changed since says nothing of its older titles."""
    rule = site.rules.get(one.rule)
    own = rule.title_ko if rule is not None and rule.title == one.title else ""
    return {
        **alert_record(one, now_us),
        "title_ko": own or korean_title(one.title),
        "detail_ko": korean_detail(one.detail),
        "cause_ko": korean_detail(one.cause),
    }
