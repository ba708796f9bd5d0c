"""Reads one rule: what each key may say, and what is wrong with it.

Knows the keys of `[[alert]]`, the indicators and the city's codes; knows no file and no other rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from console.alerts.korean import korean_title
from console.alerts.rules import (
    DEFINITIONS,
    MINUTE_US,
    WINDOWS_MAX,
    AlertRule,
    Check,
    Coverage,
    Drift,
    Forecast,
    Kind,
    KpiBand,
    Limit,
    Missing,
    Rate,
    Severity,
    Silent,
    Threshold,
    Watched,
    Way,
)
from console.drift import DAYS, KINDS
from console.worth import LENGTH_US
from devices import Registry, nearest
from devices.tables import Table
from engine.indicators import Indicator, Pool
from engine.kpi import Horizon, Pack

MINUTES_MAX: Final = 60 * 24 * 30
READINGS_MAX: Final = 1_000_000
"""Of the quarantine, that a rule of drift may wait for."""
DRIFT_TITLE: Final = "Devices say something else than their model expects"
BANDS_MAX: Final = 4
"""Bands of a KPI's score."""
ESTIMATES: Final = (str(Horizon.ROLLING), str(Horizon.TO_DATE))
"""Figures of KPIs that live; the scores of years that are over raise nothing."""
FIXED_SCOPES: Final = {Kind.SILENT_DEVICE: "station", Kind.SILENT_GATEWAY: "gateway", Kind.NOT_LISTENING: "city"}
SCOPES: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.KPI_BAND: ("city", "zone"), Kind.DRIFT: ("model", "zone", "station"),
}  # fmt: skip
"""Scopes of the other kinds but for figures of indicators; the first where it is left out."""
FRESH_MINUTES: Final = 2 * 1440
"""How old a finding of drift may be: a device that reports once a day still shows it."""
LISTS: Final = {"zones": "zone", "stations": "station", "gateways": "gateway"}
"""Keys that name single scopes, and of which kind."""
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")


@dataclass(frozen=True)
class Known:
    """What the rules of a city may name.

    Attributes:
        scopes: codes by kind of scope.
        models: of devices.
        data_points: keys of the KPI catalogue.
    """

    scopes: Mapping[str, Collection[str]]
    models: Collection[str]
    data_points: Collection[str]

    @classmethod
    def of(cls, registry: Registry, pack: Pack) -> Known:
        """Return what is known of a city."""
        scopes = {
            "zone": [zone.code for zone in registry.city.zones],
            "station": [device.code for device in registry.devices],
            "gateway": list(registry.gateways),
        }
        return cls(scopes, registry.models, [point.key for kpi in pack.kpis for point in kpi.data_points])


def read_rule(table: Table, known: Known) -> AlertRule | None:
    """Return the rule of one `[[alert]]`; faults go to the table's problems. None for one that is switched off."""
    code = table.text("code")
    if code and not _CODE.match(code):
        table.fault("code", f"expected small letters, digits, `_` and `-` (it is part of topics), got {code!r}")
    name = table.text("kind", among=map(str, Kind))
    enabled = table.flag("enabled", True)
    severity = table.text("severity", among=map(str, Severity))
    title, title_ko = table.text("title", ""), table.text("title_ko", "")
    changed = table.text("changes", "")
    escalate = table.whole("escalate_minutes", 0, low=1, high=MINUTES_MAX)
    covered_by = table.texts("covered_by")
    if name not in tuple(Kind):
        return None
    kind = Kind(name)
    scope, only = _scope(table, kind, known)
    check, words = _READERS[kind](table)
    _check_names(table, check, known)
    table.done()
    if not enabled:
        return None
    return AlertRule(
        code=code,
        kind=kind,
        title=title or words,
        severity=Severity(severity) if severity in tuple(Severity) else Severity.WARNING,
        scope=scope,
        check=check,
        only=only,
        escalate_us=escalate * MINUTE_US if table.has("escalate_minutes") else None,
        covered_by=covered_by,
        changed=changed,
        title_ko=title_ko or korean_title(title or words) or "",
    )


def _check_names(table: Table, check: Check, known: Known) -> None:
    """Note a fault for every model and data point that does not exist."""
    match check:
        case Silent(models=models) | Drift(models=models):
            for model in models:
                if model not in known.models:
                    table.fault("models", f"unknown model {model!r}{nearest(model, known.models)}")
        case KpiBand(data_point=key):
            if key and key not in known.data_points:
                table.fault("data_point", f"unknown data point {key!r}{nearest(key, known.data_points)}")
        case _:
            pass


