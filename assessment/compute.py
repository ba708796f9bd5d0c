"""From the inputs of a reference year and what the city declares to its assessment.

Knows formulas' values, data-capture rules and what people state; knows neither the store nor a file. The command that
assesses and the one that verifies both call this, each with inputs of its own: that is what verifying means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from assessment.result import Assessment, Basis, Question, Result
from devices.city import City
from devices.registers import QUALITIES
from engine.kpi import (
    INDICATIVE_PERCENT_MIN,
    DataPoint,
    DeclaredValue,
    Figure,
    Finding,
    InputFigure,
    Interval,
    KpiPeriod,
    NotReported,
    Pack,
    PeriodInputs,
    Submission,
    Telemetry,
    Validity,
    Value,
    definition_digest,
    evaluate,
    explain,
    figures,
    findings,
    roll_up,
    score,
    shown,
    sides,
    submission_of,
    validity,
)

QUALITY_OF: Final[Mapping[Validity, str]] = {Validity.VALID: "measured", Validity.INDICATIVE: "estimate"}
"""What data capture makes of a figure, in the method's classes; below that it is not reported."""
_WORST_LAST: Final = tuple(QUALITIES)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the city says to a finding.

    Attributes:
        rule: of the finding.
        data_points: of the finding; none where it answers every finding of its rule.
        text: the answer.
        by: who gives it.
    """

    rule: str
    data_points: tuple[str, ...]
    text: str
    by: str


def assess(
    pack: Pack,
    city: City,
    inputs: PeriodInputs,
    declared: Mapping[str, DeclaredValue],
    *,
    closed: bool,
    answers: Iterable[Answer] = (),
) -> Assessment:
    """Return the assessment of a reference year.

    Args:
        pack: the catalogue.
        city: with its registers.
        inputs: what sensors, devices and registers say of the year.
        declared: what the city declares for it, by key; it stands in place of what is known otherwise.
        closed: whether the figures may still change.
        answers: to findings; those to findings that are no longer there are left out.
    """
    period = inputs.period
    known = inputs.of()
    values = {code: one.value for code, one in known.items()}
    submission = submission_of(pack, city, values, period.first, period.last, declared)
    digests = {point.key: definition_digest(pack, point) for point in pack.data_points}
    sensed = {one.key: one for one in figures(pack, inputs, digests)}
    alone = evaluate(pack, values) if declared else submission.values
    work = _Work(pack, declared, known, sensed, submission, alone, period)
    results = tuple(work.result(point, digests[point.key]) for point in pack.data_points)
    reported = {one.point.key: one.value for one in results}
    asked = findings(replace(submission, values={**submission.values, **reported}))
    return Assessment(
        city=city,
        pack=pack,
        period=period,
        closed=closed,
        results=results,
        rollups=roll_up(pack, (one.score for one in results)),
        questions=tuple(_answered(asked, answers)),
    )


def _answered(asked: Iterable[Finding], answers: Iterable[Answer]) -> Iterator[Question]:
    """Give the findings with their answers; one that names no data point answers all of its rule."""
    known = {(one.rule, frozenset(one.data_points)): one for one in answers}
    for finding in asked:
        answer = known.get((finding.rule, frozenset(finding.data_points))) or known.get((finding.rule, frozenset()))
        yield Question(finding) if answer is None else Question(finding, answer.text, answer.by)


@dataclass(frozen=True, slots=True)
class _Work:
    """What one assessment is made of.

    Attributes:
        pack: the catalogue.
        declared: for the year, by key.
        known: what sensors, devices and registers say of inputs, by code.
        sensed: figures from these alone, by key.
        submission: all figures, those that the city declares in place of others.
        alone: all figures without those.
        period: the year.
    """

    pack: Pack
    declared: Mapping[str, DeclaredValue]
    known: Mapping[str, InputFigure]
    sensed: Mapping[str, Figure]
    submission: Submission
    alone: Mapping[str, Value]
    period: KpiPeriod

    def result(self, point: DataPoint, definition: str) -> Result:
        """Return one data point."""
        own = self.declared.get(point.key)
        names = self._names(point)
        stated = tuple(self.declared[name] for name in names if name in self.declared)
        rests = tuple(self.known[name] for name in names if name in self.known and name not in self.declared)
        received, expected = _completeness(rests)
        word = validity(received, expected, self.period.days)
        value = self.submission.values[point.key]
        measured = self.alone[point.key] if stated else None
        if word is Validity.INSUFFICIENT and isinstance(value, Fraction):
            measured, value = value, _too_few(point.key, received, expected)
        basis = self._basis(names, value)
        numerator, denominator = self._sides(point, own)
        return Result(
            point=point,
            value=value,
            numerator=numerator,
            denominator=denominator,
            basis=basis,
            quality=self._quality(names, word, value, own),
            origin=_joined((*(one.origin for one in stated), *_devices(rests))),
            source=_joined(self._source(name) for name in names),
            evidence=_joined(one.evidence for one in stated),
            note=_joined(one.note for one in stated),
            received=received,
            expected=expected,
            validity=word,
            bounds=self._bounds(point, basis),
            measured=measured if isinstance(measured, Fraction) else None,
            inputs=rests,
            score=score(point, value, self.pack.target(point.key, self.period.last)),
            explained=self._explained(point, own),
            definition=definition,
        )

    def _names(self, point: DataPoint) -> tuple[str, ...]:
        """Return what a figure rests on, itself first: what lies under a declared name has no part in it."""
        found: dict[str, None] = {}
        # With a stack of its own: a chain of formulas may be longer than Python's is deep.
        waiting = [point.key]
        while waiting:
            name = waiting.pop()
            formula = None if name in self.declared or name in found else self.pack.formula(name)
            found[name] = None
            if formula is not None:
                waiting.extend(reversed((*formula.inputs, *formula.data_points)))
        return tuple(found)

    def _basis(self, names: Iterable[str], value: Value) -> Basis:
        if isinstance(value, NotReported):
            return Basis.NOTHING
        if any(name in self.declared for name in names):
            return Basis.DECLARED
        inputs = (self.pack.inputs[name] for name in names if name in self.pack.inputs)
        return Basis.MEASURED if any(isinstance(one.how, Telemetry) for one in inputs) else Basis.REGISTERED

    def _quality(self, names: Iterable[str], word: Validity | None, value: Value, own: DeclaredValue | None) -> str:
        """Return the class of the least sure part; empty where nobody stated any, or there is no figure."""
        if own is None and isinstance(value, NotReported):
            return ""
        classes = [self.submission.stated[name].quality for name in names if name in self.submission.stated]
        classes += [] if word is None else [QUALITY_OF[word]]
        return max((one for one in classes if one), key=_WORST_LAST.index, default="")

    def _source(self, name: str) -> str:
        """Return from which record a declared value or a register is."""
        if name in self.declared:
            return self.declared[name].source
        return self.submission.stated[name].source if name in self.submission.stated else ""

    def _sides(self, point: DataPoint, own: DeclaredValue | None) -> tuple[Value | None, Value | None]:
        if own is None:
            return sides(point.formula, self.submission.values)
        return own.numerator, own.denominator

    def _bounds(self, point: DataPoint, basis: Basis) -> Interval | None:
        """Return the bounds of a measured figure; a declared one has those that its people state, and no file has."""
        figure = self.sensed.get(point.key)
        return figure.bounds if figure is not None and basis is Basis.MEASURED else None

    def _explained(self, point: DataPoint, own: DeclaredValue | None) -> tuple[str, ...]:
        if own is not None:
            text = f"as {shown(own.value)} {point.unit_label}" if isinstance(own.value, Fraction) else "not reported"
            return (f"{point.key}: declared {text} for {own.year}",)
        declared = {key: one.value for key, one in self.declared.items()}
        return explain(self.pack, point, {**{code: one.value for code, one in self.known.items()}, **declared})


def _completeness(rests: Iterable[InputFigure]) -> tuple[int, int]:
    """Return readings received and expected of the least complete input; (0, 0) where nothing comes at intervals."""
    measured = [one for one in rests if one.expected]
    least = min(measured, key=lambda one: Fraction(one.received, one.expected), default=None)
    return (0, 0) if least is None else (least.received, least.expected)


def _too_few(key: str, received: int, expected: int) -> NotReported:
    came = f"{received} of {expected} readings came ({100 * received / expected:.1f} %)"
    return NotReported((f"{key}: {came}, and at least {INDICATIVE_PERCENT_MIN} % are asked",))


def _devices(rests: Iterable[InputFigure]) -> Iterator[str]:
    """Give whose sensors a figure comes from, as a worksheet says it."""
    yield from (f"{one.code}: {one.counted} of {one.stations} devices" for one in rests if one.stations)


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))
