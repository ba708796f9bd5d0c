"""How long the engine rests between two rounds: readings that come as promised are worked off at once, a burst is not.

Knows durations, counts and what the reporting intervals promise; knows no store and asks no clock.
"""

from __future__ import annotations

from devices import SeriesTable
from engine.listening import RUSH_FACTOR, RUSH_SLACK

REST_S_MAX = 1.0
"""Longest rest after a long round."""


class Pace:
    """The rests of one worker.

    Under a burst a round that took long is followed by as long a rest: figures come at longer intervals, and the
    committer, the broker and the database have the machine in between. Otherwise nobody needs it, and every reading
    would wait for it.

    Args:
        cycle_s: rounds begin at most this often.
        series: what is to be expected of their devices.
    """

    def __init__(self, cycle_s: float, series: SeriesTable) -> None:
        self._cycle_s = cycle_s
        intervals_us = series.interval_us[series.interval_us > 0]
        self._due_per_s = float((1_000_000 / intervals_us).sum())
        self._began_s: float | None = None

    def rest_s(self, began_s: float, ended_s: float, readings: int) -> float:
        """Return how long to rest after a round that worked off so many readings."""
        before_s = self._began_s if self._began_s is not None else began_s - self._cycle_s
        self._began_s = began_s
        spent_s = ended_s - began_s
        rush = readings > RUSH_FACTOR * self._due_per_s * (began_s - before_s) + RUSH_SLACK
        return min(max(self._cycle_s - spent_s, spent_s if rush else 0.0), REST_S_MAX)