def _scope(table: Table, kind: Kind, known: Known) -> tuple[str, frozenset[str]]:
    """Return the kind of scopes that a rule looks at, and which of them; empty for all."""
    if kind in FIXED_SCOPES:
        scope = FIXED_SCOPES[kind]
    else:
        among = SCOPES.get(kind, ("city", "zone", "station"))
        scope = table.text("scope", among[0] if kind in SCOPES else "zone", among=among)
    only: set[str] = set()
    for key, of in LISTS.items():
        if of != scope or not table.has(key):
            continue
        for code in table.texts(key):
            if code not in known.scopes[of]:
                table.fault(key, f"unknown {of} {code!r}{nearest(code, known.scopes[of])}")
            only.add(f"{of}:{code}")
        if not only:
            table.fault(key, f"expected at least one {of}; leave it out for all")
    return scope, frozenset(only)


def _watched(table: Table) -> Watched | None:
    code = table.text("indicator")
    window = table.text("window", "hour", among=LENGTH_US)
    codes = {code for code, _ in DEFINITIONS}
    if not table.has("indicator"):
        return None
    if code not in codes:
        table.fault("indicator", f"unknown indicator {code!r}{nearest(code, codes)}")
        return None
    if (code, window) not in DEFINITIONS:
        other = " and ".join(w for c, w in DEFINITIONS if c == code)
        table.fault("window", f"{code} is computed for each {other}, not for each {window}")
        return None
    return Watched(code, window)


_ANY: Final = Watched(*next(iter(DEFINITIONS)))
"""Stands for an indicator that could not be read: its rule is at fault and never evaluated."""


def _number(table: Table, key: str) -> Fraction:
    return table.number(key, required=True) or Fraction(0)


def _limit(table: Table, watched: Watched | None) -> Limit:
    """Return the limit of `above`, `below` or `band`, of which there must be one, with `clear`."""
    sides = [key for key in ("above", "below", "band") if table.has(key)]
    if len(sides) != 1:
        table.fault("above", f"expected one of above, below and band, got {' and '.join(sides) or 'none'}")
        for key in ("above", "below", "band", "clear"):
            table.number(key)
        return Limit(Fraction(0), Fraction(0), above=True)
    (side,) = sides
    at = _band_edge(table, watched) if side == "band" else _number(table, side)
    return _cleared(table, at, above=side != "below")


def _cleared(table: Table, at: Fraction, *, above: bool) -> Limit:
    clear = table.number("clear", at)
    clear = at if clear is None else clear
    if (clear > at) if above else (clear < at):
        side = "at most" if above else "at least"
        table.fault("clear", f"expected {side} the limit, {float(at):g}, got {float(clear):g}")
    return Limit(at, clear, above)


def _band_edge(table: Table, watched: Watched | None) -> Fraction:
    """Return the highest value below a band, given by its number or its name."""
    given = table.raw()["band"]
    table.muted().text("band", "")
    if watched is None:
        return Fraction(0)
    bands = watched.definition.bands
    names = [band.name for band in bands]
    if not bands:
        table.fault("band", f"{watched.indicator} has no bands; give above or below")
    elif isinstance(given, str) and given in names[1:]:
        return _below(watched.definition, names.index(given))
    elif isinstance(given, int) and not isinstance(given, bool) and 2 <= given <= len(bands):
        return _below(watched.definition, given - 1)
    else:
        hint = nearest(given, names[1:]) if isinstance(given, str) else ""
        table.fault("band", f"expected 2 to {len(bands)} or a band's name, got {given!r}{hint}")
    return Fraction(0)


def _below(definition: Indicator, position: int) -> Fraction:
    return Fraction(definition.bands[position].low - 1, 10**definition.decimals)


def _minutes(table: Table, key: str, default: int | None = None) -> int:
    return table.whole(key, default, low=0, high=MINUTES_MAX) * MINUTE_US


def _words(watched: Watched | None, what: str) -> str:
    return f"{watched.definition.title}: {what}" if watched is not None else what


def _shown(limit: Limit, watched: Watched | None) -> str:
    symbol = watched.definition.symbol if watched is not None else ""
    return f"{'above' if limit.above else 'below'} {float(limit.at):g}{f' {symbol}' if symbol else ''}"


def _fits(table: Table, key: str, lasting_us: int, watched: Watched | None) -> None:
    most_us = (WINDOWS_MAX - 3) * (watched or _ANY).length_us
    if lasting_us > most_us:
        table.fault(key, f"expected at most {most_us // MINUTE_US} minutes of this window")


