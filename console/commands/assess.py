"""`cityvitals assess`: the annual assessment, computed, written and frozen.

Knows options, the terminal and what is said at the end; figures are `assessment`'s.
"""

from __future__ import annotations

import getpass
import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.assess_worksheet import require_new, take_worksheet, write_worksheet
from console.commands.frozen import standing_results
from console.commands.kpi_findings import STYLES
from console.commands.kpi_scores import band_cell, score_of
from console.commands.results import open_store
from console.errors import FailureError, MisuseError
from console.output import print_json, stderr, stdout
from console.progress import Bar, bar
from console.text import counted, local_time

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from assessment import Assessment, Material, Result
    from assessment.compare import Side
    from console.context import Context
    from engine.archive import DayDigests
    from engine.kpi import KpiPeriod
    from engine.kpi_days import Progress

Row = dict[str, object]

YearArgument = Annotated[int, typer.Argument(metavar="YEAR", help="The reference year.", show_default=False)]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Bundle to write; the folder must be new or empty.", show_default=False),
]
LanguageOption = Annotated[str, typer.Option("--language", metavar="en|ko|both", help="Of the PDF reports in it.")]
KeyOption = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Ed25519 key (PEM) that signs the bundle.", show_default=False),
]
DigestsOption = Annotated[
    bool,
    typer.Option("--digests/--no-digests", help="Whether the SHA-256 of each series and day of observations is in it."),
]
ArchiveOption = Annotated[
    Path | None,
    typer.Option(
        "--archive",
        metavar="DIR",
        help="Archive of observations; the digests of its days are taken from there.",
        show_default=False,
    ),
]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who freezes it; else whoever is logged in here.")
]
TemplateOption = Annotated[
    Path | None,
    typer.Option("--template", metavar="FILE", help="Worksheet (.xlsx) to write, for declaring.", show_default=False),
]
WorksheetOption = Annotated[
    Path | None,
    typer.Option("--worksheet", metavar="FILE", help="Worksheet to read back into the city's files.",
                 show_default=False),
]  # fmt: skip
BOTH = "both"
DAY_LONGEST_US = 25 * 3_600_000_000
READ_SHARE, DIGESTED_SHARE = 0.4, 0.9
"""Of the bar: what reading days takes of it, and where digests end."""


