"""Canonical tables: what is stored, as lines of text that two databases, or a database and a truth, must agree on.

Knows which tables there are and how their lines are ordered; knows neither files nor digests.

A canonical table holds figures and no bookkeeping: codes instead of ids, times as microseconds UTC, columns parted by
tabs, `\\N` for null, lines sorted by the key columns (text by its UTF-8 bytes, numbers by value), each ended by a
newline.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from devices import rfc3339
from engine.store.session import Session

_YEAR_1_US, _YEAR_10000_US = -62_135_596_800_000_000, 253_402_300_800_000_000
"""Times that have a text; whatever lies further out is before or after everything stored."""


@dataclass(frozen=True, slots=True)
class TableForm:
    """How the lines of a canonical table read.

    Attributes:
        columns: names of the columns, key first.
        key: how many of them are the key.
        time: position of the time within the key, the only number there; None for a table without one.
    """

    columns: tuple[str, ...]
    key: int
    time: int | None = None


_CELLS = TableForm(
    ("device", "field", "start_us", "count", "low", "high", "sum_0", "sum_1", "sum_2", "sum_3", "expected"), 3, 2
)
FORMS: Mapping[str, TableForm] = MappingProxyType(
    {
        "observation": TableForm(("device", "field", "time_us", "ticks", "flags"), 3, 2),
        "bucket_minute": _CELLS,
        "window_hour": _CELLS,
        "window_day": _CELLS,
        "counter_event": TableForm(("device", "field", "time_us", "kind", "before_ticks", "after_ticks"), 3, 2),
        "observation_flag": TableForm(("device", "field", "time_us", "rule", "excluded"), 4, 2),
        "indicator_value": TableForm(
            (
                "indicator", "window", "scope_kind", "scope", "start_us", "ticks", "band", "driver", "received",
                "expected",
            ), 5, 4,
        ),
        "quarantine": TableForm(("device", "reason", "readings"), 2),
        "ledger_device": TableForm(("device", "received", "accepted", "duplicate", "quarantined"), 1),
    }
)  # fmt: skip
"""Every canonical table, in the order in which one follows from the other."""


class Difference(NamedTuple):
    """A row that two sides of a table do not have in common, as its canonical lines."""

    kind: Literal["missing", "extra", "differs"]
    """Missing: only the wanted side has it; extra: only the found side; differs: both have its key."""
    found: str
    """The row as found; empty where it is missing."""
    wanted: str
    """The row as wanted; empty where it is extra."""


@contextmanager
def one_moment(session: Session) -> Iterator[None]:
    """Let all reading of the block see the database as it was at one moment.

    Raises:
        StoreUnavailable, StoreError
    """
    with session.transaction():
        session.run("one_moment")
        yield


def lines(session: Session, table: str, from_us: int, to_us: int) -> Iterator[bytes]:
    """Give the lines of a canonical table in order, each with its newline, as the server sends them.

    Args:
        session: where to ask.
        table: one of `FORMS`.
        from_us, to_us: rows whose time lies between; tables without a time are given whole.

    Raises:
        StoreUnavailable, StoreError
    """
    limits = {"low": _text(from_us), "high": _text(to_us)} if FORMS[table].time is not None else None
    return session.copy_out(f"table_{table}", limits)


def _text(time_us: int) -> str:
    """Return a time as PostgreSQL reads it: COPY takes no parameters but those written into its text."""
    if time_us < _YEAR_1_US:
        return "-infinity"
    return "infinity" if time_us >= _YEAR_10000_US else rfc3339(time_us)
