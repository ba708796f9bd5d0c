"""What every command here tells a person in the same way: errors in words, Ctrl-C, and a bar where somebody looks.

Knows the terminal and exit codes; knows neither recordings nor fleets.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import devices
from simulators.clock import from_us
from simulators.errors import SimulatorError

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn what can go wrong into words on stderr and an exit code."""
    try:
        yield
    except (SimulatorError, devices.ConfigError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


@contextmanager
def interruptible() -> Iterator[Event]:
    """Yield an event that the first Ctrl-C (or SIGTERM) sets; the second ends the program at once."""
    stop = Event()

    def wish(number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(number, previous[number])

    previous: dict[int, Any] = {n: signal.signal(n, wish) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def shown_progress(what: str) -> Iterator[Callable[[int, int, int | None, int, float], None] | None]:
    """Yield what shows progress on stderr: a bar on a terminal, nothing elsewhere.

    It is called with: messages published, acknowledged, in all (None: without end), time of the last in µs, seconds.
    """
    console = Console(stderr=True)
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.fields[clock]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>8.0f}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None, clock="reading", rate=0.0)

        def show(published: int, acknowledged: int, total: int | None, time_us: int, elapsed_s: float) -> None:
            clock = f"{from_us(time_us):%Y-%m-%d %H:%M}" if published else "reading"
            bar.update(
                task, total=total, completed=acknowledged, clock=clock,
                rate=published / elapsed_s if elapsed_s else 0.0,
            )  # fmt: skip

        yield show


def speed_of(text: str) -> float | None:
    """Return the speed an option names; None for as fast as possible. Raises ValueError with what was expected."""
    if text == "max":
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"--speed {text!r}; expected a number such as 3600, or max") from None
