"""`cityvitals kpis findings`: what a verifier would ask about the figures that are stored.

Knows options and rendering; the checks are `engine.kpi`'s, and no figure is computed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.kpi_figures import AtOption, asked, stored, window
from console.errors import FailureError
from console.output import Col, print_json, print_table
from console.text import EPOCH, counted

if TYPE_CHECKING:
    from devices import City
    from engine.kpi import Pack, Submission, Value
    from engine.store import KpiReading

STYLES = {"error": "red", "question": "yellow", "lack": "dim"}
PERIODS = ("rolling", "to_date", "year")
NAMED_MAX = 3
"""Data points that a line names; the others are counted."""


def findings(
    context: typer.Context,
    at: AtOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """List what a verifier would ask about the figures: what cannot be, what is unusual, what is not stated.

    The figures are the annual ones of `--at YEAR`, or without it those of the last twelve months (of a young
    installation, of the year so far). The checks are the method's own; `docs/kpis.md` lists them. A finding never
    changes a figure, and a city may be unusual and right.

    **Example**: `cityvitals --city cities/seoul kpis findings --at 2025`
    """
    from engine.kpi import findings as found_in

    registry, pack = context.obj.registry(), context.obj.kpi_pack()
    rows = of_one_period(stored(context.obj, asked(None, None, at)) or [])
    if not rows:
        raise FailureError(
            f"no figures of {at}" if at else "no figures yet",
            "a running gateway computes them, and so does `cityvitals kpis compute`",
        )
    hits = found_in(submission(pack, registry.city, rows))
    if as_json:
        print_json(
            {"severity": one.severity, "rule": one.rule, "data_points": list(one.data_points), "text": one.text}
            for one in hits
        )
        return
    print_table(
        f"{counted(len(hits), 'finding')} on the figures of {window(rows[0])}",
        [Col("severity"), Col("rule"), Col("what was found"), Col("data points")],
        ((Text(one.severity, style=STYLES[one.severity]), one.rule, one.text, _named(one.data_points)) for one in hits),
        note="Figures that only the city can state are not in it yet.",
    )


def of_one_period(rows: Iterable[KpiReading]) -> list[KpiReading]:
    """Return the figures of one period: the last twelve months, else the year so far, else the newest year."""
    found: dict[tuple[int, int], list[KpiReading]] = {}
    for row in rows:
        found.setdefault((PERIODS.index(row.horizon), -row.year), []).append(row)
    return found[min(found)] if found else []


def submission(pack: Pack, city: City, rows: Iterable[KpiReading]) -> Submission:
    """Return the stored figures of one period as a verifier gets them, with what the city says of its registers."""
    from engine.kpi import NotReported, Submission, counts_of, evaluate, stated_registers

    inputs: dict[str, Value] = {}
    first, last = date.max, date.min
    for row in rows:
        first, last = min(first, _day(row.start_us, city)), max(last, _day(row.end_us - 1, city))
        for one in json.loads(row.inputs):
            missing = one["value"] is None
            inputs[one["input"]] = NotReported((one["reason"],)) if missing else Fraction(one["value"])
    stated = stated_registers(pack, city, last)
    return Submission(pack, evaluate(pack, inputs), stated, counts_of(city, first, last))


def _day(time_us: int, city: City) -> date:
    return (EPOCH + timedelta(microseconds=time_us)).astimezone(city.zone_info).date()


def _named(keys: tuple[str, ...]) -> str:
    more = len(keys) - NAMED_MAX
    return ", ".join(keys[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
