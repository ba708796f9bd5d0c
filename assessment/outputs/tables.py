"""An assessment as a table (CSV), and whole for programs (JSON).

Knows columns and keys; computes nothing. Both are described in `docs/assessors.md`; a key or column that stands there
stays.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec

from assessment.outputs.texts import decimal_of, inert, number_text, percent_text
from assessment.result import Assessment, Question, Result
from devices.registers import QUALITIES, Register
from engine.kpi import BAND_NAMES, InputFigure, NotReported, Rollup, Value

FORMAT: Final = "cityvitals-assessment-1"
COLUMNS: Final = (
    "year", "data_point", "name", "dimension", "sub_dimension", "category", "level", "value", "unit", "numerator",
    "denominator", "reported", "quality", "quality_class", "origin", "source", "evidence", "note", "basis", "measured",
    "received", "expected", "coverage_percent", "validity", "low", "high", "band", "band_name", "percent_of_target",
    "target", "not_reported", "definition",
)  # fmt: skip
NOT_REPORTED: Final = "NR"
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_INDENT: Final = 1


def write_csv(assessment: Assessment, path: Path) -> None:
    """Write the table of the data points."""
    path.write_bytes(csv_bytes(assessment))


def write_json(assessment: Assessment, path: Path) -> None:
    """Write everything that the assessment says, for programs."""
    path.write_bytes(json_bytes(assessment))


def csv_bytes(assessment: Assessment) -> bytes:
    """Return the table of the data points: one row each, UTF-8 with the mark by which spreadsheets know it."""
    text = io.StringIO(newline="")
    # RFC 4180; Python puts quotes only around what ends a line itself, and a text may hold a lone carriage return.
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for one in assessment.results:
        writer.writerow(_row(assessment.year, one))
    return text.getvalue().encode("utf-8-sig")


def json_bytes(assessment: Assessment) -> bytes:
    """Return everything that the assessment says as one object."""
    city, period = assessment.city, assessment.period
    document = {
        "format": FORMAT,
        "city": {"code": city.code, "name": city.name, "time_zone": city.time_zone},
        "catalogue": {"code": assessment.pack.code, "title": assessment.pack.title, "edition": assessment.pack.edition},
        "year": assessment.year,
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "closed": assessment.closed,
        "results": [_result(one) for one in assessment.results],
        "rollups": [_rollup(one) for one in assessment.rollups],
        "questions": [_question(one) for one in assessment.questions],
        "registers": [_register(zone, one) for zone, one in registers_of(assessment)],
    }
    return msgspec.json.format(_ENCODER.encode(document), indent=_INDENT) + b"\n"


def registers_of(assessment: Assessment) -> list[tuple[str, Register]]:
    """Return every dated denominator with the code of its zone, the city's own first, under an empty one."""
    city = assessment.city
    own = [("", one) for one in city.registers]
    return own + [(zone.code, one) for zone in city.zones for one in zone.registers]


def result_text(one: Result) -> str:
    """Return a result as text: a number, yes, no, or NR."""
    if not isinstance(one.value, Fraction):
        return NOT_REPORTED
    if one.point.yes_no and one.value in (0, 1):
        return "yes" if one.value else "no"
    return number_text(one.value)


