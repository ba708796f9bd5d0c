"""`devices.csv` with devices more, or with one that another follows: what stands in it stays, byte by byte.

Knows lines and columns of the file; whether they make sense is `devices.registry`'s to say.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_MARK = b"\xef\xbb\xbf"
"""Spreadsheets put it before UTF-8."""


class _Line(NamedTuple):
    """A record of the file, as it is written and as it is read; quoted ones may have several lines."""

    written: str
    cells: list[str]

    @property
    def end(self) -> str:
        """How it ends; empty at the end of a file that ends without."""
        return self.written[len(self.written.rstrip("\r\n")) :]

    def wider(self, cells: int) -> _Line:
        """Return it with empty cells more; a blank line stays one."""
        if not any(self.cells):
            return self
        return _Line(self.written.removesuffix(self.end) + "," * cells + self.end, [*self.cells, *[""] * cells])

    def changed(self, values: Mapping[int, str]) -> _Line:
        """Return it with other cells at some positions; the others as they are written."""
        parts = _as_written(self.written.removesuffix(self.end))
        for at, value in values.items():
            parts[at] = written(["", value])[1:]
        return _Line(",".join(parts) + self.end, [values.get(at, cell) for at, cell in enumerate(self.cells)])


def row_of(content: bytes, code: str) -> dict[str, str]:
    """Return the cells of a device by column, those that hold something; nothing where it has no line.

    Raises:
        ValueError: as `with_devices`.
    """
    header, *lines = _lines(content)
    names = [name.strip() for name in header.cells]
    rows = (dict(zip(names, map(str.strip, line.cells), strict=False)) for line in lines)
    return next(({name: cell for name, cell in row.items() if cell} for row in rows if row.get("device") == code), {})


def with_devices(content: bytes, rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return the file with a line for each device at its end; a column that it lacks is added behind the others.

    Args:
        content: of the file, a header at least, in UTF-8.
        rows: cells by column; those that are left out stay empty.

    Raises:
        ValueError: it is no CSV in UTF-8, or has no header.
    """
    return with_successor(content, "", {}, rows)


def with_successor(content: bytes, code: str, ends: Mapping[str, str], rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return the file with some cells of a device changed, and with the lines of others at its end.

    Args:
        content: as `with_devices`.
        code: of a device that is there.
        ends: its new cells by column.
        rows: as `with_devices`.

    Raises:
        ValueError: as `with_devices`.
    """
    lines = _lines(content)
    names = [name.strip() for name in lines[0].cells]
    wanted = dict.fromkeys(name for row in (ends, *rows) for name, value in row.items() if value)
    added = [name for name in wanted if name not in names]
    if added:
        wider = [line.wider(len(added)) for line in lines]
        lines = [wider[0].changed({len(names) + at: name for at, name in enumerate(added)}), *wider[1:]]
        names += added
    at = names.index("device") if ends else 0
    changes = {names.index(name): value for name, value in ends.items() if name in names}
    text = "".join(
        (line.changed(changes) if ends and line.cells[at : at + 1] and line.cells[at].strip() == code else line).written
        for line in lines
    )
    newline = "\r\n" if "\r\n" in text else "\n"
    end = "" if text.endswith(("\n", "\r")) else newline
    new = "".join(written([row.get(name, "") for name in names]) + newline for row in rows)
    return (_MARK if content.startswith(_MARK) else b"") + (text + end + new).encode("utf-8")


def _lines(content: bytes) -> list[_Line]:
    lines = list(io.StringIO(content.decode("utf-8-sig"), newline=""))
    reader, found, at = csv.reader(iter(lines), strict=True), [], 0
    try:
        for cells in reader:
            found.append(_Line("".join(lines[at : reader.line_num]), cells))
            at = reader.line_num
    except csv.Error as error:
        raise ValueError(f"not valid CSV: {error}") from None
    if not found or not any(found[0].cells):
        raise ValueError("expected a header in the first line")
    return found


def _as_written(line: str) -> list[str]:
    """Return the cells of a line with their quotes."""
    cells, quoted = [""], False
    for one in line:
        if one == "," and not quoted:
            cells.append("")
            continue
        if one == '"' and (not cells[-1] or cells[-1][0] == '"'):
            quoted = not quoted
        cells[-1] += one
    return cells


def written(cells: Sequence[str]) -> str:
    """Return cells as a line without its end. What could be an end is in quotes, whichever the file has."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n")
