"""The command `python -m simulators`: what a person types, and what they are told.

Knows options and exit codes (0 done, 1 failed, 2 wrong use, 130 interrupted); the rest is `replay` and `fleet`.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

import devices
from simulators import export
from simulators.bench.command import chaos_command, exact_command
from simulators.cities import bundled, resolve
from simulators.clock import duration_us, from_us, instant_us
from simulators.fleet.command import bundled_fleets, fleet_command
from simulators.publisher import WINDOW_MESSAGES_MAX
from simulators.recording import Rows
from simulators.replay import ReplayProgress, ReplaySummary, prepare, replay
from simulators.schedule import PACK_MAX, Choice
from simulators.terminal import INTERRUPTED, interruptible, shown_progress, speed_of, told_plainly

PROBLEMS_SHOWN_MAX = 20

app = typer.Typer(
    no_args_is_help=True, add_completion=False,
    help="Simulated devices over MQTT: recordings of real cities, and seeded fleets that know what must come of them.",
)  # fmt: skip
app.command("fleet")(fleet_command)
app.command("chaos")(chaos_command)
app.command("exact")(exact_command)


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m simulators")


SourcesArgument = Annotated[
    list[str], typer.Argument(help="Cities, recordings (file or folder), names of bundled ones.")
]
CityOption = Annotated[str | None, typer.Option("--city", help="Folder of the city whose devices send.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="A row or value that cannot be read is an error.")]


@app.command("list")
def list_bundled() -> None:
    """List the recordings, cities and fleets that come with the program."""
    for name, path in bundled().items():
        typer.echo(f"{name:24} {'city' if (path / 'city.toml').is_file() else 'recording'}")
    for name in bundled_fleets():
        typer.echo(f"{name:24} fleet")


@app.command()
def check(sources: SourcesArgument, city: CityOption = None, strict: StrictOption = False) -> None:
    """Read recordings as a replay would, send nothing, and say what was found."""
    with told_plainly():
        schedule = prepare(sources, city=city, strict=strict)
    for recording in schedule.recordings:
        rows = recording.rows
        typer.echo(
            f"{recording.spec.name}: {len(rows)} rows of {len(recording.devices)} devices ({recording.model.code}),"
            f" {_span(rows)}; {recording.empty_rows} empty rows,"
            f" {recording.refused_rows} rows and {recording.refused_values} values refused"
        )
    typer.echo(f"{schedule.message_count} messages, {schedule.reading_count} readings")
    _show_problems(tuple(str(p) for r in schedule.recordings for p in r.problems))


def _span(rows: Rows) -> str:
    if not len(rows):
        return "no reading"
    first, last = (from_us(int(t)) for t in (rows.time_us.min(), rows.time_us.max()))
    return f"{first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}"


@app.command("export")
def export_command(
    sources: SourcesArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="`.csv`, `.csv.gz` or `.parquet`; replaced.")],
    city: CityOption = None,
    strict: StrictOption = False,
) -> None:
    """Write recordings as one file of history, a row per reading, as `cityvitals backfill` takes it."""
    with told_plainly():
        schedule = prepare(sources, city=city, strict=strict)
        rows = export.write(schedule.recordings, out)
    typer.echo(f"{out}: {rows:,} readings of {len(schedule.recordings)} recordings")
    _show_problems(tuple(str(p) for r in schedule.recordings for p in r.problems))


@app.command("replay")
def replay_command(
    sources: SourcesArgument,
    broker: Annotated[
        str,
        typer.Option("--broker", envvar="CITYVITALS_MQTT_URL", help="mqtt://[user:password@]host[:port], or mqtts://."),
    ],
    city: CityOption = None,
    speed: Annotated[str, typer.Option(help="Recorded seconds per second, e.g. 3600; or max.")] = "max",
    since: Annotated[str | None, typer.Option("--from", help="Only readings from this recorded time on.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Only readings before this recorded time.")] = None,
    last: Annotated[str | None, typer.Option(help="Only the last part of each recording: 90m, 48h, 7d.")] = None,
    shift_to_now: Annotated[
        bool,
        typer.Option(
            "--shift-to-now", help="Move each recording by whole days so that it ends now; the hour of the day is kept."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of --shuffle and --duplicates: same seed, same messages, same order.")] = 0,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="Send the messages in a random order.")] = False,
    duplicates: Annotated[float, typer.Option(help="Probability of sending a message again.", min=0.0, max=1.0)] = 0.0,
    pack: Annotated[int, typer.Option(help="Rows of a device per message.", min=1, max=PACK_MAX)] = 1,
    loop: Annotated[bool, typer.Option("--loop", help="At the end start again, moved on by whole days.")] = False,
    qos: Annotated[int, typer.Option(min=0, max=2)] = 1,
    window: Annotated[int, typer.Option(help="Messages without acknowledgement at most.", min=1, max=20_000)] = (
        WINDOW_MESSAGES_MAX
    ),
    ca_file: Annotated[Path | None, typer.Option(help="Certificate authorities for mqtts.", exists=True)] = None,
    strict: StrictOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Publish recordings over MQTT as their devices would, and wait for every acknowledgement."""
    with told_plainly(), interruptible() as stop, _shown_progress() as progress:
        choice = _choice(
            sources, city, since, until, last,
            Choice(
                shift_to_us=time.time_ns() // 1000 if shift_to_now else None,
                loop=loop, pack=pack, duplicates=duplicates, shuffle=shuffle, seed=seed,
            ),
        )  # fmt: skip
        summary = replay(
            sources,
            broker,
            city=city,
            choice=choice,
            speed=speed_of(speed),
            qos=qos,
            strict=strict,
            ca_file=ca_file,
            window=window,
            progress=progress,
            stop=stop,
        )
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(summary), ensure_ascii=False))
    else:
        typer.echo(_sentence(summary))
    _show_problems(summary.problems)
    if summary.interrupted:
        raise typer.Exit(INTERRUPTED)


