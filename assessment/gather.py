"""The material of an assessment from a city's folder and its store.

Knows where everything lies, and whether the engine is through with it; computes nothing.
"""

from __future__ import annotations

from assessment.compute import Answer
from assessment.material import Material
from devices import Registry
from engine.calendar import Calendar
from engine.kpi import DeclaredValue, Pack, Sensed, reference_year, year_so_far
from engine.kpi_days import Progress, day_cells, heard_days
from engine.store import Store
from engine.stretch import Stretches


def gather(
    store: Store,
    registry: Registry,
    pack: Pack,
    declared: tuple[DeclaredValue, ...],
    answers: tuple[Answer, ...],
    year: int,
    *,
    closed: bool,
    running_to_us: int | None = None,
    progress: Progress = lambda _: None,
) -> Material:
    """Return what the assessment of a reference year is computed from.

    Args:
        store: with the registry's ids.
        registry, pack, declared, answers: of the city.
        year: the reference year.
        closed: whether it is over, its allowed lateness included.
        running_to_us: how far it has come, where it is not over.
        progress: told how much of the days is read, 0 to 1.

    Raises:
        StoreUnavailable, StoreError
        CalendarError: the year lies outside the calendar.
    """
    calendar = Calendar(registry.city.zone_info)
    sensed = Sensed(pack, registry, calendar)
    period = reference_year(calendar, year) if running_to_us is None else year_so_far(calendar, year, running_to_us)
    return Material(
        year=year,
        registry=registry,
        pack=pack,
        declared=declared,
        answers=answers,
        days=day_cells(store, registry, sensed, period, progress),
        heard=heard_days(store, sensed, period),
        closed=closed,
        running_to_us=running_to_us,
    )


def waiting(store: Store, calendar: Calendar, end_us: int) -> str:
    """Return what of the time before an instant the engine has still to compute from the observations; "" for nothing.

    Raises:
        StoreUnavailable, StoreError
    """
    said = []
    written_us = Stretches(store, calendar).written_to(end_us)
    if written_us < end_us:
        said.append(f"figures are written up to {calendar.text(written_us)}, and readings came after that")
    hours = store.archive.unsettled(end_us)
    if hours:
        said.append(f"hours that wait to be computed again: {hours:,}")
    return "; ".join(said)
