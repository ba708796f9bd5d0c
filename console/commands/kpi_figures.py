"""Figures of KPIs as `cityvitals kpis` shows them: chosen from the store, as records and as tables.

Knows the rendering of stored figures; definitions are `console.commands.kpis`' to show, and no figure is computed here.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.context import DATABASE_VARIABLE, Context
from console.errors import ConsoleError, FailureError, MisuseError
from console.output import Col, print_table, stderr, stdout
from console.text import local_time, shown_unit

if TYPE_CHECKING:
    from engine.kpi import DataPoint, Pack
    from engine.kpi_book import KpiBook
    from engine.store import KpiReading, Store

Row = dict[str, object]
STYLES = {"valid": "green", "indicative": "yellow", "insufficient": "red"}
PREFERRED = ("rolling", "year", "to_date", "month", "day")
"""Which figure stands for a data point where none is asked for: the first of these that is reported. The last two are
there only where they are asked for."""
UNKEPT = ("month", "day")
"""Computed when somebody asks, and never stored."""
TODAY = "today"
DASH = "–"
DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24

ScopeOption = Annotated[
    str | None, typer.Option("--scope", metavar="SCOPE", help="city (unless said), zone, or zone:CODE.")
]
AtOption = Annotated[str | None, typer.Option("--at", metavar="YEAR", help="The annual figure of this year.")]
MomentOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="YEAR|MONTH|DAY",
        help="The annual figure of a year (2025); or of a month (2025-11), a day (2025-11-26) or today, computed now.",
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which figures are meant.

    Attributes:
        kind, code: of the scope; no code stands for all zones.
        horizon: only this one.
        year: only this year's annual figure.
        part: the month, the day or TODAY whose figures are to be computed; empty for stored ones.
    """

    kind: str
    code: str | None
    horizon: str | None
    year: int | None
    part: str = ""


def asked(scope: str | None, horizon: str | None, at: str | None, *, parts: bool = False) -> Asked:
    """Return what the options mean.

    Args:
        scope, horizon, at: as they were given.
        parts: whether a month or a day may be asked for as well.

    Raises:
        MisuseError: one of them means nothing; the message says what was expected.
    """
    from engine.kpi import KEPT

    kind, colon, code = (scope or "city").partition(":")
    if kind not in ("city", "zone") or (colon and (not code or kind == "city")):
        raise MisuseError(f"--scope {scope}: expected city, zone or zone:CODE")
    part = part_horizon(at) if at is not None and parts else None
    if horizon is not None and horizon not in (*KEPT, part):
        raise MisuseError(
            f"--horizon {horizon}: expected one of {', '.join(KEPT)}",
            "--at asks for the figures of a day or a month" if horizon in UNKEPT else "",
        )
    if at is None:
        return Asked(kind, code or None, horizon, None)
    if part is not None:
        if horizon not in (None, part):
            raise MisuseError(f"--at {at} asks for the figures of a {part}, and --horizon {horizon} for others")
        return Asked(kind, code or None, part, None, at)
    if not re.fullmatch(r"[12]\d{3}", at):
        more = ", a month such as 2025-11, a day such as 2025-11-26, or today" if parts else ""
        raise MisuseError(f"--at {at}: expected a year such as 2025{more}")
    if horizon not in (None, "year"):
        raise MisuseError(f"--at {at} asks for an annual figure, and --horizon {horizon} for an estimate")
    return Asked(kind, code or None, "year", int(at))


def part_horizon(at: str) -> str | None:
    """Return whether a day or a month is meant; None for anything else, such as a day that no calendar has."""
    if at == TODAY:
        return "day"
    found = re.fullmatch(r"[12]\d{3}-\d\d(-\d\d)?", at)
    if found is None:
        return None
    try:
        date.fromisoformat(at if found[1] else f"{at}-01")
    except ValueError:
        return None
    return "day" if found[1] else "month"


