"""The figures of one period as a verifier gets them: what `kpis findings` and `kpis scores` are about.

Knows which stored figures belong together; renders nothing, and computes no figure but from stored inputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from fractions import Fraction
from typing import TYPE_CHECKING

from console.commands.kpi_figures import asked, stored, window
from console.errors import FailureError
from console.text import EPOCH

if TYPE_CHECKING:
    from console.context import Context
    from devices import City
    from engine.kpi import Pack, Submission, Value
    from engine.store import KpiReading

PERIODS = ("rolling", "to_date", "year")


@dataclass(frozen=True, slots=True)
class OnePeriod:
    """The figures of the whole city in one period.

    Attributes:
        title: which period, for people.
        first, last: its civil days.
        rows: the stored figures.
        submission: all figures, and what is said of them.
    """

    title: str
    first: date
    last: date
    rows: tuple[KpiReading, ...]
    submission: Submission


def one_period(context: Context, at: str | None) -> OnePeriod:
    """Return the annual figures of a year, else those of the last twelve months, else of the year so far.

    Args:
        context: names the city and the database.
        at: the year, as it was given.

    Raises:
        FailureError: there are none.
        MisuseError: the option means nothing, or the city's files have faults.
    """
    registry, pack = context.registry(), context.kpi_pack()
    rows = _of_one_period(stored(context, asked(None, None, at)) or [])
    if not rows:
        raise FailureError(
            f"no figures of {at}" if at else "no figures yet",
            "a running gateway computes them, and so does `cityvitals kpis compute`",
        )
    return _period(pack, registry.city, rows)


def _of_one_period(rows: Iterable[KpiReading]) -> list[KpiReading]:
    """Return the figures of one period: the last twelve months, else the year so far, else the newest year."""
    found: dict[tuple[int, int], list[KpiReading]] = {}
    for row in rows:
        found.setdefault((PERIODS.index(row.horizon), -row.year), []).append(row)
    return found[min(found)] if found else []


def _period(pack: Pack, city: City, rows: list[KpiReading]) -> OnePeriod:
    from engine.kpi import submission_of

    first = min(local_day(row.start_us, city.zone_info) for row in rows)
    last = max(local_day(row.end_us - 1, city.zone_info) for row in rows)
    submission = submission_of(pack, city, inputs_of(rows), first, last)
    return OnePeriod(window(rows[0]), first, last, tuple(rows), submission)


def inputs_of(rows: Iterable[KpiReading]) -> dict[str, Value]:
    """Return the values of the inputs that stored figures rest on, by code."""
    from engine.kpi import NotReported

    inputs: dict[str, Value] = {}
    for row in rows:
        for one in json.loads(row.inputs):
            missing = one["value"] is None
            inputs[one["input"]] = NotReported((one["reason"],)) if missing else Fraction(one["value"])
    return inputs


def local_day(time_us: int, zone: tzinfo) -> date:
    """Return the civil day that holds an instant."""
    return (EPOCH + timedelta(microseconds=time_us)).astimezone(zone).date()
