"""`cityvitals doctor`: what is missing on this machine, and the command that mends it. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from console.context import Context
from console.errors import EXIT_FAILED, ConsoleError
from console.output import print_json, stdout

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False
) -> None:
    """Look at everything cityvitals needs, and say for each thing whether it is there and what mends it.

    Settings, city, Python, the programs that fetch the servers, disk space, user namespaces, the servers themselves and
    the database's tables. Exit code 1 when something is missing.

    **Example**: `cityvitals doctor --json | jq 'select(.ok | not)'`
    """
    findings = list(_findings(context.obj))
    if as_json:
        print_json({"name": f.name, "ok": f.ok, "detail": f.detail, "fix": f.fix or None} for f in findings)
    else:
        console = stdout()
        width = max(len(f.name) for f in findings)
        for finding in findings:
            mark = Text("✓", style="green") if finding.ok else Text("✗", style="bold red")
            console.print(Text.assemble(mark, f" {finding.name:{width}}  ", finding.detail), soft_wrap=True)
            if not finding.ok and finding.fix:
                console.print(Text(f"  {'':{width}}  to do: {finding.fix}", style="bold"), soft_wrap=True)
    if not all(f.ok for f in findings):
        raise typer.Exit(EXIT_FAILED)


def _findings(context: Context) -> Iterator[Finding]:
    settings = _settings(context)
    yield settings
    if not settings.ok:
        return
    yield from _city(context)
    import deploy

    with context.given_servers():
        for check in deploy.doctor():
            yield Finding(check.name, check.ok, check.detail, check.fix)
    yield from _schema(context)


def _settings(context: Context) -> Finding:
    try:
        loaded = context.loaded
    except ConsoleError as error:
        return Finding("settings", False, error.what, error.remedy or "correct them; see docs/operators.md")
    given = len(loaded.origin)
    where = f"{loaded.file}" if loaded.file else "no cityvitals.toml in this folder"
    return Finding("settings", True, f"{where}; {given or 'none'} given, defaults for the rest")


def _city(context: Context) -> Iterator[Finding]:
    try:
        registry = context.registry(fall_back=True)
    except ConsoleError as error:
        yield Finding("city", False, error.what, error.remedy)
        return
    counts = f"{len(registry.devices)} devices, {registry.slot_count()} series"
    yield Finding("city", True, f"{registry.city.name}: {counts}")


def _schema(context: Context) -> Iterator[Finding]:
    if not context.settings.database.url and context.stack().database.pid is None:
        return  # that the database does not run has been said already
    try:
        url = context.database_url()
    except ConsoleError as error:
        yield Finding("tables", False, error.what, error.remedy)
        return
    from console.failures import told
    from engine.store import StoreError, schema_state

    try:
        schema_state(url).require_current()
    except StoreError as error:
        said = told(error)
        yield Finding("tables", False, str(error), said.remedy if said else "")
    else:
        yield Finding("tables", True, "of this version")
