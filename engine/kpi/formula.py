"""Formulas of KPIs: arithmetic over named inputs, read through a whitelist, evaluated exactly, with units by algebra.

Knows the grammar and its limits; knows no input, no KPI and no city.

The text is Python's expression grammar, of which little is let in: numbers, names of inputs, `+ - * /`, parentheses,
`min`, `max`, `sum`, `mean`, and `kpi("CODE")` or `kpi("CODE", "id")` for the figure of another data point. There is no
power, no attribute and no index, so a formula can neither run for long nor reach anything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Final

from devices.errors import UnitError
from devices.tables import exact
from engine.kpi.units import ONE, Term
from engine.kpi.values import NotReported, Value, shown, together

CHARS_MAX: Final = 1000
NODES_MAX: Final = 300
DEPTH_MAX: Final = 40
FUNCTIONS: Final = ("min", "max", "sum", "mean")
DATA_POINT: Final = "kpi"
"""Name of the function that stands for another data point's figure."""

_SIGNS: Final = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9_ .,+*/()\"':-]*\Z")
_NUMBER: Final = re.compile(r"[0-9]+(_[0-9]+)*(\.[0-9]+)?\Z")


class FormulaError(ValueError):
    """A text that is no formula; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in the text, exactly; `start` and `end` are where a node stands."""

    value: Fraction
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Name:
    """An input, by its code; or another data point, by its key."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Operation:
    """`+ - * /` of two parts, `neg` of one, or one of FUNCTIONS of any number."""

    sign: str
    parts: tuple[Node, ...]
    start: int
    end: int


Node = Number | Name | Operation


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula.

    Attributes:
        text: as written, on one line.
        inputs: codes of the inputs it names, in order of first use.
        data_points: keys of the data points it uses.
        tree: what it says.
    """

    text: str
    inputs: tuple[str, ...]
    data_points: tuple[str, ...]
    tree: Node = field(repr=False)

    def evaluate(self, values: Mapping[str, Value]) -> Value:
        """Return the exact result, or every reason why there is none.

        Args:
            values: by input code or data point key; what is absent is not reported.
        """
        return _evaluate(self.tree, self.text, values)

    def unit(self, units: Mapping[str, Term]) -> Term:
        """Return the unit of the result.

        Every number in a formula is a conversion factor: `100` turns a share into per cent, so what is multiplied by it
        is measured in hundredths. That way the check sees a factor that is forgotten as well as a wrong input.

        Args:
            units: of every input and data point the formula names.

        Raises:
            UnitError: things of different units are added or compared.
        """
        return _unit(self.tree, self.text, units)

    def explain(self, values: Mapping[str, Value]) -> str:
        """Return the formula with its numbers filled in and its result: `100 * 40500 / 45000 = 90`."""
        text = self.text
        for name in sorted(_names(self.tree), key=lambda n: n.start, reverse=True):
            value = values.get(name.key, NotReported((name.key,)))
            number = shown(value)
            if isinstance(value, Fraction) and value < 0:
                number = f"({number})"
            text = text[: name.start] + number + text[name.end :]
        result = self.evaluate(values)
        why = f" ({result})" if isinstance(result, NotReported) else ""
        number = shown(result)
        return f"{text} {number.replace('≈', '≈ ') if number.startswith('≈') else f'= {number}'}{why}"


def parse_formula(text: str) -> Formula:
    """Return the formula of a text; line breaks and runs of blanks count as one blank.

    Raises:
        FormulaError: not within the grammar or its limits.
    """
    line = " ".join(text.split())
    if not 0 < len(line) <= CHARS_MAX:
        raise FormulaError(f"expected a formula of 1 to {CHARS_MAX} characters, got {len(line)}")
    strange = _CHARACTERS.match(line)
    if strange is None:
        bad = next(c for c in line if not _CHARACTERS.match(c))
        raise FormulaError(f"unexpected character {bad!r}; expected numbers, names, + - * / and parentheses")
    try:
        expression = ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
        raise FormulaError(f"not an expression: {reason}") from None
    tree = _Reader(line).node(expression, 1)
    names = _names(tree)
    return Formula(
        text=line,
        inputs=tuple(dict.fromkeys(n.key for n in names if not is_data_point(n.key))),
        data_points=tuple(dict.fromkeys(n.key for n in names if is_data_point(n.key))),
        tree=tree,
    )


@lru_cache(maxsize=1024)  # every use of a data point's key asks for it
def normalise_code(text: str) -> str:
    """Return a KPI's code with the spacing of this catalogue: `SC: EH: H:3C` is `SC: EH: H: 3C`."""
    return ": ".join(part.strip() for part in text.upper().split(":"))


def data_point_key(code: str, identifier: str) -> str:
    """Return what a data point is called: `EC: I: T: 5A`, and `EN: EN: AQ: 1C/pm10` where its KPI has several."""
    return f"{normalise_code(code)}/{identifier}" if identifier else normalise_code(code)


