"""Figures of data points for one period and scope, each with what a verifier asks for beside it.

Knows the pack and the values of inputs; knows neither where these come from nor how figures are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Final

from engine.kpi.bounds import Interval, enclosures
from engine.kpi.coverage import Validity, validity
from engine.kpi.definition import YEAR_ALONE, DataPoint, Derived, Input, Live, Pack, Telemetry
from engine.kpi.evaluate import evaluate_points
from engine.kpi.formula import Formula, Node, Number, Operation
from engine.kpi.sensed import InputFigure, PeriodInputs
from engine.kpi.values import NotReported, Value

DIGEST_CHARS: Final = 16
_HUNDRED: Final = Fraction(100)


@dataclass(frozen=True, slots=True)
class Figure:
    """One data point of one scope.

    Attributes:
        key: of the data point.
        unit: UCUM term.
        zone: position of the zone; None for the city.
        value: exact; of devices counted it means those installed.
        effective: the same with the devices that were heard from lately; None where no input counts devices.
        numerator, denominator: the two sides of the formula where it is a ratio, without the 100 of per cent.
        received, expected: readings of its least complete input; expected is 0 where nothing comes at intervals.
        validity: what that makes of it; None where completeness has no meaning.
        definition: digest of formula, unit and inputs as they are defined.
        facts: digest of the registers and devices it rests on.
        inputs: what it rests on, by code.
        bounds: between which it lies at the worst; None where it has none.
    """

    key: str
    unit: str
    zone: int | None
    value: Value
    effective: Value | None
    numerator: Value | None
    denominator: Value | None
    received: int
    expected: int
    validity: Validity | None
    definition: str
    facts: str
    inputs: tuple[InputFigure, ...]
    bounds: Interval | None = None


def sensed_points(pack: Pack) -> tuple[DataPoint, ...]:
    """Return the data points that sensors can know, wholly or in part."""
    return tuple(point for point in pack.data_points if point.live is not Live.NO)


def definition_digest(pack: Pack, point: DataPoint) -> str:
    """Return a digest that changes exactly when what is computed changes; texts for people are not in it."""
    parts = [point.key, point.formula.text, point.unit, *(_definition(one) for one in pack.inputs_of(point))]
    parts += [f"{name}={pack.data_point(name).formula.text}" for name in _reached(pack, point)]
    return _digest("\n".join(parts))


def figures(pack: Pack, inputs: PeriodInputs, digests: Mapping[str, str], zone: int | None = None) -> list[Figure]:
    """Return every data point that sensors can know; of a zone only those that a zone can have.

    Args:
        pack: the catalogue.
        inputs: of the period.
        digests: of the definitions, by key of the data point; see `definition_digest`.
        zone: position of a zone; None for the city.
    """
    known = inputs.of(zone)
    rests = {
        point.key: tuple(known[one.code] for one in pack.inputs_of(point) if one.code in known)
        for point in sensed_points(pack)
    }
    if zone is not None:
        rests = {key: found for key, found in rests.items() if found and all(one.applies for one in found)}
    if not rests:
        return []
    values = evaluate_points(pack, rests, {code: one.value for code, one in known.items()})
    heard = values
    if any(one.effective not in (None, one.value) for one in known.values()):
        counted = {code: one.value if one.effective is None else one.effective for code, one in known.items()}
        heard = evaluate_points(pack, rests, counted)
    bounds = enclosures(pack, {code: one.bounds for code, one in known.items()}, rests)
    return [
        replace(
            _figure(point, zone, values, heard[point.key], rests[point.key], digests[point.key], inputs.period.days),
            bounds=None if isinstance(values[point.key], NotReported) else bounds[point.key],
        )
        for point in sensed_points(pack)
        if point.key in rests
    ]


def _figure(
    point: DataPoint,
    zone: int | None,
    values: Mapping[str, Value],
    heard: Value,
    rests: tuple[InputFigure, ...],
    definition: str,
    days: Fraction,
) -> Figure:
    numerator, denominator = sides(point.formula, values)
    measured = [one for one in rests if one.expected]
    least = min(measured, key=lambda one: Fraction(one.received, one.expected), default=None)
    received, due = (least.received, least.expected) if least is not None else (0, 0)
    counts_devices = any(one.effective is not None for one in rests)
    return Figure(
        key=point.key,
        unit=point.unit,
        zone=zone,
        value=values[point.key],
        effective=heard if counts_devices else None,
        numerator=numerator,
        denominator=denominator,
        received=received,
        expected=due,
        validity=validity(received, due, days),
        definition=definition,
        facts=_digest("\n".join(f"{one.code}:{one.facts}" for one in rests)),
        inputs=rests,
    )


def sides(formula: Formula, values: Mapping[str, Value]) -> tuple[Value | None, Value | None]:
    """Return numerator and denominator of a formula that is a ratio, (None, None) for any other.

    The 100 that makes per cent is no part of the numerator: `100 * a / b` has a and b.
    """
    tree = formula.tree
    if not isinstance(tree, Operation) or tree.sign != "/":
        return None, None
    above, below = tree.parts
    if isinstance(above, Operation) and above.sign == "*" and _is_hundred(above.parts[0]):
        above = above.parts[1]
    return _part(formula, above).evaluate(values), _part(formula, below).evaluate(values)


def _is_hundred(node: Node) -> bool:
    return isinstance(node, Number) and node.value == _HUNDRED


def _part(formula: Formula, tree: Node) -> Formula:
    return Formula(formula.text, formula.inputs, formula.data_points, tree)


def _reached(pack: Pack, point: DataPoint) -> list[str]:
    """Return the other data points that a formula uses, through any number of others."""
    found: list[str] = []
    waiting = list(point.formula.data_points)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.append(name)
            waiting.extend(pack.data_point(name).formula.data_points)
    return sorted(found)


def _definition(one: Input) -> str:
    if isinstance(one.how, Derived):
        how = one.how.formula.text
    else:
        parts = asdict(one.how)
        if isinstance(one.how, Telemetry) and one.how.capture == YEAR_ALONE:
            del parts["capture"]  # digests are older than this rule, and what it leaves alone has not changed
        elif isinstance(one.how, Telemetry) and not one.how.capture.hour_percent_min:
            del parts["capture"]["hour_percent_min"]  # as are those that ask for seasons alone
        how = json.dumps(parts, default=str)
    return f"{one.code} {one.unit} {one.kind} {how}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_CHARS]
