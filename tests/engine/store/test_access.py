"""Tokens and the audit: what is kept of them, and that a change and its note stand or fall together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import psycopg
import pytest

from engine.store import AccessBook, AuditEntry, Revoked, StoreError, TokenRow
from engine.store.access import TEXT_CHARS_MAX
from tests.engine.store.conftest import Query

NOW_US = 1_800_000_000_000_000
ENTRY = AuditEntry("root", "admin", "command", "here", "tokens new wall", 200)


@pytest.fixture
def book(url: str) -> Iterator[AccessBook]:
    with AccessBook.connect(url) as opened:
        yield opened


def token(name: str, number: int = 1, **fields: object) -> TokenRow:
    row = TokenRow(f"{number:08x}", hashlib.sha256(name.encode()).digest(), name, "viewer", NOW_US + number)
    return row._replace(**fields)


def test_a_token_comes_back_as_it_was_kept_newest_first(book: AccessBook) -> None:
    for number, name in enumerate(("wall", "ci")):
        assert book.add_token(token(name, number), ENTRY)
    assert book.tokens() == [token("ci", 1), token("wall", 0)]


def test_a_second_valid_token_of_a_name_is_refused_and_not_noted(book: AccessBook) -> None:
    assert book.add_token(token("wall", 1), ENTRY)
    assert not book.add_token(token("wall", 2), ENTRY)
    assert len(book.audit()) == 1
    assert book.revoke_token("wall", ENTRY) == [Revoked("00000001", "wall", "viewer")]
    assert book.add_token(token("wall", 2), ENTRY)


def test_a_revoked_or_expired_token_is_left_out_of_the_valid_ones_and_stays_in_the_list(book: AccessBook) -> None:
    book.add_token(token("old", 1, expires_us=1), ENTRY)
    book.add_token(token("gone", 2), ENTRY)
    book.add_token(token("here", 3), ENTRY)
    book.revoke_token("00000002", ENTRY)
    assert [row.name for row in book.tokens()] == ["here"]
    assert [row.name for row in book.tokens(valid_only=False)] == ["here", "gone", "old"]


def test_revoking_what_does_not_exist_changes_nothing_and_is_not_noted(book: AccessBook) -> None:
    assert book.revoke_token("nobody", ENTRY) == []
    assert book.audit() == []


def test_the_time_of_the_last_use_only_rises(book: AccessBook) -> None:
    book.add_token(token("wall", 1), ENTRY)
    book.used({"00000001": NOW_US + 5, "ffffffff": NOW_US})
    book.used({"00000001": NOW_US + 3})
    assert book.tokens()[0].used_us == NOW_US + 5


def test_the_first_key_stays(book: AccessBook, url: str) -> None:
    assert book.signing_key(b"a" * 32) == b"a" * 32
    with AccessBook.connect(url) as other:
        assert other.signing_key(b"b" * 32) == b"a" * 32


def test_a_token_whose_note_cannot_be_written_is_not_kept(book: AccessBook) -> None:
    with pytest.raises(StoreError):
        book.add_token(token("wall"), ENTRY._replace(how="by magic"))
    assert book.tokens() == []


def test_the_audit_takes_any_text_and_gives_it_newest_first_in_pages(book: AccessBook) -> None:
    for number in range(5):
        book.note(ENTRY._replace(result=200 + number, detail="a\0b\ud800" + "x" * 10_000))
    first = book.audit(limit=2)
    assert [row.entry.result for row in first] == [204, 203]
    assert [row.entry.result for row in book.audit(before=first[-1].audit_id)] == [202, 201, 200]
    assert first[0].entry.detail.startswith("a\N{REPLACEMENT CHARACTER}b?x")
    assert len(first[0].entry.detail) == TEXT_CHARS_MAX
    assert first[0].at_us > 1_600_000_000_000_000


def test_no_view_tells_a_digest_or_a_key(query: Query) -> None:
    columns = query(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'cityvitals'"
        " AND table_name IN ('v_access_token', 'v_audit')"
    )
    assert columns
    assert not {"digest", "key"} & {name for (name,) in columns}


def test_a_role_that_does_not_exist_cannot_be_kept(url: str, book: AccessBook) -> None:
    with pytest.raises(StoreError):
        book.add_token(token("wall", role="king"), ENTRY)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM cityvitals.access_token").fetchone() == (0,)
