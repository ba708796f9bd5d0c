"""Single series as people look at them: what they are, their newest values, their readings, their windows.

Knows the store's ids of series; needs no registry. Ticks stay ticks: a unit is whoever asks's to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cells import Grid
from engine.store import binary
from engine.store.binary import Timestamp
from engine.store.session import Session
from engine.store.windows import TABLES


class SeriesFacts(NamedTuple):
    """What a series is."""

    series_id: int
    device: str
    field: str
    measurand: str
    unit: str
    kind: str
    decimals: int
    """One tick is 10**-decimals of the unit."""
    states: Sequence[str]
    interval_us: int
    listed: bool


class Newest(NamedTuple):
    """The newest readings of some series, columns of one length; series without any have no row.

    Attributes:
        place: int32, of the series among those asked for, from 0.
        time_us: int64.
        ticks: int64.
    """

    place: NDArray[np.int32]
    time_us: NDArray[np.int64]
    ticks: NDArray[np.int64]


class Reading(NamedTuple):
    """One stored observation of a series."""

    time_us: int
    ticks: int
    flags: int
    rules: Sequence[int]
    """Rules that flag it, each a `devices.Rule`."""
    excluded: bool
    """Whether figures leave it out."""


class Window(NamedTuple):
    """One window of a series; sums as `engine.cells` defines them for the kind."""

    start_us: int
    received: int
    low: int
    """Least tick; 0 where nothing was received."""
    high: int
    sum_0: int
    sum_1: int
    sum_2: int
    sum_3: int
    expected: int
    revision: int


class Merged(NamedTuple):
    """Windows of a series merged into one column of a drawing."""

    start_us: int
    received: int
    low: int | None
    """Least tick; None where nothing was received."""
    high: int | None
    sum_0: int
    sum_1: int
    sum_2: int
    sum_3: int
    expected: int


def series_facts(session: Session, devices: Sequence[str], field: str | None = None) -> list[SeriesFacts]:
    """Return the series of some devices, by device; of one field the one that is listed comes first, else the newest.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"devices": list(devices), "field": field}
    return [SeriesFacts(*row) for row in session.rows("series_facts", params)]


def newest(session: Session, series: Sequence[int], before_us: int = binary.TIME_HIGH_US) -> Newest:
    """Return the newest reading of each series before a time.

    Walks the chunks from the newest one back, each time for the series not yet found; see `readings`.

    Raises:
        StoreUnavailable, StoreError
    """
    ids = np.array(series, np.int32)
    missing = np.arange(ids.size)
    found: list[tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]] = []
    for low, high in reversed(session.rows("chunks")):
        if low >= before_us:
            continue
        if not missing.size:
            break
        params = {
            "series": ids[missing].tolist(), "low": Timestamp(low), "high": Timestamp(min(high, before_us)),
        }  # fmt: skip
        ((packed,),) = session.rows("series_newest", params)
        place, time_us, ticks, _ = binary.unpack_columns(packed or b"", ("i4", "time", "i8", "i4"))
        at = missing[place - 1]
        found.append((at.astype(np.int32), time_us, ticks))
        missing = np.setdiff1d(missing, at, assume_unique=True)
    if not found:
        return Newest(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64))
    return Newest(*(np.concatenate(column) for column in zip(*found, strict=True)))


def readings(session: Session, series_id: int, from_us: int, to_us: int, limit: int) -> list[Reading]:
    """Return the first readings of a stretch of time, in its order.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"series": series_id, "low": Timestamp(from_us), "high": Timestamp(to_us), "limit": limit}
    return [Reading(*row) for row in session.rows("observations_page", params)]


def windows(session: Session, grid: Grid, series_id: int, from_us: int, to_us: int, limit: int) -> list[Window]:
    """Return the first windows that start in a stretch of time, in its order.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"series": series_id, "low": Timestamp(from_us), "high": Timestamp(to_us), "limit": limit}
    return [Window(*row) for row in session.rows(f"page_{TABLES[grid]}", params)]


def merged(
    session: Session, grid: Grid, series_id: int, from_us: int, to_us: int, origin_us: int, width_us: int
) -> list[Merged]:
    """Return the windows that start in a stretch of time, merged exactly into columns of one width that hold any.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {
        "series": series_id, "low": Timestamp(from_us), "high": Timestamp(to_us), "origin": Timestamp(origin_us),
        "width_us": width_us,
    }  # fmt: skip
    found = []
    for start_us, count, low, high, *sums, expected in session.rows(f"drawn_{TABLES[grid]}", params):
        a, b, c, d = map(int, sums)
        found.append(Merged(start_us, int(count), low, high, a, b, c, d, int(expected)))
    return found
