"""Civil days of observations as the store has them, as columns.

Knows the store and the calendar; knows no file. Series that the city's list has no more are among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from devices import TIME_MIN_US
from engine.archive.columns import Columns, SeriesName
from engine.archive.days import Measure
from engine.calendar import Calendar
from engine.cells import Grid
from engine.store import Store

READINGS_MAX = 4_000_000
"""Observations of a portion of several series: what memory holds at once."""
DAYS_COUNTED = 31
"""Days that are counted by one question."""


@dataclass(frozen=True, slots=True)
class Day:
    """A civil day of which the database holds something.

    Attributes:
        day: its date.
        begin_us, end_us: its instants.
        count: observations in the database.
    """

    day: date
    begin_us: int
    end_us: int
    count: int


class StoredDays:
    """The days of a store.

    Args:
        store: of the city.
        calendar: of the city.
        partition: whose mark says what is closed.
    """

    def __init__(self, store: Store, calendar: Calendar, partition: int = 0) -> None:
        self._store, self._calendar, self._partition = store, calendar, partition
        self._series = store.archive.series()

    def closed_to_us(self) -> int:
        """Return up to when days are closed: the engine's mark, behind which nothing more is expected.

        Raises:
            StoreUnavailable, StoreError
        """
        point = self._store.checkpoint(self._partition)
        return self._calendar.from_us if point is None else max(point.mark_us, self._calendar.from_us)

    def whole_from_us(self) -> int:
        """Return from when on all observations are here, and not only in an archive.

        Raises:
            StoreUnavailable, StoreError
        """
        left = self._store.archive.left()
        return TIME_MIN_US if left is None else left.dropped_us

    def days(self, from_us: int, to_us: int) -> list[Day]:
        """Return the days that lie whole in a stretch of time, and of which the store has all that ever came.

        Raises:
            StoreUnavailable, StoreError
        """
        chunks = self._store.archive.chunks()
        if not chunks:
            return []
        from_us = max(from_us, self._calendar.from_us, self.whole_from_us())
        to_us = min(to_us, self._calendar.to_us)
        starts = self._calendar.starts(Grid.DAY, max(from_us, chunks[0][0]), min(to_us, chunks[-1][1])).tolist()
        found: list[Day] = []
        for first in range(0, len(starts), DAYS_COUNTED):
            part = starts[first : first + DAYS_COUNTED]
            edges = [*part, self._calendar.day_bounds(self._date(part[-1]))[1]]
            counts = self._store.archive.counts(edges)
            found += [
                Day(self._date(begin), begin, end, count)
                for begin, end, count in zip(part, edges[1:], counts, strict=True)
                if count and begin >= from_us and end <= to_us
            ]
        return found

    def left(self, from_us: int, to_us: int) -> list[date]:
        """Return the days of a stretch of time of which the store has figures, and observations no more, or not all.

        Raises:
            StoreUnavailable, StoreError
        """
        to_us = min(to_us, self.whole_from_us())
        if from_us >= to_us:
            return []
        return [self._date(start_us) for start_us in self._store.archive.computed_days(from_us, to_us)]

    def portions(self, day: Day) -> Iterator[Columns]:
        """Give the observations that the database has of a day, some whole series at a time, series rising.

        Raises:
            StoreUnavailable, StoreError
        """
        counts = self._store.archive.series_counts(day.begin_us, day.end_us)
        portion: list[int] = []
        size = 0
        for position, one in enumerate(self._series):
            count = counts.get(one.series_id, 0)
            if portion and size + count > READINGS_MAX:
                yield self._columns(portion, day)
                portion, size = [], 0
            if count:
                portion.append(position)
                size += count
        if portion:
            yield self._columns(portion, day)

    def measures(self) -> tuple[Measure, ...]:
        """Return what the ticks of all series mean, by measurand."""
        known = {one.measurand: Measure(one.measurand, one.unit, one.decimals, one.states) for one in self._series}
        return tuple(known[code] for code in sorted(known))

    def _columns(self, positions: Sequence[int], day: Day) -> Columns:
        series = [self._series[position] for position in positions]
        packed = self._store.archive.observations([one.series_id for one in series], day.begin_us, day.end_us)
        names = [SeriesName(one.device, one.field, one.measurand) for one in series]
        return Columns.sorted_of(names, packed.at, packed.time_us, packed.ticks, packed.flags)

    def _date(self, start_us: int) -> date:
        found: date = self._calendar.local(start_us).date()
        return found
