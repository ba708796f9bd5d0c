"""Figures of KPIs and their scores, from the store into the store: periods in, what changed written.

Knows the pack, one city and its store; asks no clock, and starts no thread. The gateway keeps it going beside the
engine, the command `kpis compute` runs it once: that is why they agree to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from devices import Registry
from engine.calendar import Calendar, promised_an_hour
from engine.indicators.exact import round_half_even
from engine.kpi import (
    WHOLE,
    Clock,
    Declared,
    DeclaredValue,
    Figure,
    Horizon,
    InputFigure,
    KpiPeriod,
    NotReported,
    Pack,
    PeriodInputs,
    Readings,
    Sensed,
    Submission,
    Sums,
    Value,
    clock_hours,
    declared_in,
    definition_digest,
    evaluate,
    figures,
    findings,
    period_between,
    reference_year,
    rolling,
    score,
    sensed_points,
    submission_of,
    to_date,
)
from engine.store import (
    ChosenHours,
    DeclaredRow,
    FindingRow,
    KpiReading,
    KpiRow,
    KpiScoreRow,
    KpiSums,
    KpisWritten,
    Registered,
    Store,
)

VALUE_DECIMALS = 6
"""Decimals of a stored value; its exact ratio stands beside it."""
YEARS_MAX = 100
"""Reference years that are looked at, the newest."""


class KpiBook:
    """The figures of one city.

    Args:
        store: a connection of the caller's thread, with the registry's ids.
        registry, registered: the city, and the store's ids of it.
        pack: the catalogue.
        lateness_us: a year closes this long after its end.
        declared: what the city declares; part of findings and of scores of its own, and of no stored figure.

    Attributes:
        calendar: of the city.
        lateness_us: as given.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        registered: Registered,
        pack: Pack,
        lateness_us: int,
        declared: Sequence[DeclaredValue] = (),
    ) -> None:
        self.calendar = Calendar(registry.city.zone_info)
        self._store, self._registry, self._ids, self._pack = store, registry, registered, pack
        self.lateness_us, self._declared = lateness_us, declared
        self._sensed = Sensed(pack, registry, self.calendar)
        self._digests = {point.key: definition_digest(pack, point) for point in sensed_points(pack)}
        self._registered = [
            point
            for point in pack.data_points
            if point.key not in self._digests
            and not any(isinstance(one.how, Declared) for one in pack.inputs_of(point))
        ]
        self._stated: frozenset[int] = frozenset()

    def since_us(self) -> int | None:
        """Return the time of the first observation within the calendar; None where there is none."""
        first_us = self._store.first_time_us()
        return None if first_us is None else max(first_us, self.calendar.from_us)

    def floor_us(self) -> int | None:
        """Return how far the estimates reach that stand; None before the first."""
        rows = self._store.kpi_rows(scope_kind="city", horizon=Horizon.TO_DATE)
        return max((row.end_us for row in rows), default=None)

    def years(self, since_us: int, until_us: int) -> list[KpiPeriod]:
        """Return the reference years that are over and may hold readings."""
        last = self.calendar.local(min(until_us, self.calendar.to_us - 1)).year
        first = max(self.calendar.local(since_us).year, last - YEARS_MAX)
        years = (reference_year(self.calendar, year) for year in range(first, last + 1))
        return [year for year in years if year.end_us <= until_us]

    def estimates(self, since_us: int, until_us: int) -> list[KpiPeriod]:
        """Return the periods of the live estimates; none of them is empty."""
        both = (make(self.calendar, until_us, since_us) for make in (rolling, to_date))
        return [period for period in both if not period.empty]

    def stated_years(self, years: Iterable[KpiPeriod]) -> list[KpiPeriod]:
        """Return the reference years besides these of which something is declared or was: no reading is in them."""
        measured = {one.year for one in years}
        return [reference_year(self.calendar, year) for year in sorted(self._stated - measured)]

    def closed(self, period: KpiPeriod, until_us: int) -> bool:
        """Say whether a period's figure is final but for corrections."""
        return period.horizon is Horizon.YEAR and period.end_us + self.lateness_us <= until_us

    def reaches_from_us(self, period: KpiPeriod) -> int:
        """Return from when on a change of the windows may change a period's figures."""
        return min(period.start_us, self._heard_from_us(period))

    def bring(self, periods: Iterable[KpiPeriod], until_us: int, computed_us: int) -> KpisWritten:
        """Compute figures and scores of periods and write what changed, each period in a transaction of its own.

        Args:
            periods: which.
            until_us: how far time has come.
            computed_us: the present.

        Raises:
            StoreUnavailable, StoreError
        """
        values = superseded = scores = 0
        for period in periods:
            with self._store.one_kpi_writer() as writer:
                inputs = self.inputs(period)
                made = self._figures(inputs)
                known = {code: one.value for code, one in inputs.of().items()}
                submission = self._submission(known, period)
                done = writer.figures([self._row(one, period, until_us) for one in made], computed_us)
                scored = [self._score_row(one.key, one.value, self._scope(one), period, until_us) for one in made]
                scored += self._stated_scores(known, submission, period, until_us)
                scores += writer.scores(period.horizon, period.year, scored, computed_us)
                found = [FindingRow(one.rule, one.severity, one.data_points, one.text) for one in findings(submission)]
                writer.findings(period.horizon, period.year, found, computed_us)
            values += done.values
            superseded += done.superseded
        return KpisWritten(values, superseded, scores)

    def declare(self, computed_us: int) -> int:
        """Make the store know what the city declares; return how much was withdrawn or added.

        Raises:
            StoreUnavailable, StoreError
        """
        rows = [_declared_row(self._pack, one) for one in self._declared]
        with self._store.one_kpi_writer() as writer:
            done = writer.declare(rows, computed_us)
        scored = {one.year for one in self._store.kpi_score_rows() if one.declared and one.year}
        first, last = (self.calendar.local(at_us).year for at_us in (self.calendar.from_us, self.calendar.to_us - 1))
        self._stated = frozenset(
            year for year in scored | {one.year for one in self._declared} if first <= year <= last
        )  # fmt: skip
        return done

    def bring_stated(self, years: Iterable[KpiPeriod], until_us: int, computed_us: int) -> int:
        """Score reference years that only people know of, by what is declared and registered; return how many changed.

        Raises:
            StoreUnavailable, StoreError
        """
        scores = 0
        for period in years:
            with self._store.one_kpi_writer() as writer:
                known = self._sensed.registers(period)
                rows = self._stated_scores(known, self._submission(known, period), period, until_us)
                scores += writer.scores(period.horizon, period.year, rows, computed_us)
        return scores

    def figures(self, period: KpiPeriod) -> list[Figure]:
        """Return the figures of a period, of the city and of its zones, from what is stored.

        Raises:
            StoreUnavailable, StoreError
        """
        return self._figures(self.inputs(period))

    def readings(self, period: KpiPeriod, computed_us: int) -> list[KpiReading]:
        """Return the figures of a period as the store would give them had they been written, and write nothing.

        Args:
            period: which; not a reference year, whose figures have revisions.
            computed_us: the present.

        Raises:
            StoreUnavailable, StoreError
        """
        return [self._reading(one, period, computed_us) for one in self.figures(period)]

    def _figures(self, inputs: PeriodInputs) -> list[Figure]:
        scopes: list[int | None] = [None, *range(len(self._registry.city.zones))]
        return [one for zone in scopes for one in figures(self._pack, inputs, self._digests, zone)]

    def _submission(self, known: Mapping[str, Value], period: KpiPeriod) -> Submission:
        """Return the figures of the whole city as a verifier gets them, with what is declared for their period."""
        declared = declared_in(self._declared, period.last.year, exactly=period.horizon is Horizon.YEAR)
        return submission_of(self._pack, self._registry.city, known, period.first, period.last, declared)

    def inputs(self, period: KpiPeriod) -> PeriodInputs:
        """Return what is known of a period, from what is stored.

        Raises:
            StoreUnavailable, StoreError
        """
        return self._sensed.at(period, self._readings(period))

    def _readings(self, period: KpiPeriod) -> Readings:
        first_us = self.calendar.day_bounds(period.first)[0]
        sums = {}
        for clock, slots in self._sensed.questions().items():
            if clock == WHOLE:
                found = self._store.kpi_sums(slots, first_us, period.day_us, period.end_us)
            else:
                found = self._sums_at(slots, period, clock)
            sums[clock] = {slot: Sums(*one) for slot, one in found.items()}
        heard = self._store.kpi_heard(self._heard_from_us(period), period.end_us) if self._sensed.heard_days() else {}
        came = {}
        for season, clock, slots in self._sensed.seasons(period):
            part = period_between(self.calendar, period.horizon, period.year, *season)
            found = self._sums_at(slots, part, clock) if clock != WHOLE else self._store.kpi_sums(
                slots, season[0], season[1], season[1]
            )  # fmt: skip
            came[season, clock] = {slot: one.readings for slot, one in found.items()}
        return Readings(sums, heard, came)

    def _sums_at(self, slots: NDArray[np.int32], period: KpiPeriod, clock: Clock) -> dict[int, KpiSums]:
        hours = chosen_hours(self._registry, self._sensed, slots, clock)
        return self._store.kpi_sums_at(slots, period.start_us, period.end_us, hours)

    def _heard_from_us(self, period: KpiPeriod) -> int:
        day = period.last - timedelta(days=max(self._sensed.heard_days(), 1) - 1)
        return self.calendar.day_bounds(day)[0]

    def _row(self, one: Figure, period: KpiPeriod, until_us: int) -> KpiRow:
        return KpiRow(
            data_point=one.key,
            horizon=str(period.horizon),
            year=period.year,
            scope_id=self._scope(one),
            start_us=period.start_us,
            end_us=period.end_us,
            unit=one.unit,
            value=_decimal(one.value),
            effective=_decimal(one.effective),
            ratio=_text(one.value),
            numerator=_text(one.numerator),
            denominator=_text(one.denominator),
            reason=str(one.value) if isinstance(one.value, NotReported) else "",
            received=one.received,
            expected=one.expected,
            validity=None if one.validity is None else str(one.validity),
            definition=one.definition,
            facts=one.facts,
            inputs=[_input(each) for each in one.inputs],
            closed=self.closed(period, until_us),
            low_ratio=None if one.bounds is None else str(one.bounds.low),
            high_ratio=None if one.bounds is None else str(one.bounds.high),
        )

    def _reading(self, one: Figure, period: KpiPeriod, computed_us: int) -> KpiReading:
        city, row = self._registry.city, self._row(one, period, period.start_us)
        return KpiReading(
            data_point=row.data_point,
            horizon=row.horizon,
            year=row.year,
            scope_kind="city" if one.zone is None else "zone",
            scope=city.code if one.zone is None else city.zones[one.zone].code,
            start_us=row.start_us,
            end_us=row.end_us,
            value=row.value,
            unit=row.unit,
            effective=row.effective,
            ratio=row.ratio,
            numerator=row.numerator,
            denominator=row.denominator,
            reason=row.reason,
            received=row.received,
            expected=row.expected,
            validity=row.validity,
            revision=0,
            computed_us=computed_us,
            definition=row.definition,
            facts=row.facts,
            inputs=json.dumps(row.inputs),
            low_ratio=row.low_ratio,
            high_ratio=row.high_ratio,
        )

    def _stated_scores(
        self, known: Mapping[str, Value], submission: Submission, period: KpiPeriod, until_us: int
    ) -> list[KpiScoreRow]:
        """Return scores of the city's figures that rest on something declared, and of those from registers alone."""
        scope = self._ids.city_scope
        alone = evaluate(self._pack, known) if self._registered else {}
        rows = [self._score_row(one.key, alone[one.key], scope, period, until_us) for one in self._registered]
        rows += [
            self._score_row(one.key, submission.values[one.key], scope, period, until_us, declared=True)
            for one in self._pack.data_points
            if submission.declared(one)
        ]
        return rows

    def _score_row(
        self, key: str, figure: Value, scope_id: int, period: KpiPeriod, until_us: int, *, declared: bool = False
    ) -> KpiScoreRow:
        target = self._pack.target(key, period.last)
        found = score(self._pack.data_point(key), figure, target)
        return KpiScoreRow(
            data_point=key,
            horizon=str(period.horizon),
            year=period.year,
            scope_id=scope_id,
            figure=_text(figure) if found.points else None,
            band=found.points or None,
            percent=_decimal(found.percent),
            percent_ratio=_text(found.percent),
            target=None if target is None else str(target.value),
            rule=None if target is None else str(target.rule),
            worst=None if target is None else _text(target.worst),
            target_from=None if target is None else target.valid_from,
            official=None if target is None else target.official,
            source=None if target is None else target.source,
            why_not=found.why_not,
            closed=self.closed(period, until_us),
            declared=declared,
        )

    def _scope(self, one: Figure) -> int:
        return self._ids.city_scope if one.zone is None else int(self._ids.zone_scope[one.zone])