@dataclass(frozen=True, slots=True)
class Made:
    """An assessment that was computed now.

    Attributes:
        material: from what.
        assessment: what came out.
        waiting: what the engine has still to compute of the year; empty for nothing.
    """

    material: Material
    assessment: Assessment
    waiting: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written.

    Attributes:
        out: folder of the bundle.
        languages: of what is printed.
        key: signs it; None for nobody.
        digests: whether observations are digested, which reads all of them.
        archive: folder of archived days; None where there is none.
    """

    out: Path
    languages: tuple[str, ...]
    key: Ed25519PrivateKey | None
    digests: bool
    archive: Path | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("assess")(assess)


def assess(
    context: typer.Context,
    year: YearArgument,
    out: OutOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier bundle in DIR.")] = False,
    language: LanguageOption = BOTH,
    key: KeyOption = None,
    digests: DigestsOption = True,
    archive: ArchiveOption = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="Keep the figures in the database as submitted.")] = False,
    by: ByOption = None,
    template: TemplateOption = None,
    worksheet: WorksheetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per data point.")] = False,
) -> None:
    """Make the annual assessment of a year that is over: all 112 data points of the U4SSC KPIs, each with its basis.

    A figure is **measured** from readings and registers, by the engine of the live figures; or from **registered**
    facts and the list of devices alone; or **declared** by the city for that very year in `declared.csv`, and then it
    stands in place of the measured one, which is told beside it; or not reported (NR). A measured figure of which less
    than 75 % of the readings came is not reported; from 90 % on its data quality is an accurate measurement, below it
    an estimate. The checks of the verifier run on the whole; each finding can be answered in `answers.csv`.

    With `--out` the bundle is written, whole or not at all, and beside it as one file, DIR.zip: workbook, table, JSON
    and linked data, reports in PDF, and all that `cityvitals verify DIR` computes every figure again from, offline. The
    SHA-256 of each series and day of observations is in it, for which all of them are read; `--archive` takes those of
    archived days from there, and `--no-digests` leaves them out.
    With `--freeze` the exact figures are kept as submitted: later readings change the live figures and never these.
    What the engine has still to compute of the year is waited for: the refusal says what that is.
    `cityvitals assessments difference YEAR` lists what differs.

    With `--template` a worksheet is written in which what is known stands and the rest can be filled in; while the year
    runs it is what is known so far, and says so. `--worksheet` reads it back into `declared.csv` and `answers.csv`, or
    tells every fault with its cell and changes nothing.

    **Examples**

    - `cityvitals --city cities/seoul assess 2025 --out seoul-2025`
    - `cityvitals --city cities/seoul assess 2025 --json | jq 'select(.basis == "nothing") | .data_point'`
    - `cityvitals --city cities/seoul assess 2025 --out seoul-2025 --force --freeze --by "Statistics office"`
    - `cityvitals --city cities/seoul assess 2025 --template seoul-2025.xlsx`
    """
    given: Context = context.obj
    _require_alone({"--template": template, "--worksheet": worksheet}, {"--out": out, "--freeze": freeze, "--key": key})
    if worksheet is not None:
        take_worksheet(given, year, worksheet, as_json=as_json)
        return
    if template is not None:
        require_new(template)
    wanted = _wanted(out, language, key, digests, archive)
    if wanted is not None:
        _require_room(wanted.out, force)
    manifest = None
    with bar(f"assess {year}") as progress:
        made = assess_now(
            given, year, lambda share: progress.at(READ_SHARE * share, 1.0, "reading days"),
            running=template is not None,
        )  # fmt: skip
        if freeze:
            _require_final(given, made)
        if wanted is not None:
            manifest = _write(given, made, wanted, progress)
    if template is not None:
        write_worksheet(given, made.assessment, template)
        return
    if made.waiting:
        stderr().print(f"not yet computed: {made.waiting}", style="yellow", markup=False, soft_wrap=True)
    frozen = _freeze(given, made, by or getpass.getuser(), manifest) if freeze else ""
    if as_json:
        print_json(rows(made.assessment))
        return
    _summary(made.assessment, out, frozen)


def _require_final(context: Context, made: Made) -> None:
    """Refuse to freeze what may still change by itself."""
    year = made.assessment.year
    if not made.assessment.closed:
        raise FailureError(
            f"{year} may still change: late readings are waited for {context.settings.engine.lateness_us // 10**6} s",
            "freeze it a little later; without --freeze it can be assessed now",
        )
    if made.waiting:
        raise FailureError(
            f"{year} is not computed to its end, and nothing was frozen: {made.waiting}",
            "let the gateway run until `cityvitals doctor` says that no hour waits; without --freeze it can be "
            "assessed now",
        )


def assess_now(context: Context, year: int, progress: Progress = lambda _: None, *, running: bool = False) -> Made:
    """Return the assessment of a year from what is stored now.

    Args:
        context: names the city and the database.
        year: the reference year.
        progress: told how much is read, 0 to 1.
        running: whether a year that is not over will do; its whole days so far count then.

    Raises:
        MisuseError: the year is not over, or has not begun, or the city's files have faults.
        FailureError, StoreError: there is no database.
    """
    from assessment import assessed
    from assessment.gather import gather, waiting
    from engine.calendar import Calendar
    from engine.indicators import INDICATORS

    registry, pack = context.registry(), context.kpi_pack()
    declared, answers = context.kpi_declared(pack), context.answers(pack)
    period = _period(context, year)
    now_us = time.time_ns() // 1000
    over = now_us >= period.end_us
    if not over and not (running and now_us >= period.start_us + DAY_LONGEST_US):
        raise MisuseError(
            f"{year} is not over: it ends at {local_time(period.end_us, registry.city.zone_info)} by the city's clock",
            "`cityvitals kpis` and `cityvitals kpis scores` show the last twelve months and the year so far; "
            "`--template` works from the second day of a year on",
        )
    closed = period.end_us + context.settings.engine.lateness_us <= now_us
    with open_store(context, patient=True) as store:
        store.register(registry, INDICATORS, keep=False)
        material = gather(
            store, registry, pack, declared, answers.get(year, ()), year, closed=closed,
            running_to_us=None if over else now_us, progress=progress,
        )  # fmt: skip
        left = waiting(store, Calendar(registry.city.zone_info), min(now_us, period.end_us))
    return Made(material, assessed(material), left)


def _period(context: Context, year: int) -> KpiPeriod:
    from engine.calendar import Calendar
    from engine.errors import CalendarError
    from engine.kpi import reference_year

    try:
        return reference_year(Calendar(context.registry().city.zone_info), year)
    except CalendarError as error:
        raise MisuseError(f"the year {year}: {error}") from None


def _require_alone(worksheets: Mapping[str, object], others: Mapping[str, object]) -> None:
    """Refuse a worksheet together with what makes an assessment: each is a step of its own."""
    asked = [name for name, given in worksheets.items() if given]
    beside = [name for name, given in others.items() if given]
    if asked and len(asked) + len(beside) > 1:
        raise MisuseError(f"{' and '.join((*asked, *beside))}: give one of them at a time")


def _require_room(out: Path, force: bool) -> None:
    """Refuse a folder that holds anything, before anything is computed."""
    if out.exists() and not out.is_dir():
        raise MisuseError(f"--out {out}: it is no folder")
    packed = packed_beside(out)
    for there, what in ((out.is_dir() and any(out.iterdir()), out), (packed.exists(), packed)):
        if there and not force:
            raise MisuseError(f"--out {out}: {what} is there already", "give a new folder, or --force to replace both")


def _wanted(out: Path | None, language: str, key: Path | None, digests: bool, archive: Path | None) -> Wanted | None:
    """Return what is to be written, before anything is computed; None for nothing."""
    from assessment.report import LANGUAGES

    if language not in (*LANGUAGES, BOTH):
        raise MisuseError(f"--language {language}: expected {', '.join(LANGUAGES)} or {BOTH}")
    if archive is not None and not archive.is_dir():
        raise MisuseError(f"--archive {archive}: no such folder", "give one that `cityvitals archive` wrote")
    if out is None:
        for given, name in ((key, "--key"), (archive, "--archive")):
            if given is not None:
                raise MisuseError(f"{name} is for the bundle that --out writes, and there is no --out")
        return None
    from assessment.bundle import read_private_key

    languages = tuple(LANGUAGES) if language == BOTH else (language,)
    private = None if key is None else read_private_key(key)
    return Wanted(out, languages, private, digests, archive)


def _write(context: Context, made: Made, wanted: Wanted, progress: Bar) -> str:
    """Write the bundle and its archive, each whole or not at all, and return the SHA-256 of the manifest.

    Raises:
        BundleError: something else lies there.
        ArchiveError, StoreError: observations that are to be digested are not to be had.
        OSError: it cannot be written.
    """
    from assessment.bundle import write_bundle, write_packed
    from assessment.published import outputs_of

    found = _digested(context, made, wanted, progress) if wanted.digests else None
    progress.at(DIGESTED_SHARE, 1.0, "writing")
    outputs = outputs_of(made.assessment, wanted.languages, _earlier(context, made))
    manifest = write_bundle(
        made.material, made.assessment, context.city_dir(), outputs, wanted.out, key=wanted.key, digests=found
    )
    write_packed(wanted.out, packed_beside(wanted.out))
    return hashlib.sha256(manifest.content()).hexdigest()


def _digested(context: Context, made: Made, wanted: Wanted, progress: Bar) -> DayDigests:
    """Return the digests of the year's observations, from the archive where it has a day, else from the database."""
    from engine.archive import Archive, year_digests

    registry = made.material.registry
    archive = None if wanted.archive is None else Archive(wanted.archive, registry.city.code)

    def told(share: float) -> None:
        progress.at(READ_SHARE + (DIGESTED_SHARE - READ_SHARE) * share, 1.0, "digesting observations")

    with open_store(context, patient=True) as store:
        return year_digests(store, archive, registry, made.assessment.year, told)


