"""Definitions of KPIs and their scored figures as records for programs: the command prints them, the API answers them.

Knows the catalogue's words; renders nothing, and no figure is computed here.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING

from console.commands.kpi_figures import figure
from console.commands.kpi_scores import score_of, stored_score

if TYPE_CHECKING:
    from engine.kpi import DataPoint, Input, Pack, Target
    from engine.store import KpiReading


def entry(pack: Pack, point: DataPoint) -> dict[str, object]:
    """Return a data point for programs; keys are stable."""
    return {
        "key": point.key,
        "code": point.code,
        "data_point": point.id,
        "name": point.name,
        "name_ko": point.name_ko,
        "data_point_name": point.id_name,
        "data_point_name_ko": point.id_name_ko,
        "dimension": point.dimension,
        "sub_dimension": point.sub_dimension,
        "category": point.category,
        "level": point.level,
        "type": point.type,
        "definition": point.definition,
        "numerator": point.numerator,
        "denominator": point.denominator,
        "formula": point.formula.text,
        "inputs": [one.code for one in pack.inputs_of(point)],
        "unit": point.unit,
        "unit_label": point.unit_label,
        "direction": str(point.direction),
        "ideal": None if point.ideal is None else str(point.ideal),
        "interval": point.interval,
        "sdg": list(point.sdg),
        "sdg_basis": point.sdg_basis,
        "formula_basis": point.formula_basis,
        "benchmark": point.benchmark,
        "targets": [_target(one) for one in pack.targets if one.data_point == point.key],
        "check": point.check,
        "live": str(point.live),
        "sensors": point.sensors,
        "source": point.source,
        "confidence": point.confidence,
        "note": point.note,
        "changed": point.changed,
    }


def input_entry(one: Input) -> dict[str, object]:
    """Return an input for programs; keys are stable."""
    return {
        "input": one.code,
        "title": one.title,
        "unit": one.unit,
        "kind": one.kind,
        "how": how(one),
        "source": one.source,
        "note": one.note,
        "changed": one.changed,
    }


def _target(target: Target) -> dict[str, object]:
    return {
        "value": str(target.value),
        "rule": str(target.rule),
        "worst": None if target.worst is None else str(target.worst),
        "from": target.valid_from.isoformat(),
        "official": target.official,
        "source": target.source,
    }


def scored(pack: Pack, point: DataPoint, row: KpiReading, zone: tzinfo) -> dict[str, object]:
    """Return a figure with its score for programs; keys are stable."""
    return {**figure(row), **score_of(stored_score(pack, point, row, zone))}


def how(one: Input) -> str:
    """Return in a few words how an input is known."""
    from engine.kpi import Assets, Derived, Period, Registered, Telemetry

    match one.how:
        case Registered(register=code, at=at):
            return f"register {code}, {at} of the period"
        case Assets(column=column, where=where):
            return f"{f'sum of {column} of' if column else 'number of'} devices{_where(where)}; installed and effective"
        case Telemetry() as telemetry:
            hours = "".join(f" {start:02}-{end:02} h" for start, end in telemetry.hours)
            return (
                f"{telemetry.statistic} of {', '.join(telemetry.measurands)}{hours}, {telemetry.pool} over stations"
                f"{_where(telemetry.where)}"
            )
        case Derived(formula=formula):
            return formula.text
        case Period():
            return "length of the period"
    return "declared by the city"


def _where(where: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    return "".join(f", {key} {' or '.join(values)}" for key, values in where)
