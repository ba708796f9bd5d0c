"""Observations of one series as SensorThings clients ask for them: within bounds of time and value, either way round.

Knows bounds as numbers; knows no text of a query.
"""

from __future__ import annotations

from typing import NamedTuple

from devices.series import TIME_MIN_US
from engine.store.binary import Timestamp
from engine.store.reports import TIME_END_US
from engine.store.session import Session

TICKS_MIN, TICKS_MAX = -(2**63), 2**63 - 1


class Bounds(NamedTuple):
    """Which observations.

    Attributes:
        low_us, high_us: times, from (included) to (excluded).
        least, most: ticks, both included.
        without: ticks that are left out.
    """

    low_us: int = TIME_MIN_US
    high_us: int = TIME_END_US
    least: int = TICKS_MIN
    most: int = TICKS_MAX
    without: tuple[int, ...] = ()


class Seen(NamedTuple):
    """One observation."""

    time_us: int
    ticks: int


def observations(
    session: Session, series: int, bounds: Bounds, *, newest_first: bool, limit: int, offset: int
) -> list[Seen]:
    """Return observations within bounds, by time.

    Raises:
        StoreUnavailable, StoreError
    """
    name = "things_observations_down" if newest_first else "things_observations_up"
    return [Seen(*row) for row in session.rows(name, {**_params(series, bounds), "limit": limit, "offset": offset})]


def count(session: Session, series: int, bounds: Bounds) -> int:
    """Return how many observations are within bounds.

    Raises:
        StoreUnavailable, StoreError
    """
    ((found,),) = session.rows("things_observations_count", _params(series, bounds))
    return int(found)


def _params(series: int, bounds: Bounds) -> dict[str, object]:
    return {
        "series": series, "low": Timestamp(bounds.low_us), "high": Timestamp(bounds.high_us),
        "least": bounds.least, "most": bounds.most, "without": list(bounds.without),
    }  # fmt: skip
