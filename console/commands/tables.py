"""`cityvitals tables`: every table as text that two databases must agree on, its digest, and what differs from another.

Knows options, files and digests; the lines come from the store.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.results import FromOption, JsonOption, ToOption, city_clock, open_store, time_range
from console.errors import EXIT_FAILED, MisuseError
from console.output import print_json, stdout
from console.progress import Bar, bar

if TYPE_CHECKING:
    from engine.store import Difference, TableForm

DIGESTS = "digests.json"
SHOWN_DEFAULT = 10
LINES_PER_NOTE = 20_000


@dataclass(slots=True)
class Told:
    """What is said of one table.

    Attributes:
        table, rows, sha256: its name, how many lines, digest of all of them.
        differences: how many rows differ by kind; None where it was compared with nothing.
        first: the first of them.
    """

    table: str
    rows: int = 0
    sha256: str = ""
    differences: dict[str, int] | None = None
    first: list[Difference] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether any row differs."""
        return any((self.differences or {}).values())


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tables")(tables)


def tables(
    context: typer.Context,
    table: Annotated[
        list[str] | None, typer.Option("--table", metavar="TABLE", help="Only this table; may be given again.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help=f"Write `TABLE.tsv` and `{DIGESTS}` into this folder.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="DIR", help="Compare with the `TABLE.tsv` of this folder; exit 1 on any difference."
        ),
    ] = None,
    shown: Annotated[
        int, typer.Option("--differences", min=0, help="Show so many of the rows that differ, per table.")
    ] = SHOWN_DEFAULT,
    since: FromOption = None,
    until: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give the digest of every table's figures, write them down, or compare them with another folder's.

    Two databases that took the same observations have the same digests, in whatever order and however often these
    came, and whatever was killed meanwhile. A line has codes instead of ids, times in microseconds UTC, and no
    bookkeeping of when it was written; tabs part the columns, `\\N` is null, lines are sorted by their key. The digest
    is the SHA-256 of the file. `quarantine` and `ledger_device` are of all time: `--from` and `--to` leave them out.

    **Examples**

    - `cityvitals tables`
    - `cityvitals tables --table window_day --from 2026-01-01 --to 2026-02-01 --out january`
    - `cityvitals tables --against truth`
    """
    from engine.store import FORMS

    bounded = since is not None or until is not None
    wanted = _wanted(table or [], FORMS, bounded, against)
    limits = time_range(since, until, city_clock(context.obj))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    told = []
    with open_store(context.obj, patient=True) as store, bar("reading") as progress, store.one_moment():
        for number, name in enumerate(wanted):
            lines = _shown_going(store.table_lines(name, *limits), progress, name, number, len(wanted))
            one = Told(name)
            with _written(out, name) as write:
                found = _noted(lines, one, write)
                if against is None:
                    deque(found, maxlen=0)
                else:
                    _compare(one, FORMS[name], found, against / f"{name}.tsv", limits if bounded else None, shown)
            told.append(one)
    if out is not None:
        digests = {one.table: one.sha256 for one in told}
        (out / DIGESTS).write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json(_row(one) for one in told)
    else:
        _print(told)
    if any(one.differs for one in told):
        raise typer.Exit(EXIT_FAILED)


def _wanted(asked: list[str], forms: Mapping[str, TableForm], bounded: bool, against: Path | None) -> list[str]:
    """Return the tables to read, in the order of `forms`.

    Raises:
        MisuseError: an unknown table, one that a stretch of time cannot be cut from, or nothing to compare with.
    """
    from devices import nearest

    for name in asked:
        if name not in forms:
            raise MisuseError(f"no table is called {name!r}{nearest(name, forms)}", f"there are {', '.join(forms)}")
        if bounded and forms[name].time is None:
            raise MisuseError(f"{name} is of all time", "leave out --from and --to, or this table")
    names = [name for name in forms if (not asked or name in asked) and not (bounded and forms[name].time is None)]
    if against is None:
        return names
    lacking = [name for name in asked if not (against / f"{name}.tsv").is_file()]
    names = [name for name in names if (against / f"{name}.tsv").is_file()]
    if lacking or not names:
        raise MisuseError(
            f"--against {against}: no file {lacking[0] if lacking else 'TABLE'}.tsv",
            "give a folder that `cityvitals tables --out` wrote",
        )
    return names


def _shown_going(lines: Iterable[bytes], progress: Bar, name: str, number: int, total: int) -> Iterator[bytes]:
    for at, line in enumerate(lines):
        if at % LINES_PER_NOTE == 0:
            progress.at(number, total, f"{name} {at:,} rows")
        yield line


@contextmanager
def _written(folder: Path | None, name: str) -> Iterator[Callable[[bytes], object]]:
    """Yield what takes the lines of a file, which has its name only once it is whole."""
    if folder is None:
        yield len
        return
    part = folder / f"{name}.tsv.part"
    with part.open("wb") as file:
        yield file.write
    part.replace(folder / f"{name}.tsv")


def _noted(lines: Iterable[bytes], told: Told, write: Callable[[bytes], object]) -> Iterator[bytes]:
    """Give lines on, written down, counted and, at their end, digested."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
        write(line)
        told.rows += 1
        yield line
    told.sha256 = digest.hexdigest()


def _compare(
    told: Told, form: TableForm, found: Iterable[bytes], file: Path, limits: tuple[int, int] | None, shown: int
) -> None:
    """Count the differences from a file, and keep the first of them.

    Raises:
        MisuseError: the file is not of this form.
    """
    from console.compare import differences, key_of

    told.differences = dict.fromkeys(("missing", "extra", "differs"), 0)
    with file.open("rb") as lines:
        wanted: Iterable[bytes] = lines
        if limits is not None and form.time is not None:
            at, (low, high) = form.time, limits
            wanted = (line for line in lines if low <= int(key_of(form, line)[at]) < high)
        try:
            for one in differences(form, found, wanted):
                told.differences[one.kind] += 1
                if len(told.first) < shown:
                    told.first.append(one)
        except ValueError as error:
            raise MisuseError(f"{file}: {error}", "give a folder that `cityvitals tables --out` wrote") from None


def _row(told: Told) -> dict[str, object]:
    row: dict[str, object] = {"table": told.table, "rows": told.rows, "sha256": told.sha256}
    if told.differences is not None:
        row |= {"equal": not told.differs, **told.differences}
        row["first"] = [one._asdict() for one in told.first]
    return row


def _print(told: list[Told]) -> None:
    console = stdout()
    for one in told:
        verdict = "" if one.differences is None else "  differs" if one.differs else "  equal"
        console.print(f"{one.sha256}  {one.table:16}{one.rows:>14,}{verdict}", markup=False, soft_wrap=True)
        if one.differences is None or not one.differs:
            continue
        for difference in one.first:
            if difference.kind == "differs":
                _print_line("found", difference.found)
                _print_line("wanted", difference.wanted)
            else:
                _print_line(difference.kind, difference.found or difference.wanted)
        counts = ", ".join(f"{count:,} {kind}" for kind, count in one.differences.items() if count)
        console.print(f"  {one.table}: {counts}", style="bold red", markup=False)


def _print_line(kind: str, line: str) -> None:
    # Not by rich, which would turn the tabs into blanks: a line shown here can be looked for in a file.
    typer.echo(f"  {kind:8} {line}")
