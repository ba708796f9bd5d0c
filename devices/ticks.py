"""Decimal text to ticks and back, by integer arithmetic alone.

Knows numbers as text and the exact scale of a measurand; knows neither payloads nor devices. No float passes through
here: a binary float (Sparkplug, CBOR, a LoRaWAN decoder) comes as the shortest decimal text that names it.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from devices.errors import ValueRefusedError, quoted

DIGITS_MAX = 64
"""Significant digits of one number. A double has 17; RFC 8428 advises fewer than 19 characters."""
EXPONENT_MAX = 400
"""Largest power of ten, either way. A double reaches 308; more would only buy huge integers."""
TEXT_CHARS_MAX = 128
"""Characters of one number."""
TICKS_MIN = -(2**63)
TICKS_MAX = 2**63 - 1
_NARROW: Final = MappingProxyType({16: np.float16, 32: np.float32})

# JSON's grammar (RFC 8259), and what devices write when they put numbers into strings: a plus sign, leading zeros,
# a bare point. ASCII digits only: `\d` would take the digits of every script.
_NUMBER = re.compile(r"([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?[0-9]{1,12}))?\Z")


class Number(NamedTuple):
    """An exact decimal number: mantissa * 10**exponent."""

    mantissa: int
    exponent: int

    def plus(self, other: Number) -> Number:
        """Return the exact sum."""
        exponent = min(self.exponent, other.exponent)
        return Number(
            self.mantissa * 10 ** (self.exponent - exponent) + other.mantissa * 10 ** (other.exponent - exponent),
            exponent,
        )


ZERO = Number(0, 0)


class NumberText(str):
    """A number as a message writes it. Distinct from a text that a message holds, which is a plain `str`."""

    __slots__ = ()


class Scale(NamedTuple):
    """The exact line from a value as sent to ticks: ticks = (value * num + shift) / den, rounded half to even.

    All three are integers and den > 0, so that a compiled kernel can do the same arithmetic.
    """

    num: int
    den: int
    shift: int

    @classmethod
    def of(cls, factor: Fraction, offset: Fraction, decimals: int) -> Scale:
        """Return the scale for canonical = value * factor + offset at a resolution of 10**-decimals."""
        slope = factor * 10**decimals
        base = offset * 10**decimals
        den = math.lcm(slope.denominator, base.denominator)
        return cls(int(slope * den), den, int(base * den))


def divide_half_even(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded to the nearest integer, ties to the even one. denominator > 0."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


def parse_number(text: str) -> Number:
    """Return the number a text writes.

    Raises:
        ValueRefusedError: `not_a_number` for any other text; `out_of_range` beyond DIGITS_MAX or EXPONENT_MAX,
            found before any large integer is built.
    """
    if len(text) > TEXT_CHARS_MAX:
        raise ValueRefusedError("not_a_number", f"{quoted(text)} is longer than {TEXT_CHARS_MAX} characters")
    match = _NUMBER.match(text)
    if match is None:
        raise ValueRefusedError("not_a_number", f"expected a decimal number, got {quoted(text)}")
    sign, whole, fraction, bare, power = match.groups()
    fraction = bare or fraction or ""
    digits = ((whole or "") + fraction).lstrip("0")
    exponent = int(power or 0) - len(fraction)
    if len(digits) > DIGITS_MAX or abs(exponent) > EXPONENT_MAX:
        raise ValueRefusedError(
            "out_of_range", f"{quoted(text)} has more than {DIGITS_MAX} digits or a power of ten beyond {EXPONENT_MAX}"
        )
    mantissa = int(digits or 0)
    return Number(-mantissa if sign == "-" else mantissa, exponent)


def scale_number(number: Number, scale: Scale) -> int:
    """Return the ticks of a number as sent, rounded half to even from the exact value.

    Raises:
        ValueRefusedError: `out_of_range` when the ticks do not fit an int64.
    """
    mantissa, exponent = number
    if exponent >= 0:
        ticks = divide_half_even(mantissa * scale.num * 10**exponent + scale.shift, scale.den)
    else:
        power = 10**-exponent
        ticks = divide_half_even(mantissa * scale.num + scale.shift * power, scale.den * power)
    if not TICKS_MIN <= ticks <= TICKS_MAX:
        raise ValueRefusedError(
            "out_of_range", f"{mantissa}e{exponent} does not fit 64 bits at the measurand's resolution"
        )
    return ticks


def text_from_number(number: Number) -> str:
    """Return the plain decimal text of a number: no exponent, no superfluous zeros."""
    mantissa, exponent = number
    if exponent >= 0:
        return str(mantissa * 10**exponent)
    text = text_from_ticks(mantissa, -exponent)
    return text.rstrip("0").rstrip(".")


def text_from_ticks(ticks: int, decimals: int) -> str:
    """Return ticks as decimal text with all digits of the resolution: (35200, 3) is `35.200`, (-5, 2) is `-0.05`."""
    if decimals == 0:
        return str(ticks)
    digits = str(abs(ticks)).rjust(decimals + 1, "0")
    return f"{'-' if ticks < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"


def number_from_ticks(ticks: int, scale: Scale) -> Number:
    """Return a short decimal number, as a device would send it, that scales to exactly these ticks.

    The number with the fewest decimals whose steps are no larger than a tick is tried first; one more decimal always
    suffices, because its error is less than half a tick.
    """
    exact_num, exact_den = ticks * scale.den - scale.shift, scale.num
    if exact_den < 0:
        exact_num, exact_den = -exact_num, -exact_den
    decimals = 0
    while abs(scale.num) > scale.den * 10**decimals:
        decimals += 1
    while True:
        number = Number(divide_half_even(exact_num * 10**decimals, exact_den), -decimals)
        if scale_number(number, scale) == ticks:
            return number
        decimals += 1


def text_from_float(value: float, bits: int = 64) -> str:
    """Return the shortest decimal text that names a binary float of so many bits; NaN and infinities are refused.

    A whole number keeps all its digits: a register that went through a float of 32 bits stands at 16777220, and the
    shortest text that leads back there would be 16777218.

    Args:
        value: the number, as the double that equals it.
        bits: width of the float that was sent, 16, 32 or 64. Fewer bits need fewer digits: 0.1 in 32 bits is
            0.10000000149011612 as a double, and was meant as 0.1.

    Raises:
        ValueRefusedError: `not_a_number`.
    """
    if not math.isfinite(value):
        raise ValueRefusedError("not_a_number", f"expected a number, got {value!r}")
    if bits == 64 or value.is_integer():
        return repr(value)
    return str(_NARROW[bits](value))
