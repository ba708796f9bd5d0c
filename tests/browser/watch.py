"""Watches what goes wrong on a page while a test looks at something else; must not know what the page shows."""

from __future__ import annotations

import re

from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

GIVEN_UP = "net::ERR_ABORTED"
"""The page itself ended the request, or left: nothing failed."""


class Watch:
    """Notes every console error, uncaught exception, failed request and refusing answer of a page."""

    def __init__(self, page: Page) -> None:
        self._noted: list[str] = []
        self._forgiven: list[re.Pattern[str]] = []
        page.on("console", self._console)
        page.on("pageerror", self._exception)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def forgive(self, pattern: str) -> None:
        """Let a fault that the pattern finds pass: for what a test causes itself."""
        self._forgiven.append(re.compile(pattern))

    @property
    def faults(self) -> list[str]:
        """What was noted and is not forgiven, in the order in which it came."""
        return [fault for fault in self._noted if not any(pattern.search(fault) for pattern in self._forgiven)]

    def taken(self) -> list[str]:
        """Return what was noted and is not forgiven, and begin anew with nothing noted and nothing forgiven."""
        faults = self.faults
        self._noted.clear()
        self._forgiven.clear()
        return faults

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._noted.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _exception(self, error: Error) -> None:
        self._noted.append(f"uncaught: {error.stack or error.message}")

    def _failed(self, request: Request) -> None:
        if request.failure != GIVEN_UP:
            self._noted.append(f"request failed: {request.failure} {request.method} {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._noted.append(f"answer {response.status}: {response.request.method} {response.url}")
