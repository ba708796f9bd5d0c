"""Values of indicators as programs get them, and the newest of each that counts.

Knows stored results and definitions; knows neither requests nor how answers are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from console.worth import DEFINITIONS, LENGTH_US, newest_that_counts, status
from devices import rfc3339
from engine.store import IndicatorReading, Store

LOOKED_AT = 3
"""Windows among which the newest that counts is looked for, at least: an hour that has only begun and one that came
incomplete hide none."""
COVERAGE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class ValueItem:
    """One result of an indicator.

    Attributes:
        indicator, window: which; the window is `hour` or `day`.
        scope: `city`, `zone:CODE` or `station:CODE`.
        start: of the window, included.
        value: exact decimal; null where the rules give none.
        unit: UCUM code; `1` for an index.
        band, band_name: number from 1 for the lowest and name of the category; null where there is none.
        driver: measurand that decides an index; null where that has no meaning.
        received, expected: readings that came and that were due.
        coverage: the one by the other; above 1 where a device reports more often than it says. Null where none is due.
        revision: 0 while the window is open, 1 when it closed, one more for every later change.
        closed: whether the window is.
        status: `valid`, `incomplete` (too few readings), `open` (the window is) or `none` (no value).
        computed: when.
    """

    indicator: str
    window: str
    scope: str
    start: str
    value: str | None
    unit: str
    band: int | None
    band_name: str | None
    driver: str | None
    received: int
    expected: int
    coverage: float | None
    revision: int
    closed: bool
    status: str
    computed: str


@dataclass(frozen=True, slots=True)
class Point:
    """One window in the history of a value.

    Attributes:
        start: of the window.
        value: exact decimal; null where there is none.
        band: its category.
    """

    start: str
    value: str | None
    band: int | None


@dataclass(frozen=True, slots=True)
class LatestItem(ValueItem):
    """The newest result that counts, and what was before.

    Attributes:
        history: windows up to this one, the oldest first; those without a result are left out.
    """

    history: tuple[Point, ...] = ()


def scope_text(kind: str, code: str) -> str:
    """Return a scope as programs write it."""
    return kind if kind == "city" else f"{kind}:{code}"


def share(received: int, expected: int) -> float | None:
    """Return the coverage; None where nothing is due."""
    return round(received / expected, COVERAGE_DIGITS) if expected else None


def value_item(row: IndicatorReading) -> ValueItem:
    """Return a stored result for programs."""
    _, definition = DEFINITIONS.get((row.indicator, row.window), (0, None))
    known, closed = row.value is not None, row.revision > 0
    worth = "none"
    if definition is not None:
        worth = status(definition, row.received, row.expected, known=known, closed=closed)
    return ValueItem(
        indicator=row.indicator,
        window=row.window,
        scope=scope_text(row.scope_kind, row.scope),
        start=rfc3339(row.start_us),
        value=_text(row),
        unit=row.unit,
        band=row.band or None,
        band_name=row.band_name or None,
        driver=row.driver or None,
        received=row.received,
        expected=row.expected,
        coverage=share(row.received, row.expected),
        revision=row.revision,
        closed=closed,
        status=worth,
        computed=rfc3339(row.computed_us),
    )


def _text(row: IndicatorReading) -> str | None:
    return None if row.value is None else f"{row.value:f}"


def latest_items(store: Store, kinds: Sequence[str], window: str | None, history: int) -> list[LatestItem]:
    """Return the newest results that count, indices of a scope first, as the catalogue orders them.

    Args:
        store: where to ask.
        kinds: of scopes, in the order in which they come.
        window: `hour` or `day`; both where None.
        history: windows that each brings along, itself included.

    Raises:
        StoreUnavailable, StoreError
    """
    rows: dict[tuple[str, str, str, str], list[IndicatorReading]] = {}
    newest = store.latest_indicators(kinds)
    for length, length_us in LENGTH_US.items():
        starts = [row.start_us for row in newest if row.window == length]
        if not starts or window not in (None, length):
            continue
        since_us = max(starts) - max(history, LOOKED_AT) * length_us - length_us // 2
        for kind in kinds:
            for row in store.indicator_history(since_us, window=length, scope_kind=kind):
                rows.setdefault((row.scope_kind, row.scope, row.indicator, row.window), []).append(row)
        # A scope that has been silent for long is shown with its last figure all the same, and its age tells.
        for row in newest:
            if row.window == length:
                rows.setdefault((row.scope_kind, row.scope, row.indicator, row.window), [row])
    found = [_latest(windows, history) for windows in rows.values()]
    return sorted(found, key=lambda item: (kinds.index(item.scope.partition(":")[0]), item.scope, _order(item)))


def _latest(windows: Sequence[IndicatorReading], history: int) -> LatestItem:
    shown = newest_that_counts(windows)
    before = [row for row in windows if row.start_us <= shown.start_us][-history:] if history else []
    item = value_item(shown)
    fields = {name: getattr(item, name) for name in ValueItem.__dataclass_fields__}
    return LatestItem(**fields, history=tuple(_points(before)))


def _points(rows: Iterable[IndicatorReading]) -> list[Point]:
    return [Point(rfc3339(row.start_us), _text(row), row.band or None) for row in rows]


def _order(item: ValueItem) -> tuple[bool, int]:
    """Return the place of an indicator: indices first, for they say in one word how things are."""
    place, definition = DEFINITIONS.get((item.indicator, item.window), (len(DEFINITIONS), None))
    return definition is None or not definition.bands, place
