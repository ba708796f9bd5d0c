"""Decimal text becomes ticks exactly, and nothing large is ever built on the way."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import Scale, ValueRefusedError, text_from_float, text_from_ticks
from devices.ticks import (
    TICKS_MAX,
    TICKS_MIN,
    Number,
    divide_half_even,
    number_from_ticks,
    parse_number,
    scale_number,
    text_from_number,
)
from tests.devices import oracle_ticks

ONE = Fraction(1)
THOUSANDTHS = Scale.of(ONE, Fraction(0), 3)


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("35.2", 35200),
        ("35.20000", 35200),
        ("3.52e1", 35200),
        ("352E-1", 35200),
        ("+35.2", 35200),
        ("0035.2", 35200),
        ("-0", 0),
        ("-0.0004", 0),
        ("0.0005", 0),
        ("0.0015", 2),
        ("0.0025", 2),
        ("-0.0005", 0),
        ("-0.0015", -2),
        ("0.00050000000000000000000000000000000001", 1),
        ("35.", 35000),
        (".5", 500),
        ("1e-400", 0),
        ("9223372036854775.807", TICKS_MAX),
        ("-9223372036854775.808", TICKS_MIN),
    ],
)
def test_text_becomes_ticks_rounded_half_to_even(text: str, ticks: int) -> None:
    assert scale_number(parse_number(text), THOUSANDTHS) == ticks


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1 ",
        " 1",
        "-",
        "+",
        ".",
        "e5",
        "1e",
        "1e+",
        "--1",
        "1,5",
        "0x10",
        "1_000",
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "١٢",
        "1\n",
        "½",
        "1" * 129,
        "1.2.3",
        "true",
    ],
)
def test_what_is_no_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(ValueRefusedError) as caught:
        parse_number(text)
    assert caught.value.reason == "not_a_number"
    assert caught.value.detail.isascii()
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "1e401", "9" * 65, "0." + "1" * 70, "1e999999999999"])
def test_a_power_bomb_is_refused_before_a_large_integer_is_built(text: str) -> None:
    with pytest.raises(ValueRefusedError, match="out_of_range"):
        parse_number(text)


def test_thirteen_digits_of_exponent_are_no_number_at_all() -> None:
    with pytest.raises(ValueRefusedError, match="not_a_number"):
        parse_number("1e9999999999999")


@pytest.mark.parametrize("text", ["9223372036854775.808", "-9223372036854775.809", "1e300", "-1e400"])
def test_ticks_beyond_64_bits_are_out_of_range(text: str) -> None:
    with pytest.raises(ValueRefusedError, match="out_of_range"):
        scale_number(parse_number(text), THOUSANDTHS)


@given(oracle_ticks.number_texts(), oracle_ticks.FACTORS, oracle_ticks.OFFSETS, st.integers(0, 9))
def test_ticks_equal_those_of_exact_fractions(text: str, factor: Fraction, offset: Fraction, decimals: int) -> None:
    expected = oracle_ticks.ticks(text, factor, offset, decimals)
    if not TICKS_MIN <= expected <= TICKS_MAX:
        return
    assert scale_number(parse_number(text), Scale.of(factor, offset, decimals)) == expected


@given(st.integers(TICKS_MIN, TICKS_MAX), oracle_ticks.FACTORS, oracle_ticks.OFFSETS, st.integers(0, 9))
def test_what_a_device_sends_for_ticks_reads_as_these_ticks(
    ticks: int, factor: Fraction, offset: Fraction, decimals: int
) -> None:
    scale = Scale.of(factor, offset, decimals)
    number = number_from_ticks(ticks, scale)
    assert scale_number(parse_number(text_from_number(number)), scale) == ticks


@given(st.integers(), st.integers(0, 9))
def test_text_of_ticks_shows_every_digit_of_the_resolution(ticks: int, decimals: int) -> None:
    text = text_from_ticks(ticks, decimals)
    assert Fraction(text) == Fraction(ticks, 10**decimals)
    assert len(text.partition(".")[2]) == decimals


@given(st.integers(), st.integers(1))
def test_division_rounds_half_to_even(numerator: int, denominator: int) -> None:
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_binary_float_takes_the_shortest_decimal_that_names_it(value: float) -> None:
    number = parse_number(text_from_float(value))
    assert float(Fraction(number.mantissa) * Fraction(10) ** number.exponent) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_float_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueRefusedError, match="not_a_number"):
        text_from_float(value)


@given(st.integers(), st.integers(-40, 40), st.integers(), st.integers(-40, 40))
def test_numbers_add_up_exactly(a: int, i: int, b: int, j: int) -> None:
    total = Number(a, i).plus(Number(b, j))
    assert Fraction(total.mantissa) * Fraction(10) ** total.exponent == (
        Fraction(a) * Fraction(10) ** i + Fraction(b) * Fraction(10) ** j
    )
