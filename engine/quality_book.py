"""Flags from the store into the store: hours that were written in, and what is flagged and left out because of them.

Knows the city's rules and its store; asks no clock, and starts no thread. The gateway keeps it going beside the engine,
`backfill` runs it to the end: that is why both leave the same flags, and `recompute` proves them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices import Registry, Rule
from engine.calendar import MINUTE_US, Calendar, expected
from engine.cells import Cells, Grid
from engine.quality import NO_FLAGS, Flags, Group, Judges, day_means, drift_flags, drifting, flags_of, left_out
from engine.quality.weighing import Weighing, aligned, differ, no_cells, taken, unique
from engine.spans import Keys, Spans
from engine.store import Judged, Store

HOURS_PER_LOOK = 2_000
"""Hours that are looked at together: bounds the observations in memory."""
READINGS_MAX = 1_500_000
"""Readings due of the series that are proved together, about."""


class Looked(NamedTuple):
    """What one look did."""

    hours: int
    """Hours that were due and no longer are."""
    flagged: dict[Rule, int]
    """Flags that appeared, by rule."""
    unflagged: int
    """Flags that went."""
    changed: int
    """Hours of which something else is excluded than before."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Civil days of a group, as positions in the calendar's list of days: from (included), to (excluded)."""

    first: int
    end: int


_Counted = Callable[[Group, NDArray[np.int64]], tuple[NDArray[np.int64], NDArray[np.int64]]]
"""From a group and the bounds of days to count and sum of each series and day."""


