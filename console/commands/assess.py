"""`cityvitals assess`: the annual assessment, computed, written and frozen.

Knows options, the terminal and what is said at the end; figures are `assessment`'s.
"""

from __future__ import annotations

import getpass
import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.kpi_findings import STYLES
from console.commands.kpi_scores import band_cell, score_of
from console.commands.results import open_store
from console.errors import FailureError, MisuseError
from console.output import print_json, stdout
from console.progress import bar
from console.text import counted, local_time

if TYPE_CHECKING:
    from assessment import Assessment, Material, Result
    from console.context import Context
    from engine.kpi import KpiPeriod
    from engine.kpi_days import Progress

Row = dict[str, object]

YearArgument = Annotated[int, typer.Argument(metavar="YEAR", help="The reference year.", show_default=False)]


@dataclass(frozen=True, slots=True)
class Made:
    """An assessment that was computed now.

    Attributes:
        material: from what.
        assessment: what came out.
    """

    material: Material
    assessment: Assessment


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("assess")(assess)


def assess(
    context: typer.Context,
    year: YearArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to write; it must be new or empty.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what an earlier run wrote into DIR.")] = False,
    freeze: Annotated[bool, typer.Option("--freeze", help="Keep the figures in the database as submitted.")] = False,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who freezes it; else whoever is logged in here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per data point.")] = False,
) -> None:
    """Make the annual assessment of a year that is over: all 112 data points of the U4SSC KPIs, each with its basis.

    A figure is **measured** from readings and registers, by the engine of the live figures; or from **registered**
    facts and the list of devices alone; or **declared** by the city for that very year in `declared.csv`, and then it
    stands in place of the measured one, which is told beside it; or not reported (NR). A measured figure of which less
    than 75 % of the readings came is not reported; from 90 % on its data quality is an accurate measurement, below it
    an estimate. The checks of the verifier run on the whole; each finding can be answered in `answers.csv`.

    With `--out` it is written, all at once or not at all. With `--freeze` the exact figures are kept as submitted:
    later readings change the live figures and never these; `cityvitals assessments difference YEAR` lists what differs.

    **Examples**

    - `cityvitals --city cities/seoul assess 2025 --out seoul-2025`
    - `cityvitals --city cities/seoul assess 2025 --json | jq 'select(.basis == "nothing") | .data_point'`
    - `cityvitals --city cities/seoul assess 2025 --out seoul-2025 --force --freeze --by "Statistics office"`
    """
    given: Context = context.obj
    if out is not None:
        _require_room(out, force)
    with bar(f"assess {year}") as progress:
        made = assess_now(given, year, lambda share: progress.at(share, 1.0, "reading days"))
    if freeze and not made.assessment.closed:
        raise FailureError(
            f"{year} may still change: late readings are waited for {given.settings.engine.lateness_us // 1_000_000} s",
            "freeze it a little later; without --freeze it can be assessed now",
        )
    if out is not None:
        write(made, out)
    frozen = _freeze(given, made, by or getpass.getuser()) if freeze else ""
    if as_json:
        print_json(rows(made.assessment))
        return
    _summary(made.assessment, out, frozen)


def assess_now(context: Context, year: int, progress: Progress = lambda _: None) -> Made:
    """Return the assessment of a year from what is stored now.

    Args:
        context: names the city and the database.
        year: the reference year.
        progress: told how much is read, 0 to 1.

    Raises:
        MisuseError: the year is not over, or the city's files have faults.
        FailureError, StoreError: there is no database.
    """
    from assessment import assessed
    from assessment.gather import gather
    from engine.indicators import INDICATORS

    registry, pack = context.registry(), context.kpi_pack()
    declared, answers = context.kpi_declared(pack), context.answers(pack)
    period = _period(context, year)
    now_us = time.time_ns() // 1000
    if now_us < period.end_us:
        raise MisuseError(
            f"{year} is not over: it ends at {local_time(period.end_us, registry.city.zone_info)} by the city's clock",
            "`cityvitals kpis` and `cityvitals kpis scores` show the last twelve months and the year so far",
        )
    closed = period.end_us + context.settings.engine.lateness_us <= now_us
    with open_store(context, patient=True) as store:
        store.register(registry, INDICATORS, keep=False)
        material = gather(
            store, registry, pack, declared, answers.get(year, ()), year, closed=closed, progress=progress
        )
    return Made(material, assessed(material))


def _period(context: Context, year: int) -> KpiPeriod:
    from engine.calendar import Calendar
    from engine.errors import CalendarError
    from engine.kpi import reference_year

    try:
        return reference_year(Calendar(context.registry().city.zone_info), year)
    except CalendarError as error:
        raise MisuseError(f"the year {year}: {error}") from None


