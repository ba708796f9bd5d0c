"""`cityvitals kpis try`: what changed definitions would have made of past years, before anything is changed.

Knows options and rendering; both figures are computed by `engine.kpi_trial` from what is stored.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.kpi_figures import DASH, STYLES
from console.commands.results import open_store
from console.errors import FailureError, MisuseError
from console.output import Col, print_json, print_table, stdout

if TYPE_CHECKING:
    from console.context import Context
    from engine.kpi import Figure, Pack
    from engine.kpi_book import KpiBook
    from engine.kpi_trial import Tried
    from engine.store import Store

Row = dict[str, object]
YEAR_MIN, YEAR_MAX = 1970, 2999


def try_out(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A TOML file as a city writes it into its folder kpis/.")
    ],
    first: Annotated[
        int | None,
        typer.Option("--from", metavar="YEAR", min=YEAR_MIN, max=YEAR_MAX, help="First year; else the first stored."),
    ] = None,
    last: Annotated[
        int | None,
        typer.Option("--to", metavar="YEAR", min=YEAR_MIN, max=YEAR_MAX, help="Last year; else the last stored."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Try changed or added definitions on past years: old figure, new figure, difference. Nothing is written.

    FILE has the form of a city's own definitions, with `changes` where it changes an entry; what was tried can be put
    into the folder `kpis/` as it is. Both figures of each year are computed from the stored windows, with coverage and
    validity; the year that is not over is taken up to its last whole hour. Only data points are shown that are computed
    in another way. Faults of FILE are told with their lines.

    **Example**: `cityvitals --city cities/seoul kpis try stricter.toml --from 2023 --to 2025`
    """
    from engine.kpi import PackError, load_trial
    from engine.kpi_trial import differing

    if not file.is_file():
        raise MisuseError(f"{file}: no such file", "give a TOML file with [[kpi]], [[input]] or [[target]] tables")
    present = context.obj.kpi_pack()
    try:
        tried = load_trial(context.obj.city_dir(), file)
    except PackError as error:
        raise MisuseError(f"the definitions to be tried have faults:\n{error}", "see docs/kpis.md") from None
    keys = differing(present, tried)
    rows = _tried(context.obj, present, tried, keys, first, last) if keys else []
    if as_json:
        print_json(_line(one) for one in rows)
        return
    _print(rows, present, tried, keys)


def _tried(
    context: Context, present: Pack, tried: Pack, keys: list[str], first: int | None, last: int | None
) -> list[Tried]:
    from engine.indicators import INDICATORS
    from engine.kpi_book import YEARS_MAX, KpiBook
    from engine.kpi_trial import compare, years

    registry = context.registry()
    with open_store(context, patient=True) as store:
        registered = store.register(registry, INDICATORS, keep=False)
        lateness_us = context.settings.engine.lateness_us
        books = [KpiBook(store, registry, registered, pack, lateness_us) for pack in (present, tried)]
        since_us, newest_us = _extent(store, books[0])
        calendar = books[0].calendar
        first_year, last_year = first or calendar.local(since_us).year, last or calendar.local(newest_us).year
        if not first_year <= last_year < first_year + YEARS_MAX:
            raise MisuseError(f"from {first_year} to {last_year}", f"expected 1 to {YEARS_MAX} years in order of time")
        return list(compare(books[0], books[1], keys, years(calendar, first_year, last_year, since_us, newest_us)))


def _extent(store: Store, book: KpiBook) -> tuple[int, int]:
    """Return the times of the first and of the last observation."""
    since_us = book.since_us()
    if since_us is None:
        raise FailureError("nothing is stored, so there is no past to try definitions on", "see `cityvitals backfill`")
    return since_us, int(store.last_readings().time_us.max(initial=since_us))


def _line(one: Tried) -> Row:
    """Return a comparison for programs; keys are stable."""
    difference = one.difference
    return {
        "data_point": one.data_point,
        "year": one.period.first.year,
        "horizon": str(one.period.horizon),
        "old": None if one.old is None else _figure(one.old),
        "new": None if one.new is None else _figure(one.new),
        "difference": None if difference is None else str(difference),
    }


def _figure(one: Figure) -> Row:
    from engine.kpi import NotReported

    missing = isinstance(one.value, NotReported)
    return {
        "exact": None if missing else str(one.value),
        "unit": one.unit,
        "reason": str(one.value) if missing else None,
        "received": one.received,
        "expected": one.expected,
        "coverage": round(one.received / one.expected, 6) if one.expected else None,
        "validity": None if one.validity is None else str(one.validity),
        "definition": one.definition,
    }


def _print(rows: list[Tried], present: Pack, tried: Pack, keys: list[str]) -> None:
    from engine.kpi_trial import unsensed

    if not keys:
        stdout().print("no data point is computed in another way", markup=False)
        return
    left_out = unsensed(tried, keys)
    print_table(
        f"{present.title}: as defined, and as tried",
        [Col("code"), Col("year"), Col("old", right=True), Col("new", right=True), Col("difference", right=True),
         Col("unit"), Col("coverage old", right=True), Col("new", right=True), Col("validity old"), Col("new")],
        (_cells(one) for one in rows),
        note="nothing was written" + (f"; only the city can state {', '.join(left_out)}" if left_out else ""),
    )  # fmt: skip


def _cells(one: Tried) -> tuple[str | Text, ...]:
    from engine.kpi import shown

    difference = one.difference
    change = DASH if difference is None else ("+" if difference > 0 else "") + shown(difference)
    known = one.new or one.old
    return (
        one.data_point, _period(one), _value(one.old), _value(one.new), change, known.unit if known else "",
        _coverage(one.old), _coverage(one.new), _validity(one.old), _validity(one.new),
    )  # fmt: skip


def _period(one: Tried) -> str:
    year = str(one.period.first.year)
    return year if one.period.year else f"{year} to {one.period.last}"


def _value(one: Figure | None) -> str:
    from engine.kpi import shown

    return "" if one is None else shown(one.value)


def _coverage(one: Figure | None) -> str:
    return f"{100 * one.received / one.expected:.1f} %" if one is not None and one.expected else ""


def _validity(one: Figure | None) -> Text:
    word = "" if one is None or one.validity is None else str(one.validity)
    return Text(word or DASH, style=STYLES.get(word, "dim"))
