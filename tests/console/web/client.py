"""A client of the console that leaves out nothing and adds nothing: one request, its answer."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlencode

ANSWER_S_MAX = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def items(self) -> list[dict[str, Any]]:
        """The items of a page."""
        assert self.status == 200, self.body
        found: list[dict[str, Any]] = self.json["items"]
        return found

    @property
    def fields(self) -> list[str]:
        """What a problem says is wrong."""
        assert self.headers["content-type"] == "application/problem+json"
        return [one["field"] for one in self.json["errors"]]


class Client:
    """Asks one console.

    Args:
        url: of its page.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def __call__(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        send: object = None,
        **query: object,
    ) -> Answer:
        """Ask for a path, below the API's prefix unless it begins with a slash; what is sent goes as JSON, by POST.

        Bytes go as they are.
        """
        where = path if path.startswith("/") else f"/api/v1/{path}"
        asked = f"?{urlencode({name.rstrip('_'): value for name, value in query.items()})}" if query else ""
        body = send if isinstance(send, bytes) else None if send is None else json.dumps(send).encode()
        method, sent = (method, {}) if send is None else ("POST", {"Content-Type": "application/json"})
        request = urllib.request.Request(  # noqa: S310  (our own server)
            self.url + where + asked, body, {**sent, **(headers or {})}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S_MAX) as answer:  # noqa: S310  (our own server)
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def pages(self, path: str, **query: object) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        found = self(path, **query)
        items = list(found.items)
        while (cursor := found.json["next"]) is not None:
            found = self(path, **query, cursor=cursor)
            items += found.items
        return items
