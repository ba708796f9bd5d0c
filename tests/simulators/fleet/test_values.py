"""What a fleet's devices say: the same on every machine, and as a city would."""

from __future__ import annotations

import hashlib
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import ObservationBatch, Registry
from simulators.clock import DAY_US, HOUR_US, SECOND_US
from simulators.fleet import Fleet, build
from simulators.fleet.chance import below, chosen, key, shuffled, words_at
from simulators.fleet.command import bundled_fleets
from simulators.fleet.shapes import FULL, NOISE_FULL, PROFILES, daily, is_weekend, seasonal, wander, weather
from simulators.fleet.signal import Signal
from simulators.fleet.values import Limits, Reports, values
from tests.simulators.fleet.make import GROUPS, TOWN, made

SMALL = "6f3b3e5e8bd661fbe7c66d0437c22231d3e083fcda632027ea4a64613e571d9f"
"""Digest of every message of the fleet `small`, plain and with faults: what a seed makes never changes."""
MASK = 2**64 - 1


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return build(bundled_fleets()["small"], tmp_path_factory.mktemp("small"))


def splitmix64(state: int) -> int:
    """The generator as published, in plain integers."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)


def of(batch: ObservationBatch, registry: Registry, device: str, field: str) -> np.ndarray:
    return batch.ticks[batch.slot == registry.slot(device, field)]


@given(st.integers(0, MASK), st.integers(0, 2**62))
def test_the_numbers_are_those_of_splitmix64(state: int, at: int) -> None:
    (word,) = words_at(state, np.array([at], np.int64)).tolist()
    assert word == splitmix64((state + at * 0x9E3779B97F4A7C15) & MASK)


def test_the_first_numbers_of_splitmix64_are_the_published_ones() -> None:
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert words_at(1234567, np.arange(5, dtype=np.int64)).tolist() == expected


def test_a_key_is_the_same_in_every_process_and_tells_names_apart() -> None:
    assert key(7, "air-east-001", "pm2_5") == 16999647779983408476
    assert key("ab", "c") != key("a", "bc")


@given(st.integers(0, MASK), st.integers(1, 2**31), st.integers(1, 500))
def test_draws_stay_below_their_limit_and_a_shuffle_loses_nothing(seed: int, limit: int, count: int) -> None:
    words = words_at(seed, np.arange(count, dtype=np.int64))
    drawn = below(words, limit)
    assert 0 <= drawn.min() <= drawn.max() < limit
    assert drawn.tolist() == [(word >> 32) * limit >> 32 for word in words.tolist()]
    assert not chosen(words, 0).any()
    assert chosen(words, 2**32).all()
    assert sorted(shuffled(seed, count).tolist()) == list(range(count))


@given(st.sampled_from(sorted(PROFILES)), st.integers(-(10**15), 4 * 10**15), st.integers(1, 2 * DAY_US))
def test_shapes_and_noise_stay_within_their_reach(profile: str, time_us: int, period_us: int) -> None:
    at = np.array([[time_us]], np.int64)
    word = np.array([[7]], np.uint64)
    assert -FULL <= daily(profile, at)[0, 0] <= FULL
    assert -FULL <= seasonal(at)[0, 0] <= FULL
    assert -NOISE_FULL <= wander(word, at, period_us + 1000)[0, 0] < NOISE_FULL
    assert -NOISE_FULL <= weather(word, at)[0, 0] < NOISE_FULL


def test_a_day_has_its_rush_hours_and_a_week_its_end() -> None:
    monday = np.array([(4 + n) * DAY_US for n in range(7)], np.int64)  # 1970-01-05 was a Monday
    assert is_weekend(monday).tolist() == [False] * 5 + [True] * 2
    hours = np.arange(24, dtype=np.int64) * HOUR_US
    assert daily("rush", hours).tolist() == list(PROFILES["rush"])
    assert daily("rush", hours[8:9] + HOUR_US // 2).tolist() == [(PROFILES["rush"][8] + PROFILES["rush"][9]) // 2]
    summer, winter = (np.array([day * DAY_US], np.int64) for day in (200, 15))
    assert seasonal(summer)[0] > 900
    assert seasonal(winter)[0] < -900


def digest(fleet: Fleet) -> str:
    found = hashlib.sha256()
    for way in ("in-order", "faults-shuffled"):
        for message in fleet.messages(way, 1, now_us=1_790_000_000_000_000):
            found.update(message.topic.encode() + b"\0" + message.payload + b"\0")
    for topic, payload in fleet.retained():
        found.update(topic.encode() + b"\0" + payload + b"\0")
    return found.hexdigest()


def test_one_seed_makes_the_same_bytes_for_ever(small: Fleet) -> None:
    assert digest(small) == SMALL


def test_another_seed_makes_another_city_of_the_same_size(tmp_path: Path) -> None:
    one, two = made(tmp_path / "one"), made(tmp_path / "two", town=TOWN.replace("seed = 7", "seed = 8"))
    assert one.plan().reading_count != 0
    assert [d.code for d in one.registry.devices] == [d.code for d in two.registry.devices]
    assert not np.array_equal(one.plan().ticks[:1000], two.plan().ticks[:1000])


def test_what_a_device_says_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    few, many = made(tmp_path / "few"), made(tmp_path / "many", groups=GROUPS.replace("count = 2", "count = 40"))
    one, other = (of(fleet.accepted(), fleet.registry, "water-west-002", "volume") for fleet in (few, many))
    assert np.array_equal(one, other)


def test_every_value_is_plausible_and_nearly_every_series_moves(small: Fleet) -> None:
    batch, series = small.accepted(), small.registry.series()
    assert np.all(batch.ticks >= series.low_ticks[batch.slot])
    assert np.all(batch.ticks <= series.high_ticks[batch.slot])
    moving = {"volume", "energy", "pm2_5", "temperature", "wind_direction", "sound_level", "load", "bikes", "vehicles"}
    for device in small.registry.devices:
        for field in small.registry.model_of(device).fields:
            if field.name in moving:
                assert np.unique(of(batch, small.registry, device.code, field.name)).size > 1, (device.code, field.name)


def test_meters_roll_over_are_reset_and_replaced(small: Fleet) -> None:
    batch, registry = small.accepted(), small.registry
    for number in (1, 2, 3):
        shown = of(batch, registry, f"water-hill-{number:03d}", "volume")
        (fall,) = np.flatnonzero(np.diff(shown) < 0)
        modulus = 10**12
        assert shown[fall] > modulus - 10**9
        assert shown[fall + 1] < 10**9
        assert np.all(np.diff(np.concatenate([shown[: fall + 1], shown[fall + 1 :] + modulus])) >= 0)
    energy = of(batch, registry, "power-harbour-002", "energy")
    falls = np.flatnonzero(np.diff(energy) < 0)
    assert falls.size == 2
    assert energy[falls[0] + 1] < energy[falls[0]] / 2
    assert energy[falls[1] + 1] < 1000  # within an hour of zero


def test_a_leak_shows_at_night() -> None:
    times = np.arange(0, 20 * DAY_US, HOUR_US, dtype=np.int64)[None, :]
    reports = Reports(times, times, HOUR_US, 0, 20 * DAY_US)
    signal = Signal("meter", "household", swing_ticks=30_000, every_days=20, hours=200, by_ticks=12_000)
    register = values(signal, words_at(3, np.arange(1, dtype=np.int64)), reports, Limits(0, 2**40))
    night = np.diff(register[0])[3::24]
    assert night.min() < 3_500
    assert night.max() > 10_000


def test_bicycles_and_docks_share_one_total(small: Fleet) -> None:
    batch, registry = small.accepted(), small.registry
    bikes, docks = (of(batch, registry, "bike-station-001", name) for name in ("bikes", "docks"))
    assert np.all(bikes + docks == 30)
    assert np.unique(bikes).size > 5


def test_an_interruption_counts_its_customers_at_the_start_and_their_minutes_at_the_end(small: Fleet) -> None:
    batch, registry = small.accepted(), small.registry
    found = 0
    for zone in ("harbour", "hill", "station"):
        code = f"grid-{zone}-001"
        begin, end = (
            batch.take(batch.slot == registry.slot(code, name)) for name in ("interrupted", "interrupted_time")
        )
        assert len(begin) == len(end)
        minutes = (end.time_us - begin.time_us) // (60 * SECOND_US)
        assert np.all(minutes >= 3)
        assert np.array_equal(end.ticks, begin.ticks * minutes)
        found += len(begin)
    assert found >= 3


def test_planned_interruptions_are_others_than_the_unplanned_and_end_their_own(tmp_path: Path) -> None:
    group = """
