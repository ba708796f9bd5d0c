"""What a live page follows: the newest windows of every indicator, the account, the alerts, and that something changed.

Knows the figures of cities and zones; knows no page. Whoever writes figures or alerts tells the database's channels
(see `words`); where nobody does, asking now and then finds the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.store import alerts, reports, tables, words
from engine.store.alerts import Alert
from engine.store.opening import Opened, opened
from engine.store.session import Session
from engine.store.words import Word

STATEMENT_MS_MAX = 10_000
WINDOWS = 24
"""Windows of one indicator and scope that are looked at, the newest ones."""


class Account(NamedTuple):
    """What became of the readings of some commits."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    replayed: int = 0
    """Of the quarantined, those taken up again: received, and counted, once more."""


class LiveReader(Opened):
    """A connection that looks at what is newest."""

    def __init__(self, session: Session) -> None:
        """Wrap a session; use `connect`."""
        super().__init__(session)
        self._account, self._commit = Account(), 0
        self.recount()

    @classmethod
    def connect(cls, url: str) -> LiveReader:
        """Return a reader that is told of every writing from now on.

        Raises:
            SchemaOutdated: the database's tables are of another version.
            StoreUnavailable, StoreError
        """

        def listening(session: Session) -> LiveReader:
            words.listen(session, Word.WRITTEN, Word.ALERTS)
            return cls(session)

        return opened(url, "cityvitals live", STATEMENT_MS_MAX, listening)

    def wait_written(self, seconds_max: float) -> bool:
        """Wait until something was written since the last call; False when nothing was told for so long.

        Raises:
            StoreUnavailable
        """
        return words.wait(self._session, seconds_max)

    def windows(self, scope_kinds: Sequence[str]) -> list[reports.IndicatorReading]:
        """Return the newest `WINDOWS` of every listed indicator and scope of these kinds, by these and by start.

        Raises:
            StoreUnavailable, StoreError
        """
        params = {"kinds": list(scope_kinds), "depth": WINDOWS}
        return [reports.IndicatorReading(*row) for row in self._session.rows("live_windows", params)]

    def alerts(self, since_us: int, limit: int) -> list[Alert]:
        """Return alerts that stand or were cleared since a time, the newest first.

        Raises:
            StoreUnavailable, StoreError
        """
        return alerts.lately(self._session, since_us, limit)

    def alerts_open(self, now_us: int) -> dict[str, int]:
        """Return how many alerts stand and are not shelved, by severity.

        Raises:
            StoreUnavailable, StoreError
        """
        return alerts.counts(self._session, now_us)

    def account(self) -> Account:
        """Return what became of everything that was ever received, to which only the newest commits are added.

        Raises:
            StoreUnavailable, StoreError
        """
        ((commit, *sums),) = self._session.rows("live_account", {"after": self._commit})
        if commit is not None:
            self._commit = commit
            self._account = Account(*(int(old) + int(new) for old, new in zip(self._account, sums, strict=True)))
        return self._account

    def recount(self) -> None:
        """Take the account from all commits: adding the newest would miss one that was given its number earlier.

        Raises:
            StoreUnavailable, StoreError
        """
        with tables.one_moment(self._session):
            whole = reports.ledger_summary(self._session)
            newest = reports.ledger_rows(self._session, 1)
        self._account = Account(
            whole.received, whole.accepted, whole.duplicate, whole.quarantined, whole.replayed
        )  # fmt: skip
        self._commit = newest[0].commit_id if newest else 0
