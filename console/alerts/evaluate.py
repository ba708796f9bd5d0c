"""The heart of alerts: rules, facts and the alerts that stand become transitions.

Pure and synchronous: it is told the time, and neither reads nor writes; the same facts in any order give the same
transitions. All that it remembers is in the alerts that it is given, so a restart changes nothing.

What holds, whatever the facts do. Of one rule and scope at most one alert stands. Between the limit and where it clears
nothing changes. Of a shelved alert nobody is told. Many alerts of one rule at once are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Final

from console.alerts.facts import Facts, Indexed, Places
from console.alerts.judging import Answer, Moment, Verdict, Verdicts, series, verdicts
from console.alerts.rules import MINUTE_US, AlertRule
from console.alerts.storms import EXAMPLES_MAX, Grouping, StormLimits, group
from console.alerts.transitions import Change, Transition
from engine.store.alerts import Alert, Asked

UPDATE_US: Final = 5 * MINUTE_US
"""Figures of an alert that stands are brought up to date at most this often, but for a new window: its trail stays
readable."""


class AlertRules:
    """The rules of one city, ready to be evaluated.

    Args:
        rules: in any order.
        places: the city's scopes.
        zone: the city's clock, for texts.
        storms: when many alerts are one.
    """

    def __init__(
        self, rules: Iterable[AlertRule], places: Places, zone: tzinfo, storms: StormLimits | None = None
    ) -> None:
        self.rules = _ordered(rules)
        self._places, self._zone, self._storms = places, zone, storms or StormLimits()

    def asked(self) -> list[Asked]:
        """Return which windows the facts have to hold."""
        return [Asked(one.indicator, one.window, kind, depth) for one, kind, depth in series(self.rules)]

    def evaluate(self, now_us: int, facts: Facts, alerts: Sequence[Alert]) -> list[Transition]:
        """Return what changes.

        Args:
            now_us: the present.
            facts: what is known.
            alerts: those that stand, and those that are cleared and still shelved.
        """
        turn = _Turn(now_us, alerts)
        indexed, moment = Indexed(facts), Moment(now_us, self._zone, self._places)
        for rule in self.rules:
            self._turn(rule, turn, verdicts(rule, indexed, moment))
        codes = {rule.code for rule in self.rules}
        for alert in turn.standing_of(lambda one: one.rule not in codes):
            turn.clear(alert, "the rule is gone")
        return turn.done({rule.code: rule.escalate_us for rule in self.rules})

    def _turn(self, rule: AlertRule, turn: _Turn, said: Verdicts) -> None:
        """Bring all alerts of one rule to what is said of their scopes."""
        raised = {
            scope: verdict
            for scope, verdict in said.found.items()
            if verdict.answer is Answer.ON
            and self._judged(rule, scope, turn.now_us)
            and not self._cover(rule, scope, turn)
        }
        mine = list(turn.standing_of(lambda one: one.rule == rule.code))
        for alert in mine:
            if not alert.grouped:
                self._single(rule, alert, turn, said)
        fresh = {
            one.scope for one in mine
            if not one.grouped and turn.stands(one) and _untouched(one, turn.now_us)
            and one.opened_us >= turn.now_us - self._storms.within_us
        }  # fmt: skip
        candidates = [scope for scope in raised if (rule.code, scope) not in turn.standing]
        groups = [one.scope for one in mine if one.grouped]
        grouping = group(candidates, fresh, groups, self._places, self._storms)
        self._groups(rule, turn, grouping)
        for scope in grouping.singles:
            turn.open(_alert(rule, scope, raised[scope], turn.now_us))

    def _judged(self, rule: AlertRule, scope: str, now_us: int) -> bool:
        kind = scope.partition(":")[0]
        return kind == rule.scope and self._places.known(scope, now_us) and (not rule.only or scope in rule.only)

    def _cover(self, rule: AlertRule, scope: str, turn: _Turn) -> str:
        """Return the rule whose alert makes one for this scope needless; empty where none does."""
        around = (scope, *self._places.around.get(scope, ()))
        standing = (code for code in rule.covered_by for one in around if (code, one) in turn.standing)
        return next(standing, "")

    def _single(self, rule: AlertRule, alert: Alert, turn: _Turn, said: Verdicts) -> None:
        verdict = said.of(alert.scope)
        cover = self._cover(rule, alert.scope, turn)
        if not self._judged(rule, alert.scope, turn.now_us):
            turn.clear(alert, "the rule no longer looks at it")
        elif cover:
            turn.clear(alert, f"the alert of {cover} says it")
        elif verdict.answer is Answer.OFF:
            turn.clear(_with_figures(alert, verdict), verdict.detail)
        else:
            turn.update(alert, _renewed(rule, alert, verdict))

    def _groups(self, rule: AlertRule, turn: _Turn, grouping: Grouping) -> None:
        for scope, why in grouping.dissolved.items():
            turn.clear(turn.standing[rule.code, scope], why)
        for scope, into in grouping.absorbed.items():
            turn.clear(turn.standing[rule.code, scope], f"part of the storm in {into}")
        for scope, members in sorted(grouping.groups.items()):
            detail = f"{len(members)} at once: {', '.join(_code(one) for one in members[:EXAMPLES_MAX])}"
            if len(members) > EXAMPLES_MAX:
                detail += " and others"
            standing = turn.standing.get((rule.code, scope))
            new = _alert(rule, scope, Verdict(Answer.ON, detail), turn.now_us)
            one = replace(new, grouped=True, members=len(members), examples=tuple(members[:EXAMPLES_MAX]))
            if standing is None:
                turn.open(one)
            else:
                renewed = replace(standing, severity=one.severity, title=one.title, detail=detail)
                turn.update(standing, replace(renewed, members=one.members, examples=one.examples))


class _Turn:
    """The alerts as they are while one evaluation goes on, and what became of them.

    Attributes:
        now_us: the present.
        standing: by rule and scope.
    """

    def __init__(self, now_us: int, alerts: Sequence[Alert]) -> None:
        self.now_us = now_us
        self.standing = {one.key: one for one in sorted(alerts, key=lambda one: one.key) if one.stands}
        self._shelved = {one.key: one for one in sorted(alerts, key=lambda one: one.alert_id) if one.shelved(now_us)}
        self._done: list[Transition] = []

    def standing_of(self, wanted: Callable[[Alert], bool]) -> Iterator[Alert]:
        """Yield the standing alerts of a kind, by rule and scope."""
        yield from [one for _, one in sorted(self.standing.items()) if wanted(one)]

    def stands(self, alert: Alert) -> bool:
        """Say whether an alert still stands."""
        return alert.key in self.standing

    def open(self, alert: Alert) -> None:
        """Raise an alert; one whose rule and scope are shelved is shelved as well."""
        shelf = self._shelved.get(alert.key)
        if shelf is not None:
            alert = replace(alert, shelved_until_us=shelf.shelved_until_us, shelved_by=shelf.shelved_by)
        self.standing[alert.key] = alert
        self._done.append(Transition(Change.OPENED, alert, shelf is None, alert.detail))

    def clear(self, alert: Alert, cause: str) -> None:
        """Clear an alert, for whatever reason: whoever was told of it is told."""
        gone = replace(alert, cleared_us=self.now_us, updated_us=self.now_us, cause=cause)
        del self.standing[alert.key]
        self._done.append(Transition(Change.CLEARED, gone, not alert.shelved(self.now_us), cause))

    def update(self, before: Alert, after: Alert) -> None:
        """Bring an alert's figures up to date, unless they were not long ago."""
        if _figures(before) == _figures(after):
            return
        at_once = (before.start_us, before.severity) != (after.start_us, after.severity)
        if at_once or self.now_us - before.updated_us >= UPDATE_US:
            after = replace(after, updated_us=self.now_us)
            self.standing[after.key] = after
            self._done.append(Transition(Change.UPDATED, after, False, after.detail))

    def done(self, escalate_us: Mapping[str, int | None]) -> list[Transition]:
        """Return everything that became of the alerts, shelves that ended and escalations last."""
        for alert in self.standing_of(lambda one: one.shelved_until_us is not None and not one.shelved(self.now_us)):
            back = replace(alert, shelved_until_us=None, shelved_by="")
            self.standing[back.key] = back
            self._done.append(Transition(Change.UNSHELVED, back, True, "its time is over"))
        for alert in self.standing_of(lambda one: _untouched(one, self.now_us) and one.escalated_us is None):
            after_us = escalate_us.get(alert.rule)
            if after_us is not None and self.now_us - alert.opened_us >= after_us:
                higher = replace(alert, escalated_us=self.now_us)
                self.standing[higher.key] = higher
                minutes = (self.now_us - alert.opened_us) // MINUTE_US
                told = f"nobody has taken note for {minutes} minutes"
                self._done.append(Transition(Change.ESCALATED, higher, True, told))
        return self._done


