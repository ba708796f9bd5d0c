"""The figure of every data point that sensors can know, of a whole city over whole hours, from all its readings.

Knows the registry and readings; knows nothing of the engine, whose figures it judges. Fractions from the first step to
the last. A station is a device in service in the period, and counts with three quarters of the readings it owes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices import Device, Kind, ObservationBatch, Register, Registry
from simulators.truth import counters
from simulators.truth.kpi_definitions import (
    DAYS,
    DECLARED,
    POINTS,
    SOURCES,
    Events,
    Held,
    Installed,
    Mean,
    Metered,
    Numbers,
    Source,
    Stated,
    Within,
)
from simulators.truth.series import Line, Series, lines_of, series_of

HEARTBEAT = "heartbeat"
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
QUARTER_US = HOUR_US // 4
"""Offsets of time zones are whole quarters of an hour."""


class Period(NamedTuple):
    """Whole hours from start (included) to end (excluded), µs UTC, and its civil days, parts as fractions."""

    start_us: int
    end_us: int
    days: Fraction


def figures(registry: Registry, batch: ObservationBatch, period: Period) -> dict[str, Fraction | None]:
    """Return every figure by data point; None where it is not reported.

    Args:
        registry: of the city; its clock is changed by whole hours.
        batch: all accepted observations, each (slot, time) once, in any order.
        period: which.

    Raises:
        IndexError, ValueError: as `simulators.truth.expected`.
    """
    city = _City(registry, batch, period)
    known: dict[str, Fraction] = {DAYS: period.days}
    for name, source in SOURCES.items():
        value = city.value(name, source)
        if value is not None:
            known[name] = value
    found: dict[str, Fraction | None] = dict.fromkeys(DECLARED)
    for key, formula in POINTS.items():
        try:
            found[key] = formula(known)
        except (KeyError, ZeroDivisionError):  # something in it is not known, or it has no sense
            found[key] = None
    return found


class _City:
    """One city over one period."""

    def __init__(self, registry: Registry, batch: ObservationBatch, period: Period) -> None:
        self._registry, self._period = registry, period
        self._zone = registry.city.zone_info
        self._series: dict[int, list[Series]] = {}
        self._lines: dict[int, Line] = {}
        series = series_of(registry)
        for one in series:
            self._series.setdefault(one.station, []).append(one)
        for one, line in lines_of(series, batch):
            self._lines[one.slot] = line.plausible(one.measurand)

    def value(self, name: str, source: Source) -> Fraction | None:
        """Return the value of one input, None where it is not known."""
        if isinstance(source, Stated):
            return self._stated(name, source)
        if isinstance(source, Installed):
            return self._installed(source)
        codes = source.measurands if isinstance(source, Metered | Events) else (source.measurand,)
        values, stations = [], 0
        for device, those in self._stations(codes, source.where if isinstance(source, Metered) else None):
            stations += 1
            if self._enough(device, those, source):
                values.append(self._of_station(those, source))
        known = [value for value in values if value is not None]
        if not stations:
            return Fraction(0) if isinstance(source, Metered) and source.zero else None
        if not known:
            return None
        total = sum(known, Fraction(0))
        return total / len(known) if isinstance(source, Mean) and not source.added else total

    def _stations(
        self, codes: tuple[str, ...], where: tuple[str, tuple[str, ...]] | None
    ) -> Iterator[tuple[int, list[Series]]]:
        for position, device in enumerate(self._registry.devices):
            those = [one for one in self._series.get(position, []) if one.measurand.code in codes]
            chosen = where is None or device.attributes.get(where[0], "") in where[1]
            if those and chosen and self._serves(device):
                yield position, those

    def _serves(self, device: Device) -> bool:
        return device.service_from_us < self._period.end_us and device.service_to_us > self._period.start_us

    def _enough(self, device: int, those: list[Series], source: Source) -> bool:
        """Say whether a station counts; what tells of events is judged by what it sends at intervals."""
        watched = those
        if isinstance(source, Events):
            watched = [
                one for one in self._series[device]
                if one.measurand.kind is not Kind.EVENT or one.measurand.code == HEARTBEAT
            ]  # fmt: skip
        due = sum(self._due(one, source) for one in watched)
        came = sum(self._times(one, source).size for one in watched)
        told = due > 0 or any(self._times(one, source).size for one in those)
        return told and 4 * min(came, due) >= 3 * due

    def _due(self, one: Series, source: Source) -> int:
        if not isinstance(source, Mean) or len(source.hours) * len(source.weekdays) == 24 * 7:
            return int(one.due(np.array([self._period.start_us]), np.array([self._period.end_us]))[0])
        starts = np.arange(self._period.start_us, self._period.end_us, HOUR_US, dtype=np.int64)
        chosen = starts[self._shown(starts, source)]
        # Hours that follow each other are one stretch: an interval that is no part of an hour begins in few of them.
        first = np.append(True, np.diff(chosen) != HOUR_US) if chosen.size else np.empty(0, np.bool_)
        last = np.append(first[1:], True) if chosen.size else first
        return int(one.due(chosen[first], chosen[last] + HOUR_US).sum())

    def _inside(self, one: Series) -> NDArray[np.bool_]:
        time_us = self._lines[one.slot].time_us
        return (time_us >= self._period.start_us) & (time_us < self._period.end_us)

    def _times(self, one: Series, source: Source) -> NDArray[np.int64]:
        """Return where the readings of a series stand that lie in the period, and in the hours that count."""
        if one.slot not in self._lines:
            return np.empty(0, np.int64)
        inside = self._inside(one)
        if isinstance(source, Mean):
            inside &= self._shown(self._lines[one.slot].time_us, source)
        return np.flatnonzero(inside)

    def _shown(self, time_us: NDArray[np.int64], source: Mean) -> NDArray[np.bool_]:
        """Say at which times the city's clock shows one of the hours of one of the weekdays."""
        if len(source.hours) * len(source.weekdays) == 24 * 7:
            return np.ones(time_us.size, np.bool_)
        quarters, at = np.unique(time_us // QUARTER_US, return_inverse=True)
        local = [datetime.fromtimestamp(quarter * QUARTER_US // SECOND_US, self._zone) for quarter in quarters.tolist()]
        chosen = [one.hour in source.hours and one.isoweekday() in source.weekdays for one in local]
        return np.array(chosen, np.bool_)[at]

    def _of_station(self, those: list[Series], source: Source) -> Fraction | None:
        if isinstance(source, Metered):
            return sum((self._rise(one) for one in those), Fraction(0))
        if isinstance(source, Held):
            return self._share(those, source.state)
        ticks: list[int] = []
        for one in those:
            if one.slot in self._lines:
                ticks += self._lines[one.slot].ticks[self._times(one, source)].tolist()
        unit = 10 ** those[0].measurand.decimals
        if isinstance(source, Events):
            return Fraction(len(ticks)) if source.number else Fraction(sum(ticks), unit)
        if not ticks:
            return None
        if isinstance(source, Within):
            return Fraction(Fraction(max(ticks), unit) <= source.limit)
        return Fraction(sum(ticks), unit * len(ticks))

    def _rise(self, one: Series) -> Fraction:
        if one.slot not in self._lines:
            return Fraction(0)
        line = self._lines[one.slot]
        rises, _ = counters.rises(line, one.modulus, one.rate_max)
        edges = np.array([self._period.start_us, self._period.end_us], np.int64)
        begun, ended = counters.register(line.time_us, rises, edges).tolist()
        return Fraction(ended - begun, 10**one.measurand.decimals)

    def _share(self, those: list[Series], state: str) -> Fraction | None:
        """Return how long a state held over how long any was known: to the next reading, three intervals at most."""
        held = known = 0
        for one in those:
            if one.slot not in self._lines:
                continue
            line = self._lines[one.slot]
            until = np.minimum(line.time_us[1:], line.time_us[:-1] + one.hold_us)
            lasted = np.minimum(until, self._period.end_us) - np.maximum(line.time_us[:-1], self._period.start_us)
            lasted = np.maximum(lasted, 0)
            known += int(lasted.sum())
            held += int(lasted[line.ticks[:-1] == one.measurand.states.index(state)].sum())
        return Fraction(held, known) if known else None

    def _installed(self, source: Installed) -> Fraction | None:
        last_us = self._period.end_us - 1
        total, some = Fraction(0), False
        for position, device in enumerate(self._registry.devices):
            measured = any(one.measurand.code == source.measurand for one in self._series.get(position, []))
            meant = measured if source.measurand else device.attributes.get(source.column, "") == source.value
            if meant and device.service_from_us <= last_us < device.service_to_us:
                some = True
                total += Fraction(device.attributes.get(source.added) or 0) if source.added else 1
        return total if some else None

    def _stated(self, name: str, source: Stated) -> Fraction | None:
        first, last = (
            datetime.fromtimestamp(at_us // SECOND_US, self._zone).date()
            for at_us in (self._period.start_us, self._period.end_us - 1)
        )
        entries = [one for one in self._registry.city.registers if one.code == name]
        if not source.mean:
            return _on(entries, last)
        days = [_on(entries, first + timedelta(days=k)) for k in range((last - first).days + 1)]
        each = [value for value in days if value is not None]
        return sum(each, Fraction(0)) / len(days) if len(each) == len(days) else None


def _on(entries: list[Register], day: date) -> Fraction | None:
    """Return what holds on a day: the newest entry from that day or before."""
    held = [one for one in entries if one.valid_from <= day]
    return max(held, key=lambda one: one.valid_from).value if held else None


def reported(found: dict[str, Fraction | None]) -> Numbers:
    """Return the figures that there are."""
    return {key: value for key, value in found.items() if value is not None}
