"""`cityvitals devices move` and `swap`: a device ends and another begins in `devices.csv`, at one moment.

Knows options, and which cells the new line takes over; whether the city then loads is the registry's to say.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.accept import DEVICES_FILE, checked_devices, replace_file, set_cells
from console.commands.many import made_topic
from console.commands.results import JsonOption
from console.context import Context
from console.errors import MisuseError
from console.output import print_json, stdout
from console.text import local_time

if TYPE_CHECKING:
    from devices import Device, DeviceModel, Registry

PLACE = ("latitude", "longitude")
OF_HARDWARE = ("interval_s", "topic", "accuracy", "accuracy_percent")
"""Cells that say something of the hardware, so that another model does not take them over."""

DeviceArgument = Annotated[str, typer.Argument(metavar="DEVICE", help="Its code, as in `devices.csv`.")]
FromOption = Annotated[
    str, typer.Option("--from", metavar="DATE", help="Date in the city, or time with offset, from which it holds.")
]
CodeOption = Annotated[
    str | None, typer.Option("--code", metavar="CODE", help="What to call the new one; DEVICE-2 where left out.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="COLUMN=VALUE", help="Another column of the new line; may be given again."),
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and change nothing.")]


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be written.

    Attributes:
        old: the device that ends. begin_us: when.
        ends: cells of its line that change.
        row: cells of the new line.
        notes: what a person should know of it.
    """

    old: Device
    begin_us: int
    ends: Mapping[str, str]
    row: Mapping[str, str]
    notes: tuple[str, ...]


