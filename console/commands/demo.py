"""`cityvitals demo`: everything at once, on recorded data of real cities. The work is in `console.demo`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from console.errors import EXIT_FAILED, MisuseError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Replay to the end, print the figures, leave.")] = False,
    speed: Annotated[
        str | None,
        typer.Option("--speed", help="Recorded seconds per second, or max.", show_default="1800; --once: max"),
    ] = None,
    last: Annotated[str, typer.Option("--last", help="How much of the recordings is replayed.")] = "48h",
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave servers and figures for `cityvitals --demo indicators` and the like.")
    ] = False,
) -> None:
    """Show live indicators of a demo city: recorded measurements of real cities, sent by MQTT as their devices would.

    Starts a broker and a database of the demo's own (unpacked under `.local` the first time), a gateway and engine, and
    the replay of the last 48 hours of each recording, moved to now. What an earlier demo stored is removed first. The
    page shows each zone's indicators with band, coverage, age and the last day as a line; below it the ledger, which
    accounts for every reading received, and how far behind the gateway is. `q` leaves, and all is stopped. The address
    of the operations console, which shows the same in a browser, is printed at the start; not with `--once`.

    Where stdout is no terminal, progress is told in lines, and the demo ends with the replay.

    **Examples**

    - `cityvitals demo`
    - `cityvitals demo --once`, exit code 0 when the ledger balances and figures were computed
    - `cityvitals demo --once --keep && cityvitals --demo indicators --indicator cai`
    """
    pace = speed or ("max" if once else "1800")
    if pace != "max" and not (re.fullmatch(r"\d{1,7}(\.\d+)?", pace) and float(pace)):
        raise MisuseError(f"--speed {pace}: expected a number above 0 such as 1800, or max")
    if not re.fullmatch(r"0*[1-9]\d{0,4}[mhd]", last):
        raise MisuseError(f"--last {last}: expected a span such as 90m, 48h or 7d")
    from console.demo import run_demo

    context.obj.demo = True
    if not run_demo(context.obj, once=once, speed=pace, last=last, keep=keep):
        raise typer.Exit(EXIT_FAILED)