def is_data_point(key: str) -> bool:
    """Return whether a key names a data point and not an input."""
    return ":" in key


class _Reader:
    """Turns what Python parsed into nodes, refusing whatever is not on the list."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._count = 0

    def node(self, given: ast.expr, depth: int) -> Node:
        """Return the node of one expression."""
        self._count += 1
        if depth > DEPTH_MAX or self._count > NODES_MAX:
            raise FormulaError(f"expected at most {NODES_MAX} parts, nested at most {DEPTH_MAX} deep")
        start, end = given.col_offset, given.end_col_offset or len(self._text)
        match given:
            case ast.Constant():
                return Number(self._number(self._text[start:end]), start, end)
            case ast.Name():
                if given.id in (*FUNCTIONS, DATA_POINT):
                    raise FormulaError(f"{given.id!r} is a function; write {given.id}(…)")
                return Name(given.id, start, end)
            case ast.UnaryOp(op=ast.USub()):
                return Operation("neg", (self.node(given.operand, depth + 1),), start, end)
            case ast.BinOp() if type(given.op) in _SIGNS:
                left, right = self.node(given.left, depth + 1), self.node(given.right, depth + 1)
                return Operation(_SIGNS[type(given.op)], (left, right), start, end)
            case ast.Call(func=ast.Name(id=name)) if not given.keywords:
                return self._call(given, name, depth, start, end)
        raise FormulaError(
            f"{self._text[start:end]!r} is not allowed; expected numbers, names, + - * / and parentheses"
        )

    def _call(self, given: ast.Call, name: str, depth: int, start: int, end: int) -> Node:
        if name == DATA_POINT:
            texts = [a.value for a in given.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if len(texts) != len(given.args) or len(texts) not in (1, 2) or ":" not in texts[0]:
                raise FormulaError(f'expected kpi("CODE") or kpi("CODE", "id"), got {self._text[start:end]!r}')
            return Name(data_point_key(texts[0], texts[1] if len(texts) == 2 else ""), start, end)
        if name not in FUNCTIONS:
            raise FormulaError(f"unknown function {name!r}; known: {', '.join((*FUNCTIONS, DATA_POINT))}")
        if not given.args:
            raise FormulaError(f"{name}() needs at least one part")
        return Operation(name, tuple(self.node(argument, depth + 1) for argument in given.args), start, end)

    def _number(self, text: str) -> Fraction:
        """Return the number as it is written: Python has made a binary float of it already."""
        if not _NUMBER.match(text):
            raise FormulaError(f"expected a decimal number such as 0.0036, got {text[:40]!r}")
        try:
            return exact(text.replace("_", ""))
        except ValueError as error:
            raise FormulaError(str(error)) from None


def _names(tree: Node) -> list[Name]:
    """Return every name of a tree, from left to right."""
    if isinstance(tree, Name):
        return [tree]
    return [name for part in tree.parts for name in _names(part)] if isinstance(tree, Operation) else []


def _evaluate(node: Node, text: str, values: Mapping[str, Value]) -> Value:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        return values.get(node.key, NotReported((f"{node.key}: not reported",)))
    parts = [_evaluate(part, text, values) for part in node.parts]
    missing = together(parts)
    if missing is not None:
        return missing
    known = [part for part in parts if isinstance(part, Fraction)]
    if node.sign == "/" and known[1] == 0:
        below = node.parts[1]
        return NotReported((f"division by zero: {text[below.start : below.end]} is 0",))
    return _calculated(node.sign, known)


def _calculated(sign: str, known: Sequence[Fraction]) -> Fraction:
    match sign:
        case "+":
            return known[0] + known[1]
        case "-":
            return known[0] - known[1]
        case "*":
            return known[0] * known[1]
        case "/":
            return known[0] / known[1]
        case "neg":
            return -known[0]
        case "min":
            return min(known)
        case "max":
            return max(known)
        case "mean":
            return sum(known, Fraction(0)) / len(known)
    return sum(known, Fraction(0))


def _unit(node: Node, text: str, units: Mapping[str, Term]) -> Term:
    if isinstance(node, Number):
        if node.value == 0:
            raise UnitError("0 in a formula has no unit; leave it out")
        return Term(1 / node.value)
    if isinstance(node, Name):
        return units[node.key]
    parts = [_unit(part, text, units) for part in node.parts]
    if node.sign == "*":
        return parts[0] * parts[1]
    if node.sign == "/":
        return parts[0] / parts[1]
    for other, term in zip(node.parts[1:], parts[1:], strict=True):
        if term != parts[0]:
            first = node.parts[0]
            raise UnitError(
                f"{text[first.start : first.end]!r} is measured in {parts[0]}"
                f" and {text[other.start : other.end]!r} in {term}"
            )
    return parts[0] if parts else ONE
