"""Algebra of units: what a product or quotient of quantities is measured in, exactly.

Knows the codes of `devices/units.toml` and how their dimensions are made of each other; knows no formula and no input.

The table of the devices' room says how units of one dimension convert. Formulas also divide and multiply dimensions, so
`_MADE_OF` adds what that table has no need of: that a volume is a length cubed, an energy a power times a time. A test
reads every code of the table both ways, whole and as a product of its parts, and both must agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Final

from devices.definitions import once_an_edition
from devices.errors import UnitError, nearest
from devices.units import load_units

TERM_CHARS_MAX = 120
EXPONENT_MAX = 9

_TOKEN = re.compile(r"\s*(\{[A-Za-z0-9_ ]+\}|10\*-?\d+|[A-Za-z%\[][A-Za-z%\[\]_]*(?:-?[0-9])?|[0-9]+|[./()])")

# Base quantities of the dimensions of units.toml: factor to the base quantities' units, and their exponents.
_MADE_OF: Final[Mapping[str, tuple[Fraction, Mapping[str, int]]]] = {
    "count": (Fraction(1), {}),
    "ratio": (Fraction(1, 100), {}),
    "length": (Fraction(1), {"m": 1}),
    "area": (Fraction(1), {"m": 2}),
    "volume": (Fraction(1), {"m": 3}),
    "time": (Fraction(1), {"s": 1}),
    "frequency": (Fraction(1), {"s": -1}),
    "mass": (Fraction(1), {"kg": 1}),
    "speed": (Fraction(1), {"m": 1, "s": -1}),
    "rainfall rate": (Fraction(1, 3_600_000), {"m": 1, "s": -1}),
    "volume flow": (Fraction(1, 3600), {"m": 3, "s": -1}),
    "mass concentration": (Fraction(1, 10**9), {"kg": 1, "m": -3}),
    "power": (Fraction(1), {"kg": 1, "m": 2, "s": -3}),
    "energy": (Fraction(3_600_000), {"kg": 1, "m": 2, "s": -2}),
    "power density": (Fraction(1), {"kg": 1, "s": -3}),
}


@dataclass(frozen=True, slots=True)
class Term:
    """A unit as a multiple of a product of powers.

    Attributes:
        scale: how many of the product it is.
        powers: (base, exponent) in order of the base, none 0. A base is a unit (`m`, `kg`, `s`), a dimension that no
            other is made of, or what is counted, in braces: `{household}` is not `{inhabitant}`.
    """

    scale: Fraction
    powers: tuple[tuple[str, int], ...] = ()

    def __mul__(self, other: Term) -> Term:
        """Return the unit of a product."""
        return Term(self.scale * other.scale, _merged(self.powers, other.powers, 1))

    def __truediv__(self, other: Term) -> Term:
        """Return the unit of a quotient."""
        return Term(self.scale / other.scale, _merged(self.powers, other.powers, -1))

    def __str__(self) -> str:
        parts = [base if power == 1 else f"{base}{power}" for base, power in self.powers]
        if self.scale != 1 or not parts:
            parts.insert(0, str(self.scale))
        return ".".join(parts)


ONE = Term(Fraction(1))


def _merged(
    left: tuple[tuple[str, int], ...], right: tuple[tuple[str, int], ...], sign: int
) -> tuple[tuple[str, int], ...]:
    powers = dict(left)
    for base, power in right:
        powers[base] = powers.get(base, 0) + sign * power
    return tuple(sorted((base, power) for base, power in powers.items() if power))


@once_an_edition
def parse_unit(text: str) -> Term:
    """Return the unit that a UCUM term writes: `%`, `ug/m3`, `L/d/{inhabitant}`, `km/(10*5.{inhabitant})`.

    What stands in braces says what is counted. UCUM gives it no meaning; here it is a quantity of its own, so that
    households divided by inhabitants are no share.

    Raises:
        UnitError: not such a term, or an unknown unit; the message names the nearest.
    """
    if not text or len(text) > TERM_CHARS_MAX:
        raise UnitError(f"expected a unit of 1 to {TERM_CHARS_MAX} characters such as 'kW.h/m2', got {text[:40]!r}")
    tokens: list[str] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise UnitError(f"expected a unit such as 'kW.h/m2' or '{{interruption}}/{{customer}}', got {text!r}")
        tokens.append(found[1])
        position = found.end()
    term, rest = _product(tokens, text)
    if rest:
        raise UnitError(f"{text!r}: unexpected {rest[0]!r}")
    return term


def _product(tokens: list[str], text: str) -> tuple[Term, list[str]]:
    """Return the product at the beginning of the tokens, and what follows it: `a/b.c` is `(a/b).c`, as in UCUM."""
    term, tokens = (ONE, tokens) if tokens[:1] == ["/"] else _factor(tokens, text)
    while tokens and tokens[0] in "./":
        factor, rest = _factor(tokens[1:], text)
        term = term * factor if tokens[0] == "." else term / factor
        tokens = rest
    return term, tokens


def _factor(tokens: list[str], text: str) -> tuple[Term, list[str]]:
    if not tokens or tokens[0] in "./)":
        raise UnitError(f"{text!r}: a unit is missing {f'before {tokens[0]!r}' if tokens else 'at the end'}")
    if tokens[0] == "(":
        term, rest = _product(tokens[1:], text)
        if rest[:1] != [")"]:
            raise UnitError(f"{text!r}: a parenthesis is not closed")
        rest = rest[1:]
    else:
        term, rest = _atom(tokens[0]), tokens[1:]
    while rest and rest[0].startswith("{"):  # `t{CO2e}`: the annotation belongs to the unit before it
        term, rest = term * _atom(rest[0]), rest[1:]
    return term, rest


def _atom(token: str) -> Term:
    """Return the unit of one code, annotation, number or power of ten."""
    if token.startswith("{"):
        return Term(Fraction(1), ((token, 1),))
    if token.startswith("10*"):
        return Term(Fraction(10) ** _exponent(token[3:], token))
    if token.isdigit():
        if int(token) == 0:
            raise UnitError("0 is no unit")
        return Term(Fraction(int(token)))
    units = load_units()
    if token in units:
        return _whole(token)
    name = token.rstrip("-0123456789")
    if name != token and name in units:
        power = _exponent(token[len(name) :], token)
        base = _whole(name)
        return reduce(lambda a, b: a * b if power > 0 else a / b, [base] * abs(power), ONE)
    raise UnitError(f"unknown unit {token!r}{nearest(token, units)}")


def _exponent(text: str, token: str) -> int:
    if abs(int(text)) > EXPONENT_MAX:
        raise UnitError(f"expected an exponent of at most {EXPONENT_MAX}, got {token!r}")
    return int(text)


def _whole(code: str) -> Term:
    """Return the unit of one code of `units.toml`."""
    unit = load_units()[code]
    if unit.offset:
        return Term(Fraction(1), ((code, 1),))  # degrees with another zero do not multiply: a quantity of their own
    factor, powers = _MADE_OF.get(unit.dimension, (Fraction(1), {f"[{unit.dimension}]": 1}))
    return Term(unit.factor * factor, tuple(sorted(powers.items())))


def factor_between(source: str, wanted: str) -> Fraction:
    """Return the exact factor with wanted = source * factor.

    A plain count (`1`) may be named: `1` to `{interruption}` is 1.

    Raises:
        UnitError: one is no unit, or the two measure different things; the message names both.
    """
    given, asked = parse_unit(source), parse_unit(wanted)
    if given == ONE and asked.scale == 1 and len(asked.powers) == 1 and asked.powers[0][0].startswith("{"):
        return Fraction(1)
    if given.powers != asked.powers:
        raise UnitError(f"cannot convert {source!r} to {wanted!r}")
    return given.scale / asked.scale


def register_factor(stated: str, wanted: str) -> Fraction:
    """Return the exact factor from a city's register to an input, by the unit that the city wrote beside its value.

    People write what is counted as a plain word: `inhabitants` is `{inhabitant}`. No unit at all is the wanted one.

    Raises:
        UnitError: the two measure different things, or the register's unit is no unit.
    """
    if not stated:
        return Fraction(1)
    if re.fullmatch(r"[a-z_]+s", stated) and stated not in load_units():
        stated = f"{{{stated.removesuffix('s')}}}"
    return factor_between(stated, wanted)
