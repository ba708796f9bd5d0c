"""What the command says when it cannot go on: what is wrong, and what to do.

Knows exit codes; knows no room and no command.
"""

from __future__ import annotations

EXIT_FAILED = 1
"""The command was understood and could not be done."""
EXIT_MISUSED = 2
"""What the user gave (arguments, settings, city folder) is wrong."""


class ConsoleError(Exception):
    """Ends a command with a message instead of a traceback.

    Attributes:
        what: what is wrong, one line or several.
        remedy: what to do about it; empty where `what` says it already.
    """

    exit_code = EXIT_FAILED

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.what, self.remedy = what, remedy

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}" if self.remedy else self.what


class FailureError(ConsoleError):
    """The world stands in the way: a server is away, a port is taken, a figure does not balance."""


class MisuseError(ConsoleError):
    """What the user gave is wrong."""

    exit_code = EXIT_MISUSED
