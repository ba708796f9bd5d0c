"""The figures of one period as a verifier gets them: what `kpis findings` and `kpis scores` are about.

Knows which stored figures belong together; renders nothing, and computes no figure but from stored inputs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from fractions import Fraction
from typing import TYPE_CHECKING

from console.commands.kpi_figures import asked, stored, window
from console.errors import FailureError
from console.text import EPOCH

if TYPE_CHECKING:
    from console.context import Context
    from devices import Registry
    from engine.calendar import Calendar
    from engine.kpi import DeclaredValue, KpiPeriod, Pack, Submission, Value
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

    What the city declares is in it: for a year what is declared for it, else the newest of each.

    Args:
        context: names the city and the database.
        at: the year, as it was given.

    Raises:
        FailureError: there are none.
        MisuseError: the option means nothing, or the city's files have faults.
    """
    registry, pack = context.registry(), context.kpi_pack()
    rows = stored(context, asked(None, None, at)) or []
    found = period_of(registry, pack, context.kpi_declared(pack), rows, at)
    if found is None:
        raise FailureError(
            f"no figures of {at}" if at else "no figures yet",
            "a running gateway computes them, and so does `cityvitals kpis compute`",
        )
    return found


def period_of(
    registry: Registry,
    pack: Pack,
    declared: tuple[DeclaredValue, ...],
    stored_rows: Iterable[KpiReading],
    at: str | None,
) -> OnePeriod | None:
    """Return the figures of one period with what the city declares for it; None where there is neither.

    Args:
        registry: the city.
        pack: its catalogue.
        declared: everything that it declares.
        stored_rows: of the whole city.
        at: the year, as it was given; else the newest period.
    """
    from engine.kpi import declared_in, reference_year, submission_of

    rows = _of_one_period(stored_rows)
    if rows:
        return _period(registry, pack, rows, declared)
    years = [one.year for one in declared if at in (None, str(one.year))]
    if not years:
        return None
    city, year = registry.city, max(years)
    first, last = date(year, 1, 1), date(year, 12, 31)
    known = _registers(registry, pack, lambda calendar: reference_year(calendar, year))
    submission = submission_of(pack, city, known, first, last, declared_in(declared, year, exactly=True))
    return OnePeriod(str(year), first, last, (), submission)


def _registers(registry: Registry, pack: Pack, of: Callable[[Calendar], KpiPeriod]) -> dict[str, Value]:
    """Return what registers say of a period: also those that no figure rests on which sensors can know."""
    from engine.calendar import Calendar
    from engine.kpi import Sensed

    calendar = Calendar(registry.city.zone_info)
    return Sensed(pack, registry, calendar).registers(of(calendar))


def _of_one_period(rows: Iterable[KpiReading]) -> list[KpiReading]:
    """Return the figures of one period: the last twelve months, else the year so far, else the newest year."""
    found: dict[tuple[int, int], list[KpiReading]] = {}
    for row in rows:
        found.setdefault((PERIODS.index(row.horizon), -row.year), []).append(row)
    return found[min(found)] if found else []


def _period(registry: Registry, pack: Pack, rows: list[KpiReading], declared: tuple[DeclaredValue, ...]) -> OnePeriod:
    from engine.kpi import Horizon, declared_in, period_between, submission_of

    city = registry.city
    first = min(local_day(row.start_us, city.zone_info) for row in rows)
    last = max(local_day(row.end_us - 1, city.zone_info) for row in rows)
    holding = declared_in(declared, last.year, exactly=rows[0].year > 0)
    one = rows[0]
    registers = _registers(
        registry, pack, lambda cal: period_between(cal, Horizon(one.horizon), one.year, one.start_us, one.end_us)
    )
    submission = submission_of(pack, city, {**registers, **inputs_of(rows)}, first, last, holding)
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
