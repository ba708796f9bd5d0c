"""Rules tried on the past raise what they would have raised live, moment by moment."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.alerts import Facts, trial
from console.alerts.rules import Missing
from console.alerts.trial import Past, TooLongError, tried, try_rules, untried
from engine.store import SilenceEntry
from engine.store.alerts import Alert
from tests.console.alerts.make import HOUR_US, MINUTE_US, PM, T0, after, high, hours, rule, rules, silent

END_US = T0 + 1000 * HOUR_US


def silence(who: str, from_us: int, to_us: int | None) -> SilenceEntry:
    return SilenceEntry("device", who, from_us, to_us, None, None, None, 1, from_us + 3 * MINUTE_US, "")


def spans(raised: list[Alert]) -> list[tuple[str, int | None, int | None]]:
    """Return scope, begin and end in minutes."""

    def minute(time_us: int | None) -> int | None:
        return None if time_us is None else (time_us - T0) // MINUTE_US

    return [(one.scope, minute(one.opened_us), minute(one.cleared_us)) for one in raised]


def test_an_alert_stands_from_the_end_of_the_window_that_raises_it() -> None:
    past = Past(hours([10, 40, 50, 20, 36]), [])
    found = try_rules(rules(high()), past, T0, END_US)
    assert spans(found) == [("zone:north", 120, 240), ("zone:north", 300, None)]
    assert spans(try_rules(rules(high()), past, T0, T0 + 4 * HOUR_US)) == [("zone:north", 120, None)]


def test_a_silence_counts_from_when_it_was_noticed_or_lasted_long_enough_until_its_end() -> None:
    past = Past([], [silence("s1", T0, T0 + 50 * MINUTE_US), silence("s2", T0, T0 + 20 * MINUTE_US)])
    assert spans(try_rules(rules(silent()), past, T0, END_US)) == [("station:s1", 3, 50), ("station:s2", 3, 20)]
    assert spans(try_rules(rules(silent(minutes=30)), past, T0, END_US)) == [("station:s1", 30, 50)]


def test_missing_figures_are_noticed_between_windows_as_well() -> None:
    missing = rule(Missing(PM, 90 * MINUTE_US))
    past = Past(hours([1, None, None, None, 1]), [])
    assert spans(try_rules(rules(missing), past, T0, T0 + 6 * HOUR_US)) == [("zone:north", 150, 300)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(20, 60)), min_size=1, max_size=20), st.sampled_from([0, 120, 180]))
def test_the_past_is_judged_as_the_present_was(values: list[int | None], minutes: int) -> None:
    watching, alerts = rules(high(minutes=minutes)), list[Alert]()
    for at in range(len(values)):
        facts = Facts(hours(values[: at + 1])[-watching.asked()[0].depth :])
        now_us = T0 + (at + 1) * HOUR_US
        alerts = after(watching.evaluate(now_us, facts, [one for one in alerts if one.stands]), alerts)
    tried_on = try_rules(watching, Past(hours(values), []), T0, END_US)
    assert spans(tried_on) == spans(alerts)


def test_rules_whose_past_is_not_kept_are_named() -> None:
    from console.alerts import Kind

    deaf = silent("deaf", kind=Kind.NOT_LISTENING, scope="city")
    assert untried([deaf, high()]) == ["deaf"]
    assert [one.code for one in tried([deaf, high(escalate_us=5)])] == ["high"]


def test_too_long_a_past_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MOMENTS_MAX", 3)
    with pytest.raises(TooLongError, match="4 moments"):
        try_rules(rules(high()), Past(hours([1, 2, 3]), []), T0, END_US)
