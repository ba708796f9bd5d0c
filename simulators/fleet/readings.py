"""Readings of a whole fleet: every group's signals over its days, put into messages.

Knows groups, the city's clock and the registry's slots; knows no fault and no bytes.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices import Field, Measurand, Registry, SeriesTable
from simulators.clock import HOUR_US, SECOND_US, from_us, to_us
from simulators.fleet.chance import below, keys, words_at
from simulators.fleet.folder import device_codes
from simulators.fleet.plan import Plan, packed
from simulators.fleet.senders import senders_of
from simulators.fleet.spec import FleetSpec, GroupSpec
from simulators.fleet.values import Grid, Limits, Reports, outages, rest, values


class _Columns(NamedTuple):
    """Readings of one field of one group."""

    slot: NDArray[np.int32]
    time_us: NDArray[np.int64]
    ticks: NDArray[np.int64]
    device: NDArray[np.int32]


def span_us(spec: FleetSpec) -> tuple[int, int]:
    """Return begin (included) and end (excluded) of the fleet's days, µs UTC."""
    return _midnight_us(spec.start, spec.city.time_zone), _midnight_us(spec.end, spec.city.time_zone)


def plan_of(spec: FleetSpec, registry: Registry) -> Plan:
    """Return everything the fleet means to send, without any fault."""
    series = registry.series()
    columns: list[_Columns] = []
    pack = np.ones(len(registry.devices), np.int64)
    for group in spec.groups:
        rows = np.array([registry.device_index(code) for code, _ in device_codes(group)], np.int64)
        pack[rows] = group.pack
        columns += _group(spec, group, registry, series, rows)
    slot, time_us, ticks, device = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    senders = senders_of(registry)
    return packed(slot, time_us, ticks, senders.of[device], senders.part[slot], pack)


def local_us(time_us: Grid, zone: ZoneInfo, begin_us: int, end_us: int) -> Grid:
    """Return times of the zone's clock, as if that clock were UTC."""
    hours = np.arange(begin_us // HOUR_US, end_us // HOUR_US + 1, dtype=np.int64)
    # Clocks change at full quarters of an hour; between two full hours with one offset there is no change in practice.
    offsets = np.array([_offset_us(int(hour) * HOUR_US, zone) for hour in hours], np.int64)
    if np.all(offsets == offsets[0]):
        return time_us + int(offsets[0])
    found: Grid = time_us + offsets[np.minimum(time_us // HOUR_US - hours[0], hours.size - 1)]
    return found


def _offset_us(time_us: int, zone: ZoneInfo) -> int:
    offset = from_us(time_us, zone).utcoffset() or timedelta()
    return (offset.days * 86_400 + offset.seconds) * SECOND_US


def _midnight_us(day: date, zone: ZoneInfo) -> int:
    return to_us(datetime.combine(day, time(), zone))


def _reports(spec: FleetSpec, group: GroupSpec, codes: list[str]) -> Reports:
    begin_us, end_us = span_us(spec)
    interval_us = group.interval_s * SECOND_US
    phase = np.zeros(len(codes), np.int64)
    if group.phase == "spread":
        words = words_at(keys(spec.seed, "phase", each=codes), np.zeros(len(codes), np.int64))
        phase = below(words, group.interval_s) * SECOND_US
    count = max(1, (end_us - begin_us) // interval_us)
    time_us = begin_us + phase[:, None] + np.arange(count, dtype=np.int64) * interval_us
    return Reports(time_us, local_us(time_us, spec.city.time_zone, begin_us, end_us), interval_us, begin_us, end_us)


def _group(
    spec: FleetSpec, group: GroupSpec, registry: Registry, series: SeriesTable, rows: NDArray[np.int64]
) -> list[_Columns]:
    codes = [code for code, _ in device_codes(group)]
    reports = _reports(spec, group, codes)
    first = np.array([registry.slots(int(row)).start for row in rows], np.int64)
    made: dict[str, Grid] = {}
    columns = []
    # A rest comes after the field it is the rest of.
    for at, field in sorted(enumerate(group.model.fields), key=lambda f: group.signals[f[1].name].form == "rest"):
        signal = group.signals[field.name]
        slots = first + at
        if signal.form in ("outage", "outage_time"):
            columns.append(_outage(spec, group, field, codes, reports, rows, slots))
            continue
        if signal.form == "rest":
            ticks = rest(signal, made[signal.rest_of])
        else:
            words = keys(spec.seed, field.name, each=codes)
            ticks = values(signal, words, reports, _limits(series, registry, int(slots[0]), field))
        made[field.name] = ticks
        kept = reports.time_us < reports.end_us
        shape = ticks.shape
        columns.append(
            _Columns(
                np.broadcast_to(slots.astype(np.int32)[:, None], shape)[kept],
                reports.time_us[kept],
                ticks[kept],
                np.broadcast_to(rows.astype(np.int32)[:, None], shape)[kept],
            )
        )
    return columns


def _limits(series: SeriesTable, registry: Registry, slot: int, field: Field) -> Limits:
    measurand: Measurand = registry.catalogue.by_code[field.measurand]
    return Limits(int(series.low_ticks[slot]), int(series.high_ticks[slot]), field.modulus_ticks, len(measurand.states))


def _outage(
    spec: FleetSpec, group: GroupSpec, field: Field, codes: list[str], reports: Reports,
    rows: NDArray[np.int64], slots: NDArray[np.int64],
) -> _Columns:  # fmt: skip
    """Return a group's interruptions as the begin (customers) or the end (customers times minutes) of each."""
    begins = group.signals[field.name].form == "outage"
    name, first = _interrupted(group, field)
    words = keys(spec.seed, "outage" if first else f"outage {name}", each=codes)
    at, begin_us, end_us, customers = outages(group.signals[name], words, reports)
    minutes = (end_us - begin_us) // (60 * SECOND_US)
    return _Columns(
        slots[at].astype(np.int32),
        begin_us if begins else end_us,
        customers if begins else customers * minutes,
        rows[at].astype(np.int32),
    )


def _interrupted(group: GroupSpec, field: Field) -> tuple[str, bool]:
    """Return the field whose interruptions a field tells of, the nearest up to it; and whether it is the first one."""
    names = [one.name for one in group.model.fields]
    starts = [name for name in names if group.signals[name].form == "outage"]
    before = [name for name in starts if names.index(name) <= names.index(field.name)]
    name = (before or starts[:1])[-1]
    return name, name == starts[0]
