"""The guard around the application: no request passes of which is not known who makes it, and that he may.

Knows HTTP and the order of the checks; who somebody is the gate knows, and what a role may the table of roles.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.text import printable
from console.web.guard import sign_in
from console.web.guard.gate import AwayError, Gate, NobodyError
from console.web.guard.grants import Change, Grant
from console.web.guard.roles import SAFE_METHODS, needed, who_may
from console.web.layers import Layer
from console.web.problems import ProblemError, away, response_of
from engine.store import StoreError

log = logging.getLogger("console")

ACTION_CHARS_MAX = 300
HEADER = "x-cityvitals"
"""A change by a page without a JSON body carries it: no form of a foreign page can."""
UNDONE = 499
"""Noted as the result of a change that was cut off before it was answered."""


class Guard(Layer):
    """Passes on what is allowed, with `grant`, `stands` and, for a change, `change` in the request's state."""

    def __init__(self, app: ASGIApp, gate: Gate, routes: Sequence[BaseRoute]) -> None:
        """Stand before an application.

        Args:
            app: the application.
            gate: knows who asks.
            routes: what the application serves; it refuses the rest by itself.
        """
        super().__init__(app)
        self._gate, self._routes = gate, routes

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        try:
            grant = await self._admitted(scope)
        except ProblemError as error:
            await _refusal(scope, error)(scope, receive, send)
            return
        if grant is None:
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["grant"], state["stands"] = grant, lambda: self._gate.stands(grant)
        if self._changes(scope):
            await self._noted(scope, receive, send, grant)
        else:
            await self._app(scope, receive, send)

    async def _admitted(self, scope: Scope) -> Grant | None:
        """Return who asks; None where that need not be known.

        Raises:
            ProblemError: it is not allowed.
        """
        method, path, headers = scope["method"], scope["path"], Headers(scope=scope)
        address, pace = address_of(scope), self._gate.pace
        if sign_in.is_public(method, path):
            pace.take(address)
            if method not in SAFE_METHODS:
                _refuse_foreign_pages(headers)
            return None
        try:
            grant = await self._gate.grant(headers)
        except NobodyError as error:
            raise pace.refusal(address, str(error)) from None
        except AwayError as error:
            raise away(str(error)) from None
        # Whoever is known is one client wherever he asks from: behind a proxy all have one address.
        client = f"{grant.who}@{grant.token_id}" if grant.who else address
        pace.take(client)
        right, changes = needed(method, path), self._changes(scope)
        if not grant.may(right) and (changes or method in SAFE_METHODS):
            if changes:
                pace.attempt(client)
                await self._note(Change(grant, address, _action(scope)), HTTPStatus.FORBIDDEN)
            named = grant.role_names or "no role of ours"
            raise ProblemError(403, "not-allowed", f"this is for {who_may(right)}; you are {named}")
        if changes and grant.how in ("open", "session"):
            _refuse_foreign_pages(headers)
        return grant

    def _changes(self, scope: Scope) -> bool:
        """Say whether a request is for something that changes anything, rather than for nothing that is served."""
        return scope["method"] not in SAFE_METHODS and any(
            route.matches(scope)[0] is Match.FULL for route in self._routes
        )

    async def _noted(self, scope: Scope, receive: Receive, send: Send, grant: Grant) -> None:
        """Pass a change on, and see that it is noted however it ends."""
        change = Change(grant, address_of(scope), _action(scope))
        scope["state"]["change"] = change
        status = UNDONE

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            if not (change.noted and status < HTTPStatus.BAD_REQUEST):
                await self._note(change, status)

    async def _note(self, change: Change, status: int) -> None:
        entry = change.entry(status)
        try:
            await run_in_threadpool(self._gate.keeper.note, entry)
        except StoreError:
            log.exception("the audit could not take %s", entry)


def _refuse_foreign_pages(headers: Headers) -> None:
    """Refuse a change that a page of another origin may have caused: the browser would send our cookie along.

    Raises:
        ProblemError
    """
    origin, host = headers.get("origin"), headers.get("host", "")
    foreign = origin is not None and origin.rpartition("//")[2] != host
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    # A foreign page can send neither without asking first, and it is not answered.
    meant = HEADER in headers or content_type == "application/json"
    if foreign or not meant or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise ProblemError(
            403,
            "not-allowed",
            "a change comes as JSON, or with the header X-Cityvitals, and from no page of another origin",
        )


def _refusal(scope: Scope, error: ProblemError) -> Response:
    """Return a refusal: the sign-in page for a person who opens a page, else a problem."""
    accept = Headers(scope=scope).get("accept", "")
    if error.problem.status == HTTPStatus.UNAUTHORIZED and scope["method"] == "GET" and "text/html" in accept:
        return sign_in.page(HTTPStatus.UNAUTHORIZED)
    return response_of(error)


def address_of(scope: Scope) -> str:
    """Return the address that a request comes from."""
    return scope["client"][0] if scope.get("client") else ""


def _action(scope: Scope) -> str:
    return f"{scope['method']} {printable(scope['path'].encode('utf-8', 'surrogateescape'), ACTION_CHARS_MAX)}"
