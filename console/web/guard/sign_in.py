"""Signing in and out of a page: the sign-in page, and the session that its cookie stands for.

Knows the cookie's attributes and the page's files; who somebody is the gate knows.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from console.web.formats import whole
from console.web.guard.gate import AwayError, Gate, NobodyError
from console.web.guard.grants import Change, Grant, grant_of
from console.web.guard.oidc import TOKEN_CHARS_MAX
from console.web.guard.roles import SESSION_PATH, Right
from console.web.guard.sessions import COOKIE
from console.web.problems import UNANSWERED, ProblemError, away
from devices import rfc3339
from engine.store import StoreError

log = logging.getLogger("console")

FOLDER = Path(__file__).parent / "page"
FILES = {
    "/sign-in": ("sign-in.html", "text/html; charset=utf-8"),
    "/sign-in.css": ("sign-in.css", "text/css; charset=utf-8"),
    "/sign-in.js": ("sign-in.js", "text/javascript; charset=utf-8"),
}

router = APIRouter(prefix="/session", tags=["access"])


class SignIn(BaseModel):
    """What is shown at the sign-in."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[
        str, Field(min_length=1, max_length=TOKEN_CHARS_MAX, description="Of the console, or of the identity provider.")
    ]


@dataclass(frozen=True, slots=True)
class SessionItem:
    """Who asks, and what they may do.

    Attributes:
        who: name of the token, or subject; empty where nobody signs in.
        roles: of viewer, operator, assessor, admin.
        rights: what they allow.
        how: `open` (nobody signs in), `token`, `oidc` or `session` (a page's cookie).
        until: when it ends by itself; null where it does not.
    """

    who: str
    roles: tuple[str, ...]
    rights: tuple[str, ...]
    how: str
    until: str | None


def is_public(method: str, path: str) -> bool:
    """Say whether it need not be known who asks."""
    return (method in ("GET", "HEAD") and path in FILES) or (method == "POST" and path == SESSION_PATH)


def page(status: int = 200) -> Response:
    """Return the sign-in page."""
    name, media_type = FILES["/sign-in"]
    return Response((FOLDER / name).read_bytes(), status, media_type=media_type)


def item(grant: Grant) -> SessionItem:
    """Return a grant for programs."""
    until = None if grant.until_s is None else rfc3339(grant.until_s * 1_000_000)
    rights = tuple(right.value for right in Right if grant.may(right))
    return SessionItem(grant.who, tuple(sorted(grant.roles)), rights, grant.how, until)


@router.get("", response_model=SessionItem)
def get_session(request: Request) -> Response:
    """Who asks, and what they may do."""
    return whole(item(grant_of(request)))


@router.post("", response_model=SessionItem)
async def post_session(request: Request, given: SignIn) -> Response:
    """Sign a page in: the answer's cookie stands for the token from then on."""
    gate: Gate = request.app.state.site.gate
    address = request.client.host if request.client else ""
    try:
        grant = await gate.signed_in(given.token)
        text, seconds = gate.cookie(grant)
        await run_in_threadpool(gate.keeper.note, Change(grant, address, "sign in").entry(200))
    except NobodyError as error:
        raise gate.pace.refusal(address, str(error)) from None
    except AwayError as error:
        raise away(str(error)) from None
    except StoreError as error:
        log.warning("nobody can sign in: %s", error)
        raise away(UNANSWERED) from None
    if not grant.roles:
        raise ProblemError(403, "not-allowed", "the identity provider names no role of ours; see docs/operators.md")
    response = whole(item(grant))
    response.set_cookie(
        COOKIE, text, max_age=seconds, path="/", secure=request.url.scheme == "https", httponly=True, samesite="strict"
    )
    return response


@router.delete("", status_code=204)
def delete_session(request: Request) -> Response:
    """Sign a page out."""
    response = Response(status_code=204)
    response.delete_cookie(
        COOKIE, path="/", secure=request.url.scheme == "https", httponly=True, samesite="strict"
    )  # fmt: skip
    return response


def _get_file(request: Request) -> Response:
    name, media_type = FILES[request.url.path]
    return Response((FOLDER / name).read_bytes(), media_type=media_type)


PAGE_ROUTES = tuple(Route(path, _get_file, methods=["GET"]) for path in FILES)
"""The files of the sign-in page."""
