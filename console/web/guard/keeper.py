"""What the guard knows of the database: tokens, the key of cookies, and the audit it writes.

One connection, used by one thread at a time. Tokens are read again every two seconds while somebody asks, so that a
revoked one ends soon and no request waits for the database. While the database is away, what was known goes on
holding: a wall must not go dark with it.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from console.web.guard.sessions import KEY_BYTES
from engine.store import AccessBook, AuditEntry, AuditRow, StoreError, StoreUnavailable, TokenRow

log = logging.getLogger("console")

FRESH_S = 2.0
USED_S = 60.0
"""The time of a token's last use is written at most this often."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known:
    """What was read last.

    Attributes:
        tokens: those that held then, by id.
        key: signs cookies.
        read_s: when, by a clock that only rises.
    """

    tokens: Mapping[str, TokenRow]
    key: bytes
    read_s: float


class Keeper:
    """Reads and writes; `known` is what was read last, None before."""

    def __init__(self, connect: Callable[[], AccessBook], clock_s: Callable[[], float]) -> None:
        """Prepare; nothing is read before the first request.

        Args:
            connect: opens the book; raises StoreError where the database is away.
            clock_s: seconds that only rise.
        """
        self._connect, self._clock_s = connect, clock_s
        self._lock = threading.Lock()
        self._book: AccessBook | None = None
        self._used: dict[str, int] = {}
        self._used_written_s = clock_s()
        self._tried_s: float | None = None
        self.known: Known | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether it was read, or tried in vain, a moment ago."""
        return self._tried_s is not None and self._clock_s() - self._tried_s < FRESH_S

    def refresh(self) -> None:
        """Read again, unless another thread just did; what was known stays where the database is away."""
        with self._lock:
            if self.is_fresh:
                return
            try:
                tokens, key = self._on(lambda book: (book.tokens(), book.signing_key(secrets.token_bytes(KEY_BYTES))))
                self.known = Known({token.token_id: token for token in tokens}, key, self._clock_s())
                self._write_used()
            except StoreError as error:
                log.warning("the tokens cannot be read; those known go on holding: %s", error)
            finally:
                self._tried_s = self._clock_s()

    def used(self, token_id: str, now_us: int) -> None:
        """Remember that a token was used; it is written with a later reading."""
        self._used[token_id] = now_us

    def note(self, entry: AuditEntry) -> None:
        """Write an entry of the audit.

        Raises:
            StoreUnavailable, StoreError
        """
        with self._lock:
            self._on(lambda book: book.note(entry))

    def audit(self, before: int | None, limit: int) -> list[AuditRow]:
        """Return entries of the audit; see `AccessBook.audit`.

        Raises:
            StoreUnavailable, StoreError
        """
        with self._lock:
            return self._on(
                lambda book: book.audit(limit=limit) if before is None else book.audit(before=before, limit=limit)
            )

    def close(self) -> None:
        """Close the connection, when the last use of every token is written."""
        with self._lock:
            try:
                if self._used:
                    self._on(lambda book: book.used(self._used))
            except StoreError as error:
                log.warning("when tokens were used last cannot be written: %s", error)
            self._drop()

    def _write_used(self) -> None:
        if self._used and self._clock_s() - self._used_written_s >= USED_S:
            written, self._used = self._used, {}
            self._on(lambda book: book.used(written))
            self._used_written_s = self._clock_s()

    def _on(self, work: Callable[[AccessBook], T]) -> T:
        """Return what `work` makes of the book; once more on a new connection where the old one had died."""
        if self._book is not None:
            try:
                return work(self._book)
            except StoreUnavailable:
                self._drop()
        self._book = self._connect()
        try:
            return work(self._book)
        except StoreError:
            self._drop()
            raise

    def _drop(self) -> None:
        if self._book is not None:
            self._book.close()
            self._book = None
