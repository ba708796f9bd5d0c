"""Figures of windows for programs and for drawing, by the kind of what is measured.

Arithmetic over exact sums; knows neither requests nor the store's tables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from console.web.values import share
from devices import rfc3339, text_from_ticks
from engine.cells import Grid
from engine.store.series import Merged, SeriesFacts, Window
from engine.weights import ENERGY_SCALE

MEAN_DIGITS = 6
"""Digits that a mean has beyond those of a value."""

Sums = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class WindowItem:
    """One window of a series.

    Attributes:
        start: of the window, included.
        count, expected: readings that came and that were due.
        coverage: the one by the other; null where none is due.
        low, high: least and greatest value, exact; null without a reading.
        mean: mean of a gauge, energy mean of a level, direction of an angle's mean vector, rounded to even; else null.
        total: increase of a counter or sum of an event's weights, exact; else null.
        state_s: seconds in each state, in the order of their names; empty but for kind `state`.
        revision: 0 while the window is open, 1 when it closed, one more for every later change.
        closed: whether it is.
    """

    start: str
    count: int
    expected: int
    coverage: float | None
    low: str | None
    high: str | None
    mean: str | None
    total: str | None
    state_s: tuple[float, ...]
    revision: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """Windows of a series in columns of one width, as arrays of one length; numbers to be drawn, not to be quoted.

    Attributes:
        device, field, measurand, unit, kind: the series.
        grid: which windows were merged.
        symbol: the unit as people write it.
        step_s: width of a column in seconds.
        t: start of each column in seconds since 1970; a difference above `step_s` is a gap.
        low, high: least and greatest value in the column; null without a reading.
        mean: as of a window; null where the kind has none.
        total: as of a window; null where the kind has none.
        state: share of the known time in each state, 0 to 1; null but for kind `state`.
        states: their names.
        count, expected: readings that came and that were due.
    """

    device: str
    field: str
    measurand: str
    unit: str
    kind: str
    symbol: str
    grid: str
    step_s: int
    t: tuple[int, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    mean: tuple[float | None, ...]
    total: tuple[float | None, ...]
    state: tuple[tuple[float, ...] | None, ...]
    states: tuple[str, ...]
    count: tuple[int, ...]
    expected: tuple[int, ...]


def text(facts: SeriesFacts, ticks: int) -> str:
    """Return a count of ticks as the exact decimal that it is."""
    return text_from_ticks(ticks, facts.decimals)


def window_item(facts: SeriesFacts, row: Window) -> WindowItem:
    """Return a window for programs."""
    sums = (row.sum_0, row.sum_1, row.sum_2, row.sum_3)
    mean = exact_mean(facts, row.received, sums)
    total = _total(facts, row.received, sums)
    return WindowItem(
        start=rfc3339(row.start_us),
        count=row.received,
        expected=row.expected,
        coverage=share(row.received, row.expected),
        low=text(facts, row.low) if row.received else None,
        high=text(facts, row.high) if row.received else None,
        mean=None if mean is None else _rounded(mean, facts.decimals + MEAN_DIGITS),
        total=None if total is None else text(facts, total),
        state_s=tuple(part / 1_000_000 for part in sums[: len(facts.states)]) if facts.kind == "state" else (),
        revision=row.revision,
        closed=row.revision > 0,
    )


def drawn(facts: SeriesFacts, symbol: str, grid: Grid, width_us: int, columns: Sequence[Merged]) -> Drawing:
    """Return merged windows as arrays to be drawn."""
    scale = 10**facts.decimals
    sums = [(one.sum_0, one.sum_1, one.sum_2, one.sum_3) for one in columns]
    means = [exact_mean(facts, one.received, its) for one, its in zip(columns, sums, strict=True)]
    totals = [_total(facts, one.received, its) for one, its in zip(columns, sums, strict=True)]
    return Drawing(
        device=facts.device,
        field=facts.field,
        measurand=facts.measurand,
        unit=facts.unit,
        kind=facts.kind,
        symbol=symbol,
        grid=grid.name.lower(),
        step_s=width_us // 1_000_000,
        t=tuple(one.start_us // 1_000_000 for one in columns),
        low=tuple(None if one.low is None else one.low / scale for one in columns),
        high=tuple(None if one.high is None else one.high / scale for one in columns),
        mean=tuple(None if mean is None else float(mean) for mean in means),
        total=tuple(None if total is None else total / scale for total in totals),
        state=tuple(_shares(facts, its) for its in sums),
        states=tuple(facts.states),
        count=tuple(one.received for one in columns),
        expected=tuple(one.expected for one in columns),
    )


def exact_mean(facts: SeriesFacts, count: int, sums: Sums) -> Fraction | None:
    """Return the mean of windows in the unit; exact for a gauge. None where the kind has none, or nothing came."""
    if not count:
        return None
    if facts.kind == "gauge":
        return Fraction(sums[0], count * 10**facts.decimals)
    if facts.kind == "level":
        return Fraction(10 * math.log10(sums[0] / (ENERGY_SCALE * count))) if sums[0] > 0 else None
    if facts.kind == "angle" and (sums[0] or sums[1]):
        return Fraction(math.degrees(math.atan2(sums[1], sums[0])) % 360.0 % 360.0)
    return None


def _total(facts: SeriesFacts, count: int, sums: Sums) -> int | None:
    """Return the total in ticks; a counter's window between two readings has its share without holding one."""
    if facts.kind not in ("counter", "event"):
        return None
    return sums[0] if count or sums[0] else None


def _shares(facts: SeriesFacts, sums: Sums) -> tuple[float, ...] | None:
    known = sum(sums[: len(facts.states)])
    if facts.kind != "state" or not known:
        return None
    return tuple(part / known for part in sums[: len(facts.states)])


def _rounded(value: Fraction, digits: int) -> str:
    """Return a fraction with so many digits, half to even."""
    return text_from_ticks(round(value * 10**digits), digits)