def stored(context: Context, wanted: Asked, data_point: str | None = None) -> list[KpiReading] | None:
    """Return the figures that are meant; None where there is no database, or none that can be read now.

    Raises:
        MisuseError: the database holds another city than the one that is named.
    """
    from console.commands.results import open_store
    from engine.store import StoreError

    if context.city_option is not None and not (context.city_option / "devices.csv").is_file():
        return None  # a folder of definitions only
    try:
        with open_store(context) as store:
            return store.kpi_rows(
                data_point=data_point, scope_kind=wanted.kind, scope=wanted.code, horizon=wanted.horizon,
                year=wanted.year,
            )  # fmt: skip
    except MisuseError:
        raise
    except FailureError:
        return None  # no server is given and none runs: the definitions stand alone
    except (ConsoleError, StoreError) as error:
        stderr().print(f"no figures: {error}", style="dim", markup=False)
        return None


def nothing_of(
    rows: Sequence[KpiReading] | None, scope: str | None, horizon: str | None, at: str | None
) -> FailureError:
    """Return what to raise where figures were asked for by an option and there are none.

    Args:
        rows: what `stored` gave.
        scope, horizon, at: as they were given.
    """
    given = " ".join(
        f"--{name} {value}" for name, value in (("scope", scope), ("horizon", horizon), ("at", at)) if value is not None
    )
    if rows is None:
        return FailureError(
            f"{given} asks for figures, and there is no database to read them from",
            f"start the servers with `cityvitals up`, or give {DATABASE_VARIABLE}",
        )
    return FailureError(
        f"no figures for {given}",
        "`cityvitals kpis` shows what there is; a running gateway computes figures, so does `cityvitals kpis compute`",
    )


def preferred(rows: Iterable[KpiReading]) -> list[KpiReading]:
    """Return one figure of each scope: what is reported before what is not, then by PREFERRED, then the newest year."""
    best: dict[tuple[str, str], KpiReading] = {}
    for row in rows:
        scope = (row.scope_kind, row.scope)
        if scope not in best or _rank(row) < _rank(best[scope]):
            best[scope] = row
    return list(best.values())


def _rank(row: KpiReading) -> tuple[bool, int, int]:
    return row.value is None, PREFERRED.index(row.horizon), -row.year


def figure(row: KpiReading) -> Row:
    """Return a figure for programs; keys are stable."""
    from devices import rfc3339

    return {
        "horizon": row.horizon,
        "year": row.year or None,
        "scope": row.scope_kind if row.scope_kind == "city" else f"{row.scope_kind}:{row.scope}",
        "start": rfc3339(row.start_us),
        "end": rfc3339(row.end_us),
        "value": None if row.value is None else f"{row.value:f}",
        "exact": row.ratio,
        "low": row.low_ratio,
        "high": row.high_ratio,
        "unit": row.unit,
        "effective": None if row.effective is None else f"{row.effective:f}",
        "numerator": row.numerator,
        "denominator": row.denominator,
        "reason": row.reason or None,
        "received": row.received,
        "expected": row.expected,
        "coverage": _share(row.received, row.expected),
        "validity": row.validity,
        "revision": row.revision,
        "computed": rfc3339(row.computed_us),
        "definition": row.definition,
    }


def in_full(store: Store, row: KpiReading, formula: Sequence[str]) -> Row:
    """Return a figure for programs with what it rests on and what it replaced."""
    from devices import rfc3339

    replaced = store.kpi_revisions(row.data_point, row.scope_kind, row.scope, row.year) if row.year else []
    return {
        **figure(row),
        "rests_on": [{**one, "coverage": _share(one["received"], one["expected"])} for one in json.loads(row.inputs)],
        "filled_in": list(formula),
        "revisions": [
            {
                "revision": one.revision, "value": None if one.value is None else f"{one.value:f}", "exact": one.ratio,
                "reason": one.reason or None, "received": one.received, "expected": one.expected,
                "computed": rfc3339(one.computed_us), "replaced": rfc3339(one.superseded_us), "change": one.change,
            }
            for one in replaced
        ],
    }  # fmt: skip


def filled_in(pack: Pack, point: DataPoint, row: KpiReading) -> tuple[str, ...]:
    """Return the formula with the numbers of a figure, one line for each formula in it."""
    from engine.kpi import NotReported, Value, explain

    values: dict[str, Value] = {
        one["input"]: NotReported((one["reason"],)) if one["value"] is None else Fraction(one["value"])
        for one in json.loads(row.inputs)
    }
    return explain(pack, point, values)


