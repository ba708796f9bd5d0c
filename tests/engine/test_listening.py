"""The listening clock: it stands while we are away and while a backlog drains; absences are told once and joined."""

from __future__ import annotations

import numpy as np

from devices.series import TIME_MAX_US, TIME_MIN_US
from engine.listening import (
    BROKER,
    DATABASE,
    DOWNTIME_US_MIN,
    MERGE_US,
    PROCESS,
    SETTLE_US_MAX,
    Away,
    Downtime,
    Listening,
    Report,
)

S = 1_000_000


def test_the_first_time_ever_nothing_is_missing() -> None:
    listening = Listening()
    assert listening.advance(Report(TIME_MIN_US, (Away(PROCESS, TIME_MIN_US, 5 * S),)), 5 * S) == []
    assert listening.advance(Report(9 * S, (Away(BROKER, 5 * S, 9 * S),)), 9 * S) == []
    assert listening.advance(Report(19 * S), 19 * S) == []
    assert (listening.heard_to_us, listening.listened_us, listening.settling) == (19 * S, 10 * S, False)


def test_an_absence_is_counted_once_however_often_and_by_whom_it_is_told() -> None:
    listening = Listening(0)
    away = (Away(BROKER, 10 * S, 20 * S), Away(DATABASE, 15 * S, 30 * S), Away(BROKER, 12 * S, 18 * S))
    told = listening.advance(Report(60 * S, away), 60 * S)
    assert told == [Downtime(BROKER, 10 * S, 20 * S, ""), Downtime(DATABASE, 15 * S, 30 * S, "")]
    # 10 before, and none since: as long as it lasted it settles.
    assert listening.listened_us == 10 * S
    listening.judge(0, 1.0)
    assert not listening.settling
    listening.advance(Report(65 * S), 65 * S)
    assert listening.listened_us == 15 * S


def test_an_absence_that_is_told_before_its_time_is_reached_is_not_forgotten() -> None:
    listening = Listening(0)
    listening.advance(Report(5 * S, (Away(DATABASE, 10 * S, 20 * S),)), 5 * S)
    listening.advance(Report(12 * S), 12 * S)
    listening.advance(Report(25 * S), 25 * S)
    assert listening.listened_us == 10 * S


def test_an_absence_that_lasts_is_told_when_it_is_long_enough_and_again_when_it_ends() -> None:
    listening = Listening(0)
    lasting = Away(BROKER, 10 * S, detail="refused")
    assert listening.advance(Report(10 * S, (lasting,)), 10 * S + DOWNTIME_US_MIN - 1) == []
    row = Downtime(BROKER, 10 * S, TIME_MAX_US, "refused")
    assert listening.advance(Report(10 * S, (lasting,)), 10 * S + DOWNTIME_US_MIN) == [row]
    assert listening.advance(Report(10 * S, (lasting,)), 12 * S) == []
    ended = Away(BROKER, 10 * S, 14 * S, "refused")
    assert listening.advance(Report(14 * S, (ended,)), 14 * S) == [row._replace(to_us=14 * S)]
    # A connection that breaks again at once is the same absence.
    again = Away(BROKER, 14 * S + MERGE_US, 20 * S + MERGE_US, "refused")
    assert listening.advance(Report(30 * S, (again,)), 30 * S) == [row._replace(to_us=20 * S + MERGE_US)]
    other = Away(BROKER, 21 * S + 2 * MERGE_US, 30 * S + 2 * MERGE_US, "refused")
    assert listening.advance(Report(60 * S, (other,)), 60 * S) == [Downtime(*other_fields(other))]


def other_fields(away: Away) -> tuple[str, int, int, str]:
    return away.cause, away.from_us, away.to_us, away.detail


def test_a_process_is_down_since_the_last_one_was_heard_of() -> None:
    listening = Listening(100 * S, 40 * S)
    (row,) = listening.advance(Report(TIME_MIN_US, (Away(PROCESS, TIME_MIN_US, 150 * S),)), 151 * S)
    assert row == Downtime(PROCESS, 100 * S, 150 * S, "")
    listening.advance(Report(160 * S), 160 * S)
    assert (listening.listened_us, listening.away_us[PROCESS]) == (40 * S, 50 * S)


def test_time_in_which_we_did_not_read_is_not_listened() -> None:
    listening = Listening(0)
    listening.advance(Report(10 * S, paused_us=4 * S), 10 * S)
    assert (listening.heard_to_us, listening.listened_us) == (10 * S, 6 * S)


def test_a_clock_that_steps_back_stops_the_listening_clock_until_it_has_caught_up() -> None:
    listening = Listening(0)
    listening.advance(Report(10 * S), 10 * S)
    listening.advance(Report(5 * S), 5 * S)
    listening.advance(Report(12 * S), 12 * S)
    assert (listening.heard_to_us, listening.listened_us) == (12 * S, 12 * S)


def test_a_long_absence_is_settled_when_messages_come_no_faster_than_usual() -> None:
    day_us, due = 86_400 * S, 100 / S  # a hundred messages a second are usual
    listening = Listening(0)
    listening.advance(Report(day_us + S, (Away(PROCESS, 0, day_us),)), day_us + S)
    listening.judge(0, due)
    assert listening.settling, "devices are waited for"
    at = day_us + SETTLE_US_MAX
    listening.advance(Report(at), at)
    listening.judge(500_000, due)
    for came, settling in ((5_000, True), (50_000, True), (150, False)):
        at += S
        listening.advance(Report(at), at)
        listening.judge(came, due)
        assert listening.settling is settling
    assert listening.listened_us == 0
    listening.advance(Report(at + 5 * S), at + 5 * S)
    assert listening.listened_us == 5 * S


def test_an_arrival_in_a_step_stands_where_the_clock_stood() -> None:
    listening = Listening(0)
    listening.advance(Report(10 * S), 10 * S)
    listening.advance(Report(30 * S, (Away(DATABASE, 12 * S, 20 * S),)), 30 * S)
    at = np.array([3, 11, 15, 25], np.int64) * S
    assert (listening.listened_at(at) // S).tolist() == [10, 11, 12, 12]
    # In the absence and in what drains after it there is no such time: it is later than the arrival.
    assert listening.clear_us(at).tolist() == [0, 0, 30 * S, TIME_MAX_US]
