"""The plan of a commit: which readings are new for sure, which have to be looked up, which are twins within the batch.

Arithmetic over columns. Knows neither tables nor connections.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.batch import ObservationBatch
from engine.store.records import Outcome

HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch by keys: a key is one series at one time, and the first reading of a key leads it.

    Attributes:
        leader: int64 by key, position in the batch of the key's first reading; keys are sorted by series, then time.
        key: int64 by reading, the key it belongs to.
        fast: bool by key, whether it lies after everything stored of its series.
    """

    leader: NDArray[np.int64]
    key: NDArray[np.int64]
    fast: NDArray[np.bool_]


def plan(batch: ObservationBatch, series_id: NDArray[np.int32], high_us: NDArray[np.int64]) -> Plan:
    """Return the plan of a batch.

    Args:
        batch: readings in order of arrival.
        series_id: by slot; the order in which the table's index has the series.
        high_us: by slot, time of the newest stored observation.
    """
    series = series_id[batch.slot]
    # A stable sort: of equal keys the one that arrived first comes first.
    order = np.lexsort((batch.time_us, series))
    by_series, by_time = series[order], batch.time_us[order]
    first = np.ones(order.size, np.bool_)
    first[1:] = (by_series[1:] != by_series[:-1]) | (by_time[1:] != by_time[:-1])
    key = np.empty(order.size, np.int64)
    key[order] = np.cumsum(first) - 1
    leader = order[first].astype(np.int64)
    return Plan(leader, key, batch.time_us[leader] > high_us[batch.slot[leader]])


def settle(
    batch: ObservationBatch, plan: Plan, stored: NDArray[np.bool_], ticks: NDArray[np.int64]
) -> NDArray[np.int8]:
    """Return the outcome of every reading.

    Args:
        batch, plan: as planned.
        stored: by key, whether its first reading was stored just now.
        ticks: by key, what the table holds now.
    """
    outcome = np.where(batch.ticks == ticks[plan.key], Outcome.DUPLICATE, Outcome.CONFLICT).astype(np.int8)
    outcome[plan.leader[stored]] = Outcome.ACCEPTED
    return outcome


def late_hours(
    series: NDArray[np.int32], time_us: NDArray[np.int64], mark_us: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the distinct pairs of series and UTC hour of the times before a mark, sorted."""
    late = time_us < mark_us
    pairs = np.stack((series[late].astype(np.int64), time_us[late] // HOUR_US * HOUR_US))
    distinct = np.unique(pairs, axis=1)
    return distinct[0].astype(np.int32), distinct[1]
