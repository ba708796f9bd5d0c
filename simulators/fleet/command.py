"""The command `python -m simulators fleet`: what a person types, and what they are told.

Knows options and words; the rest is `build`, `write_truth` and `send`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from devices import nearest
from simulators.fleet.errors import FleetError
from simulators.fleet.fleet import Fleet, build
from simulators.fleet.order import WAYS, has_faults
from simulators.fleet.pool import WINDOW_MESSAGES_MAX
from simulators.fleet.send import CONNECTIONS_MAX, SendProgress, SendSummary, leave_retained, send
from simulators.fleet.tables import MANIFEST, TRUTH, write_manifest, write_truth
from simulators.terminal import INTERRUPTED, interruptible, shown_progress, speed_of, told_plainly

FLEETS = Path(__file__).resolve().parents[1] / "fleets"
CITY = "city"


def bundled_fleets() -> dict[str, Path]:
    """Return the fleet files that come with the program, by name."""
    alone = {path.stem: path for path in sorted(FLEETS.glob("*.toml"))}
    return alone | {path.parent.name: path for path in sorted(FLEETS.glob("*/fleet.toml"))}  # with models beside them


def find_fleet(name: str) -> Path:
    """Return the file of a fleet, given by path or by the name of a bundled one. Raises FleetError: neither."""
    path, known = Path(name), bundled_fleets()
    if path.is_file():
        return path
    if name in known:
        return known[name]
    raise FleetError(f"{name}: no such file or bundled fleet{nearest(name, known)}")


def fleet_command(
    fleet: Annotated[
        str, typer.Argument(help="A fleet file (TOML), or a bundled one: small, kpis, day2000, mixed, year.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder to write the city, the truth and a manifest into.")],
    broker: Annotated[
        str | None,
        typer.Option(
            "--broker",
            envvar="CITYVITALS_MQTT_URL",
            help="Also send everything: mqtt://user:password@host:1883, or mqtts://. Left out: only write.",
        ),
    ] = None,
    way: Annotated[
        str,
        typer.Option(
            help="in-order: by time. shuffled: in random order. twice: every message twice. faults: what the file's"
            " fault tables make of it. faults-shuffled: that, in random order."
        ),
    ] = WAYS[0],
    seed: Annotated[int, typer.Option(help="Of the random order; what is sent follows from the file alone.")] = 0,
    speed: Annotated[str, typer.Option(help="Simulated seconds per second, e.g. 3600; or max.")] = "max",
    connections: Annotated[
        int, typer.Option(help="Connections the devices share; each device stays on one.", min=1, max=CONNECTIONS_MAX)
    ] = 8,
    window: Annotated[
        int, typer.Option(help="Messages without acknowledgement at most, of all connections.", min=1, max=20_000)
    ] = WINDOW_MESSAGES_MAX,
    resend: Annotated[
        float,
        typer.Option(
            help="Seconds: after a lost connection, send again what was acknowledged so shortly before, and end only"
            " when the last acknowledgement is so long ago. 10 makes up for a broker that is killed.",
            min=0.0,
            max=3600.0,
        ),
    ] = 0.0,
    ca_file: Annotated[Path | None, typer.Option(help="Certificate authorities for mqtts.", exists=True)] = None,
    truth: Annotated[bool, typer.Option("--truth/--no-truth", help="Write the truth, or not.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Make a seeded city of devices, write what every table must hold when it was sent, and send it.

    Writes OUT/city (city.toml, zones.geojson, devices.csv: run cityvitals with --city OUT/city), OUT/truth (every table
    as it must be when the fleet was sent in this way, and their digests) and OUT/manifest.json.

    With --way faults the retained messages are left at the broker first. Start a new gateway after that, or they are
    ordinary repeats to it.
    """  # fmt: skip
    with told_plainly():
        found = find_fleet(fleet)
        if way not in WAYS:
            raise ValueError(f"--way {way!r}; expected one of {', '.join(WAYS)}")
        pace = speed_of(speed)
        made = build(found, out / CITY)
        write_manifest(made, way, write_truth(made, way, out / TRUTH) if truth else {}, out / MANIFEST)
    if broker is None:
        _tell_written(made, way, out, as_json=as_json)
        return
    with told_plainly(), interruptible() as stop, _shown() as progress:
        if has_faults(way):
            leave_retained(made, broker, ca_file=ca_file)
        summary = send(
            made, broker, way=way, seed=seed, connections=connections, speed=pace, resend_s=resend, window=window,
            ca_file=ca_file, stop=stop, progress=progress,
        )  # fmt: skip
    typer.echo(json.dumps(dataclasses.asdict(summary)) if as_json else _sentence(summary))
    if summary.interrupted:
        raise typer.Exit(INTERRUPTED)


def _tell_written(fleet: Fleet, way: str, out: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(json.loads((out / MANIFEST).read_text("utf-8")), ensure_ascii=False))
        return
    plan = fleet.plan(way)
    typer.echo(
        f"{len(fleet.registry.devices)} devices, {plan.message_count} messages, {plan.reading_count} readings;"
        f" {len(fleet.accepted(way))} observations must be stored; wrote {out}"
    )


def _sentence(summary: SendSummary) -> str:
    rate = summary.messages / summary.seconds if summary.seconds else 0.0
    return (
        f"{'interrupted after' if summary.interrupted else 'sent'} {summary.messages} messages "
        f"({summary.readings} readings, {summary.bytes} bytes) in {summary.seconds:.1f} s, {rate:.0f} messages/s; "
        f"{summary.acknowledged} acknowledged"
        + (f"; reconnected {summary.reconnects} times, {summary.resent} sent again" if summary.reconnects else "")
    )


@contextmanager
def _shown() -> Iterator[Callable[[SendProgress], None] | None]:
    with shown_progress("fleet") as show:
        if show is None:
            yield None
            return

        def told(now: SendProgress) -> None:
            show(now.published, now.acknowledged, now.total, now.time_us, now.elapsed_s)

        yield told
