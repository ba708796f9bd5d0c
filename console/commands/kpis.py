"""`cityvitals kpis`: the catalogue of KPIs with their figures, one of them in full, and whether definitions are sound.

Knows options and rendering; definitions and their checks are `engine.kpi`'s. Without a database it reads files only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.kpi_days import figures_of
from console.commands.kpi_declared import (
    declared_cells,
    declared_figures,
    declared_of,
    declared_period,
    print_declared,
)
from console.commands.kpi_evidence import Wanted, show_evidence
from console.commands.kpi_figures import (
    UNKEPT,
    MomentOption,
    ScopeOption,
    asked,
    cells,
    compute,
    filled_in,
    in_full,
    nothing_of,
    preferred,
    print_in_full,
)
from console.commands.kpi_findings import findings
from console.commands.kpi_scores import replaced_scores, score_cells, score_of, scores, stored_score
from console.commands.kpi_trial import try_out
from console.commands.results import ROWS_DEFAULT, ROWS_MAX, FromOption, ToOption, city_clock, open_store
from console.errors import EXIT_FAILED, MisuseError
from console.kpi_entries import entry, how, input_entry, scored
from console.output import Col, print_json, print_table, stdout
from console.text import counted

if TYPE_CHECKING:
    from console.commands.kpi_period import OnePeriod
    from console.context import Context
    from engine.kpi import DataPoint, DeclaredValue, Pack
    from engine.store import KpiReading

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]

app = typer.Typer(
    name="kpis",
    no_args_is_help=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    app.command("compute")(compute)
    app.command("findings")(findings)
    app.command("scores")(scores)
    app.command("try")(try_out)
    parent.add_typer(app)


@app.callback(invoke_without_command=True)
def kpis(
    context: typer.Context,
    category: Annotated[
        str | None, typer.Option("--category", metavar="NAME", help="Only this category, sub-dimension or dimension.")
    ] = None,
    live: Annotated[
        str | None, typer.Option("--live", metavar="yes|partly|no", help="Only what sensors can know so far.")
    ] = None,
    scope: ScopeOption = None,
    horizon: Annotated[
        str | None, typer.Option("--horizon", metavar="year|rolling|to_date", help="Only this kind of figure.")
    ] = None,
    at: MomentOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the KPIs of the catalogue with their figures: one line per data point, which is one reported figure.

    With `--city` the definitions that the city adds or changes in its folder `kpis/` are in it. Texts and formulas are
    our summaries of the method; `cityvitals kpis show` says how sure each is and where it comes from.

    Where a database is given or runs, each data point that sensors can know has a figure: of the last twelve months
    (`rolling`), of a whole year, or of the year so far (`to_date`), the first of these that is reported unless
    `--horizon` or `--at` says which. NR is not reported. `coverage` is what came of the readings due; a figure is
    `valid` from 90 % on, `indicative` from 75 %. `band` and `of target` say how near it is to its target on the last
    day of its period; **the targets that are shipped are ours and not official**. Without a database the definitions
    stand alone.

    `--at` with a month, a day or `today` computes figures of that from what is stored, for running a city: they are
    never the official ones, not kept, and not scored, for targets are of a year. Today runs to its last whole hour.

    **Examples**

    - `cityvitals kpis --category Transport`
    - `cityvitals kpis --at 2025`
    - `cityvitals kpis --at today`
    - `cityvitals kpis --scope zone:north --horizon rolling`
    - `cityvitals kpis --live yes --json | jq -r .key`
    - `cityvitals kpis show "EN: EN: AQ: 1C"`
    - `cityvitals kpis scores --at 2025`
    - `cityvitals kpis check cities/seoul`
    """
    if context.invoked_subcommand is not None:
        return
    pack = _catalogue(context.obj)
    points = _chosen(pack, category, live)
    wanted = asked(scope, horizon, at, parts=True)
    rows = figures_of(context.obj, pack, wanted)
    found: dict[str, list[KpiReading]] = {}
    for row in rows or ():
        found.setdefault(row.data_point, []).append(row)
    zone = city_clock(context.obj) if rows else UTC
    declared = context.obj.kpi_declared(pack)
    period = declared_period(context.obj.registry(), pack, declared, wanted, rows or (), at) if declared else None
    if as_json:
        stated = declared_figures(period, points)
        print_json(
            {
                **entry(pack, p),
                "figures": [scored(pack, p, one, zone) for one in found.get(p.key, ())],
                "declared": stated.get(p.key),
            }
            for p in points
        )
        return
    if rows or period is not None:
        _print_figures(pack, points, found, zone, period)
        return
    if (scope, horizon, at) != (None, None, None):
        raise nothing_of(rows, scope, horizon, at)
    print_table(
        f"{pack.title}: {counted(len(points), 'data point')} of {counted(len({p.code for p in points}), 'KPI')}",
        [Col("code"), Col("name"), Col("category"), Col("unit"), Col("better"), Col("live"), Col("formula")],
        (
            (p.key, p.title, p.category, p.unit_label, str(p.direction), str(p.live), p.formula.text)
            for p in points
        ),
        note="`cityvitals kpis show CODE` tells all about one of them.",
    )  # fmt: skip


