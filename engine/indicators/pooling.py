"""From the published figures of stations to those of zones and the city.

Columns in, columns out: only ticks that anybody can read back take part, in integers, so that a reader can repeat it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.indicators import columns
from engine.indicators.definition import Indicator, Pool

LEAST = -(2**63)
"""Below every figure."""


class Pooled(NamedTuple):
    """Figures of shape (windows, zones + 1), the city first: ticks, whether there is one, measurand that decided it."""

    ticks: NDArray[np.int64]
    known: NDArray[np.bool_]
    driver: NDArray[np.int16]


def scopes_of(windows: int, zone: NDArray[np.int32], zones: int) -> NDArray[np.intp]:
    """Return the flat zone scope of each (window, station): window * (zones + 1) + 1 + zone."""
    base = np.arange(windows, dtype=np.intp)[:, None] * (zones + 1)
    return base + 1 + zone[None, :]


def added(values: NDArray[np.int64], zone: NDArray[np.int32], zones: int) -> NDArray[np.int64]:
    """Return (windows, stations) values added up to (windows, zones + 1), the city first."""
    windows = values.shape[0]
    found = np.zeros(windows * (zones + 1), np.int64)
    np.add.at(found, scopes_of(windows, zone, zones).reshape(-1), values.reshape(-1))
    found = found.reshape(windows, zones + 1)
    found[:, 0] = values.sum(axis=1)
    return found


def pool(
    indicator: Indicator,
    ticks: NDArray[np.int64],
    known: NDArray[np.bool_],
    driver: NDArray[np.int16],
    zone: NDArray[np.int32],
    zones: int,
) -> Pooled:
    """Return the figures of the zones and the city from those of the stations.

    Args:
        indicator: whose pool rule is used.
        ticks, known, driver: shape (windows, stations); stations without a figure take no part.
        zone: zone of each station.
        zones: zones of the city.
    """
    windows = ticks.shape[0]
    at, station = np.nonzero(known)
    # Each figure once for its zone and once for the city.
    scope = np.concatenate([at * (zones + 1) + 1 + zone[station], at * (zones + 1)])
    count = windows * (zones + 1)
    values = np.concatenate([ticks[at, station]] * 2)
    found = np.zeros(count, np.bool_)
    found[scope] = True
    leader = np.full(count, -1, np.int16)
    if indicator.pool is Pool.MEAN:
        pooled = columns.pooled_means(values, scope, count)
    elif indicator.pool is Pool.SUM:
        pooled = np.zeros(count, np.int64)
        np.add.at(pooled, scope, values)
    elif indicator.pool is Pool.MAX:
        pooled = np.full(count, LEAST, np.int64)
        np.maximum.at(pooled, scope, values)
        # The first of the worst stations names the driver: assigned backwards, it is the last to be written.
        worst = np.flatnonzero(values == pooled[scope])[::-1]
        leader[scope[worst]] = np.concatenate([driver[at, station]] * 2)[worst]
    elif indicator.pool is Pool.ENERGY_MEAN:
        pooled = columns.pooled_levels(values, scope, count, indicator.decimals)
    else:
        pooled, directed, _ = columns.pooled_directions(values, scope, count, indicator.decimals)
        found &= directed
    shape = (windows, zones + 1)
    return Pooled(np.where(found, pooled, 0).reshape(shape), found.reshape(shape), leader.reshape(shape))
