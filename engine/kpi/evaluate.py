"""Figures of all data points from the values of their inputs.

Knows formulas and in which order they depend on each other; knows neither time nor where a value comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.kpi.definition import DataPoint, Pack
from engine.kpi.values import NotReported, Value


def evaluate(pack: Pack, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the figure of every data point by key, exactly, and of every input by code.

    Args:
        pack: the catalogue; it was checked, so nothing goes in a circle.
        values: of inputs by code. A derived input given here stands as given (a city may declare it); what is absent
            is not reported.
    """
    known = _completed(pack, values)
    for point in pack.data_points:
        _settle(pack, point.key, known)
    return {**{code: known[code] for code in pack.inputs}, **{p.key: known[p.key] for p in pack.data_points}}


def evaluate_points(pack: Pack, keys: Iterable[str], values: Mapping[str, Value]) -> dict[str, Value]:
    """Return what `evaluate` returns, of some data points by key and of all they rest on only."""
    known: dict[str, Value] = dict(values)
    for key in keys:
        _settle(pack, key, known)
    return known


def explain(pack: Pack, point: DataPoint, values: Mapping[str, Value]) -> tuple[str, ...]:
    """Return how a figure comes about, one line for the formula and one for each derived input or data point in it."""
    known = _completed(pack, values)
    _settle(pack, point.key, known)
    lines = {point.key: f"{point.key}: {point.formula.explain(known)}"}
    waiting = [point.formula]
    while waiting:
        formula = waiting.pop(0)
        for name in (*formula.inputs, *formula.data_points):
            inner = pack.formula(name)
            if inner is None or name in lines or name in values:
                continue
            lines[name] = f"{name}: {inner.explain(known)}"
            waiting.append(inner)
    return tuple(lines.values())


def _completed(pack: Pack, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values of all inputs, the derived ones computed."""
    known: dict[str, Value] = dict(values)
    for code in pack.inputs:
        _settle(pack, code, known)
    return known


def _settle(pack: Pack, name: str, known: dict[str, Value]) -> None:
    """Work out one name and all it rests on."""
    # With a stack of its own: a chain of formulas may be longer than Python's is deep.
    waiting = [name]
    while waiting:
        current = waiting[-1]
        formula = None if current in known else pack.formula(current)
        if current in known:
            waiting.pop()
            continue
        if formula is None:
            known[current] = NotReported((f"{current}: not reported",))
            continue
        lacking = [one for one in (*formula.inputs, *formula.data_points) if one not in known]
        if lacking:
            waiting.extend(lacking)
        else:
            known[current] = formula.evaluate(known)