def _ordered(rules: Iterable[AlertRule]) -> tuple[AlertRule, ...]:
    """Return the rules so that those that cover others come before them; by code besides."""
    waiting = {rule.code: rule for rule in sorted(rules, key=lambda one: one.code)}
    found: list[AlertRule] = []
    while waiting:
        ready = [one for one in waiting.values() if not waiting.keys() & set(one.covered_by)]
        if not ready:
            raise ValueError(f"rules cover each other in a circle: {', '.join(waiting)}")
        found += ready
        for one in ready:
            del waiting[one.code]
    return tuple(found)


def _untouched(alert: Alert, now_us: int) -> bool:
    """Say whether no person has taken note of an alert or shelved it."""
    return alert.acknowledged_us is None and not alert.shelved(now_us)


def _code(scope: str) -> str:
    return scope.partition(":")[2] or scope


def _alert(rule: AlertRule, scope: str, verdict: Verdict, now_us: int) -> Alert:
    return Alert(
        rule.code, str(rule.kind), scope, str(rule.severity), rule.title, verdict.detail, now_us, now_us,
        verdict.subject, verdict.start_us, verdict.value, verdict.limit, verdict.unit,
    )  # fmt: skip


def _with_figures(alert: Alert, verdict: Verdict) -> Alert:
    """Return an alert with the figures of a verdict, where it has any."""
    if verdict.start_us is None and verdict.value is None:
        return alert
    return replace(
        alert, detail=verdict.detail, subject=verdict.subject, start_us=verdict.start_us, value=verdict.value,
        limit=verdict.limit, unit=verdict.unit,
    )  # fmt: skip


def _renewed(rule: AlertRule, alert: Alert, verdict: Verdict) -> Alert:
    return replace(_with_figures(alert, verdict), severity=str(rule.severity), title=rule.title)


def _figures(alert: Alert) -> tuple[object, ...]:
    return (
        alert.severity, alert.title, alert.detail, alert.start_us, alert.value, alert.limit, alert.members,
        alert.examples,
    )  # fmt: skip
