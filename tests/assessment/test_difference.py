"""What differs between two exact results: every change of anything is found, and says why."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessment import Material, assessed, exact_results
from assessment.difference import Difference, differences
from assessment.exact import Plain
from devices import Register
from engine.kpi import DeclaredValue, NotReported, Value
from tests.engine.store.kpi_town import YEAR, registers
from tests.examples import examples

ELECTRICITY, HEAT, INTERNET = "EN: E: E: 2C", "EN: E: E: 3C", "EC: ICT: ICT: 1C"


@pytest.fixture(scope="module")
def plain(material: Material) -> Plain:
    """The exact results as they are read from the database."""
    return read(material)


def read(material: Material, *declared: DeclaredValue) -> Plain:
    found: Plain = json.loads(json.dumps(exact_results(assessed(replace(material, declared=declared)))))
    return found


def said(key: str, value: Value) -> DeclaredValue:
    return DeclaredValue(key, YEAR, value, None, None, "survey", "the office", "its book", "", 2)


def only(found: tuple[Difference, ...], key: str) -> Difference:
    (one,) = (one for one in found if one.data_point == key)
    return one


def test_the_same_results_do_not_differ(plain: Plain) -> None:
    assert differences(plain, deepcopy(plain)) == ()


def test_what_was_declared_meanwhile_is_told_with_both_figures(material: Material, plain: Plain) -> None:
    found = differences(plain, read(material, said(HEAT, Fraction(7)), said(INTERNET, Fraction(50))))
    assert [one.data_point for one in found] == [INTERNET, HEAT]
    heat = only(found, HEAT)
    assert heat.by == 7 - Fraction(heat.before)
    assert heat.why[0] == "it was measured and is declared"
    internet = only(found, INTERNET)
    assert (internet.before, internet.after, internet.by) == ("NR", "50", None)
    assert internet.why[0] == "it was nothing and is declared"


def test_what_is_no_longer_reported_says_why(material: Material, plain: Plain) -> None:
    one = only(differences(plain, read(material, said(HEAT, NotReported(("too dear",))))), HEAT)
    assert (one.after, one.by) == ("NR", None)
    assert "not reported: too dear" in one.why


def test_a_corrected_register_is_named_with_both_values(material: Material, plain: Plain) -> None:
    later = Register("population", Fraction(1501), "1", registers()[-1].valid_from, "the town")
    city = replace(material.registry.city, registers=registers(later))
    found = differences(plain, read(replace(material, registry=replace(material.registry, city=city))))
    assert "population 1500 became 1501" in only(found, ELECTRICITY).why


def test_a_data_point_that_came_or_went_is_told(plain: Plain) -> None:
    less = {**plain, "results": [one for one in plain["results"] if one["data_point"] != HEAT]}
    (gone,), (new,) = differences(plain, less), differences(less, plain)
    assert (gone.after, gone.why) == ("", ("no longer in the catalogue",))
    assert (new.before, new.why) == ("", ("new in the catalogue",))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict | list) and value:
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        return [found for key, one in inner for found in leaves(one, (*path, key))]
    return [path]


@given(data=st.data())
@settings(max_examples=examples(60))
def test_whatever_changes_in_a_data_point_is_found_with_a_reason(plain: Plain, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(plain["results"]) - 1))
    paths = [path for path in leaves(plain["results"][at]) if path != ("data_point",)]
    path = data.draw(st.sampled_from(paths))
    changed = deepcopy(plain)
    part = changed["results"][at]
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = 12345 if isinstance(part[path[-1]], int) else "12345"
    (one,) = differences(plain, changed)
    assert one.data_point == plain["results"][at]["data_point"]
    assert all(one.why)
    assert one.why