def _threshold(table: Table) -> tuple[Check, str]:
    watched = _watched(table)
    limit = _limit(table, watched)
    lasting_us = _minutes(table, "minutes", 0)
    _fits(table, "minutes", lasting_us, watched)
    return Threshold(watched or _ANY, limit, lasting_us), _words(watched, _shown(limit, watched))


def _rate(table: Table) -> tuple[Check, str]:
    watched = _watched(table)
    _scalar(table, watched)
    ways = [way for way in Way if table.has(way)]
    if len(ways) != 1:
        table.fault(Way.CHANGE, f"expected one of {', '.join(map(str, Way))}, got {' and '.join(ways) or 'none'}")
        for key in (*Way, "clear"):
            table.number(key)
    way = ways[0] if ways else Way.CHANGE
    at = _number(table, way) if len(ways) == 1 else Fraction(1)
    if at <= 0:
        table.fault(way, f"expected a number above 0, got {float(at):g}")
    limit = _cleared(table, at, above=True) if len(ways) == 1 else Limit(at, at, above=True)
    over = table.whole("windows", 1, low=1, high=WINDOWS_MAX - 3)
    return Rate(watched or _ANY, way, limit, over), _words(watched, f"{way} of more than {float(at):g}")


def _forecast(table: Table) -> tuple[Check, str]:
    watched = _watched(table)
    _scalar(table, watched)
    limit = _limit(table, watched)
    within_us = table.whole("within_minutes", low=1, high=MINUTES_MAX) * MINUTE_US
    windows = table.whole("windows", 6, low=3, high=WINDOWS_MAX - 2)
    check = Forecast(watched or _ANY, limit, within_us, windows)
    return check, _words(watched, f"soon {_shown(limit, watched)}")


def _scalar(table: Table, watched: Watched | None) -> None:
    if watched is not None and watched.definition.pool is Pool.VECTOR_MEAN:
        table.fault("indicator", f"{watched.indicator} is a direction: it neither rises nor falls")


def _missing(table: Table) -> tuple[Check, str]:
    watched = _watched(table)
    after_us = _minutes(table, "minutes")
    _fits(table, "minutes", after_us, watched)
    return Missing(watched or _ANY, after_us), _words(watched, "no figures")


def _coverage(table: Table) -> tuple[Check, str]:
    watched = _watched(table)
    at = _number(table, "below")
    if not 0 < at <= 100:
        table.fault("below", f"expected a number of per cent above 0 and up to 100, got {float(at):g}")
    limit = _cleared(table, at, above=False)
    lasting_us = _minutes(table, "minutes", 0)
    _fits(table, "minutes", lasting_us, watched)
    return Coverage(watched or _ANY, limit, lasting_us), _words(watched, f"less than {float(at):g} % of the readings")


def _kpi_band(table: Table) -> tuple[Check, str]:
    key = table.text("data_point")
    horizon = table.text("horizon", ESTIMATES[0], among=ESTIMATES)
    band = table.whole("band", low=1, high=BANDS_MAX - 1)
    return KpiBand(key, horizon, band), f"{key}: band {band} or lower"


def _silent_device(table: Table) -> tuple[Check, str]:
    return Silent(_minutes(table, "minutes", 0), table.texts("models")), "Device silent"


def _silent_gateway(table: Table) -> tuple[Check, str]:
    return Silent(_minutes(table, "minutes", 0)), "Gateway silent"


def _not_listening(table: Table) -> tuple[Check, str]:
    return Silent(_minutes(table, "minutes")), "Nothing is being received"


def _drift(table: Table) -> tuple[Check, str]:
    findings = table.texts("findings") if table.has("findings") else KINDS
    for one in findings:
        if one not in KINDS:
            table.fault("findings", f"expected some of {', '.join(KINDS)}, got {one!r}{nearest(one, KINDS)}")
    if not findings:
        table.fault("findings", "expected at least one; leave it out for all")
    fresh = table.whole("minutes", FRESH_MINUTES, low=1, high=DAYS * 1440)
    readings = table.whole("readings", 1, low=1, high=READINGS_MAX)
    return Drift(findings, fresh * MINUTE_US, readings, table.texts("models")), DRIFT_TITLE


_READERS: Final[Mapping[Kind, Callable[[Table], tuple[Check, str]]]] = {
    Kind.THRESHOLD: _threshold, Kind.RATE: _rate, Kind.FORECAST: _forecast, Kind.MISSING: _missing,
    Kind.COVERAGE: _coverage, Kind.KPI_BAND: _kpi_band, Kind.SILENT_DEVICE: _silent_device,
    Kind.SILENT_GATEWAY: _silent_gateway, Kind.NOT_LISTENING: _not_listening, Kind.DRIFT: _drift,
}  # fmt: skip
