"""The value of every input that sensors, the list of devices and dated registers can know, for one period and scope.

Knows the pack, the registry and merged cells; knows no store, no clock and no formula of a KPI.

Which station counts. A station is a device that was in service in the period. It counts where enough of the readings
came that its reporting interval promises (the input's `coverage_percent_min`). The coverage of an input is what came
from the stations that count, over what all its stations owe: a station left out lowers it, so that a sum that lacks one
cannot look complete. Events come when they happen: their completeness is that of the device's other readings, its sign
of life; a device without any counts where it told of an event, and its completeness is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices import Registry
from devices.errors import UnitError
from devices.measurands import Kind, Measurand
from devices.models import Field
from devices.registry import Device
from devices.tables import exact
from engine.calendar import Calendar, expected
from engine.kpi.bounds import Came, Error, Interval, pool_bounds, station_bounds
from engine.kpi.definition import Assets, At, Declared, Input, Pack, Period, Pool, Registered, Telemetry
from engine.kpi.periods import KpiPeriod, days_between, hour_spans, seasons_of
from engine.kpi.stations import Station, Sums, pooled, station_value
from engine.kpi.units import factor_between, register_factor
from engine.kpi.values import NotReported, Value


class Clock(NamedTuple):
    """Which hours take part."""

    hours: tuple[tuple[int, int], ...] = ()
    """Of the city's clock; empty for all of them."""
    weekdays: tuple[int, ...] = ()
    """Empty for every day."""
    percent_min: int = 0
    """Least share of the readings promised that an hour of a series must have; 0 for every hour."""

    @classmethod
    def of(cls, how: Telemetry) -> Clock:
        """Return what an input asks for."""
        return cls(how.hours, how.weekdays, how.capture.hour_percent_min)


