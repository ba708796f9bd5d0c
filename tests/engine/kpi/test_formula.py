"""Formulas: exact, within their grammar, and with units that fit."""

from __future__ import annotations

import ast
import pickle
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.errors import UnitError
from engine.kpi import FormulaError, NotReported, parse_formula, parse_unit
from engine.kpi.formula import CHARS_MAX, DEPTH_MAX, NODES_MAX
from engine.kpi.values import Value

NAMES = ("a", "b", "c")
numbers = st.one_of(
    st.integers(0, 10**9).map(str),
    st.decimals(0, 10**6, places=4, allow_nan=False, allow_infinity=False).map(lambda d: f"{d:f}"),
)


def _joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(parts, st.sampled_from("+-*/"), parts).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(parts, st.sampled_from("+-*/"), parts).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        parts.map(lambda text: f"-{text}"),
        st.tuples(st.sampled_from(["min", "max", "sum", "mean"]), st.lists(parts, min_size=1, max_size=3)).map(
            lambda t: f"{t[0]}({', '.join(t[1])})"
        ),
    )


expressions = st.recursive(st.one_of(numbers, st.sampled_from(NAMES)), _joined, max_leaves=12)


class _Exact(ast.NodeTransformer):
    """Rewrites every number of a Python expression to a call of Fraction with its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def visit_Constant(self, node: ast.Constant) -> ast.Call:
        written = self.text[node.col_offset : node.end_col_offset]
        return ast.Call(ast.Name("Fraction", ast.Load()), [ast.Constant(written)], [])


def python_says(text: str, values: dict[str, Fraction]) -> Fraction | None:
    """Let Python itself work out the expression in exact fractions; None where it divides by zero."""
    tree = ast.fix_missing_locations(_Exact(text).visit(ast.parse(text, mode="eval")))
    functions = {
        "Fraction": Fraction, "min": lambda *p: min(p), "max": lambda *p: max(p), "sum": lambda *p: sum(p),
        "mean": lambda *p: sum(p) / Fraction(len(p)),
    }  # fmt: skip
    try:
        return Fraction(eval(compile(tree, "<twin>", "eval"), {"__builtins__": {}}, {**functions, **values}))  # noqa: S307  # the twin
    except ZeroDivisionError:
        return None


@settings(deadline=None)
@given(expressions, st.lists(st.fractions(-1000, 1000, max_denominator=1000), min_size=3, max_size=3))
def test_a_formula_gives_what_python_gives_in_fractions(text: str, given_values: list[Fraction]) -> None:
    values = dict(zip(NAMES, given_values, strict=True))
    found = parse_formula(text).evaluate(values)
    wanted = python_says(text, values)
    if wanted is None:
        assert isinstance(found, NotReported)
        assert "division by zero" in str(found)
    else:
        assert found == wanted


@settings(deadline=None)
@given(expressions)
def test_one_input_that_is_not_reported_leaves_no_figure(text: str) -> None:
    formula = parse_formula(text)
    values: dict[str, Value] = dict.fromkeys(NAMES, Fraction(7, 3))
    for name in formula.inputs:
        found = formula.evaluate({**values, name: NotReported(("the meter is silent",))})
        assert isinstance(found, NotReported)
        assert "the meter is silent" in found.reasons


def test_not_reported_times_zero_is_not_zero() -> None:
    found = parse_formula("0 * a").evaluate({})
    assert found == NotReported(("a: not reported",))


def test_every_reason_is_told_once() -> None:
    found = parse_formula("a / (b - b) + a").evaluate({})
    assert found == NotReported(("a: not reported", "b: not reported"))
    assert parse_formula("1 / (a - a)").evaluate({"a": Fraction(3)}) == NotReported(("division by zero: a - a is 0",))


def test_decimals_are_exact() -> None:
    assert parse_formula("0.1 + 0.2").evaluate({}) == Fraction(3, 10)
    assert parse_formula("100_000 * a").evaluate({"a": Fraction(1, 3)}) == Fraction(100_000, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1 to 1000"),
        ("a **", "not an expression"),
        ("2 ** 9999999", "not allowed"),
        ("a // b", "not allowed"),
        ("a % b", "unexpected character '%'"),
        ("a.b", "not allowed"),
        ("a[0]", "unexpected character '['"),
        ("a < b", "unexpected character '<'"),
        ("a if b else c", "not allowed"),
        ("lambda: a", "not allowed"),
        ("__import__('os')", "unknown function '__import__'"),
        ("f'{a}'", "unexpected character '{'"),
        ("'text'", "decimal number"),
        ("True", "decimal number"),
        ("0x10", "decimal number"),
        ("1e9", "decimal number"),
        ("10 * 1j", "decimal number"),
        ("1" * 70, "60 digits"),
        ("min()", "at least one part"),
        ("min", "is a function"),
        ("sum(*a)", "not allowed"),
        ("sum(a, start=b)", "unexpected character '='"),
        ("kpi(a)", 'kpi("CODE")'),
        ('kpi("x")', 'kpi("CODE")'),
        ("a b", "not an expression"),
        ("만", "unexpected character"),
        ("a, b", "not allowed"),
        ("+a", "not allowed"),
    ],
)
def test_whatever_is_not_on_the_list_is_refused(text: str, said: str) -> None:
    with pytest.raises(FormulaError) as refused:
        parse_formula(text)
    assert said in str(refused.value)


def test_length_number_and_depth_are_limited() -> None:
    for text in (
        "a" * (CHARS_MAX + 1),
        "-" * (DEPTH_MAX + 1) + "a",
        "+".join("a" * NODES_MAX),
        "(" * 400 + "a" + ")" * 400,
    ):
        with pytest.raises(FormulaError):
            parse_formula(text)
    parse_formula("-" * (DEPTH_MAX - 1) + "a")


def test_a_formula_survives_the_trip_between_processes() -> None:
    formula = parse_formula('100 * (a - kpi("EC:I:ES:1C", "x")) / b')
    assert pickle.loads(pickle.dumps(formula)) == formula  # noqa: S301  # our own bytes
    assert formula.inputs == ("a", "b")
    assert formula.data_points == ("EC: I: ES: 1C/x",)


def test_a_formula_is_explained_with_its_numbers() -> None:
    formula = parse_formula("100 * part /\n   whole")
    assert formula.explain({"part": Fraction(1), "whole": Fraction(3)}) == "100 * 1 / 3 ≈ 33.3333333"
    assert formula.explain({"part": Fraction(-1, 2), "whole": Fraction(4)}) == "100 * (-0.5) / 4 = -12.5"
    assert formula.explain({"whole": Fraction(4)}) == "100 * NR / 4 = NR (part: not reported)"


@pytest.mark.parametrize(
    ("text", "units", "wanted"),
    [
        ("100 * a / b", {"a": "{household}", "b": "{household}"}, "%"),
        ("a / (b / 100000)", {"a": "km", "b": "{inhabitant}"}, "km/(10*5.{inhabitant})"),
        ("1000 * a / b / c", {"a": "m3", "b": "d", "c": "{inhabitant}"}, "L/d/{inhabitant}"),
        ("0.0036 * a", {"a": "kW.h"}, "GJ"),
        ("100 - 100 * a / b", {"a": "t", "b": "t"}, "%"),
        ("mean(a, b)", {"a": "ug/m3", "b": "ug/m3"}, "ug/m3"),
        ("a * b / 1000", {"a": "kW.h", "b": "kg{CO2e}/(kW.h)"}, "t{CO2e}"),
    ],
)
def test_units_follow_the_formula_and_its_conversions(text: str, units: dict[str, str], wanted: str) -> None:
    found = parse_formula(text).unit({name: parse_unit(unit) for name, unit in units.items()})
    assert found == parse_unit(wanted)


@pytest.mark.parametrize(
    ("text", "units", "wanted"),
    [
        ("a / b", {"a": "{household}", "b": "{household}"}, "%"),
        ("100 * a / b", {"a": "{household}", "b": "{inhabitant}"}, "%"),
        ("a / b", {"a": "kW.h", "b": "m2"}, "GJ/m2"),
    ],
)
def test_a_wrong_input_and_a_forgotten_factor_give_another_unit(text: str, units: dict[str, str], wanted: str) -> None:
    found = parse_formula(text).unit({name: parse_unit(unit) for name, unit in units.items()})
    assert found != parse_unit(wanted)


def test_only_like_is_added_to_like() -> None:
    with pytest.raises(UnitError, match="'a' is measured in m and 'b' in kg"):
        parse_formula("a + b").unit({"a": parse_unit("m"), "b": parse_unit("kg")})
    with pytest.raises(UnitError):
        parse_formula("max(a, b)").unit({"a": parse_unit("kW.h"), "b": parse_unit("MW.h")})
