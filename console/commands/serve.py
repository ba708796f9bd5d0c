"""`serve`: the operations console by itself, and how the gateway's commands start one beside them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.children import read_ready, stopped_by_signals
from console.context import Context
from console.logs import log_to_stderr
from console.output import stdout
from console.ports import require_free

if TYPE_CHECKING:
    from console.alerts import AlertRule
    from console.alerts.service import Watch
    from console.drift import DriftBook
    from console.web.beside import Beside
    from deploy import Endpoints
    from ingest.settings import BrokerSettings


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
    or where it runs elsewhere. It writes nothing but alerts: it keeps those of the city's rules, see
    `cityvitals alerts`. It listens on this machine only, on a free port unless `[web]` in cityvitals.toml names one;
    the address is printed. The API describes itself under `/api/v1/openapi.json`.

    **Examples**

    - `cityvitals --city cities/seoul serve`
    - `CITYVITALS_WEB_PORT=8080 cityvitals --city cities/seoul serve --metrics http://127.0.0.1:9100/metrics`
    """
    given: Context = context.obj
    registry = given.registry()
    require_free(given.settings, metrics=False, web=True)
    pack = given.kpi_pack()
    declared = given.kpi_declared(pack)
    database_url = given.database_url()
    from console.web.server import open_site
    from console.web.server import serve as serve_site

    log_to_stderr()
    rules = given.alert_rules(pack) if given.settings.alerts.keep else ()
    site = open_site(registry, pack, declared, given.settings, database_url, metrics or _local_metrics(given))
    with stopped_by_signals() as stop, _watching(given, rules, database_url, site.drift) as watch:
        serve_site(replace(site, watch=watch, rules={one.code: one for one in rules}), stop, ready_file)


def _watching(
    context: Context, rules: tuple[AlertRule, ...], database_url: str, drift: DriftBook
) -> AbstractContextManager[Watch | None]:
    """Keep the alerts of the city for the length of a `with` block, where the settings want it."""
    from console.alerts.service import keeping

    settings = context.settings.alerts
    if not settings.keep:
        return nullcontext()
    broker = _broker(context) if settings.publish else None
    return keeping(settings, context.registry(), rules, database_url, broker, drift)


def _broker(context: Context) -> BrokerSettings | None:
    """Return where alerts are published: the broker that is given, else the one of the local stack; None for none."""
    settings = context.serving_settings().mqtt
    if context.loaded.given("mqtt.url"):
        return settings
    broker = context.stack().broker
    return replace(settings, url=broker.url) if broker.pid is not None and broker.ready() else None


def beside(context: Context, endpoints: Endpoints) -> Callable[[str], Beside] | None:
    """Return what starts a console beside a gateway, given the address of its metrics page; None where none is wanted.

    Args:
        context: names the city and the settings.
        endpoints: the gateway's.

    Raises:
        MisuseError: the city's rules for alerts have faults, which the console would not start with.
    """
    from console.commands.stack import child_environment, city_arguments

    if not context.settings.web.serve:
        return None
    if context.settings.alerts.keep:
        context.alert_rules(context.kpi_pack(fall_back=True), fall_back=True)

    def start(metrics_url: str) -> Beside:
        from console.web.beside import Beside

        arguments = [*city_arguments(context), "serve", "--metrics", metrics_url]
        return Beside(arguments, child_environment(endpoints))

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
