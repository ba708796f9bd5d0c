"""Which figures a change of cells touches, and what they become.

Knows the catalogue and the series of one worker. Reads cells through a `WindowReader`, keeps no clock, writes nothing,
and decides neither what is final nor which revision it is.

A station's figure of a window depends on cells alone, never on when it is asked for: an index needs a reading in the
window itself, so an hour that has none gets no figure by merely being looked at later. Zones and the city are computed
from the published figures of their stations, so that a reader can do the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.measurands import Measurand
from devices.series import SeriesTable
from engine.calendar import HOUR_US, MINUTE_US, Calendar, expected
from engine.cells import Cells, Grid
from engine.indicators import pooling
from engine.indicators.catalogue import INDICATORS
from engine.indicators.columns import state_share, total, vector_mean
from engine.indicators.definition import HourColumns, Hours, Indicator, Profile, Sums
from engine.indicators.plan import Plan, plan, thrifty
from engine.indicators.recent import RecentHours
from engine.indicators.work import Exclusions, Item, Known, Required, Results, WindowReader, Work
from engine.spans import Keys

DIRTY_CELLS_MAX = 1_000_000
"""Dirty hour cells of one call of `affected`; beyond it the caller is asked to split them."""

KNOWN_WINDOWS_MAX = 512
"""Windows of indices whose figures are remembered, so that one station's reading does not recompute all stations. The
least recently used goes first; it is computed anew from all stations when it is needed again."""

ROWS_MAX = 100_000
"""Cells gathered at once, 8 MB."""

COLUMNS_STATIONS_MIN = 8
"""Fewer stations of one window are quicker computed one by one than in columns."""

VANISHING = (total, state_share, vector_mean)
"""Statistics whose figure a late reading can take away: shares of a pair of readings where no reading lies, and vectors
that cancel out."""


class Evaluator:
    """Figures of one worker's series, for stations, zones and the city.

    Evaluate each `Work` (all its parts) before asking for the next one: what is remembered of the indices would
    otherwise miss its changes. A `Work` that could not be finished may be evaluated again, or its cells be given to
    `affected` again.

    Args:
        series: the worker's series.
        measurands: the measurand catalogue, in the order of `series.measurand`.
        zone_count: zones of the city.
        device_count: devices of the registry.
        calendar: of the city.
        catalogue: the definitions; their order is the `indicator` of the results.
        traffic: bool per device, whether it stands at traffic (European AQI); none do when left out.
        known_windows_max: see `KNOWN_WINDOWS_MAX`.
        recent: the newest hours, where another evaluator of the same cells shares them.

    Attributes:
        catalogue: as given.
        forgotten: windows of indices that were dropped from memory because there were too many.

    Raises:
        PlanError: a definition cannot be computed from the measurands.
    """

    def __init__(
        self,
        series: SeriesTable,
        measurands: Sequence[Measurand],
        *,
        zone_count: int,
        device_count: int,
        calendar: Calendar,
        catalogue: Sequence[Indicator] = INDICATORS,
        traffic: NDArray[np.bool_] | None = None,
        known_windows_max: int = KNOWN_WINDOWS_MAX,
        recent: RecentHours | None = None,
    ) -> None:
        self.catalogue = tuple(catalogue)
        self.forgotten = 0
        self._series = series
        self._zone_count = zone_count
        self._calendar = calendar
        self._known: OrderedDict[tuple[int, int], Known] = OrderedDict()
        self._known_windows_max = known_windows_max
        self._recent = RecentHours(len(series)) if recent is None else recent
        self._serial = 0
        self._measurands = len(measurands)
        # Of the window of each definition that was last computed alone: it is the open one, minute after minute.
        self._dues: dict[int, tuple[tuple[tuple[int, int], ...], NDArray[np.int64], NDArray[np.int64]]] = {}
        at_traffic = np.zeros(device_count, np.bool_) if traffic is None else traffic
        self._plans = thrifty(plan(i, d, series, measurands, at_traffic) for i, d in enumerate(self.catalogue))

    def affected(self, slots: NDArray[np.int32], hour_starts_us: NDArray[np.int64], *, latest_us: int) -> Work:
        """Return the windows to compute after these hour cells changed.

        Args:
            slots, hour_starts_us: the changed cells, one per row, in any order, repeated or not.
            latest_us: start of the newest hour that has data; a look-back does not reach beyond it.

        Raises:
            ValueError: more than `DIRTY_CELLS_MAX` cells; give them in pieces, one `Work` after the other.
        """
        if slots.size > DIRTY_CELLS_MAX:
            raise ValueError(f"{slots.size} dirty cells, {DIRTY_CELLS_MAX} at most: give them in pieces")
        self._serial += 1
        if not slots.size:
            return Work((), self._serial)
        hours, hour_at = _numbered(hour_starts_us)
        latest = max(int(latest_us), int(hours[-1]))
        self._recent.changed(slots, hour_starts_us, latest)
        reach: dict[tuple[Grid, int], list[list[int]]] = {}
        items: list[Item] = []
        by_measurand = self._by_measurand(slots)
        for made in self._plans:
            some = np.concatenate([by_measurand[code] for code in made.measurand.tolist()])
            station = made.station_of_slot[slots[some]]
            touched = some[station >= 0]
            if not touched.size:
                continue
            window, lookback = made.indicator.window, made.indicator.lookback_hours
            if (window, lookback) not in reach:
                reach[window, lookback] = self._reach(window, lookback, hours, latest)
            pairs = _ascending(hour_at[touched] * made.stations + station[station >= 0])
            items += self._items(made, pairs, reach[window, lookback])
        return Work(tuple(items), self._serial)

    def required(self, work: Work, *, remembered: bool = False) -> Iterator[Required]:
        """Give the cells that evaluating this work will read, some at a time: of a large city they are millions.

        Args:
            work: what is to be computed.
            remembered: also those that it need not read again; what is left out of them may be another than it was.
        """
        wanted: dict[Grid, list[tuple[NDArray[np.int32], NDArray[np.int64]]]] = {}
        rows = 0
        for grid, slots, starts in self._read(work, remembered):
            if rows and rows + slots.size > ROWS_MAX:
                yield _joined(wanted)
                wanted, rows = {}, 0
            wanted.setdefault(grid, []).append((slots, starts))
            rows += slots.size
        if wanted:
            yield _joined(wanted)

    def _read(self, work: Work, remembered: bool) -> Iterator[tuple[Grid, NDArray[np.int32], NDArray[np.int64]]]:
        """Give slots and starts of the cells of `required`, window after window."""
        for item in work.items:
            made = self._plans[item.definition]
            if not made.indicator.reads_hours:
                yield made.grid, made.slots, np.full(made.slots.size, item.start_us, np.int64)
                continue
            stations = item.stations if item.base is not None else np.arange(made.stations, dtype=np.intp)
            slots = made.slots[made.rows_of(stations)]
            every = ((start, slots) for start in item.hours_us.tolist())
            for start, some in every if remembered else self._recent.lacking(slots, item.hours_us):
                yield made.grid, some, np.full(some.size, start, np.int64)

    def evaluate(self, work: Work, reader: WindowReader, exclusions: Exclusions | None = None) -> Results:
        """Return the figures of all changed stations, their zones and the city, with coverage.

        Args:
            work: what is to be computed.
            reader: has the cells that it requires.
            exclusions: has been brought what is left out of them; nothing is without.

        Raises:
            ValueError: the work is not of the last call of `affected`.
        """
        if work.serial != self._serial:
            raise ValueError("this work was followed by another one: give its cells to `affected` again")
        parts: list[Results] = []
        known: dict[tuple[int, int], Known] = {}
        for items in self._batches(work):
            made = self._plans[items[0].definition]
            if not made.indicator.reads_hours:
                figures = self._statistic(made, items, reader, exclusions)
            else:
                each = self._from_hours(made, items, reader, exclusions)
                known.update({(one.definition, one.start_us): found for one, found in zip(items, each, strict=True)})
                figures = Known(*(np.stack([getattr(k, name) for k in each]) for name in Known.__dataclass_fields__))
            parts.append(self._published(made, items, figures))
        self._remember(known)
        return Results.concat(parts)

    def _batches(self, work: Work) -> Iterator[list[Item]]:
        """Give the windows of one definition after the other, so many at once as `ROWS_MAX` cells allow."""
        items: list[Item] = []
        rows = 0
        for item in work.items:
            size = self._plans[item.definition].slots.size * max(item.hours_us.size, 1)
            if items and (item.definition != items[0].definition or rows + size > ROWS_MAX):
                yield items
                items, rows = [], 0
            items.append(item)
            rows += size
        if items:
            yield items

    def forget(self) -> None:
        """Drop all that is remembered: after cells changed without `affected` having been told."""
        self._known.clear()
        self._recent.forget()

    def _by_measurand(self, slots: NDArray[np.int32]) -> list[NDArray[np.intp]]:
        """Return, for each measurand, where its slots stand: a definition looks at those of its inputs alone."""
        measurand = self._series.measurand[slots]
        order = np.argsort(measurand, kind="stable")
        return np.split(order, np.searchsorted(measurand[order], np.arange(1, self._measurands)))

    def _reach(self, window: Grid, lookback: int, hours: NDArray[np.int64], latest: int) -> list[list[int]]:
        """Return, for each of these hours (ascending), the starts of the windows that read it, up to the newest one."""
        # Every hour window lasts at most an hour, so this span holds at least lookback + 1 of them.
        end_us = np.maximum(np.minimum(hours + (lookback + 1) * HOUR_US, latest + 1), hours + 1)
        line = self._calendar.starts(Grid.HOUR, int(hours[0]), int(end_us[-1]))
        first = np.searchsorted(line, hours)
        last = np.minimum(np.searchsorted(line, end_us), first + lookback + 1)
        starts = line if window is Grid.HOUR else self._calendar.start_of(window, line)
        cuts = zip(first.tolist(), last.tolist(), strict=True)
        return [list(dict.fromkeys(starts[begin:end].tolist())) for begin, end in cuts]

    def _items(self, made: Plan, pairs: NDArray[np.int64], reach: list[list[int]]) -> list[Item]:
        """Return one item per window from (hour position * stations + station), sorted."""
        hour_of, station_of = np.divmod(pairs, made.stations)
        cuts = np.flatnonzero(np.diff(hour_of)) + 1
        touched: dict[int, list[NDArray[np.int64]]] = {}
        for hour, stations in zip(hour_of[np.r_[0, cuts]].tolist(), np.split(station_of, cuts), strict=True):
            for start in reach[hour]:
                touched.setdefault(start, []).append(stations)
        starts = np.array(sorted(touched), np.int64)
        ends = self._calendar.end_of(made.indicator.window, starts)
        items = []
        for start, end, (hours, own) in zip(
            starts.tolist(), ends.tolist(), self._hours(made.indicator, starts, ends), strict=True
        ):
            groups = touched[start]
            stations = groups[0] if len(groups) == 1 else np.unique(np.concatenate(groups))
            base = self._known.get((made.definition, start)) if own else None
            items.append(Item(made.definition, start, end, stations.astype(np.intp), hours, own, base))
        return items

    def _hours(
        self, indicator: Indicator, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> list[tuple[NDArray[np.int64], int]]:
        """Return, for each window (ascending), the hours it is made of and how many are the window itself."""
        if not indicator.reads_hours:
            return [(np.empty(0, np.int64), 0)] * starts.size
        lookback = indicator.lookback_hours
        line = self._calendar.starts(Grid.HOUR, int(starts[0]) - lookback * HOUR_US, int(ends.max()))
        first, last = np.searchsorted(line, starts), np.searchsorted(line, ends)
        cuts = zip(first.tolist(), last.tolist(), strict=True)
        return [(line[max(begin - lookback, 0) : end], end - begin) for begin, end in cuts]

    def _statistic(self, made: Plan, items: list[Item], reader: WindowReader, exclusions: Exclusions | None) -> Known:
        """Return the figures of all stations in all these windows: arrays of shape (windows, stations)."""
        starts = np.array([item.start_us for item in items], np.int64)
        slots, start_us = np.tile(made.slots, starts.size), np.repeat(starts, made.slots.size)
        cells = reader.gather(made.grid, slots, start_us)
        count, sums = made.sums_by_station(cells, starts.size)
        if made.indicator.statistic is None or made.single is None:
            raise TypeError(f"{made.indicator.name} is no statistic")
        ticks, known, _ = made.indicator.statistic(Sums(count, sums, made.single), made.indicator)
        possible = known
        part = None if exclusions is None else exclusions.at(made.grid, slots, start_us)
        if part is not None:
            out = made.sums_by_station(
                Cells(slots, start_us, part.number, cells.low, cells.high, part.sums), starts.size
            )
            count, sums = _less(count, sums, *out)
            ticks, known, _ = made.indicator.statistic(Sums(count, sums, made.single), made.indicator)
        shape = (starts.size, made.stations)
        return Known(
            np.where(known, ticks, 0).reshape(shape),
            known.reshape(shape),
            np.zeros(shape, np.int8),
            count.reshape(shape),
            possible.reshape(shape),
        )

    def _from_hours(
        self, made: Plan, items: list[Item], reader: WindowReader, exclusions: Exclusions | None
    ) -> list[Known]:
        """Return the figures of all stations in each of these windows, computing those that changed."""
        anew = any(item.base is None for item in items)
        stations = (
            np.arange(made.stations, dtype=np.intp)
            if anew
            else np.unique(np.concatenate([item.stations for item in items]))
        )
        line = np.unique(np.concatenate([item.hours_us for item in items]))
        clock = self._calendar.hour_of_day(line)
        minutes = (self._calendar.end_of(Grid.HOUR, line) - line) // MINUTE_US
        found = [Known.nothing(made.stations) if item.base is None else item.base.copy() for item in items]
        for some in _some(made, line, stations):
            slots = made.slots[made.rows_of(some)]
            count, sums = _by_input(made, some, *self._recent.read(reader, slots, line))
            out = None if exclusions is None else _left_out(made, some, line, exclusions)
            for item, figures in zip(items, found, strict=True):
                every = item.base is None or item.stations.size == made.stations
                changed = some if every else np.intersect1d(item.stations, some, assume_unique=True)
                if not changed.size:
                    continue
                rows: slice | NDArray[np.intp] = slice(None)
                if changed.size < some.size:
                    rows = np.searchsorted(some, changed)
                # The hours of a window follow each other without a gap, and so they do in the line of all hours.
                begin = int(np.searchsorted(line, item.hours_us[0]))
                hours = slice(begin, begin + item.hours_us.size)
                of = count[rows, :, hours], sums[rows, :, hours]
                span = _Span(item.own, clock[hours], minutes[hours])
                if out is None:
                    _compute(made, span, changed, *of, figures)
                else:
                    less = out[0][rows, :, hours], out[1][rows, :, hours]
                    _compute(made, span, changed, *_less(*of, *less), figures)
                    _possible(made, span, changed, *of, np.asarray(less[0].any(axis=(1, 2))), figures)
        return found

    def _published(self, made: Plan, items: list[Item], figures: Known) -> Results:
        """Return the rows of the changed stations, their zones and the city for these windows."""
        indicator, windows, zones = made.indicator, len(items), self._zone_count
        starts = np.array([item.start_us for item in items], np.int64)
        changed = np.zeros((windows, made.stations), np.bool_)
        for row, item in enumerate(items):
            changed[row, item.stations] = True
        due, due_of_scope = self._owed(made, items)
        driver = made.measurand[figures.driver] if indicator.index is not None else np.full(changed.shape, -1, np.int16)

        # Scope 0 is the city, then the zones: every station counts in both.
        scopes = pooling.pool(indicator, figures.ticks, figures.known, driver, made.zone, zones)
        received = pooling.added(figures.received, made.zone, zones)
        touched = pooling.added(changed.astype(np.int64), made.zone, zones) > 0
        # Where only excluded readings would give a figure, one that was stored before is taken away.
        possible = pooling.added(figures.possible.astype(np.int64), made.zone, zones) > 0

        vanishing = indicator.statistic in VANISHING
        window, scope = np.nonzero(touched & (scopes.known | possible | vanishing))
        at, station = np.nonzero(changed & (figures.possible | vanishing))
        known = np.concatenate([scopes.known[window, scope], figures.known[at, station]])
        ticks = np.concatenate([scopes.ticks[window, scope], figures.ticks[at, station]])
        decided = np.concatenate([scopes.driver[window, scope], driver[at, station]])
        rows = Results(
            np.full(known.size, made.definition, np.int16),
            np.concatenate([scope, made.device[station] + (zones + 1)]).astype(np.int32),
            starts[np.concatenate([window, at])],
            known,
            ticks,
            np.where(known, indicator.band_of(ticks), 0).astype(np.int8),
            np.where(known, decided, -1).astype(np.int16),
            np.concatenate([received[window, scope], figures.received[at, station]]),
            np.concatenate([due_of_scope[window, scope], due[at, station]]),
        )
        # Of one window zones and stations ascend already.
        return rows if windows == 1 else rows.take(np.lexsort((rows.scope, rows.start_us)))

    def _owed(self, made: Plan, items: list[Item]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how many readings the stations, and the city and its zones, owe in these windows."""
        windows = tuple((item.start_us, item.end_us) for item in items)
        known = self._dues.get(made.definition)
        if known is not None and known[0] == windows:
            return known[1:]
        starts, ends = (np.repeat(np.array(edges, np.int64), made.slots.size) for edges in zip(*windows, strict=True))
        owed = expected(self._series, np.tile(made.slots, len(windows)), starts, ends)
        due = made.by_station(owed.reshape(len(windows), made.slots.size))
        of_scope = pooling.added(due, made.zone, self._zone_count)
        if len(windows) == 1:
            self._dues[made.definition] = windows, due, of_scope
        return due, of_scope

    def _remember(self, known: dict[tuple[int, int], Known]) -> None:
        for key, figures in known.items():
            self._known[key] = figures
            self._known.move_to_end(key)
        while len(self._known) > self._known_windows_max:
            self._known.popitem(last=False)
            self.forgotten += 1


