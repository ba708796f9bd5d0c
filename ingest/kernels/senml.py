"""Kernels that decode SenML packs (RFC 8428, JSON) straight into columns.

They take what they are certain of and leave the whole message to the reference codec otherwise: any escape, any byte
beyond ASCII, any field but bn, bt, bu, n, u, t and v, a field twice, a name or unit that is not the model's, a number
of more than 18 digits. What they take equals the reference codec's result bit for bit; the tests hold the two together.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ingest.kernels.frames import DECODED, SLOW

TOO_MANY, NOT_CERTAIN, NO_ROOM = -3, -2, -1
"""Answers of `_pack` other than a row: more readings than a message may have, not for the kernel, columns full."""

DIGITS_MAX = 18
POWER_MAX = 18
VALUE_MAX = 2**61
"""Both terms of a sum stay at or below this, so that the sum fits 64 bits."""
POWERS = np.array([10**k for k in range(POWER_MAX + 1)], np.int64)
TIME_NS_MAX = 2**62 - 1
"""The same for the two parts of a time; reaches the year 2116, later ones go to the reference codec."""
RELATIVE_US_MAX = 2**28 * 1_000_000
"""Times below 2**28 s are relative to the arrival (RFC 8428, section 4.5.3)."""

# Places in the scratch of one record: what was seen, then two numbers per field (start and size, or mantissa and
# exponent), then which base fields the pack has had so far, and where the own prefix of its first name stands (start
# and size), -1 before it.
_SEEN, _BASES, _PREFIX, _SCRATCH = 0, 15, 16, 18
_N, _U, _T, _V, _BN, _BT, _BU = 0, 1, 2, 3, 4, 5, 6

# The parts of `decode` become one piece of code, without owners of arrays counted at every call and without a check of
# divisors, which are positive: together that is two thirds of the time of a reading.
_part = njit(nogil=True, cache=True, forceinline=True, error_model="numpy", _nrt=False)


@njit(nogil=True, cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _skip_space(data: NDArray[np.uint8], at: int, end: int) -> int:
    while at < end and (data[at] == 32 or data[at] == 10 or data[at] == 13 or data[at] == 9):
        at += 1
    return at


@_part  # type: ignore[untyped-decorator, unused-ignore]
def string_end(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Return the position of the quote that closes the string whose first character is at `at`; -1 when the string
    holds an escape, a control character or a byte beyond ASCII, or does not end."""
    while at < end:
        byte = data[at]
        if byte == 34:
            return at
        if byte < 32 or byte >= 127 or byte == 92:
            return -1
        at += 1
    return -1


@_part  # type: ignore[untyped-decorator, unused-ignore]
def number(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int, int]:
    """Read a JSON number: return the position after it, mantissa and power of ten; position -1 when it is none, or
    has more than 18 digits or a power of ten beyond 18."""
    negative = at < end and data[at] == 45
    if negative:
        at += 1
    mantissa, digits, power = 0, 0, 0
    start = at
    while at < end and 48 <= data[at] <= 57:
        if digits == DIGITS_MAX:
            return -1, 0, 0
        mantissa = mantissa * 10 + (int(data[at]) - 48)
        digits += 1
        at += 1
    if digits == 0 or (digits > 1 and data[start] == 48):
        return -1, 0, 0
    if at < end and data[at] == 46:
        at += 1
        while at < end and 48 <= data[at] <= 57:
            if digits == DIGITS_MAX:
                return -1, 0, 0
            mantissa = mantissa * 10 + (int(data[at]) - 48)
            digits += 1
            power -= 1
            at += 1
        if power == 0:
            return -1, 0, 0
    if at < end and (data[at] | 32) == 101:
        at += 1
        falling = at < end and data[at] == 45
        if falling or (at < end and data[at] == 43):
            at += 1
        start, exponent = at, 0
        while at < end and 48 <= data[at] <= 57:
            if at - start == 3:
                return -1, 0, 0
            exponent = exponent * 10 + (int(data[at]) - 48)
            at += 1
        if at == start:
            return -1, 0, 0
        power += -exponent if falling else exponent
    if power < -POWER_MAX or power > POWER_MAX:
        return -1, 0, 0
    return at, (-mantissa if negative else mantissa), power


