"""From the windows of all series to the figures of stations, zones and the city.

Knows definitions, stations and windows; knows no readings and no text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from devices import Measurand, Registry
from simulators.truth import day_course, pooling
from simulators.truth.cells import SUMS, Cells
from simulators.truth.city_clock import CityClock
from simulators.truth.definitions import DEFINITIONS, Definition, What
from simulators.truth.indices import FORMULAS, LOOK_BACK, Hours
from simulators.truth.scales import exact, levels, nearest_even
from simulators.truth.series import Series, due

SITE, TRAFFIC = "site", "traffic"
"""Column of a device, and its value, that say that it stands at traffic."""

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Windows of one measurand by station, ordered by station and start; `sums` has shape (n, SUMS)."""

    station: Whole
    start_us: Whole
    end_us: Whole
    count: Whole
    sums: Whole

    def take(self, index: NDArray[np.bool_]) -> Rows:
        """Return some of the rows."""
        return Rows(self.station[index], self.start_us[index], self.end_us[index], self.count[index], self.sums[index])

    @classmethod
    def of(cls, station: int, cells: Cells) -> Rows:
        """Return the windows of one series."""
        return cls(np.full(len(cells), station, np.int64), cells.start_us, cells.end_us, cells.count, cells.sums)

    @classmethod
    def merged(cls, parts: Sequence[Rows]) -> Rows:
        """Return rows in order, those of one station and window added up."""
        parts = [part for part in parts if part.station.size]
        if not parts:
            none = np.empty(0, np.int64)
            return cls(none, none, none, none, np.empty((0, SUMS), np.int64))
        columns = (np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(cls))
        station, start_us, end_us, count, sums = columns
        order = np.lexsort((start_us, station))
        station, start_us = station[order], start_us[order]
        first = np.flatnonzero(np.append(True, (np.diff(station) != 0) | (np.diff(start_us) != 0)))
        return cls(
            station[first], start_us[first], end_us[order][first],
            np.add.reduceat(count[order], first), np.add.reduceat(sums[order], first, axis=0),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Published:
    """What one definition says of one scope: columns in the order of time.

    Attributes:
        definition: the definition.
        kind, scope: `city`, `station` or `zone`, and its code.
        start_us: of the window.
        known: whether there is a figure.
        ticks: the figure.
        driver: position of the deciding input; negative where that has no meaning.
        received, expected: readings in the window.
    """

    definition: Definition
    kind: str
    scope: str
    start_us: Whole
    known: NDArray[np.bool_]
    ticks: Whole
    driver: Whole
    received: Whole
    expected: Whole


class Stock:
    """The windows of all series, kept by measurand until figures are made of them.

    Args:
        registry: of the city.
        series: all series.
    """

    def __init__(self, registry: Registry, series: Sequence[Series]) -> None:
        self._registry, self._series = registry, series
        used = {code for definition in DEFINITIONS for code in definition.inputs}
        self._parts: dict[tuple[str, str], list[Rows]] = {
            (code, window): [] for code in used for window in ("hour", "day")
        }
        self._at_traffic = np.array([d.attributes.get(SITE) == TRAFFIC for d in registry.devices], np.bool_)
        self._codes: dict[int, set[str]] = {}
        for one in series:
            self._codes.setdefault(one.station, set()).add(one.measurand.code)

    def add(self, series: Series, hours: Cells, days: Cells) -> None:
        """Keep the windows of one series, where an indicator is made of them."""
        if (series.measurand.code, "hour") in self._parts:
            self._parts[series.measurand.code, "hour"].append(Rows.of(series.station, hours))
            self._parts[series.measurand.code, "day"].append(Rows.of(series.station, days))

    def published(self, clock: CityClock) -> Iterator[Published]:
        """Yield every figure, in the order of the bytes of indicator, window, kind of scope and scope."""
        rows = {key: Rows.merged(parts) for key, parts in self._parts.items()}
        for definition in sorted(DEFINITIONS, key=lambda one: (one.code.encode(), one.window.encode())):
            able = [station for station in sorted(self._codes) if self._able(definition, station)]
            found = self._figures(definition, rows, clock, able)
            if len(found):
                yield from self._scopes(definition, found, able)

    def _able(self, definition: Definition, station: int) -> bool:
        needed = definition.needed(bool(self._at_traffic[station]))
        return all(not self._codes[station].isdisjoint(those) for those in needed)

    # ---- stations ------------------------------------------------------------------------------------------------

    def _figures(
        self, definition: Definition, rows: dict[tuple[str, str], Rows], clock: CityClock, able: list[int]
    ) -> pooling.Figures:
        if definition.what in day_course.COURSE:
            return self._course(definition, rows, clock)
        if definition.what is not What.INDEX:
            (code,) = definition.inputs
            one = rows[code, definition.window]
            ticks, known = statistic(definition, one, self._registry.catalogue.by_code[code])
            nobody = np.full(ticks.size, -1, np.int64)
            told = known | definition.can_vanish
            return pooling.Figures(one.station, one.start_us, one.end_us, told, known, ticks, nobody, one.count)
        heard = [rows[code, definition.window] for code in definition.inputs]
        own = Rows.merged([one.take((one.count > 0) & np.isin(one.station, able)) for one in heard])
        return self._indices(definition, rows, clock, own)

    def _course(self, definition: Definition, rows: dict[tuple[str, str], Rows], clock: CityClock) -> pooling.Figures:
        """Return what is made of the hours of every day in which its station has a reading, where there is enough."""
        (code,) = definition.inputs
        hours, days = rows[code, "hour"], rows[code, "day"]
        heard: dict[int, dict[int, tuple[int, int]]] = {}
        columns = (hours.station, hours.start_us, hours.sums[:, 0], hours.count)
        for station, start_us, total, count in zip(*(column.tolist() for column in columns), strict=True):
            if count:
                heard.setdefault(station, {})[start_us] = (total, count)
        decimals = self._registry.catalogue.by_code[code].decimals
        by_start = day_course.days_of(clock)
        told, known = np.zeros(days.station.size, np.bool_), np.zeros(days.station.size, np.bool_)
        ticks = np.zeros(days.station.size, np.int64)
        for row in np.flatnonzero(days.count > 0).tolist():
            of_station, day = heard[int(days.station[row])], by_start[int(days.start_us[row])]
            try:
                found = day_course.figure(definition.what, day, of_station, decimals, definition.decimals)
            except ZeroDivisionError:
                told[row] = definition.can_vanish
                continue
            if found is not None:
                told[row] = known[row] = True
                ticks[row] = found
        nobody = np.full(ticks.size, -1, np.int64)
        return pooling.Figures(days.station, days.start_us, days.end_us, told, known, ticks, nobody, days.count)

    def _indices(
        self, definition: Definition, rows: dict[tuple[str, str], Rows], clock: CityClock, own: Rows
    ) -> pooling.Figures:
        """Return the index of every window in which its station has a reading of an input."""
        ticks, driver = np.full(own.station.size, -1, np.int64), np.full(own.station.size, -1, np.int64)
        first, end = (np.searchsorted(clock.hours_us, edges) for edges in (own.start_us, own.end_us))
        look_back = LOOK_BACK[definition.code]
        for length in np.unique(end - first).tolist():  # days are not equally long
            at = np.flatnonzero(end - first == length)
            places = first[at][:, None] + np.arange(-look_back, length)
            hours, heard = {}, {}
            for code in definition.inputs:
                sums, counts = _hours_at(rows[code, "hour"], own.station[at], places, clock)
                hours[code] = Hours.of(sums, counts, self._registry.catalogue.by_code[code].decimals)
                heard[code] = np.asarray(counts[:, look_back:].any(axis=1))
            subs = np.stack(FORMULAS[definition.code](hours, length), axis=1)
            complete = self._complete(definition, own.station[at], heard)
            ticks[at] = np.where(complete, subs.max(axis=1), -1)
            driver[at] = subs.argmax(axis=1)  # the first of equal ones
        known = ticks >= 0
        return pooling.Figures(own.station, own.start_us, own.end_us, known, known, ticks, driver, own.count)

    def _complete(
        self, definition: Definition, station: Whole, heard: dict[str, NDArray[np.bool_]]
    ) -> NDArray[np.bool_]:
        """Return whether each row's station was heard, in the window itself, of all it needs."""
        at_traffic = self._at_traffic[station]
        by_site = [
            np.all([np.any([heard[code] for code in those], axis=0) for those in definition.needed(site)], axis=0)
            for site in (False, True)
        ]
        return np.asarray(np.where(at_traffic, by_site[True], by_site[False]))

    # ---- zones and the city --------------------------------------------------------------------------------------

    def _scopes(self, definition: Definition, figures: pooling.Figures, able: list[int]) -> Iterator[Published]:
        devices, zones = self._registry.devices, {z.code: i for i, z in enumerate(self._registry.city.zones)}
        zone_of = np.array([zones[device.zone] for device in devices], np.int64)
        stations = figures.take(figures.told)
        for kind, codes, labels, of_scope in (
            ("city", [self._registry.city.code], np.zeros(len(devices), np.int64), figures),
            ("station", [device.code for device in devices], np.arange(len(devices)), stations),
            ("zone", list(zones), zone_of, figures),
        ):
            made = of_scope if kind == "station" else pooling.pooled(definition, of_scope, labels)
            label = labels[made.station] if kind == "station" else made.station
            owing = self._owing(definition, labels, able)
            first = np.searchsorted(label, np.arange(len(codes) + 1))
            for scope in sorted(range(len(codes)), key=lambda i: codes[i].encode()):
                rows = made.take(np.arange(first[scope], first[scope + 1]))
                if len(rows):
                    yield Published(
                        definition, kind, codes[scope], rows.start_us, rows.known, rows.ticks, rows.driver,
                        rows.received, _owed(owing[scope], rows),
                    )  # fmt: skip

    def _owing(
        self, definition: Definition, labels: Whole, able: list[int]
    ) -> dict[int, Counter[tuple[int, int, int]]]:
        """Return per scope how many series owe readings at which interval and between which service dates."""
        found: dict[int, Counter[tuple[int, int, int]]] = {}
        counted = set(able)
        for one in self._series:
            if one.station in counted and one.measurand.code in definition.inputs:
                terms = found.setdefault(int(labels[one.station]), Counter())
                terms[one.interval_us, one.from_us, one.to_us] += 1
        return found


def statistic(definition: Definition, rows: Rows, measurand: Measurand) -> tuple[Whole, NDArray[np.bool_]]:
    """Return the figure of each row, and whether there is one."""
    heard = rows.count > 0
    counts = np.maximum(rows.count, 1)
    up, down = 10**definition.decimals, 10**measurand.decimals
    sums, number = exact(rows.sums, counts)
    if definition.what is What.MEAN:
        return nearest_even(sums[:, 0] * up, number * down).astype(np.int64), heard
    if definition.what is What.TOTAL:
        return nearest_even(sums[:, 0] * up, down).astype(np.int64), heard | (rows.sums[:, 0] != 0)
    if definition.what is What.LEVEL:
        return levels(sums[:, 0], counts, definition.decimals), heard
    if definition.what is What.SHARE:
        held = rows.sums[:, measurand.states.index(definition.state)].astype(object)
        known = rows.sums[:, : len(measurand.states)].sum(axis=1)
        return nearest_even(100 * up * held, np.maximum(known, 1)).astype(np.int64), known > 0
    return pooling.directions(rows.sums[:, 0], rows.sums[:, 1], rows.count, definition.decimals)


def _owed(terms: Counter[tuple[int, int, int]], rows: pooling.Figures) -> Whole:
    total = np.zeros(len(rows), np.int64)
    for (interval_us, from_us, to_us), series in terms.items():
        total += series * due(interval_us, from_us, to_us, rows.start_us, rows.end_us)
    return total


def _hours_at(rows: Rows, station: Whole, places: Whole, clock: CityClock) -> tuple[Whole, Whole]:
    """Return sum and count of stations' hours, named by their position in the clock; zeros where there is none."""
    width = clock.hours_us.size
    held = rows.station * width + np.searchsorted(clock.hours_us, rows.start_us)
    wanted = np.where(places >= 0, station[:, None] * width + places, -1)
    if not held.size:
        return np.zeros_like(wanted), np.zeros_like(wanted)
    at = np.minimum(np.searchsorted(held, wanted), held.size - 1)
    there = held[at] == wanted
    return np.where(there, rows.sums[at, 0], 0), np.where(there, rows.count[at], 0)
