"""Storms: many alerts of one rule at once become one, and fall apart again when few are left.

Knows scopes that would be raised, scopes that stand, and groups; knows no rule's kind. A group is an alert of the same
rule for the scope around its members: the zone of stations, or the city.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from console.alerts.facts import Places
from console.alerts.rules import MINUTE_US
from engine.store.alerts import CITY

EXAMPLES_MAX: Final = 5
"""Members of a group that are named; all are counted."""


@dataclass(frozen=True, slots=True)
class StormLimits:
    """When many alerts are one.

    Attributes:
        alerts_max: more of one rule in a scope than this, raised within the time, become one; it falls apart again when
            half as many or fewer are left.
        within_us: alerts raised within this time belong together.
    """

    alerts_max: int = 10
    within_us: int = 10 * MINUTE_US


@dataclass(slots=True)
class Grouping:
    """What is to become of the scopes of one rule.

    Attributes:
        groups: by scope of a group that stands or begins, its members in order.
        dissolved: scopes of groups that stand and end, with what the trail says.
        absorbed: single alerts that a new group stands for, with that group's scope.
        singles: scopes to be raised one by one, in order.
    """

    groups: dict[str, list[str]] = field(default_factory=dict)
    dissolved: dict[str, str] = field(default_factory=dict)
    absorbed: dict[str, str] = field(default_factory=dict)
    singles: list[str] = field(default_factory=list)


def group(
    candidates: Collection[str],
    fresh: Collection[str],
    standing: Sequence[str],
    places: Places,
    limits: StormLimits,
) -> Grouping:
    """Return what is raised singly and what in groups.

    Args:
        candidates: scopes whose reason is there and that have no alert of their own.
        fresh: scopes with an alert of their own that was raised within the time and that no person has touched.
        standing: scopes of the rule's groups that stand.
        places: how scopes lie.
        limits: when many are one.
    """
    found = Grouping()
    loose = sorted(candidates)
    # The narrowest first: what falls out of a zone's group may still belong to the city's.
    for scope in sorted(standing, key=lambda one: (one == CITY, one)):
        members = [one for one in loose if scope in places.around.get(one, ())]
        if len(members) <= limits.alerts_max // 2:
            left = f"{len(members)} of it left" if members else "none of it left"
            found.dissolved[scope] = f"the storm is over: {left}"
        else:
            found.groups[scope] = members
            loose = [one for one in loose if one not in set(members)]
    gathered = sorted(one for one in {*loose, *fresh} if not found.groups.keys() & set(places.around.get(one, ())))
    for scope in _storming(gathered, places, limits):
        found.groups[scope] = [one for one in gathered if scope in places.around.get(one, ())]
        found.absorbed = {one: scope for one in found.groups[scope] if one in fresh}
        loose = [one for one in loose if one not in set(found.groups[scope])]
    found.singles = loose
    return found


def _storming(gathered: Sequence[str], places: Places, limits: StormLimits) -> tuple[str, ...]:
    """Return the scope of the group that begins: one zone where the storm is there alone, else the city; or none."""
    parents = Counter(places.parent(one) for one in gathered)
    storming = [parent for parent, count in parents.items() if count > limits.alerts_max]
    elsewhere = len(gathered) - sum(parents[parent] for parent in storming)
    if len(storming) > 1 or elsewhere > limits.alerts_max:
        return (CITY,)
    return tuple(storming)
