"""What a live page follows: the newest windows of every indicator, how far they reach, and when something was written.

Knows the figures of cities and zones; knows no page. Whoever writes figures tells the channel `cityvitals_written`;
where nobody does, asking now and then finds the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Self

from engine.store import reports, tables
from engine.store.migrate import state_of
from engine.store.session import Session, our_errors

STATEMENT_MS_MAX = 10_000
WINDOWS = 24
"""Windows of one indicator and scope that are looked at, the newest ones."""


class Account(NamedTuple):
    """What became of the readings of some commits."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0


class LiveFacts(NamedTuple):
    """How far the figures reach, and the account."""

    data_to_us: int | None
    """Every reading before this time was counted; None before the first."""
    account: Account
    """Of everything that was ever received."""


class LiveReader:
    """A connection that looks at what is newest. Not for several threads at once."""

    def __init__(self, session: Session) -> None:
        """Wrap a session; use `connect`."""
        self._session = session
        self._account, self._commit = Account(), 0
        self.recount()

    @classmethod
    def connect(cls, url: str) -> LiveReader:
        """Return a reader that is told of every writing from now on.

        Raises:
            SchemaOutdated: the database's tables are of another version.
            StoreUnavailable, StoreError
        """
        session = Session(url, "cityvitals live", STATEMENT_MS_MAX)
        try:
            state_of(session).require_current()
            session.run("live_listen")
            return cls(session)
        except BaseException:
            session.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def wait_written(self, seconds_max: float) -> bool:
        """Wait until something was written since the last call; False when nothing was told for so long.

        Raises:
            StoreUnavailable
        """
        with our_errors():
            return bool(list(self._session.connection.notifies(timeout=seconds_max, stop_after=1)))

    def windows(self, scope_kinds: Sequence[str]) -> list[reports.IndicatorReading]:
        """Return the newest `WINDOWS` of every listed indicator and scope of these kinds, by these and by start.

        Raises:
            StoreUnavailable, StoreError
        """
        params = {"kinds": list(scope_kinds), "depth": WINDOWS}
        return [reports.IndicatorReading(*row) for row in self._session.rows("live_windows", params)]

    def facts(self) -> LiveFacts:
        """Return how far the figures reach, and the account, to which only the newest commits are added.

        Raises:
            StoreUnavailable, StoreError
        """
        ((data_to_us, commit, *sums),) = self._session.rows("live_facts", {"after": self._commit})
        if commit is not None:
            self._commit = commit
            self._account = Account(*(int(old) + int(new) for old, new in zip(self._account, sums, strict=True)))
        return LiveFacts(data_to_us, self._account)

    def recount(self) -> None:
        """Take the account from all commits: adding the newest would miss one that was given its number earlier.

        Raises:
            StoreUnavailable, StoreError
        """
        with tables.one_moment(self._session):
            whole = reports.ledger_summary(self._session)
            newest = reports.ledger_rows(self._session, 1)
        self._account = Account(whole.received, whole.accepted, whole.duplicate, whole.quarantined)
        self._commit = newest[0].commit_id if newest else 0