def chosen_hours(registry: Registry, sensed: Sensed, slots: NDArray[np.int32], clock: Clock) -> ChosenHours:
    """Return the hours that a clock asks for, as the store is asked for them."""
    chosen = sorted(clock_hours(clock.hours)), clock.weekdays or tuple(range(1, 8))
    promised = promised_an_hour(sensed.series, slots)
    return ChosenHours(registry.city.time_zone, *chosen, clock.percent_min, promised)


def _input(one: InputFigure) -> dict[str, object]:
    return {
        "input": one.code,
        "value": _text(one.value),
        "effective": _text(one.effective),
        "reason": str(one.value) if isinstance(one.value, NotReported) else "",
        "stations": one.stations,
        "counted": one.counted,
        "received": one.received,
        "expected": one.expected,
    }


def _declared_row(pack: Pack, one: DeclaredValue) -> DeclaredRow:
    known = pack.inputs.get(one.key)
    return DeclaredRow(
        key=one.key,
        kind="data_point" if known is None else "input",
        year=one.year,
        value=_decimal(one.value),
        unit=pack.data_point(one.key).unit if known is None else known.unit,
        ratio=_text(one.value),
        numerator=_text(one.numerator),
        denominator=_text(one.denominator),
        quality=one.quality,
        origin=one.origin,
        source=one.source,
        note=one.note,
    )


def _text(value: Value | None) -> str | None:
    return str(value) if isinstance(value, Fraction) else None


def _decimal(value: Value | None) -> Decimal | None:
    """Return a value rounded half to even; the text of a decimal is taken as it is, however long."""
    if not isinstance(value, Fraction):
        return None
    return Decimal(f"{round_half_even(value.numerator * 10**VALUE_DECIMALS, value.denominator)}E-{VALUE_DECIMALS}")


def touched(book: KpiBook, periods: Sequence[KpiPeriod], hours_us: Sequence[int]) -> list[KpiPeriod]:
    """Return the periods whose figures a change of these hours may change."""
    hours = np.sort(np.asarray(hours_us, np.int64))
    found = []
    for period in periods:
        low, high = np.searchsorted(hours, (book.reaches_from_us(period), period.end_us))
        if high > low:
            found.append(period)
    return found
