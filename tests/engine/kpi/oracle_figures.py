"""The slow twin of an input's figure: every observation by itself, in plain fractions, by the clock on the wall.

Knows the words of a definition; shares no code with the figures but the tables of energies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from devices import Device

HOUR_US = 3_600_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """What is asked of gauges or events of one measurand with three decimals."""

    statistic: str
    pool: str
    hours: tuple[tuple[int, int], ...]
    weekdays: tuple[int, ...]
    percent_min: int
    limit: Fraction
    hour_percent_min: int = 0


def local(time_us: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(microseconds=time_us)).astimezone(zone)


def wanted(time_us: int, asked: Asked, zone: ZoneInfo) -> bool:
    """Say whether an instant lies within the hours and on the days asked for."""
    at = local(time_us, zone)
    inside = not asked.hours
    for start, end in asked.hours:
        inside |= (start <= at.hour < end) if start < end else (at.hour >= start or at.hour < end)
    return inside and (not asked.weekdays or at.isoweekday() in asked.weekdays)


def owed(device: Device, asked: Asked, zone: ZoneInfo, start_us: int, end_us: int) -> int:
    """Count reporting intervals begun in service, in each unbroken stretch of the hours asked for."""
    step = 900_000_000  # no zone of the tests changes its clock by less
    total, at = 0, start_us
    while at < end_us:
        if not wanted(at, asked, zone):
            at += step
            continue
        until = at
        while until < end_us and wanted(until, asked, zone):
            until += step
        begin, end = max(at, device.service_from_us), min(until, device.service_to_us)
        while begin < end:
            total += 1
            begin += device.interval_us
        at = until
    return total


def full_hours(
    asked: Asked, device: Device, series: Sequence[tuple[int, int]], start_us: int, end_us: int
) -> list[tuple[int, int]]:
    """Return the observations of a device that lie in hours with enough of them, one hour after the other.

    Every offset of the tests' zone is whole hours, so its hours are those of UTC.
    """
    kept = []
    by_hour: dict[int, list[tuple[int, int]]] = {}
    for t, v in series:
        by_hour.setdefault((t - start_us) // HOUR_US, []).append((t, v))
    for hour_us in range(start_us, end_us, HOUR_US):
        begin, end = max(hour_us, device.service_from_us), min(hour_us + HOUR_US, device.service_to_us)
        begun = len(range(begin, end, device.interval_us))
        promised = min(begun, HOUR_US // device.interval_us)
        found = by_hour.get((hour_us - start_us) // HOUR_US, [])
        if 100 * len(found) >= asked.hour_percent_min * promised:
            kept += found
    return kept


def figure(
    asked: Asked, devices: Sequence[Device], observations: Sequence[Sequence[tuple[int, int]]], zone: ZoneInfo,
    start_us: int, end_us: int,
) -> tuple[Fraction | None, int, int, int]:  # fmt: skip
    """Return value, stations that count, readings received and owed.

    Args:
        asked: what is wanted.
        devices: each with one series.
        observations: (time, ticks) of each.
        zone: of the city.
        start_us, end_us: the period.
    """
    values, received, due = [], 0, 0
    for device, series in zip(devices, observations, strict=True):
        if device.service_from_us >= end_us or device.service_to_us <= start_us:
            continue
        within = [(t, v) for t, v in series if start_us <= t < end_us]
        within = full_hours(asked, device, within, start_us, end_us)
        found = [Fraction(v, 1000) for t, v in within if wanted(t, asked, zone)]
        owes = owed(device, asked, zone, start_us, end_us)
        came = min(len(found), owes)
        due += owes
        if not found or Fraction(100 * came) < asked.percent_min * owes:
            continue
        received += came
        values.append(
            {"mean": sum(found, Fraction(0)) / len(found), "minimum": min(found), "maximum": max(found)}[
                asked.statistic
            ]
        )
    if not values:
        return None, 0, received, due
    pooled = {
        "sum": sum(values, Fraction(0)),
        "mean": sum(values, Fraction(0)) / len(values),
        "maximum": max(values),
        "count_at_most": Fraction(len([v for v in values if v <= asked.limit])),
        "count_at_least": Fraction(len([v for v in values if v >= asked.limit])),
    }[asked.pool]
    return pooled, len(values), received, due
