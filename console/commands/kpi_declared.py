"""What a city declares, as `cityvitals kpis` and `kpis show` give it beside the figures that sensors know.

Knows rendering; the file is read by `engine.kpi`, and what it makes of figures is computed there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from rich.text import Text

from console.commands.kpi_figures import Row
from console.commands.kpi_period import period_of
from console.commands.kpi_scores import score_cells, score_of
from console.output import stdout

if TYPE_CHECKING:
    from console.commands.kpi_figures import Asked
    from console.commands.kpi_period import OnePeriod
    from devices import Registry
    from engine.kpi import DataPoint, DeclaredValue, Pack
    from engine.store import KpiReading


def declared_period(
    registry: Registry,
    pack: Pack,
    declared: tuple[DeclaredValue, ...],
    wanted: Asked,
    rows: Iterable[KpiReading],
    at: str | None,
) -> OnePeriod | None:
    """Return the period whose figures what the city declares is part of; None where it declares nothing for it."""
    if wanted.kind != "city" or wanted.horizon not in (None, "year") or not declared:
        return None
    return period_of(registry, pack, declared, rows, at)


def declared_figures(period: OnePeriod | None, points: Iterable[DataPoint]) -> dict[str, Row]:
    """Return by key the figures that rest on something declared, for programs; keys are stable."""
    from engine.kpi import NotReported, score

    if period is None:
        return {}
    found: dict[str, Row] = {}
    for point in points:
        if not period.submission.declared(point):
            continue
        value = period.submission.values[point.key]
        said = period.submission.stated.get(point.key)
        target = period.submission.pack.target(point.key, period.last)
        found[point.key] = {
            "period": period.title,
            "exact": str(value) if isinstance(value, Fraction) else None,
            "unit": point.unit,
            "reason": str(value) if isinstance(value, NotReported) else None,
            "quality": said.quality or None if said else None,
            "source": said.source or None if said else None,
            "note": said.basis or None if said else None,
            **score_of(score(point, value, target)),
        }
    return found


def declared_cells(period: OnePeriod, point: DataPoint) -> tuple[str | Text, ...]:
    """Return value, unit, coverage, validity, period and score of a figure that rests on something declared."""
    from engine.kpi import NotReported, score, shown

    value = period.submission.values[point.key]
    text = Text("NR", style="dim") if isinstance(value, NotReported) else Text(shown(value))
    target = period.submission.pack.target(point.key, period.last)
    scored = score_cells(score(point, value, target))
    return text, point.unit_label, "", Text("declared", style="cyan"), period.title, *scored


def declared_of(pack: Pack, point: DataPoint, declared: Iterable[DeclaredValue]) -> list[Row]:
    """Return everything that is declared of a data point and of what it rests on, by year."""
    keys = [point.key, *(one.code for one in pack.inputs_of(point))]
    return [_line(one) for one in sorted(declared, key=lambda d: (d.year, d.key)) if one.key in keys]


def _line(one: DeclaredValue) -> Row:
    stated = isinstance(one.value, Fraction)
    return {
        "key": one.key,
        "year": one.year,
        "exact": str(one.value) if stated else None,
        "numerator": None if one.numerator is None else str(one.numerator),
        "denominator": None if one.denominator is None else str(one.denominator),
        "quality": one.quality or None,
        "origin": one.origin or None,
        "source": one.source or None,
        "note": one.note or None,
        "line": one.line,
    }


def print_declared(lines: Iterable[Row], units: Mapping[str, str]) -> None:
    """Print what is declared, one line each."""
    from engine.kpi import shown

    for one in lines:
        value = "NR" if one["exact"] is None else f"{shown(Fraction(str(one['exact'])))} {units[str(one['key'])]}"
        said = "; ".join(str(one[key]) for key in ("quality", "origin", "source", "note") if one[key])
        stdout().print(
            Text.assemble(
                ("declared ", "cyan"), f"{one['year']}  {one['key']} = {value}", f"  ({said})" if said else ""
            )
        )
