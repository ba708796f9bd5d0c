"""What `cityvitals indicators --revisions` shows: results of closed windows that later ones replaced, and why.

Knows the rendering; what was replaced is the store's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from console.commands.periods import Row
from console.output import Col, print_table
from console.text import counted, local_time

if TYPE_CHECKING:
    from engine.store import IndicatorRevision


def revision_row(one: IndicatorRevision) -> Row:
    """Return a replaced result as a record with stable keys."""
    from devices import rfc3339

    old = one.replaced
    return {
        "indicator": old.indicator,
        "window": old.window,
        "scope": old.scope_kind if old.scope_kind == "city" else f"{old.scope_kind}:{old.scope}",
        "start": rfc3339(old.start_us),
        "revision": old.revision,
        "value": None if old.value is None else f"{old.value:f}",
        "unit": old.unit,
        "band": old.band_name or None,
        "driver": old.driver or None,
        "received": old.received,
        "expected": old.expected,
        "computed": rfc3339(old.computed_us),
        "replaced": rfc3339(one.superseded_us),
        "reason": one.reason,
        "value_now": None if one.value_now is None else f"{one.value_now:f}",
        "revision_now": one.revision_now or None,
    }


def print_revisions(rows: Sequence[Row], zone: tzinfo) -> None:
    """Print replaced results as a table, by the city's clock."""
    from devices import time_us_from_rfc3339

    def clock(row: Row, key: str) -> str:
        return local_time(time_us_from_rfc3339(str(row[key])), zone)

    def text(row: Row, key: str) -> str:
        return "–" if row[key] is None else str(row[key])

    print_table(
        "",
        [
            Col("scope"), Col("indicator"), Col("window"), Col(f"start ({zone})"), Col("rev", right=True),
            Col("was", right=True), Col("band"), Col("from", right=True), Col("replaced"), Col("why"),
            Col("is now", right=True), Col("rev", right=True), Col("unit", fold=False),
        ],
        (
            (
                text(row, "scope"), text(row, "indicator"), text(row, "window"), clock(row, "start"),
                text(row, "revision"), text(row, "value"), str(row["band"] or ""),
                f"{row['received']}/{row['expected']}", clock(row, "replaced"), text(row, "reason"),
                text(row, "value_now"), text(row, "revision_now"), text(row, "unit"),
            )
            for row in rows
        ),
        counted(len(rows), "replaced result") if rows else "no result of a closed window was ever replaced",
    )  # fmt: skip
