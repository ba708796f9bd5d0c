"""The material of an assessment from a city's folder and its store.

Knows where everything lies; computes nothing.
"""

from __future__ import annotations

from assessment.compute import Answer
from assessment.material import Material
from devices import Registry
from engine.calendar import Calendar
from engine.kpi import DeclaredValue, Pack, Sensed, reference_year
from engine.kpi_days import Progress, day_cells, heard_days
from engine.store import Store


def gather(
    store: Store,
    registry: Registry,
    pack: Pack,
    declared: tuple[DeclaredValue, ...],
    answers: tuple[Answer, ...],
    year: int,
    *,
    closed: bool,
    progress: Progress = lambda _: None,
) -> Material:
    """Return what the assessment of a reference year is computed from.

    Args:
        store: with the registry's ids.
        registry, pack, declared, answers: of the city.
        year: the reference year.
        closed: whether it is over, its allowed lateness included.
        progress: told how much of the days is read, 0 to 1.

    Raises:
        StoreUnavailable, StoreError
        CalendarError: the year lies outside the calendar.
    """
    calendar = Calendar(registry.city.zone_info)
    sensed = Sensed(pack, registry, calendar)
    period = reference_year(calendar, year)
    return Material(
        year=year,
        registry=registry,
        pack=pack,
        declared=declared,
        answers=answers,
        days=day_cells(store, registry, sensed, period, progress),
        heard=heard_days(store, sensed, period),
        closed=closed,
    )
