"""`cityvitals devices accept`: an unknown device into `devices.csv`, and its messages out of the quarantine.

Knows options and the file; whether that then makes sense is the registry's to say, and replaying is `ingest.replay`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.discover import STRANGERS
from console.commands.quarantine import print_replayed, replay_chosen, replayed_row
from console.commands.results import JsonOption
from console.context import Context
from console.errors import MisuseError
from console.output import print_json, stdout

if TYPE_CHECKING:
    from devices import Device, DeviceModel, Registry

DEVICES_FILE = "devices.csv"


def accept(
    context: typer.Context,
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="As `devices discover` lists it.")],
    model: Annotated[str, typer.Option("--model", metavar="MODEL", help="What it is; see `devices discover`.")],
    zone: Annotated[str, typer.Option("--zone", metavar="ZONE", help="Where it stands.")],
    code: Annotated[
        str | None, typer.Option("--code", metavar="CODE", help="What to call it; from the topic where left out.")
    ] = None,
    cells: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COLUMN=VALUE", help="Another column, such as latitude; may be given again."),
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay/--no-replay", help="Take its messages up again from the quarantine.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Register a device that is heard already: a line for it in `devices.csv`, and its messages are taken up again.

    The file keeps its order and its bytes; it is replaced at once, and only by one that loads. The gateway reads it
    when it starts: where one runs, the device is registered and its messages stay in the quarantine until you stop the
    gateway, run `cityvitals quarantine replay --device CODE`, and start it again. Nothing is lost meanwhile.

    **Examples**

    - `cityvitals devices accept v3/acme@ttn/devices/air-7/up --model milesight_ws302 --zone harbour`
    - `cityvitals devices accept zigbee2mqtt/hall --model acme_th --zone north --set latitude=52.1 --set longitude=4.3`
    """
    given: Context = context.obj
    registry, folder = given.registry(), given.city_dir()
    row = _row(registry, topic, model, zone, code, cells or [])
    device = _registered(folder / DEVICES_FILE, registry, row)
    after = Context(given.settings_file, given.city_option, given.demo)
    done, held = None, None
    if replay:
        from engine.store import OwnedByAnother
        from ingest.kept import Choice

        try:
            done = replay_chosen(after, Choice(STRANGERS, device=device.code))
        except OwnedByAnother as error:
            held = str(error)
    if as_json:
        said = None if done is None else replayed_row(done, dry_run=False)
        print_json([{"device": device.code, "topic": device.topic, "replayed": said, "held": held}])
        return
    stdout().print(f"{device.code} is in {folder / DEVICES_FILE}", markup=False, soft_wrap=True)
    if done is not None:
        print_replayed(done)
    else:
        stdout().print(
            "a running gateway hears it once it is started again" if held is None else
            f"its messages wait in the quarantine, because {held}. Then `cityvitals quarantine replay --device "
            f"{device.code}`; the gateway hears it once it is started again",
            markup=False, soft_wrap=True,
        )  # fmt: skip


def _row(registry: Registry, topic: str, model: str, zone: str, code: str | None, cells: list[str]) -> dict[str, str]:
    """Return the device's cells; its topic only where the model's pattern makes another one.

    Raises:
        MisuseError: an unknown model, or a cell that cannot be read.
    """
    from devices import nearest
    from devices.discovery import canonical_topic, likely_code

    if model not in registry.models:
        raise MisuseError(
            f"no device model is called {model!r}{nearest(model, registry.models)}",
            "list them with `cityvitals models`",
        )
    topic = canonical_topic(topic)
    pattern = registry.models[model].topic
    row = {"device": code or likely_code(topic, pattern), "model": model, "zone": zone}
    row |= set_cells(cells, tuple(row))
    row.setdefault("topic", "" if made_topic(registry, registry.models[model], row) == topic else topic)
    return row


def set_cells(cells: Sequence[str], taken: Sequence[str]) -> dict[str, str]:
    """Return what `--set` gives, by column.

    Raises:
        MisuseError: it cannot be read, or says what another option says.
    """
    row: dict[str, str] = {}
    for cell in cells:
        column, equals, value = cell.partition("=")
        if not equals or not column or column in row or column in taken:
            raise MisuseError(f"--set {cell}: expected COLUMN=VALUE of another column", "for example latitude=52.1")
        row[column] = value
    return row


def made_topic(registry: Registry, model: DeviceModel, row: Mapping[str, str]) -> str:
    """Return the topic that a model's pattern makes for a device of these cells."""
    from devices.topics import fill

    return fill(model.topic, {"city": registry.city.code, "gateway": "direct", **{k: v for k, v in row.items() if v}})


def _registered(file: Path, registry: Registry, row: Mapping[str, str]) -> Device:
    """Add a line to the file, and return the device.

    Raises:
        MisuseError: the file would not load with it; it stays as it was.
    """
    from devices.listing import with_devices

    before = file.read_bytes()
    try:
        content = with_devices(before, [row])
    except ValueError as error:
        raise MisuseError(f"{file}: {error}") from None
    devices = checked_devices(content, file, registry)
    replace_file(file, content, before)
    return devices[-1]


def checked_devices(content: bytes, file: Path, registry: Registry) -> tuple[Device, ...]:
    """Return the devices of what is to be `devices.csv`.

    Raises:
        MisuseError: the city would not load with it.
    """
    from devices.registry import parse_devices
    from devices.tables import Problems

    problems = Problems()
    devices = parse_devices(content, str(file), registry.city, registry.models, problems)
    if problems.found:
        faults = "\n".join(f"  {one}" for one in problems.found)
        raise MisuseError(f"with this the city would not load:\n{faults}", f"{DEVICES_FILE} is as it was")
    return devices


def replace_file(file: Path, content: bytes, before: bytes) -> None:
    """Put a file in another's place, whole or not at all, with its rights.

    Raises:
        MisuseError: it is not any more what it was when it was read.
    """
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        part.chmod(file.stat().st_mode & 0o777)
        _require_unchanged(file, before)
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _require_unchanged(file: Path, before: bytes) -> None:
    if file.read_bytes() != before:
        raise MisuseError(f"{file} was changed by somebody else meanwhile", "look at it, and say it again")
