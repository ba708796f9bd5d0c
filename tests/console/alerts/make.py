"""Rules, figures and places for tests of alerts, made in memory."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from console.alerts import AlertRule, AlertRules, Kind, Places, Severity, StormLimits, Transition
from console.alerts.korean import korean_detail
from console.alerts.rules import Check, Drift, Limit, Silent, Threshold, Watched
from console.drift import KINDS, Findings, gathered
from engine.store.alerts import CITY, Alert, Window
from engine.store.drift import VANISHED, DriftRow

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
T0 = 1_700_000_000_000_000 // HOUR_US * HOUR_US
"""A full hour in November 2023."""
ZONE = ZoneInfo("Europe/Copenhagen")
PM = Watched("pm2_5_mean", "hour")
STORM = 4
"""Alerts of one rule in a scope that are still told one by one."""


def window(
    value: object, hour: int, scope: str = "zone:north", *, of: Watched = PM, received: int = 60, closed: bool = True
) -> Window:
    """Return an hour's figure; 60 readings are expected."""
    number = None if value is None else Decimal(str(value))
    return Window(of.indicator, of.window, scope, T0 + hour * HOUR_US, number, "ug/m3", received, 60, int(closed))


def hours(values: Sequence[object], scope: str = "zone:north", first: int = 0) -> list[Window]:
    """Return closed hours one after the other; None is an hour without a figure."""
    return [window(value, first + at, scope) for at, value in enumerate(values)]


def limit(at: object, clear: object = None, *, above: bool = True) -> Limit:
    return Limit(Fraction(str(at)), Fraction(str(at if clear is None else clear)), above)


def rule(check: Check, code: str = "rule", **more: object) -> AlertRule:
    """Return a rule for zones that warns, unless `more` says otherwise."""
    kinds = {"Threshold": Kind.THRESHOLD, "Rate": Kind.RATE, "Forecast": Kind.FORECAST, "Missing": Kind.MISSING,
             "Coverage": Kind.COVERAGE, "KpiBand": Kind.KPI_BAND, "Silent": Kind.SILENT_DEVICE,
             "Drift": Kind.DRIFT}  # fmt: skip
    facts: dict[str, object] = {
        "kind": kinds[type(check).__name__], "title": "A title", "severity": Severity.WARNING,
        "scope": "station" if isinstance(check, Silent) else "model" if isinstance(check, Drift) else "zone",
    }  # fmt: skip
    return AlertRule(code=code, check=check, **{**facts, **more})  # type: ignore[arg-type]


def high(at: object = 35, clear: object = 30, minutes: int = 0, code: str = "high", **more: object) -> AlertRule:
    """Return a rule for PM2.5 above a limit."""
    return rule(Threshold(PM, limit(at, clear), minutes * MINUTE_US), code, **more)


def silent(code: str = "silent", minutes: int = 0, **more: object) -> AlertRule:
    """Return a rule for silent devices."""
    return rule(Silent(minutes * MINUTE_US), code, **more)


def places(stations: int = 30, zones: Sequence[str] = ("north", "south")) -> Places:
    """Return a city of stations s0, s1 … by turns in its zones, all behind the gateway mast; every third is a probe."""
    around: dict[str, tuple[str, ...]] = {CITY: (), "gateway:mast": (CITY,)}
    around |= {f"zone:{zone}": (CITY,) for zone in zones}
    for at in range(stations):
        around[f"station:s{at}"] = (f"zone:{zones[at % len(zones)]}", "gateway:mast", CITY)
    around |= {"model:meter": (CITY,), "model:meter/flow": (CITY,)}
    return Places(around, {f"station:s{at}": "meter" if at % 3 else "probe" for at in range(stations)})


def drift(code: str = "drift", **more: object) -> AlertRule:
    """Return a rule for drift of any kind within an hour; two readings of the quarantine are needed."""
    facts = {name: more.pop(name) for name in ("findings", "models", "fresh_us") if name in more}
    check = Drift(**{"findings": KINDS, "fresh_us": HOUR_US, "readings": 2, **facts})  # type: ignore[arg-type]
    return rule(check, code, **more)


def finding(
    device: str, kind: str = VANISHED, field: str = "flow", *, last_us: int = T0, readings: int = 2
) -> DriftRow:
    """Return a finding; the newest that shows it is of `T0` unless said."""
    vanished = kind == VANISHED
    return DriftRow(device, kind, field, T0 - HOUR_US, last_us, 0 if vanished else readings, None if vanished else 1)


def findings(*rows: DriftRow, most: int = 10_000) -> Findings:
    """Return these findings as one look gives them, at most so many of them listed."""
    return gathered(rows, T0, most)


def rules(*given: AlertRule, among: Places | None = None) -> AlertRules:
    """Return rules ready to be evaluated; more than `STORM` at once are a storm."""
    return AlertRules(given, among or places(), ZONE, StormLimits(STORM, 10 * MINUTE_US))


def after(transitions: Sequence[Transition], before: Sequence[Alert] = ()) -> list[Alert]:
    """Return the alerts as a store would give them to the next evaluation."""
    found = {one.alert_id: one for one in before}
    for change in transitions:
        alert = change.alert
        if not alert.alert_id:
            standing = [one for one in found.values() if one.key == alert.key and one.stands]
            number = standing[0].alert_id if standing else max(found, default=0) + 1
            alert = _numbered(alert, number)
        found[alert.alert_id] = alert
    return list(found.values())


def _numbered(alert: Alert, number: int) -> Alert:
    from dataclasses import replace

    return replace(alert, alert_id=number)


def told(transitions: Sequence[Transition]) -> list[tuple[str, str, str]]:
    """Return what became of which rule and scope; whatever is said of it is said in Korean as well."""
    assert [one.detail for one in transitions if korean_detail(one.detail) is None] == []
    return [(str(one.change), one.alert.rule, one.alert.scope) for one in transitions]
