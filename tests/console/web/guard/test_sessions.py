"""A cookie counts only as it was sealed, until it ends."""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.web.guard.sessions import CHARS_MAX, Ticket, opened, sealed

KEY, OTHER = b"k" * 32, b"o" * 32
TICKET = Ticket("wall", ("viewer",), "token", "0011aabb", 1_000)


def test_a_cookie_says_what_was_sealed() -> None:
    assert opened(sealed(TICKET, KEY), KEY, 999.9) == TICKET


def test_it_holds_no_longer_than_it_says() -> None:
    assert opened(sealed(TICKET, KEY), KEY, 1_000.0) is None


def test_another_key_opens_nothing() -> None:
    assert opened(sealed(TICKET, KEY), OTHER, 0.0) is None


def test_no_character_can_be_changed() -> None:
    text = sealed(TICKET, KEY)
    for place in range(len(text)):
        for other in "AQgw.":
            changed = text[:place] + other + text[place + 1 :]
            assert changed == text or opened(changed, KEY, 0.0) is None


@settings(deadline=None)
@given(st.text())
def test_no_text_is_a_fault_of_the_program(text: str) -> None:
    assert opened(text, KEY, 0.0) is None
    assert opened(f"{text}.", KEY, 0.0) is None


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"\xff", b"", msgspec.json.encode({**msgspec.to_builtins(TICKET), "x": 1})]
)
def test_what_another_version_sealed_counts_for_nothing(body: bytes) -> None:
    text = base64.urlsafe_b64encode(body).rstrip(b"=")
    seal = base64.urlsafe_b64encode(hmac.digest(KEY, text, hashlib.sha256)).decode().rstrip("=")
    assert opened(f"{text.decode()}.{seal}", KEY, 0.0) is None


def test_a_very_long_text_is_refused_unread() -> None:
    assert opened("A" * (CHARS_MAX + 1), KEY, 0.0) is None
