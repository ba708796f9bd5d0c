"""Which stretch of time can be proved now, in which pieces, and what a proof says.

Knows the calendar, and how far the store says that the engine has written; knows nothing of how figures are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from devices import TIME_MIN_US
from engine.calendar import HOUR_US, Calendar
from engine.cells import Grid
from engine.store import Difference, Store

DAY_US = 24 * HOUR_US
TRIES_MAX = 5
"""How often a piece is compared anew because the live engine was writing meanwhile."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the proof of one piece found.

    Attributes:
        from_us, to_us: its days.
        rows: rows that should be there, by table.
        differences: every row that differs, with its table.
    """

    from_us: int
    to_us: int
    rows: dict[str, int]
    differences: list[tuple[str, Difference]]


class Stretches:
    """Stretches of whole civil days of one partition.

    Args:
        store: where to ask.
        calendar: of the city.
        partition: whose figures.
        minute_days: as in `WorkerSettings`; 0: minutes are kept for ever.

    Attributes:
        calendar, partition: as given.
    """

    def __init__(self, store: Store, calendar: Calendar, partition: int = 0, minute_days: int = 0) -> None:
        self._store, self.calendar, self.partition, self._minute_days = store, calendar, partition, minute_days

    def whole(self, from_us: int, to_us: int) -> tuple[int, int] | None:
        """Return the whole civil days of a stretch of time in which anything may be stored; None where nothing is.

        Days whose observations left for an archive are none of them: their figures stand.
        """
        extent = self._store.extent()
        if extent is None:
            return None
        low = max(from_us, extent.from_us, self.calendar.from_us, self.left_us())
        high = min(to_us, extent.to_us, self.calendar.to_us)
        return (self.day(low), self.day_after(high - 1)) if low < high else None

    def left_us(self) -> int:
        """Return until when observations left for an archive: of these days nothing can be proved or mended here."""
        left = self._store.archive.left()
        return TIME_MIN_US if left is None else left.until_us

    def minutes_from_us(self) -> int:
        """Return from when on minutes are kept: some that are older may still be there, or have come again."""
        extent = self._store.extent()
        oldest_us = TIME_MIN_US if extent is None else extent.minutes_from_us
        if not self._minute_days:
            return oldest_us
        newest_us = int(self._store.last_readings().time_us.max(initial=TIME_MIN_US))
        return max(oldest_us, newest_us - self._minute_days * DAY_US)

    def written_to(self, to_us: int) -> int:
        """Return up to when everything is said to be written: a time given, or the engine's mark where it is behind.

        A gateway that runs has written what lies before its mark, and hours behind it that came late after a moment.
        """
        point = self._store.checkpoint(self.partition)
        through, mark_us = (0, self.calendar.from_us) if point is None else (point.commit_id, point.mark_us)
        if through >= self._store.last_commit(self.partition) and not len(self._store.pending(self.partition)):
            return to_us
        return min(to_us, self.day(max(mark_us, self.calendar.from_us)))

    def pieces(self, from_us: int, to_us: int, days: int) -> Iterator[tuple[int, int]]:
        """Give whole civil days in pieces of so many."""
        low_us = from_us
        while low_us < to_us:
            # Noon of the last day, whatever the hours of the days between.
            high_us = min(self.day_after(low_us + (days - 1) * 24 * HOUR_US + 12 * HOUR_US), to_us)
            yield low_us, high_us
            low_us = high_us

    def steady(self, compare: Callable[[], Step], pause: Callable[[], None]) -> Step:
        """Return what a comparison finds; where rows differ and the live engine was at work meanwhile, a later one."""
        for _ in range(TRIES_MAX):
            commit = self._store.last_commit(self.partition)
            step = compare()
            if not step.differences:
                break
            waiting = len(self._store.pending(self.partition)) + self._store.unsettled_flags()
            if self._store.last_commit(self.partition) == commit and not waiting:
                break
            pause()
        return step

    def day(self, time_us: int) -> int:
        """Return the start of the civil day of a time."""
        return int(self.calendar.start_of(Grid.DAY, np.array([time_us], np.int64))[0])

    def day_after(self, time_us: int) -> int:
        """Return the end of the civil day of a time."""
        return int(self.calendar.end_of(Grid.DAY, np.array([time_us], np.int64))[0])
