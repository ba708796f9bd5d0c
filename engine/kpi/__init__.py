"""The catalogue of KPIs: what each figure of an assessment is, what it is computed from, and how it is scored.

Data and pure functions: no database, no clock. Other rooms import from here.
"""

from __future__ import annotations

from engine.kpi.bounds import Interval
from engine.kpi.coverage import INDICATIVE_PERCENT_MIN, VALID_PERCENT_MIN, Validity, validity
from engine.kpi.day_cells import DayCells, day_number, readings_of
from engine.kpi.declared import FILE as DECLARED_FILE
from engine.kpi.declared import DeclaredValue, declared_in, load_declared, year_of
from engine.kpi.definition import (
    YES_NO,
    Assets,
    At,
    Capture,
    DataPoint,
    Declared,
    Derived,
    Direction,
    Input,
    Kpi,
    Live,
    Pack,
    Period,
    Pool,
    Registered,
    Rule,
    Statistic,
    Target,
    Telemetry,
    Where,
)
from engine.kpi.evaluate import evaluate, evaluate_points, explain
from engine.kpi.faults import Fault, PackError
from engine.kpi.figures import Figure, definition_digest, figures, sensed_points, sides
from engine.kpi.findings import CHECKS, Check, Finding, Severity, findings
from engine.kpi.formula import Formula, FormulaError, data_point_key, normalise_code, parse_formula
from engine.kpi.load import load_catalogue, load_pack, load_trial, shipped, shipped_folder
from engine.kpi.periods import (
    ESTIMATE,
    KEPT,
    Horizon,
    KpiPeriod,
    civil_day,
    civil_month,
    clock_hours,
    hour_spans,
    period_between,
    reference_year,
    rolling,
    to_date,
    year_so_far,
)
from engine.kpi.registered import FILE as CITY_FILE
from engine.kpi.registered import register_faults
from engine.kpi.rows import Rows
from engine.kpi.scoring import BAND_NAMES, Rollup, Score, band, percent_of_target, roll_up, score, score_all
from engine.kpi.sensed import WHOLE, Clock, InputFigure, PeriodInputs, Readings, Sensed, StationFigure
from engine.kpi.stations import Sums
from engine.kpi.submission import Count, Stated, Submission, counts_of, stated_registers, submission_of
from engine.kpi.units import Term, factor_between, parse_unit, register_factor
from engine.kpi.values import NotReported, Value, shown

__all__ = [
    "BAND_NAMES",
    "CHECKS",
    "CITY_FILE",
    "DECLARED_FILE",
    "ESTIMATE",
    "INDICATIVE_PERCENT_MIN",
    "KEPT",
    "VALID_PERCENT_MIN",
    "WHOLE",
    "YES_NO",
    "Assets",
    "At",
    "Capture",
    "Check",
    "Clock",
    "Count",
    "DataPoint",
    "DayCells",
    "Declared",
    "DeclaredValue",
    "Derived",
    "Direction",
    "Fault",
    "Figure",
    "Finding",
    "Formula",
    "FormulaError",
    "Horizon",
    "Input",
    "InputFigure",
    "Interval",
    "Kpi",
    "KpiPeriod",
    "Live",
    "NotReported",
    "Pack",
    "PackError",
    "Period",
    "PeriodInputs",
    "Pool",
    "Readings",
    "Registered",
    "Rollup",
    "Rows",
    "Rule",
    "Score",
    "Sensed",
    "Severity",
    "Stated",
    "StationFigure",
    "Statistic",
    "Submission",
    "Sums",
    "Target",
    "Telemetry",
    "Term",
    "Validity",
    "Value",
    "Where",
    "band",
    "civil_day",
    "civil_month",
    "clock_hours",
    "counts_of",
    "data_point_key",
    "day_number",
    "declared_in",
    "definition_digest",
    "evaluate",
    "evaluate_points",
    "explain",
    "factor_between",
    "figures",
    "findings",
    "hour_spans",
    "load_catalogue",
    "load_declared",
    "load_pack",
    "load_trial",
    "normalise_code",
    "parse_formula",
    "parse_unit",
    "percent_of_target",
    "period_between",
    "readings_of",
    "reference_year",
    "register_factor",
    "register_faults",
    "roll_up",
    "rolling",
    "score",
    "score_all",
    "sensed_points",
    "shipped",
    "shipped_folder",
    "shown",
    "sides",
    "stated_registers",
    "submission_of",
    "to_date",
    "validity",
    "year_of",
    "year_so_far",
]
