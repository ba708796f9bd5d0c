"""The commands `chaos` and `exact` of `python -m simulators`: what a person types, and what they are told.

Knows options and words; the rest is `bench.chaos` and `bench.exact`.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

import deploy
from simulators.bench import chaos, exact
from simulators.bench.errors import BenchError
from simulators.fleet.command import find_fleet
from simulators.terminal import told_plainly

DIGEST_SHOWN_CHARS = 16

FleetArgument = Annotated[str, typer.Argument(help="A fleet file (TOML), or the name of a bundled one.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]


def chaos_command(
    fleet: FleetArgument = "small",
    seed: Annotated[int, typer.Option(help="Of the first run; the others count on from it.", min=0)] = 0,
    runs: Annotated[int, typer.Option(help="How many runs.", min=1)] = 1,
    as_json: JsonOption = False,
) -> None:
    """Run a seeded city through gateway, broker and database while these are killed, paused, cut off and filled.

    The seed decides the city's values, the order of sending (mostly with all the faults of the fleet file) and what is
    struck when. Then every table is compared with the truth; exit code 1 when any differs, with the command that
    repeats the run. Servers of its own, on the loopback; the database's disk is 384 MB of memory.

    Everything is decided by the seed but the machine's own pace: a run is repeated as nearly as a machine can.
    """
    with told_plainly():
        file = find_fleet(fleet)
    failed = []
    with _told(), chaos.bench() as database:
        for number in range(seed, seed + runs):
            run = chaos.run(file, number, database)
            if run.differences:
                failed.append(number)
            typer.echo(
                json.dumps(dataclasses.asdict(run), ensure_ascii=False) if as_json else _run_in_words(run, fleet)
            )
    if not as_json:
        wrong = f", wrong with seed {', '.join(map(str, failed))}" if failed else ""
        typer.echo(f"{runs - len(failed)} of {runs} runs left every table as the truth has it{wrong}")
    if failed:
        raise typer.Exit(1)


def _run_in_words(run: chaos.Run, fleet: str) -> str:
    words = (
        f"seed {run.seed}: {run.way}, {len(run.acts)} acts ({', '.join(act.verb for act in run.acts)}),"
        f" {run.accepted} observations of {run.received} readings, {run.seconds:.0f} s:"
    )
    if not run.differences:
        return f"{words} every table is right"
    lines = [f"{words} WRONG", *(f"  {line}" for line in run.differences), "  what was done:"]
    lines += [f"    {act}" for act in run.acts]
    lines += [f"  logs: {run.logs}", f"  again: python -m simulators chaos {shlex.quote(fleet)} --seed {run.seed}"]
    return "\n".join(lines)


def exact_command(
    fleet: FleetArgument = "day2000",
    kills: Annotated[int, typer.Option(help="kill -9 at least so often.", min=1)] = exact.KILLS_MIN,
    seed: Annotated[int, typer.Option(help="Of the random order and of the kills.", min=0)] = 0,
    way: Annotated[
        list[str] | None, typer.Option("--way", help=f"Only this of {', '.join(exact.WAYS)}; may be given again.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send the same seeded day in order, shuffled, every message twice, with all faults, and under many `kill -9`.

    After each, one digest of all buckets, windows and indicator values is printed beside that of the truth, which is
    computed without the engine; ledgers are compared per device. Exit code 1 when anything differs.
    """
    with told_plainly():
        file = find_fleet(fleet)
        for name in way or ():
            if name not in exact.WAYS:
                raise ValueError(f"--way {name!r}; expected one of {', '.join(exact.WAYS)}")
    wrong = False
    with _told():
        for verdict in exact.exact(file, ways=tuple(way or exact.WAYS), kills=kills, seed=seed):
            wrong = wrong or bool(verdict.differences)
            if as_json:
                typer.echo(json.dumps(dataclasses.asdict(verdict), ensure_ascii=False))
            else:
                typer.echo(_verdict_in_words(verdict))
    if wrong:
        raise typer.Exit(1)


def _verdict_in_words(verdict: exact.Verdict) -> str:
    rate = verdict.received / verdict.seconds if verdict.seconds else 0.0
    kills = f" {verdict.kills} kills," if verdict.kills else ""
    words = (
        f"{verdict.digest[:DIGEST_SHOWN_CHARS]}  {verdict.way:9} {verdict.observations:>10,} observations,"
        f" {verdict.received:>10,} readings,{kills} {verdict.seconds:6.1f} s ({rate:,.0f}/s)"
    )
    if not verdict.differences:
        return f"{words}  = truth, ledgers too"
    truth = f"  NOT THE TRUTH, which is {verdict.expected[:DIGEST_SHOWN_CHARS]}"
    return "\n".join([words + truth, *(f"  {line}" for line in verdict.differences)])


@contextmanager
def _told() -> Iterator[None]:
    """Turn what keeps a bench from working into words on stderr and an exit code."""
    with told_plainly():
        try:
            yield
        except deploy.StackError as error:
            raise BenchError(str(error)) from error
