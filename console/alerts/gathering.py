"""Facts from the store, as they are now or as they were: what the rules look at and nothing else.

Knows the store's modules; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from console.alerts.evaluate import AlertRules
from console.alerts.facts import Facts, KpiScore, Silence
from console.alerts.rules import MINUTE_US, Kind, KpiBand
from console.alerts.trial import Past
from console.drift import DriftBook
from console.worth import LENGTH_US
from engine.store import IndicatorReading, KpiScoreReading, Store, alerts, health, kpi_scores
from engine.store.alerts import Asked, Window
from engine.store.session import Session

SINCE_US: Final = 60 * 1440 * MINUTE_US
"""Older windows are none to be judged by; see `judging.LOST_US`."""
SILENCES_MAX: Final = 1_000_000
"""As many as there may be devices."""
_SILENT: Final = {Kind.SILENT_DEVICE: "device", Kind.SILENT_GATEWAY: "gateway"}


def gather(session: Session, rules: AlertRules, drift: DriftBook, now_us: int) -> Facts:
    """Return what the rules have to be given; findings of drift also where no rule looks at them, for they are metrics.

    Raises:
        StoreUnavailable, StoreError
    """
    kinds = {_SILENT[rule.kind] for rule in rules.rules if rule.kind in _SILENT}
    points = {rule.check.data_point for rule in rules.rules if isinstance(rule.check, KpiBand)}
    return Facts(
        windows=alerts.windows(session, rules.asked(), now_us - SINCE_US),
        silences=[
            Silence(one.kind, one.who, one.started_us, one.devices, one.detail)
            for kind in sorted(kinds)
            for one in health.silence_rows(session, kind, True, SILENCES_MAX)
        ],
        scores=[_score(one) for point in sorted(points) for one in kpi_scores.read(session, point)],
        heard_to_us=health.listening(session).heard_to_us,
        findings=drift.read(session, now_us),
    )


def past(store: Store, asked: Iterable[Asked], from_us: int, to_us: int) -> Past:
    """Return what is stored of a stretch of time, and as many windows before it as the rules look at.

    Raises:
        StoreUnavailable, StoreError
    """
    windows = []
    for one in asked:
        low_us = from_us - (one.depth + 1) * LENGTH_US[one.window]
        which = {"indicator": one.indicator, "window": one.window, "scope_kind": one.scope_kind}
        windows += [_window(row) for row in store.indicator_history(low_us, to_us, **which)]
    silences = [
        row
        for kind in _SILENT.values()
        for row in store.silence_rows(kind=kind, limit=SILENCES_MAX)
        if row.started_us < to_us and (row.ended_us is None or row.ended_us > from_us)
    ]
    return Past(windows, silences)


def _window(row: IndicatorReading) -> Window:
    scope = alerts.CITY if row.scope_kind == alerts.CITY else f"{row.scope_kind}:{row.scope}"
    return Window(
        row.indicator, row.window, scope, row.start_us, row.value, row.unit, row.received, row.expected, row.revision
    )  # fmt: skip


def _score(one: KpiScoreReading) -> KpiScore:
    scope = one.scope_kind if one.scope_kind == alerts.CITY else f"{one.scope_kind}:{one.scope}"
    percent = "" if one.percent_ratio is None else f"{float(Fraction(one.percent_ratio)):.1f}"
    return KpiScore(one.data_point, one.horizon, scope, one.band, percent)