class _Span(NamedTuple):
    """The hours that one window is made of.

    Attributes:
        own: how many, at the end, are the window itself.
        clock, minutes: int64, per hour what the city's clock shows when it begins, and how long it lasts.
    """

    own: int
    clock: NDArray[np.int64]
    minutes: NDArray[np.int64]


def _compute(
    made: Plan,
    span: _Span,
    stations: NDArray[np.intp],
    count: NDArray[np.int64],
    sums: NDArray[np.int64],
    figures: Known,
) -> None:
    """Compute these station rows of one window by the definition's formula, as if nothing had been left out.

    Args:
        made: the definition.
        span: the window's hours.
        stations: station rows, ascending.
        count, sums: int64, shape (these stations, inputs, hours).
        figures: changed in place.
    """
    if made.single is None:
        _index(made, span.own, stations, count, sums, figures)
        figures.possible[stations] = figures.known[stations]
    else:
        of = Profile(count[:, 0], sums[:, 0], span.clock, span.minutes, span.own, made.single)
        _profile(made, stations, of, figures)


def _profile(made: Plan, stations: NDArray[np.intp], of: Profile, figures: Known) -> None:
    formula = made.indicator.profile
    if formula is None:
        raise TypeError(f"{made.indicator.name} has no profile")
    received = of.count[:, -of.own :].sum(axis=1)
    ticks, known, told = formula(of, made.indicator)
    heard = received > 0
    figures.received[stations] = received
    figures.known[stations] = known & heard
    figures.ticks[stations] = np.where(known & heard, ticks, 0)
    figures.possible[stations] = heard & (known if told is None else told)