@_part  # type: ignore[untyped-decorator, unused-ignore]
def divide_half_even(numerator: int, denominator: int) -> int:
    """Divide, rounding to the nearest integer and ties to the even one; 0 < denominator <= 2**61."""
    if denominator == 1:
        return numerator
    quotient = numerator // denominator
    twice = 2 * (numerator - quotient * denominator)
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


@_part  # type: ignore[untyped-decorator, unused-ignore]
def ticks_of(
    mantissa: int, power: int, num: int, den: int, shift: int, mantissa_max: int, power_max: int
) -> tuple[bool, int]:
    """Return whether the arithmetic fits 64 bits, and (value * num + shift) / den rounded half to even.

    `mantissa_max` keeps |mantissa * num|, and `power_max` keeps den * 10**k and |shift| * 10**k at or below VALUE_MAX.
    """
    if power > 0:
        if abs(mantissa) > mantissa_max // POWERS[power]:
            return False, 0
        return True, divide_half_even(mantissa * POWERS[power] * num + shift, den)
    if abs(mantissa) > mantissa_max or -power > power_max:
        return False, 0
    scale = POWERS[-power]
    return True, divide_half_even(mantissa * num + shift * scale, den * scale)


@_part  # type: ignore[untyped-decorator, unused-ignore]
def nanoseconds(mantissa: int, power: int) -> tuple[bool, int]:
    """Return whether a time in seconds is a whole number of nanoseconds that fits, and that number."""
    power += 9
    if power >= 0:
        if power > POWER_MAX or abs(mantissa) > TIME_NS_MAX // POWERS[power]:
            return False, 0
        return True, mantissa * POWERS[power]
    scale = POWERS[-power]
    whole = mantissa // scale
    return whole * scale == mantissa, whole


@_part  # type: ignore[untyped-decorator, unused-ignore]
def _key(data: NDArray[np.uint8], at: int, size: int) -> int:
    last = data[at + size - 1]
    if size == 1:
        if last == 110:
            return _N
        if last == 117:
            return _U
        if last == 116:
            return _T
        if last == 118:
            return _V
    elif size == 2 and data[at] == 98:
        if last == 110:
            return _BN
        if last == 116:
            return _BT
        if last == 117:
            return _BU
    return -1


@_part  # type: ignore[untyped-decorator, unused-ignore]
def _record(data: NDArray[np.uint8], at: int, end: int, scratch: NDArray[np.int64]) -> int:
    """Read one object from after its brace into the scratch; return the position after it, -1 when not certain."""
    seen = 0
    while True:
        at = _skip_space(data, at, end)
        if at >= end or data[at] != 34:
            return -1
        stop = string_end(data, at + 1, end)
        if stop <= at + 1:
            return -1
        key = _key(data, at + 1, stop - at - 1)
        if key < 0 or seen & (1 << key):
            return -1
        seen |= 1 << key
        at = _skip_space(data, stop + 1, end)
        if at >= end or data[at] != 58:
            return -1
        at = _skip_space(data, at + 1, end)
        if at >= end:
            return -1
        if key in (_T, _V, _BT):
            at, mantissa, power = number(data, at, end)
            if at < 0:
                return -1
            scratch[2 * key + 1] = mantissa
            scratch[2 * key + 2] = power
        else:
            if data[at] != 34:
                return -1
            stop = string_end(data, at + 1, end)
            if stop < 0:
                return -1
            scratch[2 * key + 1] = at + 1
            scratch[2 * key + 2] = stop - at - 1
            at = stop + 1
        at = _skip_space(data, at, end)
        if at >= end:
            return -1
        if data[at] == 125:
            scratch[_SEEN] = seen
            scratch[_BASES] |= seen
            return at + 1
        if data[at] != 44:
            return -1
        at += 1


@_part  # type: ignore[untyped-decorator, unused-ignore]
def _tail(data: NDArray[np.uint8], at: int, size: int) -> int:
    """Return the position after the last / or : of a name, `at` where it has none, -1 where it is not a SenML name."""
    tail = at
    for i in range(at, at + size):
        byte = data[i]
        if byte == 47 or byte == 58:
            tail = i + 1
        elif not (48 <= byte <= 57 or 97 <= byte <= 122 or 65 <= byte <= 90 or 45 <= byte <= 46 or byte == 95):
            return -1
    return tail


