"""`cityvitals kpis findings`: what a verifier would ask about the figures that are stored.

Knows options and rendering; the checks are `engine.kpi`'s, and no figure is computed here.
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from console.commands.kpi_figures import AtOption
from console.commands.kpi_period import one_period
from console.output import Col, print_json, print_table
from console.text import counted

STYLES = {"error": "red", "question": "yellow", "lack": "dim"}
NAMED_MAX = 3
"""Data points that a line names; the others are counted."""


def findings(
    context: typer.Context,
    at: AtOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """List what a verifier would ask about the figures: what cannot be, what is unusual, what is not stated.

    The figures are the annual ones of `--at YEAR`, or without it those of the last twelve months (of a young
    installation, of the year so far), with what the city declares in `declared.csv`. The checks are the method's own;
    `docs/kpis.md` lists them. A finding never changes a figure, and a city may be unusual and right.

    **Example**: `cityvitals --city cities/seoul kpis findings --at 2025`
    """
    from engine.kpi import findings as found_in

    period = one_period(context.obj, at)
    hits = found_in(period.submission)
    if as_json:
        print_json(
            {"severity": one.severity, "rule": one.rule, "data_points": list(one.data_points), "text": one.text}
            for one in hits
        )
        return
    print_table(
        f"{counted(len(hits), 'finding')} on the figures of {period.title}",
        [Col("severity"), Col("rule"), Col("what was found"), Col("data points")],
        ((Text(one.severity, style=STYLES[one.severity]), one.rule, one.text, _named(one.data_points)) for one in hits),
        note="figures that only the city can state are in it where declared.csv states them",
    )


def _named(keys: tuple[str, ...]) -> str:
    more = len(keys) - NAMED_MAX
    return ", ".join(keys[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
