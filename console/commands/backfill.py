"""`cityvitals backfill`: history from files.

Knows options, the terminal and what is said at the end; the work is `ingest.backfill`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.children import stopped_by_signals
from console.commands.results import JsonOption
from console.context import Context
from console.errors import EXIT_FAILED, MisuseError
from console.output import print_json, stderr, stdout
from console.progress import bar
from console.text import counted

if TYPE_CHECKING:
    from ingest.backfill import Backfilled


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backfill")(backfill_command)


def backfill_command(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="`.csv`, `.csv.gz` or `.parquet`; or an archive's folder.")
    ],
    again: Annotated[
        bool, typer.Option("--again", help="Look at rows again that an earlier run has taken; they are duplicates.")
    ] = False,
    piece_rows: Annotated[
        int,
        typer.Option("--piece-rows", min=1, max=1_000_000, help="Rows of one commit; keep it when you start again."),
    ] = 50_000,
    as_json: JsonOption = False,
) -> None:
    """Take in past readings from files, by the road of live ones: checked, counted once, computed, in the ledger.

    A file has a row per reading and the columns `time`, `device`, `field`, `value` and perhaps `unit`, in any order:

        time,device,field,value,unit
        2016-03-01T12:00:00Z,harbour-north,pm2_5,35.2,ug/m3

    `time` is RFC 3339 with an offset (in Parquet also a timestamp with a time zone), `device` a code of `devices.csv`,
    `field` a field of its model, `value` a decimal number or the name of a state. A unit is converted; without one the
    value is in the measurand's own. A row that cannot be taken goes to the quarantine with file and line as its topic.

    A folder that `cityvitals archive` wrote is taken day by day, each verified first; so is the folder of one day.

    It may be stopped, and killed, at any time: start it again with the same files, and it goes on where it was. Run
    twice it changes nothing. The gateway must be stopped meanwhile. When it returns, windows and indicators stand.

    **Examples**

    - `cityvitals --city beijing backfill 2016.csv.gz`
    - `cityvitals --city beijing backfill history/*.parquet`
    - `cityvitals --city beijing backfill /srv/archive`
    """
    given: Context = context.obj
    registry = given.registry()
    files = [one for path in files for one in _files(path, registry.city.code)]
    url = given.database_url()
    from ingest.backfill import BackfillSettings, backfill

    settings = BackfillSettings(
        given.settings.admission,
        given.settings.engine,
        given.settings.intake.quarantine_bytes_max,
        piece_rows,
        again,
    )
    with stopped_by_signals() as stop, bar("backfill") as progress:
        done = backfill(
            registry, url, files, settings,
            progress=lambda share, at: progress.at(share, 1.0, at), stop=stop,
            clock_us=lambda: time.time_ns() // 1000,
        )  # fmt: skip
    if as_json:
        print_json([_row(done)])
    else:
        _print(done)
    if done.interrupted:
        stderr().print("stopped before the end: start it again with the same files to go on", style="bold")
        raise typer.Exit(EXIT_FAILED)


def _files(path: Path, city: str) -> list[Path]:
    """Return a file, or the days of an archive."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise MisuseError(f"{path}: no such file")
    from ingest.archived import archived_days, is_day

    days = [path] if is_day(path) else archived_days(path, city)
    if not days:
        raise MisuseError(
            f"{path}: no archived day of the city {city!r}",
            "give the folder that was given to `cityvitals archive`, or files",
        )
    return days


def _row(done: Backfilled) -> dict[str, object]:
    counts = done.counts
    return {
        "rows": done.rows,
        "taken_before": done.known_rows,
        "received": counts.received,
        "accepted": counts.accepted,
        "duplicate": counts.duplicate,
        "quarantined": counts.quarantined,
        "quarantined_by_reason": dict(counts.quarantined_by_reason),
        "seconds": round(done.seconds, 3),
        "observations_per_second": round(counts.accepted / done.seconds) if done.seconds else 0,
        "interrupted": done.interrupted,
    }


def _print(done: Backfilled) -> None:
    console, counts = stdout(), done.counts
    console.print(
        f"{counted(done.rows, 'row')}: {counts.accepted:,} accepted, {counts.duplicate:,} duplicate, "
        f"{counts.quarantined:,} quarantined, {done.known_rows:,} taken before",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    for reason, count in counts.quarantined_by_reason.most_common():
        console.print(f"  {reason}: {count:,}; see `cityvitals quarantine --reason {reason}`", markup=False)
    if done.seconds:
        rate = counts.accepted / done.seconds
        console.print(f"{done.seconds:.1f} s, {rate:,.0f} observations/s, computed", style="dim", markup=False)
