"""What holds of alerts whatever the facts and the people do, found by chance and against a slow twin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from console.alerts import Change, Facts, Severity, Silence, Transition
from console.alerts.korean import korean_detail
from engine.store.alerts import Alert, Window
from tests.console.alerts.make import HOUR_US, MINUTE_US, STORM, T0, after, high, places, rules, silent, told, window
from tests.examples import examples

PLACES = places(24)
STEP_US = 7 * MINUTE_US
RULES = (
    high(35, 30, covered_by=("worse",), escalate_us=20 * MINUTE_US),
    high(55, 50, code="worse", severity=Severity.CRITICAL),
    silent(minutes=10, escalate_us=20 * MINUTE_US),
)
VALUES = st.sampled_from([10, 30, 31, 33, 35, 36, 50, 52, 55, 56, 90])


@dataclass(frozen=True)
class Step:
    """What the world and the people do before an evaluation."""

    values: tuple[int, int]
    silent: frozenset[int]
    touched: int
    """Which standing alert a person takes; beyond the last one: none."""
    shelve: bool
    order: int


STEPS = st.lists(
    st.builds(
        Step,
        st.tuples(VALUES, VALUES),
        st.one_of(st.frozensets(st.integers(0, 23), max_size=6), st.frozensets(st.integers(0, 23), min_size=8)),
        st.integers(0, 12),
        st.booleans(),
        st.integers(0, 1_000),
    ),
    min_size=1,
    max_size=12,
)


class World:
    """Facts over time: hours that go on, and silences with the begin that they had."""

    def __init__(self) -> None:
        self.now_us = T0
        self._windows: list[Window] = []
        self._since: dict[int, int] = {}

    def step(self, step: Step) -> Facts:
        self.now_us += STEP_US
        hour = (self.now_us - T0) // HOUR_US
        fresh = [
            window(value, hour, f"zone:{zone}") for zone, value in zip(("north", "south"), step.values, strict=True)
        ]
        keys = {(one.scope, one.start_us) for one in fresh}
        self._windows = [one for one in self._windows if (one.scope, one.start_us) not in keys] + fresh
        self._since = {at: self._since.get(at, self.now_us) for at in step.silent}
        silences = [Silence("device", f"s{at}", since, 1, "") for at, since in self._since.items()]
        shift = step.order % max(1, len(silences))
        return Facts(self._windows[::-1] if step.order % 2 else self._windows, silences[shift:] + silences[:shift])


def touched(alerts: Sequence[Alert], step: Step, now_us: int) -> list[Alert]:
    """Return the alerts after a person took note of one, or shelved it."""
    standing = [one for one in alerts if one.stands]
    if step.touched >= len(standing):
        return list(alerts)
    chosen = standing[step.touched]
    if step.shelve:
        mine = replace(chosen, shelved_until_us=now_us + 3 * STEP_US, shelved_by="kim")
    else:
        mine = replace(chosen, acknowledged_us=chosen.acknowledged_us or now_us, acknowledged_by="kim")
    return [mine if one is chosen else one for one in alerts]


def check(changes: Sequence[Transition], before: Sequence[Alert], now_us: int) -> None:
    """Check one evaluation against what it was given."""
    standing = {one.key: one for one in before if one.stands}
    shelved = {one.key for one in before if one.shelved(now_us)}
    opened: Counter[tuple[str, str]] = Counter()
    for one in changes:
        key = one.alert.key
        if one.change is Change.OPENED:
            assert key not in standing, "no alert is raised twice"
            standing[key] = one.alert
            if not one.alert.grouped:
                opened[one.alert.rule, PLACES.parent(one.alert.scope)] += 1
        else:
            assert key in standing, "nothing happens to an alert that does not stand"
            if one.change is Change.CLEARED:
                del standing[key]
        assert not (key in shelved and one.notify), "nobody is told of what is shelved"
        assert korean_detail(one.detail), "every row of the trail says something, in Korean as well"
    assert max(opened.values(), default=0) <= STORM
    covered = {scope for rule, scope in standing if rule == "worse"}
    assert not covered & {scope for rule, scope in standing if rule == "high"}


@settings(max_examples=examples(150), deadline=None)
@given(STEPS)
def test_whatever_happens_the_invariants_hold(steps: list[Step]) -> None:
    watching, world, alerts = rules(*RULES, among=PLACES), World(), list[Alert]()
    for step in steps:
        facts = world.step(step)
        alerts = touched(alerts, step, world.now_us)
        given_alerts = [one for one in alerts if one.stands or one.shelved(world.now_us)]
        changes = watching.evaluate(world.now_us, facts, given_alerts)
        check(changes, given_alerts, world.now_us)
        shuffled = Facts(facts.windows[::-1], facts.silences[::-1])
        assert watching.evaluate(world.now_us, shuffled, given_alerts[::-1]) == changes, "whatever the order"
        alerts = after(changes, alerts)
        standing = [one for one in alerts if one.stands]
        settled = watching.evaluate(
            world.now_us, facts, [one for one in alerts if one.stands or one.shelved(world.now_us)]
        )
        assert told(settled) == [], "the same moment again changes nothing"
        assert len({one.key for one in standing}) == len(standing)


class Twin:
    """A limit with its hysteresis as one writes it down: a lamp that is lit above, and put out at or below."""

    def __init__(self) -> None:
        self.lit = False

    def see(self, value: int) -> list[str]:
        before = self.lit
        self.lit = value > 35 or (self.lit and value > 30)
        return [] if before == self.lit else ["opened" if self.lit else "cleared"]


@given(st.lists(VALUES, min_size=1, max_size=30))
def test_a_limit_behaves_as_a_lamp_with_two_switches(values: list[int]) -> None:
    watching, twin, alerts = rules(high(35, 30)), Twin(), list[Alert]()
    for at, value in enumerate(values):
        facts = Facts([window(one, hour) for hour, one in enumerate(values[: at + 1])])
        changes = watching.evaluate(T0 + (at + 1) * HOUR_US, facts, [one for one in alerts if one.stands])
        assert [str(one.change) for one in changes if one.change is not Change.UPDATED] == twin.see(value)
        alerts = after(changes, alerts)
