"""`cityvitals indicators`: newest figures, their history, what was known when, and figures of whole periods.

Knows options and rendering; formulas are `engine.indicators`', stored figures the store's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.periods import PERIODS, Row, period_rows
from console.commands.with_flagged import add_with_flagged, refuse_beside
from console.errors import MisuseError
from console.output import Col, print_json, print_table
from console.text import age, local_time

if TYPE_CHECKING:
    from console.context import Context
    from engine.store import IndicatorReading, Store

WithFlaggedOption = Annotated[
    bool, typer.Option("--with-flagged", help="Beside each figure what it would be with excluded readings.")
]
WindowOption = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="hour|day|month|year|7d|30d|365d|period",
        help="Only this window; period: all of --from/--to.",
    ),
]
WINDOWS = ("hour", "day", *PERIODS)
SCOPE_KINDS = ("city", "zone", "station")


def indicators(
    context: typer.Context,
    indicator: Annotated[str | None, typer.Option("--indicator", metavar="CODE", help="Only this indicator.")] = None,
    scope: Annotated[
        str | None,
        typer.Option(
            "--scope", metavar="SCOPE", help="city, zone:CODE, station:CODE; or zone, station for all of them."
        ),
    ] = None,
    window: WindowOption = None,
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="From this date or time on; without offset, city's clock."),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before this date or time.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Every window, not only the newest.")] = False,
    known: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="As it was known at this time, whatever came later.")
    ] = None,
    revisions: Annotated[
        bool, typer.Option("--revisions", help="What was replaced of closed windows, when and why, and what stands.")
    ] = False,
    with_flagged: WithFlaggedOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Show indicators with value, unit, band, coverage, age and revision.

    Without options: the newest figure of each, for the city and its zones. `--from` or `--to` asks for the history.
    Revision 0 is provisional: the window is still open; every later change of a closed window raises it by one.
    `--window month` and `year` compute one figure per station and civil month or year from its hours, exactly, as if it
    were one window; `--window 7d`, `30d` and `365d` do so for the last whole civil days, before `--to` or before the
    day of the newest reading; `--window period` for all hours that start from `--from` (included) to `--to` (excluded).

    `--at TIME` shows what this command would have shown then: what late readings changed since is not in it. Closed
    windows are exact; open ones of the city and its zones are kept as they stood at the end of each minute.

    `--with-flagged` computes each figure once more as if nothing were excluded by the city's rules of quality. It is
    computed from the stored windows and written nowhere; `received` and `coverage` count what is left.

    `--revisions` lists every replaced result of a closed window: what was published, until when, and why it changed.

    **Examples**

    - `cityvitals indicators --indicator cai --scope zone:air --history`
    - `cityvitals indicators --scope station --window day --from 2026-01-01 --to 2026-02-01 --json`
    - `cityvitals indicators --indicator laeq --window 30d`
    - `cityvitals indicators --indicator pm2_5_mean --window period --from 2016-01-01 --to 2017-01-01`
    - `cityvitals indicators --indicator cai --at 2026-01-31T14:05`
    - `cityvitals indicators --scope zone:air --revisions --from 2026-01-31`
    - `cityvitals --city cities/seoul indicators --scope station --from 2026-01-31 --with-flagged`
    """
    from console.commands.results import city_clock, open_store, time_range
    from engine.indicators import INDICATORS

    _check(indicator, window, [one.code for one in INDICATORS])
    kind, code = _scope(scope)
    zone = city_clock(context.obj)
    from_us, to_us = time_range(since, until, zone)
    if with_flagged:
        refuse_beside(window, known=known, revisions=revisions)
    if revisions:
        _revisions(context.obj, zone, (from_us, to_us), indicator, window, kind, code, at=known, as_json=as_json)
        return
    with open_store(context.obj) as store:
        if known is not None:
            rows = _known(store, known, zone, (from_us, to_us), indicator, window, kind, code, newest=not history)
        elif window in PERIODS:
            rows = period_rows(store, window, zone, (from_us, to_us), indicator, kind, code)
        elif history or since is not None or until is not None:
            rows = _history(store, (from_us, to_us), indicator, window, kind, code)
        else:
            rows = _newest(store, indicator, window, kind, code)
        if not rows and code is not None:
            _require_scope(store, str(kind), code)
        if with_flagged:
            add_with_flagged(context.obj, store, rows)
    if as_json:
        print_json(rows)
    else:
        _print(rows, zone, with_flagged=with_flagged)


def _newest(store: Store, indicator: str | None, window: str | None, kind: str | None, code: str | None) -> list[Row]:
    return [
        _row(one)
        for one in store.latest_indicators(("city", "zone") if kind is None else (kind,))
        if indicator in (None, one.indicator) and window in (None, one.window) and code in (None, one.scope)
    ]


def _history(
    store: Store, span_us: tuple[int, int], indicator: str | None, window: str | None, kind: str | None,
    code: str | None,
) -> list[Row]:  # fmt: skip
    found = store.indicator_history(*span_us, indicator=indicator, window=window, scope_kind=kind, scope=code)
    return [_row(one) for one in found if kind is not None or one.scope_kind != "station"]


