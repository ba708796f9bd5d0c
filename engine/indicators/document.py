"""The catalogue as a table for people: what `docs/indicators.md` shows.

Renders definitions; computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.cells import Grid
from engine.indicators.definition import Indicator


def table(catalogue: Iterable[Indicator]) -> str:
    """Return a Markdown table, one row per code, the windows joined; ends with a newline."""
    rows: dict[str, list[Indicator]] = {}
    for definition in catalogue:
        rows.setdefault(definition.code, []).append(definition)
    lines = [
        "| code | title | window | unit | step | from | looks back | zones and city | standard |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(definitions) for definitions in rows.values()]
    return "\n".join(lines) + "\n"


def _row(definitions: Sequence[Indicator]) -> str:
    first = definitions[0]
    windows = [definition.window for definition in definitions]
    needed = [" or ".join(alternatives) for alternatives in first.requires]
    inputs = ", ".join(first.inputs) + (f" (required: {', '.join(needed)})" if needed else "")
    if first.states:
        inputs += f" in {', '.join(first.states)}"
    cells = [
        f"`{first.code}`",
        f"{first.title} · {first.title_ko}" if first.title_ko else first.title,
        ", ".join(window.name.lower() for window in (Grid.HOUR, Grid.DAY) if window in windows),
        first.symbol or "index",
        f"{10**-first.decimals:.{first.decimals}f}",
        inputs,
        f"{first.lookback_hours} h" if first.lookback_hours else "",
        first.pool.value,
        first.source,
    ]
    return "| " + " | ".join(cells) + " |"
