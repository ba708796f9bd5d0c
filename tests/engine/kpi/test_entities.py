"""Figures as entities: the names and words of the model, exact values, ids that name what they are of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.kpi import Interval, Live, NotReported, Rule, Target, shipped
from engine.kpi.entities import (
    ATTRIBUTES,
    CONTEXT,
    TYPE,
    UNIT_CODES,
    Named,
    Told,
    entity_id,
    named_by,
    normalised,
    plain,
)

PACK = shipped()
PM = PACK.data_point("EN: EN: AQ: 1C/pm2_5")
SHARE = next(point for point in PACK.data_points if point.unit == "%" and point.live is Live.YES)
ANSWER = next(point for point in PACK.data_points if point.yes_no)
MODEL = {
    "category": {
        "actionable", "directional", "financial", "input", "lagging", "leading", "output", "practical", "process",
        "qualitative", "quantitative",
    },
    "calculationFrequency": {
        "hourly", "daily", "weekly", "monthly", "yearly", "quarterly", "bimonthly", "biweekly",
    },
    "calculationMethod": {"manual", "automatic", "semiautomatic"},
    "currentStanding": {"veryGood", "good", "fair", "bad", "veryBad"},
}  # fmt: skip
"""Of the model's attributes (schema 0.2.1) those that take certain words alone."""
MODELS_OWN = {
    *MODEL, "name", "alternateName", "description", "dataProvider", "address", "organization", "process",
    "calculatedBy", "businessTarget", "calculationFormula", "calculationPeriod", "kpiValue", "updatedAt", "area",
}  # fmt: skip
TOLD = Told(
    named=Named("seoul", PM.key, "zone:jongno", "rolling", 0, declared=False),
    point=PM,
    city="Seoul",
    area="Jongno",
    first=date(2025, 11, 27),
    last=date(2026, 11, 26),
    end_us=1_795_705_200_000_000,
    value=Fraction(61, 3),
    bounds=Interval(Fraction(20), Fraction(21)),
    readings=99,
    due=100,
    validity="valid",
    revision=0,
    told_us=1_795_705_260_000_000,
    band=3,
    target=Target(PM.key, Fraction(15), Rule.INVERSE, None, date(2021, 1, 1), False, "WHO"),
)


