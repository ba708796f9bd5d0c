"""Asks axe-core whether everybody can use a page; must not know what the page shows."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

SERIOUS = ("serious", "critical")


@cache
def _source() -> str:
    (file,) = Path(__file__).parent.glob("vendor/axe-core-*/axe.min.js")
    return file.read_text()


def findings(page: Page, impacts: tuple[str, ...] = SERIOUS) -> list[str]:
    """Return what axe finds on a page as it stands: rule, what is wrong, where; empty when nothing is.

    The program is handed over by the debugger and not by the page, so a content-security policy need not be loosened.
    It waits by timers: with a clock that stands still it would never end.
    """
    page.evaluate(_source())
    violations = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        f"{one['impact']} {one['id']}: {one['help']}; {node['target']} {node['html']}: {node['failureSummary']}"
        for one in violations
        if one["impact"] in impacts
        for node in one["nodes"]
    ]