Season = tuple[int, int]
"""Start, included, and end, excluded, of a part of a year."""
WHOLE = Clock()
DAY_S = 86_400
POPULATION, INHABITANT = "population", "{inhabitant}"
HEARTBEAT = "heartbeat"
"""The measurand by which a device that tells of events says that it is there; of all events it alone comes at
intervals."""
_OF_CITY = ("population", "households", "area_km2")
"""Denominators that city.toml may state without a date."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What is stored of a period.

    Attributes:
        sums: per clock the merged cells of each slot that has any.
        heard_us: start of the civil day of each slot's last reading before the period's end, as far back as any input
            asks.
        came: per season and clock how many readings each slot has, for the inputs that ask for seasons.
    """

    sums: Mapping[Clock, Mapping[int, Sums]]
    heard_us: Mapping[int, int] = field(default_factory=dict)
    came: Mapping[tuple[Season, Clock], Mapping[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InputFigure:
    """One input with what it rests on.

    Attributes:
        code: as in formulas.
        value: exact, in the input's unit.
        effective: for devices counted, of those heard from lately; None for other inputs.
        stations, counted: devices in service in the period, and those of them that count.
        received: readings that came from those that count, of each at most what it owes.
        expected: readings that all stations owe; 0 where nothing comes at intervals.
        bounds: between which it lies at the worst; None where it has none.
        facts: registers and devices it rests on, as text: two that are equal differ by readings or formula only.
        applies: whether the scope can have it at all: a zone without such a device or register cannot.
    """

    code: str
    value: Value
    effective: Value | None = None
    stations: int = 0
    counted: int = 0
    received: int = 0
    expected: int = 0
    facts: str = ""
    applies: bool = True
    bounds: Interval | None = None


@dataclass(frozen=True, slots=True)
class StationFigure:
    """One station of an input over the period.

    Attributes:
        device: position in the registry.
        zone: position of its zone.
        series: its slots by measurand, of those the input adds up.
        value: in the measurand's unit, an energy for ENERGY_MEAN; None where it has none.
        received, expected: readings that came, at most those owed, and those owed.
        counts: whether it is part of the figure.
        bounds: between which its figure lies; None where nothing came.
    """

    device: int
    zone: int
    series: Mapping[Measurand, tuple[int, ...]]
    value: Fraction | None
    received: int
    expected: int
    counts: bool
    bounds: Interval | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A device that an input may mean.

    Attributes:
        at: position in the registry.
        device: the device.
        zone: position of its zone.
        series: its slots by measurand, of those the input adds up.
        watched: slots whose readings tell how complete it is.
        errors: by measurand, how far one of its readings may be off.
    """

    at: int
    device: Device
    zone: int
    series: Mapping[Measurand, tuple[int, ...]]
    watched: tuple[int, ...]
    errors: Mapping[Measurand, Error]


class Sensed:
    """Which devices each input means, found once.

    Args:
        pack: the catalogue.
        registry: the city.
        calendar: of the city.
    """

    def __init__(self, pack: Pack, registry: Registry, calendar: Calendar) -> None:
        self.pack, self.registry, self.calendar = pack, registry, calendar
        self.series = registry.series()
        self._zones = {zone.code: at for at, zone in enumerate(registry.city.zones)}
        self._candidates = {
            one.code: self._of(one.how) for one in pack.inputs.values() if isinstance(one.how, Telemetry | Assets)
        }
        self._of_zone: dict[tuple[str, int], list[_Candidate]] = {}
        for code, found in self._candidates.items():
            for candidate in found:
                self._of_zone.setdefault((code, candidate.zone), []).append(candidate)

    def candidates(self, code: str, zone: int | None = None) -> Sequence[_Candidate]:
        """Return the devices an input means, of a zone or of the whole city; none for an input of another kind."""
        return self._candidates.get(code, ()) if zone is None else self._of_zone.get((code, zone), ())

    def questions(self) -> Mapping[Clock, NDArray[np.int32]]:
        """Return which slots are to be summed up under which clock."""
        found: dict[Clock, set[int]] = {WHOLE: set()}
        for one in self.pack.inputs.values():
            if isinstance(one.how, Telemetry):
                slots = found.setdefault(Clock.of(one.how), set())
                for candidate in self._candidates[one.code]:
                    slots.update(candidate.watched, *candidate.series.values())
        return {clock: np.array(sorted(slots), np.int32) for clock, slots in found.items() if slots}

    def seasons(self, period: KpiPeriod) -> list[tuple[Season, Clock, NDArray[np.int32]]]:
        """Return of which seasons it matters how many readings of which slots came under which clock."""
        found: dict[tuple[Season, Clock], set[int]] = {}
        for one in self.pack.inputs.values():
            if isinstance(one.how, Telemetry):
                for season in seasons_of(self.calendar, period, one.how.capture.seasons):
                    slots = found.setdefault((season, Clock.of(one.how)), set())
                    slots.update(slot for candidate in self._candidates[one.code] for slot in candidate.watched)
        return [(*key, np.array(sorted(slots), np.int32)) for key, slots in found.items() if slots]

    def heard_days(self) -> int:
        """Return how many days back it matters whether a device was heard; 0 where no input asks."""
        days = [one.how.heard_days for one in self.pack.inputs.values() if isinstance(one.how, Assets)]
        return max(days, default=0)

    def at(self, period: KpiPeriod, readings: Readings) -> PeriodInputs:
        """Return what is known of a period."""
        return PeriodInputs(self, period, readings)

    def registers(self, period: KpiPeriod) -> dict[str, Value]:
        """Return what registers alone say of a period, by input."""
        known = self.at(period, Readings({})).of()
        return {code: one.value for code, one in known.items() if isinstance(self.pack.inputs[code].how, Registered)}

    def _of(self, how: Telemetry | Assets) -> tuple[_Candidate, ...]:
        wanted = how.measurands if isinstance(how, Telemetry) else ()
        by_code = self.registry.catalogue.by_code
        found = []
        for at, device in enumerate(self.registry.devices):
            fields = self.registry.model_of(device).fields
            if not self._meant(device, how.where) or (wanted and not any(f.measurand in wanted for f in fields)):
                continue
            slots = list(zip(fields, self.registry.slots(at), strict=True))
            series: dict[Measurand, tuple[int, ...]] = {}
            for one, slot in slots:
                if one.measurand in wanted:
                    measurand = by_code[one.measurand]
                    series[measurand] = (*series.get(measurand, ()), slot)
            events = any(measurand.kind is Kind.EVENT for measurand in series)
            alive = (slot for one, slot in slots if _comes_at_intervals(by_code[one.measurand]))
            watched = tuple(alive) if events or not wanted else tuple(slot for of in series.values() for slot in of)
            errors = {of: _error(device, of, [f for f in fields if f.measurand == of.code]) for of in series}
            found.append(_Candidate(at, device, self._zones[device.zone], series, watched, errors))
        return tuple(found)

    def _meant(self, device: Device, where: Iterable[tuple[str, tuple[str, ...]]]) -> bool:
        for key, values in where:
            if key == "measures":
                known = [f.measurand for f in self.registry.model_of(device).fields]
            elif key in ("model", "zone"):
                known = [device.model if key == "model" else device.zone]
            else:
                known = [device.attributes.get(key, "")]
            if not any(value in known for value in values):
                return False
        return True


class PeriodInputs:
    """The inputs of one period; see `Sensed.at`."""

    def __init__(self, sensed: Sensed, period: KpiPeriod, readings: Readings) -> None:
        self.period = period
        self._sensed, self._readings = sensed, readings
        self._city = sensed.registry.city
        self._hours: dict[Clock, list[tuple[int, int]]] = {}
        self._known: dict[int | None, dict[str, InputFigure]] = {}
        self._stations: dict[str, dict[int, StationFigure]] = {}
        self._due_in = {
            (season, clock): self._owed_in(season, clock, slots) for season, clock, slots in sensed.seasons(period)
        }
        self._due = {clock: self._owed(clock, slots) for clock, slots in sensed.questions().items()}

    def of(self, zone: int | None = None) -> dict[str, InputFigure]:
        """Return every input by code that is not derived from others.

        Args:
            zone: position of a zone; None for the whole city.
        """
        if zone not in self._known:
            self._known[zone] = self._found(zone)
        return self._known[zone]

    def _found(self, zone: int | None) -> dict[str, InputFigure]:
        found = {}
        for one in self._sensed.pack.inputs.values():
            match one.how:
                case Telemetry() as how:
                    found[one.code] = self._telemetry(one, how, zone)
                case Assets() as how:
                    found[one.code] = self._assets(one, how, zone)
                case Registered() as how:
                    found[one.code] = self._registered(one, how, zone)
                case Declared():
                    stated = NotReported((f"{one.code}: only the city can state it",))
                    found[one.code] = InputFigure(one.code, stated, applies=zone is None)
                case Period():
                    length = self.period.days * DAY_S * factor_between("s", one.unit)
                    found[one.code] = InputFigure(one.code, length)
        # What is no reading is known exactly.
        return {
            code: one
            if isinstance(one.value, NotReported) or isinstance(self._sensed.pack.inputs[code].how, Telemetry)
            else replace(one, bounds=Interval.of(one.value))
            for code, one in found.items()
        }  # fmt: skip

    def _owed(self, clock: Clock, slots: NDArray[np.int32]) -> dict[int, int]:
        """Return how many readings each slot owes within a clock's hours."""
        return self._owed_in((self.period.start_us, self.period.end_us), clock, slots)

    def _owed_in(self, season: Season, clock: Clock, slots: NDArray[np.int32]) -> dict[int, int]:
        due = np.zeros(slots.size, np.int64)
        for start_us, end_us in self._spans(clock):
            begin, end = max(start_us, season[0]), min(end_us, season[1])
            if begin < end:
                due += expected(self._sensed.series, slots, begin, end)
        return dict(zip(slots.tolist(), due.tolist(), strict=True))

    def _spans(self, clock: Clock) -> list[tuple[int, int]]:
        if clock not in self._hours:
            self._hours[clock] = hour_spans(self._sensed.calendar, self.period, clock.hours, clock.weekdays)
        return self._hours[clock]

    # ---- telemetry -------------------------------------------------------------------------------------------

    def _telemetry(self, one: Input, how: Telemetry, zone: int | None) -> InputFigure:
        candidates = [c for c in self._sensed.candidates(one.code, zone) if self._served(c.device)]
        facts = self._facts(candidates)
        if not candidates:
            return self._none(one, how, zone)
        stations = [self._station(one.code, how, candidate) for candidate in candidates]
        counting = [each for each in stations if each.counts]
        came, owed = sum(each.received for each in counting), sum(each.expected for each in stations)
        figure: Value = (
            pooled(how, [Station(each.zone, each.value) for each in counting], self._inhabitants(how))
            if counting
            else self._too_few(one, how, candidates, Clock.of(how))
        )
        told = [(each.zone, each.bounds, each.counts) for each in stations if each.bounds is not None]
        bounds = pool_bounds(how, told, self._inhabitants(how)) if isinstance(figure, Fraction) else None
        return InputFigure(
            one.code, figure, None, len(candidates), len(counting), came, owed, facts, bounds=bounds
        )  # fmt: skip

    def stations(self, code: str, zone: int | None = None) -> list[StationFigure]:
        """Return the stations of an input of telemetry that were in service; none for another kind.

        Args:
            code: of the input.
            zone: position of a zone; None for the whole city.
        """
        how = self._sensed.pack.inputs[code].how
        if not isinstance(how, Telemetry):
            return []
        return [
            self._station(code, how, each) for each in self._sensed.candidates(code, zone) if self._served(each.device)
        ]

    def _station(self, code: str, how: Telemetry, candidate: _Candidate) -> StationFigure:
        """Return the figure of one station, computed once: it is part of its zone and of the city."""
        known = self._stations.setdefault(code, {})
        if candidate.at not in known:
            known[candidate.at] = self._computed(how, candidate)
        return known[candidate.at]

    def _computed(self, how: Telemetry, candidate: _Candidate) -> StationFigure:
        clock = Clock.of(how)
        received, due = self._coverage(candidate, clock)
        of = {m: [self._sums(clock, slot) for slot in slots] for m, slots in candidate.series.items()}
        told = due or any(sums.readings for series in of.values() for sums in series)
        value = station_value(how, of)
        enough = 100 * received >= how.coverage_percent_min * due and self._lacking(how, candidate) is None
        counts = bool(told and value is not None and enough)
        bounds = station_bounds(how, [self._came(candidate, m, clock, received, due) for m in of])
        return StationFigure(candidate.at, candidate.zone, candidate.series, value, received, due, counts, bounds)

    def _lacking(self, how: Telemetry, candidate: _Candidate) -> tuple[date, int, int] | None:
        """Return the first season of which too little came: its first day, readings that came, and those owed."""
        calendar, clock = self._sensed.calendar, Clock.of(how)
        for season in seasons_of(calendar, self.period, how.capture.seasons):
            came, slots = self._readings.came.get((season, clock), {}), candidate.watched
            due = sum(self._due_in[season, clock][slot] for slot in slots)
            received = min(sum(came.get(slot, 0) for slot in slots), due)
            if 100 * received < how.capture.percent_min * due:
                return calendar.local(season[0]).date(), received, due
        return None

    def _came(self, candidate: _Candidate, measurand: Measurand, clock: Clock, received: int, due: int) -> Came:
        """Return what came of one measurand of a station, and how far its readings may be off."""
        whole, missing = _NOTHING, 0
        for slot in candidate.series[measurand]:
            sums = self._sums(clock, slot)
            whole = whole.merged(sums)
            missing += max(self._due[clock][slot] - sums.readings, 0)
        return Came(
            measurand, whole, len(candidate.series[measurand]), missing, received, due, candidate.device.interval_us,
            candidate.errors[measurand],
        )  # fmt: skip

    def _coverage(self, candidate: _Candidate, clock: Clock) -> tuple[int, int]:
        """Return readings that came of a station, at most those owed, and those owed."""
        due = sum(self._due[clock][slot] for slot in candidate.watched)
        return min(sum(self._sums(clock, slot).readings for slot in candidate.watched), due), due

    def _sums(self, clock: Clock, slot: int) -> Sums:
        return self._readings.sums.get(clock, {}).get(slot, _NOTHING)

    def _too_few(self, one: Input, how: Telemetry, candidates: Sequence[_Candidate], clock: Clock) -> NotReported:
        """Say why no station counts, by the best of them."""
        best = max(candidates, key=lambda c: Fraction(*self._share(c, clock)))
        received, due = self._coverage(best, clock)
        if not due:
            return NotReported((f"{one.code}: {_stations(len(candidates))} told of no event and gave no sign of life",))
        percent = 100 * received // due
        lacking = self._lacking(how, best)
        if lacking is not None and 100 * received >= how.coverage_percent_min * due:
            day, came, owed = lacking
            return NotReported(
                (
                    f"{one.code}: no station has {how.capture.percent_min} % of its readings in each of"
                    f" {how.capture.seasons} parts of the year; {best.device.code} has {came} of {owed} in that from"
                    f" {day} on",
                )
            )
        return NotReported(
            (
                f"{one.code}: no station has {how.coverage_percent_min} % of its readings{_in_hours(clock)}; the best"
                f" of {_stations(len(candidates))}, {best.device.code}, has {received} of {due} ({percent} %)",
            )
        )

    def _share(self, candidate: _Candidate, clock: Clock) -> tuple[int, int]:
        received, due = self._coverage(candidate, clock)
        return received, max(due, 1)

    def _inhabitants(self, how: Telemetry) -> list[Value]:
        if how.pool is not Pool.POPULATION_MEAN:
            return []
        return [self._register(POPULATION, At.END, at, INHABITANT) for at in range(len(self._city.zones))]

    # ---- devices ---------------------------------------------------------------------------------------------

    def _assets(self, one: Input, how: Assets, zone: int | None) -> InputFigure:
        last_us = self.period.end_us - 1
        installed = [
            c
            for c in self._sensed.candidates(one.code, zone)
            if c.device.service_from_us <= last_us < c.device.service_to_us
        ]
        if not installed:
            return self._none(one, how, zone)
        since_us = self._sensed.calendar.day_bounds(_days_before(self.period, how.heard_days))[0]
        heard = [c for c in installed if self._heard_us(c) >= since_us]
        return InputFigure(
            one.code, self._added(how, installed), self._added(how, heard), len(installed), len(heard),
            facts=self._facts(installed, how.column),
        )  # fmt: skip

    def _heard_us(self, candidate: _Candidate) -> int:
        slots = self._sensed.registry.slots(candidate.at)
        return max((self._readings.heard_us.get(slot, _NEVER_US) for slot in slots), default=_NEVER_US)

    @staticmethod
    def _added(how: Assets, devices: Sequence[_Candidate]) -> Value:
        if not how.column:
            return Fraction(len(devices))
        total = Fraction(0)
        for one in devices:
            text = one.device.attributes.get(how.column, "0")
            try:
                total += exact(text)
            except ValueError:
                return NotReported((f"device {one.device.code}: {how.column} is {text!r}, which is no number",))
        return total

    def _served(self, device: Device) -> bool:
        """Say whether a device was in service at any time of the period."""
        return device.service_from_us < self.period.end_us and device.service_to_us > self.period.start_us

    def _facts(self, candidates: Sequence[_Candidate], column: str = "") -> str:
        low, high = self.period.start_us, self.period.end_us
        return "\n".join(
            f"{c.device.code},{c.device.zone},{max(c.device.service_from_us, low)},{min(c.device.service_to_us, high)},"
            f"{c.device.interval_us},{c.device.attributes.get(column, '')}"
            for c in candidates
        )

    @staticmethod
    def _none(one: Input, how: Telemetry | Assets, zone: int | None) -> InputFigure:
        """Return what it means that no such device was in service."""
        if how.none_is_zero:
            return InputFigure(one.code, Fraction(0), bounds=Interval(Fraction(0), Fraction(0)))
        measured = [*how.measurands] if isinstance(how, Telemetry) else []
        told = []
        for key, values in how.where:
            if key == "measures":
                measured += values
            else:
                told.append(f"{key} {' or '.join(values)}")
        what = f" measures {' or '.join(measured)}" if measured else ""
        what += f" with {', '.join(told)}" if told else ""
        return InputFigure(one.code, NotReported((f"{one.code}: no device in service{what}",)), applies=zone is None)

    # ---- registers -------------------------------------------------------------------------------------------

    def _registered(self, one: Input, how: Registered, zone: int | None) -> InputFigure:
        value = self._register(how.register, how.at, zone, one.unit)
        missing = isinstance(value, NotReported)
        return InputFigure(one.code, value, facts=str(value), applies=zone is None or not missing)

    def _register(self, register: str, at: At, zone: int | None, unit: str) -> Value:
        """Return a dated denominator of the city or of a zone over the period, in a unit."""
        place = None if zone is None else self._city.zones[zone]
        code = register if place is None else f"{register} of {place.code}"
        first, last = self.period.first, self.period.last
        stated = self._city.registers if place is None else place.registers
        entries = [r for r in stated if r.code == register and r.valid_from <= last]
        if not entries:
            # A city's figure without a date is the newest register's where there is one: that says nothing of the past.
            dated = any(r.code == register for r in stated)
            undated = getattr(self._city, register) if place is None and register in _OF_CITY and not dated else 0
            if undated:
                return Fraction(undated)
            return NotReported((f"register {code!r} has no value up to {last}; city.toml: [[register]]",))
        try:
            entries = [replace(r, value=r.value * register_factor(r.unit, unit)) for r in entries]
        except UnitError as error:
            return NotReported((f"register {code!r}: {error}",))
        if at is At.END:
            return entries[-1].value
        held = [r for r in entries if r.valid_from <= first]
        if not held:
            return NotReported((f"register {code!r} has no value on {first}, only from {entries[0].valid_from} on",))
        if at is At.START:
            return held[-1].value
        holding = [held[-1], *(r for r in entries if r.valid_from > first)]
        ends = [*(r.valid_from for r in holding[1:]), None]
        total = Fraction(0)
        for entry, end in zip(holding, ends, strict=True):
            begin = max(entry.valid_from, first)
            days = days_between(begin, last) if end is None else (end - begin).days
            total += entry.value * days
        return total / days_between(first, last)


def _error(device: Device, measurand: Measurand, fields: Iterable[Field]) -> Error:
    """Return how far a reading may be off: what devices.csv states of the device, else what its model states."""
    stated = [device.attributes.get(key, "") for key in ("accuracy", "accuracy_percent")]
    absolute = percent = resolution = Fraction(0)
    for one in fields:
        absolute, percent = max(absolute, one.accuracy), max(percent, one.accuracy_percent)
        resolution = max(resolution, one.resolution)
    if any(stated):
        absolute, percent = (exact(text or "0") for text in stated)
    # Half a step of the device's, and half of ours to which it is rounded.
    return Error(absolute + (resolution + Fraction(1, 10**measurand.decimals)) / 2, percent)


def _comes_at_intervals(measurand: Measurand) -> bool:
    return measurand.kind is not Kind.EVENT or measurand.code == HEARTBEAT


_NOTHING = Sums.none()
_NEVER_US = -(2**62)


def _in_hours(clock: Clock) -> str:
    return f" in hours that have {clock.percent_min} % of theirs" if clock.percent_min else ""


def _stations(number: int) -> str:
    return "1 station" if number == 1 else f"{number} stations"


def _days_before(period: KpiPeriod, days: int) -> date:
    """Return the first of so many civil days that end with the period's last one."""
    return period.last - timedelta(days=days - 1)
