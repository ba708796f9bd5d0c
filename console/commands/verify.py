"""`cityvitals verify`: whether a bundle is whole, who signed it, and whether its figures come out again.

Knows options and rendering; what is compared is `assessment.verify`'s. It asks for a city and a database only where a
bundle's readings are to be compared with what is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.results import JsonOption, open_store
from console.errors import EXIT_FAILED, MisuseError
from console.output import print_json, stdout
from console.progress import bar
from console.text import counted

if TYPE_CHECKING:
    from assessment import Material
    from assessment.verify import Checked, Verdict
    from assessment.verify.verify import Against
    from console.context import Context
    from engine.archive import DayDigests

_STYLES = {"agrees": "green", "declared": "cyan", "not reported": "dim", "differs": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    context: typer.Context,
    bundle: Annotated[
        Path,
        typer.Argument(metavar="BUNDLE", help="Folder of a bundle, or the archive that it was sent as."),
    ],
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key", metavar="FILE", help="The bundle must be signed by this key (PEM), had by another way."
        ),
    ] = None,
    database: Annotated[
        bool,
        typer.Option("--database", help="Go on to the database: its windows, and the observations they come from."),
    ] = False,
    observations: Annotated[
        Path | None,
        typer.Option("--observations", metavar="DIR", help="Go on to raw: the folder given to `cityvitals archive`."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify the bundle of an annual assessment, offline: every file, the signature, and every figure.

    First each file is held against the manifest, and the manifest against its signature: a file that was changed,
    added, removed or renamed is named. Then the assessment is computed again, from the readings, registers, declared
    values and **definitions that are in the bundle**, and each of the 112 data points is one line: it agrees, is what
    the city declares, is not reported, or differs, with both figures. The tables of the report are read back too.

    `not signed`, or `signed by an unknown key`, means that whoever changes a figure could also write a new manifest:
    then only what comes out again speaks for the figures. Ask the city for its public key by another way than the
    bundle came, and give it with `--public-key`.

    With `--database` it goes on to where the readings came from: the days of the bundle are compared with those of the
    city's database as they stand now, and all its windows of the year are rebuilt from its observations, as
    `recompute --check` does. A reading that came late since then is told as a difference. Nothing is written.

    With `--observations` the days are built again from archived observations, without any database.

    Exit code 0: everything is as it should be. 1: something is not, and it was said what.

    **Examples**

    - `cityvitals verify assessment-2026`
    - `cityvitals verify assessment-2026.zip --public-key city.pub.pem`
    - `cityvitals verify assessment-2026 --json | grep differs`
    - `cityvitals --city seoul verify assessment-2026 --database`
    - `cityvitals verify assessment-2026 --observations archive`
    """
    from assessment.bundle import read_public_key
    from assessment.verify import verify as verified

    known = None if public_key is None else read_public_key(public_key)
    with ExitStack() as open_now:
        against = [open_now.enter_context(_database(context.obj))] if database else []
        against += [] if observations is None else [open_now.enter_context(_archive(observations))]
        verdict = verified(bundle, known=known, against=against)
    if as_json:
        print_json(_rows(verdict))
    else:
        _show(verdict)
    if not verdict.good:
        raise typer.Exit(EXIT_FAILED)


@contextmanager
def _database(given: Context) -> Iterator[Against]:
    """Give what compares a bundle with the city's database, which is open as long.

    Raises:
        FailureError, StoreError: there is none.
    """
    from assessment.verify.against import against_store

    pace = given.settings.engine
    with open_store(given, patient=True) as store, bar("verify") as progress:

        def compare(folder: Path, material: Material) -> Iterator[Checked]:
            city = material.registry.city.code
            if store.city() != city:
                raise MisuseError(
                    f"the database holds city {store.city()!r}, the bundle is of {city!r}",
                    f"give --city the folder of {city!r}, or CITYVITALS_DATABASE_URL",
                )
            yield from against_store(
                store, material, _digests(folder), partition=pace.partition, minute_days=pace.minute_days,
                progress=lambda done: progress.at(done, 1.0, "the database"),
            )  # fmt: skip

        yield compare


