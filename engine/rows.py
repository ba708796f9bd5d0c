"""Rows of a table as integer columns, and the line by which each is told; what is stored against what should be.

Knows columns, and names for ids; knows neither where rows come from nor how they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices import TIME_MIN_US, Registry, Rule
from engine.cells import Cells
from engine.figures import DECISION_NAMES
from engine.indicators import INDICATORS
from engine.quality import Flags
from engine.spans import LastReadings
from engine.store import NO_TICKS, NONE, CellRows, CounterEvent, Difference, Registered, StoredCells, ValueRows

NULL = r"\N"
KINDS = tuple(DECISION_NAMES.values())


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table: int64 matrices, one row each. Every key comes once.

    Attributes:
        key: shape (n, columns of the key).
        figures: shape (n, other columns).
    """

    key: NDArray[np.int64]
    figures: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.key.shape[0])


Line = Callable[[NDArray[np.int64], NDArray[np.int64]], str]
"""From a row's key and figures to its canonical line."""


@dataclass(frozen=True, slots=True)
class Table:
    """What is stored of a table against what should be.

    Attributes:
        name: of the table.
        stored, wanted: both sides.
        missing, extra: positions of rows that only the wanted, or only the stored, side has.
        stored_other, wanted_other: positions, on either side, of rows with one key and different figures.
        line: how a row is told.
    """

    name: str
    stored: Rows
    wanted: Rows
    missing: NDArray[np.intp]
    extra: NDArray[np.intp]
    stored_other: NDArray[np.intp]
    wanted_other: NDArray[np.intp]
    line: Line

    @classmethod
    def of(cls, name: str, stored: Rows, wanted: Rows, line: Line) -> Table:
        """Compare both sides."""
        key = np.concatenate((stored.key, wanted.key))
        of_wanted = np.repeat((False, True), (len(stored), len(wanted)))
        order = np.lexsort((of_wanted, *key.T[::-1]))
        # Of equal keys the stored row comes first and the wanted one right after it.
        twin = (key[order][1:] == key[order][:-1]).all(axis=1)
        alone = np.ones(order.size, np.bool_)
        alone[:-1] &= ~twin
        alone[1:] &= ~twin
        single, first = order[alone], np.flatnonzero(twin)
        here, there = order[first], order[first + 1] - len(stored)
        other = (stored.figures[here] != wanted.figures[there]).any(axis=1)
        missing, extra = single[single >= len(stored)] - len(stored), single[single < len(stored)]
        return cls(name, stored, wanted, missing, extra, here[other], there[other], line)

    @property
    def differs(self) -> bool:
        """Whether any row differs."""
        return bool(self.missing.size or self.extra.size or self.wanted_other.size)

    @property
    def to_write(self) -> NDArray[np.intp]:
        """Positions of the wanted rows that are not stored so."""
        return np.concatenate((self.missing, self.wanted_other))

    def differing_keys(self) -> NDArray[np.int64]:
        """Return the keys of all rows that differ."""
        return np.concatenate((self.wanted.key[self.to_write], self.stored.key[self.extra]))

    def differences(self) -> Iterator[Difference]:
        """Give every difference, as lines."""
        for at in self.missing.tolist():
            yield Difference("missing", "", self.line(self.wanted.key[at], self.wanted.figures[at]))
        for at in self.extra.tolist():
            yield Difference("extra", self.line(self.stored.key[at], self.stored.figures[at]), "")
        for here, there in zip(self.stored_other.tolist(), self.wanted_other.tolist(), strict=True):
            found = self.line(self.stored.key[here], self.stored.figures[here])
            yield Difference("differs", found, self.line(self.wanted.key[there], self.wanted.figures[there]))


def filled(cells: Cells, among: NDArray[np.bool_]) -> Cells:
    """Return those cells that hold a reading or any sum; the others are the same as none."""
    mask = among & ((cells.count != 0) | cells.sums.any(axis=1))
    columns = (cells.slot, cells.start_us, cells.count, cells.low, cells.high, cells.sums)
    return Cells(*(column[mask] for column in columns))


def rows_of_cells(cells: CellRows | StoredCells) -> Rows:
    """Return cells as rows; one without a reading and without any sum is none."""
    of = cells.cells
    mask = (of.count != 0) | of.sums.any(axis=1)
    key = np.column_stack((of.slot.astype(np.int64), of.start_us))
    figures = np.column_stack((of.count, of.low, of.high, of.sums, cells.expected))
    return Rows(key[mask], figures[mask])