class QualityBook:
    """The flags of one city's observations.

    Args:
        store: a connection of the caller's thread, with the registry's ids.
        registry: the city.
        partition: whose series these are.

    Attributes:
        judges: the rules, by series.
    """

    def __init__(self, store: Store, registry: Registry, partition: int = 0) -> None:
        self.judges = Judges(registry)
        self._store, self._partition = store, partition
        self._series = registry.series()
        self._calendar = Calendar(registry.city.zone_info)
        self._weighing = Weighing(self._series, registry.catalogue.measurands)

    def begin(self) -> bool:
        """Make everything due if the rules are others than last time; say whether they are.

        Raises:
            StoreUnavailable, StoreError
        """
        return self._store.begin_judging(self.judges.digest, self.judges.holding, self._partition)

    def look(self, hours_max: int = HOURS_PER_LOOK) -> Looked:
        """Bring the flags up to date that the longest waiting hours may change; none wait when it did none.

        Raises:
            StoreUnavailable, StoreError
        """
        due = self._store.due_hours(hours_max)
        known = due.keys.slot >= 0
        hours = Keys(due.keys.slot[known], due.keys.start_us[known])
        gone, new = self._changes(hours)
        excluded, nothing = self._excluded(hours, gone, new)
        found = Judged(gone, new, excluded, nothing, due.serials)
        if due.serials.size:
            self._store.write_judged(found)
        flagged = {rule: int((new.rule == rule).sum()) for rule in Rule}
        return Looked(due.serials.size, flagged, len(gone), len(found.changed()))

    def wanted(self, from_us: int, to_us: int) -> Flags:
        """Return the flags of a stretch of whole civil days from the observations alone: no window is read."""
        days = self._calendar.clock.day_us
        stretch = Stretch(int(np.searchsorted(days, from_us)), int(np.searchsorted(days, to_us)))
        found = [self._of_checks(spans) for spans in self._portions(from_us, to_us)]
        found += [self._of_group(group, stretch, self._days_of_observations) for group in self.judges.groups]
        return Flags.concat(found)

    def stored(self, from_us: int, to_us: int) -> Flags:
        """Return the flags that stand in a stretch of time."""
        slots = np.arange(len(self._series), dtype=np.int32)
        return self._store.flags_of(Spans(slots, np.full(slots.size, from_us), np.full(slots.size, to_us)))

    def parts(self, flags: Flags) -> Cells:
        """Return what these flags leave out of the hours they touch; low and high are of what is left."""
        parts = self._parts(self._hours_of(flags.take(flags.excluded)), flags)
        return taken(parts, parts.count > 0)

    def stored_parts(self, from_us: int, to_us: int) -> Cells:
        """Return what is stored as left out of the hours of a stretch of time."""
        return self._store.excluded_between(np.arange(len(self._series), dtype=np.int32), from_us, to_us)

    def _portions(self, from_us: int, to_us: int) -> Iterator[Spans]:
        """Give the stretch for the series that have checks, so many at a time that their readings fit."""
        slots = np.array(sorted(self.judges.checks), np.int32)
        due = np.cumsum((to_us - from_us) // np.maximum(self._series.interval_us[slots], MINUTE_US) + 1)
        for portion in np.unique(due // READINGS_MAX).tolist():
            some = slots[due // READINGS_MAX == portion]
            yield Spans(some, np.full(some.size, from_us, np.int64), np.full(some.size, to_us, np.int64))

    # ---- what changes ---------------------------------------------------------------------------------------------

    def _changes(self, hours: Keys) -> tuple[Flags, Flags]:
        """Return which flags no longer hold, and which do now, because of these hours."""
        spans = self._within_reach(hours)
        stored = self._store.flags_of(spans)
        pairs = [(stored.take(stored.rule != Rule.DRIFT), self._of_checks(spans))]
        pairs += [
            (self._standing(group, stretch), self._of_group(group, stretch, self._days_of_cells))
            for group in self.judges.groups
            for stretch in self._stretches(group, hours)
        ]
        gone = Flags.concat([standing.without(wanted) for standing, wanted in pairs])
        return gone, Flags.concat([wanted.without(standing) for standing, wanted in pairs])

    def _within_reach(self, hours: Keys) -> Spans:
        """Return the stretches in which a reading of these hours may decide about a flag of its own series."""
        of = self.judges.reach_us[hours.slot] > 0
        slot, start = hours.slot[of], hours.start_us[of]
        reach = self.judges.reach_us[slot]
        low = np.maximum(start - reach, self._calendar.from_us)
        high = np.minimum(self._calendar.end_of(Grid.HOUR, start) + reach, self._calendar.to_us)
        return Spans(slot, low, high).merged()

    def _of_checks(self, spans: Spans) -> Flags:
        reach = self.judges.reach_us[spans.slot]
        needed = Spans(spans.slot, spans.from_us - reach, spans.to_us + reach).merged()
        return flags_of(self.judges, spans, self._store.observations(needed))

    # ---- drift ----------------------------------------------------------------------------------------------------

    def _stretches(self, group: Group, hours: Keys) -> list[Stretch]:
        """Return the days of a group about which these hours may decide."""
        mine = np.isin(hours.slot, group.slots)
        if not mine.any():
            return []
        day_us = self._calendar.clock.day_us
        day = np.unique(np.searchsorted(day_us, hours.start_us[mine], "right") - 1)
        day = day[(day >= 2 * group.run) & (day < day_us.size - 2 * group.run)]
        if not day.size:
            return []
        cuts = np.flatnonzero(np.diff(day) > 2 * (group.run - 1) + 1)
        first, last = day[np.append(0, cuts + 1)], day[np.append(cuts, day.size - 1)]
        pairs = zip(first.tolist(), last.tolist(), strict=True)
        return [Stretch(low - group.run + 1, high + group.run) for low, high in pairs]

    def _of_group(self, group: Group, stretch: Stretch, counted: _Counted) -> Flags:
        """Return the flags of drift within a stretch of days; the days around it are looked at as well."""
        first, end = max(stretch.first - group.run + 1, 0), stretch.end + group.run - 1
        bounds = self._calendar.clock.day_us[first : end + 1]
        count, total = counted(group, bounds)
        shape = (group.slots.size, bounds.size - 1)
        slots, starts = np.repeat(group.slots, shape[1]), np.tile(bounds[:-1], shape[0])
        due = expected(self._series, slots, starts, np.tile(bounds[1:], shape[0])).reshape(shape)
        off = drifting(
            day_means(group, count, total, due), group.device, group.judged, above=group.above, run=group.run,
            neighbours=group.neighbours,
        )  # fmt: skip
        member, day = np.nonzero(off[:, stretch.first - first : stretch.end - first])
        if not member.size:
            return NO_FLAGS
        at = day + stretch.first - first
        spans = Spans(group.slots[member], bounds[at], bounds[at + 1]).merged()
        return drift_flags(group, self._store.observations(spans))

    def _standing(self, group: Group, stretch: Stretch) -> Flags:
        slots = group.slots[group.judged]
        days = self._calendar.clock.day_us
        low, high = (np.full(slots.size, days[at], np.int64) for at in (stretch.first, stretch.end))
        stored = self._store.flags_of(Spans(slots, low, high))
        return stored.take(stored.rule == Rule.DRIFT)

    def _days_of_cells(self, group: Group, bounds: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return count and sum of each series and day from the stored days."""
        cells = self._store.load_cells_of(Grid.DAY, group.slots, int(bounds[0]), int(bounds[-1])).cells
        count, total = (np.zeros((group.slots.size, bounds.size - 1), np.int64) for _ in range(2))
        at = np.searchsorted(group.slots, cells.slot), np.searchsorted(bounds, cells.start_us)
        count[at], total[at] = cells.count, cells.sums[:, 0]
        return count, total

    def _days_of_observations(
        self, group: Group, bounds: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the same from the observations, a day at a time."""
        count, total = (np.zeros((group.slots.size, bounds.size - 1), np.int64) for _ in range(2))
        for day, (low, high) in enumerate(pairwise(bounds.tolist())):
            spans = Spans(group.slots, np.full(group.slots.size, low), np.full(group.slots.size, high))
            found = self._weighing.plausible(self._store.observations(spans))
            at = np.searchsorted(group.slots, found.slot)
            np.add.at(count[:, day], at, 1)
            np.add.at(total[:, day], at, self._weighing.weights(found))
        return count, total

    # ---- what is left out -----------------------------------------------------------------------------------------

    def _excluded(self, hours: Keys, gone: Flags, new: Flags) -> tuple[Cells, Keys]:
        """Return what is left out of hours where that has changed, and the hours of which nothing is any more."""
        touched = unique(self._hours_of(gone), self._hours_of(new), self._with_part(hours))
        if not len(touched):
            return no_cells(), touched
        standing = self._store.flags_of(self._spans(touched))
        parts = self._parts(touched, Flags.concat([standing.without(gone), new]))
        before = self._stored_parts(touched)
        other, left = differ(before, parts), parts.count > 0
        return taken(parts, other & left), Keys(touched.slot[other & ~left], touched.start_us[other & ~left])

    def _with_part(self, hours: Keys) -> Keys:
        """Return those hours of which something is left out already: what is left of them may have changed."""
        some = unique(hours)
        has = self._stored_parts(some).count > 0
        return Keys(some.slot[has], some.start_us[has])

    def _stored_parts(self, hours: Keys) -> Cells:
        """Return what is stored as left out of each of these hours, zeros where nothing is."""
        if not len(hours):
            return aligned(hours, no_cells())
        low, high = int(hours.start_us.min()), int(hours.start_us.max()) + 1
        return aligned(hours, self._store.excluded_between(np.unique(hours.slot), low, high))

    def _parts(self, hours: Keys, flags: Flags) -> Cells:
        """Return what flags leave out of each of these hours, zeros where that is nothing."""
        found = self._store.observations(self._spans(hours))
        hour_us = self._calendar.start_of(Grid.HOUR, found.time_us)
        return self._weighing.parts(hours, found, hour_us, left_out(found, flags))

    def _hours_of(self, flags: Flags) -> Keys:
        return unique(Keys(flags.slot, self._calendar.start_of(Grid.HOUR, flags.time_us)))

    def _spans(self, hours: Keys) -> Spans:
        return Spans(hours.slot, hours.start_us, self._calendar.end_of(Grid.HOUR, hours.start_us)).merged()
