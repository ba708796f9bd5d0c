"""`serve`: the operations console by itself, and how the gateway's commands start one beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.children import read_ready, stopped_by_signals
from console.context import Context
from console.logs import log_to_stderr
from console.output import stdout

if TYPE_CHECKING:
    from console.web.beside import Beside


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    context: typer.Context,
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", metavar="URL", help="The gateway's metrics page; unless said, the local gateway's."),
    ] = None,
    ready_file: Annotated[Path | None, typer.Option("--ready-file", hidden=True)] = None,
) -> None:
    """Serve the operations console, page and HTTP API, until Ctrl-C.

    `up`, `run` and `demo` start it by themselves; alone it shows any database of the city, also where no gateway runs
    or where it runs elsewhere. It only reads. It listens on this machine only, on a free port unless `[web]` in
    cityvitals.toml names one; the address is printed. The API describes itself under `/api/v1/openapi.json`.

    **Examples**

    - `cityvitals --city cities/seoul serve`
    - `CITYVITALS_WEB_PORT=8080 cityvitals --city cities/seoul serve --metrics http://127.0.0.1:9100/metrics`
    """
    given: Context = context.obj
    registry = given.registry()
    pack = given.kpi_pack()
    declared = given.kpi_declared(pack)
    database_url = given.database_url()
    from console.web.server import open_site
    from console.web.server import serve as serve_site

    log_to_stderr()
    site = open_site(registry, pack, declared, given.settings, database_url, metrics or _local_metrics(given))
    with stopped_by_signals() as stop:
        serve_site(site, stop, ready_file)


def beside(context: Context, database_url: str) -> Callable[[str], Beside] | None:
    """Return what starts a console beside a gateway, given the address of its metrics page; None where none is wanted.

    Args:
        context: names the city and the settings.
        database_url: the gateway's.
    """
    from console.commands.stack import city_arguments, database_environment

    if not context.settings.web.serve:
        return None

    def start(metrics_url: str) -> Beside:
        from console.web.beside import Beside

        arguments = [*city_arguments(context), "serve", "--metrics", metrics_url]
        return Beside(arguments, database_environment(database_url))

    return start


def say_console(url: object) -> None:
    """Print where the console is."""
    stdout().print(f"console   {url}", markup=False, soft_wrap=True)


def _local_metrics(context: Context) -> str | None:
    """Return the metrics page of the gateway that `up` started here, if it runs and its database is meant."""
    from console.commands.stack import GATEWAY_RECORD, running_gateway

    if context.settings.database.url:
        return None
    record = context.stack().directory / GATEWAY_RECORD
    if running_gateway(record) is None:
        return None
    metrics = (read_ready(record) or {}).get("metrics")
    return metrics if isinstance(metrics, str) else None