def rows_of_values(values: ValueRows) -> Rows:
    """Return results as rows."""
    key = np.column_stack((values.indicator_id.astype(np.int64), values.scope_id.astype(np.int64), values.start_us))
    columns = (values.ticks, values.band, values.driver, values.received, values.expected)
    return Rows(key, np.column_stack([column.astype(np.int64) for column in columns]))


def rows_of_events(events: Sequence[CounterEvent]) -> Rows:
    """Return counter events as rows; the kind by its position."""
    key = np.array([(one.slot, one.time_us) for one in events], np.int64).reshape(len(events), 2)
    figures = [(KINDS.index(one.kind), one.before, one.after) for one in events]
    return Rows(key, np.array(figures, np.int64).reshape(len(events), 3))


def rows_of_flags(flags: Flags) -> Rows:
    """Return flags as rows."""
    key = np.column_stack((flags.slot.astype(np.int64), flags.time_us, flags.rule.astype(np.int64)))
    return Rows(key, flags.excluded.astype(np.int64)[:, None])


def rows_of_parts(parts: Cells) -> Rows:
    """Return what is left out of hours as rows; hours of which that is nothing are none."""
    of = parts.count > 0
    key = np.column_stack((parts.slot.astype(np.int64), parts.start_us))
    return Rows(key[of], np.column_stack((parts.count, parts.low, parts.high, parts.sums))[of])


def rows_of_newest(last: LastReadings, from_us: int) -> Rows:
    """Return the newest readings of series, those from a time on, as rows."""
    slot = np.flatnonzero(last.time_us >= max(from_us, TIME_MIN_US + 1))
    return Rows(slot[:, None].astype(np.int64), np.column_stack((last.time_us, last.ticks))[slot])


class Names:
    """The canonical lines of rows.

    Args:
        registry, registered: the city, and the store's ids of it.
    """

    def __init__(self, registry: Registry, registered: Registered) -> None:
        self._field = [
            f"{device.code}\t{field.name}" for device in registry.devices for field in registry.model_of(device).fields
        ]
        self._indicator = {
            int(number): f"{one.code}\t{one.window.name.lower()}"
            for number, one in zip(registered.indicator_id, INDICATORS, strict=True)
        }
        self._scope = {registered.city_scope: f"city\t{registry.city.code}"}
        for number, zone in zip(registered.zone_scope, registry.city.zones, strict=True):
            self._scope[int(number)] = f"zone\t{zone.code}"
        for number, device in zip(registered.station_scope, registry.devices, strict=True):
            self._scope[int(number)] = f"station\t{device.code}"
        self._driver = {
            int(number): one.code
            for number, one in zip(registered.measurand_id, registry.catalogue.measurands, strict=True)
        }

    def knows(self, values: ValueRows) -> NDArray[np.bool_]:
        """Say which results are of indicators and scopes that the city and this version have."""
        known = np.isin(values.indicator_id, list(self._indicator))
        return np.asarray(known & np.isin(values.scope_id, list(self._scope)))

    def cell(self, key: NDArray[np.int64], figures: NDArray[np.int64]) -> str:
        """Return the line of a cell."""
        slot, start_us = key.tolist()
        return "\t".join((self._field[slot], str(start_us), *map(str, figures.tolist())))

    def newest(self, key: NDArray[np.int64], figures: NDArray[np.int64]) -> str:
        """Return the line of a newest reading."""
        return "\t".join((self._field[int(key[0])], *map(str, figures.tolist())))

    def flag(self, key: NDArray[np.int64], figures: NDArray[np.int64]) -> str:
        """Return the line of a flag."""
        slot, time_us, rule = key.tolist()
        return "\t".join((self._field[slot], str(time_us), Rule(rule).name.lower(), str(int(figures[0]))))

    def event(self, key: NDArray[np.int64], figures: NDArray[np.int64]) -> str:
        """Return the line of a counter event."""
        slot, time_us = key.tolist()
        kind, before, after = figures.tolist()
        return "\t".join((self._field[slot], str(time_us), KINDS[kind], str(before), str(after)))

    def value(self, key: NDArray[np.int64], figures: NDArray[np.int64]) -> str:
        """Return the line of a result."""
        indicator, scope, start_us = key.tolist()
        ticks, band, driver, received, expected = figures.tolist()
        return "\t".join(
            (
                self._indicator[indicator], self._scope[scope], str(start_us),
                NULL if ticks == NO_TICKS else str(ticks), str(band) if band else NULL,
                NULL if driver == NONE else self._driver.get(driver, str(driver)), str(received), str(expected),
            )
        )  # fmt: skip