def _print_figures(
    pack: Pack,
    points: list[DataPoint],
    found: Mapping[str, list[KpiReading]],
    zone: tzinfo,
    period: OnePeriod | None,
) -> None:
    """Print data points with their figures, the declared ones marked; what nobody stated has none."""
    several = len({row.scope for rows in found.values() for row in rows}) > 1
    lines: list[tuple[str | Text, ...]] = []
    declared = declared_figures(period, points)
    for point in points:
        chosen: list[KpiReading | None] = [*preferred(found.get(point.key, ()))]
        if period is not None and point.key in declared:
            lines.append((point.key, point.title, *declared_cells(period, point), str(point.live)))
            # What sensors know beside it is shown as well; that they know nothing is no news.
            chosen = [row for row in chosen if row is not None and row.value is not None]
        elif not chosen:
            chosen = [None]
        for row in chosen:
            place = (row.scope if row is not None else "",) if several else ()
            scored = score_cells(None if row is None else stored_score(pack, point, row, zone))
            lines.append((point.key, point.title, *place, *cells(row, point.unit_label), *scored, str(point.live)))
    reported = sum(row.value is not None for point in points for row in preferred(found.get(point.key, ())))
    stated = sum(one["exact"] is not None for one in declared.values())
    now = any(row.horizon in UNKEPT for rows in found.values() for row in rows)
    print_table(
        f"{pack.title}: {counted(len(points), 'data point')}, {counted(reported, 'figure')} reported"
        + (f", {stated} declared" if stated else ""),
        [Col("code"), Col("name"), *([Col("zone")] if several else []), Col("value", right=True), Col("unit"),
         Col("coverage", right=True), Col("validity"), Col("horizon"), Col("band"), Col("of target", right=True),
         Col("live")],
        lines,
        note="NR: not reported, `cityvitals kpis show CODE` says why; no value: only the city can state it, in"
        " declared.csv. "
        + (
            "Of a month or a day: operational, computed now and not stored, never the official figure"
            if now
            else "Targets that are shipped are ours and not official"
        ),
    )  # fmt: skip


