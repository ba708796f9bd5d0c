"""From a figure down to what it was computed from: its stations, their civil days, their observations.

Knows the book of figures and the store it reads from; renders nothing, and never computes a figure in another way than
the book does: it shows what the book added up, so that somebody else can.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from devices import Registry
from devices.measurands import Kind, Measurand
from engine.calendar import promised_an_hour
from engine.cells import Cells, Grid
from engine.kpi import WHOLE, Clock, DataPoint, KpiPeriod, Pack, StationFigure, Telemetry, hour_spans
from engine.kpi_book import KpiBook
from engine.quality import left_out
from engine.quality.weighing import less
from engine.spans import Spans
from engine.store import Store

HOUR_US: Final = 3_600_000_000
STEP_DAYS_MAX: Final = 31
"""How far is read at a time where little comes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StationShare:
    """One station of an input.

    Attributes:
        code: of the input.
        device: its code.
        zone: code of its zone.
        value: its figure in the measurand's unit; of a mean level its mean energy; None where it has none.
        unit: of the measurand.
        received, expected: readings, as coverage counts them.
        counts: whether it is part of the figure.
    """

    code: str
    device: str
    zone: str
    value: Fraction | None
    unit: str
    received: int
    expected: int
    counts: bool


@dataclass(frozen=True, slots=True)
class Series:
    """One series of one station of an input.

    Attributes:
        code: of the input.
        device, field: codes.
        measurand: what it measures.
        slot: of the registry.
        counts: whether its station is part of the figure.
    """

    code: str
    device: str
    field: str
    measurand: Measurand
    slot: int
    counts: bool


class DayShare(NamedTuple):
    """What one series gave to one civil day; `low` and `high` mean nothing where nothing came."""

    series: Series
    day: date
    readings: int
    low: int
    high: int
    sums: tuple[int, ...]
    """See `engine.cells`: what they are follows the measurand's kind."""


class Observed(NamedTuple):
    """One observation behind a figure."""

    series: Series
    time_us: int
    ticks: int
    outside: bool
    """Whether it lies before or after the period: a counter's increase is interpolated to the edges."""


class Page(NamedTuple, Generic[T]):
    """Rows in order of time; `next_us` is where the next page begins, None on the last."""

    rows: Sequence[T]
    next_us: int | None


