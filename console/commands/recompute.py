"""`cityvitals recompute`: windows and indicators rebuilt from the observations, to prove them or to mend them.

Knows options and rendering; what differs is found by `engine.recompute`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.commands.results import FromOption, JsonOption, ToOption, archived_note, open_store, time_range
from console.context import Context
from console.errors import EXIT_FAILED, MisuseError
from console.output import print_json, stderr, stdout
from console.progress import bar
from console.text import counted, local_time

if TYPE_CHECKING:
    from devices import Registry
    from engine.store import Difference, Registered, Store
    from engine.stretch import Step, Stretches

PAUSE_S = 2.0
"""How long the live engine is given to write what it has, before rows that differ are looked at again."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("recompute")(recompute)


def recompute(
    context: typer.Context,
    since: FromOption = None,
    until: ToOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: name every row that differs, and exit 1 if there is any.")
    ] = False,
    by_sql: Annotated[
        bool, typer.Option("--sql", help="With --check: by plain SQL in the database, without any kernel of ours.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Rebuild minutes, hours, days, counter events and indicators from the stored observations, and mend what differs.

    All of the whole civil days that `--from` and `--to` touch is rebuilt through the kernels of the live engine, from
    observations alone; without them everything is. Rows that stand so already are not written. Others become new
    revisions with the reason `recomputed`, and a closed result that is replaced stays known (`indicator_revision`).
    Rows that should not exist are removed. So is what is kept of every series' newest observation (`newest_part`),
    whenever that was. The city's files as they are now decide on intervals and zones; devices that
    are no longer in them are left alone. Days whose observations left for an archive (`cityvitals archive`) stand as
    they are, which is said: bring them into a database of their own with `backfill` to prove them.

    With `--check` nothing is written, and a gateway may run: what its engine has not written yet is left out, which is
    said. Without it the gateway must be stopped: `down`, then `up --servers`.

    `--check --sql` proves minutes, hours, days and counter events a second time, by statements that anybody may read
    (`engine/store/queries/plain_*.sql`) and that share nothing with the engine but the rule itself; from the city's
    files they take only a counter's modulus and greatest rate. Indicators are not covered by it.

    **Examples**

    - `cityvitals --city seoul recompute --check`
    - `cityvitals --city seoul recompute --check --sql --from 2026-03-01 --to 2026-04-01`
    - `cityvitals --city seoul recompute --from 2026-03-01 --to 2026-04-01`
    """
    if by_sql and not check:
        raise MisuseError("--sql proves and mends nothing", "give --check as well")
    given: Context = context.obj
    registry = given.registry()
    zone = registry.city.zone_info
    from_us, to_us = time_range(since, until, zone)
    with open_store(given, patient=True) as store:
        from engine.calendar import Calendar
        from engine.indicators import INDICATORS
        from engine.store import Duty
        from engine.stretch import Stretches

        pace = given.settings.engine
        stretches = Stretches(store, Calendar(zone), pace.partition, pace.minute_days)
        if not check:
            store.own(stretches.partition, Duty.FLUSH)
        registered = store.register(registry, INDICATORS, keep=not check)
        written_us = stretches.written_to(to_us) if check else to_us
        span = stretches.whole(from_us, written_us) if from_us < written_us else None
        left = store.archive.left()
        total = Total()
        with bar("checking" if check else "recomputing") as progress:
            if span is not None:
                work = _by_sql if by_sql else partial(_by_engine, registered=registered, mend=not check)
                steps = work(store, registry, stretches, span, lambda done: progress.at(done, 1.0))
                for table, one in total.added(steps):
                    _show(table, one, as_json)
    # A day that is not over yet is taken as a whole; what is said ends with the present.
    end_us = time.time_ns() // 1000
    local = None if span is None else (local_time(span[0], zone), local_time(min(span[1], end_us), zone))
    behind = None if written_us == to_us else local_time(written_us, zone)
    total.show(local, mended=not check, behind=behind, as_json=as_json)
    if left is not None and from_us < left.until_us:
        stderr().print(archived_note(left, zone), markup=False, soft_wrap=True)
    if check and total.differences:
        raise typer.Exit(EXIT_FAILED)


def _by_engine(
    store: Store, registry: Registry, stretches: Stretches, span: tuple[int, int], progress: Callable[[float], None],
    *, registered: Registered, mend: bool,
) -> Iterator[Step]:  # fmt: skip
    from engine.recompute import Recomputation

    now_us = time.time_ns() // 1000
    work = Recomputation(store, registry, registered, stretches, now_us=now_us, mend=mend, pause=_pause)
    return work.run(*span, progress)


def _by_sql(
    store: Store, registry: Registry, stretches: Stretches, span: tuple[int, int], progress: Callable[[float], None]
) -> Iterator[Step]:
    from engine.plain_check import plain_check

    return plain_check(store, registry.series(), stretches, *span, progress=progress, pause=_pause)


def _pause() -> None:
    time.sleep(PAUSE_S)


class Total:
    """Adds up what was found while it is shown."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.found: Counter[str] = Counter()

    @property
    def differences(self) -> int:
        """How many rows differ."""
        return self.found.total()

    def added(self, steps: Iterable[Step]) -> Iterator[tuple[str, Difference]]:
        """Give the differences of steps on, counted."""
        for step in steps:
            self.rows.update(step.rows)
            for table, one in step.differences:
                self.found[table] += 1
                yield table, one

    def show(self, span: tuple[str, str] | None, *, mended: bool, behind: str | None, as_json: bool) -> None:
        """Print the sums."""
        if as_json:
            print_json(
                [
                    {
                        "row": "total", "from": span and span[0], "to": span and span[1], "rows": dict(self.rows),
                        "differences": dict(self.found), "equal": not self.differences,
                        "mended": self.differences if mended else 0, "behind_from": behind,
                    }
                ]
            )  # fmt: skip
            return
        console = stdout()
        for table, count in self.rows.items():
            differ = self.found[table]
            said = f"{differ:,} differed" if mended else f"{differ:,} differ"
            verdict = Text(said, "bold red") if differ else Text("equal", "green")
            console.print(Text.assemble(f"{table:16}{count:>14,}  ", verdict))
        where = "nothing is stored there" if span is None else f"{span[0]} to {span[1]}"
        end = f"; what comes after {behind} is not written yet" if behind else ""
        verb = "mended" if mended else "found"
        console.print(f"{where}: {counted(self.differences, 'difference')} {verb}{end}", markup=False, style="dim")


def _show(table: str, one: Difference, as_json: bool) -> None:
    if as_json:
        print_json([{"row": "difference", "table": table, **one._asdict()}])
    elif one.kind == "differs":
        typer.echo(f"found    {table}\t{one.found}\nwanted   {table}\t{one.wanted}")
    else:
        typer.echo(f"{one.kind:8} {table}\t{one.found or one.wanted}")
