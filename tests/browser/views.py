"""The views of the page: how to get to one, and what stands on it once its data are there; knows no test."""

from __future__ import annotations

from playwright.sync_api import Page, expect

VIEWS = ("wall", "map", "explore", "alerts", "health", "kpis")
READY = {
    "wall": "tile",
    "map": "map-devices",
    "explore": "chart",
    "alerts": "alerts",
    "health": "ledger-verdict",
    "kpis": "kpi-table",
}
"""What stands on a view once its data are there."""
WAIT_MS_MAX = 60_000
"""A condition that is waited for comes sooner; only a broken page waits so long."""

expect.set_options(timeout=WAIT_MS_MAX)


def show(page: Page, address: str, view: str, query: str = "") -> Page:
    """Go to a view and wait until its data stand there."""
    page.goto(f"{address}/#/{view}{query}")
    expect(page.get_by_test_id(READY[view]).first).to_be_visible()
    return page