class Evidence:
    """What is behind one figure.

    Args:
        store: a connection, with the registry's ids.
        registry: the city.
        book: of the city, on that connection.
        pack: the catalogue.
        point: the data point.
        period: of the figure.
        zone: position of its zone; None for the city.
        device: code of the only device that is wanted; None for all.

    Raises:
        StoreUnavailable, StoreError
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        book: KpiBook,
        pack: Pack,
        point: DataPoint,
        period: KpiPeriod,
        zone: int | None,
        device: str | None = None,
    ) -> None:
        self._store, self._registry, self._calendar, self._period = store, registry, book.calendar, period
        self._table = registry.series()
        inputs = book.inputs(period)
        self._how: dict[str, Telemetry] = {
            one.code: one.how for one in pack.inputs_of(point) if isinstance(one.how, Telemetry)
        }
        self._stations = {
            code: [one for one in inputs.stations(code, zone) if device in (None, self._device(one))]
            for code in self._how
        }
        self._clocks: dict[str, list[tuple[int, int]]] = {
            code: hour_spans(self._calendar, period, how.hours, how.weekdays) for code, how in self._how.items()
        }
        self._series = [
            one for code, stations in self._stations.items() for each in stations for one in self._of(code, each)
        ]

    def stations(self) -> list[StationShare]:
        """Return every station of every input, those that do not count as well."""
        zones = self._registry.city.zones
        return [
            StationShare(
                code, self._device(one), zones[one.zone].code, one.value, next(iter(one.series)).unit, one.received,
                one.expected, one.counts,
            )
            for code, stations in self._stations.items()
            for one in stations
        ]  # fmt: skip

    def days(self, from_us: int, to_us: int, limit: int) -> Page[DayShare]:
        """Return what each series gave to each civil day, from the stored windows, less what is excluded.

        Args:
            from_us, to_us: of the period; whole civil days that touch it.
            limit: rows; those of one day stay together.
        """
        rows: list[DayShare] = []
        for start_us, end_us in self._civil_days(from_us, to_us):
            rows += self._day(start_us, end_us)
            if len(rows) >= limit:
                return Page(rows, end_us if end_us < min(to_us, self._period.end_us) else None)
        return Page(rows, None)

    def observations(self, from_us: int, to_us: int, limit: int) -> Page[Observed]:
        """Return the observations that were added up, in order of time; excluded ones are none of them.

        Args:
            from_us, to_us: of the period.
            limit: rows; those of one instant stay together, and a counter's neighbours beside the period come on top.
        """
        begin, end = max(from_us, self._period.start_us), min(to_us, self._period.end_us)
        rows = self._beside(later=False) if begin == self._period.start_us else []
        room, step_us = limit + len(rows), self._step_us(limit)
        while begin < end:
            until = min(begin + step_us, end)
            rows += sorted(self._between(begin, until), key=lambda one: (one.time_us, one.series.slot))
            if len(rows) > room:
                next_us = rows[room].time_us
                cut = next((at for at in range(room, 0, -1) if rows[at - 1].time_us != next_us), 0)
                if cut == 0 or rows[cut - 1].outside:  # more at one instant than a page holds: they stay together
                    cut = next((at for at in range(room, len(rows)) if rows[at].time_us != next_us), len(rows))
                    return Page(rows[:cut], next_us + 1)
                return Page(rows[:cut], next_us)
            begin = until
        return Page([*rows, *(self._beside(later=True) if end == self._period.end_us else [])], None)

    # ---- days ------------------------------------------------------------------------------------------------

    def _civil_days(self, from_us: int, to_us: int) -> Iterator[tuple[int, int]]:
        """Give the civil days of the period, cut at its ends, that touch a stretch of time."""
        at = max(from_us, self._period.start_us)
        end = min(to_us, self._period.end_us)
        while at < end:
            start_us, next_us = self._calendar.day_bounds(self._calendar.local(at).date())
            yield max(start_us, self._period.start_us), min(next_us, self._period.end_us)
            at = next_us

    def _day(self, start_us: int, end_us: int) -> list[DayShare]:
        day = self._calendar.local(start_us).date()
        whole = (start_us, end_us) == self._calendar.day_bounds(day)
        found = []
        for code, how in self._how.items():
            of = {one.slot: one for one in self._series if one.code == code}
            slots = np.array(sorted(of), np.int32)
            grid = Grid.DAY if whole and Clock.of(how) == WHOLE else Grid.HOUR
            cells, inside = self._chosen(code, slots, grid, start_us, end_us)
            for slot in slots.tolist():
                at = np.flatnonzero(inside & (cells.slot == slot))
                if at.size:
                    found.append(_merged(of[slot], day, cells, at))
        return found

    def _chosen(
        self, code: str, slots: NDArray[np.int32], grid: Grid, start_us: int, end_us: int
    ) -> tuple[Cells, NDArray[np.bool_]]:
        """Return stored cells, less what is excluded (hours if anything is), and which of them an input adds up."""
        excluded = self._store.excluded_between(slots, start_us, end_us)
        stored = self._store.load_cells_of(Grid.HOUR if len(excluded) else grid, slots, start_us, end_us)
        cells = less(stored.cells, excluded) if len(excluded) else stored.cells
        promised = promised_an_hour(self._table, cells.slot)
        enough = 100 * cells.count >= Clock.of(self._how[code]).percent_min * np.minimum(stored.expected, promised)
        return cells, self._inside(code, cells) & enough

    def _inside(self, code: str, cells: Cells) -> NDArray[np.bool_]:
        """Say which cells begin within the hours that an input asks for."""
        spans = np.array(self._clocks[code], np.int64).reshape(-1, 2)
        at = np.searchsorted(spans[:, 0], cells.start_us, "right") - 1
        return np.asarray((at >= 0) & (cells.start_us < spans[np.maximum(at, 0), 1]), np.bool_)

    # ---- observations ----------------------------------------------------------------------------------------

    def _step_us(self, limit: int) -> int:
        """Return how far to read at a time, so that it is about a page."""
        intervals = [self._registry.devices[one.device].interval_us for of in self._stations.values() for one in of]
        per_hour = sum(HOUR_US / max(interval, 1) for interval in intervals if interval)
        hours = int(limit / per_hour) if per_hour else 24 * STEP_DAYS_MAX
        return min(max(hours, 1), 24 * STEP_DAYS_MAX) * HOUR_US

    def _between(self, from_us: int, to_us: int) -> Iterator[Observed]:
        for code, spans in self._clocks.items():
            of = {one.slot: one for one in self._series if one.code == code}
            cut = [(max(a, from_us), min(b, to_us)) for a, b in spans if a < to_us and b > from_us]
            asked = [(slot, a, b) for slot in sorted(of) for a, b in cut]
            if asked and Clock.of(self._how[code]).percent_min:
                asked = self._full_hours(code, sorted(of), from_us, to_us)
            if asked:
                wanted = Spans.of(*zip(*asked, strict=True))
                batch = self._store.observations(wanted)
                batch = batch.take(~left_out(batch, self._store.flags_of(wanted)))
                for slot, at, ticks in zip(
                    batch.slot.tolist(), batch.time_us.tolist(), batch.ticks.tolist(), strict=True
                ):
                    yield Observed(of[slot], at, ticks, False)

    def _full_hours(self, code: str, slots: list[int], from_us: int, to_us: int) -> list[tuple[int, int, int]]:
        """Return of each slot the parts of a stretch of time that lie in hours with enough readings."""
        first_us = int(self._calendar.start_of(Grid.HOUR, np.array([from_us], np.int64))[0])
        cells, chosen = self._chosen(code, np.array(slots, np.int32), Grid.HOUR, first_us, to_us)
        starts, of = cells.start_us[chosen], cells.slot[chosen]
        begin, end = np.maximum(starts, from_us), np.minimum(self._calendar.end_of(Grid.HOUR, starts), to_us)
        return list(zip(of.tolist(), begin.tolist(), end.tolist(), strict=True))

    def _beside(self, *, later: bool) -> list[Observed]:
        """Return of each counter the reading next to the period, before it or after it."""
        edge = self._period.end_us if later else self._period.start_us
        found = []
        for one in self._series:
            if one.measurand.kind is not Kind.COUNTER:
                continue
            batch = self._store.observations(Spans.of([one.slot], [edge], [edge]), neighbours=True)
            for at, ticks in zip(batch.time_us.tolist(), batch.ticks.tolist(), strict=True):
                if (at >= edge) is later:
                    found.append(Observed(one, at, ticks, True))
        return sorted(found, key=lambda each: (each.time_us, each.series.slot))

    def _of(self, code: str, one: StationFigure) -> Iterator[Series]:
        for measurand, slots in one.series.items():
            for slot in slots:
                field = self._registry.field_of(slot, one.device).name
                yield Series(code, self._device(one), field, measurand, slot, one.counts)

    def _device(self, one: StationFigure) -> str:
        return self._registry.devices[one.device].code


def _merged(series: Series, day: date, cells: Cells, at: NDArray[np.intp]) -> DayShare:
    count = cells.count[at]
    came = at[count > 0]
    low = int(cells.low[came].min()) if came.size else 0
    high = int(cells.high[came].max()) if came.size else 0
    return DayShare(series, day, int(count.sum()), low, high, tuple(int(x) for x in cells.sums[at].sum(axis=0)))
