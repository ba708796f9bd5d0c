"""A token is known by its hash alone, and nothing but the whole of it counts."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.web.guard import tokens
from console.web.guard.tokens import found, holds, make
from engine.store import TokenRow

NOW_US = 1_800_000_000_000_000
DAY_US = 86_400_000_000


def known(*rows: TokenRow) -> dict[str, TokenRow]:
    return {row.token_id: row for row in rows}


def test_a_token_that_was_made_is_found_and_another_is_not() -> None:
    token, row = make("wall", "viewer", NOW_US, None)
    other, other_row = make("ci", "admin", NOW_US, None)
    assert found(token, known(row, other_row), NOW_US) == row
    assert found(other, known(row), NOW_US) is None


def test_nothing_of_the_secret_is_kept() -> None:
    token, row = make("wall", "viewer", NOW_US, None)
    secret = token.removeprefix(f"cvt_{row.token_id}_")
    assert len(secret) == 43
    assert secret not in repr(row)
    assert secret.encode() not in row.digest


@settings(deadline=None)
@given(st.text())
def test_no_other_text_is_a_token(text: str) -> None:
    _, row = make("wall", "viewer", NOW_US, None)
    assert found(text, known(row), NOW_US) is None
    assert found(f"cvt_{row.token_id}_{text}", known(row), NOW_US) is None


def test_one_changed_character_is_another_token() -> None:
    token, row = make("wall", "viewer", NOW_US, None)
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert found(changed, known(row), NOW_US) is None


def test_a_token_ends_when_it_expires_or_is_revoked() -> None:
    token, row = make("wall", "viewer", NOW_US, 2)
    assert found(token, known(row), NOW_US + 2 * DAY_US - 1) == row
    assert found(token, known(row), NOW_US + 2 * DAY_US) is None
    assert not holds(row._replace(revoked_us=NOW_US), NOW_US)


@pytest.mark.parametrize("which", ["right", "wrong secret", "unknown id", "no token"])
def test_hashes_are_compared_in_constant_time_whatever_is_shown(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token, row = make("wall", "viewer", NOW_US, None)
    shown = {
        "right": token,
        "wrong secret": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "unknown id": make("ci", "admin", NOW_US, None)[0],
        "no token": "let me in",
    }[which]
    compared: list[tuple[bytes, bytes]] = []
    original = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return original(one, other)

    monkeypatch.setattr(tokens.hmac, "compare_digest", compare)
    assert (found(shown, known(row), NOW_US) is not None) is (which == "right")
    assert [(len(one), len(other)) for one, other in compared] == [(32, 32)]
