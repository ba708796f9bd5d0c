"""What a definition means for one city: its stations, their slots, and how their cells are added up.

Knows the series of one worker; knows no values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.measurands import Kind, Measurand
from devices.series import SeriesTable
from engine.cells import SUM_COUNT, Cells, Grid
from engine.indicators import columns, profiles
from engine.indicators.definition import HourStatistic, Indicator, Statistic

UG_M3 = {"ug/m3": Fraction(1), "mg/m3": Fraction(1000)}
"""Units in which an index accepts its inputs, as µg/m3."""

KINDS: Mapping[Statistic | HourStatistic, tuple[Kind, ...]] = {
    columns.mean: (Kind.GAUGE,),
    columns.total: (Kind.COUNTER, Kind.EVENT),
    columns.energy_mean: (Kind.LEVEL,),
    columns.vector_mean: (Kind.ANGLE,),
    columns.state_share: (Kind.STATE,),
    profiles.lden: (Kind.LEVEL,),
    profiles.lnight: (Kind.LEVEL,),
    profiles.night_flow: (Kind.COUNTER,),
    profiles.night_flow_lowest: (Kind.COUNTER,),
    profiles.load_factor: (Kind.COUNTER,),
}
"""Kinds of measurand whose sums mean what a statistic reads from them."""

UNITS: Mapping[Statistic | HourStatistic, str] = {
    profiles.night_flow: "{unit}/h",
    profiles.night_flow_lowest: "{unit}/h",
    profiles.load_factor: "%",
}
"""Units of statistics that are not in their measurand's unit."""


