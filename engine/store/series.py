"""Single series as people look at them: what they are, their readings, their windows.

Knows the store's ids of series; needs no registry. Ticks stay ticks: a unit is whoever asks's to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.cells import Grid
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


class Reading(NamedTuple):
    """One stored observation of a series."""

    time_us: int
    ticks: int
    flags: int
    rules: Sequence[int]
    """Rules that flag it, each a `devices.Rule`."""
    excluded: bool
    """Whether figures leave it out."""


class ReadingOf(NamedTuple):
    """One stored observation of one of several series."""

    time_us: int
    series_id: int
    ticks: int
    flags: int
    rules: Sequence[int]
    excluded: bool


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


def chosen(
    session: Session, device: str | None, zone: str | None, measurand: str | None, limit: int
) -> list[SeriesFacts]:
    """Return the series of a device, zone or measurand that ever had a reading, by id.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"device": device, "zone": zone, "measurand": measurand, "limit": limit}
    return [SeriesFacts(*row) for row in session.rows("series_chosen", params)]


def readings(session: Session, series_id: int, from_us: int, to_us: int, limit: int) -> list[Reading]:
    """Return the first readings of a stretch of time, in its order.

    Raises:
        StoreUnavailable, StoreError
    """
    params = {"series": series_id, "low": Timestamp(from_us), "high": Timestamp(to_us), "limit": limit}
    return [Reading(*row) for row in session.rows("observations_page", params)]


def readings_of(
    session: Session, series: Sequence[int], from_us: int, to_us: int, after: tuple[int, int], limit: int
) -> list[ReadingOf]:
    """Return the first readings of some series in a stretch of time, by time and series.

    Args:
        session: where to ask.
        series: ids.
        from_us, to_us: from (included) to (excluded).
        after: time and series of the last one of the page before.
        limit: at most so many.

    Raises:
        StoreUnavailable, StoreError
    """
    after_us, after_series = after
    params = {
        "series": list(series), "low": Timestamp(max(from_us, after_us)), "high": Timestamp(to_us),
        "after_time": Timestamp(after_us), "after_series": after_series, "limit": limit,
    }  # fmt: skip
    return [ReadingOf(*row) for row in session.rows("observations_of_series", params)]


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
