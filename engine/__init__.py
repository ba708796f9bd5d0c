"""Windows and indicators: from stored observations to exact figures.

The face of the core; other rooms import from here. The store (`engine.store`), the indicators (`engine.indicators`) and
the loop (`engine.worker`) have faces of their own.
"""

from __future__ import annotations

from engine.calendar import Calendar, expected
from engine.cells import SUM_COUNT, Cells, Grid
from engine.errors import CalendarError, CellsFullError, EngineError, UnfitSeriesError
from engine.kernels import DIP, RESET, ROLLOVER
from engine.spans import Decisions, Keys, LastReadings, Spans
from engine.statistics import increase, laeq, mean, resultant, vector_mean
from engine.warm import warm
from engine.watermark import NOBODY, Watermark, closed
from engine.windows import Absorbed, Recomputed, WindowCounts, WindowLimits, Windows

__all__ = [
    "DIP",
    "NOBODY",
    "RESET",
    "ROLLOVER",
    "SUM_COUNT",
    "Absorbed",
    "Calendar",
    "CalendarError",
    "Cells",
    "CellsFullError",
    "Decisions",
    "EngineError",
    "Grid",
    "Keys",
    "LastReadings",
    "Recomputed",
    "Spans",
    "UnfitSeriesError",
    "Watermark",
    "WindowCounts",
    "WindowLimits",
    "Windows",
    "closed",
    "expected",
    "increase",
    "laeq",
    "mean",
    "resultant",
    "vector_mean",
    "warm",
]
