"""`run` and `migrate`: the gateway and engine against given servers, and the tables they need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.allocator import give_large_back
from console.children import stopped_by_signals
from console.commands.serve import beside
from console.context import Context
from console.output import stdout
from console.ports import require_free
from console.text import counted


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)
    app.command("migrate")(migrate)


def run(
    context: typer.Context,
    ready_file: Annotated[Path | None, typer.Option("--ready-file", hidden=True)] = None,
    migrate_first: Annotated[
        bool, typer.Option("--migrate", help="First bring the tables up to this version.")
    ] = False,
) -> None:
    """Run gateway, engine and console against the servers of the settings (or the running local stack), until Ctrl-C.

    Messages are acknowledged once their observations are committed; a gateway that is killed loses nothing. The
    database's tables must be of this version (`cityvitals migrate`), and one gateway at a time may write them.

    **Example**

    - `CITYVITALS_MQTT_URL=mqtts://broker.example CITYVITALS_DATABASE_URL_FILE=db.secret cityvitals --city seoul run`
    """
    give_large_back()
    given: Context = context.obj
    registry = given.registry()
    given.require_models()
    require_free(given.settings, metrics=True, web=False)  # a console whose port is taken is tried again and again
    pack = given.kpi_pack()
    declared = given.kpi_declared(pack)
    endpoints = given.endpoints()
    from console.service import serve

    with stopped_by_signals() as stop:
        serve(
            given.serving_settings(),
            registry,
            endpoints.database_url,
            endpoints.mqtt_url,
            stop,
            pack=pack,
            declared=declared,
            ready_file=ready_file,
            migrate_first=migrate_first,
            console=beside(given, endpoints),
        )


def migrate(context: typer.Context) -> None:
    """Bring the database's tables up to this version; says what was done. Safe to run again and again.

    **Example**: `CITYVITALS_DATABASE_URL=postgresql://city:secret@db.example/city cityvitals migrate`
    """
    from engine.store import migrate as run_migrations

    done = run_migrations(context.obj.database_url(make=True))
    console = stdout()
    for name in done:
        console.print(f"ran {name}", markup=False)
    console.print(f"the tables are of this version ({counted(len(done), 'migration')} run)", markup=False)
