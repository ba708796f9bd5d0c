"""What lies around every answer: headers that keep browsers safe, entity tags, bounds, and faults of our own.

Knows HTTP; knows no resource. Each is an ASGI application around another.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.web.problems import BODY_BYTES_MAX, busy, internal, response_of, too_large

STREAMS = ("/api/v1/live",)
"""Answers without an end: they are neither held to be tagged nor counted as requests under way."""

SAFE: Mapping[str, str] = {
    # Everything of the page comes from here, and no script stands in a document. uPlot and Leaflet set styles of
    # elements from their scripts, which this allows.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Kept by the client, and asked for again each time by its tag.
    "Cache-Control": "no-cache",
}
"""Headers of every answer that does not set them itself."""


class Layer(ABC):
    """An application around another, for requests alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; pass on what is none."""
        if scope["type"] == "http":
            await self.answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    @abstractmethod
    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""


class Safe(Layer):
    """Adds the headers, and turns a fault of ours into an answer."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                headers = MutableHeaders(raw=message["headers"])
                for name, value in SAFE.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if began:
                raise  # the server cuts the connection: half an answer must not pass for a whole one
            await internal(error)(scope, receive, sending)


@dataclass(slots=True)
class Load:
    """Requests so far.

    Attributes:
        taken: all but those that were refused.
        under_way: at this moment.
        refused: because too many were under way.
    """

    taken: int = 0
    under_way: int = 0
    refused: int = 0


class Bounded(Layer):
    """Refuses requests beyond a number under way, so that none waits without an end, and counts."""

    def __init__(self, app: ASGIApp, requests_max: int, load: Load) -> None:
        super().__init__(app)
        self._requests_max, self._load = requests_max, load

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["path"] in STREAMS:
            await self._app(scope, receive, send)
            return
        if self._load.under_way >= self._requests_max:
            self._load.refused += 1
            await response_of(busy(f"{self._requests_max} requests are under way"))(scope, receive, send)
            return
        self._load.taken += 1
        self._load.under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._load.under_way -= 1


class Small(Layer):
    """Refuses bodies of more than `BODY_BYTES_MAX`, before they are held."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        told = Headers(scope=scope).get("content-length", "0")
        if told.isdecimal() and (len(told) > 12 or int(told) > BODY_BYTES_MAX):
            await response_of(too_large())(scope, receive, send)
            return
        taken = 0

        async def receiving() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > BODY_BYTES_MAX:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self._app(scope, receiving, send)


class Tagged(Layer):
    """Gives a whole answer to a GET its strong entity tag, and no body to a client that has it; answers HEAD as GET."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["method"] not in ("GET", "HEAD") or scope["path"] in STREAMS:
            await self._app(scope, receive, send)
            return
        held = _Held(scope, send)
        await self._app({**scope, "method": "GET"}, receive, held.sending)


class _Held:
    """One answer, held until it is whole: pages and their limits keep every answer small."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._wanted = _tags(Headers(scope=scope).get("if-none-match", ""))
        self._head: bool = scope["method"] == "HEAD"
        self._start: Message = {}
        self._body: list[bytes] = []

    async def sending(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        body = b"".join(self._body)
        headers = MutableHeaders(raw=self._start["headers"])
        if self._start["status"] == 200:
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            headers["ETag"] = tag
            if tag in self._wanted or "*" in self._wanted:
                self._start["status"] = 304
                body = b""
                del headers["content-type"]
                del headers["content-length"]
        await self._send(self._start)
        await self._send({"type": "http.response.body", "body": b"" if self._head else body})


def _tags(header: str) -> frozenset[str]:
    """Return the tags of an If-None-Match, which compares weakly."""
    return frozenset(one.strip().removeprefix("W/") for one in header.split(","))