@app.command("show")
def show(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help='E.g. "EC: I: T: 5A" or "EN: EN: AQ: 1C/pm10".')],
    scope: ScopeOption = None,
    at: MomentOption = None,
    days: Annotated[bool, typer.Option("--days", help="The civil days behind its figure, per station.")] = False,
    observations: Annotated[
        bool, typer.Option("--observations", help="The observations behind its figure, in order of time.")
    ] = False,
    device: Annotated[str | None, typer.Option("--device", metavar="CODE", help="Only of this device.")] = None,
    since: FromOption = None,
    until: ToOption = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=ROWS_MAX, help="At most so many rows, the first; --from goes on.")
    ] = ROWS_DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Show one KPI in full: definition, formula, inputs, target, what a verifier checks, and how sure we are.

    Where a database is given or runs, its figures follow, each with window, numerator and denominator, coverage and
    validity, revision, the inputs with their counts, the formula with the numbers filled in, what it replaced, and the
    scores that were shown before.

    `--days` and `--observations` show what was added up for one figure: first the stations of each input, and whether
    they count, then what each series gave to each civil day, or every single observation. Long lists come in pages: the
    last line says where the next one begins.

    **Examples**

    - `cityvitals kpis show "EN: EN: AQ: 1C/pm10"`
    - `cityvitals kpis show "EN: EN: AQ: 1C/pm2_5" --scope city --at 2025`
    - `cityvitals kpis show "EC: I: WS: 3C" --at 2025-11-26`
    - `cityvitals kpis show "EN: EN: AQ: 1C/pm2_5" --at 2025 --days --device station-1`
    - `cityvitals kpis show "EC: I: ES: 1C" --at 2025 --observations --limit 100000 --json`
    """
    behind = Wanted(days, observations, since, until, device, limit)
    behind.check()
    pack = _catalogue(context.obj)
    try:
        points = (pack.data_point(code),) if "/" in code else pack.kpi(code).data_points
    except KeyError as error:
        raise MisuseError(str(error.args[0]), "`cityvitals kpis` lists all of them") from None
    wanted = asked(scope, None, at, parts=True)
    rows = figures_of(context.obj, pack, wanted, points[0].key if len(points) == 1 else None)
    if days or observations:
        show_evidence(context.obj, pack, points, rows or [], behind, as_json=as_json)
        return
    figures = {point.key: _figures(context.obj, rows or (), pack, point) for point in points}
    declared = context.obj.kpi_declared(pack)
    stated = {point.key: declared_of(pack, point, declared) for point in points}
    if (scope, at) != (None, None) and not any(figures.values()) and (scope or not any(stated.values())):
        raise nothing_of(None if rows is None else [], scope, None, at)
    if as_json:
        print_json(
            {
                **entry(pack, point),
                "inputs": [input_entry(one) for one in pack.inputs_of(point)],
                "figures": [full for _, full in figures[point.key]],
                "declared": stated[point.key],
            }
            for point in points
        )
        return
    for point in points:
        _print_point(pack, point)
        units = {point.key: point.unit, **{one.code: one.unit for one in pack.inputs_of(point)}}
        print_declared(stated[point.key], units)
        _print_in_full(context.obj, figures[point.key])


def _print_in_full(context: Context, figures: list[tuple[KpiReading, dict[str, object]]]) -> None:
    for row, full in figures:
        print_in_full(row, full, city_clock(context))


def _figures(
    context: Context, rows: Iterable[KpiReading], pack: Pack, point: DataPoint
) -> list[tuple[KpiReading, dict[str, object]]]:
    """Return those figures that are of a data point, each also for programs."""
    rows = [row for row in rows if row.data_point == point.key]
    if not rows:
        return []
    zone = city_clock(context)
    with open_store(context) as store:
        return [
            (
                row,
                {
                    **in_full(store, row, filled_in(pack, point, row)),
                    **score_of(stored_score(pack, point, row, zone)),
                    "score_revisions": replaced_scores(store, row),
                },
            )
            for row in rows
        ]


@app.command("check")
def check(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="A city's folder or a pack; without it the city's, if any.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check definitions: every fault with its file, line and reason, all at once; exit code 1 if there is any.

    Once the definitions are sound, what the city declares in `declared.csv` and the units of its registers are checked
    against them.

    FOLDER is a city (a folder with `kpis/` in it) or a pack by itself (a folder with `pack.toml`).

    **Example**: `cityvitals kpis check cities/seoul`
    """
    from engine.kpi import CITY_FILE, DECLARED_FILE, PackError, load_catalogue, load_pack

    if folder is not None and not folder.is_dir():
        raise MisuseError(f"{folder}: no such folder", "give a city's folder or a pack's")
    known = ("pack.toml", "kpis", DECLARED_FILE, CITY_FILE)
    if folder is not None and not any((folder / name).exists() for name in known):
        raise MisuseError(
            f"{folder}: neither kpis/ nor pack.toml in it, nor {DECLARED_FILE} nor {CITY_FILE}",
            "a city keeps its definitions in a folder kpis/, a pack says what it is in pack.toml",
        )
    try:
        is_pack = folder is not None and (folder / "pack.toml").is_file()
        city = None if is_pack else folder or _folder(context.obj)
        pack = load_pack(folder) if is_pack and folder is not None else load_catalogue(city)
        declared = () if city is None else _stated(city, pack)
    except PackError as error:
        if as_json:
            print_json({"file": f.file, "line": f.line, "key": f.where, "fault": f.what} for f in error.faults)
        else:
            for fault in error.faults:
                stdout().print(str(fault), markup=False, soft_wrap=True)
            stdout().print(counted(len(error.faults), "fault"), style="bold red")
        raise typer.Exit(EXIT_FAILED) from None
    changed = [point for point in pack.data_points if point.changed]
    if not as_json:
        stdout().print(
            f"{pack.code}: {counted(len(pack.data_points), 'data point')}, {counted(len(pack.inputs), 'input')},"
            f" no fault; {counted(len(changed), 'data point')} changed or added by the city"
            + (f", {counted(len(declared), 'value')} declared" if declared else ""),
            soft_wrap=True,
        )


