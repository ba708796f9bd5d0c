"""Checks what no entry can check by itself: names, units and circles across inputs, data points and targets.

Knows definitions and the algebra of units; knows no file but for the place of a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from devices.errors import UnitError, nearest
from devices.tables import Problems
from engine.kpi.definition import DataPoint, Derived, Direction, Input, Kpi, Rule, Target
from engine.kpi.formula import Formula
from engine.kpi.inputs import NOTHING
from engine.kpi.units import Term, parse_unit

_RULES = {
    Direction.HIGHER: (Rule.SHARE, Rule.LINEAR),
    Direction.LOWER: (Rule.INVERSE, Rule.LINEAR),
    Direction.TARGET: (Rule.NEARNESS,),
    Direction.NONE: (),
}
"""What fits a direction."""


class Place(NamedTuple):
    """Where an entry stands: its file, and its table as `devices.tables` names it."""

    file: str
    where: str


class _Computed(NamedTuple):
    """Something with a formula: a derived input or a data point."""

    key: str
    formula: Formula
    unit: str
    place: Place


def check(
    inputs: Mapping[str, tuple[Input, Place]],
    kpis: Mapping[str, tuple[Kpi, Place]],
    targets: Mapping[str, tuple[Target, Place]],
    problems: Problems,
) -> None:
    """Note every fault between entries."""
    points = {point.key: (point, place) for kpi, place in kpis.values() for point in kpi.data_points}
    computed = [*_derived(inputs), *(_Computed(p.key, p.formula, p.unit, place) for p, place in points.values())]
    units = _units({code: one.unit for code, (one, _) in inputs.items()} | {k: p.unit for k, (p, _) in points.items()})
    for one in computed:
        _check_names(one, inputs, points, problems)
        _check_unit(one, units, problems)
    _check_circles(computed, problems)
    for target, place in targets.values():
        _check_target(target, place, {key: point for key, (point, _) in points.items()}, problems)


def _derived(inputs: Mapping[str, tuple[Input, Place]]) -> Iterator[_Computed]:
    for code, (one, place) in inputs.items():
        if isinstance(one.how, Derived):
            yield _Computed(code, one.how.formula, one.unit, place)


def _units(written: Mapping[str, str]) -> dict[str, Term]:
    """Return the units that could be read; for the others there is a fault already."""
    found = {}
    for key, text in written.items():
        try:
            found[key] = parse_unit(text)
        except UnitError:
            continue
    return found


def _check_names(one: _Computed, inputs: Iterable[str], points: Iterable[str], problems: Problems) -> None:
    for code in one.formula.inputs:
        if code not in inputs:
            problems.add(one.place.file, f"{one.place.where}.formula", f"unknown input {code!r}{nearest(code, inputs)}")
    for key in one.formula.data_points:
        if key not in points:
            problems.add(
                one.place.file, f"{one.place.where}.formula", f"unknown data point {key!r}{nearest(key, points)}"
            )


def _check_unit(one: _Computed, units: Mapping[str, Term], problems: Problems) -> None:
    """Note a formula whose unit is not the one that is stated, unless something in it is at fault already."""
    names = (*one.formula.inputs, *one.formula.data_points)
    if one.formula is NOTHING or one.key not in units or not set(names) <= units.keys():
        return
    try:
        found = one.formula.unit(units)
    except UnitError as error:
        problems.add(one.place.file, f"{one.place.where}.formula", str(error))
        return
    wanted = units[one.key]
    if found != wanted:
        problems.add(
            one.place.file, f"{one.place.where}.formula", f"{one.key} is in {one.unit!r}, and {_gives(found, wanted)}"
        )


def _gives(found: Term, wanted: Term) -> str:
    if found.powers != wanted.powers:
        return f"its formula gives {found} where {wanted} is expected"
    return f"its formula gives {found.scale / wanted.scale} of it: multiply by that (a number in a formula converts)"


def _check_circles(computed: Iterable[_Computed], problems: Problems) -> None:
    """Note every circle once, at the entry where it is entered first."""
    by_key = {one.key: one for one in computed}
    done: set[str] = set()
    for start in by_key:
        # A walk with a stack of its own: a chain of formulas may be longer than Python's stack is deep.
        stack = [(start, iter(_uses(by_key, start)))] if start not in done else []
        trail = [start] if stack else []
        while stack:
            key, uses = stack[-1]
            following = next(uses, None)
            if following is None:
                done.add(key)
                stack.pop()
                trail.pop()
            elif following in trail:
                circle = [*trail[trail.index(following) :], following]
                place = by_key[following].place
                problems.add(place.file, f"{place.where}.formula", f"goes in a circle: {' -> '.join(circle)}")
            elif following not in done:
                stack.append((following, iter(_uses(by_key, following))))
                trail.append(following)


def _uses(by_key: Mapping[str, _Computed], key: str) -> list[str]:
    formula = by_key[key].formula
    return [name for name in (*formula.inputs, *formula.data_points) if name in by_key]


def _check_target(target: Target, place: Place, points: Mapping[str, DataPoint], problems: Problems) -> None:
    point = points.get(target.data_point)
    if point is None:
        hint = nearest(target.data_point, points)
        problems.add(place.file, f"{place.where}.kpi", f"unknown data point {target.data_point!r}{hint}")
        return
    fitting = _RULES[point.direction]
    if not fitting:
        problems.add(place.file, f"{place.where}.kpi", f"{point.key} has no direction, so it has no target")
    elif target.rule not in fitting:
        problems.add(
            place.file, f"{place.where}.rule",
            f"{point.key} gets better {_better(point)}: expected {' or '.join(fitting)}, got {target.rule}",
        )  # fmt: skip


def _better(point: DataPoint) -> str:
    return "towards its ideal" if point.direction is Direction.TARGET else f"when {point.direction}"
