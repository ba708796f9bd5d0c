"""The newest observation of every series, kept beside the log: small parts, of which the latest reading counts.

Each commit adds a part with what it brought beyond the marks of its series, in its own transaction; now and then the
parts are folded into the newest of each. So a commit writes one small row more, where a row for each series would cost
it as much again as the observation itself, and whoever asks reads a few hundred kilobytes instead of looking into the
log's index for each series. Parts are absolute: one that is read twice, or in another order, changes nothing.

Knows the table of parts; knows neither slots nor who may write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.store import binary
from engine.store.session import Session

FOLD_PARTS = 256
"""Commits whose parts stand beside each other before they are folded."""
FOLD_READINGS_MIN = 50_000
"""They are folded as well when they hold as many readings as the last fold left, or as this where it left fewer."""
PART_READINGS = 4_096
"""A part holds at most so many readings, of series that follow each other, so that few are read where few are asked."""
_LAYOUT = ("i4", "time", "i8")
_ROW = np.dtype([("series_id", ">i4"), ("time", ">i8"), ("ticks", ">i8")])


class Newest(NamedTuple):
    """Newest readings, columns of one length; sorted by series where each has one.

    Attributes:
        series_id: int32.
        time_us: int64.
        ticks: int64.
    """

    series_id: NDArray[np.int32]
    time_us: NDArray[np.int64]
    ticks: NDArray[np.int64]


class NewestKeeper:
    """Adds the parts of one appender's commits, and folds them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # What others left is not known, so the first commit folds. Counted is what was tried: one that failed makes
        # the next fold come sooner or later, no more.
        self._parts, self._readings, self._folded = FOLD_PARTS, 0, 0

    def add(self, partition: int, found: Newest) -> None:
        """Add what a commit brought; call it within its transaction, as the owner of the partition.

        Args:
            partition: whose parts they are.
            found: at most one reading of each series, sorted by series.

        Raises:
            StoreUnavailable, StoreError
        """
        if not found.series_id.size:
            return
        self._parts += 1
        self._readings += found.series_id.size
        if self._parts > FOLD_PARTS or self._readings > max(self._folded, FOLD_READINGS_MIN):
            parts = self._session.rows("newest_take", {"partition": partition})
            found = latest(joined([*(_unpacked(packed) for (packed,) in parts), found]))
            self._parts, self._readings, self._folded = 0, 0, found.series_id.size
        for at in range(0, found.series_id.size, PART_READINGS):
            part = Newest._make(column[at : at + PART_READINGS] for column in found)
            low, high = int(part.series_id[0]), int(part.series_id[-1])
            self._session.run("newest_add", {"partition": partition, "low": low, "high": high, "packed": _packed(part)})


def newest(session: Session, series: Sequence[int]) -> Newest:
    """Return the newest observation of each of some series, by series; those that never had one have no row.

    What left the database is not given, though it stays known: see `archived_last`.

    Raises:
        StoreUnavailable, StoreError
    """
    if not len(series):
        return _unpacked(b"")
    ids = np.unique(np.array(series, np.int32))
    limits = {"low": int(ids[0]), "high": int(ids[-1])}
    ((packed, gone_us),) = session.rows("newest_parts", limits)
    found = latest(_unpacked(packed or b""))
    wanted = np.isin(found.series_id, ids, assume_unique=True)
    if gone_us is not None:
        wanted &= found.time_us >= gone_us
    return Newest._make(column[wanted] for column in found)


def rebuild(session: Session, partition: int) -> None:
    """Make the parts anew from the log; a gateway may run.

    Raises:
        StoreUnavailable, StoreError
    """
    with session.transaction():
        session.run("newest_take", {"partition": partition})
        session.run("newest_rebuilt", {"partition": partition})


def latest(readings: Newest) -> Newest:
    """Return the latest reading of each series, by series."""
    order = np.lexsort((readings.time_us, readings.series_id))
    series = readings.series_id[order]
    last = order[np.append(series[1:] != series[:-1], np.full(min(series.size, 1), True))]
    return Newest._make(column[last] for column in readings)


def joined(parts: Sequence[Newest]) -> Newest:
    """Return parts as one."""
    return Newest._make(np.concatenate(column) for column in zip(*parts, strict=True))


def _packed(part: Newest) -> bytes:
    table = np.empty(part.series_id.size, _ROW)
    table["series_id"], table["time"], table["ticks"] = part.series_id, binary.stamps(part.time_us), part.ticks
    return table.tobytes()


def _unpacked(packed: bytes) -> Newest:
    return Newest._make(binary.unpack_columns(packed, _LAYOUT))
