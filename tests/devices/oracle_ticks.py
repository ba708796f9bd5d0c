"""The slow twin of `devices.ticks`: the same rules by Python's own exact arithmetic, sharing no code with it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st


def ticks(text: str, factor: Fraction, offset: Fraction, decimals: int) -> int:
    """Return the ticks of a decimal text; `round` of a Fraction goes half to even by definition."""
    return round((Fraction(Decimal(text)) * factor + offset) * Fraction(10) ** decimals)


@st.composite
def number_texts(draw: st.DrawFn, digits_max: int = 12, exponent_max: int = 8) -> str:
    """Draw a JSON number: signs, leading and trailing zeros, fractions, exponents of either case."""
    sign = draw(st.sampled_from(["", "-"]))
    whole = str(draw(st.integers(0, 10 ** draw(st.integers(0, digits_max)))))
    fraction = draw(st.text("0123456789", max_size=digits_max))
    power = draw(st.none() | st.integers(-exponent_max, exponent_max))
    text = sign + whole + (f".{fraction}" if fraction else "")
    if power is None:
        return text
    return text + draw(st.sampled_from("eE")) + draw(st.sampled_from(["", "+"] if power >= 0 else [""])) + str(power)


FACTORS = st.sampled_from(
    [
        Fraction(1),
        Fraction(1, 1000),
        Fraction(1000),
        Fraction(5, 9),
        Fraction(1000, 3600),
        Fraction(19, 10),
        Fraction(-1, 3),
    ]
)
OFFSETS = st.sampled_from([Fraction(0), Fraction(-5463, 20), Fraction(-160, 9), Fraction(1, 3)])
