"""The `cityvitals` command: its commands in one list, its global options, and how errors end it.

Knows typer and exit codes; what a command does is in `console.commands`. Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
import typer.main
from rich.text import Text

from console.commands import (
    alerts,
    archive,
    assess,
    assessments,
    backfill,
    decode,
    demo,
    devices,
    doctor,
    gateway,
    kpis,
    models,
    quarantine,
    recompute,
    results,
    serve,
    stack,
    tables,
    tokens,
    verify,
)
from console.context import Context
from console.errors import EXIT_FAILED, ConsoleError
from console.failures import told
from console.output import stderr
from console.plain import never_fail

app = typer.Typer(
    name="cityvitals",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Live indicators of a city from its sensors and meters, exact and provable.

    **Begin with** `cityvitals demo`: a real broker, a real database and recorded data of real cities, on this machine.

    Each command explains itself: `cityvitals indicators --help`. Exit codes: 0 done, 1 failed, 2 wrong use.""",
)

stack.register(app)
gateway.register(app)
serve.register(app)
demo.register(app)
doctor.register(app)
decode.register(app)
devices.register(app)
models.register(app)
kpis.register(app)
assess.register(app)
assessments.register(app)
alerts.register(app)
results.register(app)
quarantine.register(app)
tables.register(app)
recompute.register(app)
backfill.register(app)
archive.register(app)
tokens.register(app)
verify.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"cityvitals {version('cityvitals')}")
        except PackageNotFoundError:
            typer.echo("cityvitals (run from its folder, not installed)")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    city: Annotated[
        Path | None, typer.Option("--city", metavar="DIR", help="Folder with city.toml, zones.geojson and devices.csv.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", metavar="FILE", help="Settings file; without it `cityvitals.toml` of this folder."),
    ] = None,
    demo_servers: Annotated[
        bool, typer.Option("--demo", help="City, database and servers of the demo (see `cityvitals demo --keep`).")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and leave.")
    ] = False,
) -> None:
    """Take the options that every command shares."""
    del version
    context.obj = Context(settings_file=settings, city_option=city, demo=demo_servers)


@cache
def command() -> Callable[..., object]:
    """Return the command with all that it can do, as typer makes it of signatures: once a process."""
    return typer.main.get_command(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; what goes wrong is said on stderr, without a traceback.

    A fault of the program itself still shows its traceback: hiding it would help nobody.
    """
    never_fail()
    try:
        command()(args=None if arguments is None else list(arguments), prog_name="cityvitals")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else EXIT_FAILED
    except BrokenPipeError:
        # The reader (`| head`) has what it wants; without this Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        known = told(error)
        if known is None:
            raise
        say_error(known)
        return known.exit_code
    return 0


def say_error(error: ConsoleError) -> None:
    """Print what is wrong and what to do on stderr."""
    console = stderr()
    console.print(Text.assemble(("error: ", "bold red"), error.what), soft_wrap=True)
    if error.remedy:
        console.print(Text.assemble(("to do: ", "bold"), error.remedy), soft_wrap=True)
