"""Who may use the console, and the audit of what was changed through it.

Knows the tables of access; what a role allows, how a token looks and how one signs in are others'. Whoever changes
something calls `note` in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.store.binary import Timestamp
from engine.store.opening import Opened, opened
from engine.store.session import Session

STATEMENT_MS_MAX = 10_000
TOKENS_MAX = 10_000
"""Tokens at a time; far more than a city has people and programs."""
TEXT_CHARS_MAX = 500
_ID_END = 2**62


class TokenRow(NamedTuple):
    """A token as it is kept."""

    token_id: str
    digest: bytes
    """SHA-256 of the whole token."""
    name: str
    role: str
    created_us: int
    expires_us: int | None = None
    """Until when it holds, excluded; None: until it is revoked."""
    revoked_us: int | None = None
    used_us: int | None = None


class Revoked(NamedTuple):
    """A token that holds no more."""

    token_id: str
    name: str
    role: str


class AuditEntry(NamedTuple):
    """A change, or an attempt at one."""

    who: str
    """Name of the token or subject; empty where nobody signs in."""
    roles: str
    how: str
    """open, token, session, oidc or command."""
    origin: str
    action: str
    result: int
    """Status of HTTP; 200 for a command."""
    detail: str = ""


class AuditRow(NamedTuple):
    """An entry as it is kept."""

    audit_id: int
    at_us: int
    entry: AuditEntry


def note(session: Session, entry: AuditEntry) -> None:
    """Add an entry to the audit; in a transaction it stands or falls with it.

    Raises:
        StoreUnavailable, StoreError
    """
    session.run("audit_add", {k: v if isinstance(v, int) else _text(v) for k, v in entry._asdict().items()})


def _text(given: str) -> str:
    """Return a text that came from outside as the table can hold it: it takes neither NUL nor half a character."""
    return given[:TEXT_CHARS_MAX].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


class AccessBook(Opened):
    """A connection to tokens and audit."""

    @classmethod
    def connect(cls, url: str) -> AccessBook:
        """Return a book on a database whose schema is up to date.

        Raises:
            SchemaOutdated: the database's tables are of another version.
            StoreUnavailable, StoreError
        """
        return opened(url, "cityvitals access", STATEMENT_MS_MAX, cls)

    def tokens(self, *, valid_only: bool = True) -> list[TokenRow]:
        """Return the tokens, newest first; all that ever were without `valid_only`."""
        params = {"valid": valid_only, "limit": TOKENS_MAX}
        return [TokenRow(*row) for row in self._session.rows("access_tokens", params)]

    def add_token(self, token: TokenRow, entry: AuditEntry) -> bool:
        """Keep a new token; False when there is a valid one of this name."""
        params = {
            "token_id": token.token_id, "digest": token.digest, "name": token.name, "role": token.role,
            "created": Timestamp(token.created_us),
            "expires": None if token.expires_us is None else Timestamp(token.expires_us),
        }  # fmt: skip
        with self._session.transaction():
            added = self._session.run("access_token_add", params) == 1
            if added:
                note(self._session, entry)
        return added

    def revoke_token(self, which: str, entry: AuditEntry) -> list[Revoked]:
        """Let the token of this name or id hold no more, and return it; nothing where there is none."""
        with self._session.transaction():
            revoked = [Revoked(*row) for row in self._session.rows("access_token_revoke", {"which": which})]
            if revoked:
                note(self._session, entry)
        return revoked

    def used(self, used_us: Mapping[str, int]) -> None:
        """Note when tokens were used, by id."""
        with self._session.transaction():
            for token_id, time_us in used_us.items():
                self._session.run("access_token_used", {"token_id": token_id, "at": Timestamp(time_us)})

    def signing_key(self, new: bytes) -> bytes:
        """Return the key that signs cookies, which is the new one where there was none."""
        self._session.run("access_key_make", {"key": new})
        ((key,),) = self._session.rows("access_key")
        return bytes(key)

    def note(self, entry: AuditEntry) -> None:
        """Add an entry to the audit, on its own."""
        note(self._session, entry)

    def audit(self, *, before: int = _ID_END, limit: int = 100) -> list[AuditRow]:
        """Return entries, newest first.

        Args:
            before: those with a lower id.
            limit: so many at most.
        """
        rows = self._session.rows("audit_rows", {"before": before, "limit": limit})
        return [
            AuditRow(audit_id, at_us, AuditEntry(who, roles, how, origin, action, result, detail))
            for audit_id, at_us, who, roles, how, origin, action, result, detail in rows
        ]
