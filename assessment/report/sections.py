"""The sections of a report as plain rows of ready texts: what stands on its pages, in the report's language.

Knows an assessment and words; knows neither paper nor colours. A template prints these rows and computes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Final

from assessment.report.numbers import per_cent, rounded, share
from assessment.report.texts import Texts
from assessment.report.wheel import in_groups, path_of, state
from assessment.result import Assessment, Basis, Question, Result
from engine.kpi import (
    CHECKS,
    INDICATIVE_PERCENT_MIN,
    VALID_PERCENT_MIN,
    DataPoint,
    NotReported,
    Rollup,
    Target,
    Value,
)

Row = dict[str, object]
CONCERNS_MAX: Final = 6
"""Data points that a finding names; the others are counted."""
LOWEST_BANDS: Final = (1, 2)
HIGHEST_BAND: Final = 4
UNBROKEN_MAX: Final = 20
"""Characters of a word after which a line may end: names of files and addresses are longer than a column is wide."""
_UNBROKEN: Final = re.compile(rf"(\S{{{UNBROKEN_MAX}}})(?=\S)")


@dataclass(frozen=True)
class Sections:
    """What the pages of one assessment say.

    Attributes:
        assessment: what is told of.
        texts: the words.
    """

    assessment: Assessment
    texts: Texts

    @property
    def results(self) -> list[Result]:
        """The results in the order of the pages."""
        return in_groups(self.assessment.results)

    def snapshot(self) -> Row:
        """Return who the city is and what it submits, each as pairs of a label and a text."""
        words, city = self.texts.words["snapshot"], self.assessment.city
        last = self.assessment.period.last
        counts = {
            code: Fraction(held.value) if (held := city.register(code, last)) else Fraction(stated)
            for code, stated in (
                ("population", city.population), ("households", city.households), ("area_km2", city.area_km2),
            )
        }  # fmt: skip
        people, area = counts["population"], counts["area_km2"]
        facts = [
            (words["population"], rounded(people) if people else ""),
            (words["households"], rounded(counts["households"]) if counts["households"] else ""),
            (words["area"], f"{rounded(area)} km²" if area else ""),
            (words["density"], rounded(people / area, 3) if people and area else ""),
            (words["zones"], str(len(city.zones))),
            (words["zone"], city.time_zone),
        ]
        return {"facts": [list(fact) for fact in facts if fact[1]], "submission": self._submission()}

    def _submission(self) -> list[list[str]]:
        words, results = self.texts.words["snapshot"], self.assessment.results
        reported = [one for one in results if one.reported]
        kpis = self.assessment.pack.kpis
        known = {one.point.code for one in reported}
        questions = self.assessment.questions

        def of(part: int, whole: int) -> str:
            return self.texts.say("snapshot", "of", part=part, whole=whole)

        based = {basis: sum(one.basis is basis for one in reported) for basis in Basis}
        return [
            [words["kpis"], of(sum(kpi.code in known for kpi in kpis), len(kpis))],
            [words["points"], of(len(reported), len(results))],
            [words["measured"], str(based[Basis.MEASURED])],
            [words["registered"], str(based[Basis.REGISTERED])],
            [words["declared"], str(based[Basis.DECLARED])],
            [words["scored"], str(sum(bool(one.score.points) for one in results))],
            [words["findings"], str(len(questions))],
            [words["answered"], str(sum(bool(one.answer) for one in questions))],
        ]

    def groups(self, depth_max: int = 3) -> list[Row]:
        """Return everything, dimensions, sub-dimensions and categories with their bands, from the whole down."""
        paths = dict.fromkeys(path_of(one)[:depth] for one in self.results for depth in range(1, depth_max + 1))
        found = {one.path: one for one in self.assessment.rollups}
        return [self._group(found[path]) for path in ((), *paths) if path in found]

    def _group(self, one: Rollup) -> Row:
        name = self.texts.term("group", one.path[-1]) if one.path else self.texts.words["snapshot"]["overall"]
        points = self.texts.say("snapshot", "of_points", points=one.points, most=4 * one.scored)
        return {
            "depth": len(one.path),
            "name": name,
            "band": one.band,
            # A float only draws the length of a bar; the text beside it is exact.
            "share": 0.0 if one.percent is None else float(one.percent / 100),
            "percent": "" if one.percent is None else per_cent(one.percent),
            "points": points if one.scored else self.texts.words["snapshot"]["unscored"],
            "scored": self.texts.say("snapshot", "of", part=one.scored, whole=one.scored + one.left_out),
        }

    def dimensions(self) -> list[Row]:
        """Return the results by dimension and category."""
        bands = {one.path: one.band for one in self.assessment.rollups}
        found: list[Row] = []
        for dimension, of_dimension in groupby(self.results, key=lambda one: one.point.dimension):
            categories: list[Row] = []
            for path, group in groupby(of_dimension, key=path_of):
                names = [self.texts.term("group", name) for name in path[1:]]
                title = names[1] if names[0] == names[1] else " · ".join(names)
                categories.append({"name": title, "band": bands[path], "rows": [self._result(one) for one in group]})
            name = self.texts.term("group", dimension)
            found.append({"name": name, "band": bands[(dimension,)], "categories": categories})
        return found

    def _result(self, one: Result) -> Row:
        beside = ""
        if one.measured is not None and not isinstance(one.measured, NotReported):
            measured = self.figure(one.point, one.measured)
            beside = self.texts.say("note", "measured_beside", figure=measured, unit=self.unit(one.point)).strip()
        quality = self.texts.words["quality"].get(one.quality, "")
        return {
            **self._named(one.point),
            "value": self.figure(one.point, one.value),
            "unit": self.unit(one.point) if one.reported else "",
            "beside": beside,
            "band": one.score.points,
            "state": state(one),
            "data": ", ".join(text for text in (self.texts.words["basis"][one.basis], quality) if text)
            if one.reported else "",
            "coverage": share(one.received, one.expected),
            "sdg": ", ".join(one.point.sdg),
        }  # fmt: skip

    def unreported(self) -> list[Row]:
        """Return what is not reported, with the reason."""
        return [
            {**self._named(one.point), "reason": wrapped(self.texts.reason(self.assessment.pack, one.value))}
            for one in self.results
            if isinstance(one.value, NotReported)
        ]

    def questions(self) -> list[Row]:
        """Return the findings with their answers."""
        return [self._question(one) for one in self.assessment.questions]

    def _question(self, one: Question) -> Row:
        finding = one.finding
        keys = finding.data_points
        more = len(keys) - CONCERNS_MAX
        return {
            "severity": self.texts.words["severity"][finding.severity],
            "grave": finding.severity == "error",
            "title": self.texts.words["check"].get(finding.rule, finding.rule),
            "text": wrapped(finding.text),
            "concerns": [*keys[:CONCERNS_MAX], *([self.texts.say("note", "more", count=more)] if more > 0 else [])],
            "answer": wrapped(one.answer),
            "by": wrapped(one.answered_by),
        }

    def method(self) -> list[str]:
        """Return how the figures came about, a paragraph each."""
        pack, period = self.assessment.pack, self.assessment.period
        used = [one.score.target for one in self.assessment.results if one.score.points and one.score.target]
        changed = dict.fromkeys(point.code for point in pack.data_points if point.changed)
        figures: dict[str, object] = {
            "title": pack.title, "edition": pack.edition, "source": pack.source, "kpis": len(pack.kpis),
            "points": len(pack.data_points), "year": self.assessment.year, "first": period.first, "last": period.last,
            "zone": self.assessment.city.time_zone, "valid": VALID_PERCENT_MIN, "indicative": INDICATIVE_PERCENT_MIN,
            "checks": len(CHECKS), "codes": ", ".join(changed), **whose(used),
        }  # fmt: skip
        told = [key for key in self.texts.words["method"] if key != "changed" or changed]
        return [self.texts.say("method", key, **figures) for key in told]

    def definitions(self) -> list[Row]:
        """Return what each KPI is and how its data points are computed."""
        found: list[Row] = []
        for code, group in groupby(self.results, key=lambda one: one.point.code):
            points = [one.point for one in group]
            first = points[0]
            found.append(
                {
                    "code": code,
                    "name": self.texts.kpi(first),
                    "definition": first.definition,
                    "formulas": [
                        {"part": self.texts.part(point), "formula": point.formula.text,
                         "unit": self.unit(point)}
                        for point in points
                    ],
                }
            )  # fmt: skip
        return found

    def sources(self) -> list[Row]:
        """Return who supplied each figure, and from what."""
        return [
            {
                **self._named(one.point),
                "basis": self.texts.words["basis"][one.basis],
                "quality": self.texts.words["quality"].get(one.quality, ""),
                "origin": wrapped(one.origin),
                "source": wrapped(one.source),
                "note": wrapped(one.note),
                "evidence": wrapped(one.evidence),
            }
            for one in self.results
            if one.reported
        ]

    def standing_in(self, bands: Sequence[int]) -> list[Row]:
        """Return the results of some bands, the lowest share of their target first."""
        found = [one for one in self.results if one.score.points in bands]
        found.sort(key=lambda one: one.score.percent or Fraction(0))
        return [self._result(one) for one in found]

    def figure(self, point: DataPoint, value: Value) -> str:
        """Return a figure without its unit."""
        words = self.texts.words["answer"]
        if isinstance(value, NotReported):
            return words["nr"]
        if point.yes_no and value in (0, 1):
            return words["yes" if value else "no"]
        return rounded(value)

    def unit(self, point: DataPoint) -> str:
        """Return the unit that is printed beside a figure; none beside a yes or no, nor beside a plain number."""
        return "" if point.yes_no else self.texts.term("unit", point.unit_label)

    def _named(self, point: DataPoint) -> Row:
        return {"code": point.key, "name": self.texts.title(point)}


def wrapped(text: str) -> str:
    """Return a text whose lines may end within long words as well, by a space without a width."""
    return _UNBROKEN.sub("\\1\u200b", text)


def whose(targets: Iterable[Target]) -> dict[str, int]:
    """Return how many targets are the method's own, the city's, and shipped."""
    used = list(targets)
    official = sum(one.official for one in used)
    own = sum(bool(one.changed) and not one.official for one in used)
    return {"official": official, "own": own, "shipped": len(used) - official - own}
