"""What is said of each data point of a year: the live figures' own numbers, and what people state in their place."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from assessment import Answer, Assessment, Basis, Material, Result, assessed
from console.commands.kpi_period import period_of
from console.commands.kpi_scores import _scores_of
from devices import Register
from engine.kpi import DeclaredValue, NotReported, Severity, Validity, Value, declared_in
from tests.assessment.conftest import Taken
from tests.engine.store.kpi_town import YEAR, registers

ELECTRICITY, HEAT, RENEWABLE, SAIFI = "EN: E: E: 2C", "EN: E: E: 3C", "EN: E: E: 1C", "EC: I: ES: 1C"
INTERNET, RESILIENCE = "EC: ICT: ICT: 1C", "SC: SH: SA: 3A"


def said(key: str, value: Value | int, quality: str = "survey", **more: object) -> DeclaredValue:
    figure = Fraction(value) if isinstance(value, int) else value
    plain = DeclaredValue(key, YEAR, figure, None, None, quality, "the office", "its book", "", 2)
    return replace(plain, **more)


def of(material: Material, *declared: DeclaredValue, answers: tuple[Answer, ...] = ()) -> Assessment:
    return assessed(replace(material, declared=declared, answers=answers))


def less(material: Material, device: str, days: int) -> Material:
    """Return a material without the last days of a device."""
    slots = material.registry.slots([one.code for one in material.registry.devices].index(device))
    cells = material.days
    late = np.isin(cells.slot, slots) & (cells.day > cells.day.max() - days)
    return replace(material, days=cells.take(~late))


def with_registers(material: Material, *changes: Register) -> Material:
    city = replace(material.registry.city, registers=registers(*changes))
    return replace(material, registry=replace(material.registry, city=city))


@pytest.fixture(scope="module")
def plain(material: Material) -> Assessment:
    return assessed(material)


def test_every_data_point_is_there_in_order(plain: Assessment) -> None:
    assert [one.point.key for one in plain.results] == [point.key for point in plain.pack.data_points]
    assert len(plain.results) == 112
    assert (plain.year, plain.closed) == (YEAR, True)


def test_measured_figures_are_the_live_ones_to_the_last_bit(taken: Taken, plain: Assessment) -> None:
    assert sum(row.ratio is not None for row in taken.live) == 8
    for row in taken.live:
        one = plain.by_key[row.data_point]
        assert one.value == (NotReported((row.reason,)) if row.ratio is None else Fraction(row.ratio)) or (
            isinstance(one.value, NotReported) and str(one.value) == row.reason
        )
        assert (text(one.numerator), text(one.denominator)) == (row.numerator, row.denominator)
        assert (one.received, one.expected, one.definition) == (row.received, row.expected, row.definition)
        assert one.validity == (row.validity and Validity(row.validity))
        bounds = None if one.bounds is None or row.low_ratio is None else (str(one.bounds.low), str(one.bounds.high))
        assert bounds == (None if row.low_ratio is None or not measured(one) else (row.low_ratio, row.high_ratio))


def text(value: Value | None) -> str | None:
    return str(value) if isinstance(value, Fraction) else None


def measured(one: Result) -> bool:
    return one.basis is Basis.MEASURED


def test_measured_figures_say_how_well_they_are_known_and_by_which_devices(plain: Assessment) -> None:
    one = plain.by_key[ELECTRICITY]
    assert (one.value, one.basis, one.quality) == (Fraction(31 * 30, 1500), Basis.MEASURED, "measured")
    assert (one.origin, one.source) == ("electricity_used: 2 of 2 devices", "the town")
    assert one.explained[0] == f"{ELECTRICITY}: 930 / 1500 = 0.62"


def test_scores_and_their_roll_up_are_those_of_the_command(taken: Taken) -> None:
    material = taken.material
    declared = (said(INTERNET, 50), said(HEAT, 7), said("population", 1600), said(RESILIENCE, 1))
    period = period_of(material.registry, material.pack, declared, taken.live, str(YEAR))
    assert period is not None
    scores, groups = _scores_of(period)
    found = of(material, *declared)
    worth = [(one.points, one.percent, one.target) for one in scores]
    assert [(one.score.points, one.score.percent, one.score.target) for one in found.results] == worth
    assert found.rollups == groups
    assert groups[0].scored == 3


def test_what_is_declared_stands_and_what_is_measured_stands_beside_it(material: Material, plain: Assessment) -> None:
    proof = {"numerator": Fraction(14), "denominator": Fraction(2), "evidence": "heat.pdf", "note": "by post"}
    heat = of(material, said(HEAT, 7, "higher_level", **proof)).by_key[HEAT]
    assert (heat.value, heat.measured, heat.basis) == (7, plain.by_key[HEAT].value, Basis.DECLARED)
    assert (heat.numerator, heat.denominator, heat.inputs, heat.validity, heat.bounds) == (14, 2, (), None, None)
    assert (heat.quality, heat.origin, heat.source) == ("higher_level", "the office", "its book")
    assert (heat.evidence, heat.note) == ("heat.pdf", "by post")
    assert heat.explained == (f"{HEAT}: declared as 7 {heat.point.unit_label} for {YEAR}",)


def test_a_declared_input_makes_its_figures_declared_with_the_measured_ones_beside(
    material: Material, plain: Assessment
) -> None:
    one = of(material, said("population", 2000, "estimate")).by_key[ELECTRICITY]
    assert (one.value, one.measured) == (Fraction(930, 2000), plain.by_key[ELECTRICITY].value)
    assert (one.basis, one.quality, one.validity) == (Basis.DECLARED, "estimate", Validity.VALID)
    assert (one.origin, one.source) == ("the office; electricity_used: 2 of 2 devices", "its book")
    assert [each.code for each in one.inputs] == ["electricity_used"]


def test_the_city_may_say_that_it_does_not_report_what_is_measured(material: Material, plain: Assessment) -> None:
    one = of(material, said(HEAT, NotReported(("no",)))).by_key[HEAT]
    assert (one.value, one.basis, one.measured) == (NotReported(("no",)), Basis.NOTHING, plain.by_key[HEAT].value)
    assert one.explained == (f"{HEAT}: declared not reported for {YEAR}",)


def test_too_few_readings_are_not_reported_and_the_figure_is_told(material: Material) -> None:
    one = assessed(less(material, "power-2", 31)).by_key[ELECTRICITY]
    assert one.measured == Fraction(31 * 10, 1500)
    assert isinstance(one.value, NotReported)
    assert one.value.reasons == (f"{ELECTRICITY}: 31 of 62 readings came (50.0 %), and at least 75 % are asked",)
    assert (one.basis, one.quality, one.validity, one.score.points) == (Basis.NOTHING, "", Validity.INSUFFICIENT, 0)


def test_what_lies_under_a_declared_input_has_no_part_in_its_completeness(material: Material) -> None:
    thin = less(material, "power-2", 31)
    renewable = said(material.pack.data_point(RENEWABLE).formula.inputs[0], 10)
    one = of(thin, renewable, said("energy_total", 40)).by_key[RENEWABLE]
    assert (one.value, one.expected, one.validity) == (25, 0, None)


@pytest.mark.parametrize(("days", "word", "quality"), [(3, "valid", "measured"), (7, "indicative", "estimate")])
def test_data_capture_makes_the_class_of_data_quality(material: Material, days: int, word: str, quality: str) -> None:
    one = assessed(less(less(material, "power-1", days), "power-2", days)).by_key[ELECTRICITY]
    assert (one.validity, one.quality, one.received) == (word, quality, 2 * (31 - days))


def test_the_least_sure_part_makes_the_class(material: Material) -> None:
    sure = Register("population", Fraction(1500), "1", registers()[-1].valid_from, "the town", "measured")
    for quality in ("measured", "survey", "personal", ""):
        found = assessed(with_registers(material, replace(sure, quality=quality)))
        assert found.by_key[ELECTRICITY].quality == (quality or "measured")


def test_findings_look_at_what_is_reported_and_not_at_what_is_not(material: Material) -> None:
    thin = of(less(material, "power-2", 31), said(ELECTRICITY, -1))
    assert any(ELECTRICITY in one.finding.data_points for one in thin.questions if one.finding.rule == "impossible")
    assert not [one for one in assessed(material).questions if one.finding.severity is Severity.ERROR]


def test_answers_go_to_their_findings_in_any_order_of_data_points(material: Material) -> None:
    declared = (said(INTERNET, 150), said(RESILIENCE, 1))
    asked = of(material, *declared)
    assert {one.answer for one in asked.questions} == {""}
    subjects = {one.finding.rule: one.finding.data_points for one in asked.questions}
    answers = (
        Answer("impossible", tuple(reversed(subjects["impossible"])), "second lines", "the mayor"),
        Answer("missing", (), "we are small", "the clerk"),
        Answer("basis", (INTERNET,), "of another finding", "nobody"),
    )
    found = {one.finding.rule: one for one in of(material, *declared, answers=answers).questions}
    assert (found["impossible"].answer, found["impossible"].answered_by) == ("second lines", "the mayor")
    assert found["missing"].answer == "we are small"
    assert found["basis"].answer == ""


def test_only_what_is_declared_for_the_very_year_counts(material: Material) -> None:
    older = replace(said(INTERNET, 50), year=YEAR - 1)
    assert not of(material, older).by_key[INTERNET].reported
    assert of(material, older, said(INTERNET, 60)).by_key[INTERNET].value == 60
    assert declared_in((older,), YEAR, exactly=True) == {}
