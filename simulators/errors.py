"""What can go wrong in a replay, as facts a caller can use; knows no file format and no wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class SimulatorError(Exception):
    """Anything that stops a replay; its text says what is wrong and what to do."""


class RecordingError(SimulatorError):
    """A recording, or what describes it, cannot be used.

    Attributes:
        faults: every fault found, one line each, as `file:line: what is wrong; what was expected`.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(tuple(faults))
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join(self.faults)


class BrokerError(SimulatorError):
    """The broker refused us, or stayed away.

    Attributes:
        where: host and port, without user or password.
        detail: what happened and what to do.
        unacknowledged: messages published whose acknowledgement never came.
    """

    def __init__(self, where: str, detail: str, unacknowledged: int = 0) -> None:
        super().__init__(where, detail, unacknowledged)
        self.where, self.detail, self.unacknowledged = where, detail, unacknowledged

    def __str__(self) -> str:
        lost = f" ({self.unacknowledged} messages without acknowledgement)" if self.unacknowledged else ""
        return f"broker {self.where}: {self.detail}{lost}"


class Problem(NamedTuple):
    """One place in a recording that could not be read, and why. The rest of the recording is not touched by it.

    Attributes:
        file: the data file, as named by the user.
        line: line in the file, 1 is the first.
        column: name of the column, or "" where the whole row is meant.
        text: what stands there, cut to a readable length.
        reason: what was expected.
        row: whether the whole row was refused; else only this value.
    """

    file: str
    line: int
    column: str
    text: str
    reason: str
    row: bool

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:" + (f"{self.column}:" if self.column else "")
        return f"{place} {self.text!r}: {self.reason}"