def move(
    context: typer.Context,
    device: DeviceArgument,
    zone: Annotated[str, typer.Option("--zone", metavar="ZONE", help="Where it stands from then on.")],
    begin: FromOption,
    code: CodeOption = None,
    cells: SetOption = None,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let a device stand in another zone from a date on; figures of the past stay with the zone where it stood.

    Its line in `devices.csv` ends, and the line of another device begins, with a code of its own and the same topic:
    each reading is of the one in service at the reading's own time, however late it comes, so that this may be
    written before the day. Every other byte of the file stays; one that would not load is not written.

    The new line has no latitude and longitude but those you `--set`; all else is as in the old one.

    **Examples**

    - `cityvitals devices move gauge-7 --zone south --from 2026-11-01 --set latitude=38.34 --set longitude=-0.49`
    - `cityvitals devices move gauge-7 --zone south --from 2026-11-01T10:30:00+01:00 --dry-run`
    """
    given: Context = context.obj
    registry, old, begin_us = _meant(given, device, begin)
    wanted = {"device": code or next_code(old.code, registry), "zone": zone}
    row = {**_taken_over(given, old, but=PLACE), **wanted, **_set(cells, (*wanted, "model"))}
    model = registry.model_of(old)
    if model.feed is not None and not model.feed.column:
        raise MisuseError(
            f"the feed of {old.model} calls a device by its code, so another code would be another device there",
            "give the model a `column` in its [feed], and the device's key in that column",
        )
    notes = []
    if zone == old.zone:
        notes.append(f"it stood in {zone} before")
    if old.latitude is not None and not row.get("latitude"):
        notes.append("where it stands now is not known: --set latitude and longitude")
    _write(given, _change(registry, old, begin_us, begin, row, notes), dry_run=dry_run, as_json=as_json)


def swap(
    context: typer.Context,
    device: DeviceArgument,
    begin: FromOption,
    model: Annotated[
        str | None, typer.Option("--model", metavar="MODEL", help="What the new one is, where it is something else.")
    ] = None,
    code: CodeOption = None,
    cells: SetOption = None,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let another device stand in the place of one from a date on, such as a new meter.

    The old line in `devices.csv` ends, and a new one begins, with a code of its own. They are two devices: no
    consumption is made of the difference of two registers. The new line has the place and all else of the old one,
    and its topic: each reading is of the one in service at the reading's own time, so that this may be written before
    the day. `--set topic=...` where the new one has a topic of its own.

    One of another `--model` has the topic that this model makes, or the one you set; where that was the old one's, the
    old one gets another, and what comes late of it is in the quarantine.

    **Examples**

    - `cityvitals devices swap meter-1 --from 2026-11-01`
    - `cityvitals devices swap meter-1 --from 2026-11-01 --code meter-1b --model gas_meter --dry-run`
    """
    given: Context = context.obj
    registry, old, begin_us = _meant(given, device, begin)
    wanted = {"device": code or next_code(old.code, registry), "model": model or old.model}
    if wanted["model"] not in registry.models:
        from devices import nearest

        raise MisuseError(
            f"no device model is called {model!r}{nearest(str(model), registry.models)}",
            "list them with `cityvitals models`",
        )
    before, after = registry.models[old.model], registry.models[wanted["model"]]
    other = before is not after
    gone = (*OF_HARDWARE, *(set(before.columns) - set(after.columns))) if other else ()
    row = {**_taken_over(given, old, but=gone), **wanted, **_set(cells, tuple(wanted))}
    _write(given, _change(registry, old, begin_us, begin, row, []), dry_run=dry_run, as_json=as_json)


def next_code(code: str, registry: Registry) -> str:
    """Return what the device after one is called: `gauge` is followed by `gauge-2`, and that one by `gauge-3`."""
    taken = {device.code for device in registry.devices}
    stem, _, number = code.rpartition("-")
    first = code
    if stem in taken and number.isdecimal():
        first = stem
    count = 2
    while f"{first}-{count}" in taken:
        count += 1
    return f"{first}-{count}"


def _meant(given: Context, code: str, begin: str) -> tuple[Registry, Device, int]:
    """Return the registry, the device that ends and when.

    Raises:
        MisuseError: there is no such device, or it is not in service just before.
    """
    from devices.times import time_us_from_civil

    registry = given.registry()
    try:
        old = registry.devices[registry.device_index(code)]
    except KeyError as error:
        raise MisuseError(str(error.args[0]), "list them with `cityvitals devices`") from None
    zone = registry.city.zone_info
    try:
        begin_us = time_us_from_civil(begin, zone)
    except ValueError as error:
        raise MisuseError(f"--from: {error}") from None
    if not old.service_from_us < begin_us < old.service_to_us:
        out = begin_us >= old.service_to_us
        when = local_time(old.service_to_us if out else old.service_from_us, zone)
        raise MisuseError(
            f"{code} is {'out of service since' if out else 'in service only from'} {when}, and would not be just "
            f"before {begin}",
            "give a later --from" if not out else "move or swap the device that followed it, or add a line for a new "
            f"one to {DEVICES_FILE}",
        )  # fmt: skip
    return registry, old, begin_us


def _set(cells: list[str] | None, taken: tuple[str, ...]) -> dict[str, str]:
    return set_cells(cells or [], (*taken, "in_service_from", "in_service_to"))


def _taken_over(given: Context, old: Device, but: tuple[str, ...]) -> dict[str, str]:
    """Return the cells that the new line has of the old one."""
    from devices.listing import row_of

    row = row_of((given.city_dir() / DEVICES_FILE).read_bytes(), old.code)
    return {name: cell for name, cell in row.items() if name not in (*but, "in_service_from")}


def _change(
    registry: Registry, old: Device, begin_us: int, begin: str, row: dict[str, str], notes: list[str]
) -> _Change:
    """Return what is to be written of two devices, the second with the cells of `row`.

    Raises:
        MisuseError: nothing could read what the old one sends until then.
    """
    row["in_service_from"] = begin
    ends = {"in_service_to": begin}
    model = registry.models[row["model"]]
    topic = row.get("topic") or _topic(registry, old, model, row)
    row["topic"] = "" if topic == made_topic(registry, model, row) else topic
    if topic == old.topic and row["model"] != old.model:
        if begin_us > time.time_ns() // 1000:
            raise MisuseError(
                f"until then {old.code} sends by {topic}, and {row['model']} cannot read what {old.model} sends",
                "say it once they are swapped, or give the new one another topic with --set topic=...",
            )
        ends["topic"] = f"retired/{old.code}"
        notes.append(f"what comes late of {old.code} by {topic} is read as {row['model']}, and goes to the quarantine")
    elif topic == old.topic and model.feed is not None and row.get(model.feed.column) != _key(old, model):
        notes.append(f"{row['device']} is {row.get(model.feed.column, '')} in the feed {topic}")
    elif topic == old.topic:
        notes.append(f"both have the topic {topic}: a reading is of the one in service at the reading's own time")
    else:
        notes.append(f"{row['device']} has the topic {topic}")
    if any(one.device == old.code for one in registry.calibrations):
        notes.append(f"calibrations of {old.code} are not those of {row['device']}: add its lines to calibrations.csv")
    return _Change(old, begin_us, ends, row, tuple(notes))


def _key(device: Device, model: DeviceModel) -> str:
    from devices.registry import feed_key

    return feed_key(device, model)


def _topic(registry: Registry, old: Device, model: DeviceModel, row: Mapping[str, str]) -> str:
    """Return by which topic the new device comes where nobody says: the old one's, if it is of the same model."""
    return old.topic if model.code == old.model else made_topic(registry, model, row)


def _write(given: Context, change: _Change, *, dry_run: bool, as_json: bool) -> None:
    """Write both lines, and say what they are and what is to be done.

    Raises:
        MisuseError: the city would not load with them; the file stays as it was.
    """
    from devices import rfc3339
    from devices.listing import row_of, with_successor

    file: Path = given.city_dir() / DEVICES_FILE
    before, registry, old = file.read_bytes(), given.registry(), change.old
    content = with_successor(before, old.code, change.ends, [change.row])
    new = next(d for d in checked_devices(content, file, registry) if d.code == change.row["device"])
    if not dry_run:
        replace_file(file, content, before)
    lines = {code: row_of(content, code) for code in (old.code, new.code)}
    if as_json:
        print_json(
            [
                {
                    "device": old.code,
                    "successor": new.code,
                    "from": rfc3339(change.begin_us),
                    "topic": new.topic,
                    "lines": list(lines.values()),
                    "notes": change.notes,
                    "dry_run": dry_run,
                }
            ]
        )
        return
    ahead = change.begin_us > time.time_ns() // 1000
    when = local_time(change.begin_us, registry.city.zone_info)
    said = [
        f"{old.code} {'would end' if dry_run else 'ends'} and {new.code} {'would begin' if dry_run else 'begins'} at "
        f"{when}, in {file}:",
        *(f"  {' '.join(f'{name}={cell}' for name, cell in row.items())}" for row in lines.values()),
        *change.notes,
    ]
    if not dry_run:
        said.append(
            "a gateway that runs reads the file when it is started again: "
            + ("do that before then" if ahead else f"until then what comes is stored as {old.code}'s, and stays there")
        )
    for line in said:
        stdout().print(line, markup=False, highlight=False, soft_wrap=True)
