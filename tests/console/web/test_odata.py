"""Queries of SensorThings are read or refused at the place; a condition means what a slow twin says it means."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.web.observed import bounds_of, newest_first
from console.web.odata import (
    DEPTH_MAX,
    FUNCTIONS,
    OPERATORS,
    OPTIONS,
    TEXT_CHARS_MAX,
    And,
    Compare,
    Condition,
    Contains,
    Expand,
    Not,
    ODataError,
    Or,
    Order,
    Query,
    read,
)
from console.web.things import compared
from devices import load_measurands
from devices.times import rfc3339

MEASURANDS = load_measurands().by_code
NUMBER, STATE = MEASURANDS["pm2_5"], next(one for one in MEASURANDS.values() if one.states)


def condition(text: str) -> Condition:
    found = read([("$filter", text)]).condition
    assert found is not None
    return found


def test_a_condition_is_read_with_and_before_or_and_not_before_both() -> None:
    found = condition("not a eq 1 and b/c ne 'it''s' or startswith(d, 'x')")
    assert isinstance(found, Or)
    both, starts = found.parts
    assert both == And((Not(Compare(("a",), "eq", Decimal(1), 5)), Compare(("b", "c"), "ne", "it's", 16)))
    assert starts == Contains("startswith", ("d",), "x", 34)


def test_parentheses_change_what_belongs_together() -> None:
    found = condition("a eq 1 and (b eq 2 or c eq 3)")
    assert isinstance(found, And)
    assert isinstance(found.parts[1], Or)


def test_a_value_may_stand_first() -> None:
    assert condition("5.5 lt result") == Compare(("result",), "gt", Decimal("5.5"), 1)
    assert condition("2024-01-01T00:00:00+09:00 ge phenomenonTime") == Compare(
        ("phenomenonTime",), "le", 1_704_034_800_000_000, 1
    )
    assert condition("substringof('ab', name)") == Contains("substringof", ("name",), "ab", 1)


def test_all_options_are_read_also_within_an_expansion() -> None:
    text = "A($filter=x eq ';';$orderby=y desc,z;$select=id,@iot.id;$top=3;$skip=1;$count=true),B/C"
    found = read([("$expand", text)])
    which = Compare(("x",), "eq", ";", text.index("x") + 1)
    order = (Order(("y",), True, text.index("y desc") + 1), Order(("z",), False, text.index("z;") + 1))
    inner = Query(which, order, (), ("id", "@iot.id"), 3, 1, True)
    last = Expand("C", Query(), len(text))
    assert found.expand == (Expand("A", inner, 1), Expand("B", Query(expand=(last,)), len(text) - 2))


@pytest.mark.parametrize(
    ("option", "text", "place"),
    [
        ("$filter", "", 1),
        ("$filter", "result gt", 10),
        ("$filter", "result gt 5 5", 13),
        ("$filter", "result like 5", 8),
        ("$filter", "result gt abc", 11),
        ("$filter", "name eq 'open", 9),
        ("$filter", "(a eq 1", 8),
        ("$filter", "a eq 1)", 7),
        ("$filter", "a eq 1; DROP TABLE observation", 7),
        ("$filter", "a eq 2024-13-01T00:00:00Z", 6),
        ("$filter", "a/$b eq 1", 3),
        ("$filter", "startswith(a)", 13),
        ("$filter", "a eq 1 \N{LATIN SMALL LETTER E WITH ACUTE}", 8),
        ("$orderby", "a down", 3),
        ("$select", "a b", 3),
        ("$expand", "A($limit=1)", 3),
        ("$expand", "A($top=1", 9),
        ("$top", "-1", 1),
        ("$top", "1.5", 1),
        ("$top", "1001", 1),
        ("$skip", "x", 1),
        ("$count", "yes", 1),
    ],
)
def test_what_cannot_be_read_is_told_with_the_place(option: str, text: str, place: int) -> None:
    with pytest.raises(ODataError) as refused:
        read([(option, text)])
    assert refused.value.place == place
    assert option in str(refused.value)


def test_neither_length_nor_depth_is_without_a_bound() -> None:
    for text in ("a" * (TEXT_CHARS_MAX + 1), "(" * 500 + "a eq 1", "not " * 400 + "a eq 1"):
        with pytest.raises(ODataError):
            read([("$filter", text)])
    with pytest.raises(ODataError):
        read([("$expand", "/".join("A" * (DEPTH_MAX + 5)))])


@settings(deadline=None)
@given(
    option=st.sampled_from(OPTIONS),
    text=st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [*OPERATORS, *FUNCTIONS, "and", "or", "not", "(", ")", ",", ";", "=", "/", "'x'", "a", "1", "$top"]
            ),
            max_size=20,
        ).map(" ".join),
    ),
)
def test_no_text_is_a_fault_of_the_program(option: str, text: str) -> None:
    place = 1
    try:
        read([(option, text)])
    except ODataError as error:
        place = error.place
    assert 1 <= place <= len(text) + 1


TICKS = st.integers(-5, 5)
# On a tick, and between two: where rounding the wrong way lets one through too many.
VALUES = st.tuples(TICKS, st.sampled_from(["0", "0.01", "0.5", "0.99"])).map(
    lambda both: (both[0] + Decimal(both[1])).scaleb(-NUMBER.decimals)
)


@settings(deadline=None)
@given(
    parts=st.lists(st.tuples(st.sampled_from(OPERATORS), VALUES), max_size=4),
    times=st.lists(st.tuples(st.sampled_from(["eq", "gt", "ge", "lt", "le"]), st.integers(-20, 20)), max_size=3),
    ticks=TICKS,
    time_us=st.integers(-20, 20),
)
def test_bounds_let_through_what_each_comparison_alone_would(
    parts: list[tuple[str, Decimal]], times: list[tuple[str, int]], ticks: int, time_us: int
) -> None:
    texts = [f"result {operator} {value:f}" for operator, value in parts]
    texts += [f"phenomenonTime {operator} {rfc3339(at)}" for operator, at in times]
    bounds = bounds_of(condition(" and ".join(texts)) if texts else None, NUMBER)
    value = Decimal(ticks).scaleb(-NUMBER.decimals)
    twin = all(compared(value, operator, other) for operator, other in parts)
    twin = twin and all(compared(time_us, operator, at) for operator, at in times)
    through = bounds.low_us <= time_us < bounds.high_us and bounds.least <= ticks <= bounds.most
    assert (through and ticks not in bounds.without) is twin


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_value_between_two_ticks_is_told_from_both(operator: str) -> None:
    for eighths in range(-16, 17):
        value = (Decimal(eighths) / 8).scaleb(-NUMBER.decimals)
        bounds = bounds_of(condition(f"result {operator} {value:f}"), NUMBER)
        for ticks in range(-3, 4):
            through = bounds.least <= ticks <= bounds.most and ticks not in bounds.without
            assert through is compared(Decimal(ticks).scaleb(-NUMBER.decimals), operator, value), (value, ticks)


@pytest.mark.parametrize(("value", "eq", "ge"), [("1" + "0" * 29, False, False), ("-1" + "0" * 29, False, True)])
def test_values_beyond_what_can_be_stored_are_no_fault(value: str, eq: bool, ge: bool) -> None:
    for operator, fits in (("eq", eq), ("ge", ge), ("ne", True)):
        bounds = bounds_of(condition(f"result {operator} {value}"), NUMBER)
        assert (bounds.least <= 0 <= bounds.most and 0 not in bounds.without) is fits


def test_a_state_is_asked_for_by_its_name() -> None:
    name = STATE.states[1]
    equal, other = (bounds_of(condition(f"result {operator} '{name}'"), STATE) for operator in ("eq", "ne"))
    assert (equal.least, equal.most) == (1, 1)
    assert other.without == (1,)
    assert bounds_of(condition("result eq 'nonsense'"), STATE).least > 0
    assert bounds_of(condition("result ne 'nonsense'"), STATE).without == ()


@pytest.mark.parametrize(
    "text",
    [
        "result gt 1 or result lt 0", "not result gt 1", "startswith(result, 'a')", "name eq 'x'", "result gt 'x'",
        "phenomenonTime gt 5", "phenomenonTime ne 2024-01-01T00:00:00Z", "result eq true", "phenomenonTime eq true",
        "result eq null",
    ],
)  # fmt: skip
def test_other_conditions_on_observations_are_refused(text: str) -> None:
    with pytest.raises(ODataError):
        bounds_of(condition(text), NUMBER)


def test_observations_are_sorted_by_time_alone() -> None:
    def order(text: str) -> Any:
        return newest_first(read([("$orderby", text)]).order)

    assert order("phenomenonTime desc") is True
    assert order("resultTime") is False
    assert newest_first(()) is False
    for text in ("result", "phenomenonTime,result"):
        with pytest.raises(ODataError):
            order(text)


@pytest.mark.parametrize(
    ("found", "operator", "value", "expected"),
    [
        (None, "eq", None, True),
        (None, "ne", "x", True),
        ("x", "eq", None, False),
        ("5", "eq", Decimal(5), False),
        ("5", "ne", Decimal(5), True),
        ("5", "gt", Decimal(4), False),
        (5.5, "gt", Decimal("5.4"), True),
        (True, "eq", Decimal(1), False),
        (900.0, "eq", Decimal(900), True),
    ],
)
def test_things_of_two_kinds_are_never_the_same(found: Any, operator: str, value: Any, expected: bool) -> None:
    assert compared(found, operator, value) is expected
