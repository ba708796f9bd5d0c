"""Values of a field over time: a specification, keys and times made into ticks by integer arithmetic alone.

Knows forms of signals as columns, one row per device; knows no model, no message and no fault. The same key and times
give the same ticks on every machine and with every version of numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.clock import DAY_US, HOUR_US, SECOND_US
from simulators.fleet.chance import Words, below, words_at
from simulators.fleet.shapes import FULL, NOISE_FULL, daily, is_weekend, seasonal, wander, weather, white
from simulators.fleet.signal import Signal

Grid = NDArray[np.int64]
"""One row per device, one column per report."""
_SPREAD, _STARTED, _EPISODE, _CHANGE = (np.uint64(n << 56) for n in (1, 2, 3, 4))
MINUTE_US = 60 * SECOND_US
CUSTOMERS_MIN = 5


@dataclass(frozen=True, slots=True)
class Reports:
    """When the devices of a group report.

    Attributes:
        time_us: microseconds UTC. local_us: the same on the city's clock.
        interval_us: from one report to the next.
        begin_us, end_us: the fleet's time, to which the reports belong.
    """

    time_us: Grid
    local_us: Grid
    interval_us: int
    begin_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What the field can show.

    Attributes:
        low_ticks, high_ticks: plausible range. modulus_ticks: where the register rolls over; 0 for never.
        state_count: states of a field of kind STATE, else 0.
    """

    low_ticks: int
    high_ticks: int
    modulus_ticks: int = 0
    state_count: int = 0


def values(signal: Signal, key: Words, reports: Reports, limits: Limits) -> Grid:
    """Return the ticks of every report; `key` has one word per device.

    Forms `outage` and `outage_time` do not follow the reports: see `outages`. `rest` is `signal.mean_ticks` less the
    other field; see `rest`.
    """
    if signal.form == "each":
        return np.full_like(reports.time_us, signal.mean_ticks)
    if signal.form == "compass":
        turn = limits.high_ticks - limits.low_ticks
        degrees = signal.mean_ticks + signal.noise_ticks * weather(_column(key), reports.time_us) // NOISE_FULL
        return _stepped(degrees, signal.step_ticks) % turn
    level = _level(signal, key, reports)
    if signal.form == "states":
        return np.clip(level, 0, 99) * limits.state_count // 100
    if signal.form in ("meter", "count"):
        passed = _passed(level, reports.interval_us)
        if signal.form == "meter":
            return _register(signal, key, passed, limits)
        counted = passed // signal.step_ticks * signal.step_ticks
        return np.clip(np.diff(counted, axis=1, prepend=0), limits.low_ticks, limits.high_ticks)
    return np.clip(_stepped(level, signal.step_ticks), limits.low_ticks, limits.high_ticks)


def rest(signal: Signal, other: Grid) -> Grid:
    """Return what is left of a total when the other field has taken its part."""
    return np.maximum(signal.mean_ticks - other, 0)


