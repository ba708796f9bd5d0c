"""The catalogue of KPIs: what each figure of an assessment is, what it is computed from, and how it is scored.

Data and pure functions: no database, no clock. Other rooms import from here.
"""

from __future__ import annotations

from engine.kpi.definition import (
    YES_NO,
    Assets,
    At,
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
from engine.kpi.evaluate import evaluate, explain
from engine.kpi.faults import Fault, PackError
from engine.kpi.findings import CHECKS, Check, Finding, Severity, findings
from engine.kpi.formula import Formula, FormulaError, data_point_key, normalise_code, parse_formula
from engine.kpi.load import load_catalogue, load_pack, shipped
from engine.kpi.scoring import Rollup, Score, band, percent_of_target, roll_up, score, score_all
from engine.kpi.submission import Count, Stated, Submission, counts_of, stated_registers
from engine.kpi.units import Term, factor_between, parse_unit, register_factor
from engine.kpi.values import NotReported, Value, shown

__all__ = [
    "CHECKS",
    "YES_NO",
    "Assets",
    "At",
    "Check",
    "Count",
    "DataPoint",
    "Declared",
    "Derived",
    "Direction",
    "Fault",
    "Finding",
    "Formula",
    "FormulaError",
    "Input",
    "Kpi",
    "Live",
    "NotReported",
    "Pack",
    "PackError",
    "Period",
    "Pool",
    "Registered",
    "Rollup",
    "Rule",
    "Score",
    "Severity",
    "Stated",
    "Statistic",
    "Submission",
    "Target",
    "Telemetry",
    "Term",
    "Value",
    "Where",
    "band",
    "counts_of",
    "data_point_key",
    "evaluate",
    "explain",
    "factor_between",
    "findings",
    "load_catalogue",
    "load_pack",
    "normalise_code",
    "parse_formula",
    "parse_unit",
    "percent_of_target",
    "register_factor",
    "roll_up",
    "score",
    "score_all",
    "shipped",
    "shown",
    "stated_registers",
]
