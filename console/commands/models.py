"""`cityvitals models`: the types of hardware that can be read, and whether a model says what its hardware sends.

Knows options and rendering; reads files only. How a vector is tried is the devices' room.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.errors import EXIT_FAILED, MisuseError
from console.output import Col, print_json, print_table, stdout
from console.text import counted, shown_unit, span

if TYPE_CHECKING:
    from console.context import Context
    from devices import DeviceModel
    from devices.codecs.trial import Trial
    from devices.tables import Problems

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]

app = typer.Typer(
    name="models",
    no_args_is_help=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    app.command("check")(check)
    parent.add_typer(app)


@app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the device models: what each type of hardware sends, and how it is read.

    Those of the package, and with `--city` those in the city's `models` folder.

    **Examples**

    - `cityvitals models --json | jq 'select(.codec == "senml-json") | .model'`
    - `cityvitals models check my_sensor.toml`
    """
    if context.invoked_subcommand is not None:
        return
    from devices import load_measurands, load_models

    city = context.obj.city_option
    found = load_models() if city is None else context.obj.registry().models
    units = {m.code: m.unit for m in load_measurands().measurands}
    if as_json:
        print_json(
            {
                "model": m.code,
                "title": m.title,
                "codec": m.codec,
                "topic": m.topic,
                "interval_s": m.interval_s,
                "fields": [
                    {
                        "name": f.name,
                        "measurand": f.measurand,
                        "kind": f.kind.name.lower(),
                        "unit_sent": f.unit,
                        "unit": units[f.measurand],
                    }
                    for f in m.fields
                ],
                "source": m.source,
            }
            for m in found.values()
        )
        return
    print_table(
        f"{counted(len(found), 'device model')}",
        [Col("model"), Col("title"), Col("codec"), Col("every", right=True), Col("measures"), Col("topic")],
        (
            (
                m.code,
                m.title,
                m.codec,
                span(m.interval_s * 1_000_000),
                ", ".join(f"{f.measurand} {shown_unit(units[f.measurand])}".strip() for f in m.fields),
                m.topic,
            )
            for m in found.values()
        ),
    )


def check(
    context: typer.Context,
    place: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE|FOLDER]", help="A model, or a folder of them; else the city's, or the package's."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read models strictly, and decode the messages in their `[[test]]` tables as the gateway would.

    Of each message it prints what was understood, or exactly what differs from what the model expects. Every fault is
    told with its file and key. Exit codes: 0 all hold, 1 a message says something else, 2 a model has faults.
    A field that no message shows is named: nobody would notice when it is read wrongly.

    **Examples**

    - `cityvitals models check my_sensor.toml`
    - `cityvitals --city cities/seoul models check`
    - `cityvitals models check --json | jq -r 'select(.differs != []) | .model'`
    """
    from devices import ConfigError, codec
    from devices.codecs.trial import trials
    from devices.tables import Problems

    problems = Problems()
    found = _read(_place(context.obj, place), problems)
    failed = 0
    for model in found:
        tried = list(trials(model, codec))
        failed += sum(1 for one in tried if one.differences)
        if as_json:
            print_json(_rows(model, tried))
        else:
            _show(model, tried)
    if problems.found:
        raise MisuseError(str(ConfigError(problems.found)), "keys and tables of a model: docs/devices.md")
    if not as_json:
        vectors = sum(len(model.vectors) for model in found)
        end = f"{counted(len(found), 'model')}, {counted(vectors, 'message')}: "
        stdout().print(Text(end + (f"{failed} read otherwise than expected" if failed else "all as expected")))
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _place(context: Context, place: Path | None) -> Path | None:
    """Return the file or folder to check; None for the models of the package."""
    if place is None and context.city_option is not None:
        place = context.city_option / "models"
    if place is not None and not place.exists():
        raise MisuseError(f"{place}: no such file or folder", "give a device model (*.toml) or a folder of them")
    return place


def _read(place: Path | None, problems: Problems) -> list[DeviceModel]:
    """Return the sound models of a place; faults go to `problems`."""
    from devices import definitions_folder, load_models
    from devices.definitions import MODELS
    from devices.models import read_model

    if place is None:
        return list(load_models().values())
    files = sorted(place.glob("*.toml")) if place.is_dir() else [place]
    if not files:
        problems.add(str(place), "", "expected device models (*.toml), found none")
    packaged = Path(str(definitions_folder().joinpath(MODELS))).resolve()
    sound = []
    for file in files:
        before = len(problems.found)
        model = read_model(file, problems, {} if file.resolve().parent == packaged else load_models())
        if model is not None and len(problems.found) == before:
            sound.append(model)
    return sound


def _rows(model: DeviceModel, tried: list[Trial]) -> Iterator[dict[str, object]]:
    for one in tried:
        yield {
            "model": model.code, "test": one.vector.where, "source": one.vector.source,
            "understood": list(one.understood), "differs": list(one.differences),
        }  # fmt: skip


def _show(model: DeviceModel, tried: list[Trial]) -> None:
    console = stdout()
    console.print(Text.assemble((model.code, "bold"), f": {model.title}"), soft_wrap=True)
    for one in tried:
        holds = not one.differences
        source = f"  ({one.vector.source})" if one.vector.source else ""
        mark = ("holds", "green") if holds else ("differs", "bold red")
        console.print(Text.assemble(f"  {one.vector.where} ", mark, (source, "dim")), soft_wrap=True)
        for line in one.understood if holds else one.differences:
            console.print(Text(f"    {line}"), soft_wrap=True)
    shown = {wanted.field for one in tried for wanted in one.vector.expected}
    unseen = [field.name for field in model.fields if field.name not in shown]
    if unseen:
        console.print(Text(f"  no test shows {', '.join(unseen)}", style="yellow"), soft_wrap=True)
