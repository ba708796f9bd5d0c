"""Clients of live events on real sockets, as many as wanted in one thread, each keeping what it was told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

WAIT_S_MAX = 120.0


@dataclass
class Listener:
    """One client: it speaks HTTP by its own few lines, so that no library's patience hides ours.

    Attributes:
        url: of the console.
        items: newest items by scope, indicator and window.
        told: every item ever told, in order.
        state: the newest word on the database.
        last_id: of the last event that had one.
        numbers: of all events that had one.
        ended: whether the server ended the answer in form.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    state: dict[str, Any] | None = None
    last_id: str | None = None
    numbers: list[int] = field(default_factory=list)
    status: int = 0
    ended: bool = False
    _writer: asyncio.StreamWriter | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Listen until the server ends it, or `close` is called."""
        where = urlsplit(self.url)
        self._loop = asyncio.get_running_loop()
        reader, self._writer = await asyncio.open_connection(where.hostname, where.port)
        asked = {"Host": where.netloc, "Accept": "text/event-stream", **self.headers}
        if self.last_id is not None:
            asked["Last-Event-ID"] = self.last_id
        lines = ["GET /api/v1/live HTTP/1.1", *(f"{name}: {value}" for name, value in asked.items()), "", ""]
        self._writer.write("\r\n".join(lines).encode())
        self.ended = False
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.status = int(head.split()[1])
            rest = b""
            while size := int(await reader.readline(), 16):
                rest += (await reader.readexactly(size + 2))[:-2]
                *blocks, rest = rest.split(b"\n\n")
                for block in blocks:
                    self._take(block.decode())
            self.ended = True
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            self._writer.close()

    def close(self) -> None:
        """Break off, as a client that is switched off does."""
        assert self._writer is not None
        self._writer.transport.abort()

    def hang_up(self) -> None:
        """The same, from another thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.close)

    def _take(self, block: str) -> None:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "event" not in fields:
            return
        self.events.append(fields["event"])
        data = json.loads(fields["data"])
        if fields["event"] == "state":
            self.state = data
        elif fields["event"] in ("snapshot", "values"):
            found = {f"{i['scope']}/{i['indicator']}/{i['window']}": i for i in data["items"]}
            self.items = found if fields["event"] == "snapshot" else {**self.items, **found}
            self.told += data["items"]
        if "id" in fields:
            self.last_id = fields["id"]
            self.numbers.append(int(fields["id"].rpartition("-")[2]))


async def until(condition: Callable[[], bool], what: str) -> None:
    """Give the listeners time until something holds."""
    async with asyncio.timeout(WAIT_S_MAX):
        while not condition():
            await asyncio.sleep(0.005)
    assert condition(), what
