"""Chromium for the tests of the page: one browser for all of them, and for each test pages of its own that are watched.

Knows the browser and how it is driven; knows nothing of what a page shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from deploy import browser_executable
from tests.browser.views import WAIT_MS_MAX
from tests.browser.watch import Watch

if TYPE_CHECKING:
    from playwright.sync_api._generated import Clock  # its public face has everything but this name


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A running headless Chromium.

    It is of the package, not of the session: while it lives, its driver's event loop counts as running in this thread,
    and no other room's test could start one.
    """
    scratch = tmp_path_factory.mktemp("browser")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=browser_executable(scratch), downloads_path=scratch)
        yield running
        running.close()


class Pages:
    """Opens pages that share nothing with each other, and holds what goes wrong on any of them against the test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._opened: list[tuple[BrowserContext, Watch]] = []

    def open(
        self,
        *,
        width: int = 1280,
        height: int = 800,
        scheme: Literal["light", "dark"] = "light",
        language: str = "en-GB",
        time_zone: str = "UTC",
    ) -> Page:
        """Open an empty page of a reader with this window, colour scheme, language and clock."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale=language,
            timezone_id=time_zone,
            accept_downloads=True,
        )
        context.set_default_timeout(WAIT_MS_MAX)
        page = context.new_page()
        self._opened.append((context, Watch(page)))
        return page

    def forgive(self, pattern: str) -> None:
        """Let faults of the pages opened so far pass that the pattern finds: for what a test causes itself."""
        for _, watch in self._opened:
            watch.forgive(pattern)

    def told(self) -> list[str]:
        """Return what went wrong since this was last asked."""
        return [fault for _, watch in self._opened for fault in watch.taken()]

    def close(self) -> list[str]:
        """Close all and return what went wrong on them."""
        faults = self.told()
        for context, _ in self._opened:
            context.close()
        return faults


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    """Opens pages; the test fails when anything goes wrong on one that is not forgiven."""
    opened = Pages(browser)
    yield opened
    assert opened.close() == []


@pytest.fixture
def page(pages: Pages) -> Page:
    """One empty page, watched like the others."""
    return pages.open()


@pytest.fixture
def clock(page: Page) -> Clock:
    """The page's clock and timers: they go as usual until told otherwise. Ask for it before the page goes anywhere."""
    page.clock.install()
    return page.clock