def window(row: KpiReading) -> str:
    """Return which period a figure is of, for people: `2017`, or what kind of estimate and of how many days."""
    if row.year:
        return str(row.year)
    if row.horizon == "day":
        return f"day, {round((row.end_us - row.start_us) / HOUR_US)} h"
    return f"{row.horizon.replace('_', ' ')}, {max(round((row.end_us - row.start_us) / DAY_US), 1)} d"


def cells(row: KpiReading | None, label: str) -> tuple[str | Text, ...]:
    """Return value, unit, coverage, validity and period of a figure as cells of a table."""
    if row is None:
        return "", label, "", "", ""
    value = Text("NR", style="dim") if row.value is None else Text(shown_value(row))
    share = _share(row.received, row.expected)
    covered = DASH if share is None else f"{100 * share:.1f} %"
    # What is not reported cannot be valid, however complete the inputs are that are there.
    validity = (row.value is not None and row.validity) or ""
    worth = Text(validity or DASH, style=STYLES.get(validity, "dim"))
    return value, label, covered, worth, window(row)


def shown_value(row: KpiReading) -> str:
    """Return a value for people, and beside it what the devices that were heard make of it."""
    from engine.kpi import shown

    # What six decimals cannot show is shown by its exact ratio.
    text = _short(f"{row.value:f}") if row.value or row.ratio in (None, "0") else shown(Fraction(row.ratio))
    return text if row.effective in (None, row.value) else f"{text} (heard: {_short(f'{row.effective:f}')})"


