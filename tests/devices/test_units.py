"""Units convert exactly or not at all."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import UnitError, conversion, load_units

CODES = sorted(load_units())


@pytest.mark.parametrize(
    ("sent", "wanted", "value", "result"),
    [
        ("Wh", "kW.h", "20016", "20.016"),
        ("l", "m3", "3.785", "0.003785"),
        ("K", "Cel", "273.15", "0"),
        ("[degF]", "Cel", "212", "100"),
        ("km/h", "m/s", "36", "10"),
        ("mg/m3", "ug/m3", "1.145", "1145"),
        ("GJ", "kW.h", "0.0036", "1"),
        ("dBW", "dBm", "-60", "-30"),
        ("/", "%", "0.5", "50"),
        ("hPa", "Pa", "1013.25", "101325"),
        ("dB", "dB[A]", "61.5", "61.5"),
        ("ppm", "[ppb]", "0.04", "40"),
        ("S/m", "uS/cm", "0.05", "500"),
    ],
)
def test_a_known_conversion_is_exact(sent: str, wanted: str, value: str, result: str) -> None:
    factor, offset = conversion(sent, wanted)
    assert Fraction(value) * factor + offset == Fraction(result)


FOOT = Fraction("0.3048")
HOUR = 3600


@pytest.mark.parametrize(
    ("code", "base", "factor"),
    [
        ("[kn_i]", "m/s", Fraction(1852, HOUR)),
        ("[mi_i]/h", "m/s", 5280 * FOOT / HOUR),
        ("km/h", "m/s", Fraction(1000, HOUR)),
        ("[in_i]", "m", FOOT / 12),
        ("[gal_us]", "m3", 231 * (FOOT / 12) ** 3),
        ("[cft_i]", "m3", FOOT**3),
        ("mm[Hg]", "Pa", Fraction("13.5951") * Fraction("9.80665")),
        ("L/min", "m3/h", Fraction(60, 1000)),
        ("l/s", "m3/h", Fraction(HOUR, 1000)),
        ("m3/d", "m3/h", Fraction(1, 24)),
        ("MJ", "kW.h", Fraction(1_000_000, 1000 * HOUR)),
        ("J", "kW.h", Fraction(1, 1000 * HOUR)),
        ("vars", "kvar.h", Fraction(1, 1000 * HOUR)),
        ("uW/cm2", "W/m2", Fraction(10_000, 1_000_000)),
        ("mg/L", "ug/m3", Fraction(1000 * 1000)),
        ("bar", "hPa", Fraction(1000)),
    ],
)
def test_a_factor_follows_from_the_definitions_of_its_units(code: str, base: str, factor: Fraction) -> None:
    assert conversion(code, base) == (factor, Fraction(0))


def test_units_of_different_dimensions_are_refused_by_both_names() -> None:
    with pytest.raises(UnitError) as caught:
        conversion("kWh", "m3")
    assert str(caught.value) == "cannot convert 'kWh' (energy) to 'm3' (volume)"


def test_a_mole_fraction_is_no_concentration_without_a_convention() -> None:
    with pytest.raises(UnitError, match="convention"):
        conversion("ppb", "ug/m3")


def test_a_plain_decibel_is_a_sound_level_but_not_the_other_way_round() -> None:
    with pytest.raises(UnitError):
        conversion("dB[A]", "dB")


def test_an_unknown_unit_names_the_nearest() -> None:
    with pytest.raises(UnitError, match="did you mean 'ug/m3'"):
        conversion("ug/m^3", "ug/m3")


@given(st.sampled_from(CODES), st.sampled_from(CODES))
def test_every_conversion_has_its_exact_inverse(one: str, other: str) -> None:
    if load_units()[one].dimension != load_units()[other].dimension:
        with pytest.raises(UnitError):
            conversion(one, other)
        return
    factor, offset = conversion(one, other)
    back, shift = conversion(other, one)
    assert factor * back == 1
    assert offset * back + shift == 0
