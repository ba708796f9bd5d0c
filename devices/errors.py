"""What can go wrong in this room, with the facts a handler needs.

Knows the shape of errors; knows nothing of what raises them.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import NamedTuple

QUOTED_CHARS_MAX = 60
"""A message of ours repeats at most so much of what somebody else wrote."""


class DeviceError(Exception):
    """Base of every error of this room."""


class PayloadError(DeviceError):
    """Nothing of a message can be used.

    Attributes:
        reason: one of `devices.REASONS`.
        detail: what was expected and what was found; safe for logs and tables (ASCII, bounded).
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class DecoderStoppedError(PayloadError):
    """The model's own program was stopped at a limit: of all messages these cost the most."""


class ValueRefusedError(DeviceError):
    """One value of a message cannot become ticks; the rest of the message may be fine.

    Attributes: `reason` and `detail` as in `PayloadError`.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class UnitError(DeviceError):
    """A unit is unknown, or cannot be converted to the one wanted."""


class Problem(NamedTuple):
    """One fault of a configuration file."""

    file: str
    """Path of the file as given by the caller."""
    where: str
    """Line and column (`line 4, column zone`) or key (`field[2].unit`); empty for the whole file."""
    what: str
    """What was found and what was expected."""

    def __str__(self) -> str:
        return f"{self.file}: {self.where}: {self.what}" if self.where else f"{self.file}: {self.what}"


class ConfigError(DeviceError):
    """Configuration that must not start.

    Attributes:
        problems: every fault found, in reading order; never only the first.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def quoted(text: str) -> str:
    """Return foreign text as a bounded ASCII literal: nothing in it can break a log line or a table."""
    cut = text if len(text) <= QUOTED_CHARS_MAX else text[:QUOTED_CHARS_MAX] + "…"
    return json.dumps(cut)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint to append to a message: the nearest known name, or the list of them when it is short."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    if names and len(names) <= 12:
        return f"; known: {', '.join(names)}"
    return ""
