"""Bearer tokens: how one looks, how it is made, and whether one is the one that is kept.

A token is `cvt_`, eight characters by which it is found, and 43 that nobody can guess. Only its SHA-256 is kept: the
secret has 256 random bits, so there is nothing that a slow hash would protect. Knows neither database nor requests.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

from engine.store import TokenRow

PREFIX = "cvt_"
"""So that a token that leaked is found where it should not be."""
_FORM = re.compile(r"cvt_([0-9a-f]{8})_[A-Za-z0-9_-]{43}\Z")
_NOBODY = bytes(32)


def make(name: str, role: str, now_us: int, days: int | None) -> tuple[str, TokenRow]:
    """Return a new token, to be shown once, and what is kept of it.

    Args:
        name: whom or what it is for.
        role: what it allows.
        now_us: the present.
        days: it holds for so long; None: until it is revoked.
    """
    token_id = secrets.token_hex(4)
    token = f"{PREFIX}{token_id}_{secrets.token_urlsafe(32)}"
    expires_us = None if days is None else now_us + days * 86_400_000_000
    return token, TokenRow(token_id, digest(token), name, role, now_us, expires_us)


def digest(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def found(token: str, known: Mapping[str, TokenRow], now_us: int) -> TokenRow | None:
    """Return the known token that this one is; None where it is none, or holds no more.

    Takes the same time whether the id is unknown or the secret wrong.
    """
    form = _FORM.match(token)
    row = None if form is None else known.get(form[1])
    same = hmac.compare_digest(digest(token), _NOBODY if row is None else row.digest)
    return row if row is not None and same and holds(row, now_us) else None


def holds(row: TokenRow, now_us: int) -> bool:
    """Say whether a token holds at a time."""
    return row.revoked_us is None and (row.expires_us is None or now_us < row.expires_us)
