"""The exact results as bytes: the same for the same figures, and read back without losing a digit."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np

from assessment import Material, assessed
from assessment.exact import FORMAT, exact_results, results_bytes


def test_the_same_material_in_another_order_gives_the_same_bytes(material: Material) -> None:
    order = np.random.default_rng(1).permutation(len(material.days))
    other = replace(material, days=material.days.take(order))
    assert results_bytes(exact_results(assessed(other))) == results_bytes(exact_results(assessed(material)))


def test_every_figure_is_read_back_exactly(material: Material) -> None:
    found = assessed(material)
    plain = exact_results(found)
    read = json.loads(results_bytes(plain))
    assert read == plain
    assert (read["format"], read["year"], read["closed"]) == (FORMAT, found.year, True)
    assert len(read["results"]) == len(found.results)
    for row, one in zip(read["results"], found.results, strict=True):
        assert row["data_point"] == one.point.key
        assert (None if row["value"] is None else Fraction(row["value"])) == (one.value if one.reported else None)
        assert bool(row["reasons"]) != one.reported
        assert [Fraction(text) for text in row["bounds"] or ()] == (
            [one.bounds.low, one.bounds.high] if one.bounds else []
        )


def test_one_reading_less_is_seen_in_the_bytes(material: Material) -> None:
    one_day_less = replace(material, days=material.days.take(np.arange(1, len(material.days))))
    assert results_bytes(exact_results(assessed(one_day_less))) != results_bytes(exact_results(assessed(material)))
