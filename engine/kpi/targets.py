"""Reads targets: what a data point is measured against, dated and with its source.

Knows the keys of `[[target]]`; what is made of a target is `scoring`'s.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Final

from devices.tables import Table
from engine.kpi.definition import Rule, Target
from engine.kpi.formula import data_point_key
from engine.kpi.inputs import known_keys

TARGET_KEYS: Final = ("kpi", "data_point", "value", "rule", "worst", "from", "official", "source", "changes")


def read_target(table: Table) -> Target:
    """Return the target of one `[[target]]`; faults go to the table's problems."""
    known_keys(table, TARGET_KEYS)
    value = table.number("value", required=True) or Fraction(0)
    rule = table.text("rule", among=Rule)
    worst = table.number("worst")
    if (worst is not None) != (rule == Rule.LINEAR):
        table.fault("worst", f"expected a number for the rule `{Rule.LINEAR}`, and for no other")
    elif worst == value:
        table.fault("worst", "expected another number than `value`")
    if rule != Rule.LINEAR and table.has("value") and value <= 0:
        table.fault(
            "value", f"expected a number above 0; a target of 0 needs the rule `{Rule.LINEAR}` with its `worst`"
        )
    return Target(
        data_point=data_point_key(table.text("kpi"), table.text("data_point", "")),
        value=value,
        rule=Rule(rule) if rule in tuple(Rule) else Rule.SHARE,
        worst=worst,
        valid_from=_day(table),
        official=table.flag("official", False),
        source=table.text("source"),
        changed=table.text("changes", ""),
    )


def _day(table: Table) -> date:
    text = table.text("from")
    try:
        return date.fromisoformat(text)
    except ValueError:
        table.fault("from", f'expected a date such as "2026-01-01", got {text!r}')
        return date(1970, 1, 1)