def _require_room(out: Path, force: bool) -> None:
    """Refuse a folder that holds anything, before anything is computed."""
    if out.exists() and not out.is_dir():
        raise MisuseError(f"--out {out}: it is no folder")
    if not force and out.is_dir() and any(out.iterdir()):
        raise MisuseError(f"--out {out}: the folder is not empty", "give a new one, or --force to replace it")


def write(made: Made, out: Path) -> None:
    """Write an assessment into a folder, which is there whole or as it was.

    Raises:
        OSError: it cannot be written.
    """
    from assessment.folder import write_folder

    write_folder(made.assessment, out)


def _freeze(context: Context, made: Made, by: str) -> str:
    """Keep an assessment as submitted and say which submission of its year it is."""
    from assessment import exact_results, results_bytes
    from engine.store import AuditEntry, FrozenRow, SubmissionBook

    content = results_bytes(exact_results(made.assessment))
    year, digest = made.assessment.year, hashlib.sha256(content).hexdigest()
    row = FrozenRow(year, time.time_ns() // 1000, by, None, digest, content.decode())
    entry = AuditEntry(by, "admin", "command", getpass.getuser(), f"assess {year} --freeze", 200, digest)
    with SubmissionBook.connect(context.database_url()) as book:
        done = book.freeze(row, entry)
    if not done.added:
        return f"nothing has changed since submission {done.submission} of {year}: it stands"
    return f"submission {done.submission} of {year}, by {by}; results {digest[:16]}"


def rows(assessment: Assessment) -> Iterator[Row]:
    """Give the data points for programs; keys are stable."""
    for one in assessment.results:
        yield {
            "data_point": one.point.key,
            "name": one.point.title,
            "exact": _exact(one.value),
            "unit": one.point.unit,
            "reason": None if one.reported else str(one.value),
            "basis": str(one.basis),
            "quality": one.quality or None,
            "numerator": _exact(one.numerator),
            "denominator": _exact(one.denominator),
            "measured": _exact(one.measured),
            "received": one.received,
            "expected": one.expected,
            "validity": None if one.validity is None else str(one.validity),
            "low": None if one.bounds is None else str(one.bounds.low),
            "high": None if one.bounds is None else str(one.bounds.high),
            "origin": one.origin or None,
            "source": one.source or None,
            "evidence": one.evidence or None,
            "note": one.note or None,
            "definition": one.definition,
            **score_of(one.score),
        }


def _exact(value: object) -> str | None:
    return str(value) if isinstance(value, Fraction) else None


def _summary(assessment: Assessment, out: Path | None, frozen: str) -> None:
    console, city = stdout(), assessment.city
    reported = sum(one.reported for one in assessment.results)
    console.print(
        Text(
            f"{city.name}, {assessment.year}: {reported} of {counted(len(assessment.results), 'data point')} reported"
        ),
        style="bold",
    )
    if not assessment.closed:
        console.print("the year has only just ended: late readings may still change it", style="yellow")
    lines = [("figures", _bases(assessment.results)), ("score", _score(assessment)), ("findings", _asked(assessment))]
    lines += [("frozen", Text(frozen))] if frozen else []
    if out is None:
        lines.append(("written", Text("nothing; give --out DIR", style="dim")))
    else:
        lines += [("written", Text(str(out))), ("next", Text(f"cityvitals verify {out}", style="bold"))]
    for name, text in lines:
        console.print(Text.assemble((f"{name:<10}", "dim"), text), soft_wrap=True)


def _bases(results: tuple[Result, ...]) -> Text:
    count = Counter(str(one.basis) for one in results)
    few = sum(one.validity == "insufficient" and one.measured is not None for one in results)
    text = f"{count['measured']} measured, {count['registered']} from registers, {count['declared']} declared, "
    return Text(text + f"{count['nothing']} not reported" + (f" ({few} for want of readings)" if few else ""))


def _score(assessment: Assessment) -> Text:
    whole = assessment.rollups[0]
    scored = f"  {whole.points} of {4 * whole.scored} points of {counted(whole.scored, 'scored data point')}"
    return Text.assemble(band_cell(whole.band), scored)


def _asked(assessment: Assessment) -> Text:
    """Return how many findings there are of each severity, and how many of them are answered."""
    found = Counter(str(one.finding.severity) for one in assessment.questions)
    answered = sum(bool(one.answer) for one in assessment.questions)
    parts: list[str | tuple[str, str]] = []
    for severity, style in STYLES.items():
        parts += [", "] if parts else []
        parts.append((counted(found[severity], severity), style if found[severity] else "dim"))
    return Text.assemble(*parts, f"; {answered} answered")
