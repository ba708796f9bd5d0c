"""`cityvitals assessments`: which annual assessments were submitted, and what the live figures of today say otherwise.

Knows options and rendering; what differs is found by `assessment`.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from console.commands.assess import YearArgument, assess_now
from console.commands.assessments_compare import compare
from console.commands.results import JsonOption, city_clock
from console.errors import MisuseError
from console.output import Col, print_json, print_table, stdout
from console.progress import bar
from console.text import counted, local_time

if TYPE_CHECKING:
    from assessment.difference import Difference
    from console.context import Context
    from engine.store import FrozenReading

app = typer.Typer(
    name="assessments",
    no_args_is_help=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    app.command("compare")(compare)
    app.command("difference")(difference)
    parent.add_typer(app)


@app.callback(invoke_without_command=True)
def assessments(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the annual assessments that were frozen as submitted, the newest first.

    **Examples**

    - `cityvitals assessments`
    - `cityvitals --city cities/seoul assessments difference 2025`
    - `cityvitals assessments compare seoul-2024 seoul-2025`
    """
    if context.invoked_subcommand is not None:
        return
    from devices import rfc3339

    found = _frozen(context.obj)
    if as_json:
        print_json(
            {
                "year": one.year, "submission": one.submission, "stands": one.stands, "frozen": rfc3339(one.frozen_us),
                "by": one.by, "results_sha256": one.digest, "manifest_sha256": one.manifest,
            }
            for one in found
        )  # fmt: skip
        return
    zone = city_clock(context.obj)
    print_table(
        counted(len(found), "submitted assessment"),
        [Col("year"), Col("submission", right=True), Col("frozen"), Col("by"), Col("results"), Col("")],
        (
            (
                str(one.year), str(one.submission), local_time(one.frozen_us, zone), one.by, one.digest[:16],
                "" if one.stands else "replaced by a later one",
            )
            for one in found
        ),
        note="" if found else "`cityvitals assess YEAR --freeze` keeps one",
    )  # fmt: skip


def difference(
    context: typer.Context,
    year: YearArgument,
    submission: Annotated[
        int | None,
        typer.Option("--submission", metavar="N", min=1, help="Which of the year; else the one that stands."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List what is different now from what was submitted for a year: each data point with both figures, and why.

    The figures of now are those that `cityvitals assess` would give, from what is stored, registered, declared and
    defined today; nothing is written. Where nothing differs it says so.

    **Example**: `cityvitals --city cities/seoul assessments difference 2025`
    """
    from assessment import exact_results
    from assessment.difference import differences

    given: Context = context.obj
    which, before = _results(given, year, submission)
    with bar(f"assess {year}") as progress:
        made = assess_now(given, year, lambda share: progress.at(share, 1.0, "reading days"))
    found = differences(before, exact_results(made.assessment))
    if as_json:
        print_json(
            {
                "data_point": one.data_point, "submitted": one.before, "now": one.after,
                "difference": None if one.by is None else str(one.by), "why": list(one.why),
            }
            for one in found
        )  # fmt: skip
        return
    if not found:
        stdout().print(f"nothing differs from submission {which} of {year}", markup=False)
        return
    print_table(
        f"{counted(len(found), 'data point')} of {year}: as in submission {which}, and now",
        [Col("code"), Col("submitted", right=True), Col("now", right=True), Col("difference", right=True), Col("why")],
        (_cells(one) for one in found),
        note="nothing was written: what was submitted stands",
    )


def _frozen(context: Context) -> list[FrozenReading]:
    from engine.store import SubmissionBook

    with SubmissionBook.connect(context.database_url()) as book:
        return book.frozen()


def _results(context: Context, year: int, submission: int | None) -> tuple[int, dict[str, Any]]:
    """Return the number and the exact results of a submission.

    Raises:
        MisuseError: there is none.
    """
    from engine.store import SubmissionBook

    with SubmissionBook.connect(context.database_url()) as book:
        known = [one.submission for one in book.frozen() if one.year == year]
        wanted = submission or max(known, default=0)
        text = book.results(year, wanted)
    if text is None:
        what = f"submission {submission} of {year}" if submission else f"assessment of {year}"
        raise MisuseError(f"no {what} is frozen", "see `cityvitals assessments`")
    return wanted, json.loads(text)


def _cells(one: Difference) -> tuple[str | Text, ...]:
    from engine.kpi import shown

    change = "" if one.by is None else ("+" if one.by > 0 else "") + shown(one.by)
    return one.data_point, _shown(one.before), _shown(one.after), change, "; ".join(one.why)


def _shown(text: str) -> str:
    """Return an exact figure as people read it."""
    from assessment.difference import NR
    from engine.kpi import shown

    return text if text in ("", NR) else shown(Fraction(text))
