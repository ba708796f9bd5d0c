"""`cityvitals archive`: closed days of observations to files, verified, and out of the database once they are.

Knows options, the terminal and what is said at the end; the work is `engine.archive`.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.results import FromOption, JsonOption, ToOption, archived_note, open_store, time_range
from console.context import Context
from console.errors import EXIT_FAILED, MisuseError
from console.output import print_json, stderr, stdout
from console.progress import Bar, bar
from console.text import counted

if TYPE_CHECKING:
    from devices import Registry
    from engine.archive import Fault, Keeping, Kept
    from engine.calendar import Calendar
    from engine.store import Store

DAY_US = 86_400_000_000
SHOWN_MAX = 20
"""Faults that are shown; with `--json` all are."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("archive")(archive_command)


@dataclass(slots=True)
class Done:
    """What a run did.

    Attributes:
        outcomes: days by what became of them.
        observations: in the days that were looked at. added: of them, those that the archive did not have before.
        bytes: of the days that were written. seconds: of writing, reading from the database included.
        verified: days that were verified. faults: what is wrong with them.
        dropped: pieces of the table that left the database; None where that was not asked for.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    observations: int = 0
    added: int = 0
    bytes: int = 0
    seconds: float = 0.0
    verified: int = 0
    faults: list[Fault] = field(default_factory=list)
    dropped: int | None = None


def archive_command(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the archive; made where it is missing.")],
    since: FromOption = None,
    until: ToOption = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every archived day again: against its digests, and the database.")
    ] = False,
    drop_days: Annotated[
        int | None,
        typer.Option(
            "--drop-older-than",
            metavar="DAYS",
            min=1,
            max=100_000,
            help="Then let observations of days older than this leave the database. The gateway must be stopped.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write observations of closed civil days to files, so that a year can leave the database and still be verified.

    A day is closed when its end and the allowed lateness are behind the engine. Each lies in a folder of its own,
    `DIR/<city>/day=2026-03-01`: `observations.parquet` (device, field, measurand, time in microseconds UTC, ticks,
    flags; sorted, so that the same observations give the same bytes), and `day.json`, which says what ticks mean and
    answers for the file and for what is in it by SHA-256. A day that is there is left, unless readings came late since:
    then it is written anew as its next revision, which is said.

    `--verify` says of every day whether it is what was written, and where the database still has it, whether it is
    equal. Any byte that changed is named with its file; the command then exits with 1.

    `--drop-older-than` lets go what is older than so many days before the newest closed one, a week of the table at a
    time. Every day of it is compared with the database in this very run first; if anything differs or still waits to be
    computed, nothing is dropped. All figures stay. But what left can no longer be computed again here: readings that
    come late for it go to the quarantine as `archived`, and `recompute` passes those days over and says so. A few days
    more stay than that, because figures of later days look back to them. `backfill DIR` reads an archive into another
    database, and gives the same tables there.

    **Examples**

    - `cityvitals --city seoul archive /srv/archive`
    - `cityvitals --city seoul archive /srv/archive --from 2026-01-01 --to 2027-01-01 --verify`
    - `cityvitals --city seoul archive /srv/archive --drop-older-than 400`
    """
    given: Context = context.obj
    if folder.exists() and not folder.is_dir():
        raise MisuseError(f"{folder}: is a file", "give a folder")
    registry = given.registry()
    zone = registry.city.zone_info
    from_us, to_us = time_range(since, until, zone)
    done = Done()
    with open_store(given, patient=True) as store:
        from engine.archive import Archive, Keeping, StoredDays
        from engine.calendar import Calendar
        from engine.store import Duty

        calendar = Calendar(zone)
        partition = given.settings.engine.partition
        if drop_days is not None:
            for duty in Duty:
                store.own(partition, duty)
        stored = StoredDays(store, calendar, partition)
        keeping = Keeping(stored, calendar, Archive(folder, registry.city.code))
        with bar("archiving") as progress:
            _keep(keeping, from_us, to_us, done, progress, as_json=as_json)
        if verify:
            with bar("verifying") as progress:
                _verify(keeping, calendar, from_us, to_us, done, progress)
        if drop_days is not None and not done.faults:
            _drop(store, keeping, calendar, registry, drop_days, done)
        left = store.archive.left()
    if as_json:
        print_json([_row(done)])
    else:
        _print(done)
    if left is not None and done.dropped is not None:
        stderr().print(archived_note(left, zone), markup=False, soft_wrap=True)
    if done.faults:
        raise typer.Exit(EXIT_FAILED)


