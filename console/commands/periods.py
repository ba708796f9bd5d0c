"""Figures of civil months, years, last days and any other whole hours, merged exactly from what the store holds.

Knows the calendar and the indicators' own formulas; knows no option and no rendering.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from console.errors import MisuseError
from console.text import EPOCH

if TYPE_CHECKING:
    from engine.indicators import Indicator
    from engine.store import PeriodFigure, Store

ROLLING = {"7d": 7, "30d": 30, "365d": 365}
"""Windows of the last so many whole civil days."""
PERIODS = ("month", "year", *ROLLING, "period")
HOUR_US = 3_600_000_000

Row = dict[str, object]
Span = tuple[int, int]


def period_rows(
    store: Store, window: str, zone: tzinfo, span_us: Span, indicator: str | None, kind: str | None, code: str | None
) -> list[Row]:
    """Return one row per indicator, station and period, computed from the merged hours by the indicator's own formula.

    Args:
        store: where the hours are.
        window: one of `PERIODS`.
        zone: the city's.
        span_us: months and years that start from (included) to (excluded) are meant, or the one period itself; the last
            days are those before its end.
        indicator, kind, code: only these.

    Raises:
        MisuseError: the scope is no station, the indicator has no period, the limits are no whole hours, or last days
            are given a beginning.
    """
    from devices import TIME_MAX_US, TIME_MIN_US

    if kind not in (None, "station"):
        raise MisuseError(f"--window {window} is computed per station, not for --scope {kind}")
    definitions = _definitions(window, indicator)
    if window == "period":
        for name, limit in zip(("--from", "--to"), span_us, strict=True):
            # An hour of zones like Asia/Kathmandu begins at a quarter of a UTC hour.
            if limit not in (TIME_MIN_US, TIME_MAX_US) and limit % (HOUR_US // 4):
                raise MisuseError(f"{name}: --window period merges whole hours; give a full hour")
        return _rows(store, definitions, window, span_us, None, code)
    rows = []
    spans = _last_days(store, window, zone, span_us) if window in ROLLING else _civil(store, window, zone, span_us)
    for begin_us, end_us in spans:
        rows += _rows(store, definitions, window, (begin_us, end_us), begin_us, code)
    return rows


def _definitions(window: str, indicator: str | None) -> dict[str, Indicator]:
    from engine.indicators import INDICATORS

    found: dict[str, Indicator] = {}
    for one in INDICATORS:
        if one.statistic is not None and indicator in (None, one.code):
            found.setdefault(one.code, one)
    if not found:
        raise MisuseError(
            f"{indicator} is an index of single hours or days and has no figure for a {window}",
            "ask for a statistic such as pm2_5_mean, laeq or electricity",
        )
    return found


def _civil(store: Store, window: str, zone: tzinfo, span_us: Span) -> list[Span]:
    """Return start and end of every civil month or year that starts in a span and may hold readings."""
    from zoneinfo import ZoneInfo

    from engine.calendar import Calendar

    first_us = store.first_time_us()
    if first_us is None:
        return []
    last_us = max(row.last_us for row in store.device_rows())
    calendar = Calendar(ZoneInfo(str(zone)))
    first = _moment(max(first_us, calendar.from_us), zone)
    year, month = first.year, 1 if window == "year" else first.month
    found: list[Span] = []
    while True:
        bounds = calendar.year_bounds(year) if window == "year" else calendar.month_bounds(year, month)
        if bounds[0] > last_us or bounds[1] >= calendar.to_us:
            return found
        if span_us[0] <= bounds[0] < span_us[1]:
            found.append(bounds)
        year, month = (year + 1, month) if window == "year" else (year + month // 12, month % 12 + 1)


def _last_days(store: Store, window: str, zone: tzinfo, span_us: Span) -> list[Span]:
    """Return the last whole civil days before the end of a span, or before the day of the newest reading."""
    from zoneinfo import ZoneInfo

    from devices import TIME_MAX_US, TIME_MIN_US
    from engine.calendar import Calendar

    if span_us[0] != TIME_MIN_US:
        raise MisuseError(f"--window {window} begins by itself", "leave out --from; --to says before which day it ends")
    if store.first_time_us() is None:
        return []
    calendar = Calendar(ZoneInfo(str(zone)))
    limit_us = max(row.last_us for row in store.device_rows()) if span_us[1] == TIME_MAX_US else span_us[1]
    end = calendar.local(min(limit_us, calendar.to_us - 1)).date()
    return [(calendar.day_bounds(end - timedelta(days=ROLLING[window]))[0], calendar.day_bounds(end)[0])]


def _owed(store: Store, span_us: Span) -> Span:
    """Return of which time readings are owed: the period, an open end of it up to the readings there are."""
    from devices import TIME_MAX_US, TIME_MIN_US

    from_us, to_us = span_us
    first_us = store.first_time_us()
    if first_us is None:
        return span_us
    last_us = max(row.last_us for row in store.device_rows())
    return (first_us if from_us == TIME_MIN_US else from_us, last_us + 1 if to_us == TIME_MAX_US else to_us)


def _moment(time_us: int, zone: tzinfo) -> datetime:
    return (EPOCH + timedelta(microseconds=time_us)).astimezone(zone)


def _rows(
    store: Store, definitions: dict[str, Indicator], window: str, span_us: Span, start_us: int | None, code: str | None
) -> list[Row]:
    """Return the figures of one period."""
    from engine.cells import Grid

    stations: dict[tuple[str, str], list[PeriodFigure]] = {}
    for figure in store.period(Grid.HOUR, *span_us):
        if code in (None, figure.device):
            stations.setdefault((figure.device, figure.measurand), []).append(figure)
    owed_us = _owed(store, span_us)
    return [
        _row(definition, window, owed_us, start_us, device, figures)
        for definition in definitions.values()
        for (device, measurand), figures in stations.items()
        if measurand == definition.inputs[0]
    ]


def _row(
    definition: Indicator,
    window: str,
    owed_us: Span,
    start_us: int | None,
    device: str,
    figures: Sequence[PeriodFigure],
) -> Row:
    import numpy as np

    from devices import load_measurands, rfc3339, text_from_ticks
    from engine.indicators import Sums

    received = sum(f.count for f in figures)
    # Of the whole period: an hour in which nothing came has no window, and is missing all the same.
    expected = sum(f.due(*owed_us) for f in figures)
    sums = np.array([[sum(column) for column in zip(*(f.sums for f in figures), strict=True)]], np.int64)
    measurand = load_measurands().by_code[figures[0].measurand]
    assert definition.statistic is not None  # noqa: S101  (chosen so)
    result = definition.statistic(Sums(np.array([received], np.int64), sums, measurand), definition)
    known = bool(result.known[0])
    band = int(definition.band_of(result.ticks)[0]) if known else 0
    return {
        "indicator": definition.code,
        "window": window,
        "scope": f"station:{device}",
        "start": None if start_us is None else rfc3339(start_us),
        "value": text_from_ticks(int(result.ticks[0]), definition.decimals) if known else None,
        "unit": definition.unit,
        "band": definition.bands[band - 1].name if band else None,
        "driver": None,
        "received": received,
        "expected": expected,
        "coverage": round(received / expected, 4) if expected else None,
        "revision": None,
        "computed": None,
    }
