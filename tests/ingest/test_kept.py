"""Messages of the quarantine: rows of one message belong together, and every row is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.store import QuarantineEntry
from ingest.kept import Choice, kept_messages
from tests.examples import examples


def row(
    number: int, commit: int = 1, received_us: int = 5, topic: str = "a/b", payload: bytes = b"x", size: int = -1,
    reason: str = "malformed",
) -> QuarantineEntry:  # fmt: skip
    bytes_ = len(payload) if size < 0 else size
    return QuarantineEntry(number, received_us, reason, topic, "", "", 1, bytes_, payload, commit)


@dataclass
class Shelf:
    """Rows in memory, as a store gives them."""

    rows: Sequence[QuarantineEntry]

    def quarantine_after(self, after: int, through: int, limit: int) -> list[QuarantineEntry]:
        return [row for row in self.rows if after < row.quarantine_id <= through][:limit]

    def quarantine_last(self) -> int:
        return max((row.quarantine_id for row in self.rows), default=0)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2), st.sampled_from([b"x", b"y"]))), st.integers(1, 6))
@settings(max_examples=examples(200))
def test_every_row_is_given_once_with_all_others_of_its_message(
    drawn: list[tuple[int, int, bytes]], page_rows: int
) -> None:
    ordered = sorted(drawn, key=lambda one: one[0])
    rows = [row(at, commit, when, payload=data) for at, (commit, when, data) in enumerate(ordered, 1)]
    pages = list(kept_messages(Shelf(rows), page_rows))
    found = [message for page in pages for message in page]
    assert sorted(one.quarantine_id for message in found for one in message.rows) == [r.quarantine_id for r in rows]
    keys = [(m.rows[0].commit_id, m.received_us, m.payload) for m in found]
    assert len(keys) == len(set(keys)) == len({(r.commit_id, r.received_us, r.payload) for r in rows})
    for page in pages:
        assert [m.received_us for m in page] == sorted(m.received_us for m in page)


def test_what_comes_while_messages_are_taken_up_is_left_for_the_next_time() -> None:
    shelf = Shelf([row(1), row(2, commit=2)])
    pages = kept_messages(shelf, 1)
    next(pages)
    shelf.rows = [*shelf.rows, row(3, commit=3)]
    assert [m.rows[0].quarantine_id for page in pages for m in page] == [2]


def test_a_message_of_which_something_is_missing_is_not_whole() -> None:
    (page,) = kept_messages(Shelf([row(1), row(2, received_us=6, size=9), row(3, received_us=7, reason="oversized")]))
    assert [message.whole for message in page] == [True, False, False]


def test_a_choice_looks_at_reason_arrival_and_topic() -> None:
    (page,) = kept_messages(Shelf([row(1, reason="bad_unit"), row(2, received_us=9, topic="a/c")]))
    first, second = page
    assert Choice().takes(first)
    assert [Choice(reasons=("bad_unit", "empty")).takes(one) for one in page] == [True, False]
    assert [Choice(since_us=9).takes(one) for one in page] == [False, True]
    assert [Choice(topic="+/c").takes(one) for one in page] == [False, True]
    assert second.rows[0].quarantine_id == 2
