"""What becomes of alerts: each kind of rule by hand, then storms, shelves, escalation, and rules that cover others."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.alerts import AlertRules, Facts, Kind, KpiScore, Severity, Silence
from console.alerts.judging import least_squares
from console.alerts.rules import Coverage, Forecast, KpiBand, Missing, Rate, Silent, Way
from engine.store.alerts import Alert
from engine.store.drift import DriftRow
from tests.console.alerts.make import (
    HOUR_US,
    MINUTE_US,
    PM,
    STORM,
    T0,
    after,
    drift,
    finding,
    findings,
    high,
    hours,
    limit,
    places,
    rule,
    rules,
    silent,
    told,
    window,
)


def states(watching: AlertRules, steps: list[Facts], first_us: int = T0 + HOUR_US) -> list[list[tuple[str, str, str]]]:
    """Evaluate at the end of one hour after the other, and return what happened each time."""
    alerts: list[Alert] = []
    found = []
    for at, facts in enumerate(steps):
        changes = watching.evaluate(first_us + at * HOUR_US, facts, [one for one in alerts if one.stands])
        alerts = after(changes, alerts)
        found.append([one for one in told(changes) if one[0] != "updated"])
    return found


def growing(values: list[object]) -> list[Facts]:
    """Return the facts at the end of each hour."""
    return [Facts(hours(values[: at + 1])) for at in range(len(values))]


OPENED, CLEARED = [("opened", "high", "zone:north")], [("cleared", "high", "zone:north")]


def test_an_alert_is_raised_above_its_limit_and_cleared_only_where_the_rule_says() -> None:
    values: list[object] = [35, 36, 34, 31, 35.5, 30, 30.5, 35, 35.001]
    found = states(rules(high(35, 30)), growing(values))
    assert found == [[], OPENED, [], [], [], CLEARED, [], [], OPENED]


def test_a_limit_below_works_the_other_way_round() -> None:
    low = rule(replace(high().check, limit=limit(5, 8, above=False)), "high")  # type: ignore[type-var]
    assert states(rules(low), growing([5, 4, 7, 8])) == [[], OPENED, [], CLEARED]


def test_an_alert_with_a_duration_waits_until_every_window_of_it_was_beyond() -> None:
    lasting = high(35, minutes=180)
    assert states(rules(lasting), growing([40, 40, 20, 40, 40, 40])) == [[], [], [], [], [], OPENED]
    assert states(rules(lasting), growing([40, 40, None, 40, 40])) == [[]] * 5, "a gap breaks it"


def test_a_figure_counts_only_with_enough_readings() -> None:
    watching = rules(high())
    assert watching.evaluate(T0 + HOUR_US, Facts([window(99, 0, received=44)]), []) == []
    (opened,) = watching.evaluate(T0 + HOUR_US, Facts([window(99, 0, received=45, closed=False)]), [])
    assert (opened.alert.value, opened.alert.limit, opened.notify) == (Decimal(99), Decimal(35), True)
    assert opened.alert.detail == "99 µg/m³, above 35"


def test_an_old_figure_raises_nothing_and_what_stands_stays_until_nobody_knows() -> None:
    watching = rules(high())
    assert watching.evaluate(T0 + 4 * HOUR_US, Facts(hours([99])), []) == []
    alerts = after(watching.evaluate(T0 + HOUR_US, Facts(hours([99])), []))
    assert watching.evaluate(T0 + 100 * HOUR_US, Facts(hours([99])), alerts) == []
    (lost,) = watching.evaluate(T0 + 32 * 24 * HOUR_US, Facts(hours([99])), alerts)
    assert (lost.change, lost.alert.stands) == ("cleared", False)
    assert "no figure since" in lost.alert.cause


def test_a_rate_compares_with_the_window_so_many_before() -> None:
    risen = rule(Rate(PM, Way.RISE, limit(20), 2), "high")
    assert states(rules(risen), growing([10, 90, 30.5, None, 50, 50])) == [[], [], OPENED, [], CLEARED, []]
    fallen = rule(Rate(PM, Way.FALL, limit(20), 1), "high")
    assert states(rules(fallen), growing([50, 90, 69, 69])) == [[], [], OPENED, CLEARED]
    either = rule(Rate(PM, Way.CHANGE, limit(20), 1), "high")
    (opened,) = rules(either).evaluate(T0 + 2 * HOUR_US, Facts(hours([50, 29])), [])
    assert opened.alert.detail == "-21 µg/m³ in 1 hour"


def test_a_forecast_is_raised_when_the_line_passes_the_limit_in_time() -> None:
    # 10, 20, 30 at the middles of three hours: 50 is reached two hours after the middle of the last, 90 minutes on.
    facts = Facts(hours([10, 20, 30]))
    for minutes, raised in ((89, False), (90, False), (91, True)):
        soon = rule(Forecast(PM, limit(50), minutes * MINUTE_US, 3), "soon")
        assert bool(rules(soon).evaluate(T0 + 3 * HOUR_US, facts, [])) is raised, minutes
    (opened,) = rules(rule(Forecast(PM, limit(50), 120 * MINUTE_US, 3))).evaluate(T0 + 3 * HOUR_US, facts, [])
    assert opened.alert.detail == "30 µg/m³, on the way above 50 by 2023-11-15 03:30"


def test_a_forecast_needs_figures_and_a_falling_line_clears_it() -> None:
    soon = rule(Forecast(PM, limit(50), 120 * MINUTE_US, 6), "high")
    assert states(rules(soon), growing([10, 20, 30, 45, 30, 20])) == [[], [], [], OPENED, [], CLEARED]
    assert states(rules(soon), growing([10, None, None, 30, 45])) == [[]] * 5, "three of six are too few"


@given(st.lists(st.integers(-1000, 1000), min_size=3, max_size=20))
def test_the_line_is_the_one_of_least_squares(heights: list[int]) -> None:
    line = least_squares([(x, Fraction(y, 7)) for x, y in enumerate(heights)])
    slope, start = np.polyfit(np.arange(len(heights)), np.array(heights) / 7, 1)
    assert float(line.slope) == pytest.approx(slope, abs=1e-6)
    assert float(line.at(Fraction(0))) == pytest.approx(start, abs=1e-6)
    errors = [Fraction(y, 7) - line.at(Fraction(x)) for x, y in enumerate(heights)]
    assert sum(errors) == 0, "exactly"
    assert sum(x * error for x, error in enumerate(errors)) == 0


def test_missing_figures_are_told_and_their_return_clears() -> None:
    missing = rule(Missing(PM, 120 * MINUTE_US), "high")
    steps = [Facts(hours([1]))] * 4 + [Facts(hours([1, None, None, None, 1]))]
    assert states(rules(missing), steps) == [[], [], [], OPENED, CLEARED]
    few = Facts([window(1, at, received=3) for at in range(5)])
    assert told(rules(missing).evaluate(T0 + 5 * HOUR_US, few, [])) == OPENED, "figures with too few readings are none"


def test_low_coverage_is_judged_by_closed_windows() -> None:
    thin = rule(Coverage(PM, limit(90, 95, above=False), 0), "high")
    received = [60, 54, 53, 56, 57]
    steps = [Facts([window(1, at, received=n) for at, n in enumerate(received[: k + 1])]) for k in range(5)]
    assert states(rules(thin), steps) == [[], [], OPENED, [], CLEARED]
    assert rules(thin).evaluate(T0 + HOUR_US, Facts([window(1, 0, received=3, closed=False)]), []) == []


def test_a_low_band_of_a_kpi_is_told() -> None:
    low = rule(KpiBand("A: B: 1C", "rolling", 2), "high", scope="city")
    steps = [
        Facts(scores=[KpiScore("A: B: 1C", "rolling", "city", band, "60")] if band != 0 else [])
        for band in (3, 2, None, 0, 1, 3)
    ]
    opened, cleared = [("opened", "high", "city")], [("cleared", "high", "city")]
    assert states(rules(low), steps) == [[], opened, [], [], [], cleared]


def device(at: int, since_us: int = T0) -> Silence:
    return Silence("device", f"s{at}", since_us, 1, "")


def said(watching: AlertRules, *rows: DriftRow, most: int = 10_000) -> dict[str, str]:
    """Return the alerts that findings raise, and what they say; each of it is said in Korean as well."""
    changes = watching.evaluate(T0, Facts(findings=findings(*rows, most=most)), [])
    told(changes)
    return {one.alert.scope: one.alert.detail for one in changes}


def test_a_thousand_devices_of_a_model_that_begin_the_same_are_one_alert_of_their_model_and_field() -> None:
    among = places(1_500)
    rows = [finding(f"s{at}") for at in range(1_500) if at % 3]
    raised = said(rules(drift(), among=among), *rows)
    assert raised == {"model:meter/flow": "vanished on 1,000 devices: s1, s10, s100, s1000, s1001 and others"}
    rows += [finding("s2", "malformed", ""), finding("s1", "bad_unit")]
    assert said(rules(drift(), among=among), *rows) == {
        "model:meter": "malformed on 1 device: s2",
        "model:meter/flow": "vanished, wrong unit on 1,000 devices: s1, s10, s100, s1000, s1001 and others",
    }


def test_names_that_a_device_makes_up_are_one_alert_of_its_model() -> None:
    rows = [finding("s1", "unknown_field", f"made{at}") for at in range(50)]
    assert said(rules(drift()), *rows) == {"model:meter": "unknown field on 1 device: s1"}


def test_drift_is_told_of_devices_or_zones_where_the_rule_says_so() -> None:
    rows = [finding("s1"), finding("s1", "bad_unit", "head"), finding("s2"), finding("s3", "empty", "")]
    assert said(rules(drift(scope="station")), *rows) == {
        "station:s1": "vanished, wrong unit: flow, head", "station:s2": "vanished: flow", "station:s3": "empty",
    }  # fmt: skip
    assert said(rules(drift(scope="zone")), *rows) == {
        "zone:north": "vanished on 1 device: s2", "zone:south": "vanished, wrong unit, empty on 2 devices: s1, s3",
    }  # fmt: skip
    assert said(rules(drift(scope="zone", only=frozenset({"zone:north"}))), *rows).keys() == {"zone:north"}


def test_a_finding_counts_by_its_kind_model_age_and_number_of_readings() -> None:
    rows = [
        finding("s1", readings=0), finding("s2", "bad_unit", readings=1), finding("s4", "empty", "", readings=2),
        finding("s5", last_us=T0 - HOUR_US - 1), finding("nobody"),
    ]  # fmt: skip
    assert said(rules(drift()), *rows).keys() == {"model:meter/flow", "model:meter"}
    assert said(rules(drift()), *rows)["model:meter/flow"] == "vanished on 1 device: s1"
    assert said(rules(drift(findings=("empty",))), *rows).keys() == {"model:meter"}
    assert said(rules(drift(models=("probe",))), *rows) == {}


def test_an_alert_of_drift_is_cleared_by_who_looked_at_all_and_by_nobody_else() -> None:
    watching = rules(drift())
    alerts = after(watching.evaluate(T0, Facts(findings=findings(finding("s1"))), []))
    assert watching.evaluate(T0 + 1, Facts(), alerts) == [], "nobody looked"
    too_many = findings(finding("nobody"), finding("nobody", field="head"), most=1)
    assert watching.evaluate(T0 + 1, Facts(findings=too_many), alerts) == [], "it may be among those not listed"
    (cleared,) = watching.evaluate(T0 + 1, Facts(findings=findings()), alerts)
    assert (cleared.change, cleared.detail) == ("cleared", "as the model expects again")
    assert told([cleared]) == [("cleared", "drift", "model:meter/flow")]


def test_a_silent_device_is_told_after_its_time_and_cleared_when_it_is_heard() -> None:
    watching = rules(silent(minutes=30))
    assert watching.evaluate(T0 + 29 * MINUTE_US, Facts(silences=[device(1)]), []) == []
    changes = watching.evaluate(T0 + 30 * MINUTE_US, Facts(silences=[device(1)]), [])
    assert told(changes) == [("opened", "silent", "station:s1")]
    assert told(watching.evaluate(T0 + HOUR_US, Facts(), after(changes))) == [("cleared", "silent", "station:s1")]


def test_a_device_that_is_not_in_the_city_raises_nothing_and_one_that_left_is_cleared() -> None:
    watching = rules(silent())
    stranger = Silence("device", "stranger", T0, 1, "")
    assert watching.evaluate(T0 + HOUR_US, Facts(silences=[stranger]), []) == []
    raised = after(watching.evaluate(T0, Facts(silences=[device(1)]), []))
    alerts = [replace(one, scope="station:stranger") for one in raised]
    (gone,) = watching.evaluate(T0 + HOUR_US, Facts(silences=[stranger]), alerts)
    assert (gone.change, gone.alert.cause) == ("cleared", "the rule no longer looks at it")


def test_our_own_absence_covers_what_follows_from_it() -> None:
    deaf = rule(Silent(5 * MINUTE_US), "deaf", kind=Kind.NOT_LISTENING, scope="city")
    missing = rule(Missing(PM, 60 * MINUTE_US), "missing", covered_by=("deaf",))
    watching = rules(deaf, missing)
    facts = Facts(hours([1]), heard_to_us=T0 + HOUR_US)
    changes = watching.evaluate(T0 + 3 * HOUR_US, facts, [])
    assert told(changes) == [("opened", "deaf", "city")]
    back = replace(facts, heard_to_us=T0 + 3 * HOUR_US)
    found = watching.evaluate(T0 + 3 * HOUR_US, back, after(changes))
    assert told(found) == [("cleared", "deaf", "city"), ("opened", "missing", "zone:north")]


def test_a_worse_rule_takes_over_and_gives_back() -> None:
    worse = high(55, 50, code="worse", severity=Severity.CRITICAL)
    found = states(rules(high(35, 30, covered_by=("worse",)), worse), growing([40, 60, 45, 20]))
    opened_worse, cleared_worse = ("opened", "worse", "zone:north"), ("cleared", "worse", "zone:north")
    assert found == [OPENED, [opened_worse, *CLEARED], [cleared_worse, *OPENED], CLEARED]


def test_a_rule_that_is_gone_clears_its_alerts() -> None:
    alerts = after(rules(high()).evaluate(T0 + HOUR_US, Facts(hours([99])), []))
    (gone,) = rules(silent()).evaluate(T0 + HOUR_US, Facts(hours([99])), alerts)
    assert (gone.change, gone.alert.cause) == ("cleared", "the rule is gone")


def test_an_alert_that_nobody_takes_note_of_is_escalated_once() -> None:
    watching = rules(high(escalate_us=30 * MINUTE_US))
    facts, now_us = Facts(hours([99])), T0 + HOUR_US
    alerts = after(watching.evaluate(now_us, facts, []))
    assert watching.evaluate(now_us + 29 * MINUTE_US, facts, alerts) == []
    (higher,) = watching.evaluate(now_us + 30 * MINUTE_US, facts, alerts)
    assert (higher.change, higher.notify) == ("escalated", True)
    assert watching.evaluate(now_us + 60 * MINUTE_US, facts, after([higher], alerts)) == []
    noted = [replace(one, acknowledged_us=now_us, acknowledged_by="kim") for one in alerts]
    assert watching.evaluate(now_us + 60 * MINUTE_US, facts, noted) == []


def test_nobody_is_told_of_what_is_shelved_until_its_time_is_over() -> None:
    watching = rules(high(escalate_us=30 * MINUTE_US))
    now_us = T0 + HOUR_US
    alerts = after(watching.evaluate(now_us, Facts(hours([99])), []))
    shelved = [replace(one, shelved_until_us=now_us + 5 * HOUR_US, shelved_by="kim") for one in alerts]
    (cleared,) = watching.evaluate(now_us + HOUR_US, Facts(hours([99, 1])), shelved)
    assert (cleared.change, cleared.notify) == ("cleared", False)
    shelved = after([cleared], shelved)
    (again,) = watching.evaluate(now_us + 2 * HOUR_US, Facts(hours([99, 1, 99])), shelved)
    assert (again.change, again.notify) == ("opened", False), "the shelf is of rule and scope"
    shelved = after([again], shelved)
    facts = Facts(hours([99, 1, 99, 99, 99]))
    assert [one.change for one in watching.evaluate(now_us + 4 * HOUR_US, facts, shelved)] == ["updated"]
    back, higher = watching.evaluate(now_us + 5 * HOUR_US, Facts(hours([99, 1, 99])), shelved)
    assert (back.change, back.notify, back.alert.shelved_until_us) == ("unshelved", True, None)
    assert higher.change == "escalated"


def storm(count: int, since_us: int = T0) -> Facts:
    return Facts(silences=[device(at, since_us) for at in range(count)])


def test_many_at_once_in_one_zone_are_one_alert() -> None:
    facts = Facts(silences=[device(at) for at in range(0, 2 * STORM + 2, 2)])
    (one,) = rules(silent()).evaluate(T0, facts, [])
    assert (one.alert.scope, one.alert.grouped, one.alert.members) == ("zone:north", True, STORM + 1)
    assert one.alert.examples == ("station:s0", "station:s2", "station:s4", "station:s6", "station:s8")
    assert one.alert.detail == "5 at once: s0, s2, s4, s6, s8"


def test_as_many_as_allowed_are_told_one_by_one() -> None:
    facts = Facts(silences=[device(at) for at in range(0, 2 * STORM, 2)])
    assert told(rules(silent()).evaluate(T0, facts, [])) == [
        ("opened", "silent", f"station:s{at}") for at in (0, 2, 4, 6)
    ]


def test_a_thousand_all_over_the_city_are_one_alert() -> None:
    from tests.console.alerts.make import places

    among = places(1000, [f"z{at}" for at in range(200)])
    (one,) = rules(silent(), among=among).evaluate(T0, storm(1000), [])
    assert (one.alert.scope, one.alert.members) == ("city", 1000)
    assert one.alert.detail.endswith("and others")


def test_a_storm_takes_in_what_was_told_just_before_and_nothing_that_a_person_has_touched() -> None:
    watching = rules(silent())
    alerts = after(watching.evaluate(T0, Facts(silences=[device(0), device(2), device(4)]), []))
    alerts[0] = replace(alerts[0], acknowledged_us=T0, acknowledged_by="kim")
    more = Facts(silences=[device(at) for at in (0, 2, 4, 6, 8, 10)])
    found = watching.evaluate(T0 + 9 * MINUTE_US, more, alerts)
    assert told(found) == [
        ("cleared", "silent", "station:s2"), ("cleared", "silent", "station:s4"), ("opened", "silent", "zone:north"),
    ]  # fmt: skip
    assert found[0].alert.cause == "part of the storm in zone:north"
    assert found[2].alert.members == 5
    late = watching.evaluate(T0 + 11 * MINUTE_US, more, alerts)
    assert told(late) == [("opened", "silent", f"station:s{at}") for at in (10, 6, 8)], "those were no part of it"


def test_a_storm_falls_apart_when_half_of_it_is_over() -> None:
    watching = rules(silent())
    alerts = after(watching.evaluate(T0, Facts(silences=[device(at) for at in range(0, 12, 2)]), []))
    three = Facts(silences=[device(at) for at in (0, 2, 4)])
    assert [one.alert.members for one in watching.evaluate(T0 + HOUR_US, three, alerts)] == [3]
    two = Facts(silences=[device(at) for at in (0, 2)])
    found = watching.evaluate(T0 + HOUR_US, two, alerts)
    assert told(found) == [
        ("cleared", "silent", "zone:north"), ("opened", "silent", "station:s0"), ("opened", "silent", "station:s2"),
    ]  # fmt: skip
    assert found[0].detail == "the storm is over: 2 of it left"
    assert told(watching.evaluate(T0 + HOUR_US, Facts(), alerts)) == [("cleared", "silent", "zone:north")]


def test_figures_of_what_stands_are_renewed_with_each_window_and_else_now_and_then() -> None:
    watching, now_us = rules(high()), T0 + HOUR_US
    alerts = after(watching.evaluate(now_us, Facts(hours([99])), []))
    moved = Facts([window(98, 0)])
    assert watching.evaluate(now_us + 4 * MINUTE_US, moved, alerts) == []
    (later,) = watching.evaluate(now_us + 5 * MINUTE_US, moved, alerts)
    (newer,) = watching.evaluate(now_us + MINUTE_US, Facts(hours([99, 98])), alerts)
    assert [(one.change, one.notify, one.alert.value) for one in (later, newer)] == [("updated", False, 98)] * 2
