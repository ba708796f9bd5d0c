"""Compares two canonical tables line by line, however long they are: what is missing, extra, or differs.

Knows lines and their keys; knows neither files nor the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.store import Difference, TableForm

Key = tuple[bytes | int, ...]


def differences(form: TableForm, found: Iterable[bytes], wanted: Iterable[bytes]) -> Iterator[Difference]:
    """Give the rows in which two tables differ, in order of their keys; holds one line of either at a time.

    Args:
        form: of both tables.
        found, wanted: their lines, sorted by key.

    Raises:
        ValueError: a line has no key of this form; the message has the line.
    """
    left, right = iter(found), iter(wanted)
    a, b = next(left, None), next(right, None)
    while a is not None or b is not None:
        if a == b:
            a, b = next(left, None), next(right, None)
            continue
        key_a = None if a is None else key_of(form, a)
        key_b = None if b is None else key_of(form, b)
        if a is None or (key_a is not None and key_b is not None and key_b < key_a):
            yield Difference("missing", "", _shown(b))
            b = next(right, None)
        elif b is None or key_a != key_b:
            yield Difference("extra", _shown(a), "")
            a = next(left, None)
        else:
            yield Difference("differs", _shown(a), _shown(b))
            a, b = next(left, None), next(right, None)


def key_of(form: TableForm, line: bytes) -> Key:
    """Return the key of a line, in an order that is the table's.

    Raises:
        ValueError: a column is lacking, or the time is no whole number.
    """
    cells = line.rstrip(b"\n").split(b"\t")
    if len(cells) != len(form.columns):
        raise ValueError(f"expected {len(form.columns)} columns ({', '.join(form.columns)}), got {_shown(line)!r}")
    try:
        return tuple(int(cell) if at == form.time else cell for at, cell in enumerate(cells[: form.key]))
    except ValueError:
        raise ValueError(f"expected whole microseconds as {form.columns[form.time or 0]}: {_shown(line)!r}") from None


def _shown(line: bytes | None) -> str:
    return "" if line is None else line.decode("utf-8", "backslashreplace").rstrip("\n")
