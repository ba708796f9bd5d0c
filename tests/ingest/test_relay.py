"""Intakes go round between the session and the committer: full one way, empty the other, and never more of them."""

from __future__ import annotations

import threading

from ingest import Intake, Relay
from tests.ingest.messages import small_limits


def test_an_intake_is_wanted_when_the_committer_waits_or_it_is_full() -> None:
    relay = Relay(small_limits())
    assert not relay.wants(full=False)
    assert relay.wants(full=True)
    waiting = threading.Event()
    relay.on_room = waiting.set
    taken: list[Intake | None] = []
    committer = threading.Thread(target=lambda: taken.append(relay.next(30.0)))
    committer.start()
    assert waiting.wait(120)
    intake = relay.take()
    assert intake is not None
    while not relay.wants(full=False):
        pass
    relay.put(intake)
    committer.join(120)
    assert taken == [intake]


def test_only_one_intake_is_handed_over_at_a_time() -> None:
    relay = Relay(small_limits())
    first = relay.take()
    assert first is not None
    relay.put(first)
    assert not relay.wants(full=True)
    assert relay.next(0) is first
    assert relay.wants(full=True)


def test_there_are_only_so_many_intakes_and_released_ones_come_back_empty() -> None:
    relay = Relay(small_limits())
    held = [relay.take() for _ in range(3)]
    assert None not in held
    assert relay.take() is None
    intake = held[0]
    assert intake is not None
    intake.message_count, intake.filled, intake.epoch = 5, 10, 3
    told = threading.Event()
    relay.on_room = told.set
    relay.release(intake)
    assert told.is_set()
    assert relay.take() is intake
    assert (intake.message_count, intake.filled, intake.epoch) == (0, 0, 0)


def test_a_closed_relay_gives_what_it_has_and_then_nothing() -> None:
    relay = Relay(small_limits())
    intake = relay.take()
    assert intake is not None
    relay.put(intake)
    relay.close()
    assert not relay.closed
    assert relay.next(30.0) is intake
    assert relay.closed
    assert relay.next(30.0) is None


def test_waiting_for_an_intake_ends_with_the_timeout() -> None:
    assert Relay(small_limits()).next(0.01) is None
