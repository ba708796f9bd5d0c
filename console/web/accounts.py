"""`/quarantine` and `/ledger`: where every reading went, and how far behind the gateway is.

Knows requests; the account is the store's, the lag the gateway's own word.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from console.text import printable
from console.web.asked import CODE_CHARS_MAX, known
from console.web.formats import Page, listed, whole
from console.web.paging import INT64_MAX, LIMIT_DEFAULT, Cursor, Limit, cursor_of, parts_of
from console.web.problems import absent
from console.web.site import Site, SiteOf
from devices import REASON_TITLES, TIME_MIN_US, rfc3339
from engine.store import LedgerRow, QuarantineEntry, pages

PREVIEW_CHARS = 200

router = APIRouter(tags=["accounts"])


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """A message, or readings of one, that did not become observations.

    Attributes:
        id: rises with time.
        received: arrival.
        reason: why, in one word of the fixed vocabulary.
        meaning: of the reason, for people.
        topic: of the message, or file and line.
        device: code; null where unknown.
        detail: what was expected and what was found.
        readings: how many it accounts for.
        payload_bytes: size as it came.
        payload_base64: as it is kept; cut where shorter than `payload_bytes`.
        preview: its begin; what is no plain text is escaped.
        commit: in which the ledger counts it.
    """

    id: int
    received: str
    reason: str
    meaning: str
    topic: str
    device: str | None
    detail: str
    readings: int
    payload_bytes: int
    payload_base64: str
    preview: str
    commit: int


@dataclass(frozen=True, slots=True)
class ReasonItem:
    """What is in the quarantine of one reason.

    Attributes:
        reason, meaning: in one word, and for people.
        readings, rows: how many.
        newest: its newest row.
        received: arrival of that.
    """

    reason: str
    meaning: str
    readings: int
    rows: int
    newest: int
    received: str


@dataclass(frozen=True, slots=True)
class CommitItem:
    """One commit of a gateway: received = accepted + duplicate + quarantined.

    Attributes:
        id: rises with time.
        committed: when.
        client: the gateway's name at the broker.
        messages: that it settles.
        received: readings in them.
        accepted: stored as observations.
        duplicate: stored already, with the same value.
        quarantined: not taken.
        restated: hours of series that were closed and that late readings change.
        replayed: of what was received, readings that the quarantine held and that were taken up again here.
    """

    id: int
    committed: str
    client: str
    messages: int
    received: int
    accepted: int
    duplicate: int
    quarantined: int
    restated: int
    replayed: int


@dataclass(frozen=True, slots=True)
class LagItem:
    """How far behind the gateway is; null where it does not say, or its address is not known.

    Attributes:
        known: whether there is a gateway to ask.
        answers: whether it answered.
        connected: whether it is subscribed at the broker.
        watermark_s: how far behind the present readings are complete.
        waiting: stored readings that the engine has not taken up yet.
        commit_s: what a commit took lately.
    """

    known: bool
    answers: bool
    connected: bool | None
    watermark_s: float | None
    waiting: int | None
    commit_s: float | None


@dataclass(frozen=True, slots=True)
class LedgerTotal:
    """The whole account.

    Attributes:
        commits, messages: settled.
        received, accepted, duplicate, quarantined: readings; see the commits.
        replayed: of the quarantined, readings whose messages were taken up again: received, and counted, once more.
        balance: readings that went nowhere: 0.
        balances: whether that is so.
        restated: hours of series computed anew after late readings.
        quarantine_rows_trimmed: rows that left the quarantine to keep its limit.
        last_commit: when; null where there was none.
        lag: how far behind the gateway is.
    """

    commits: int
    messages: int
    received: int
    accepted: int
    duplicate: int
    quarantined: int
    replayed: int
    balance: int
    balances: bool
    restated: int
    quarantine_rows_trimmed: int
    last_commit: str | None
    lag: LagItem


@router.get("/quarantine", response_model=Page[QuarantineItem])
def get_quarantine(
    request: Request,
    site: SiteOf,
    reason: Annotated[str | None, Query(description="Only of this reason.")] = None,
    device: Annotated[
        str | None, Query(max_length=CODE_CHARS_MAX, description="Only of this device, registered or not.")
    ] = None,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """What was received and not taken, the newest first."""
    if reason is not None:
        known("reason", "reason", reason, REASON_TITLES)
    before = _before(cursor)
    rows = site.stores.ask(lambda store: pages.quarantine(store.session, reason, device, before, limit + 1))
    following = cursor_of(rows[limit - 1].quarantine_id) if len(rows) > limit else None
    return listed(request, QuarantineItem, [_entry(row) for row in rows[:limit]], following)


@router.get("/quarantine/counts", response_model=Page[ReasonItem])
def get_quarantine_counts(request: Request, site: SiteOf) -> Response:
    """What is in the quarantine by reason, most first, each with its newest row."""
    rows = site.stores.ask(lambda store: pages.quarantine_reasons(store.session))
    items = [
        ReasonItem(
            one.reason, REASON_TITLES.get(one.reason, ""), one.readings, one.rows, one.newest_id, rfc3339(one.newest_us)
        )
        for one in rows
    ]
    return listed(request, ReasonItem, items, None)


@router.get("/quarantine/{id}", response_model=QuarantineItem)
def get_quarantine_one(
    site: SiteOf, quarantine_id: Annotated[int, Path(alias="id", ge=0, le=INT64_MAX, description="Of the row.")]
) -> Response:
    """One row of the quarantine with its payload."""
    row = site.stores.ask(lambda store: pages.quarantine_one(store.session, quarantine_id))
    if row is None:
        raise absent("id", f"the quarantine has no row {quarantine_id}; the oldest leave it to keep its limit")
    return whole(_entry(row))


@router.get("/ledger", response_model=Page[CommitItem])
def get_ledger(request: Request, site: SiteOf, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Response:
    """Commits, the newest first; those of old days are folded into the total."""
    before = _before(cursor)
    rows = site.stores.ask(lambda store: pages.ledger(store.session, before, limit + 1))
    following = cursor_of(rows[limit - 1].commit_id) if len(rows) > limit else None
    return listed(request, CommitItem, [_commit(row) for row in rows[:limit]], following)


@router.get("/ledger/summary", response_model=LedgerTotal)
def get_ledger_summary(site: SiteOf) -> Response:
    """The whole account, and how far behind the gateway is."""
    total = site.stores.ask(lambda store: store.ledger_summary())
    return whole(
        LedgerTotal(
            commits=total.commits,
            messages=total.messages,
            received=total.received,
            accepted=total.accepted,
            duplicate=total.duplicate,
            quarantined=total.quarantined,
            replayed=total.replayed,
            balance=total.balance,
            balances=total.balance == 0,
            restated=total.restated,
            quarantine_rows_trimmed=total.trimmed,
            last_commit=None if total.last_us == TIME_MIN_US else rfc3339(total.last_us),
            lag=lag_item(site),
        )
    )


def lag_item(site: Site) -> LagItem:
    """Return how far behind the gateway is."""
    found = site.gateway.values()
    connected, waiting = found.get("cityvitals_mqtt_connected"), found.get("cityvitals_engine_waiting_observations")
    return LagItem(
        known=site.gateway.known,
        answers=bool(found),
        connected=None if connected is None else connected == 1.0,
        watermark_s=found.get("cityvitals_watermark_lag_seconds"),
        waiting=None if waiting is None else int(waiting),
        commit_s=site.gateway.commit_s,
    )


def _before(cursor: str | None) -> int:
    """Return the id below which a page begins."""
    return INT64_MAX if cursor is None else cast("tuple[int]", parts_of(cursor, int))[0]


def _entry(row: QuarantineEntry) -> QuarantineItem:
    return QuarantineItem(
        id=row.quarantine_id,
        received=rfc3339(row.received_us),
        reason=row.reason,
        meaning=REASON_TITLES.get(row.reason, ""),
        topic=row.topic,
        device=row.device or None,
        detail=row.detail,
        readings=row.readings,
        payload_bytes=row.payload_bytes,
        payload_base64=base64.b64encode(row.payload).decode(),
        preview=printable(row.payload, PREVIEW_CHARS),
        commit=row.commit_id,
    )


def _commit(row: LedgerRow) -> CommitItem:
    return CommitItem(
        row.commit_id, rfc3339(row.committed_us), row.client, row.messages, row.received, row.accepted, row.duplicate,
        row.quarantined, row.restated, row.replayed,
    )  # fmt: skip
