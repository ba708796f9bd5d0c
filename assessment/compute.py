"""From the inputs of a reference year and what the city declares to its assessment.

Knows formulas' values, data-capture rules and what people state; knows neither the store nor a file. The command that
assesses and the one that verifies both call this, each with inputs of its own: that is what verifying means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    Stated,
    Submission,
    Telemetry,
    Validity,
    Value,
    definition_digest,
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
        rule, data_points: of the finding.
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
    submission = submission_of(
        pack, city, {code: one.value for code, one in known.items()}, period.first, period.last, declared
    )
    digests = {point.key: definition_digest(pack, point) for point in pack.data_points}
    sensed = {one.key: one for one in figures(pack, inputs, digests)}
    work = _Work(pack, declared, known, sensed, submission, period)
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


def _answered(asked: Iterable[Finding], answers: Iterable[Answer]) -> Iterable[Question]:
    known = {(one.rule, one.data_points): one for one in answers}
    for finding in asked:
        answer = known.get((finding.rule, finding.data_points))
        yield Question(finding) if answer is None else Question(finding, answer.text, answer.by)


@dataclass(frozen=True, slots=True)
class _Work:
    """What one assessment is made of."""

    pack: Pack
    declared: Mapping[str, DeclaredValue]
    known: Mapping[str, InputFigure]
    sensed: Mapping[str, Figure]
    submission: Submission
    period: KpiPeriod

    def result(self, point: DataPoint, definition: str) -> Result:
        """Return one data point."""
        own = self.declared.get(point.key)
        rests = () if own is not None else self._rests(point)
        received, expected = _completeness(rests)
        word = validity(received, expected, self.period.days)
        value = self.submission.values[point.key]
        measured = self.submission.measured.get(point.key)
        if word is Validity.INSUFFICIENT and isinstance(value, Fraction):
            measured, value = value, _too_few(point.key, received, expected)
        basis = self._basis(point, value)
        stated = self._stated(point)
        numerator, denominator = self._sides(point, own)
        return Result(
            point=point,
            value=value,
            numerator=numerator,
            denominator=denominator,
            basis=basis,
            quality=_quality(word, stated),
            origin=_origin(rests) if own is None else own.origin,
            source=_joined(one.source for one in stated) if own is None else own.source,
            evidence=_joined(one.evidence for one in self._declarations(point)),
            note=_joined(one.note for one in self._declarations(point)),
            received=received,
            expected=expected,
            validity=word,
            bounds=self._bounds(point, basis),
            measured=measured,
            inputs=rests,
            score=score(point, value, self.pack.target(point.key, self.period.last)),
            explained=self._explained(point, own),
            definition=definition,
        )

    def _rests(self, point: DataPoint) -> tuple[InputFigure, ...]:
        """Return the inputs that sensors, devices and registers give, less those that the city declares."""
        codes = (one.code for one in self.pack.inputs_of(point))
        return tuple(self.known[code] for code in codes if code in self.known and code not in self.declared)

    def _basis(self, point: DataPoint, value: Value) -> Basis:
        if isinstance(value, NotReported):
            return Basis.NOTHING
        if self.submission.declared(point):
            return Basis.DECLARED
        sensed = any(isinstance(one.how, Telemetry) for one in self.pack.inputs_of(point))
        return Basis.MEASURED if sensed else Basis.REGISTERED

    def _declarations(self, point: DataPoint) -> tuple[DeclaredValue, ...]:
        """Return what is declared of a data point, or, where nothing is, of what it rests on."""
        own = self.declared.get(point.key)
        if own is not None:
            return (own,)
        return tuple(self.declared[name] for name in self.pack.names_under(point) if name in self.declared)

    def _stated(self, point: DataPoint) -> tuple[Stated, ...]:
        """Return what is said of a declared data point, or else of the declared inputs and registers under it."""
        names = (point.key,) if point.key in self.declared else self.pack.names_under(point)
        return tuple(self.submission.stated[name] for name in names if name in self.submission.stated)

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
            return (f"{point.key}: declared for {own.year} as {shown(own.value)} {point.unit}",)
        inputs = {code: self.submission.values[code] for code in self.pack.inputs if code in self.submission.values}
        return explain(self.pack, point, inputs)


def _completeness(rests: Iterable[InputFigure]) -> tuple[int, int]:
    """Return readings received and expected of the least complete input; (0, 0) where nothing comes at intervals."""
    measured = [one for one in rests if one.expected]
    least = min(measured, key=lambda one: Fraction(one.received, one.expected), default=None)
    return (0, 0) if least is None else (least.received, least.expected)


def _too_few(key: str, received: int, expected: int) -> NotReported:
    came = f"{received} of {expected} readings came ({100 * received / expected:.1f} %)"
    return NotReported((f"{key}: {came}, and at least {INDICATIVE_PERCENT_MIN} % are asked",))


def _quality(word: Validity | None, stated: Iterable[Stated]) -> str:
    """Return the class of the least sure part; empty where nobody stated any."""
    classes = [one.quality for one in stated if one.quality]
    classes += [] if word is None else [QUALITY_OF.get(word, "")]
    return max((one for one in classes if one), key=_WORST_LAST.index, default="")


def _origin(rests: Iterable[InputFigure]) -> str:
    """Return whose sensors a figure comes from, as a worksheet says it."""
    heard = [one for one in rests if one.stations]
    return _joined(f"{one.code}: {one.counted} of {one.stations} devices" for one in heard)


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))
