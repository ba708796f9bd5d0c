"""`GET /api/v1/live`: what is newest, as server-sent events.

Knows the event loop, the hub and the way of an event onto the wire; what is told the watcher finds out.
"""

from __future__ import annotations

import asyncio
import random
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from console.web.guard.grants import Stands, stands_of
from console.web.road import LiveRoad
from console.web.site import SiteOf

HEARTBEAT_S = 15.0
"""After so long without an event a comment says that the connection lives."""
HEARTBEAT = b":\n\n"
RETRY_MS = (1_000, 3_000)
"""When a client may come again: all of them come at different times after a restart."""
STANDS_S = 5.0
"""A client is asked this often whether it may still listen."""
CLOSE_S_MAX = 2.0
"""A client that does not take its last events within this time of the end is left behind."""
_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # A proxy that gathers an answer before it passes it on would never pass this one on.
    (b"x-accel-buffering", b"no"),
)

ID_CHARS_MAX = 100

router = APIRouter(tags=["live"])


class EventStream(Response):
    """An answer that goes on until its client goes, does not take what waits for it, or the hub closes."""

    def __init__(self, road: LiveRoad, last_id: str | None, stands: Stands) -> None:
        """Join as a client.

        Args:
            road: where events come from.
            last_id: id of the last event the client had.
            stands: says whether the client may still listen.

        Raises:
            ProblemError: there is no place.
        """
        super().__init__()
        self.raw_headers = list(_HEADERS)
        self._road, self._stands = road, stands
        self._awake, self._ended = asyncio.Event(), asyncio.Event()
        self._client = road.join(last_id, self._wake)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (the protocol's)
        """Send events for as long as it goes."""
        tasks = [
            asyncio.create_task(self._write(send), name="live-write"),
            asyncio.create_task(_gone(receive), name="live-gone"),
            asyncio.create_task(self._let_go(), name="live-let-go"),
            asyncio.create_task(self._forbid(), name="live-forbid"),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (error := task.exception()) is not None and not isinstance(error, OSError):
                    raise error
        finally:
            self._road.hub.leave(self._client)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _wake(self) -> None:
        self._awake.set()
        if self._client.closed:
            self._ended.set()

    async def _write(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        await _send(send, b"retry: %d\n\n" % random.randint(*RETRY_MS))  # noqa: S311  (spreads load, keeps no secret)
        while True:
            if waiting := self._client.take():
                await _send(send, waiting)
            elif self._client.closed:
                break
            else:
                self._awake.clear()
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await self._awake.wait()
                except TimeoutError:
                    await _send(send, HEARTBEAT)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _let_go(self) -> None:
        """Return when the client is not waited for: one that does not take would hold its writer for ever."""
        await self._ended.wait()
        if not self._client.given_up:
            await asyncio.sleep(CLOSE_S_MAX)

    async def _forbid(self) -> None:
        """End it for a client who may no longer listen: its token was revoked, or the session is over."""
        while await self._stands():
            await asyncio.sleep(STANDS_S)
        self._client.end(given_up=False)
        await asyncio.Event().wait()


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    """Return when the client has ended the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


@router.get("/live", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def get_live(
    request: Request,
    site: SiteOf,
    last_event_id: Annotated[str | None, Header(max_length=ID_CHARS_MAX, description="As browsers send it.")] = None,
    last_id: Annotated[
        str | None, Query(max_length=ID_CHARS_MAX, description="The same for clients that cannot send the header.")
    ] = None,
) -> Response:
    """What is newest, as it changes: server-sent events without an end.

    `snapshot` has every item of the city and its zones, as `/indicators/latest` without history, `values` those that
    changed, and `alerts` alerts that did; `state` says whether the database answers, how far the figures reach and how
    many alerts stand. Who comes again with the id of the last event it had is given what it missed, or a fresh
    `snapshot`. A comment comes at least every 15 seconds.
    """
    return EventStream(site.live, last_event_id or last_id, stands_of(request))
