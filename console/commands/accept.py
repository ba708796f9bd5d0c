"""`cityvitals devices accept`: an unknown device into `devices.csv`, and its messages out of the quarantine.

Knows options and the file; whether that then makes sense is the registry's to say, and replaying is `ingest.replay`.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.commands.discover import STRANGERS
from console.commands.many import made_topic, rows_meant
from console.commands.quarantine import print_replayed, replay_chosen, replayed_row
from console.commands.results import JsonOption
from console.context import Context
from console.errors import MisuseError
from console.output import print_json, stdout

if TYPE_CHECKING:
    from devices import Device, Registry
    from ingest.kept import Choice

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
    keys: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="KEY", help="Of a feed: a device by its key there; may be given again."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every device that the feed, or births of the Sparkplug B node, name.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and change nothing.")] = False,
    replay: Annotated[
        bool, typer.Option("--replay/--no-replay", help="Take its messages up again from the quarantine.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Register a device that is heard already: a line for it in `devices.csv`, and its messages are taken up again.

    The file keeps its order and its bytes; it is replaced at once, and only by one that loads. The gateway reads it
    when it starts: where one runs, the device is registered and its messages stay in the quarantine until you stop the
    gateway, run `cityvitals --city DIR quarantine replay --device CODE`, and start it again. Nothing is lost meanwhile.

    A feed speaks of many devices: name those you want with `--key`, or take `--all`, and all of one zone at once. A
    message of a feed is taken up once: devices that you register later begin with what comes then. With `--all`, any
    topic of a Sparkplug B node stands for all of the node's devices that the model reads.

    **Examples**

    - `cityvitals devices accept v3/acme@ttn/devices/air-7/up --model milesight_ws302 --zone harbour`
    - `cityvitals devices accept feeds/seoul/station_status --model gbfs_station --zone jongno --key 102 --key 103`
    - `cityvitals devices accept zigbee2mqtt/hall --model acme_th --zone north --set latitude=52.1 --set longitude=4.3`
    """
    given: Context = context.obj
    registry, folder = given.registry(), given.city_dir()
    row = _row(registry, topic, model, zone, code, cells or [])
    rows = rows_meant(given, topic, row, code, keys or [], everything=everything)
    devices = _registered(folder / DEVICES_FILE, registry, rows, dry_run=dry_run)
    if dry_run:
        _say_dry(rows, folder / DEVICES_FILE, as_json=as_json)
        return
    after = Context(given.settings_file, given.city_option, given.demo)
    done, held, meant = None, None, _meant(registry, topic, rows)
    if replay:
        from engine.store import OwnedByAnother

        try:
            done = replay_chosen(after, _choice(*meant))
        except OwnedByAnother as error:
            held = str(error)
    if as_json:
        said = None if done is None else replayed_row(done, dry_run=False)
        # What was replayed is said once, with the first.
        print_json(
            {"device": one.code, "topic": one.topic, "replayed": None if at else said, "held": held}
            for at, one in enumerate(devices)
        )
        return
    codes = " ".join(one.code for one in devices)
    verb = "is" if len(devices) == 1 else "are"
    stdout().print(f"{codes} {verb} in {folder / DEVICES_FILE}", markup=False, soft_wrap=True)
    if done is not None:
        print_replayed(done)
    else:
        stdout().print(
            "a running gateway hears it once it is started again" if held is None else
            f"its messages wait in the quarantine, because {held}. Then `cityvitals --city {shlex.quote(str(folder))} "
            f"quarantine replay --{' '.join(meant)}`; the gateway hears it once it is started again",
            markup=False, soft_wrap=True,
        )  # fmt: skip


def _meant(registry: Registry, topic: str, rows: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    """Return by what the messages of new devices are chosen in the quarantine."""
    if len(rows) == 1:
        return "device", rows[0]["device"]
    # A message of a feed is all devices' of it.
    model = rows[0]["model"]
    return ("model", model) if registry.models[model].feed is None else ("topic", topic)


def _choice(by: str, name: str) -> Choice:
    """Return the messages of nobody that are now of a device, of a model's devices, or that came by a topic."""
    from ingest.kept import Choice

    topic, device, model = (name if by == each else "" for each in ("topic", "device", "model"))
    return Choice(STRANGERS, topic=topic, device=device, model=model)


def _row(registry: Registry, topic: str, model: str, zone: str, code: str | None, cells: list[str]) -> dict[str, str]:
    """Return the device's cells; its topic only where the model's pattern makes another one.

    Raises:
        MisuseError: an unknown model, or a cell that cannot be read.
    """
    from devices import nearest
    from devices.discovery import cells_of, device_topic, likely_code

    if model not in registry.models:
        raise MisuseError(
            f"no device model is called {model!r}{nearest(model, registry.models)}",
            "list them with `cityvitals models`",
        )
    made = cells_of(topic, registry.models[model])
    topic = device_topic(topic, [registry.models[model]], registry.city.code)
    pattern = registry.models[model].topic
    row = {"device": code or likely_code(topic, pattern), "model": model, "zone": zone}
    row |= {**made, **set_cells(cells, tuple(row))}
    row.setdefault("topic", "" if made or made_topic(registry, registry.models[model], row) == topic else topic)
    return row


def _say_dry(rows: Sequence[Mapping[str, str]], file: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"line": dict(row), "dry_run": True} for row in rows)
        return
    stdout().print(f"{file} would have more:", markup=False, highlight=False, soft_wrap=True)
    for row in rows:
        line = " ".join(f"{name}={cell}" for name, cell in row.items() if cell)
        stdout().print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


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


def _registered(
    file: Path, registry: Registry, rows: Sequence[Mapping[str, str]], *, dry_run: bool
) -> tuple[Device, ...]:
    """Add lines to the file, and return the devices.

    Raises:
        MisuseError: the file would not load with it; it stays as it was.
    """
    from devices.listing import with_devices

    before = file.read_bytes()
    try:
        content = with_devices(before, rows)
    except ValueError as error:
        raise MisuseError(f"{file}: {error}") from None
    devices = checked_devices(content, file, registry)
    if not dry_run:
        replace_file(file, content, before)
    return devices[-len(rows) :]


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