[[group]]
model = "outage_management"
prefix = "grid"
count = 3
[group.signal.interrupted]
every_days = 1
hours = 4
[group.signal.planned]
every_days = 1
hours = 4
"""
    fleet = made(tmp_path, groups=group)
    batch, registry = fleet.accepted(), fleet.registry
    begun = {}
    for start in ("interrupted", "planned"):
        for code in [device.code for device in registry.devices]:
            begin, end = (batch.take(batch.slot == registry.slot(code, name)) for name in (start, f"{start}_time"))
            assert np.array_equal(end.ticks, begin.ticks * ((end.time_us - begin.time_us) // (60 * SECOND_US)))
            begun[start, code] = begin.time_us.tolist()
    assert sum(map(len, begun.values())) > 6
    assert all(begun["interrupted", d.code] != begun["planned", d.code] for d in registry.devices)


def test_registers_and_columns_of_a_fleet_file_are_the_citys(tmp_path: Path) -> None:
    register = """
[[register]]
code = "population"
zone = "west"
value = 1200
unit = "inhabitants"
from = "2025-01-01"
source = "invented"
quality = "estimate"

[[register]]
code = "ghg_factor_gas"
value = 0.182540000000000000001
unit = "kg{CO2e}/(kW.h)"
from = "2022-01-01"
source = "a \\"quoted\\" list"
"""
    group = '[[group]]\nmodel = "sewer_gauge"\ncount = 1\ncolumns = { network = "drainage", monitored_km = "2.5" }\n'
    city = made(tmp_path, groups=register + GROUPS + group).registry
    factor = city.city.register("ghg_factor_gas", date(2025, 1, 1))
    assert factor is not None
    assert (factor.value, factor.source) == (Fraction("0.182540000000000000001"), 'a "quoted" list')
    west = city.city.register("population", date(2025, 1, 1), "west")
    assert west is not None
    assert (west.value, west.quality) == (1200, "estimate")
    columns = {d.model: dict(d.attributes) for d in city.devices}
    assert columns["sewer_gauge"] == {"network": "drainage", "monitored_km": "2.5"}
    assert columns["air_station"] == {}


def test_days_are_the_citys_own_and_the_clock_change_is_in_them(small: Fleet) -> None:
    begin_us, end_us = small.span_us
    assert end_us - begin_us == 47 * HOUR_US
    batch = small.accepted()
    assert begin_us <= batch.time_us.min()
    assert batch.time_us.max() < end_us
    # Every device reports at its interval through the change.
    times = batch.time_us[batch.slot == small.registry.slot("air-hill-001", "pm2_5")]
    assert np.all(np.diff(times) == 600 * SECOND_US)
    assert times.size == 47 * 6


def test_the_city_is_what_the_fleet_file_says(small: Fleet) -> None:
    city = small.registry.city
    assert (city.code, city.time_zone, city.population, city.households) == (
        "smallville",
        "Europe/Berlin",
        42000,
        20000,
    )
    assert [zone.code for zone in city.zones] == ["harbour", "hill", "station"]
    for device in small.registry.devices:
        (zone,) = [z for z in city.zones if z.code == device.zone]
        ring = zone.polygons[0][0]
        assert device.longitude is not None
        assert device.latitude is not None
        assert min(x for x, _ in ring) <= device.longitude <= max(x for x, _ in ring)
        assert min(y for _, y in ring) <= device.latitude <= max(y for _, y in ring)
    assert {d.gateway for d in small.registry.devices if d.model == "water_meter"} == {
        "meters-harbour", "meters-hill", "meters-station",
    }  # fmt: skip
