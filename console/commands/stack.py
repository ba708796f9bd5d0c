"""`up` and `down`: everything on this machine, started once, found again, stopped cleanly.

Knows the order of things; servers are `deploy`'s, the gateway is `console.service`'s.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.children import alone, read_ready, stopped_by_signals
from console.commands.serve import beside, say_console
from console.context import CITY_RECORD, DATABASE_VARIABLE, MQTT_VARIABLE, Context
from console.errors import FailureError
from console.output import stderr, stdout
from console.ports import require_free

if TYPE_CHECKING:
    from deploy import Endpoints
    from devices import Registry

GATEWAY_RECORD = "gateway.json"
GATEWAY_LOG = "gateway.log"
START_S_MAX = 120.0
STOP_S_MAX = 30.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up")(up)
    app.command("down")(down)


def up(
    context: typer.Context,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when all is ready; `down` stops it.")] = False,
    servers: Annotated[
        bool,
        typer.Option("--servers", help="Broker and database alone, in the background: for `backfill`."),
    ] = False,
) -> None:
    """Start broker, database, gateway, engine and operations console on this machine.

    The servers are unpacked under `.local` at the first start (about 15 seconds), listen on this machine only, on free
    ports, and keep their data there. A server given by `CITYVITALS_DATABASE_URL` or `CITYVITALS_MQTT_URL` is used
    instead. Stays in the foreground until Ctrl-C, which stops what was started here; or goes to the background with
    `--detach`. Where the gateway runs and a server of its does not, that server is brought back.

    Each city has a database of its own. One city runs at a time: `down`, then `up` with the other.

    **Examples**

    - `cityvitals --city cities/seoul up`
    - `cityvitals --city cities/seoul up --detach`, later `cityvitals down`
    - `cityvitals --city cities/seoul up --servers`, then `backfill FILE`, then `up`
    """
    given: Context = context.obj
    registry = given.registry(fall_back=True)  # a fault in the city is said before anything is started
    folder = given.stack().directory
    record = folder / GATEWAY_RECORD
    if running_gateway(record) is None:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder / "up.lock", "another `cityvitals up` is under way here", "wait until it is done"):
            if running_gateway(record) is None:
                if servers:
                    endpoints, _ = start_servers(given)
                    (folder / CITY_RECORD).write_text(registry.city.code)
                    say_endpoints(endpoints)
                else:
                    _start(given, registry, record, detach=detach)
                return
    if servers:
        raise FailureError(
            "a gateway runs here with its servers", "stop it with `cityvitals down`, then give this command again"
        )
    _mend(given, registry.city.code, record, detach=detach)


def _start(context: Context, registry: Registry, record: Path, *, detach: bool) -> None:
    require_free(context.settings, metrics=True, web=context.settings.web.serve)
    pack = context.kpi_pack(fall_back=True)
    declared = context.kpi_declared(pack)
    endpoints, ours = start_servers(context)
    try:
        (record.parent / CITY_RECORD).write_text(registry.city.code)
        if detach:
            _detached(context, endpoints, record)
            ours = False  # they stay with the gateway
            return
        from console.service import serve

        say_endpoints(endpoints)
        with stopped_by_signals() as stop:
            serve(
                context.serving_settings(),
                registry,
                endpoints.database_url,
                endpoints.mqtt_url,
                stop,
                pack=pack,
                declared=declared,
                ready_file=record,
                migrate_first=True,
                console=beside(context, endpoints),
            )
    finally:
        if not detach:
            record.unlink(missing_ok=True)
        if ours:
            stderr().print("stopping the servers started here …", style="dim")
            context.stack().down()


def _mend(context: Context, city: str, record: Path, *, detach: bool) -> None:
    """Bring back the servers that a running gateway lacks.

    Raises:
        FailureError: it serves another city, lacks nothing and was to run in the foreground, or will not find them.
    """
    served = (read_ready(record) or {}).get("city")
    if served != city:
        raise FailureError(
            f"the gateway of this stack serves city {served!r}, not {city!r}",
            "stop it with `cityvitals down` (what it stored stays), then give this command again",
        )
    with context.given_servers():
        gone = {server: server.port for server in context.stack().servers if server.pid is None}
    if not gone:
        if not detach:
            raise FailureError("the gateway of this stack runs already", "stop it with `cityvitals down`, or leave it")
        stdout().print("runs already; stop it with `cityvitals down`")
        return
    start_servers(context)
    names = " and ".join(server.name for server in gone)
    if any(server.port != port for server, port in gone.items()):
        raise FailureError(
            f"another program took the port: {names} had to take a new one, which the running gateway does not know",
            "`cityvitals down`, then `cityvitals up` (nothing is lost)",
        )
    stdout().print(f"brought back: {names}; the gateway runs on and finds it again by itself")


def down(context: typer.Context) -> None:
    """Stop gateway, engine and servers of this machine's stack, cleanly; their data stays.

    Does nothing, and says so, when nothing runs.
    """
    given: Context = context.obj
    stack = given.stack()
    record = stack.directory / GATEWAY_RECORD
    gateway = running_gateway(record)
    running = gateway is not None or any(s.pid is not None for s in (stack.database, stack.broker))
    if gateway is not None:
        _stop_process(gateway)
    record.unlink(missing_ok=True)
    stack.down()
    stdout().print("stopped" if running else "nothing runs")


def start_servers(context: Context, *, die_with_parent: bool = False) -> tuple[Endpoints, bool]:
    """Start the servers that are not given, and make the city's database.

    Returns:
        Where they are, and whether they were started here (and so are ours to stop).
    """
    began = time.monotonic()
    console = stderr()

    def progress(text: str) -> None:
        console.print(f"[{time.monotonic() - began:5.1f} s] {text}", style="dim", markup=False)

    with context.given_servers():
        stack = context.stack(die_with_parent=die_with_parent)
        ours = bool(stack.servers) and not stack.running()
        endpoints = stack.up(progress)
        return context.at_city(endpoints), ours


def say_endpoints(endpoints: Endpoints) -> None:
    """Print where broker and database are, in a form that other programs can be given."""
    console = stdout()
    console.print(f"broker    {hidden_password(endpoints.mqtt_url)}", markup=False, soft_wrap=True)
    console.print(f"database  {hidden_password(endpoints.database_url)}", markup=False, soft_wrap=True)


def hidden_password(url: str) -> str:
    """Return a url without its password: output ends up in logs and screenshots."""
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@", 1)))


def running_gateway(record: Path) -> int | None:
    """Return the process id of the gateway that wrote this record, if it still runs."""
    from deploy.process import birth

    facts = read_ready(record)
    if facts is None:
        return None
    pid = facts.get("pid")
    # Another process that got the same id since was born at another time.
    return pid if isinstance(pid, int) and facts.get("birth") == birth(pid) else None


def child_environment(endpoints: Endpoints, **more: str) -> dict[str, str]:
    """Return the environment of a gateway of ours: this one's, with the servers' addresses.

    A secret given as a file would contradict the address, so those two variables go.
    """
    environ = database_environment(endpoints.database_url)
    environ.pop(MQTT_VARIABLE + "_FILE", None)
    environ[MQTT_VARIABLE] = endpoints.mqtt_url
    environ.update(more)
    return environ


def database_environment(database_url: str) -> dict[str, str]:
    """Return this process's environment with a database's address, for a child that needs no other server."""
    environ = {k: v for k, v in os.environ.items() if k != DATABASE_VARIABLE + "_FILE"}
    environ[DATABASE_VARIABLE] = database_url
    return environ


def run_arguments(context: Context, *more: str) -> list[str]:
    """Return what `python -m` is given to run the gateway with this run's settings and city."""
    return [*city_arguments(context), "run", *more]


