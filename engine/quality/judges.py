"""What a city's rules mean for its series: the checks of each, and which of them are each other's neighbours.

Knows the registry; knows no observation. Limits become ticks here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from devices import Drift, Kind, Measurand, QualityRule, Rate, Registry, Rule, SeriesTable, Spike, Stuck, ticks_of
from engine.quality.checks import Flagged, Ticks, Times, rate, spike, stuck

PAUSE_INTERVALS = 3
"""Where a rule names no longest pause between neighbours in time: so many reporting intervals."""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule for one series, but for drift.

    Attributes:
        rule: what its flags say.
        excludes: figures leave out what it flags.
        reach_us: readings further away than this decide nothing.
        flagged: from times and ticks to what is flagged.
    """

    rule: Rule
    excludes: bool
    reach_us: int
    flagged: Callable[[Times, Ticks], Flagged]


@dataclass(frozen=True, slots=True)
class Group:
    """Series of one measurand that a rule of drift compares with each other.

    Attributes:
        slots: int32, ascending.
        device: int32, of each.
        judged: bool, of each: the rule holds for it; the others are neighbours only.
        excludes: figures leave out what is flagged.
        above: ticks.
        run: days that must follow each other.
        neighbours: stations that must have a mean.
        kind, decimals: of the measurand.
    """

    slots: NDArray[np.int32]
    device: NDArray[np.int32]
    judged: NDArray[np.bool_]
    excludes: bool
    above: int
    run: int
    neighbours: int
    kind: Kind
    decimals: int


class Judges:
    """The rules of one city, by slot.

    Args:
        registry: the city.

    Attributes:
        checks: of the slots that have any.
        groups: of the rules of drift.
        judged: bool by slot, whether any rule holds for it.
        excluding: bool by slot, whether any of them excludes.
        concerned: bool by slot, whether its readings decide about a flag: of a judged series, or of a neighbour.
        reach_us: int64 by slot, the furthest reach of its checks.
        holding: which rule holds for which slot, as int32 pairs of shape (n, 2).
        digest: of all that decides about flags beside the observations; empty where there is no rule.
    """

    def __init__(self, registry: Registry) -> None:
        series, rules = registry.series(), registry.city.quality
        measurands = registry.catalogue.measurands
        self.checks: dict[int, tuple[Check, ...]] = {}
        self.judged, self.excluding, self.concerned = (np.zeros(len(series), np.bool_) for _ in range(3))
        self.reach_us = np.zeros(len(series), np.int64)
        groups: list[Group] = []
        if rules:
            models = [device.model for device in registry.devices]
            of = [(measurands[m], models[d]) for m, d in zip(series.measurand, series.device, strict=True)]
            for slot, (measurand, model) in enumerate(of):
                self._assign(slot, measurand, model, rules, int(series.interval_us[slot]))
            groups = [group for rule in rules for group in _groups(rule, series, of)]
        for group in groups:
            self.judged[group.slots[group.judged]] = True
            self.excluding[group.slots[group.judged]] |= group.excludes
            self.concerned[group.slots] = True
        self.groups = tuple(groups)
        pairs = {(slot, int(check.rule)) for slot, checks in self.checks.items() for check in checks}
        pairs |= {(slot, int(Rule.DRIFT)) for group in groups for slot in group.slots[group.judged].tolist()}
        self.holding = np.array(sorted(pairs), np.int32).reshape(-1, 2)
        self.digest = _digest(registry, series, self.concerned) if rules else ""

    @property
    def any(self) -> bool:
        """Whether any rule holds for any series."""
        return bool(self.judged.any())

    def _assign(
        self, slot: int, measurand: Measurand, model: str, rules: tuple[QualityRule, ...], interval_us: int
    ) -> None:
        holding = (rule for rule in rules if rule.holds(measurand.code, model))
        checks = tuple(check for rule in holding if (check := _check(rule, measurand, interval_us)) is not None)
        if checks:
            self.checks[slot] = checks
            self.reach_us[slot] = max(check.reach_us for check in checks)
            self.judged[slot] = self.concerned[slot] = True
            self.excluding[slot] = any(check.excludes for check in checks)


def _check(rule: QualityRule, measurand: Measurand, interval_us: int) -> Check | None:
    """Return the check of a rule in ticks; None for drift, which looks at groups."""
    of = rule.check
    if isinstance(of, Stuck):
        flat = partial(
            stuck, tolerance=ticks_of(of.tolerance, measurand), lasting_us=of.lasting_us, readings=of.readings,
            floor=None if of.floor is None else ticks_of(of.floor, measurand),
        )  # fmt: skip
        return Check(rule.rule, rule.exclude, 2 * of.lasting_us, flat)
    if isinstance(of, Drift):
        return None
    pause_us, above = of.pause_us or PAUSE_INTERVALS * interval_us, ticks_of(of.above, measurand)
    if isinstance(of, Rate):
        return Check(rule.rule, rule.exclude, pause_us, partial(rate, above=above, per_us=of.per_us, pause_us=pause_us))
    assert isinstance(of, Spike)  # noqa: S101  # there are no others
    return Check(rule.rule, rule.exclude, pause_us, partial(spike, above=above, pause_us=pause_us))


def _groups(rule: QualityRule, series: SeriesTable, of: list[tuple[Measurand, str]]) -> list[Group]:
    """Return who is compared with whom by a rule of drift, per measurand and zone or in the whole city."""
    found: list[Group] = []
    if not isinstance(rule.check, Drift):
        return found
    for code in rule.measurands:
        measuring = np.array([slot for slot, (one, _) in enumerate(of) if one.code == code], np.int32)
        place = np.zeros(measuring.size, np.int32) if rule.check.citywide else series.zone[measuring]
        for zone in np.unique(place).tolist():
            slots = measuring[place == zone]
            judged = np.array([rule.holds(code, of[slot][1]) for slot in slots.tolist()], np.bool_)
            if judged.any():
                measurand = of[int(slots[0])][0]
                above, check = ticks_of(rule.check.above, measurand), rule.check
                found.append(
                    Group(
                        slots, series.device[slots], judged, rule.exclude, above, check.days, check.neighbours,
                        measurand.kind, measurand.decimals,
                    )
                )  # fmt: skip
    return found


def _digest(registry: Registry, series: SeriesTable, concerned: NDArray[np.bool_]) -> str:
    facts = hashlib.sha256(repr((registry.city.time_zone, registry.city.quality)).encode())
    for slot in np.flatnonzero(concerned).tolist():
        device = registry.devices[int(series.device[slot])]
        field = registry.field_of(slot, int(series.device[slot]))
        service = (device.service_from_us, device.service_to_us, device.interval_us)
        facts.update(repr((device.code, field.name, field.measurand, device.model, device.zone, service)).encode())
    return facts.hexdigest()