@contextmanager
def _archive(root: Path) -> Iterator[Against]:
    """Give what compares a bundle with archived observations."""
    from assessment.verify.archived import against_archive
    from engine.archive import Archive

    with bar("verify") as progress:

        def compare(folder: Path, material: Material) -> Iterator[Checked]:
            archive = Archive(root, material.registry.city.code)
            yield from against_archive(
                archive, material, _digests(folder), lambda done: progress.at(done, 1.0, "observations")
            )

        yield compare


def _digests(folder: Path) -> DayDigests | None:
    """Return the digests of observations that a bundle has; None where it has none."""
    from assessment.bundle.layout import DIGESTS
    from assessment.bundle.readings import read_digests

    return read_digests(folder / DIGESTS) if (folder / DIGESTS).is_file() else None


def _rows(verdict: Verdict) -> Iterator[dict[str, object]]:
    for fault in verdict.faults:
        yield {"row": "fault", "file": fault.file, "what": fault.what}
    for line in verdict.lines:
        yield {
            "row": "data_point", "data_point": line.data_point, "standing": str(line.standing), "stated": line.stated,
            "computed": line.computed,
            "differences": [{"what": d.what, "stated": d.stated, "computed": d.computed} for d in line.differences],
        }  # fmt: skip
    for one in verdict.checked:
        yield {
            "row": "check", "check": one.name, "compared": one.compared, "differ": one.differ,
            "differences": [{"what": d.what, "stated": d.stated, "computed": d.computed} for d in one.differences],
        }  # fmt: skip
    for note in verdict.notes:
        yield {"row": "note", "note": note}
    yield {
        "row": "verdict", "good": verdict.good, "city": verdict.city, "year": verdict.year, "closed": verdict.closed,
        "signature": str(verdict.signature), "signed_by": verdict.signed_by, **_counts(verdict),
    }  # fmt: skip


def _counts(verdict: Verdict) -> dict[str, int]:
    from assessment.verify import Standing

    return {str(standing).replace(" ", "_"): verdict.count(standing) for standing in Standing}


def _show(verdict: Verdict) -> None:
    console = stdout()

    def say(*parts: str | tuple[str, str]) -> None:
        console.print(Text.assemble(*parts), soft_wrap=True)

    if verdict.year:
        say((f"Assessment of {verdict.city}, {verdict.year}", "bold"))
    for fault in verdict.faults:
        say(("changed  ", "bold red"), str(fault))
    width = max((len(line.data_point) for line in verdict.lines), default=0)
    for line in verdict.lines:
        said = "" if line.differences else line.stated or "NR"
        say(f"{line.data_point:{width}}  ", (f"{line.standing:14}", _STYLES[line.standing]), said)
        for one in line.differences:
            say(f"{'':{width}}    {one.what}: stated {one.stated}, computed {one.computed}")
    for check in verdict.checked:
        _show_check(check)
    for note in verdict.notes:
        say(("note: ", "yellow"), note)
    by = f" {verdict.signed_by}" if verdict.signed_by else ""
    say(("signature: ", "bold"), f"{verdict.signature}{by}")
    if verdict.faults:
        faults = counted(len(verdict.faults), "fault")
        say((f"{faults}: no figure was computed from a bundle that is not whole.", "bold red"))
        return
    counts = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in _counts(verdict).items() if number)
    end = ("Everything agrees.", "bold green") if verdict.good else ("Not everything agrees.", "bold red")
    say(f"{counted(len(verdict.lines), 'data point')}: {counts}. ", end)


def _show_check(check: Checked) -> None:
    console = stdout()
    verdict = (f"{counted(check.differ, 'difference')}", "bold red") if check.differ else ("agrees", "green")
    console.print(Text.assemble(f"{check.name}: {check.compared:,} compared, ", verdict), soft_wrap=True)
    for one in check.differences:
        console.print(Text(f"    {one.what}: stated {one.stated}, computed {one.computed}"), soft_wrap=True)
    if check.differ > len(check.differences):
        console.print(Text(f"    and {check.differ - len(check.differences):,} more"), soft_wrap=True)