def _revisions(
    context: Context, zone: tzinfo, span_us: tuple[int, int], indicator: str | None, window: str | None,
    kind: str | None, code: str | None, *, at: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what was replaced; as in the history, stations only where they are asked for.

    Raises:
        MisuseError: the window is no hour and no day, or the past is asked for as well.
    """
    from console.commands.results import open_store
    from console.commands.revisions import print_revisions, revision_row

    if window in PERIODS:
        raise MisuseError("--revisions shows hours and days, which alone are kept", f"leave out --window {window}")
    if at is not None:
        raise MisuseError("--revisions and --at exclude each other", "give one of them")
    with open_store(context) as store:
        found = store.indicator_revisions(*span_us, indicator=indicator, window=window, scope_kind=kind, scope=code)
        if not found and code is not None:
            _require_scope(store, str(kind), code)
    rows = [revision_row(one) for one in found if kind is not None or one.replaced.scope_kind != "station"]
    if as_json:
        print_json(rows)
    else:
        print_revisions(rows, zone)


def _known(
    store: Store, at: str, zone: tzinfo, span_us: tuple[int, int], indicator: str | None, window: str | None,
    kind: str | None, code: str | None, *, newest: bool,
) -> list[Row]:  # fmt: skip
    """Return what was known at a time: every window of the span, or with `newest` and no span the newest of each.

    Raises:
        MisuseError: not a time, or the window is no hour and no day.
    """
    from console.text import parse_time
    from devices import TIME_MAX_US, TIME_MIN_US

    if window in PERIODS:
        raise MisuseError("--at shows hours and days as they were known", f"leave out --window {window}")
    try:
        known_us = parse_time(at, zone)
    except ValueError as error:
        raise MisuseError(f"--at: {error}") from None
    from_us, to_us = span_us
    found = store.known_at(known_us, from_us, to_us, indicator=indicator, window=window, scope_kind=kind, scope=code)
    if kind is None:
        found = [one for one in found if one.scope_kind != "station"]
    if newest and (from_us, to_us) == (TIME_MIN_US, TIME_MAX_US):
        # In the order of the start, so that the last of each is the newest.
        found = list({(one.indicator, one.window, one.scope_kind, one.scope): one for one in found}.values())
    return [_row(one) for one in found]


def _check(indicator: str | None, window: str | None, codes: Sequence[str]) -> None:
    from devices import nearest

    if indicator is not None and indicator not in codes:
        raise MisuseError(f"no indicator is called {indicator!r}{nearest(indicator, codes)}")
    if window is not None and window not in WINDOWS:
        raise MisuseError(f"--window {window}: expected one of {', '.join(WINDOWS)}")


def _scope(text: str | None) -> tuple[str | None, str | None]:
    """Return kind and code of `--scope`; None stands for all."""
    if text is None:
        return None, None
    kind, colon, code = text.partition(":")
    if kind not in SCOPE_KINDS or (colon and (not code or kind == "city")):
        raise MisuseError(f"--scope {text}: expected city, zone, station, zone:CODE or station:CODE")
    return kind, code or None


def _require_scope(store: Store, kind: str, code: str) -> None:
    from console.commands.results import require_device
    from devices import nearest

    if kind == "station":
        require_device(store, code)
        return
    zones = {row.zone for row in store.device_rows()}
    if code not in zones:
        raise MisuseError(f"no zone is called {code!r}{nearest(code, zones)}")


def _row(one: IndicatorReading) -> Row:
    from devices import rfc3339

    return {
        "indicator": one.indicator,
        "window": one.window,
        "scope": one.scope_kind if one.scope_kind == "city" else f"{one.scope_kind}:{one.scope}",
        "start": rfc3339(one.start_us),
        "value": None if one.value is None else f"{one.value:f}",
        "unit": one.unit,
        "band": one.band_name or None,
        "driver": one.driver or None,
        "received": one.received,
        "expected": one.expected,
        "coverage": round(one.received / one.expected, 4) if one.expected else None,
        "revision": one.revision,
        "computed": rfc3339(one.computed_us),
    }


def _print(rows: Iterable[Row], zone: tzinfo, *, with_flagged: bool = False) -> None:
    import time

    from devices import time_us_from_rfc3339
    from engine.indicators import INDICATORS

    symbols = {one.code: one.symbol for one in INDICATORS}
    colours = {(one.code, band.name): band.colour for one in INDICATORS for band in one.bands}
    now_us = time.time_ns() // 1000
    shown = []
    for row in rows:
        start = row["start"]
        start_us = None if start is None else time_us_from_rfc3339(str(start))
        code = str(row["indicator"])
        shown.append(
            (
                str(row["scope"]),
                code,
                str(row["window"]),
                "" if start_us is None else local_time(start_us, zone),
                _value(row["value"]),
                *([_value(row["with_flagged"])] if with_flagged else ()),
                symbols.get(code, str(row["unit"])),
                _band(row, colours),
                "–" if row["coverage"] is None else f"{100 * float(str(row['coverage'])):.0f}%",
                "" if start_us is None else age((now_us - start_us) / 1_000_000),
                "" if row["revision"] is None else str(row["revision"]),
                str(row["driver"] or ""),
            )
        )
    print_table(
        "",
        [
            Col("scope"), Col("indicator"), Col("window"), Col(f"start ({zone})"), Col("value", right=True),
            *([Col("with flagged", right=True)] if with_flagged else ()), Col("unit", fold=False), Col("band"),
            Col("coverage", right=True), Col("age", right=True), Col("rev", right=True), Col("driver"),
        ],
        shown,
        "age: since the window began; rev 0: provisional, the window is still open" if shown else "no figure yet",
    )  # fmt: skip


def _value(value: object) -> str:
    return "–" if value is None else str(value)


def _band(row: Row, colours: Mapping[tuple[str, str], str]) -> Text:
    band = row["band"]
    if band is None:
        return Text("")
    return Text.assemble(("■ ", colours.get((str(row["indicator"]), str(band)), "")), str(band))
