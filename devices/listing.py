"""`devices.csv` with a device more: what stands in it stays, byte by byte where no column is added.

Knows lines and columns of the file; whether they make sense is `devices.registry`'s to say.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence


def with_device(content: bytes, row: Mapping[str, str]) -> bytes:
    """Return the file with a line for a device at its end; a column that it lacks is added behind the others.

    Args:
        content: of the file, a header at least, in UTF-8.
        row: cells by column; those that are left out stay empty.

    Raises:
        ValueError: it is no CSV in UTF-8, or has no header.
    """
    text = content.decode("utf-8-sig")
    newline = "\r\n" if "\r\n" in text else "\n"
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"not valid CSV: {error}") from None
    if not lines or not any(lines[0]):
        raise ValueError("expected a header in the first line")
    header = [name.strip() for name in lines[0]]
    added = [name for name, value in row.items() if value and name not in header]
    cells = [row.get(name, "") for name in (*header, *added)]
    if not added:
        end = b"" if content.endswith((b"\n", b"\r")) else newline.encode()
        return content + end + _written([cells], newline)
    mark = content[:3] if content.startswith(b"\xef\xbb\xbf") else b""
    wider = [[*line, *([""] * len(added))] if any(line) else line for line in lines[1:]]
    return mark + _written([[*lines[0], *added], *wider, cells], newline)


def _written(lines: Sequence[Sequence[str]], newline: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=newline).writerows(lines)
    return out.getvalue().encode("utf-8")
