"""Assessments in memory, without a database: a town that declares a part of its year, and any others made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import strategies as st

from assessment import Answer, Assessment, Basis, Result, assess
from devices.registers import QUALITIES
from engine.calendar import Calendar
from engine.kpi import (
    NotReported,
    Pack,
    Readings,
    Sensed,
    Value,
    declared_in,
    load_declared,
    reference_year,
    shipped,
)
from tests.engine.store.kpi_town import YEAR, kpi_town

HEADER: Final = "key,year,value,numerator,denominator,unit,quality,origin,source,note,evidence\n"
DECLARED: Final = (
    HEADER
    + f"""EC: ICT: ICT: 1C,{YEAR},,40501,45003,%,survey,=SUM(A1),statistics office,+ so far,internet.pdf
EC: ICT: ICT: 2C,{YEAR},31.5,,,%,higher_level,region,@regulator,,
EC: ICT: PS: 1A/number,{YEAR},250,,,{{dataset}},measured,portal,catalogue,,
EC: I: UP: 2A/compact,{YEAR},yes,,,{{yes_no}},measured,planners,plan 2030,"chapter 4, page 2",
EN: EN: WA: 1C/landfill,{YEAR},,0,7000,%,estimate,works,ledger,,
EC: P: IN: 1C,{YEAR},NR,,,%,,,,no figure of the city alone,
population_covered_3g,{YEAR},900.25,,,{{inhabitant}},measured,providers,coverage report,,
"""
)
"""What the town declares: ratios, values alone, an answer, a number that is not reported, and an input."""
MISSING: Final = "missing"


def folder_of(declared: str = DECLARED) -> TemporaryDirectory[str]:
    """Return the folder of a city with what it declares."""
    folder = TemporaryDirectory()
    path = Path(folder.name)
    (path / "declared.csv").write_text(declared, encoding="utf-8")
    (path / "evidence").mkdir()
    (path / "evidence" / "internet.pdf").write_bytes(b"%PDF-")
    return folder


@cache
def town_year(declared: str = DECLARED) -> Assessment:
    """Return the year of the town, which has devices and no reading, with one finding answered."""
    pack: Pack = shipped()
    with folder_of(declared) as name:
        folder = Path(name)
        registry = kpi_town(folder)
        calendar = Calendar(registry.city.zone_info)
        period = reference_year(calendar, YEAR)
        inputs = Sensed(pack, registry, calendar).at(period, Readings({}))
        stated = declared_in(load_declared(folder, pack), YEAR, exactly=True)
        bare = assess(pack, registry.city, inputs, stated, closed=True)
        missing = next(one.finding for one in bare.questions if one.finding.rule == MISSING)
        answer = Answer(MISSING, missing.data_points, "=1+1 is no reason, but we are small", "the mayor")
        return assess(pack, registry.city, inputs, stated, closed=True, answers=[answer])


WHOLE: Final = st.integers(0, 10**12).map(Fraction)
DECIMALS: Final = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False).map(Fraction)
AWKWARD: Final = st.fractions(max_denominator=10**6) | st.sampled_from(
    [Fraction(10) ** 400, Fraction(1, 10**400), Fraction(1, 3), Fraction(2**53 + 1)]
)
SIDES: Final = WHOLE | DECIMALS | AWKWARD
FACTORS: Final = st.sampled_from([Fraction(1), Fraction(100), Fraction(1000), Fraction(1, 1000), Fraction(5, 18)])
TEXTS: Final = (
    st.text(max_size=12)
    | st.just("two\rparts")
    | st.sampled_from(["=1+1", "+1", "-1", "@x", "\t=1", "_x0041_", "{=A1}", "x" * 40_000])
)


@st.composite
def results(draw: st.DrawFn, one: Result) -> Result:
    """Return a result with other figures and other texts."""
    kind = draw(st.sampled_from(["ratio", "ratio", "value", "nothing"]))
    above: Value | None = None
    below: Value | None = None
    value: Value = NotReported((draw(TEXTS),))
    if kind == "ratio":
        above, below = draw(SIDES), draw(SIDES.filter(bool))
        value = draw(FACTORS) * above / below
    elif kind == "value":
        value = draw(SIDES)
    return replace(
        one,
        value=value,
        numerator=above,
        denominator=below,
        basis=Basis.NOTHING if kind == "nothing" else Basis.DECLARED,
        quality=draw(st.sampled_from(["", *QUALITIES])),
        origin=draw(TEXTS),
        source=draw(TEXTS),
        evidence=draw(TEXTS),
        note=draw(TEXTS),
    )


@st.composite
def assessments(draw: st.DrawFn) -> Assessment:
    """Return an assessment of a few data points with any figures and texts."""
    base = town_year()
    chosen = draw(st.lists(st.sampled_from(base.results), min_size=1, max_size=5, unique_by=lambda one: one.point.key))
    return replace(base, results=tuple(draw(results(one)) for one in chosen))


def by_key(assessment: Assessment) -> Mapping[str, Result]:
    """Return results by key; of an assessment that is made of others its own are asked for anew."""
    return {one.point.key: one for one in assessment.results}