class PlanError(ValueError):
    """A definition cannot be computed from the measurands there are."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a station: position in the definition's inputs, code, and factor from ticks to µg/m3."""

    position: int
    code: str
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One definition over one city.

    Attributes:
        definition: position in the catalogue.
        indicator: the definition.
        device: int32, device of each station, ascending.
        zone: int32, zone of each station.
        slots: int32, the slots it reads, ordered by station, then slot.
        slot_station, slot_input: intp, station row and input position of each of these slots.
        first_slot: intp, per station (and one more): where its slots begin in `slots`.
        station_of_slot: int32, for every slot of the worker its station row, -1 where it is not read.
        factors: every input of an index; else empty.
        inputs: what each station has of them.
        needs: bool, shape (alternatives, stations, inputs): each station needs a reading of one input per alternative.
        measurand: catalogue index of each input.
        single: the measurand of a statistic or profile; None for an index.
    """

    definition: int
    indicator: Indicator
    device: NDArray[np.int32]
    zone: NDArray[np.int32]
    slots: NDArray[np.int32]
    slot_station: NDArray[np.intp]
    slot_input: NDArray[np.intp]
    first_slot: NDArray[np.intp]
    station_of_slot: NDArray[np.int32]
    factors: tuple[Input, ...]
    inputs: tuple[tuple[Input, ...], ...]
    needs: NDArray[np.bool_]
    measurand: NDArray[np.int16]
    single: Measurand | None

    @property
    def stations(self) -> int:
        """How many stations can have this figure."""
        return int(self.device.size)

    @property
    def grid(self) -> Grid:
        """The grid whose cells are read."""
        return Grid.HOUR if self.indicator.reads_hours else self.indicator.window

    def rows_of(self, stations: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return where the slots of these station rows (ascending) stand in `slots`."""
        if stations.size == self.stations:
            return np.arange(self.slots.size, dtype=np.intp)
        wanted = np.zeros(self.stations, np.bool_)
        wanted[stations] = True
        return np.flatnonzero(wanted[self.slot_station])

    def by_station(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (..., slots) values added up to (..., stations)."""
        if self.slots.size == self.stations:
            return values
        return np.asarray(np.add.reduceat(values, self.first_slot[:-1], axis=-1), np.int64)

    def sums_by_station(self, cells: Cells, windows: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return count (windows * stations,) and sums (windows * stations, SUM_COUNT) of cells in window order."""
        count = self.by_station(cells.count.reshape(windows, self.slots.size))
        sums = cells.sums.reshape(windows, self.slots.size, SUM_COUNT)
        if self.slots.size != self.stations:
            sums = np.add.reduceat(sums, self.first_slot[:-1], axis=1)
        return count.reshape(-1), sums.reshape(-1, SUM_COUNT)

    def complete(self, stations: NDArray[np.intp], received: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Say which stations have, in the window itself, a reading of everything the definition requires.

        Args:
            stations: station rows.
            received: shape (these stations, inputs), readings in the window.
        """
        present = received > 0
        enough = present.any(axis=1)
        for alternative in self.needs:
            enough &= (present & alternative[stations]).any(axis=1)
        return np.asarray(enough)


def plan(
    definition: int,
    indicator: Indicator,
    series: SeriesTable,
    measurands: Sequence[Measurand],
    traffic: NDArray[np.bool_],
) -> Plan:
    """Return what a definition means for the series of one worker.

    Args:
        definition: its position in the catalogue.
        indicator: the definition.
        series: the worker's series.
        measurands: the measurand catalogue, in the order of `series.measurand`.
        traffic: per device, whether it stands at traffic.

    Raises:
        PlanError: an input is no measurand, or its kind or unit is not what the formula reads.
    """
    codes = [measurand.code for measurand in measurands]
    unknown = [code for code in indicator.inputs if code not in codes]
    if unknown:
        raise PlanError(f"{indicator.name}: no measurand is called {', '.join(unknown)}")
    chosen = [codes.index(code) for code in indicator.inputs]
    _check(indicator, [measurands[i] for i in chosen])
    position = np.full(len(codes), -1, np.intp)
    position[chosen] = np.arange(len(chosen))

    slots = np.flatnonzero(position[series.measurand] >= 0)
    having: dict[int, set[str]] = {}
    for device, measurand in zip(series.device[slots].tolist(), series.measurand[slots].tolist(), strict=True):
        having.setdefault(device, set()).add(codes[measurand])
    devices = sorted(d for d, found in having.items() if indicator.possible(found, bool(traffic[d])))
    device = np.array(devices, np.int32)
    station_of = np.full(traffic.size, -1, np.int32)
    station_of[device] = np.arange(device.size)
    slots = slots[station_of[series.device[slots]] >= 0]
    slots = slots[np.argsort(station_of[series.device[slots]], kind="stable")]
    slot_station = station_of[series.device[slots]].astype(np.intp)
    station_of_slot = np.full(len(series), -1, np.int32)
    station_of_slot[slots] = slot_station
    first_slot = np.searchsorted(slot_station, np.arange(device.size + 1))
    zone = series.zone[slots[first_slot[:-1]]] if device.size else np.empty(0, np.int32)
    factors: tuple[Input, ...] = ()
    inputs: tuple[tuple[Input, ...], ...] = ()
    if indicator.index is not None:
        factors = tuple(_input(i, measurands[m]) for i, m in enumerate(chosen))
        inputs = tuple(tuple(f for f in factors if f.code in having[d]) for d in devices)
    return Plan(
        definition, indicator, device, zone, slots.astype(np.int32), slot_station,
        position[series.measurand[slots]], first_slot, station_of_slot, factors, inputs,
        _needs(indicator, traffic[device]), np.array(chosen, np.int16),
        None if indicator.index is not None else measurands[chosen[0]],
    )  # fmt: skip


def thrifty(plans: Iterable[Plan]) -> list[Plan]:
    """Return plans whose equal arrays are one array, which nobody may write to: the hourly and the daily figure of a
    measurand read the same slots, and of what a city does not measure all read nothing."""
    known: dict[tuple[str, bytes], NDArray[Any]] = {}

    def one_of_each(array: NDArray[Any]) -> NDArray[Any]:
        return known.setdefault((array.dtype.str, hashlib.sha256(array.tobytes()).digest()), array)

    return [
        replace(
            made,
            device=one_of_each(made.device),
            zone=one_of_each(made.zone),
            slots=one_of_each(made.slots),
            slot_station=one_of_each(made.slot_station),
            slot_input=one_of_each(made.slot_input),
            first_slot=one_of_each(made.first_slot),
            station_of_slot=one_of_each(made.station_of_slot),
        )
        for made in plans
    ]


def _check(indicator: Indicator, measurands: Sequence[Measurand]) -> None:
    if indicator.index is not None:
        wrong = [m.code for m in measurands if m.kind is not Kind.GAUGE or m.unit not in UG_M3]
        if wrong:
            raise PlanError(f"{indicator.name}: {', '.join(wrong)} must be a gauge in one of {', '.join(UG_M3)}")
        return
    measurand = measurands[0]
    formula = indicator.statistic or indicator.profile
    kinds = KINDS.get(formula) if formula is not None else None
    if kinds is not None and measurand.kind not in kinds:
        names = " or ".join(kind.name.lower() for kind in kinds)
        raise PlanError(f"{indicator.name}: {measurand.code} is a {measurand.kind.name.lower()}, expected {names}")
    if measurand.kind is Kind.STATE:
        missing = [state for state in indicator.states if state not in measurand.states]
        if missing or not indicator.states:
            raise PlanError(f"{indicator.name}: {measurand.code} has the states {', '.join(measurand.states)}")
        return
    unit = "{unit}" if formula is None else UNITS.get(formula, "{unit}")
    if indicator.unit != unit.format(unit=measurand.unit):
        raise PlanError(f"{indicator.name} is in {indicator.unit}, {measurand.code} in {measurand.unit}")


def _input(position: int, measurand: Measurand) -> Input:
    factor = UG_M3[measurand.unit] / 10**measurand.decimals
    return Input(position, measurand.code, factor.numerator, factor.denominator)


def _needs(indicator: Indicator, traffic: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return bool (alternatives, stations, inputs); rows that ask for nothing hold everywhere True."""
    by_type = [indicator.required(False), indicator.required(True)]
    needs = np.ones((max(len(needed) for needed in by_type), traffic.size, len(indicator.inputs)), np.bool_)
    for at_traffic, needed in enumerate(by_type):
        of_type = np.flatnonzero(traffic == bool(at_traffic))
        for row, alternatives in enumerate(needed):
            needs[row, of_type] = np.array([code in alternatives for code in indicator.inputs])
    return needs
