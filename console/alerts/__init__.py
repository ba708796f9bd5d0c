"""Alerts: rules of a city as data, what follows from them, and the telling of it.

The rules and what they make of facts are pure: they are told the time, and neither read nor write. Around them the
keeper reads the store, writes alerts with their trail, and lets messages wait; the sender sends them.
"""

from __future__ import annotations

from console.alerts.evaluate import AlertRules
from console.alerts.facts import Facts, KpiScore, Places, Silence
from console.alerts.load import FILE, AlertRulesError, load_rules
from console.alerts.rules import AlertRule, Kind, Severity
from console.alerts.storms import StormLimits
from console.alerts.transitions import Change, Transition

__all__ = [
    "FILE",
    "AlertRule",
    "AlertRules",
    "AlertRulesError",
    "Change",
    "Facts",
    "Kind",
    "KpiScore",
    "Places",
    "Severity",
    "Silence",
    "StormLimits",
    "Transition",
    "load_rules",
]
