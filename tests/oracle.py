"""Slow twins of the engine's kernels: lists, dicts, whole numbers of any size, and nothing that could be wrong unseen.

`TWINS` joins each kernel to what it must equal, for the tests and the benchmarks.
"""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from devices.measurands import Kind
from engine import kernels

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Reading = tuple[int, int, int]
"""Slot, time in µs, ticks."""
Decision = tuple[int, int, int, int, int, int]
"""Slot, time in µs, kind, before, after, rise."""


# ---- integers ----------------------------------------------------------------------------------------------------


def share(rise: int, part_us: int, whole_us: int) -> int:
    """Python rounds fractions half to even, and its integers have no end."""
    return round(Fraction(rise * part_us, whole_us))


def plausible(rise: int, rate: int, elapsed_us: int) -> bool:
    hours_begun = -(-elapsed_us // HOUR_US)
    return rate <= 0 or rise <= rate * hours_begun


def decide(before: int, after: int, modulus: int, rate: int, elapsed_us: int) -> tuple[int, int]:
    if after >= before:
        return after - before, 0
    fall, over = before - after, after + modulus - before
    if modulus > 0 and 0 <= over <= fall:
        likely = plausible(over, rate, elapsed_us) if rate > 0 else over <= modulus // 10
        if likely:
            return over, kernels.ROLLOVER
    if after > 0 and 2 * after > before:
        return -fall, kernels.DIP
    return (after if after >= 0 and plausible(after, rate, elapsed_us) else 0), kernels.RESET


def seek(starts: list[int], time_us: int, guess: int) -> int:
    return bisect_right(starts, time_us) - 1


def energy(ticks: int, decimals: int) -> int:
    """Energy of a level, 8 * 10^(L/10), each by itself with 80 digits."""
    with localcontext() as context:
        context.prec = 80
        return int((8 * Decimal(10) ** (Decimal(ticks) / (10 ** (decimals + 1)))).to_integral_value())


def cosine(degrees: Fraction) -> Decimal:
    """Cosine by its power series with 60 digits, after turning the angle into the first half turn."""
    with localcontext() as context:
        context.prec = 60
        degrees = abs((degrees + 180) % 360 - 180)
        x = pi() * degrees.numerator / degrees.denominator / 180
        term, total, n = Decimal(1), Decimal(0), 0
        while abs(term) > Decimal(10) ** -55:
            total += term
            n += 2
            term = -term * x * x / (n * (n - 1))
        return total


def direction(ticks: int, decimals: int) -> tuple[int, int]:
    """Cosine and sine of an angle, scaled by 2^30 and rounded."""
    degrees = Fraction(ticks, 10**decimals)
    return tuple(int((d * 2**30).to_integral_value()) for d in (cosine(degrees), cosine(degrees - 90)))  # type: ignore[return-value]


def pi() -> Decimal:
    """Machin's formula: 16 arctan(1/5) - 4 arctan(1/239)."""

    def arctan_of_inverse(n: int) -> Decimal:
        total, power, k = Decimal(0), Decimal(1) / n, 0
        while abs(power) > Decimal(10) ** -70:
            total += (power if k % 2 == 0 else -power) / (2 * k + 1)
            power, k = power / (n * n), k + 1
        return total

    with localcontext() as context:
        context.prec = 75
        return 16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)


# ---- local time --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edges:
    """Starts of hours and days in a stretch of time, found by looking at the local clock once a minute."""

    hours: list[int]
    days: list[int]

    @classmethod
    def of(cls, zone: ZoneInfo, begin: datetime, end: datetime) -> Edges:
        """Begin at a local midnight; the stretch ends with the last start found."""
        hours, days = [], []
        newest, offset = begin.astimezone(zone).date() - timedelta(days=1), None
        at = begin.astimezone(UTC)
        while at <= end:
            local = at.astimezone(zone)
            us = (at - EPOCH) // timedelta(microseconds=1)
            if local.minute == 0 or local.utcoffset() != offset:
                hours.append(us)
            if local.date() > newest:
                days.append(us)
                newest = local.date()
            offset = local.utcoffset()
            at += timedelta(minutes=1)
        return cls(hours, days)

    def hour(self, time_us: int) -> int:
        return self.hours[bisect_right(self.hours, time_us) - 1]

    def day(self, time_us: int) -> int:
        return self.days[bisect_right(self.days, time_us) - 1]

    def hours_between(self, begin_us: int, end_us: int) -> list[tuple[int, int, int]]:
        """Return (start of hour, first instant within, end within) of every hour sharing an instant with a stretch."""
        found = []
        for start, after in pairwise(self.hours):
            first, last = max(start, begin_us), min(after, end_us)
            if first < last:
                found.append((start, first, last))
        return found


