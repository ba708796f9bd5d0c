"""`cityvitals devices export` and `import`: the registry as CSV or GeoJSON, out and in.

Knows options and files; how devices are written in them is the devices' room.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.accept import DEVICES_FILE, checked_devices, replace_file
from console.context import Context
from console.errors import MisuseError
from console.output import stdout
from console.text import counted

if TYPE_CHECKING:
    from devices import Device

FORMATS = ("csv", "geojson")


def export(
    context: typer.Context,
    form: Annotated[str, typer.Option("--format", metavar="csv|geojson", help="How it is written.")] = "csv",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Into this file; else printed.")] = None,
) -> None:
    """Write the registry as CSV, which is `devices.csv` as it stands, or as GeoJSON with a point for each device.

    **Examples**

    - `cityvitals --city cities/seoul devices export --format geojson --out devices.geojson`
    """
    from devices.geography import geojson

    if form not in FORMATS:
        raise MisuseError(f"--format {form}: no such format", f"one of {', '.join(FORMATS)}")
    given: Context = context.obj
    given.registry()  # what has faults is not given to others
    content = (given.city_dir() / DEVICES_FILE).read_bytes()
    written = content if form == "csv" else geojson(content).encode("utf-8")
    if out is None:
        typer.echo(written.decode("utf-8-sig"), nl=False)
    else:
        out.write_bytes(written)


def import_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="`.csv`, `.geojson` or `.json`.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
) -> None:
    """Take a file of devices in place of `devices.csv`, at once, and only where the city loads with it.

    Which devices come, go and change is said. Observations of a device that goes stay stored. The gateway reads the
    file when it starts.

    **Examples**

    - `cityvitals --city cities/seoul devices import devices.geojson --dry-run`
    """
    from devices.geography import csv_of_geojson, same_devices

    given: Context = context.obj
    registry, target = given.registry(), given.city_dir() / DEVICES_FILE
    try:
        content = file.read_bytes()
        if file.suffix in (".geojson", ".json"):
            content = csv_of_geojson(content.decode("utf-8"))
        elif file.suffix != ".csv":
            raise MisuseError(f"{file}: no such format", "give a file that ends in .csv, .geojson or .json")
        before = target.read_bytes()
        if same_devices(content, before):
            content = before  # what says the same leaves the file as it is written
    except OSError as error:
        raise MisuseError(f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise MisuseError(f"{file}: {error}") from None
    devices = checked_devices(content, file, registry)
    _say(registry.devices, devices)
    if not dry_run:
        replace_file(target, content, before)


def _say(before: tuple[Device, ...], after: tuple[Device, ...]) -> None:
    old, new = ({device.code: device for device in devices} for devices in (before, after))
    changed = [
        code
        for code, device in new.items()
        if code in old and (device, dict(device.attributes)) != (old[code], dict(old[code].attributes))
    ]
    console = stdout()
    console.print(counted(len(after), "device"), markup=False)
    groups = (("new", new.keys() - old.keys()), ("gone", old.keys() - new.keys()), ("changed", set(changed)))
    for word, codes in groups:
        if codes:
            console.print(f"  {len(codes):,} {word}: {' '.join(sorted(codes))}", markup=False, soft_wrap=True)