def _keep(keeping: Keeping, from_us: int, to_us: int, done: Done, progress: Bar, *, as_json: bool) -> None:
    began_s = time.monotonic()
    days = keeping.stored.days(from_us, min(to_us, keeping.stored.closed_to_us()))
    for number, day in enumerate(days):
        progress.at(number, len(days), day.day.isoformat())
        kept = keeping.keep(day)
        done.outcomes[kept.outcome] += 1
        done.observations += kept.record.observations
        done.added += kept.added
        if kept.outcome != "there":
            done.bytes += kept.record.folder_bytes
            if as_json:
                print_json([_day(kept)])
            elif kept.outcome == "rewritten":
                said = f"{day.day}: {kept.added:,} readings came late; revision {kept.record.revision}"
                stdout().print(said, markup=False)
    done.seconds = time.monotonic() - began_s


def _drop(store: Store, keeping: Keeping, calendar: Calendar, registry: Registry, days: int, done: Done) -> None:
    """Let go what is so many days older than the newest closed day."""
    from engine.archive import leave, leaving

    newest_us = keeping.stored.closed_to_us()
    before_us = calendar.day_bounds(calendar.local(newest_us - days * DAY_US).date())[0]
    what = leaving(store, calendar, keeping, registry, before_us, str(keeping.archive.root.resolve()))
    if what is None:
        done.dropped = 0
        return
    with bar("comparing with the database") as progress:
        done.dropped = leave(store, keeping, what, lambda share: progress.at(share, 1.0))


def _verify(keeping: Keeping, calendar: Calendar, from_us: int, to_us: int, done: Done, progress: Bar) -> None:
    """Verify every archived day of a stretch of time; those that the database has whole against it as well."""
    from engine.archive import verify_day

    days = []
    for day in keeping.archive.days():
        begin_us, end_us = calendar.day_bounds(day)
        if from_us <= begin_us and end_us <= to_us:
            days.append(day)
    here = {day.day: day for day in keeping.stored.days(from_us, to_us)}
    for number, day in enumerate(days):
        progress.at(number, len(days), day.isoformat())
        done.verified += 1
        done.faults += keeping.faults(here[day]) if day in here else verify_day(keeping.archive, day)


def _day(kept: Kept) -> dict[str, object]:
    return {
        "row": "day", "day": kept.day.isoformat(), "outcome": kept.outcome, "revision": kept.record.revision,
        "observations": kept.record.observations, "series": kept.record.series, "added": kept.added,
        "bytes": kept.record.folder_bytes,
    }  # fmt: skip


def _row(done: Done) -> dict[str, object]:
    return {
        "row": "total", "days": done.outcomes.total(), "written": done.outcomes["written"],
        "rewritten": done.outcomes["rewritten"], "there": done.outcomes["there"], "observations": done.observations,
        "added": done.added, "bytes": done.bytes, "seconds": round(done.seconds, 3), "verified": done.verified,
        "faults": [{"path": str(fault.path), "what": fault.what} for fault in done.faults], "dropped": done.dropped,
    }  # fmt: skip


def _print(done: Done) -> None:
    console, outcomes = stdout(), done.outcomes
    rewritten = f", {outcomes['rewritten']:,} of them anew" if outcomes["rewritten"] else ""
    written = outcomes["written"] + outcomes["rewritten"]
    console.print(
        f"{counted(outcomes.total(), 'closed day')}: {written:,} written{rewritten}, "
        f"{outcomes['there']:,} there already; {counted(done.added, 'observation')} added",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    if done.added:
        console.print(
            f"{done.seconds:.1f} s, {done.added / max(done.seconds, 1e-9):,.0f} observations/s with reading, "
            f"{done.bytes / done.added:.2f} bytes each",
            style="dim", markup=False,
        )  # fmt: skip
    for fault in done.faults[:SHOWN_MAX]:
        console.print(f"{fault.path}: {fault.what}", style="bold red", markup=False, soft_wrap=True)
    if len(done.faults) > SHOWN_MAX:
        console.print(f"and {len(done.faults) - SHOWN_MAX:,} faults more; see --json", style="bold red", markup=False)
    if done.verified:
        verdict = f"{len(done.faults):,} faults" if done.faults else "each is what was written"
        console.print(f"{counted(done.verified, 'day')} verified: {verdict}", markup=False)
    if done.dropped is not None:
        console.print(f"{counted(done.dropped, 'piece')} of the table left the database", markup=False)
