"""`cityvitals kpis findings`: what a verifier would ask about the figures that are stored, and since when.

Knows options and rendering; the checks are `engine.kpi`'s, and no figure is computed here.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.kpi_figures import AtOption, Row
from console.commands.kpi_period import OnePeriod, one_period
from console.commands.results import city_clock, open_store
from console.output import Col, print_json, print_table
from console.text import counted, local_time, parse_time

if TYPE_CHECKING:
    from console.context import Context

STYLES = {"error": "red", "question": "yellow", "lack": "dim"}
NAMED_MAX = 3
"""Data points that a line names; the others are counted."""


def findings(
    context: typer.Context,
    at: AtOption = None,
    gone: Annotated[bool, typer.Option("--gone", help="Also what was found once and is gone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """List what a verifier would ask about the figures: what cannot be, what is unusual, what is not stated.

    The figures are the annual ones of `--at YEAR`, or without it those of the last twelve months (of a young
    installation, of the year so far), with what the city declares in `declared.csv`. The checks are the method's own;
    `docs/kpis.md` lists them. A finding never changes a figure, and a city may be unusual and right.

    A running gateway keeps them beside the figures, each with the time since when it stands; `--gone` shows also those
    that no longer do. Where nobody has kept any they are found on the spot.

    **Example**: `cityvitals --city cities/seoul kpis findings --at 2025`
    """
    period = one_period(context.obj, at)
    rows = _kept(context.obj, period) or _found(period)
    rows = [row for row in rows if gone or row["gone"] is None]
    if as_json:
        print_json(rows)
        return
    zone = city_clock(context.obj)
    standing = sum(row["gone"] is None for row in rows)
    print_table(
        f"{counted(standing, 'finding')} on the figures of {period.title}",
        [Col("severity"), Col("rule"), Col("what was found"), Col("data points"), Col("since")],
        (_cells(row, zone) for row in rows),
        note="figures that only the city can state are in it where declared.csv states them",
    )


def _kept(context: Context, period: OnePeriod) -> list[Row]:
    """Return what is kept of a period, for programs; nothing where nobody kept any."""
    from devices import rfc3339

    if not period.rows:
        return []
    with open_store(context) as store:
        found = store.kpi_findings(period.rows[0].horizon, period.rows[0].year)
    return [
        {
            "severity": one.severity, "rule": one.rule, "data_points": one.data_points, "text": one.detail,
            "first_seen": rfc3339(one.first_seen_us), "last_seen": rfc3339(one.last_seen_us),
            "gone": None if one.gone_us is None else rfc3339(one.gone_us),
        }
        for one in found
    ]  # fmt: skip


def _found(period: OnePeriod) -> list[Row]:
    from engine.kpi import findings as found_in

    return [
        {
            "severity": str(one.severity), "rule": one.rule, "data_points": list(one.data_points), "text": one.text,
            "first_seen": None, "last_seen": None, "gone": None,
        }
        for one in found_in(period.submission)
    ]  # fmt: skip


def _cells(row: Row, zone: tzinfo) -> tuple[str | Text, ...]:
    keys = row["data_points"]
    severity = str(row["severity"])
    since = "" if row["first_seen"] is None else _clock(str(row["first_seen"]), zone)
    if row["gone"] is not None:
        since += f" until {_clock(str(row['gone']), zone)}"
    named = _named(tuple(keys)) if isinstance(keys, list) else ""
    return Text(severity, style=STYLES[severity]), str(row["rule"]), str(row["text"]), named, since


def _clock(time: str, zone: tzinfo) -> str:
    return local_time(parse_time(time, zone), zone)


def _named(keys: tuple[str, ...]) -> str:
    more = len(keys) - NAMED_MAX
    return ", ".join(keys[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
