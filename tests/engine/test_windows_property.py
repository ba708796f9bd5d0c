"""Whatever the order, the batches and the comings and goings of cells, the figures are those of the oracle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.measurands import Kind
from engine import Calendar, Spans
from tests.engine.desk import Desk
from tests.examples import examples
from tests.oracle import HOUR_US, MINUTE_US, Edges, Fact, Reading, cells

FACTS = [
    Fact(Kind.GAUGE, low=-1000, high=1000),
    Fact(Kind.COUNTER, modulus=1000, rate=400),
    Fact(Kind.COUNTER, high=10**13, interval_us=HOUR_US),
    Fact(Kind.LEVEL, high=1300),
    Fact(Kind.ANGLE, high=3600),
    Fact(Kind.STATE, high=3, interval_us=20 * MINUTE_US),
    Fact(Kind.EVENT, high=500),
    Fact(Kind.STATE, high=1, interval_us=11 * HOUR_US),
]

# Nights when the clock changes: an hour twice, an hour left out, half an hour, a day left out, a change at 00:01.
NIGHTS = {
    "Europe/Madrid": datetime(2016, 10, 28, 22, tzinfo=UTC),
    "America/New_York": datetime(2021, 3, 12, 5, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2021, 4, 2, 13, tzinfo=UTC),
    "Pacific/Apia": datetime(2011, 12, 28, 10, tzinfo=UTC),
    "America/St_Johns": datetime(2009, 10, 31, 2, 30, tzinfo=UTC),
}


@cache
def calendar(zone: str) -> Calendar:
    return Calendar(ZoneInfo(zone), 2008, 2022)


@cache
def edges(zone: str) -> Edges:
    return Edges.of(ZoneInfo(zone), NIGHTS[zone], NIGHTS[zone] + timedelta(days=5))


@cache
def instants(zone: str) -> st.SearchStrategy[int]:
    """Instants of four days: anywhere, and on and beside the edges of hours."""
    found = edges(zone)
    first, last = found.days[0], found.days[-2]
    near = [edge + step for edge in found.hours if first < edge < last for step in (-1, 0, 1, 7 * MINUTE_US)]
    return st.one_of(st.integers(first, last - 1), st.sampled_from(near))


@st.composite
def readings(draw: st.DrawFn, zone: str, count_max: int = 40) -> list[Reading]:
    """Readings of all kinds, each (slot, time) once, in any order, a few of them outside their range."""
    pairs = st.tuples(st.integers(0, len(FACTS) - 1), instants(zone))
    found: list[Reading] = []
    for slot, time_us in draw(st.lists(pairs, max_size=count_max, unique=True)):
        fact = FACTS[slot]
        found.append((slot, time_us, draw(st.integers(fact.low, fact.high + fact.high // 20))))
    return found


def whole_hours(zone: str, slot: int, a: int, b: int) -> Spans:
    hours = edges(zone).hours
    first, last = sorted((a % (len(hours) - 1), b % (len(hours) - 1)))
    return Spans.of([slot], [hours[first]], [hours[last + 1]])


STEPS = ("go on", "flush", "evict", "flush and evict", "restart", "crash", "recompute")


@pytest.mark.parametrize("zone", NIGHTS)
@settings(max_examples=examples(60), deadline=None)
@given(data=st.data())
def test_any_order_and_any_interleaving_gives_the_cells_of_the_oracle(zone: str, data: st.DataObject) -> None:
    desk = Desk(FACTS, calendar(zone))
    given_readings = data.draw(readings(zone))
    waiting = list(given_readings)
    while waiting:
        size = data.draw(st.integers(1, len(waiting)), label="batch")
        desk.feed(waiting[:size])
        waiting = waiting[size:]
        step = data.draw(st.sampled_from(STEPS), label="step")
        if "flush" in step:
            desk.flush()
        if "evict" in step:
            keep_us = data.draw(st.sampled_from((0, 30 * HOUR_US)), label="keep")
            desk.evict(data.draw(instants(zone), label="before"), keep_us)
        if step in ("restart", "crash"):
            desk.restart(crash=step == "crash")
        if step == "recompute":
            numbers = st.integers(0, 200)
            slot = data.draw(st.integers(0, len(FACTS) - 1), label="slot")
            desk.recompute(whole_hours(zone, slot, data.draw(numbers), data.draw(numbers)))
    expected, decisions = cells(given_readings, FACTS, edges(zone))
    assert desk.result() == expected
    assert set(desk.decisions.values()) == decisions


@pytest.mark.parametrize("zone", NIGHTS)
@settings(max_examples=examples(40), deadline=None)
@given(data=st.data())
def test_many_readings_of_few_hours_give_the_cells_of_the_oracle(zone: str, data: st.DataObject) -> None:
    """What lies within one hour goes another way through the kernels than what is shared out."""
    days = edges(zone).days
    inside = [hour for hour in edges(zone).hours if days[0] <= hour < days[-2] - 3 * HOUR_US]
    first = data.draw(st.sampled_from(inside))
    facts = [*FACTS, Fact(Kind.STATE, high=2, interval_us=5 * MINUTE_US)]
    ordered = [slot for slot, fact in enumerate(facts) if fact.kind in (Kind.COUNTER, Kind.STATE)]
    pairs = st.tuples(st.sampled_from(ordered), st.integers(first, first + 3 * HOUR_US))
    drawn = data.draw(st.lists(pairs, min_size=20, max_size=60, unique=True))
    found: list[Reading] = []
    for slot, time_us in sorted(drawn, key=lambda pair: pair[1]):
        fact = facts[slot]
        found.append((slot, time_us, data.draw(st.integers(fact.low, fact.high + fact.high // 20))))
    desk, at = Desk(facts, calendar(zone)), 0
    while at < len(found):
        size = data.draw(st.integers(1, len(found)), label="batch")
        desk.feed(found[at : at + size])
        at += size
    expected, decisions = cells(found, facts, edges(zone))
    assert desk.result() == expected
    assert set(desk.decisions.values()) == decisions


@settings(max_examples=examples(40), deadline=None)
@given(data=st.data())
def test_the_order_of_arrival_changes_no_bit(data: st.DataObject) -> None:
    zone = "Europe/Madrid"
    found = data.draw(readings(zone, 60))
    shuffled = data.draw(st.permutations(found))
    one, two = Desk(FACTS, calendar(zone)), Desk(FACTS, calendar(zone))
    one.feed(found)
    for reading in shuffled:
        two.feed([reading])
    assert one.result() == two.result()
    assert one.decisions == two.decisions


@settings(max_examples=examples(30), deadline=None)
@given(data=st.data())
def test_hours_add_up_to_days_exactly(data: st.DataObject) -> None:
    zone = "Australia/Lord_Howe"
    desk = Desk(FACTS, calendar(zone))
    desk.feed(data.draw(readings(zone)))
    _, hours, days = desk.result()
    total: dict[tuple[int, int], np.ndarray] = {}
    for (slot, start), figures in hours.items():
        key = slot, edges(zone).day(start)
        total[key] = total.get(key, np.zeros(5, np.int64)) + np.array([figures[0], *figures[3:]])
    assert {k: tuple(v) for k, v in total.items()} == {k: (v[0], *v[3:]) for k, v in days.items()}