@_part  # type: ignore[untyped-decorator, unused-ignore]
def _same(data: NDArray[np.uint8], at: int, text: NDArray[np.uint8], start: int, size: int) -> bool:
    for i in range(size):  # noqa: SIM110 - numba compiles a loop, not a generator
        if data[at + i] != text[start + i]:
            return False
    return True


@_part  # type: ignore[untyped-decorator, unused-ignore]
def _field(
    data: NDArray[np.uint8],
    scratch: NDArray[np.int64],
    hint: int,
    first: int,
    last: int,
    name: NDArray[np.uint8],
    name_at: NDArray[np.int64],
) -> int:
    """Return the field first <= f < last that the record names, -1 when none does. Devices keep the order of their
    fields, so the search begins at `hint`."""
    n_at, n_size = np.int64(0), np.int64(0)
    if scratch[_SEEN] & (1 << _N):
        n_at, n_size = scratch[2 * _N + 1], scratch[2 * _N + 2]
    b_at, b_size = np.int64(0), np.int64(0)
    if scratch[_BASES] & (1 << _BN):
        b_at, b_size = scratch[2 * _BN + 1], scratch[2 * _BN + 2]
    if n_size + b_size == 0:
        return -1
    start = data[b_at] if b_size else data[n_at]
    if not (48 <= start <= 57 or 97 <= start <= 122 or 65 <= start <= 90):
        return -1
    b_tail, n_tail = _tail(data, b_at, b_size), _tail(data, n_at, n_size)
    if b_tail < 0 or n_tail < 0:
        return -1
    if scratch[_PREFIX] < 0:
        scratch[_PREFIX], scratch[_PREFIX + 1] = n_at, n_tail - n_at
    elif (
        scratch[_SEEN] & (1 << _BN)
        or n_tail - n_at != scratch[_PREFIX + 1]
        or not _same(data, n_at, data, scratch[_PREFIX], n_tail - n_at)
    ):
        return -1  # perhaps of another thing than the records before
    head = b_at + b_size - b_tail if n_tail == n_at else np.int64(0)
    rest = n_at + n_size - n_tail
    for turn in range(last - first):
        field = hint + turn
        if field >= last:
            field -= last - first
        at = name_at[field]
        if (
            name_at[field + 1] - at == head + rest
            and _same(data, b_tail, name, at, head)
            and _same(data, n_tail, name, at + head, rest)
        ):
            return field
    return -1


@_part  # type: ignore[untyped-decorator, unused-ignore]
def _time(scratch: NDArray[np.int64], received_us: int) -> tuple[bool, int, bool]:
    """Return whether the record's time is certain, the time, and whether it is counted from the arrival."""
    total = np.int64(0)
    if scratch[_BASES] & (1 << _BT):
        certain, base = nanoseconds(scratch[2 * _BT + 1], scratch[2 * _BT + 2])
        if not certain:
            return False, 0, False
        total += base
    if scratch[_SEEN] & (1 << _T):
        certain, own = nanoseconds(scratch[2 * _T + 1], scratch[2 * _T + 2])
        if not certain:
            return False, 0, False
        total += own
    rounded = divide_half_even(total, 1000)
    if rounded < RELATIVE_US_MAX:
        return True, received_us + rounded, True
    return True, rounded, False


@_part  # type: ignore[untyped-decorator, unused-ignore]
def _unit_fits(
    data: NDArray[np.uint8], scratch: NDArray[np.int64], field: int, unit: NDArray[np.uint8], unit_at: NDArray[np.int64]
) -> bool:
    """Say whether the record's unit, or the pack's, is the field's. None at all is, and a field may take any."""
    size = unit_at[field + 1] - unit_at[field]
    if size == 0:
        return True
    key = _U
    if not scratch[_SEEN] & (1 << _U):
        if not scratch[_BASES] & (1 << _BU):
            return True
        key = _BU
    if scratch[2 * key + 2] != size:
        return False
    same: bool = _same(data, scratch[2 * key + 1], unit, unit_at[field], size)
    return same


