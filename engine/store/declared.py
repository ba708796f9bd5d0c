"""What a city declares: keeping it beside the figures, with what was declared before.

Knows the table of declared values; knows no file and no catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from engine.store.binary import Timestamp
from engine.store.session import Session


class DeclaredRow(NamedTuple):
    """One declared value; at most one per key and year."""

    key: str
    """Of a data point, or the code of an input."""
    kind: str
    """`data_point` or `input`."""
    year: int
    value: Decimal | None
    """None where the city says that it does not report it."""
    unit: str
    ratio: str | None
    """The value exactly."""
    numerator: str | None
    denominator: str | None
    quality: str
    origin: str
    source: str
    note: str


_TYPES = (
    "text", "text", "int4", "numeric", "text", "text", "text", "text", "text", "text", "text", "text",
)  # fmt: skip


def write(session: Session, rows: Sequence[DeclaredRow], now_us: int) -> int:
    """Make what stands declared what the rows say, inside `kpi_writer.one_writer`; the same again changes nothing.

    Returns:
        How many rows were withdrawn or added: a correction is one of each.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"now": Timestamp(now_us)}
    session.copy_rows("copy_stage_declared", _TYPES, rows)
    return session.run("flush_declared_gone", params) + session.run("flush_declared", params)
