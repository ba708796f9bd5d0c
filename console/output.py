"""Prints records: one JSON object per line for programs, a table for people.

Knows rich and plain rows; knows no command and no room.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.plain import unicode_fits

PIPE_COLUMNS = 160
"""Width of a table that goes to a file or another program, where the terminal does not say one."""


@dataclass(frozen=True, slots=True)
class Col:
    """A column of a table: its heading, and how it behaves.

    Attributes:
        title: heading.
        right: numbers stand at the right.
        style: rich style.
        fold: long text goes on in the next line instead of being cut.
    """

    title: str
    right: bool = False
    style: str = ""
    fold: bool = True


def stdout() -> Console:
    """Return a console on stdout; what goes to a program is plain and wide."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_COLUMNS
    return Console(width=width, highlight=False, soft_wrap=False)


def stderr() -> Console:
    """Return a console on stderr, for progress and errors."""
    return Console(stderr=True, highlight=False)


def print_json(rows: Iterable[Mapping[str, object]]) -> None:
    """Print one JSON object per line; keys keep their order, and no character is lost, whatever stdout can write."""
    escaped = not unicode_fits(sys.stdout)
    for row in rows:
        sys.stdout.write(json.dumps(row, ensure_ascii=escaped) + "\n")


def print_table(title: str, columns: Sequence[Col], rows: Iterable[Sequence[str | Text]], note: str = "") -> None:
    """Print a table; cells are plain text, never markup."""
    table = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            style=column.style,
            overflow="fold" if column.fold else "ellipsis",
            no_wrap=not column.fold,
        )
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    console = stdout()
    console.print(table)
    if note:
        console.print(Text(note, style="dim"))
