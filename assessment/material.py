"""Everything that an assessment is computed from, in memory: a city's files, and its days of readings.

Knows neither the store nor where files lie. Who has the same material gets the same assessment: the command that makes
one takes it from the store, the one that verifies it from the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from assessment.compute import Answer, assess
from assessment.result import Assessment
from devices import Registry
from engine.calendar import Calendar
from engine.kpi import (
    DayCells,
    DeclaredValue,
    KpiPeriod,
    Pack,
    Sensed,
    declared_in,
    readings_of,
    reference_year,
    year_so_far,
)


@dataclass(frozen=True)
class Material:
    """What one assessment is computed from.

    Attributes:
        year: the reference year.
        registry: the city, its zones, registers and devices.
        pack: the catalogue, with what the city adds and changes.
        declared: everything that the city declares, of any year.
        answers: to findings of the year.
        days: cells of the year's civil days.
        heard: by slot the last day on which it was heard, as `engine.kpi_days.heard_days` gives it.
        closed: whether the year is over and its allowed lateness as well.
        running_to_us: how far the year has come, where it is not over; None where it is.
    """

    year: int
    registry: Registry
    pack: Pack
    declared: tuple[DeclaredValue, ...]
    answers: tuple[Answer, ...]
    days: DayCells
    heard: Mapping[int, int]
    closed: bool
    running_to_us: int | None = None

    @cached_property
    def period(self) -> KpiPeriod:
        """The civil year; of one that is not over, its whole civil days so far."""
        calendar = Calendar(self.registry.city.zone_info)
        if self.running_to_us is None:
            return reference_year(calendar, self.year)
        return year_so_far(calendar, self.year, self.running_to_us)


def assessed(material: Material) -> Assessment:
    """Return the assessment of a material."""
    calendar = Calendar(material.registry.city.zone_info)
    sensed = Sensed(material.pack, material.registry, calendar)
    period = material.period
    readings = readings_of(sensed, period, material.days, material.heard)
    return assess(
        material.pack,
        material.registry.city,
        sensed.at(period, readings),
        declared_in(material.declared, material.year, exactly=True),
        closed=material.closed,
        answers=material.answers,
    )