def keys(document: Any) -> Iterator[str]:
    """Every name in a document but JSON-LD's own."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield name
            yield from keys(value)
    elif isinstance(document, list):
        for one in document:
            yield from keys(one)


def test_a_figure_has_the_names_and_words_of_the_model() -> None:
    found = plain(TOLD)
    assert found["id"] == "urn:ngsi-ld:KeyPerformanceIndicator:seoul:EN-EN-AQ-1C.pm2_5:zone:jongno:rolling"
    assert found["type"] == TYPE
    assert found["calculationPeriod"] == {"from": "2025-11-27", "to": "2026-11-26"}
    assert found["area"] == "Jongno"
    assert (found["currentStanding"], found["calculationFrequency"]) == ("good", "daily")
    assert found["updatedAt"] == "2026-11-26T15:01:00.000000Z"
    assert {name for name in ATTRIBUTES if "cityvitals" not in ATTRIBUTES[name]} == MODELS_OWN
    for point in PACK.data_points:
        for band in range(5):
            for horizon, year in (("year", 2025), ("rolling", 0), ("to_date", 0)):
                named = Named("seoul", point.key, "city", horizon, year, declared=year > 0)
                each = plain(replace(TOLD, named=named, point=point, band=band))
                assert each.keys() <= {"id", "type", *ATTRIBUTES}
                for name, words in MODEL.items():
                    said = each.get(name, ())
                    assert {said} <= words if isinstance(said, str) else set(said) <= words, (name, said)


@given(st.fractions(max_denominator=10**12))
def test_a_value_is_exact_and_its_decimals_are_rounded_half_to_even(value: Fraction) -> None:
    found = plain(replace(TOLD, value=value))
    assert Fraction(found["exactValue"]) == value
    with localcontext(prec=200):
        due = Decimal(value.numerator) / Decimal(value.denominator)
        assert found["kpiValue"] == due.quantize(Decimal("1e-6"), ROUND_HALF_EVEN)


def test_no_digit_of_a_large_value_is_lost() -> None:
    value = Fraction(10**40 + 1)
    assert str(plain(replace(TOLD, value=value))["kpiValue"]) == f"{10**40 + 1}.000000"


def test_the_normalised_form_says_the_same_in_properties() -> None:
    whole, short = normalised(TOLD), plain(TOLD)
    assert whole.keys() == short.keys()
    for name, value in short.items():
        if name not in ("id", "type"):
            stated = whole[name]["value"]
            assert whole[name]["type"] == "Property"
            assert (stated["@value"] if name == "updatedAt" else stated) == value
    assert whole["kpiValue"]["unitCode"] == "GQ"
    assert whole["kpiValue"]["observedAt"] == "2026-11-26T15:00:00.000000Z"
    assert whole["updatedAt"]["value"]["@type"] == "DateTime"


def test_what_is_not_reported_has_a_reason_and_no_value() -> None:
    for form in (plain, normalised):
        found = form(replace(TOLD, value=NotReported(("no station has enough readings",)), bounds=None, band=0))
        assert not found.keys() & {"kpiValue", "exactValue", "leastValue", "greatestValue", "currentStanding"}
        assert "no station has enough readings" in json.dumps(found["notReported"])


def test_an_answer_is_true_or_false_and_a_declared_figure_is_manual() -> None:
    named = Named("seoul", ANSWER.key, "city", "year", 2025, declared=True)
    told = Told(named, ANSWER, "Seoul", "Seoul", date(2025, 1, 1), date(2025, 12, 31), 0, Fraction(1))
    found = plain(told)
    assert found["kpiValue"] is True
    assert (found["category"], found["calculationMethod"]) == (["qualitative"], "manual")
    assert not found.keys() & {"revision", "updatedAt", "readings", "validity"}, "nobody measured it"
    measured = replace(TOLD, point=SHARE, named=TOLD.named._replace(data_point=SHARE.key))
    assert plain(measured)["calculationMethod"] == "automatic"


def test_every_word_of_an_entity_is_in_the_context_and_means_one_thing() -> None:
    for form in (plain, normalised):
        assert {name for name in keys(form(TOLD)) if not name.startswith("@")} <= CONTEXT.keys()
    meanings = [one if isinstance(one, str) else one["@id"] for one in CONTEXT.values()]
    assert len(set(meanings)) == len(meanings)
    assert all(one.startswith(("@", "http", "urn:")) for one in meanings), "whole addresses: no other context is needed"


@pytest.mark.parametrize("scope", ["city", "zone:jongno", "zone:a-b_1"])
def test_an_id_names_what_it_is_of(scope: str) -> None:
    seen = set()
    for point in PACK.data_points:
        for horizon, year, declared in (
            ("year", 2025, False), ("year", 2025, True), ("rolling", 0, False), ("to_date", 0, False),
        ):  # fmt: skip
            named = Named("seoul", point.key, scope, horizon, year, declared)
            assert named_by(entity_id(named)) == named
            seen.add(entity_id(named))
    assert len(seen) == 4 * len(PACK.data_points)


@pytest.mark.parametrize(
    "entity",
    [
        "", "urn:ngsi-ld:KeyPerformanceIndicator:seoul", "urn:ngsi-ld:Vehicle:seoul:EN-EN-AQ-1C:city:2025",
        "urn:ngsi-ld:KeyPerformanceIndicator:seoul:EN-EN-AQ-1C:city:rolling-declared",
        "urn:ngsi-ld:KeyPerformanceIndicator:seoul:EN-EN-AQ-1C:station:x:2025",
        "urn:ngsi-ld:KeyPerformanceIndicator:seoul:EN-EN-AQ-1C:city:2025\n",
    ],
)  # fmt: skip
def test_what_is_no_id_of_ours_names_nothing(entity: str) -> None:
    assert named_by(entity) is None


def test_common_codes_are_given_for_units_of_the_catalogue() -> None:
    assert UNIT_CODES.keys() & {point.unit for point in PACK.data_points}
