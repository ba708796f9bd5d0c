"""`indicators --with-flagged`: beside each figure what it would be if no flagged reading were left out.

Knows rows of the command; the figures are computed by `engine.with_flagged`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from console.commands.periods import PERIODS
from console.errors import MisuseError

if TYPE_CHECKING:
    from console.context import Context
    from engine.store import Store

Row = dict[str, object]


def refuse_beside(window: str | None, *, known: str | None, revisions: bool) -> None:
    """Refuse options that ask for figures which are not computed from what is stored now.

    Raises:
        MisuseError
    """
    for given, name in ((known is not None, "--at"), (revisions, "--revisions"), (window in PERIODS, "--window")):
        if given:
            raise MisuseError(
                f"--with-flagged and {name}{f' {window}' if name == '--window' else ''} exclude each other",
                "ask for hours or days as they stand",
            )


def add_with_flagged(context: Context, store: Store, rows: Iterable[Row]) -> None:
    """Add `with_flagged` and `received_with_flagged` to rows; where nothing is left out they are the figure's own.

    Raises:
        MisuseError: no city is named, whose devices the figures need.
    """
    from devices import time_us_from_rfc3339
    from engine.indicators import INDICATORS
    from engine.with_flagged import with_flagged

    rows = list(rows)
    starts = [time_us_from_rfc3339(str(row["start"])) for row in rows]
    if not starts:
        return
    registry = context.registry()
    registered = store.register(registry, INDICATORS, keep=False)
    found = {}
    for one in with_flagged(store, registry, registered, min(starts), max(starts) + 1):
        scope = one.scope_kind if one.scope_kind == "city" else f"{one.scope_kind}:{one.scope}"
        found[one.indicator, one.window, scope, one.start_us] = one
    for row, start_us in zip(rows, starts, strict=True):
        figure = found.get((str(row["indicator"]), str(row["window"]), str(row["scope"]), start_us))
        row["with_flagged"] = row["value"] if figure is None else figure.value
        row["received_with_flagged"] = row["received"] if figure is None else figure.received
