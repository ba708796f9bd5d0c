"""The exact results of an assessment as plain data, and as bytes that are the same whenever the figures are.

Knows how fractions and reasons are written; knows neither files nor what is done with them: an assessment is frozen as
this, a bundle holds it, and whoever recomputes one compares with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from assessment.result import Assessment, Question, Result
from engine.kpi import InputFigure, Interval, NotReported, Rollup, Score, Value

FORMAT: Final = "cityvitals-results-1"

Plain = dict[str, Any]
"""An object of JSON. Its numbers are whole; every figure is the text of a whole number or a fraction such as 2/3."""


def exact_results(assessment: Assessment) -> Plain:
    """Return everything that an assessment says in numbers, and why where it says none."""
    return {
        "format": FORMAT,
        "city": assessment.city.code,
        "year": assessment.year,
        "closed": assessment.closed,
        "results": [exact_result(one) for one in assessment.results],
        "rollups": [_rollup(one) for one in assessment.rollups],
        "questions": [_question(one) for one in assessment.questions],
    }


def results_bytes(exact: Mapping[str, Any]) -> bytes:
    """Return exact results as the bytes of a file, one data point a line, for people who compare files."""
    parts = []
    for key, value in exact.items():
        if isinstance(value, list) and value:
            lines = ",\n".join(_line(one) for one in value)
            parts.append(f"{_line(key)}: [\n{lines}\n]")
        else:
            parts.append(f"{_line(key)}: {_line(value)}")
    return ("{" + ",\n".join(parts) + "}\n").encode()


def exact_result(one: Result) -> Plain:
    """Return one data point."""
    return {
        "data_point": one.point.key,
        "unit": one.point.unit,
        "value": exact_text(one.value),
        "reasons": _reasons(one.value),
        "numerator": exact_text(one.numerator),
        "denominator": exact_text(one.denominator),
        "basis": str(one.basis),
        "quality": one.quality,
        "origin": one.origin,
        "source": one.source,
        "evidence": one.evidence,
        "note": one.note,
        "received": one.received,
        "expected": one.expected,
        "validity": None if one.validity is None else str(one.validity),
        "bounds": _bounds(one.bounds),
        "measured": exact_text(one.measured),
        "inputs": [_input(each) for each in one.inputs],
        "score": _score(one.score),
        "definition": one.definition,
    }


def exact_text(value: Value | None) -> str | None:
    """Return a figure as a whole number or a fraction; None where there is none."""
    return str(value) if isinstance(value, Fraction) else None


def _reasons(value: Value | None) -> list[str]:
    return list(value.reasons) if isinstance(value, NotReported) else []


def _bounds(bounds: Interval | None) -> list[str] | None:
    return None if bounds is None else [str(bounds.low), str(bounds.high)]


def _input(one: InputFigure) -> Plain:
    return {
        "input": one.code,
        "value": exact_text(one.value),
        "reasons": _reasons(one.value),
        "effective": exact_text(one.effective),
        "stations": one.stations,
        "counted": one.counted,
        "received": one.received,
        "expected": one.expected,
        "bounds": _bounds(one.bounds),
    }


def _score(one: Score) -> Plain:
    target = one.target
    return {
        "points": one.points,
        "percent": exact_text(one.percent),
        "target": None if target is None else str(target.value),
        "rule": None if target is None else str(target.rule),
        "worst": None if target is None else exact_text(target.worst),
        "target_from": None if target is None else target.valid_from.isoformat(),
        "why_not": one.why_not,
    }


def _rollup(one: Rollup) -> Plain:
    return {
        "path": list(one.path),
        "points": one.points,
        "scored": one.scored,
        "left_out": one.left_out,
        "no_target": one.no_target,
        "percent": exact_text(one.percent),
        "band": one.band,
    }


def _question(one: Question) -> Plain:
    finding = one.finding
    return {
        "rule": finding.rule,
        "severity": str(finding.severity),
        "data_points": list(finding.data_points),
        "text": finding.text,
        "answer": one.answer,
        "answered_by": one.answered_by,
    }


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