def _short(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _share(received: int, due: int) -> float | None:
    return round(received / due, 6) if due else None


def print_in_full(row: KpiReading, full: Row, zone: tzinfo) -> None:
    """Print a figure with everything a verifier asks for."""
    from rich.table import Table

    scope = str(full["scope"])
    facts = (
        ("value", "NR: " + row.reason if row.value is None else f"{shown_value(row)} {shown_unit(row.unit)}"),
        ("exact", row.ratio or ""),
        ("bounds", _bounds(row)),
        ("window", f"{local_time(row.start_us, zone)} to {local_time(row.end_us, zone)} ({zone})"),
        ("numerator", row.numerator or ""),
        ("denominator", row.denominator or ""),
        ("coverage", _coverage(row)),
        ("validity", row.validity or f"{DASH}  (nothing comes at intervals)"),
        ("band", _band(full)),
        ("revision", _revision(row)),
        ("computed", f"{full['computed']}, definition {row.definition}"),
        *(("formula" if at == 0 else "", line) for at, line in enumerate(_lines(full["filled_in"]))),
    )
    stdout().print(Text(f"{window(row)}, {scope}", style="bold"))
    grid = Table.grid(padding=(0, 2))
    for name, text in facts:
        if text:
            grid.add_row(Text(name, style="dim"), Text(text))
    stdout().print(grid)
    print_table(
        "",
        [Col("rests on"), Col("value", right=True), Col("stations", right=True), Col("readings", right=True),
         Col("coverage", right=True), Col("note")],
        (_input_cells(one) for one in json.loads(row.inputs)),
    )  # fmt: skip
    for one in _rows(full["revisions"]):
        was = one["value"] if one["value"] is not None else "NR"
        stdout().print(
            Text(f"revision {one['revision']} was {was} until {one['replaced']}: {one['change']}", style="dim")
        )
    for one in _rows(full["score_revisions"]):
        stdout().print(Text(f"its score {_score_was(one)} until {one['replaced']}: {one['change']}", style="dim"))


def _bounds(row: KpiReading) -> str:
    """Return between which bounds a value lies at the worst."""
    from engine.kpi import shown

    if row.low_ratio is None or row.high_ratio is None:
        return "" if row.value is None else f"{DASH}  (a divisor may be 0, or nothing came)"
    return f"{shown(Fraction(row.low_ratio))} to {shown(Fraction(row.high_ratio))} {shown_unit(row.unit)}"


def _band(full: Row) -> str:
    """Return band, share and target of a figure; why it has no score where it has none."""
    if full["band"] is None:
        return f"{DASH}  ({full['not_scored']})"
    whose = "official" if full["official"] else "not official"
    return (
        f"{full['band']}, {full['band_name']}: {full['percent_of_target']} % of the target {full['target']}"
        f" from {full['target_from']} ({whose})"
    )


def _score_was(one: Mapping[str, object]) -> str:
    if one["band"] is None:
        return f"was none ({one['not_scored']})"
    return f"was band {one['band']}, {one['percent_of_target']} % of the target {one['target']},"


def _lines(value: object) -> list[str]:
    return [str(line) for line in value] if isinstance(value, list) else []


def _rows(value: object) -> list[Mapping[str, object]]:
    return list(value) if isinstance(value, list) else []


def _coverage(row: KpiReading) -> str:
    share = _share(row.received, row.expected)
    if share is None:
        return ""
    return f"{100 * share:.2f} %  ({row.received:,} of {row.expected:,} readings of its least complete input)"


def _revision(row: KpiReading) -> str:
    if row.horizon in UNKEPT:
        return "none: operational, computed when asked and not stored"
    if not row.year:
        return "0, an estimate"
    return f"{row.revision}" + ("" if row.revision else ", provisional: the year is not closed yet")


def _input_cells(one: Mapping[str, object]) -> tuple[str, ...]:
    from engine.kpi import shown

    value = "NR" if one["value"] is None else shown(Fraction(str(one["value"])))
    stations, due = int(str(one["stations"])), int(str(one["expected"]))
    share = _share(int(str(one["received"])), due)
    return (
        str(one["input"]),
        value,
        f"{one['counted']} of {stations}" if stations else "",
        f"{one['received']:,} of {due:,}" if due else "",
        "" if share is None else f"{100 * share:.2f} %",
        str(one["reason"]),
    )


def compute(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Bring all figures up to date from what is stored; the gateway does so by itself, about once a minute.

    Useful where no gateway runs: after a history was filled in, or a register or a formula was changed. Reference years
    that are over and both estimates are computed; what comes out as it stands is not written. Time has come as far as
    the day of the newest observation.

    **Example**: `cityvitals --city cities/seoul kpis compute`
    """
    from console.output import print_json

    done = bring(context.obj)
    if as_json:
        print_json([done])
        return
    stdout().print(
        f"{done['periods']} periods computed: {done['written']} figures written, {done['superseded']} of closed years"
        f" replaced; {done['scores']} scores written",
        markup=False,
    )


def bring(context: Context) -> Row:
    """Compute every figure of the named city's database and write what changed; say how much that was."""
    from console.commands.results import open_store
    from engine.indicators import INDICATORS
    from engine.kpi_book import KpiBook

    registry, pack = context.registry(), context.kpi_pack()
    with open_store(context, patient=True) as store:
        registered = store.register(registry, INDICATORS)
        lateness_us = context.settings.engine.lateness_us
        book = KpiBook(store, registry, registered, pack, lateness_us, context.kpi_declared(pack))
        return _brought(store, book)


def _brought(store: Store, book: KpiBook) -> Row:
    since_us = book.since_us()
    now_us = time.time_ns() // 1000
    book.declare(now_us)
    if since_us is None:
        scores = book.bring_stated(book.stated_years([]), now_us, now_us)
        return {"periods": 0, "written": 0, "superseded": 0, "scores": scores}
    newest_us = int(store.last_readings().time_us.max(initial=since_us))
    day_end_us = book.calendar.day_bounds(book.calendar.local(newest_us).date())[1]
    # Closed as well as over: nobody says how late readings may come to a store that no gateway fills.
    until_us = max(min(now_us, day_end_us + book.lateness_us), book.floor_us() or since_us)
    years = book.years(since_us, until_us)
    periods = [*years, *book.estimates(since_us, until_us)]
    done = book.bring(periods, until_us, now_us)
    scores = done.scores + book.bring_stated(book.stated_years(years), until_us, now_us)
    return {"periods": len(periods), "written": done.values, "superseded": done.superseded, "scores": scores}
