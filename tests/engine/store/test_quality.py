"""Flags from stored readings to figures: hand-computed, the same in any order, and taken back by late readings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from devices import TIME_MAX_US, TIME_MIN_US, ObservationBatch, Registry, Rule, Spike
from engine.calendar import Calendar
from engine.cells import Grid
from engine.kpi import load_catalogue, reference_year
from engine.kpi_book import KpiBook
from engine.kpi_evidence import Evidence
from engine.quality_book import QualityBook
from engine.recompute import Recomputation
from engine.store import Duty, Flush, Flushed, Store, StoreUnavailable
from engine.stretch import Stretches
from tests.databases import Furnish
from tests.engine.store.conftest import EMPTY, Query, empty, owned
from tests.engine.store.flagged_town import (
    DAYS,
    HOUR_US,
    PER_DAY,
    RULES,
    STEP_US,
    YEAR,
    Judged,
    begin_us,
    flagged_town,
    readings,
    slot_of,
)

FIGURES = """
SELECT scope, start, value, received, expected, revision FROM v_indicator_value
WHERE indicator = 'pm2_5_mean' AND "window" = %s AND scope_kind = %s ORDER BY start, scope
"""


def judged_town(url: str) -> None:
    """Let an engine take all readings of the town, and the keeper flag them."""
    with owned(url) as store:
        city = flagged_town()
        Judged.on(store, city, begin_us(city, DAYS + 2)).take(readings(city))


@pytest.fixture
def furnish() -> Furnish:
    return judged_town


@pytest.fixture
def city() -> Registry:
    return flagged_town()


@pytest.fixture
def now_us(city: Registry) -> int:
    return begin_us(city, DAYS + 2)


def figures(query: Query, window: str, kind: str = "station") -> dict[tuple[str, int], tuple[Decimal | None, int]]:
    """Value and readings by scope and start."""
    return {
        (scope, int(start.timestamp()) * 1_000_000): (value, received)
        for scope, start, value, received, _, _ in query(FIGURES, window, kind)
    }


def flags(query: Query) -> dict[tuple[str, str], int]:
    rows = query("SELECT device, rule, count(*) FROM v_observation_flag GROUP BY device, rule ORDER BY 1, 2")
    return {(device, rule): count for device, rule, count in rows}


def in_order(batch: ObservationBatch, parts: int) -> list[ObservationBatch]:
    order = np.argsort(batch.time_us, kind="stable")
    return [batch.take(part) for part in np.array_split(order, parts)]


def shuffled(batch: ObservationBatch, parts: int) -> list[ObservationBatch]:
    order = np.random.default_rng(7).permutation(len(batch))
    return [batch.take(part) for part in np.array_split(order, parts)]


def test_flags_and_figures_are_those_worked_out_by_hand(city: Registry, query: Query) -> None:
    assert flags(query) == {
        ("drifting", "drift"): 3 * PER_DAY,
        ("spiking", "rate"): 2,
        ("spiking", "spike"): 1,
        ("stuck", "stuck"): 18,
    }
    second, noon = begin_us(city, 1), begin_us(city, 1) + 12 * HOUR_US
    hour, day = figures(query, "hour"), figures(query, "day")
    # 20 + 22 + 20 + 20 + 22 of five readings; a sixth said 300.
    assert hour["spiking", noon] == (Decimal("20.800"), 5)
    assert hour["stuck", second + 5 * HOUR_US] == (Decimal("21.000"), 6)
    assert hour["stuck", second + 6 * HOUR_US] == (None, 0)
    assert hour["drifting", noon] == (None, 0)
    assert day["stuck", second] == (Decimal("21.000"), PER_DAY - 18)
    # 144 * 21 less the 22 in whose place the spike stood, over 143: 20.99300...
    assert day["spiking", second] == (Decimal("20.993"), PER_DAY - 1)
    assert day["drifting", second] == (None, 0)
    assert day["drifting", begin_us(city, 4)] == (Decimal("21.000"), PER_DAY)
    # The zone's hour is the mean of what its stations published: calm, other, spiking and stuck.
    zone = figures(query, "hour", "zone")
    assert zone["north", noon] == (Decimal("20.950"), 6 + 6 + 5 + 6)
    assert zone["north", second + 6 * HOUR_US] == (Decimal("21.000"), 3 * 6)


def test_windows_stay_the_sums_of_everything_stored_and_the_parts_are_sums_of_what_is_flagged(
    store: Store, city: Registry, query: Query
) -> None:
    assert query(
        "SELECT sum(count) - (SELECT count(*) FROM observation), sum(sum_0) - (SELECT sum(ticks) FROM observation)"
        " FROM window_hour"
    ) == [(0, 0)]
    assert query(
        "SELECT e.series_id, e.start FROM window_excluded e FULL JOIN ("
        " SELECT o.series_id, date_trunc('hour', o.time) AS start, count(*) AS count, sum(o.ticks) AS total"
        " FROM observation o WHERE (o.series_id, o.time) IN"
        " (SELECT series_id, time FROM observation_flag WHERE excluded) GROUP BY 1, 2"
        ") w USING (series_id, start) WHERE (e.count, e.sum_0) IS DISTINCT FROM (w.count, w.total)"
    ) == []  # fmt: skip
    assert query("SELECT sum(count) FROM window_excluded") == [(3 * PER_DAY + 1 + 18,)]
    store.register(city)
    slot = store.slots.series_id[slot_of(city, "spiking")]
    # Of the spike's hour 20 and 22 are left.
    assert query("SELECT count, low, high FROM window_excluded WHERE series_id = %s", int(slot)) == [
        (1, 20_000, 22_000)
    ]


def test_the_assessors_statement_gives_what_is_left_of_each_hour(query: Query) -> None:
    text = (Path(__file__).parents[3] / "docs" / "assessors.md").read_text()
    (statement,) = [one for one in re.findall(r"```sql\n(.*?)```", text, re.DOTALL) if "window_excluded" in one]
    left = {(device, total, count) for device, _, total, count in query(statement)}
    assert left == {("spiking", 104_000, 5), ("stuck", 0, 0), ("drifting", 0, 0)}


@EMPTY
def test_whoever_waits_for_hours_is_told_when_their_figures_have_followed(
    store: Store, city: Registry, now_us: int
) -> None:
    judged = Judged.on(store, city, now_us)
    judged.live.take(readings(city))
    told: list[tuple[list[int], bool]] = []
    judged.live._worker._written = lambda hours, full: told.append((hours.tolist(), full))
    judged.judge()
    second = begin_us(city, 1)
    hours = {hour for some, full in told for hour in some if full}
    stuck = {second + hour * HOUR_US for hour in (6, 7, 8)}
    drifting = {second + hour * HOUR_US for hour in range(3 * 24)}
    assert hours == stuck | drifting


def annual_mean(store: Store, city: Registry) -> tuple[object, int, int]:
    """The KPI of the year: PM2.5 of the city, readings received, and expected."""
    calendar = Calendar(city.city.zone_info)
    book = KpiBook(store, city, store.register(city), load_catalogue(None), 0)
    key = "EN: EN: AQ: 1C/pm2_5"
    (one,) = [one for one in book.figures(reference_year(calendar, YEAR)) if one.key == key and one.zone is None]
    return one.value, one.received, one.expected


@EMPTY
def test_the_annual_figure_leaves_out_the_same_readings(store: Store, city: Registry, now_us: int) -> None:
    judged = Judged.on(store, city, now_us)
    judged.live.take(readings(city))
    every = DAYS * PER_DAY
    whole = [Fraction(every * 21 + part, every) for part in (18 * 4, 278, 3 * PER_DAY * 19, 0, 0)]
    assert annual_mean(store, city) == (sum(whole) / 5, 5 * every, 5 * every)
    judged.judge()
    # The drifting station has two days left, and does not count.
    left = [Fraction(21), Fraction(every * 21 - 22, every - 1), Fraction(21), Fraction(21)]
    assert annual_mean(store, city) == (sum(left) / 4, 4 * every - 18 - 1, 5 * every)


def test_whoever_adds_up_the_observations_behind_the_annual_figure_gets_it(store: Store, city: Registry) -> None:
    pack, period = load_catalogue(None), reference_year(Calendar(city.city.zone_info), YEAR)
    book = KpiBook(store, city, store.register(city), pack, 0)
    behind = Evidence(store, city, book, pack, pack.data_point("EN: EN: AQ: 1C/pm2_5"), period, None)
    page = behind.observations(TIME_MIN_US, TIME_MAX_US, 10**6)
    ticks: dict[str, list[int]] = {}
    for one in page.rows:
        ticks.setdefault(one.series.device, []).append(one.ticks)
    counting = {one.device for one in behind.stations() if one.counts}
    means = [Fraction(sum(of), 1000 * len(of)) for device, of in ticks.items() if device in counting]
    assert (sum(means) / len(means), len(means)) == (annual_mean(store, city)[0], 4)
    days = [one for one in behind.days(TIME_MIN_US, TIME_MAX_US, 10**6).rows if one.series.device == "spiking"]
    assert [one.readings for one in days] == [PER_DAY, PER_DAY - 1, PER_DAY, PER_DAY, PER_DAY]
    assert sum(one.sums[0] for one in days) == sum(ticks["spiking"])


def test_periods_of_whole_hours_leave_out_the_same_readings(store: Store, city: Registry) -> None:
    second = begin_us(city, 1)
    found = {one.device: one for one in store.period(Grid.HOUR, second, begin_us(city, 2)) if one.measurand == "pm2_5"}
    assert (found["spiking"].mean, found["spiking"].count) == (Fraction(PER_DAY * 21 - 22, PER_DAY - 1), PER_DAY - 1)
    assert (found["spiking"].low_ticks, found["spiking"].high_ticks) == (20_000, 22_000)
    assert (found["drifting"].mean, found["drifting"].count) == (None, 0)


def left_behind(query: Query) -> dict[str, object]:
    """All that must not depend on the order of arrival."""
    return {
        "flags": query("SELECT device, time, rule, excluded FROM v_observation_flag ORDER BY 1, 2, 3"),
        "parts": query("SELECT device, start, count, total FROM v_window_excluded ORDER BY 1, 2"),
        "values": query(
            'SELECT indicator, "window", scope, start, value, received, expected FROM v_indicator_value'
            " ORDER BY 1, 2, 3, 4"
        ),
        "due": query("SELECT count(*) FROM quality_due"),
        "changed": query("SELECT count(*) FROM quality_changed"),
    }


@EMPTY
@pytest.mark.parametrize("arrange", [in_order, shuffled])
def test_flags_and_figures_are_the_same_in_any_order_with_looks_between(
    url: str, city: Registry, now_us: int, query: Query,
    arrange: Callable[[ObservationBatch, int], list[ObservationBatch]],
) -> None:  # fmt: skip
    found = []
    for parts in ([readings(city)], arrange(readings(city), 6)):
        empty(url)
        with Store.connect(url) as store:
            store.own(0, Duty.APPEND)
            store.own(0, Duty.FLUSH)
            judged = Judged.on(store, city, now_us)
            for part in parts:
                judged.take(part)
        found.append(left_behind(query))
    assert found[0] == found[1]
    assert found[0]["due"] == found[0]["changed"] == [(0,)]
    assert judged.rounds >= 6


def test_a_late_reading_takes_flags_away_and_the_figure_comes_back_as_a_revision(
    store: Store, city: Registry, now_us: int, query: Query
) -> None:
    judged = Judged.on(store, city, now_us)
    second, slot = begin_us(city, 1), slot_of(city, "stuck")
    # Between 7:20 and 7:30 it said 24: neither part before nor after lasted two hours.
    judged.take(ObservationBatch.of([slot], [second + 44 * STEP_US + 1], [24_000]))
    assert ("stuck", "stuck") not in flags(query)
    hour = figures(query, "hour")
    assert hour["stuck", second + 6 * HOUR_US] == (Decimal("25.000"), 6)
    assert hour["stuck", second + 7 * HOUR_US] == (Decimal("24.857"), 7)
    replaced = query(
        "SELECT value, reason FROM v_indicator_revision WHERE indicator = 'pm2_5_mean' AND \"window\" = 'hour'"
        " AND scope = 'stuck' AND start = to_timestamp(%s) ORDER BY revision",
        (second + 6 * HOUR_US) // 1_000_000,
    )
    assert replaced[-1] == (None, "flagged readings")
    assert replaced[0] == (Decimal("25.000"), "flagged readings")


@EMPTY
def test_without_rules_nothing_is_flagged_and_nothing_is_due(store: Store, now_us: int, query: Query) -> None:
    plain = flagged_town(())
    judged = Judged.on(store, plain, now_us)
    judged.take(readings(plain))
    assert left_behind(query)["flags"] == left_behind(query)["parts"] == []
    assert judged.rounds == 0
    assert figures(query, "hour")["spiking", begin_us(plain, 1) + 12 * HOUR_US] == (Decimal("67.333"), 6)


def test_other_rules_make_everything_due_and_what_no_rule_says_any_more_leaves(
    store: Store, city: Registry, now_us: int, query: Query
) -> None:
    lenient = (*RULES[:1], replace(RULES[1], check=Spike(Fraction(400), 0)), *RULES[3:])
    judged = Judged.on(store, flagged_town(lenient), now_us)
    judged.judge()
    assert flags(query) == {("drifting", "drift"): 3 * PER_DAY, ("stuck", "stuck"): 18}
    noon = begin_us(city, 1) + 12 * HOUR_US
    assert figures(query, "hour")["spiking", noon] == (Decimal("67.333"), 6)
    assert not judged.book.begin()
    judged = Judged.on(store, flagged_town(()), now_us)
    judged.judge()
    judged.live.reweigh()
    assert flags(query) == {}
    assert figures(query, "hour")["stuck", begin_us(city, 1) + 6 * HOUR_US] == (Decimal("25.000"), 6)


@EMPTY
def test_flags_that_are_not_to_be_excluded_change_no_figure(store: Store, now_us: int, query: Query) -> None:
    city = flagged_town([replace(rule, exclude=False) for rule in RULES])
    Judged.on(store, city, now_us).take(readings(city))
    assert len(flags(query)) == 4
    assert left_behind(query)["parts"] == []
    assert figures(query, "hour")["spiking", begin_us(city, 1) + 12 * HOUR_US] == (Decimal("67.333"), 6)


@EMPTY
def test_what_was_flagged_before_a_crash_is_in_the_figures_after_it(
    store: Store, city: Registry, now_us: int, query: Query
) -> None:
    judged = Judged.on(store, city, now_us)
    judged.live.take(readings(city))
    # The flags stand, and the engine was not told: as after a crash between the two.
    while judged.book.look().hours:
        pass
    noon = begin_us(city, 1) + 12 * HOUR_US
    assert figures(query, "hour")["spiking", noon] == (Decimal("67.333"), 6)
    Judged.on(store, city, now_us)
    assert figures(query, "hour")["spiking", noon] == (Decimal("20.800"), 5)


@EMPTY
def test_a_database_that_goes_away_between_flags_and_figures_costs_only_time(
    store: Store, city: Registry, now_us: int, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = Judged.on(store, city, now_us)
    judged.live.take(readings(city))
    flush = store.flush

    def away(wanted: Flush) -> Flushed:
        if wanted.weighed is not None:
            raise StoreUnavailable("the server is away")
        return flush(wanted)

    monkeypatch.setattr(store, "flush", away)
    with pytest.raises(StoreUnavailable):
        judged.judge()
    noon = begin_us(city, 1) + 12 * HOUR_US
    assert figures(query, "hour")["spiking", noon] == (Decimal("67.333"), 6)
    monkeypatch.setattr(store, "flush", flush)
    judged.live.work()
    assert figures(query, "hour")["spiking", noon] == (Decimal("20.800"), 5)
    assert left_behind(query)["changed"] == [(0,)]


@EMPTY
def test_the_recomputation_agrees_with_the_engine(store: Store, city: Registry, now_us: int, query: Query) -> None:
    judged = Judged.on(store, city, now_us)
    for part in shuffled(readings(city), 3):
        judged.take(part)
    stretches = Stretches(store, Calendar(city.city.zone_info))
    span = stretches.whole(TIME_MIN_US, TIME_MAX_US)
    assert span is not None

    def differences(*, mend: bool = False) -> Counter[str]:
        work = Recomputation(store, city, judged.live.registered, stretches, now_us=now_us, mend=mend)
        return Counter(table for step in work.run(*span, lambda done: None) for table, _ in step.differences)

    assert not differences()
    before = left_behind(query)
    query("UPDATE window_excluded SET count = count - 1 WHERE count > 1")
    query("DELETE FROM observation_flag WHERE rule = 2")
    query("INSERT INTO observation_flag SELECT time, series_id, 1, true FROM observation ORDER BY time LIMIT 1")
    found = differences()
    assert found["observation_flag"] == 2
    assert found["window_excluded"] > 3
    assert differences(mend=True)["observation_flag"] == 2
    assert not differences()
    judged.judge()
    assert left_behind(query) == before


def test_the_flags_that_stand_are_those_of_the_observations_alone(store: Store, city: Registry) -> None:
    store.register(city)
    book = QualityBook(store, city)
    from_us, to_us = begin_us(city), begin_us(city, DAYS)
    wanted, stored = book.wanted(from_us, to_us), book.stored(from_us, to_us)
    assert len(wanted) == len(stored) > 3 * PER_DAY
    assert len(wanted.without(stored)) == len(stored.without(wanted)) == 0
    assert {Rule(rule) for rule in wanted.rule.tolist()} == set(Rule)