def _choice(
    sources: list[str], city: str | None, since: str | None, until: str | None, last: str | None, rest: Choice
) -> Choice:
    zone = devices.load_city(resolve(sources, city).city).zone_info if since or until else UTC
    return dataclasses.replace(
        rest,
        from_us=instant_us(since, zone) if since else None,
        to_us=instant_us(until, zone) if until else None,
        last_us=duration_us(last) if last else None,
    )


def _sentence(summary: ReplaySummary) -> str:
    rate = summary.messages / summary.seconds if summary.seconds else 0.0
    refused = f"; refused {summary.refused_rows} rows and {summary.refused_values} values"
    return (
        f"{'interrupted after' if summary.interrupted else 'sent'} {summary.messages} messages "
        f"({summary.readings} readings, {summary.bytes} bytes) in {summary.seconds:.1f} s, {rate:.0f} messages/s; "
        f"{summary.acknowledged} acknowledged"
        + (refused if summary.refused_rows or summary.refused_values else "")
        + (f"; reconnected {summary.reconnects} times" if summary.reconnects else "")
    )


def _show_problems(problems: tuple[str, ...]) -> None:
    for problem in problems[:PROBLEMS_SHOWN_MAX]:
        typer.echo(problem, err=True)
    if len(problems) > PROBLEMS_SHOWN_MAX:
        typer.echo(f"… and {len(problems) - PROBLEMS_SHOWN_MAX} more", err=True)


@contextmanager
def _shown_progress() -> Iterator[Callable[[ReplayProgress], None] | None]:
    """Yield what shows a replay's progress; nothing without a terminal."""
    with shown_progress("replay") as show:
        if show is None:
            yield None
            return

        def told(now: ReplayProgress) -> None:
            show(now.published, now.acknowledged, now.total, now.time_us, now.elapsed_s)

        yield told
