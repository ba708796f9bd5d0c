"""Messages of nobody: each is counted, and so many are kept."""

from __future__ import annotations

from ingest.intake import IntakeFault
from ingest.strangers import SINGLY_MAX, TOPICS_MAX, Strangers


def arrive(strangers: Strangers, topics: list[str]) -> list[IntakeFault]:
    """One group of messages of these topics."""
    faults: list[IntakeFault] = []
    for message, topic in enumerate(topics):
        if not strangers.folded(topic, faults):
            faults.append(IntakeFault(message, 1, topic, 1))
    return faults


def test_beyond_a_number_one_message_of_a_topic_is_kept_for_each_group_and_every_one_is_counted() -> None:
    strangers = Strangers()
    first = arrive(strangers, ["a"] * (SINGLY_MAX + 5) + ["b"])
    assert [len([fault for fault in first if fault.detail == topic]) for topic in "ab"] == [SINGLY_MAX + 1, 1]
    assert sum(fault.readings for fault in first) == SINGLY_MAX + 6
    again = arrive(strangers, ["a", "b", "a", "a"])
    assert [(fault.detail, fault.readings) for fault in again] == [("a", 3), ("b", 1)]


def test_topics_beyond_a_number_share_one_row_of_each_group() -> None:
    strangers = Strangers()
    arrive(strangers, [str(number) for number in range(TOPICS_MAX)])
    assert [fault.readings for fault in arrive(strangers, ["x", "y", "0", "z"])] == [3, 1]