@_part  # type: ignore[untyped-decorator, unused-ignore]
def _pack(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    received_us: int,
    slot_first: int,
    field_first: int,
    field_last: int,
    name: NDArray[np.uint8],
    name_at: NDArray[np.int64],
    unit: NDArray[np.uint8],
    unit_at: NDArray[np.int64],
    scale: NDArray[np.int64],
    scratch: NDArray[np.int64],
    row: int,
    readings_max: int,
    arrival_flag: int,
    slot: NDArray[np.int32],
    time_us: NDArray[np.int64],
    ticks: NDArray[np.int64],
    flags: NDArray[np.int16],
) -> int:
    """Decode one payload from row `row` on; return the next free row, or why there is none."""
    at = _skip_space(data, at, end)
    if at >= end or data[at] != 91:
        return NOT_CERTAIN
    at += 1
    scratch[_BASES] = 0
    scratch[_PREFIX] = -1
    hint = field_first
    stop = min(row + readings_max, slot.size)
    full = NO_ROOM if stop < row + readings_max else TOO_MANY
    while True:
        at = _skip_space(data, at, end)
        if at >= end or data[at] != 123:
            return NOT_CERTAIN
        at = _record(data, at + 1, end, scratch)
        if at < 0 or not scratch[_SEEN] & (1 << _V):
            return NOT_CERTAIN
        field = _field(data, scratch, hint, field_first, field_last, name, name_at)
        if field < 0 or not _unit_fits(data, scratch, field, unit, unit_at):
            return NOT_CERTAIN
        hint = field + 1 if field + 1 < field_last else field_first
        certain, moment, from_arrival = _time(scratch, received_us)
        if not certain:
            return NOT_CERTAIN
        fits, value = ticks_of(
            scratch[2 * _V + 1], scratch[2 * _V + 2],
            scale[field, 0], scale[field, 1], scale[field, 2], scale[field, 3], scale[field, 4],
        )  # fmt: skip
        if not fits:
            return NOT_CERTAIN
        if row >= stop:
            return full
        slot[row] = slot_first + field - field_first
        time_us[row] = moment
        ticks[row] = value
        flags[row] = arrival_flag if from_arrival else 0
        row += 1
        at = _skip_space(data, at, end)
        if at >= end:
            return NOT_CERTAIN
        if data[at] == 93:
            return row if _skip_space(data, at + 1, end) == end else NOT_CERTAIN
        if data[at] != 44:
            return NOT_CERTAIN
        at += 1


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
def decode(
    data: NDArray[np.uint8],
    first: int,
    last: int,
    payload_at: NDArray[np.int32],
    payload_size: NDArray[np.int32],
    received_us: NDArray[np.int64],
    device: NDArray[np.int32],
    status: NDArray[np.uint8],
    slot_first: NDArray[np.int32],
    model: NDArray[np.int32],
    field_at: NDArray[np.int32],
    name: NDArray[np.uint8],
    name_at: NDArray[np.int64],
    unit: NDArray[np.uint8],
    unit_at: NDArray[np.int64],
    scale: NDArray[np.int64],
    row: int,
    readings_max: int,
    arrival_flag: int,
    message: NDArray[np.int32],
    slot: NDArray[np.int32],
    time_us: NDArray[np.int64],
    ticks: NDArray[np.int64],
    flags: NDArray[np.int16],
) -> tuple[int, int, int]:
    """Decode the messages first <= m < last whose status is SLOW, writing readings from row `row` on.

    Per device: `slot_first` and `model`; per model (-1: none for this kernel): the fields field_at[m] to
    field_at[m + 1]; per field: its name, its unit, and in `scale` num, den, shift, mantissa_max and power_max.
    Returns the first message not looked at (below `last` when the columns are full), the next free row, and how many
    of the messages looked at are not decoded.
    """
    scratch = np.zeros(_SCRATCH, np.int64)
    left = 0
    for m in range(first, last):
        if status[m] != SLOW:
            left += 1
            continue
        kind = model[device[m]]
        if kind < 0:
            left += 1
            continue
        at = np.int64(payload_at[m])
        after = _pack(
            data, at, at + payload_size[m], received_us[m], slot_first[device[m]], field_at[kind], field_at[kind + 1],
            name, name_at, unit, unit_at, scale, scratch, row, readings_max, arrival_flag, slot, time_us, ticks, flags,
        )  # fmt: skip
        if after == NO_ROOM:
            return m, row, left
        if after < 0:
            left += 1
            continue
        for i in range(row, after):
            message[i] = m
        row = after
        status[m] = DECODED
    return last, row, left
