"""One row of a file of past readings, whatever kind of file it is from.

Knows its columns; knows no file.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One row as text; a time may be microseconds already, and flags are known where they were stored before."""

    line: int
    time: str | int
    device: str
    field: str
    value: str
    unit: str
    flags: int = 0
