"""What can be wrong with a pack, each fault with file, line and reason; and finding the line of a key in a TOML file.

Knows the shape of faults and of TOML text; knows nothing of what a pack means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devices.errors import Problem
from engine.errors import EngineError

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-\" ]+?)\s*\]\]?\s*(#.*)?\Z")
_KEY = re.compile(r"\s*\"?([A-Za-z0-9_-]+)\"?\s*(\.[A-Za-z0-9_.\- \"]+)?=")
_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")
_TOML_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong with a pack.

    Attributes:
        file: as the caller gave it.
        line: first is 1; 0 where the whole file is meant.
        where: the key, e.g. `kpi[3].formula`; empty for the whole file.
        what: what was found, what was expected, and the nearest known name where a name is wrong.
    """

    file: str
    line: int
    where: str
    what: str

    def __str__(self) -> str:
        return ": ".join(part for part in (f"{self.file}:{self.line}", self.where, self.what) if part)


class PackError(EngineError):
    """A pack that must not be used.

    Attributes:
        faults: every fault of every file, in reading order.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class Lines:
    """Where the keys of one TOML file stand.

    The parser of the standard library forgets positions, so the text is walked a second time: headers and keys at the
    beginning of a line are enough, because a fault inside a value is reported at the line where its key stands.
    """

    def __init__(self, text: str) -> None:
        self._at: dict[str, int] = {}
        counts: dict[str, int] = {}
        table, quotes, depth = "", "", 0
        for number, line in enumerate(text.splitlines(), 1):
            if quotes:
                quotes = "" if quotes in line else quotes
            elif depth > 0:
                depth += _depth(line)
            elif header := _HEADER.match(line):
                table = self._table(header[2].replace('"', ""), len(header[1]) == 2, counts)
                self._at.setdefault(table, number)
            elif key := _KEY.match(line):
                self._at.setdefault(f"{table}.{key[1]}" if table else key[1], number)
                quotes = _left_open(line)
                depth = 0 if quotes else _depth(line)

    @staticmethod
    def _table(name: str, repeated: bool, counts: dict[str, int]) -> str:
        """Return the full name of a header, its array positions filled in as `devices.tables` writes them."""
        path = ""
        for depth, part in enumerate(name.split("."), 1):
            path = f"{path}.{part}" if path else part
            if depth == name.count(".") + 1 and repeated:
                counts[path] = counts.get(path, 0) + 1
            if path in counts:
                path = f"{path}[{counts[path]}]"
        return path

    def line(self, where: str) -> int:
        """Return the line of a key, else of the nearest table around it; 0 where neither stands in the file."""
        while where and where not in self._at:
            where = where.rpartition(".")[0]
        return self._at.get(where, 0)


def _left_open(line: str) -> str:
    """Return the quotes that end a text of several lines which begins in this line; empty where none does."""
    for quotes in ('"""', "'''"):
        if line.count(quotes) == 1:
            return quotes
    return ""


def _depth(line: str) -> int:
    """Return how many more brackets of lists and inline tables a line opens than it closes."""
    bare = _TEXT.sub("", line).partition("#")[0]
    return sum(bare.count(c) for c in "[{") - sum(bare.count(c) for c in "]}")


def placed(problems: Iterable[Problem], lines: Mapping[str, Lines]) -> list[Fault]:
    """Return the faults of the reader of tables with their lines."""
    found = []
    for file, where, what in problems:
        told = _TOML_LINE.search(what)
        line = int(told[1]) if told else lines[file].line(where) if file in lines else 0
        found.append(Fault(file, line, where, what))
    return found
