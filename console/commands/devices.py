"""`cityvitals devices`: what is installed. Reads files only, but for the health of devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.accept import accept
from console.commands.discover import discover
from console.commands.drift import drift
from console.commands.registry_files import export, import_command
from console.commands.successor import move, swap
from console.output import Col, print_json, print_table
from console.text import counted, local_time, span

if TYPE_CHECKING:
    from devices import Device, Registry

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]

app = typer.Typer(
    name="devices",
    no_args_is_help=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    app.command("discover")(discover)
    app.command("accept")(accept)
    app.command("move")(move)
    app.command("swap")(swap)
    app.command("drift")(drift)
    app.command("export")(export)
    app.command("import")(import_command)
    parent.add_typer(app)


@app.callback(invoke_without_command=True)
def devices(
    context: typer.Context,
    zone: Annotated[str | None, typer.Option("--zone", metavar="ZONE", help="Only devices of this zone.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="MODEL", help="Only devices of this model.")] = None,
    health: Annotated[
        bool, typer.Option("--health", help="How it stands with each, the worst first; needs the database.")
    ] = False,
    silent: Annotated[bool, typer.Option("--silent", help="Only those that are silent; includes --health.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the city's devices, as registered in its `devices.csv`; with `--health`, who is silent and since when.

    A device is silent when nothing came for several of its intervals while we listened. When all devices of a gateway
    are, one line says so. `clock` is how far a device's own clock is off; `not listening` is when we were away.
    Below them stand flags of the city's rules of quality: by device and rule how many observations, and the newest.
    With `--health --json` each line says what it is: `"row"` is `device`, `flag`, `gateway`, `downtime` or `total`.

    **Examples**

    - `cityvitals --city cities/seoul devices`
    - `cityvitals --city cities/seoul devices --zone jongno --json`
    - `cityvitals devices --health`
    - `cityvitals devices --silent --json | jq -r 'select(.row == "device") | .device'`
    - `cityvitals devices discover`
    """
    if context.invoked_subcommand is not None:
        return
    from devices import nearest

    if health or silent:
        from console.commands.health import show_health

        show_health(context.obj, zone=zone, model=model, silent=silent, as_json=as_json)
        return
    registry = context.obj.registry(fall_back=True)
    from console.errors import MisuseError

    if zone is not None and zone not in {z.code for z in registry.city.zones}:
        raise MisuseError(f"no zone is called {zone!r}{nearest(zone, [z.code for z in registry.city.zones])}")
    if model is not None and model not in registry.models:
        raise MisuseError(f"no device model is called {model!r}{nearest(model, registry.models)}")
    rows = [d for d in registry.devices if zone in (None, d.zone) and model in (None, d.model)]
    if as_json:
        print_json(_entry(d, registry) for d in rows)
        return
    dated = any(_in_service(d, registry) for d in rows)
    print_table(
        f"{registry.city.name}: {counted(len(rows), 'device')}",
        [
            Col("device"),
            Col("title"),
            Col("model"),
            Col("zone"),
            Col("every", right=True),
            *([Col("in service")] if dated else []),
            Col("measures"),
            Col("topic"),
        ],
        (
            (
                d.code,
                "" if d.title == d.code else d.title,
                d.model,
                d.zone,
                span(d.interval_us),
                *([_in_service(d, registry)] if dated else []),
                " ".join(f.measurand for f in registry.models[d.model].fields),
                d.topic,
            )
            for d in rows
        ),
    )


def _in_service(d: Device, registry: Registry) -> str:
    """Return from when and until when, by the city's clock; empty where it always is."""
    from devices import TIME_MAX_US, TIME_MIN_US

    zone = registry.city.zone_info
    begin = "" if d.service_from_us == TIME_MIN_US else f"from {local_time(d.service_from_us, zone)}"
    end = "" if d.service_to_us == TIME_MAX_US else f"to {local_time(d.service_to_us, zone)}"
    return f"{begin} {end}".strip()


def _entry(d: Device, registry: Registry) -> dict[str, object]:
    from devices import TIME_MAX_US, TIME_MIN_US, rfc3339

    return {
        "device": d.code,
        "title": d.title,
        "model": d.model,
        "zone": d.zone,
        "latitude": d.latitude,
        "longitude": d.longitude,
        "in_service_from": None if d.service_from_us == TIME_MIN_US else rfc3339(d.service_from_us),
        "in_service_to": None if d.service_to_us == TIME_MAX_US else rfc3339(d.service_to_us),
        "interval_s": d.interval_us // 1_000_000,
        "gateway": d.gateway,
        "topic": d.topic,
        "measurands": [f.measurand for f in registry.models[d.model].fields],
    }
