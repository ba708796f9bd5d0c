"""Who is silent, by the rules and by the slow twin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.series import TIME_MAX_US, TIME_MIN_US
from engine.habits import UNKNOWN
from engine.listening import BROKER, PROCESS, Away, Heard, Listening, Report
from engine.settings import SilenceSettings
from engine.silence import Episode, Fleet, Known, Silence, State
from tests.engine.oracle_silence import CLOCK_MAX, SlowDevice, SlowListening, SlowWatch
from tests.examples import examples

SETTINGS = SilenceSettings(clock_us_max=CLOCK_MAX)
S = 1_000_000


def fleet(*intervals_us: int, gateway: list[int] | None = None, serves: list[tuple[int, int]] | None = None) -> Fleet:
    n = len(intervals_us)
    ends = np.array(serves or [(TIME_MIN_US, TIME_MAX_US)] * n, np.int64)
    at = np.array(gateway or [0] * n, np.int32)
    return Fleet(at, int(at.max()) + 1, np.array(intervals_us, np.int64), ends[:, 0].copy(), ends[:, 1].copy())


def heard(*messages: tuple[int, int] | tuple[int, int, int | None]) -> Heard:
    rows = sorted(messages, key=lambda m: m[1])
    newest = [TIME_MIN_US if len(m) < 3 or m[2] is None else m[2] for m in rows]
    columns = ([m[0] for m in rows], [m[1] for m in rows], newest)
    return Heard(np.array(columns[0], np.int32), np.array(columns[1], np.int64), np.array(columns[2], np.int64))


class Town:
    """A watch and its clock, stepped by hand; times in seconds."""

    def __init__(self, of: Fleet, **more: Any) -> None:
        self.listening = Listening()
        self.watch = Silence(of, SilenceSettings(**more), self.listening)
        self.devices = len(of)
        self.to(0)

    def to(self, at_s: float, *messages: tuple[int, float], away: tuple[Away, ...] = ()) -> list[Episode]:
        """Go on to a time; messages are (device, second)."""
        self.listening.advance(Report(int(at_s * S), away), int(at_s * S))
        self.watch.hear(heard(*((device, int(second * S)) for device, second in messages)))
        return self.watch.check()

    def reports(self, from_s: int, to_s: int, *devices: int, every_s: int = 10) -> list[Episode]:
        """Let devices report at a pace."""
        found = []
        for at_s in range(from_s + every_s, to_s + 1, every_s):
            found += self.to(at_s, *((device, at_s) for device in devices))
        return found

    def states(self) -> list[State]:
        return [State(state) for state in self.watch.known.state]


def test_a_device_is_late_then_silent_then_back_with_the_arrivals_as_ends() -> None:
    town = Town(fleet(10 * S, 10 * S))
    assert town.to(5, (0, 5), (1, 5)) == []
    assert town.to(20, (1, 15)) == []
    assert town.states() == [State.OK, State.OK]
    town.to(21, (1, 21))
    assert town.states() == [State.LATE, State.OK]
    assert town.to(35, (1, 31)) == []
    (begun,) = town.to(36, (1, 36))
    assert (begun.gateway, begun.who, begun.started_us, begun.ended_us) == (False, 0, 5 * S, TIME_MAX_US)
    assert (begun.interval_us, begun.allowed_us) == (10 * S, 30 * S)
    assert town.states() == [State.SILENT, State.OK]
    (ended,) = town.to(50, (0, 41), (0, 47), (1, 47))
    assert (ended.who, ended.started_us, ended.ended_us) == (0, 5 * S, 41 * S)
    assert town.states() == [State.OK, State.OK]


def test_a_device_that_never_reported_is_never_silent() -> None:
    town = Town(fleet(10 * S))
    assert town.to(10_000) == []
    assert town.states() == [State.NEVER]


def test_all_devices_of_a_gateway_make_one_silence_and_none_of_their_own() -> None:
    town = Town(fleet(*[10 * S] * 8, gateway=[0] * 5 + [1] * 3))
    phases = (1, 3, 5, 7, 9)
    for at in range(0, 60, 10):
        town.to(at + 10, *((i, at + phase) for i, phase in enumerate(phases)), *((5 + i, at + 9) for i in range(3)))
    found = []
    for at in range(61, 110):
        found += town.to(at, *((5 + i, at) for i in range(3)))
    (begun,) = found
    assert (begun.gateway, begun.who, begun.started_us, begun.devices) == (True, 0, 59 * S, 5)
    assert town.states() == [State.SILENT] * 5 + [State.OK] * 3
    # One of five is more than a tenth: it is back. The others have their interval to come back as well.
    (ended,) = town.to(111, (0, 110.5), (5, 111), (6, 111), (7, 111))
    assert (ended.gateway, ended.who, ended.started_us, ended.ended_us) == (True, 0, 59 * S, 110_500_000)
    assert town.states() == [State.OK] * 8
    found = []
    for at in range(112, 150):
        found += town.to(at, *((device, at) for device in (0, 5, 6, 7)))
    # They did not: now each stands for itself, since it was last heard.
    assert [(e.gateway, e.who, e.started_us) for e in found] == [(False, i, (50 + phases[i]) * S) for i in range(1, 5)]


def test_two_devices_of_a_gateway_are_two_devices() -> None:
    town = Town(fleet(10 * S, 10 * S))
    town.to(5, (0, 5), (1, 5))
    assert [(e.gateway, e.who) for e in town.to(36)] == [(False, 0), (False, 1)]


def test_a_device_that_died_before_its_gateway_keeps_its_own_silence() -> None:
    town = Town(fleet(*[10 * S] * 4))
    town.to(1, (0, 1), (1, 1), (2, 1), (3, 1))
    (own,) = town.reports(0, 100, 1, 2, 3)
    assert (own.gateway, own.who) == (False, 0)
    found = [episode for at in range(101, 200) for episode in town.to(at)]
    assert [(e.gateway, e.devices, e.started_us) for e in found] == [(True, 3, 100 * S)]


def test_silences_of_devices_noticed_before_their_gateways_become_part_of_it() -> None:
    # Quick devices are overdue long before the slow ones are late.
    town = Town(fleet(*[10 * S] * 2, *[300 * S] * 4))
    town.to(100, *((i, 100) for i in range(6)))
    assert [(e.gateway, e.who, e.absorbed) for e in town.to(150)] == [(False, 0, False), (False, 1, False)]
    found = [episode for at in range(151, 1100, 10) for episode in town.to(at)]
    assert {(e.gateway, e.who, e.absorbed) for e in found} == {(True, 0, False), (False, 0, True), (False, 1, True)}


def test_a_gateway_of_which_few_devices_could_be_missed_yet_is_not_silent() -> None:
    # Three of eight are overdue; of the other five, which report once an hour, nothing is known yet.
    town = Town(fleet(*[10 * S] * 3, *[3600 * S] * 5))
    town.to(100, *((i, 100) for i in range(8)))
    found = [episode for at in range(101, 200) for episode in town.to(at)]
    assert [(e.gateway, e.who) for e in found] == [(False, 0), (False, 1), (False, 2)]


def test_our_own_absence_makes_nobody_silent_and_is_told_once() -> None:
    town = Town(fleet(*[10 * S] * 4))
    town.reports(0, 100, 0, 1, 2, 3)
    listened = town.listening.listened_us
    assert town.to(1000, away=(Away(PROCESS, 100 * S, 990 * S),)) == []
    assert town.states() == [State.OK] * 4
    assert town.listening.listened_us == listened
    # As long again they are waited for, then for their interval.
    assert town.to(1880) == []
    assert [e.gateway for at in range(1881, 1930) for e in town.to(at)] == [True]


def test_a_short_message_of_a_backlog_counts_as_heard_and_teaches_nothing() -> None:
    town = Town(fleet(10 * S))
    town.reports(0, 300, 0)
    assert town.watch.known.interval_us.tolist() == [10 * S]
    away = (Away(BROKER, 300 * S, 900 * S),)
    # Sixty messages that waited come within a second, two apart by more than what belongs to one report.
    assert town.to(1000, *((0, 900 + k * 1.1) for k in range(60)), away=away) == []
    assert town.watch.known.heard_us.tolist() == [int(964.9 * S)]
    assert (town.watch.known.interval_us.tolist(), town.watch.known.jitter_us.tolist()) == ([10 * S], [0])


def test_a_device_that_reports_less_often_than_declared_is_judged_by_what_it_does() -> None:
    town = Town(fleet(10 * S))
    found = [(at, e) for at in range(5, 3000, 5) for e in town.to(at, *([(0, at)] if at % 60 == 0 else []))]
    # Five pauses later it is known.
    assert 0 < len(found) <= 10
    assert max(at for at, _ in found) <= 360
    assert town.watch.known.interval_us.tolist() == [60 * S]


def test_a_device_that_reports_more_often_than_declared_is_held_to_what_was_declared() -> None:
    town = Town(fleet(100 * S))
    town.reports(0, 1000, 0)
    assert town.to(1300) == []
    assert len(town.to(1301)) == 1


def test_two_lost_messages_in_fifteen_do_not_change_what_was_learned() -> None:
    town = Town(fleet(10 * S))
    town.reports(0, 150, 0)
    town.to(170, (0, 170))
    town.to(190, (0, 190))
    assert (town.watch.known.interval_us.tolist(), town.watch.known.jitter_us.tolist()) == ([10 * S], [0])


def test_a_device_out_of_service_is_not_silent_and_ends_its_silence() -> None:
    town = Town(fleet(10 * S, 10 * S, serves=[(TIME_MIN_US, 50 * S), (TIME_MIN_US, TIME_MAX_US)]))
    town.to(5, (0, 5), (1, 5))
    assert len(town.to(40, (1, 40))) == 1
    (ended,) = town.to(60, (1, 60))
    assert (ended.who, ended.ended_us, ended.detail) == (0, 50 * S, "left service")
    assert town.states() == [State.OUT, State.OK]
    assert town.reports(60, 200, 1) == []


def test_times_of_readings_do_not_matter_to_silence_but_show_the_clock() -> None:
    watch, listening = (town := Town(fleet(*[10 * S] * 4))).watch, town.listening
    for at in range(10, 200, 10):
        listening.advance(Report(at * S), at * S)
        # Right; four minutes fast; a day slow; and a history replayed a thousand times as fast as it was.
        carried = (at, at + 240, at - 86_400, (at - 200) * 1000)
        watch.hear(heard(*((i, at * S, int(t * S)) for i, t in enumerate(carried))))
        assert watch.check() == []
    assert watch.known.offset_us.tolist() == [0, 240 * S, -86_400 * S, UNKNOWN]


def test_what_was_known_goes_on_after_a_restart() -> None:
    town = Town(fleet(10 * S, 10 * S))
    town.reports(0, 200, 0, 1)
    (begun,) = town.reports(200, 300, 1)
    known = town.watch.known
    assert isinstance(known, Known)
    town.listening = Listening(town.listening.heard_to_us, town.listening.listened_us)
    town.watch = Silence(fleet(10 * S, 10 * S), SilenceSettings(), town.listening, known)
    assert town.to(400, away=(Away(PROCESS, TIME_MIN_US, 390 * S),)) == []
    assert town.states() == [State.SILENT, State.OK]
    (ended,) = town.to(500, (0, 450), (1, 450))
    assert (ended.who, ended.started_us, ended.ended_us) == (0, begun.started_us, 450 * S)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("intervals", 1), ("devices_min", 1), ("heartbeat_s", 0), ("clock_us_max", 0), ("days_max", 0)],
)
def test_settings_outside_their_limits_are_named(setting: str, value: int) -> None:
    (fault,) = SilenceSettings(**{setting: value}).faults()  # type: ignore[arg-type]
    assert fault.startswith(f"{setting}: expected")


# ---- the slow twin ---------------------------------------------------------------------------------------------------


@dataclass
class Step:
    """One step of a made-up history.

    Attributes:
        length: microseconds.
        away: share of the step, from its begin, in which we were away; 0 for none.
        sends: devices that send in it, at these shares of the step, with the offset of their clock.
    """

    length: int
    away: float
    sends: list[tuple[int, float, int | None]] = field(default_factory=list)


DEVICES = 7
SHARES = st.integers(1, 16).map(lambda n: n / 16)
STEPS = st.lists(
    st.builds(
        Step, length=st.integers(1, 30), away=st.sampled_from([0, 0, 0, 0, 0.5, 1]),
        sends=st.lists(
            st.tuples(st.integers(0, DEVICES - 1), SHARES, st.sampled_from([None, 0, 25, -60])), max_size=8
        ),
    ),
    min_size=5, max_size=30,
)  # fmt: skip
INTERVALS = st.lists(st.sampled_from([4, 8, 16]), min_size=DEVICES, max_size=DEVICES)
GATEWAYS = st.sampled_from([[0] * 7, [0, 0, 0, 1, 1, 1, 1], [0, 1, 0, 0, 2, 0, 0]])
ENDS = st.sampled_from([TIME_MAX_US, TIME_MAX_US, 150])


def kinds(episodes: list[Episode]) -> list[tuple[str, int, int, int | None]]:
    return sorted(
        (
            "absorbed" if e.absorbed else "gateway" if e.gateway else "device", e.who, e.started_us,
            None if e.ended_us == TIME_MAX_US else e.ended_us,
        )
        for e in episodes
    )  # fmt: skip


@settings(max_examples=examples(300), deadline=None)
@given(steps=STEPS, intervals=INTERVALS, gateway=GATEWAYS, ends=ENDS)
def test_the_watch_finds_what_its_slow_twin_finds(
    steps: list[Step], intervals: list[int], gateway: list[int], ends: int
) -> None:
    serves = [(TIME_MIN_US, ends if i == 0 else TIME_MAX_US) for i in range(DEVICES)]
    listening = Listening(0)
    watch = Silence(fleet(*intervals, gateway=gateway, serves=serves), SETTINGS, listening)
    slow = SlowWatch(
        [SlowDevice(*facts) for facts in zip(gateway, intervals, serves, strict=True)], SlowListening(0, 0)
    )
    at = 0
    for step in steps:
        begin, at = at, at + step.length
        until = begin + int(step.away * step.length)
        away = [(begin, until)] if until > begin else []
        sends = sorted(
            ((i, begin + max(1, int(share * step.length)), offset) for i, share, offset in step.sends),
            key=lambda m: m[1],
        )
        messages = [(i, t, None if offset is None else t + offset) for i, t, offset in sends]
        listening.advance(Report(at, tuple(Away(BROKER, *span) for span in away)), at)
        watch.hear(heard(*messages))
        found = watch.check()
        slow.listening.advance(at, away)
        slow.hear(messages)
        expected = slow.check()
        assert listening.listened_us == slow.listening.listened(at)
        assert kinds(found) == sorted(expected, key=lambda c: (c[0], c[1], c[2], c[3] is not None, c[3] or 0))
        known = watch.known
        assert [State(s).name.lower() for s in known.state] == [d.state for d in slow.devices]
        assert list(zip(known.interval_us.tolist(), known.jitter_us.tolist(), strict=True)) == [
            d.learned for d in slow.devices
        ]
        assert known.offset_us.tolist() == [UNKNOWN if d.clock() is None else d.clock() for d in slow.devices]
