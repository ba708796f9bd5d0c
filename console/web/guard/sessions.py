"""The cookie of a page: who signed in, signed so that nobody can write one for himself.

Knows the cookie's text; knows neither requests nor tokens. It is no secret store: who has the cookie can read it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import msgspec

COOKIE = "cityvitals_session"
SECONDS_MAX = 30 * 86_400
"""A wall stays signed in for so long; its token may be revoked at any time."""
KEY_BYTES = 32
CHARS_MAX = 2_000


class Ticket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the cookie says.

    Attributes:
        who: name of the token, or the subject.
        roles: what they allow.
        how: what was shown at the sign-in, `token` or `oidc`.
        token_id: id of that token, so that revoking it ends the session; empty for an identity provider's.
        until_s: it holds before this time, in seconds since 1970.
    """

    who: str
    roles: tuple[str, ...]
    how: str
    token_id: str
    until_s: int


def sealed(ticket: Ticket, key: bytes) -> str:
    """Return the cookie's text."""
    body = base64.urlsafe_b64encode(msgspec.json.encode(ticket)).rstrip(b"=")
    return f"{body.decode()}.{_seal(body, key)}"


def opened(text: str, key: bytes, now_s: float) -> Ticket | None:
    """Return what a cookie says; None where it was not sealed with this key, or holds no more."""
    body, _, seal = text[: CHARS_MAX + 1].partition(".")
    if len(text) > CHARS_MAX or not text.isascii() or not hmac.compare_digest(seal, _seal(body.encode(), key)):
        return None
    try:
        ticket = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=Ticket)
    except (msgspec.DecodeError, binascii.Error):
        return None  # sealed by a version that wrote something else
    return ticket if now_s < ticket.until_s else None


def _seal(body: bytes, key: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, body, hashlib.sha256)).decode().rstrip("=")
