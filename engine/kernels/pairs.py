"""What lies between two neighbouring readings of a counter or a state, compiled.

Knows integers and window edges; knows neither where readings come from nor what a series is.
"""

from __future__ import annotations

from numba import njit

from engine.clock import Clock
from engine.kernels.clock import HOUR_US, hour_end, hour_start, seek
from engine.kernels.table import DIRTY, Table, claim

CALLED = "1684311c8a121265"
"""Digest of the files whose kernels are called here. numba keeps compiled code as long as the file of a kernel is the
same, whatever became of the kernels it calls; so their change must change this file. A test says when and to what."""

INT64_MAX = 2**63 - 1

ROLLOVER, RESET, DIP = 1, 2, 3
"""Kinds of decision about a counter that went down."""


@njit(nogil=True, cache=True)
def share(rise: int, part_us: int, whole_us: int) -> int:
    """Return rise * part / whole, half to even, exact for every rise below 2^62 and 0 <= part <= whole < 2^61.

    The product may need 128 bits. rise = q * whole + r splits off what does not; r * part / whole goes directly where
    the product fits, and by binary long division where it does not.
    """
    size = -rise if rise < 0 else rise
    quotient = size // whole_us
    left = size - quotient * whole_us
    if part_us == 0 or left <= INT64_MAX // part_us:
        product = left * part_us
        inner = product // whole_us
        rest = product - inner * whole_us
    else:
        inner, rest = 0, 0
        for bit in range(62, -1, -1):
            inner = 2 * inner
            rest = 2 * rest
            if rest >= whole_us:
                rest -= whole_us
                inner += 1
            if (part_us >> bit) & 1:
                rest += left
                if rest >= whole_us:
                    rest -= whole_us
                    inner += 1
    total = quotient * part_us + inner
    if 2 * rest > whole_us or (2 * rest == whole_us and total % 2 == 1):
        total += 1
    return -total if rise < 0 else total


@njit(nogil=True, cache=True)
def plausible(rise: int, rate: int, elapsed_us: int) -> bool:
    """Say whether a counter can rise so much: `rate` ticks for each hour begun; always where no rate is known (0)."""
    hours = (elapsed_us + HOUR_US - 1) // HOUR_US
    return rate <= 0 or rate > INT64_MAX // hours or rise <= rate * hours


@njit(nogil=True, cache=True)
def decide(before: int, after: int, modulus: int, rate: int, elapsed_us: int) -> tuple[int, int]:
    """Return what a counter rose by between two readings, and the decision that was needed (0: none).

    A counter that went down either rolled over, ran backwards, or was reset:
    - ROLLOVER: it has a modulus, the rise over the modulus is plausible for the time, and not larger than the fall;
      where no rate is known the rise must be at most a tenth of the modulus.
    - DIP: more than half of the register is left, as after backflow or jitter; the fall counts as what it is, negative.
    - RESET: else; it counted from zero, so it rose by what it shows, or by 0 where that is not plausible.
    """
    if after >= before:
        return after - before, 0
    over = after + modulus - before
    near = modulus > 0 and 0 <= over <= before - after
    if near and plausible(over, rate, elapsed_us) and (rate > 0 or over <= modulus // 10):
        return over, ROLLOVER
    if after > 0 and after > before - after:
        return after - before, DIP
    if after >= 0 and plausible(after, rate, elapsed_us):
        return after, RESET
    return 0, RESET


@njit(nogil=True, cache=True)
def spread(
    clock: Clock,
    hour: Table,
    day: Table,
    with_days: bool,
    slot: int,
    column: int,
    rise: int,
    begin_us: int,
    end_us: int,
    clip_from_us: int,
    clip_to_us: int,
) -> int:
    """Give every hour window between two readings its share of the rise; returns how many windows there were.

    A share is the interpolated value at the later edge less that at the earlier one, so shares add up exactly. Days get
    the same shares. Only windows within the clip are touched. For a state the rise is the time itself.
    """
    first, last = max(begin_us, clip_from_us), min(end_us, clip_to_us)
    if first >= last:
        return 0
    whole = end_us - begin_us
    segment = seek(clock.change_us, first, 0)
    civil = seek(clock.day_us, first, 0)
    at, touched = first, 0
    value = share(rise, first - begin_us, whole)
    while at < last:
        segment = seek(clock.change_us, at, segment)
        edge = min(hour_end(clock, segment, at), last)
        ahead = share(rise, edge - begin_us, whole)
        row = claim(hour, slot, hour_start(clock, segment, at))
        hour.rows[row, column] += ahead - value
        hour.flags[row] = DIRTY
        if with_days:
            civil = seek(clock.day_us, at, civil)
            row = claim(day, slot, clock.day_us[civil])
            day.rows[row, column] += ahead - value
            day.flags[row] = DIRTY
        at, value = edge, ahead
        touched += 1
    return touched
