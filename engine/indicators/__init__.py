"""Live figures: what each indicator is, and how changed cells become changed figures.

Data and pure functions: no reading, no writing, no clock. Other rooms import from here.
"""

from __future__ import annotations

from engine.indicators.catalogue import INDICATORS, CatalogueError, by_code, catalogue
from engine.indicators.definition import (
    COVERAGE_PERCENT_MIN,
    Band,
    Column,
    Figure,
    Hours,
    HourStatistic,
    Index,
    Indicator,
    Pool,
    Profile,
    Statistic,
    Sums,
)
from engine.indicators.document import table
from engine.indicators.evaluate import DIRTY_CELLS_MAX, KNOWN_WINDOWS_MAX, Evaluator
from engine.indicators.plan import PlanError
from engine.indicators.work import SCOPE_CITY, Item, Required, Results, WindowReader, Work

__all__ = [
    "COVERAGE_PERCENT_MIN",
    "DIRTY_CELLS_MAX",
    "INDICATORS",
    "KNOWN_WINDOWS_MAX",
    "SCOPE_CITY",
    "Band",
    "CatalogueError",
    "Column",
    "Evaluator",
    "Figure",
    "HourStatistic",
    "Hours",
    "Index",
    "Indicator",
    "Item",
    "PlanError",
    "Pool",
    "Profile",
    "Required",
    "Results",
    "Statistic",
    "Sums",
    "WindowReader",
    "Work",
    "by_code",
    "catalogue",
    "table",
]
