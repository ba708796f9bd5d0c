"""Which observations a condition means, as bounds of time and ticks: numbers, that a statement takes as its parameters.

Exact: a value between two ticks is told from both. Knows conditions and measurands; knows no database.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from console.web.odata import And, Compare, Condition, ODataError, Order
from devices import Measurand
from engine.store.things import TICKS_MAX, TICKS_MIN, Bounds

TIMES = (("phenomenonTime",), ("resultTime",))
RESULT = ("result",)
STREAM = (("Datastream", "id"), ("Datastream", "@iot.id"))
NOTHING = Bounds(least=1, most=0)


def bounds_of(condition: Condition | None, measurand: Measurand) -> Bounds:
    """Return the bounds that a condition on observations of a measurand sets.

    Raises:
        ODataError: it is more than comparisons of time and result, joined by `and`.
    """
    bounds = Bounds()
    for one in comparisons(condition):
        if one.path in TIMES:
            bounds = _within(bounds, _times(one))
        elif one.path == RESULT:
            bounds = _within(bounds, _results(one, measurand))
        else:
            raise ODataError(one.place, "phenomenonTime, resultTime or result")
    return bounds


def comparisons(condition: Condition | None) -> Iterator[Compare]:
    """Yield the comparisons that are joined by `and`.

    Raises:
        ODataError: there is something else.
    """
    match condition:
        case None:
            return
        case Compare():
            yield condition
        case And(parts):
            for part in parts:
                yield from comparisons(part)
        case _:
            # What a statement takes as bounds; anything else would have to look at every observation.
            raise ODataError(1, "of observations comparisons joined by `and` alone")


def newest_first(order: tuple[Order, ...]) -> bool:
    """Say whether observations are wanted from the newest back; they are sorted by time alone.

    Raises:
        ODataError
    """
    for one in order[1:]:
        raise ODataError(one.place, "the end: observations are sorted by time alone")
    for one in order:
        if one.path not in TIMES:
            raise ODataError(one.place, "phenomenonTime")
        return one.descending
    return False


def _within(one: Bounds, other: Bounds) -> Bounds:
    return Bounds(
        max(one.low_us, other.low_us),
        min(one.high_us, other.high_us),
        max(one.least, other.least),
        min(one.most, other.most),
        one.without + other.without,
    )


def _times(one: Compare) -> Bounds:
    if not isinstance(one.value, int) or isinstance(one.value, bool):
        raise ODataError(one.place, "a time as RFC 3339 has it, beside phenomenonTime")
    at_us = one.value
    match one.operator:
        case "gt":
            return Bounds(low_us=at_us + 1)
        case "ge":
            return Bounds(low_us=at_us)
        case "lt":
            return Bounds(high_us=at_us)
        case "le":
            return Bounds(high_us=at_us + 1)
        case "eq":
            return Bounds(low_us=at_us, high_us=at_us + 1)
    raise ODataError(one.place, "eq, gt, ge, lt or le beside phenomenonTime")


def _results(one: Compare, measurand: Measurand) -> Bounds:
    if measurand.states:
        return _states(one, measurand)
    if not isinstance(one.value, Decimal):
        raise ODataError(one.place, "a number beside result")
    exact = Fraction(one.value) * 10**measurand.decimals
    floor, ceiling = math.floor(exact), math.ceil(exact)
    match one.operator:
        case "gt":
            return _ticks(floor + 1, TICKS_MAX)
        case "ge":
            return _ticks(ceiling, TICKS_MAX)
        case "lt":
            return _ticks(TICKS_MIN, ceiling - 1)
        case "le":
            return _ticks(TICKS_MIN, floor)
        case "eq":
            return _ticks(ceiling, floor)  # none lies between where it is no whole tick
    is_tick = floor == ceiling and TICKS_MIN <= floor <= TICKS_MAX
    return Bounds(without=(floor,)) if is_tick else Bounds()


def _states(one: Compare, measurand: Measurand) -> Bounds:
    if not isinstance(one.value, str) or one.operator not in ("eq", "ne"):
        raise ODataError(one.place, f"eq or ne and one of {', '.join(repr(state) for state in measurand.states)}")
    if one.value not in measurand.states:
        return NOTHING if one.operator == "eq" else Bounds()
    tick = measurand.states.index(one.value)
    return Bounds(least=tick, most=tick) if one.operator == "eq" else Bounds(without=(tick,))


def _ticks(least: int, most: int) -> Bounds:
    if least > TICKS_MAX or most < TICKS_MIN:
        return NOTHING
    return Bounds(least=max(least, TICKS_MIN), most=min(most, TICKS_MAX))
