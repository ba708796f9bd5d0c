"""A bar on the terminal for work that takes long; silence where there is no terminal.

Knows rich; knows no command and no room.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from console.output import stderr


class Bar:
    """One line that fills up.

    Args:
        progress: draws it.
        task: which line of it.
    """

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def at(self, done: float, total: float | None = None, note: str = "") -> None:
        """Show how much is done of how much, and what it is at."""
        self._progress.update(self._task, completed=done, total=total, note=note)


@contextmanager
def bar(title: str) -> Iterator[Bar]:
    """Show a bar on stderr while the block runs; it leaves nothing behind."""
    console = stderr()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        yield Bar(progress, progress.add_task(title, total=None, note=""))