def _row(year: int, one: Result) -> Mapping[str, str]:
    point, score = one.point, one.score
    return {
        "year": str(year),
        "data_point": point.key,
        "name": inert(point.title),
        "dimension": inert(point.dimension),
        "sub_dimension": inert(point.sub_dimension),
        "category": inert(point.category),
        "level": point.level,
        "value": result_text(one),
        "unit": point.unit,
        "numerator": number_text(one.numerator),
        "denominator": number_text(one.denominator),
        "reported": "YES" if one.reported else "NO",
        "quality": one.quality,
        "quality_class": QUALITIES.get(one.quality, ""),
        "origin": inert(one.origin),
        "source": inert(one.source),
        "evidence": inert(one.evidence),
        "note": inert(one.note),
        "basis": str(one.basis),
        "measured": number_text(one.measured),
        "received": str(one.received) if one.expected else "",
        "expected": str(one.expected) if one.expected else "",
        "coverage_percent": percent_text(one.received, one.expected),
        "validity": one.validity or "",
        "low": "" if one.bounds is None else number_text(one.bounds.low),
        "high": "" if one.bounds is None else number_text(one.bounds.high),
        "band": str(score.points or ""),
        "band_name": BAND_NAMES[score.points],
        "percent_of_target": number_text(score.percent),
        "target": "" if score.target is None else number_text(score.target.value),
        "not_reported": inert(str(one.value)) if isinstance(one.value, NotReported) else "",
        "definition": one.definition,
    }


def _result(one: Result) -> dict[str, Any]:
    point, score = one.point, one.score
    return {
        "data_point": point.key,
        "kpi": point.code,
        "name": point.title,
        "name_ko": point.name_ko,
        "dimension": point.dimension,
        "sub_dimension": point.sub_dimension,
        "category": point.category,
        "level": point.level,
        "sdg": list(point.sdg),
        "reported": one.reported,
        **_figure("value", one.value),
        "unit": point.unit,
        **_figure("numerator", one.numerator),
        **_figure("denominator", one.denominator),
        "not_reported": list(one.value.reasons) if isinstance(one.value, NotReported) else [],
        "basis": str(one.basis),
        "quality": one.quality,
        "quality_class": QUALITIES.get(one.quality, ""),
        "origin": one.origin,
        "source": one.source,
        "evidence": one.evidence,
        "note": one.note,
        **_figure("measured", one.measured),
        "received": one.received,
        "expected": one.expected,
        "validity": None if one.validity is None else str(one.validity),
        **_figure("low", None if one.bounds is None else one.bounds.low),
        **_figure("high", None if one.bounds is None else one.bounds.high),
        "inputs": [_input(each) for each in one.inputs],
        "band": score.points or None,
        "band_name": BAND_NAMES[score.points],
        **_figure("percent_of_target", score.percent),
        "target": None if score.target is None else decimal_of(score.target.value),
        "not_scored": score.why_not,
        "explained": list(one.explained),
        "definition": one.definition,
    }


def _figure(name: str, value: Value | None) -> dict[str, Any]:
    """Return a figure twice: as a number, and exactly as a whole number or a fraction."""
    known = value if isinstance(value, Fraction) else None
    return {
        name: None if known is None else decimal_of(known),
        f"{name}_exact": None if known is None else str(known),
    }


def _input(one: InputFigure) -> dict[str, Any]:
    return {
        "input": one.code,
        **_figure("value", one.value),
        "not_reported": list(one.value.reasons) if isinstance(one.value, NotReported) else [],
        "stations": one.stations,
        "counted": one.counted,
        "received": one.received,
        "expected": one.expected,
        **_figure("low", None if one.bounds is None else one.bounds.low),
        **_figure("high", None if one.bounds is None else one.bounds.high),
    }


def _rollup(one: Rollup) -> dict[str, Any]:
    return {
        "path": list(one.path),
        "band": one.band or None,
        "band_name": BAND_NAMES[one.band],
        "points": one.points,
        "scored": one.scored,
        "left_out": one.left_out,
        "no_target": one.no_target,
        **_figure("percent", one.percent),
    }


def _question(one: Question) -> dict[str, Any]:
    finding = one.finding
    return {
        "severity": str(finding.severity),
        "rule": finding.rule,
        "data_points": list(finding.data_points),
        "text": finding.text,
        "answer": one.answer,
        "answered_by": one.answered_by,
    }


def _register(zone: str, one: Register) -> dict[str, Any]:
    return {
        "register": one.code,
        "zone": zone,
        **_figure("value", one.value),
        "unit": one.unit,
        "from": one.valid_from.isoformat(),
        "source": one.source,
        "quality": one.quality,
    }