def _index(
    made: Plan, own: int, stations: NDArray[np.intp], count: NDArray[np.int64], sums: NDArray[np.int64], figures: Known
) -> None:
    """Compute these station rows of one window, whose last `own` hours are the window itself.

    Args:
        made: the definition.
        own: hours.
        stations: station rows, ascending.
        count, sums: int64, shape (these stations, inputs, hours).
        figures: changed in place.
    """
    formula = made.indicator.index
    if formula is None:
        raise TypeError(f"{made.indicator.name} is no index")
    received = count[:, :, -own:].sum(axis=2)
    figures.received[stations] = received.sum(axis=1)
    figures.known[stations] = False
    figures.ticks[stations] = 0
    rows = np.flatnonzero(made.complete(stations, received))
    if made.indicator.columns is not None and rows.size >= COLUMNS_STATIONS_MIN:
        of = HourColumns(
            count[rows], sums[rows], tuple(one.up for one in made.factors), tuple(one.down for one in made.factors)
        )
        found = made.indicator.columns(of, own)
        told = found.sure & found.known
        at = stations[rows[told]]
        figures.ticks[at], figures.driver[at], figures.known[at] = found.ticks[told], found.driver[told], True
        rows = rows[~found.sure]
    for station, station_count, station_sums in zip(
        stations[rows].tolist(), count[rows].tolist(), sums[rows].tolist(), strict=True
    ):
        hours = {
            one.code: Hours(station_sums[one.position], station_count[one.position], one.up, one.down)
            for one in made.inputs[station]
        }
        figure = formula(hours, own)
        if figure is not None:
            figures.ticks[station], figures.driver[station] = figure
            figures.known[station] = True


