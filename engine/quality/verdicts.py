"""Flags as columns: what the checks of each series, and the days that drift, make of observations.

Knows spans, observations and days that were handed over; knows neither the store nor the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from devices import Kind, ObservationBatch, Rule
from engine.indicators.columns import LEVEL_MAX
from engine.indicators.exact import divided, level_thresholds, levels
from engine.quality.drift import COVERAGE_QUARTERS_MIN, Days
from engine.quality.judges import Group, Judges
from engine.spans import Spans
from engine.weights import ENERGY_SCALE


@dataclass(frozen=True, slots=True)
class Flags:
    """Flagged observations as columns of one length, by slot, time and rule; each once.

    Attributes:
        slot: int32.
        time_us: int64.
        rule: int16, a `devices.Rule`.
        excluded: bool, figures leave the observation out.
    """

    slot: NDArray[np.int32]
    time_us: NDArray[np.int64]
    rule: NDArray[np.int16]
    excluded: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.slot.size)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Flags:
        """Return the rows named by positions or by a mask."""
        return Flags(*(getattr(self, field.name)[index] for field in fields(self)))

    @classmethod
    def concat(cls, parts: list[Flags]) -> Flags:
        """Join flags, in their order, each once."""
        if not parts:
            return NO_FLAGS
        whole = cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))
        order = np.lexsort((whole.rule, whole.time_us, whole.slot))
        whole = whole.take(order)
        twin = np.zeros(len(whole), np.bool_)
        twin[1:] = (
            (whole.slot[1:] == whole.slot[:-1])
            & (whole.time_us[1:] == whole.time_us[:-1])
            & (whole.rule[1:] == whole.rule[:-1])
        )
        return whole.take(~twin)

    def without(self, others: Flags) -> Flags:
        """Return those that are not among the others, or are there with another `excluded`."""
        rows = np.array(sorted(self._rows() - others._rows()), np.int64).reshape(-1, 4)
        return Flags(
            rows[:, 0].astype(np.int32), rows[:, 1].copy(), rows[:, 2].astype(np.int16), rows[:, 3].astype(np.bool_)
        )

    def _rows(self) -> set[tuple[int, int, int, bool]]:
        columns = (self.slot, self.time_us, self.rule, self.excluded)
        return set(zip(*(column.tolist() for column in columns), strict=True))


NO_FLAGS: Final = Flags(
    np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int16), np.empty(0, np.bool_)
)  # fmt: skip


def flags_of(judges: Judges, spans: Spans, observations: ObservationBatch) -> Flags:
    """Return the flags of the checks of single series within spans.

    Args:
        judges: the rules.
        spans: merged.
        observations: sorted by slot and time; of each span those within it, and within its slot's reach around it.
    """
    found: list[Flags] = []
    for slot, from_us, to_us in zip(spans.slot.tolist(), spans.from_us.tolist(), spans.to_us.tolist(), strict=True):
        reach_us = int(judges.reach_us[slot])
        low, high = np.searchsorted(observations.slot, (slot, slot + 1)).tolist()
        times = observations.time_us[low:high]
        first, end = np.searchsorted(times, (from_us - reach_us, to_us + reach_us)).tolist()
        times, ticks = times[first:end], observations.ticks[low + first : low + end]
        inside = (times >= from_us) & (times < to_us)
        found += [
            _flags(slot, times[check.flagged(times, ticks) & inside], check.rule, check.excludes)
            for check in judges.checks.get(slot, ())
        ]
    return Flags.concat(found)


def left_out(observations: ObservationBatch, flags: Flags) -> NDArray[np.bool_]:
    """Return which observations, sorted by slot and time, some flag excludes."""
    excluded = flags.take(flags.excluded)
    out = np.zeros(len(observations), np.bool_)
    for slot in np.unique(excluded.slot).tolist():
        low, high = np.searchsorted(observations.slot, (slot, slot + 1)).tolist()
        out[low:high] = np.isin(observations.time_us[low:high], excluded.time_us[excluded.slot == slot])
    return out


def drift_flags(group: Group, observations: ObservationBatch) -> Flags:
    """Return the flags of observations that lie in days on which their series drifts."""
    slots = np.unique(observations.slot).tolist()
    return Flags.concat(
        [_flags(slot, observations.time_us[observations.slot == slot], Rule.DRIFT, group.excludes) for slot in slots]
    )


def day_means(group: Group, count: NDArray[np.int64], total: NDArray[np.int64], due: NDArray[np.int64]) -> Days:
    """Return the means of days to the tick, and where there is one.

    Args:
        group: whose series.
        count: int64, shape (series, days), readings.
        total: their sum of ticks, or of energies.
        due: readings expected.
    """
    known = (count > 0) & (4 * count >= COVERAGE_QUARTERS_MIN * due)
    of = np.maximum(count, 1)
    if group.kind is Kind.LEVEL:
        thresholds = level_thresholds(ENERGY_SCALE, group.decimals, LEVEL_MAX)
        means = levels(total.ravel(), of.ravel(), thresholds).reshape(total.shape)
    else:
        means = divided(total, of)
    return Days(np.where(known, means, 0), known)


def _flags(slot: int, time_us: NDArray[np.int64], rule: Rule, excluded: bool) -> Flags:
    size = time_us.size
    return Flags(np.full(size, slot, np.int32), time_us, np.full(size, rule, np.int16), np.full(size, excluded))