def _stated(city: Path, pack: Pack) -> tuple[DeclaredValue, ...]:
    """Return what a city declares, once its registers can be read as well.

    Raises:
        PackError: with every fault of both.
    """
    from engine.kpi import PackError, load_declared, register_faults

    faults = register_faults(city, pack)
    try:
        declared = load_declared(city, pack)
    except PackError as error:
        faults += error.faults
    if faults:
        raise PackError(sorted(faults))
    return declared


def _folder(context: Context) -> Path | None:
    """Return the city's folder where a city is named, else None: the catalogue needs no city."""
    named = context.city_option is not None or context.demo or context.settings.city is not None
    return context.city_dir() if named else None


def _catalogue(context: Context) -> Pack:
    """Return the catalogue, with the city's changes where one is named.

    Raises:
        MisuseError: the city's definitions have faults; all of them are said.
    """
    from engine.kpi import PackError, load_catalogue

    folder = _folder(context)
    try:
        return load_catalogue(folder)
    except PackError as error:
        raise MisuseError(
            f"the definitions of {folder} have faults:\n{error}", "see docs/kpis.md, then `cityvitals kpis check`"
        ) from None


def _chosen(pack: Pack, category: str | None, live: str | None) -> list[DataPoint]:
    """Return the data points of a group and of a kind.

    Raises:
        MisuseError: there is no such group or kind; the message names the nearest.
    """
    from devices import nearest
    from engine.kpi import Live

    if live is not None and live not in tuple(Live):
        raise MisuseError(f"--live {live}: expected one of {', '.join(Live)}")
    groups = {g.casefold(): g for p in pack.data_points for g in (p.category, p.sub_dimension, p.dimension)}
    if category is not None and category.casefold() not in groups:
        raise MisuseError(
            f"no category is called {category!r}{nearest(category, groups.values())}",
            f"there are {', '.join(dict.fromkeys(p.category for p in pack.data_points))}",
        )
    wanted = None if category is None else groups[category.casefold()]
    return [
        p
        for p in pack.data_points
        if wanted in (None, p.category, p.sub_dimension, p.dimension) and live in (None, p.live)
    ]


def _print_point(pack: Pack, point: DataPoint) -> None:
    """Print everything about a data point for people; what is empty is left out."""
    from engine.kpi import shown

    console = stdout()
    console.print(Text.assemble((point.key, "bold"), f"  {point.title}  {point.name_ko}".rstrip()))
    targets = [
        f"{shown(t.value)} {point.unit_label} from {t.valid_from}, rule {t.rule}"
        f" ({'official' if t.official else 'not official'}; {t.source})"
        for t in pack.targets
        if t.data_point == point.key
    ]
    facts = (
        ("where", f"{point.dimension} / {point.sub_dimension} / {point.category}; {point.level} {point.type}".strip()),
        ("definition", point.definition),
        ("formula", point.formula.text),
        ("unit", f"{point.unit_label}  ({point.unit})"),
        ("better", str(point.direction) + ("" if point.ideal is None else f" {shown(point.ideal)}")),
        ("interval", point.interval),
        ("target", "; ".join(targets)),
        ("benchmark", point.benchmark),
        ("check", point.check),
        ("SDG", f"{', '.join(point.sdg)}  ({point.sdg_basis})"),
        ("live", f"{point.live}{f': {point.sensors}' if point.sensors else ''}"),
        ("source", f"{point.source}; confidence {point.confidence}, formula {point.formula_basis}"),
        ("note", point.note),
        ("changed", point.changed),
    )
    _print_facts(facts)
    print_table(
        "inputs",
        [Col("input"), Col("unit"), Col("kind"), Col("what it is"), Col("how it is known")],
        ((one.code, one.unit, one.kind, one.title, how(one)) for one in pack.inputs_of(point)),
    )


def _print_facts(facts: Iterable[tuple[str, str]]) -> None:
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    for name, text in facts:
        if text:
            grid.add_row(Text(name, style="dim"), Text(text))
    stdout().print(grid)
