"""The algebra of units agrees with the table of units, and with arithmetic."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.errors import UnitError
from devices.units import conversion, load_units
from engine.kpi import factor_between, parse_unit, register_factor
from engine.kpi.units import ONE, Term

CODES = sorted(code for code in load_units() if code[0].isalpha() and "/" not in code and "." not in code)


def _compound() -> list[str]:
    """Codes of the table that are products of other codes of it."""
    return [code for code in load_units() if len(code) > 1 and ("/" in code[1:-1] or "." in code) and code[0] != "/"]


def _readable(codes: list[str]) -> list[str]:
    """Without SenML names such as `ug/l`, and parts that the table has not by themselves (`uS`)."""
    found = []
    for code in codes:
        with suppress(UnitError):
            parse_unit(code)
            found.append(code)
    return found


@pytest.mark.parametrize("code", _readable(_compound()))
def test_a_compound_unit_is_what_its_parts_make(code: str) -> None:
    """The table says how many W.h a kW.h is; the algebra knows W and h: both must come to the same."""
    unit, term = load_units()[code], parse_unit(code)
    same = [other for other, one in load_units().items() if one.dimension == unit.dimension and other != code]
    for other in _readable(same):
        converted = parse_unit(other)
        assert term.powers == converted.powers
        assert term.scale / converted.scale == conversion(code, other)[0]


def test_enough_compound_units_are_read_for_this_to_mean_something() -> None:
    assert {"ug/m3", "kW.h", "m3/h", "km/h", "W/m2", "L/min", "MW.h"} <= set(_readable(_compound()))


@pytest.mark.parametrize(
    ("text", "scale", "powers"),
    [
        ("1", 1, ()),
        ("%", Fraction(1, 100), ()),
        ("km2", 10**6, (("m", 2),)),
        ("m-1", 1, (("m", -1),)),
        ("ha", 10**4, (("m", 2),)),
        ("10*5", 10**5, ()),
        ("10*-3", Fraction(1, 1000), ()),
        ("/(10*5.{inhabitant})", Fraction(1, 10**5), (("{inhabitant}", -1),)),
        ("min/{interruption}", 60, (("s", 1), ("{interruption}", -1))),
        ("W/m2", 1, (("kg", 1), ("s", -3))),
        ("t{CO2e}/{inhabitant}", 1000, (("kg", 1), ("{CO2e}", 1), ("{inhabitant}", -1))),
    ],
)
def test_a_unit_is_a_multiple_of_powers(text: str, scale: int | Fraction, powers: tuple[tuple[str, int], ...]) -> None:
    assert parse_unit(text) == Term(Fraction(scale), powers)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from("./")), min_size=1, max_size=6))
def test_a_product_is_the_product_of_its_parts(parts: list[tuple[str, str]]) -> None:
    text = "1" + "".join(sign + code for code, sign in parts)
    term = ONE
    for code, sign in parts:
        term = term * parse_unit(code) if sign == "." else term / parse_unit(code)
    assert parse_unit(text) == term
    assert term / term == ONE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1 to 120"),
        ("kWhx", "did you mean"),
        ("furlong", "unknown unit"),
        ("m/", "missing at the end"),
        ("m..s", "missing before '.'"),
        ("(m", "not closed"),
        ("m)", "unexpected ')'"),
        ("{in habitant", "expected a unit"),
        ("0", "0 is no unit"),
        ("10*99", "at most 9"),
        ("m" * 121, "1 to 120"),
    ],
)
def test_what_is_no_unit_is_refused(text: str, said: str) -> None:
    with pytest.raises(UnitError) as refused:
        parse_unit(text)
    assert said in str(refused.value)


def test_a_factor_is_exact_and_a_count_may_be_named() -> None:
    assert factor_between("kW.h", "GJ") == Fraction(36, 10_000)
    assert factor_between("1", "{interruption}") == 1
    assert factor_between("s", "min") == Fraction(1, 60)
    with pytest.raises(UnitError, match=r"cannot convert 'kW.h' to 'm3'"):
        factor_between("kW.h", "m3")
    with pytest.raises(UnitError):
        factor_between("{household}", "{inhabitant}")


def test_the_unit_of_a_citys_register_is_read_as_people_write_it() -> None:
    assert register_factor("inhabitants", "{inhabitant}") == 1
    assert register_factor("", "{meter}") == 1
    assert register_factor("m2", "km2") == Fraction(1, 10**6)
    assert register_factor("{customer}", "{customer}") == 1
    for stated in ("households", "people", "km", "Einwohner"):
        with pytest.raises(UnitError):
            register_factor(stated, "{inhabitant}")