def _possible(
    made: Plan,
    span: _Span,
    stations: NDArray[np.intp],
    count: NDArray[np.int64],
    sums: NDArray[np.int64],
    less: NDArray[np.bool_],
    figures: Known,
) -> None:
    """Say of these station rows whether there would be a figure if nothing were left out.

    Args:
        made, span, stations, count, sums, figures: as for `_compute`, nothing left out.
        less: bool per station row, whether anything is left out.
    """
    if less.any():
        whole = Known.nothing(made.stations)
        _compute(made, span, stations[less], count[less], sums[less], whole)
        figures.possible[stations[less]] |= whole.possible[stations[less]]


def _some(made: Plan, hours_us: NDArray[np.int64], stations: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return station rows (ascending) in portions, of which each has at most about `ROWS_MAX` cells in these hours."""
    cells = made.slots.size * hours_us.size * stations.size // max(made.stations, 1)
    return np.array_split(stations, max(-(-cells // ROWS_MAX), 1))


def _ascending(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distinct values in order, as which they mostly come."""
    return values if (values[1:] > values[:-1]).all() else np.unique(values)


def _numbered(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct values in order, mostly a single one, and where each of the values stands among them."""
    if (values == values[0]).all():
        return values[:1], np.zeros(values.size, np.int64)
    distinct, at = np.unique(values, return_inverse=True)
    return distinct, at.astype(np.int64)


def _joined(wanted: Mapping[Grid, list[tuple[NDArray[np.int32], NDArray[np.int64]]]]) -> Required:
    """Return the cells that are named."""
    return {
        grid: Keys(np.concatenate([slots for slots, _ in parts]), np.concatenate([starts for _, starts in parts]))
        for grid, parts in wanted.items()
    }


def _less(
    count: NDArray[np.int64], sums: NDArray[np.int64], out_count: NDArray[np.int64], out_sums: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what is left, never less than nothing: a reading may be excluded a moment before its window counts it."""
    left = np.maximum(count - out_count, 0)
    some = left > 0
    return left, np.where(some if sums.ndim == count.ndim else some[..., None], sums - out_sums, 0)


def _left_out(
    made: Plan, stations: NDArray[np.intp], hours_us: NDArray[np.int64], exclusions: Exclusions
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return what is left out of these station rows (ascending), as `_by_input`; None where it is nothing of any."""
    slots = made.slots[made.rows_of(stations)]
    part = exclusions.at(made.grid, np.repeat(slots, hours_us.size), np.tile(hours_us, slots.size))
    if part is None:
        return None
    shape = (slots.size, hours_us.size)
    return _by_input(made, stations, part.number.reshape(shape), part.sums[:, 0].reshape(shape))


def _by_input(
    made: Plan, stations: NDArray[np.intp], count: NDArray[np.int64], sums: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return count and sum of shape (stations, inputs, hours) for these station rows (ascending).

    Args:
        made: the definition.
        stations: station rows.
        count, sums: of their slots, shape (slots, hours).
    """
    if made.slots.size == made.stations and len(made.indicator.inputs) == 1:
        return count[:, None, :], sums[:, None, :]
    rows = made.rows_of(stations)
    shape = (stations.size, len(made.indicator.inputs), count.shape[1])
    counted, summed = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    where = np.searchsorted(stations, made.slot_station[rows]), made.slot_input[rows]
    # A station may have two series of one measurand: their readings count together.
    np.add.at(counted, where, count)
    np.add.at(summed, where, sums)
    return counted, summed
