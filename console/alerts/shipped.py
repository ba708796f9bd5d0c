"""The rules that every city has unless it says otherwise, in the form of a file: made from the bands of indicators.

Knows the catalogue of indicators and the keys of a rule; knows no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.alerts.rules import DEFINITIONS
from console.drift import KINDS
from engine.indicators import Indicator

AIR_INDICES: Final = tuple(code for (code, window), one in DEFINITIONS.items() if one.bands and window == "hour")
"""Indices by the hour with bands, of which a city watches one: the same air would else raise an alert for each."""
_KOREA, _EUROPE, _ELSEWHERE = "cai", "eaqi", "us_aqi_nowcast"
AIR_MISSING_MINUTES: Final = 180
NOT_LISTENING_MINUTES: Final = 5
SOON_MINUTES: Final = 120
ESCALATE_MINUTES: Final = 30
DRIFT_READINGS: Final = 3
"""One garbled message is none of a new firmware."""
UNKNOWN: Final = "unknown_field"
"""Costs no figure, so it is told by a rule of its own."""

Entry = Mapping[str, Any]


def air_index_of(time_zone: str) -> str:
    """Return the index of a city that names none, by its time zone: Korea's, Europe's, or else that of the US."""
    if time_zone == "Asia/Seoul":
        return _KOREA
    return _EUROPE if time_zone.startswith("Europe/") else _ELSEWHERE


def shipped_entries(air_index: str, zones: bool) -> list[Entry]:
    """Return the shipped rules as tables of a file.

    Args:
        air_index: one of `AIR_INDICES`.
        zones: whether the city has zones; else the city as a whole is looked at.
    """
    scope = "zone" if zones else "city"
    return [*_air(DEFINITIONS[air_index, "hour"], scope), *_silence(), *_drift()]


def _air(index: Indicator, scope: str) -> list[Entry]:
    """Return the rules of one index: its bands beyond the middle warn, the next one is critical."""
    bad, worse = len(index.bands) // 2 + 1, len(index.bands) // 2 + 2
    warns, alarms, soon = f"{index.code}_bad", f"{index.code}_very_bad", f"{index.code}_soon"
    shared = {"indicator": index.code, "window": "hour", "scope": scope}
    return [
        {
            **shared, "code": alarms, "kind": "threshold", "severity": "critical", "band": worse,
            "clear": _clear(index, worse), "escalate_minutes": ESCALATE_MINUTES,
            "title": f"{index.title}: {index.bands[worse - 1].name}",
        },
        {
            **shared, "code": warns, "kind": "threshold", "severity": "warning", "band": bad,
            "clear": _clear(index, bad), "covered_by": [alarms],
            "title": f"{index.title}: {index.bands[bad - 1].name}",
        },
        {
            **shared, "code": soon, "kind": "forecast", "severity": "info", "band": bad, "clear": _clear(index, bad),
            "within_minutes": SOON_MINUTES, "windows": 6, "covered_by": [alarms, warns],
            "title": f"{index.title}: soon {index.bands[bad - 1].name}",
        },
        {
            **shared, "code": f"{index.code}_missing", "kind": "missing", "severity": "warning",
            "minutes": AIR_MISSING_MINUTES, "covered_by": ["not_listening"], "title": f"{index.title}: no figures",
        },
    ]  # fmt: skip


def _clear(index: Indicator, band: int) -> int:
    """Return where an alert of a band is cleared: a twentieth below its begin, but at least one whole step."""
    low = index.bands[band - 1].low
    return low - max(1, low // 20)


def _silence() -> list[Entry]:
    return [
        {
            "code": "not_listening", "kind": "not_listening", "severity": "critical",
            "minutes": NOT_LISTENING_MINUTES, "escalate_minutes": ESCALATE_MINUTES,
        },
        {"code": "silent_gateway", "kind": "silent_gateway", "severity": "warning", "covered_by": ["not_listening"]},
        {
            "code": "silent_device", "kind": "silent_device", "severity": "info",
            "covered_by": ["not_listening", "silent_gateway"],
        },
    ]  # fmt: skip


def _drift() -> list[Entry]:
    return [
        {
            "code": "drift", "kind": "drift", "severity": "warning",
            "findings": [kind for kind in KINDS if kind != UNKNOWN], "readings": DRIFT_READINGS,
        },
        {
            "code": "drift_unknown", "kind": "drift", "severity": "info", "findings": [UNKNOWN],
            "readings": DRIFT_READINGS, "title": "Devices send what their model does not know",
        },
    ]  # fmt: skip