def outages(signal: Signal, key: Words, reports: Reports) -> tuple[NDArray[np.int64], Grid, Grid, Grid]:
    """Return interruptions: row of the device, begin µs, end µs, customers; one in every `signal.every_days`.

    They begin and end within the fleet's time, at whole minutes; those that would reach over its end are left out.
    """
    none = np.empty(0, np.int64)
    if not signal.every_days:
        return none, none, none, none
    chunk_us = signal.every_days * DAY_US
    chunks = np.arange(reports.begin_us // chunk_us, reports.end_us // chunk_us + 1, dtype=np.int64)
    device = np.repeat(np.arange(key.size, dtype=np.int64), chunks.size)
    chunk = np.tile(chunks, key.size)
    words = words_at(key[device] ^ _EPISODE, chunk * 4)
    minutes = 3 + below(words_at(key[device] ^ _EPISODE, chunk * 4 + 1), signal.hours * 60 - 3)
    begin = chunk * chunk_us + below(words, chunk_us // MINUTE_US - signal.hours * 60) * MINUTE_US
    most = max(signal.by_ticks, CUSTOMERS_MIN + 1)
    customers = CUSTOMERS_MIN + signal.mean_ticks + below(words_at(key[device] ^ _EPISODE, chunk * 4 + 2), most)
    end = begin + minutes * MINUTE_US
    kept = (begin >= reports.begin_us) & (end < reports.end_us)
    return device[kept], begin[kept], end[kept], customers[kept]


def _column(key: Words) -> Words:
    return key[:, None]


def _stepped(ticks: Grid, step: int) -> Grid:
    return ticks if step == 1 else (ticks + step // 2) // step * step


def _level(signal: Signal, key: Words, reports: Reports) -> Grid:
    """Return the level that day, week, season, episodes and noise make, before any rounding to steps."""
    column, local = _column(key), reports.local_us
    level = np.full_like(local, signal.mean_ticks)
    if signal.swing_ticks:
        swing = signal.swing_ticks * daily(signal.shape, local) // FULL
        if signal.weekend_percent != 100:
            swing = np.where(is_weekend(local), swing * signal.weekend_percent // 100, swing)
        level += swing
    if signal.season_ticks:
        level += signal.season_ticks * seasonal(local) // FULL
    if signal.spread_percent:
        part = below(words_at(key ^ _SPREAD, np.zeros(key.size, np.int64)), 2 * signal.spread_percent + 1)
        level = level * (100 - signal.spread_percent + part[:, None]) // 100
    if signal.every_days and signal.by_ticks:
        level += signal.by_ticks * _episode(signal, column, reports.time_us) // FULL
    if signal.noise_ticks:
        level += signal.noise_ticks * _noise(signal, column, reports.time_us) // NOISE_FULL
    return level


def _noise(signal: Signal, column: Words, time_us: Grid) -> Grid:
    """Return noise: what flows jumps from report to report, what is measured wanders like the weather."""
    if signal.form in ("wave", "rest", "count"):
        return weather(column, time_us)
    return (wander(column, time_us, 45 * MINUTE_US) + white(column ^ np.uint64(2), time_us)) // 2


def _episode(signal: Signal, column: Words, time_us: Grid) -> Grid:
    """Return how far an episode is on, 0 to FULL: it rises in its first third and falls over the rest."""
    chunk_us, long_us = signal.every_days * DAY_US, signal.hours * HOUR_US
    chunk = time_us // chunk_us
    word = words_at(column ^ _EPISODE, chunk)
    begin = chunk * chunk_us + below(word, (chunk_us - long_us) // SECOND_US) * SECOND_US
    within = (time_us - begin) // SECOND_US
    rise, fall = long_us // (3 * SECOND_US), long_us // SECOND_US - long_us // (3 * SECOND_US)
    shape = np.where(within < rise, within * FULL // rise, (rise + fall - within) * FULL // fall)
    return np.where((within >= 0) & (within < rise + fall), shape, 0)


def _passed(per_hour: Grid, interval_us: int) -> Grid:
    """Return what has passed in all until each report, from levels per hour."""
    flow = np.maximum(per_hour, 0) * (interval_us // SECOND_US)
    return np.cumsum(flow, axis=1, dtype=np.int64) // 3600


def _register(signal: Signal, key: Words, passed: Grid, limits: Limits) -> Grid:
    """Return what a register shows: it starts somewhere, is reset or replaced now and then, and rolls over."""
    most = limits.modulus_ticks or limits.high_ticks // 2
    start = words_at(key ^ _STARTED, np.zeros(key.size, np.int64)).astype(np.uint64) % np.uint64(max(1, most // 2))
    shown = passed + start.astype(np.int64)[:, None]
    if signal.start == "rollover" and limits.modulus_ticks:
        shown = passed - passed[:, passed.shape[1] // 2, None] + limits.modulus_ticks
    changes = signal.resets + signal.swaps
    count = passed.shape[1]
    for number in range(changes if count > changes + 1 else 0):
        # Each in its own part of the time, so that they come one after the other.
        first, part = count * number // changes, max(1, count // changes - 1)
        word = words_at(key ^ _CHANGE, np.full(key.size, 2 * number, np.int64))
        at = np.minimum(first + 1 + below(word, part), count - 1)
        before = np.arange(key.size), at - 1
        begins = np.zeros(key.size, np.int64)
        if number < signal.swaps:
            # A meter that is put in shows less than half of what the one taken out did.
            fresh = words_at(key ^ _CHANGE, np.full(key.size, 2 * number + 1, np.int64))
            begins = (fresh % np.maximum(shown[before] // 2, 1).astype(np.uint64)).astype(np.int64)
        after = np.arange(count) >= at[:, None]
        shown = np.where(after, passed - passed[before][:, None] + begins[:, None], shown)
    shown = shown // signal.step_ticks * signal.step_ticks
    return shown % limits.modulus_ticks if limits.modulus_ticks else np.minimum(shown, limits.high_ticks)