def city_arguments(context: Context) -> list[str]:
    """Return what `python -m` is given to run a command with this run's settings and city, but for the command."""
    arguments = ["console"]
    if context.settings_file is not None:
        arguments += ["--settings", str(context.settings_file)]
    return [*arguments, "--city", str(context.city_dir(fall_back=True))]


def _detached(context: Context, endpoints: Endpoints, record: Path) -> None:
    log = record.with_name(GATEWAY_LOG)
    record.unlink(missing_ok=True)
    with log.open("ab") as stream:
        said = stream.tell()
        process = subprocess.Popen(  # noqa: S603  (our own program, arguments as a list)
            [sys.executable, "-P", "-m", *run_arguments(context, "--migrate", "--ready-file", str(record))],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=child_environment(endpoints),
            start_new_session=True,
        )
    deadline = time.monotonic() + START_S_MAX
    while running_gateway(record) != process.pid:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            tail = log.read_bytes()[said:].decode(errors="replace").strip()
            raise FailureError(f"the gateway did not start:\n{tail or '(it said nothing)'}", f"all of it is in {log}")
        time.sleep(0.05)
    facts = read_ready(record) or {}
    say_endpoints(endpoints)
    console = stdout()
    console.print(f"metrics   {facts.get('metrics')}", markup=False)
    if "console" in facts:
        say_console(facts["console"])
    console.print(f"log       {log}", markup=False, soft_wrap=True)
    console.print("stop it with `cityvitals down`", markup=False)


def _stop_process(pid: int) -> None:
    from deploy.process import birth, wait_until

    born = birth(pid)
    os.kill(pid, signal.SIGTERM)
    if not wait_until(lambda: birth(pid) != born, STOP_S_MAX):
        stderr().print("the gateway does not end; killing it (nothing is lost by that)", style="dim")
        os.kill(pid, signal.SIGKILL)
