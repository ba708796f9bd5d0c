"""Windows and indicators: from stored observations to exact figures.

The face of the core; other rooms import from here. The store (`engine.store`), the indicators (`engine.indicators`) and
the loop (`engine.worker`) have faces of their own.

What needs the compiler is imported when it is first asked for: commands that only read would start a second later.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from engine.calendar import Calendar, expected
from engine.cells import SUM_COUNT, Cells, Grid
from engine.errors import CalendarError, CellsFullError, EngineError, UnfitSeriesError
from engine.spans import Decisions, Keys, LastReadings, Spans
from engine.statistics import increase, laeq, mean, resultant, vector_mean
from engine.watermark import NOBODY, Watermark, closed

if TYPE_CHECKING:
    from engine.kernels import DIP, RESET, ROLLOVER
    from engine.warming import warm
    from engine.windows import Absorbed, Recomputed, WindowCounts, WindowLimits, Windows
else:
    _LATER = {
        **dict.fromkeys(("DIP", "RESET", "ROLLOVER"), "engine.kernels"),
        **dict.fromkeys(("Absorbed", "Recomputed", "WindowCounts", "WindowLimits", "Windows"), "engine.windows"),
        "warm": "engine.warming",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LATER[name]), name)


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
