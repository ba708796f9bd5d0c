"""`/audit`: who changed what, newest first.

Knows requests; what is noted the guard knows.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.web.formats import FormatOf, Page, listed
from console.web.guard.gate import Gate
from console.web.paging import LIMIT_DEFAULT, Cursor, Limit, cursor_of, parts_of
from devices import rfc3339

router = APIRouter(prefix="/audit", tags=["access"])


@dataclass(frozen=True, slots=True)
class AuditItem:
    """A change, or an attempt at one.

    Attributes:
        id: key.
        at: when.
        who: name of the token, or subject; empty where nobody signs in.
        roles: then, separated by `+`.
        how: `open`, `token`, `session`, `oidc` or `command`.
        origin: address of the client; for a command the system's user.
        action: method and path, or the command.
        result: status of HTTP; 200 for a command.
        detail: what was changed, where the action does not say it.
    """

    id: int
    at: str
    who: str
    roles: str
    how: str
    origin: str
    action: str
    result: int
    detail: str


@router.get("", response_model=Page[AuditItem])
def get_audit(request: Request, wanted: FormatOf, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Response:
    """Every change, and every attempt of somebody known; for admins."""
    gate: Gate = request.app.state.site.gate
    before = None if cursor is None else int(parts_of(cursor, int)[0])
    rows = gate.keeper.audit(before, limit + 1)
    items = [AuditItem(row.audit_id, rfc3339(row.at_us), *row.entry) for row in rows[:limit]]
    return listed(request, AuditItem, items, cursor_of(rows[limit - 1].audit_id) if len(rows) > limit else None, wanted)
