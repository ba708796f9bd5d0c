"""The engine, fed without a store, computes what the truth says, line by line, whatever the order of the readings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.indicators
import simulators.truth
from devices import ObservationBatch
from engine import Grid
from simulators import truth
from simulators.truth.definitions import DEFINITIONS, What
from tests.examples import examples
from tests.simulators.engine_tables import Engine, assert_equal
from tests.simulators.small_city import HOUR_US, NIGHTS, first_us, readings, registry, shuffled

SEEDS = st.integers(0, 2**32 - 1)


def engine_of(zone: str) -> Engine:
    year = NIGHTS[zone].year
    return Engine(registry(zone), year - 1, year + 1)


@pytest.mark.parametrize("zone", NIGHTS)
@settings(max_examples=examples(4), deadline=None)
@given(seed=SEEDS, portions=st.integers(1, 6))
def test_a_city_of_all_kinds_over_a_night_when_the_clock_changes(zone: str, seed: int, portions: int) -> None:
    batch = readings(zone, seed)
    computed = engine_of(zone)
    for part in np.array_split(np.arange(len(batch)), portions):
        computed.feed(batch.take(part))
    assert_equal(computed.tables(), truth.expected(registry(zone), shuffled(batch, seed)))


@settings(max_examples=examples(30), deadline=None)
@given(data=st.data())
def test_few_readings_anywhere(data: st.DataObject) -> None:
    zone = "Europe/Madrid"
    city = registry(zone)
    series = city.series()
    few = st.tuples(
        st.integers(0, city.slot_count() - 1), st.integers(0, 60 * HOUR_US) | st.integers(0, 60).map(HOUR_US.__mul__)
    )
    keys = sorted(data.draw(st.lists(few, unique=True, max_size=12)), key=lambda key: key[1])
    ticks = [data.draw(st.integers(int(series.low_ticks[s]), int(series.high_ticks[s]))) for s, _ in keys]
    batch = ObservationBatch.of([s for s, _ in keys], [first_us(zone) + at for _, at in keys], ticks)
    computed = engine_of(zone)
    if len(batch):
        computed.feed(batch)
    assert_equal(computed.tables(), truth.expected(city, shuffled(batch, 1)))


def test_a_figure_once_published_is_never_left_behind() -> None:
    # A first reading of ozone above 0.125 ppm, a second that brings the hour below it: evaluated after each.
    zone = "Asia/Seoul"
    city = registry(zone)
    slot = city.slot("Z", "o3")
    begin = first_us(zone) + 9 * HOUR_US
    for ticks in ((300_000, 10_000), (300_000, 300_000)):
        computed = engine_of(zone)
        for number, value in enumerate(ticks):
            computed.feed(ObservationBatch.of([slot], [begin + number], [value]))
        batch = ObservationBatch.concat(computed.given)
        assert_equal(computed.tables(), truth.expected(city, batch))


def test_the_definitions_are_those_of_the_engine() -> None:
    ours = {
        (d.code, d.window): (d.inputs, d.decimals, tuple(d.band_ends), {frozenset(a) for a in d.requires})
        for d in DEFINITIONS
    }
    theirs = {
        (one.code, one.window.name.lower()): (
            one.inputs, one.decimals, tuple(band.high for band in one.bands[:-1]),
            {frozenset(a) for a in one.required(traffic=False)},
        )
        for one in engine.indicators.INDICATORS
    }  # fmt: skip
    assert ours == theirs
    assert len(DEFINITIONS) == len(ours)
    indices = {one.code for one in engine.indicators.INDICATORS if one.index is not None}
    assert indices == {one.code for one in DEFINITIONS if one.what is What.INDEX}
    assert {one.window for one in engine.indicators.INDICATORS} == {Grid.HOUR, Grid.DAY}


@pytest.mark.parametrize("name", ["cai_korea.csv", "aqi_us_epa.csv", "eaqi.csv"])
def test_the_two_copies_of_a_breakpoint_table_are_the_same(name: str) -> None:
    ours, theirs = (Path(room.__file__).parent / "tables" / name for room in (simulators.truth, engine.indicators))
    assert ours.read_bytes() == theirs.read_bytes()
