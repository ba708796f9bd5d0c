"""What a figure is worth: its status in one word, and which of an indicator's windows to show.

Knows definitions and stored results; renders nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.indicators import INDICATORS, Indicator, Pool
from engine.store import IndicatorReading
from engine.store.alerts import Window

LENGTH_US = {"hour": 3_600_000_000, "day": 86_400_000_000}
"""Rough lengths of windows; a civil day may be an hour off."""

DEFINITIONS: Mapping[tuple[str, str], tuple[int, Indicator]] = {
    (one.code, one.window.name.lower()): (place, one) for place, one in enumerate(INDICATORS)
}
"""Place and definition of every indicator, by code and window."""


def status(definition: Indicator, received: int, due: int, *, known: bool, closed: bool) -> str:
    """Return in one word what a figure is worth.

    `none`: there is no figure. `open`: the window is still open. `incomplete`: too few of the expected readings came.
    `valid`: none of these.
    """
    if not known:
        return "none"
    if not closed:
        return "open"
    return "valid" if definition.valid(received, due) else "incomplete"


def enough(row: IndicatorReading | Window, definition: Indicator | None) -> bool:
    """Say whether enough of the expected readings came for a figure to count."""
    return definition is None or definition.valid(row.received, row.expected)


def counts(row: IndicatorReading | Window, definition: Indicator | None) -> bool:
    """Say whether a window's figure is one to go by: there is one, of enough readings, and a sum only once it is whole.

    Half an hour's water is no smaller figure of the same thing, as half an hour's mean would be.
    """
    partial = row.revision == 0 and definition is not None and definition.pool is Pool.SUM
    return row.value is not None and enough(row, definition) and not partial


def newest_that_counts(windows: Sequence[IndicatorReading]) -> IndicatorReading:
    """Return the window to show: the newest whose coverage suffices, else the newest with a figure, else the newest.

    An hour that has only begun would otherwise hide the last full one.
    """
    for row in reversed(windows):
        _, definition = DEFINITIONS.get((row.indicator, row.window), (0, None))
        if counts(row, definition):
            return row
    return next((row for row in reversed(windows) if row.value is not None), windows[-1])
