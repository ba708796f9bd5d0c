"""When the gateway listened: up to the last byte, not through a loss, a pause, or time in which it stood still."""

from __future__ import annotations

import numpy as np

from devices import FLAG_TIME_FROM_ARRIVAL, TIME_MAX_US, TIME_MIN_US
from engine.listening import BROKER, DATABASE, PROCESS, Away, Report
from ingest.gateway import heard_in
from ingest.intake import Intake
from ingest.presence import STILL_US_MAX, Presence
from tests.ingest.messages import small_limits

S = 1_000_000
NOTHING_WAITS = TIME_MAX_US


class Clock:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.us = 1000 * S

    def __call__(self) -> int:
        return self.us


def joined() -> tuple[Clock, Presence]:
    """A presence that has joined at second 1001, after its process began at 1000."""
    clock = Clock()
    presence = Presence(clock)
    clock.us += S
    presence.joined()
    return clock, presence


def report(presence: Presence) -> Report:
    return presence.report(NOTHING_WAITS)


def test_before_the_first_connection_nothing_was_heard_since_the_last_process() -> None:
    clock = Clock()
    presence = Presence(clock)
    first = report(presence)
    assert first == Report(TIME_MIN_US, (Away(PROCESS, TIME_MIN_US, 1000 * S), Away(BROKER, 1000 * S)))
    clock.us += 5 * S
    presence.joined()
    assert report(presence) == Report(1005 * S, (Away(BROKER, 1000 * S, 1005 * S),))
    assert report(presence) == Report(1005 * S)


def test_it_listened_up_to_the_last_byte_and_to_what_is_not_committed_yet() -> None:
    clock, presence = joined()
    report(presence)
    clock.us += S
    presence.alive()
    clock.us += S
    presence.turned(paused=False)
    assert report(presence) == Report(1002 * S)
    assert presence.report(1001 * S + 5) == Report(1001 * S + 5)


def test_a_lost_connection_counts_from_the_last_byte_until_it_is_back() -> None:
    clock, presence = joined()
    presence.alive()
    report(presence)
    for _ in range(30):
        clock.us += S
        presence.turned(paused=False)
    presence.left("silent", stopped=False)
    assert report(presence) == Report(1001 * S, (Away(BROKER, 1001 * S, detail="silent"),))
    clock.us += S
    presence.joined()
    assert report(presence) == Report(1032 * S, (Away(BROKER, 1001 * S, 1032 * S, "silent"),))


def test_a_process_that_stood_still_says_so_and_is_not_the_brokers_absence() -> None:
    clock, presence = joined()
    report(presence)
    clock.us += STILL_US_MAX + 1
    presence.alive()
    assert report(presence).away == (Away(PROCESS, 1001 * S, clock.us, "stood still for 2.0 s"),)
    before_us = clock.us
    clock.us += 60 * S
    presence.left("the broker gave us up", stopped=False)
    still, lasting = report(presence).away
    assert (still.cause, still.from_us, still.to_us) == (PROCESS, before_us, clock.us)
    assert (lasting.cause, lasting.from_us, lasting.to_us) == (BROKER, clock.us, TIME_MAX_US)


def test_time_in_which_it_did_not_read_is_told_once() -> None:
    clock, presence = joined()
    report(presence)
    for paused in (True, True, False):
        clock.us += S
        presence.turned(paused=paused)
    assert report(presence).paused_us == 2 * S
    assert report(presence).paused_us == 0


def test_the_databases_absence_is_handed_on_and_an_ordered_end_is_no_loss() -> None:
    _, presence = joined()
    report(presence)
    away = Away(DATABASE, 3, 4, "did not answer")
    presence.away(away)
    presence.left("", stopped=True)
    assert report(presence) == Report(1001 * S, (away,))


def test_who_was_heard_is_every_known_device_but_not_by_what_the_broker_had_retained() -> None:
    intake = Intake(small_limits())
    intake.message_count, intake.reading_count = 5, 5
    intake.device[:5] = [2, -1, 0, 1, 2]
    intake.retained[:5] = [False, False, True, False, False]
    intake.received_us[:5] = np.arange(100, 105)
    intake.reading_message[:5] = [0, 0, 0, 1, 4]
    intake.time_us[:5] = [7, 9, 8, 50, 104]
    intake.flags[:5] = [0, 0, 0, 0, FLAG_TIME_FROM_ARRIVAL]
    heard = heard_in(intake, 3)
    assert heard.device.tolist() == [2, 1, 2]
    assert heard.received_us.tolist() == [100, 103, 104]
    # The newest of its own times; none where the message was garbage, or carried no time.
    assert heard.newest_us.tolist() == [9, TIME_MIN_US, TIME_MIN_US]