# ---- windows -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """What is known of one series."""

    kind: Kind
    low: int = 0
    high: int = 1000
    decimals: int = 1
    interval_us: int = MINUTE_US
    modulus: int = 0
    rate: int = 0


@dataclass
class Cell:
    count: int = 0
    low: int = 0
    high: int = 0
    sums: list[int] = field(default_factory=lambda: [0, 0, 0, 0])

    def take(self, ticks: int) -> None:
        self.low = min(self.low, ticks) if self.count else ticks
        self.high = max(self.high, ticks) if self.count else ticks
        self.count += 1

    def key(self) -> tuple[int, ...]:
        return (self.count, self.low, self.high, *self.sums)


Grids = tuple[dict[tuple[int, int], tuple[int, ...]], ...]
"""Per grid: (slot, start) to (count, low, high, four sums)."""


def cells(readings: Iterable[Reading], facts: list[Fact], edges: Edges) -> tuple[Grids, set[Decision]]:
    """Return every cell and every decision, computed from all readings at once."""
    begin, end = edges.days[0], edges.days[-1]
    series: dict[int, dict[int, int]] = defaultdict(dict)
    for slot, time_us, ticks in readings:
        if facts[slot].low <= ticks <= facts[slot].high and begin <= time_us < end:
            series[slot].setdefault(time_us, ticks)
    grids: tuple[defaultdict[tuple[int, int], Cell], ...] = tuple(defaultdict(Cell) for _ in range(3))
    minutes, hours, days = grids
    decisions: set[Decision] = set()
    for slot, by_time in series.items():
        fact = facts[slot]
        line = sorted(by_time.items())
        for time_us, ticks in line:
            places = (
                minutes[slot, time_us - time_us % MINUTE_US],
                hours[slot, edges.hour(time_us)],
                days[slot, edges.day(time_us)],
            )
            for cell in places:
                cell.take(ticks)
                for k, weight in enumerate(weights(fact, ticks)):
                    cell.sums[k] += weight
        if fact.kind not in (Kind.COUNTER, Kind.STATE):
            continue
        for (t0, v0), (t1, v1) in pairwise(line):
            if fact.kind is Kind.STATE:
                column, until = v0, min(t1, t0 + 3 * fact.interval_us)
                rise = until - t0
            else:
                column, until = 0, t1
                rise, kind = decide(v0, v1, fact.modulus, fact.rate, t1 - t0)
                minutes[slot, t1 - t1 % MINUTE_US].sums[0] += rise
                if kind:
                    decisions.add((slot, t1, kind, v0, v1, rise))
            for start, first, last in edges.hours_between(t0, until):
                part = share(rise, last - t0, until - t0) - share(rise, first - t0, until - t0)
                hours[slot, start].sums[column] += part
                days[slot, edges.day(start)].sums[column] += part
    return tuple({key: cell.key() for key, cell in grid.items()} for grid in grids), decisions


def weights(fact: Fact, ticks: int) -> tuple[int, ...]:
    """Return what one reading adds to the sums by itself."""
    if fact.kind in (Kind.GAUGE, Kind.EVENT):
        return (ticks,)
    if fact.kind is Kind.LEVEL:
        return (energy(ticks, fact.decimals),)
    if fact.kind is Kind.ANGLE:
        return direction(ticks, fact.decimals)
    return ()


# ---- statistics --------------------------------------------------------------------------------------------------


def mean(total: int, count: int, decimals: int, decimals_wanted: int) -> int:
    return round(Fraction(total, count) * Fraction(10) ** (decimals_wanted - decimals)) if count else 0


# ---- archive -----------------------------------------------------------------------------------------------------


def day_digest(readings: Iterable[tuple[int, int]]) -> bytes:
    """SHA-256 of time and ticks of one series and day, a reading at a time."""
    digest = hashlib.sha256()
    for time_us, ticks in sorted(readings):
        digest.update(struct.pack("<qq", time_us, ticks))
    return digest.digest()


TWINS: dict[Callable[..., object], Callable[..., object]] = {
    kernels.share: share,
    kernels.plausible: plausible,
    kernels.decide: decide,
    kernels.seek: seek,
    kernels.accumulate: cells,
    kernels.join: cells,
    kernels.rebuild: cells,
    kernels.rebuild_days: cells,
}
"""The passes over many readings share one twin: whatever they are fed and in whatever order, cells come out."""