def packed_beside(out: Path) -> Path:
    """Return the file of a bundle's archive: beside its folder, so that it is no part of itself."""
    return out.with_name(f"{out.name}.zip")


def _earlier(context: Context, made: Made) -> Assessment | Side | None:
    """Return the year before as it was submitted, else as it stands today; None where nothing is known of it."""
    from assessment.sides import parse_side
    from engine.calendar import YEAR_FIRST

    year = made.assessment.year - 1
    if year < YEAR_FIRST:
        return None
    submitted = standing_results(context, year)
    if submitted is not None:
        return parse_side(submitted, made.material.pack, f"the frozen assessment of {year}")
    with open_store(context) as store:
        first_us = store.first_time_us()
    measured = first_us is not None and first_us < made.assessment.period.start_us
    if not measured and all(one.year != year for one in made.material.declared):
        return None
    return assess_now(context, year).assessment


def _freeze(context: Context, made: Made, by: str, manifest: str | None) -> str:
    """Keep an assessment as submitted and say which submission of its year it is."""
    from assessment import exact_results, results_bytes
    from engine.store import AuditEntry, FrozenRow, SubmissionBook

    content = results_bytes(exact_results(made.assessment))
    year, digest = made.assessment.year, hashlib.sha256(content).hexdigest()
    row = FrozenRow(year, time.time_ns() // 1000, by, manifest, digest, content.decode())
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
        lines += [
            ("written", Text(f"{out} and {packed_beside(out)}")),
            ("next", Text(f"cityvitals verify {out}", style="bold")),
        ]
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
